"""What lists of positions and of exit rules can be narrowed by."""

from django_filters import UUIDFilter

from optionsengine.core.filters import RowFilter, SymbolFilter
from positions.models import ExitRule, Position


class PositionFilter(RowFilter):
    symbol = SymbolFilter(field_name="underlying")
    signal = UUIDFilter(field_name="signal_id")

    class Meta:
        model = Position
        fields = ("status", "side", "engine", "mode", "is_test")


class ExitRuleFilter(RowFilter):
    class Meta:
        model = ExitRule
        fields = ("scope", "target", "is_enabled", "action")
