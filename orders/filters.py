"""What lists of orders and trades can be narrowed by."""

from django_filters import BooleanFilter, ChoiceFilter, UUIDFilter

from optionsengine.core.enums import Engine, Mode, Side
from optionsengine.core.filters import RowFilter, SymbolFilter
from orders.models import Order, Trade


class OrderFilter(RowFilter):
    symbol = SymbolFilter(field_name="underlying")
    side = ChoiceFilter(field_name="signal__side", choices=Side.choices, label="Side of the entry signal")
    signal = UUIDFilter(field_name="signal_id")

    class Meta:
        model = Order
        fields = ("status", "intent", "engine", "mode", "is_test")


class TradeFilter(RowFilter):
    symbol = SymbolFilter(field_name="order__underlying")
    engine = ChoiceFilter(field_name="order__engine", choices=Engine.choices)
    side = ChoiceFilter(field_name="order__signal__side", choices=Side.choices, label="Side of the entry signal")
    mode = ChoiceFilter(field_name="order__mode", choices=Mode.choices)
    is_test = BooleanFilter(field_name="order__is_test")
    order = UUIDFilter(field_name="order_id")

    class Meta:
        model = Trade
        fields = ("broker",)
