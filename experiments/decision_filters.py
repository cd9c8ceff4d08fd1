"""What a list of decisions can be narrowed by."""

from django_filters import BooleanFilter, CharFilter, ChoiceFilter, UUIDFilter

from experiments.models import DecisionRound
from optionsengine.core.enums import Engine, Side
from optionsengine.core.filters import RowFilter, SymbolFilter


class DecisionFilter(RowFilter):
    symbol = SymbolFilter(field_name="experiment__signal__symbol")
    signal = UUIDFilter(field_name="experiment__signal_id")
    side = ChoiceFilter(field_name="experiment__signal__side", choices=Side.choices, label="Side")
    engine = ChoiceFilter(field_name="experiment__variant", choices=Engine.choices, label="Real engine")
    is_test = BooleanFilter(field_name="experiment__signal__is_test")
    code = CharFilter(field_name="code", label="Code of the gate that decided")

    class Meta:
        model = DecisionRound
        fields = ("outcome", "execution_mode", "rules_version", "config_version")
