"""What a list of signals can be narrowed by."""

from django_filters import ChoiceFilter

from optionsengine.core.enums import Engine
from optionsengine.core.filters import RowFilter, SymbolFilter
from signals.models import Signal


class SignalFilter(RowFilter):
    symbol = SymbolFilter(field_name="symbol")
    engine = ChoiceFilter(field_name="experiment__variant", choices=Engine.choices, label="Real engine")

    class Meta:
        model = Signal
        fields = ("status", "side", "intent", "is_test")
