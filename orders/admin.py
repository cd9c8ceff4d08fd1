"""Orders, their events and trades, to read: they change only through the state machine."""

from django.contrib import admin

from optionsengine.core.admin import BAD, GOOD, NOTED, WAITING, LedgerAdmin, badge
from orders.models import Order, OrderEvent, Trade

STATUSES = {
    "pending_execution": WAITING,
    "submitting": WAITING,
    "submitted": WAITING,
    "partially_filled": NOTED,
    "filled": GOOD,
    "unknown": BAD,
    "rejected": BAD,
    "failed": BAD,
}
MODES = {"live": BAD, "paper": NOTED}


@admin.register(Order)
class OrderAdmin(LedgerAdmin):
    list_display = (
        "created_at",
        "shown_status",
        "intent",
        "option_symbol",
        "order_type",
        "shown_quantity",
        "limit_price",
        "average_price",
        "engine",
        "shown_mode",
        "is_test",
        "reason",
    )
    list_filter = ("status",)
    exact_search = ("client_order_id", "underlying")

    @badge("status", STATUSES)
    def shown_status(self, row: Order) -> str:
        return row.status

    @badge("mode", MODES)
    def shown_mode(self, row: Order) -> str:
        return row.mode

    @admin.display(description="filled")
    def shown_quantity(self, row: Order) -> str:
        return f"{row.filled_quantity} of {row.quantity}"


@admin.register(OrderEvent)
class OrderEventAdmin(LedgerAdmin):
    list_display = ("created_at", "order", "from_status", "to_status", "reason", "message", "actor")
    list_select_related = ("order",)


@admin.register(Trade)
class TradeAdmin(LedgerAdmin):
    list_display = (
        "created_at",
        "order",
        "quantity",
        "price",
        "commission",
        "bid",
        "ask",
        "shown_source",
        "broker",
        "execution_id",
    )
    list_select_related = ("order",)

    @badge("price source", {"simulated": WAITING, "settlement": NOTED})
    def shown_source(self, row: Trade) -> str:
        return row.price_source
