"""What a list of positions can be narrowed by."""

from django_filters import UUIDFilter

from optionsengine.core.filters import RowFilter, SymbolFilter
from positions.models import Position


class PositionFilter(RowFilter):
    symbol = SymbolFilter(field_name="underlying")
    signal = UUIDFilter(field_name="signal_id")

    class Meta:
        model = Position
        fields = ("status", "side", "engine", "mode", "is_test")
