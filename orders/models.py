"""Orders, what happened to them, and the trades that filled them."""

from django.db import models
from django.db.models import F, Q

from experiments.models import Recommendation
from optionsengine.core.enums import Engine, Intent, Mode
from optionsengine.core.models import ContractRow, Leased, MutableRow, Row, bounded, one_of, price_field
from orders.enums import LIVE, OrderAction, OrderStatus, OrderType
from signals.models import Signal


class Order(MutableRow, Leased, ContractRow):
    """One order. An exit order references the entry order it closes, so a position is found without a guess."""

    client_order_id = models.CharField(max_length=80)
    signal = models.ForeignKey(Signal, on_delete=models.PROTECT, related_name="orders", help_text="The entry signal.")
    recommendation = models.OneToOneField(
        Recommendation, null=True, blank=True, on_delete=models.PROTECT, related_name="order"
    )
    entry_order = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="exit_orders")
    exit_signal = models.ForeignKey(Signal, null=True, blank=True, on_delete=models.PROTECT, related_name="exit_orders")
    engine = models.CharField(max_length=1, choices=Engine.choices)
    mode = models.CharField(max_length=10, choices=Mode.choices)
    is_test = models.BooleanField(default=False)
    intent = models.CharField(max_length=5, choices=Intent.choices)
    action = models.CharField(max_length=15, choices=OrderAction.choices)
    order_type = models.CharField(max_length=10, choices=OrderType.choices)
    limit_price = price_field(null=True, blank=True)
    quantity = models.PositiveIntegerField()
    filled_quantity = models.PositiveIntegerField(default=0)
    average_price = price_field(null=True, blank=True)
    status = models.CharField(max_length=20, choices=OrderStatus.choices, default=OrderStatus.PENDING_EXECUTION)
    reason = models.CharField(max_length=60, blank=True, help_text="Why it waits or ended; for an exit, its rule.")
    exit_reason = models.CharField(max_length=40, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Entries only; exits never expire.")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "orders"
        indexes = [
            models.Index(
                fields=["created_at"], condition=Q(status__in=LIVE, intent="entry"), name="orders_claimable_entries"
            ),
            models.Index(
                fields=["created_at"], condition=Q(status__in=LIVE, intent="exit"), name="orders_claimable_exits"
            ),
            models.Index(fields=["-created_at"], name="orders_newest"),
            models.Index(fields=["status", "-created_at"], name="orders_by_status"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["client_order_id"], name="orders_client_order_id"),
            models.UniqueConstraint(
                fields=["signal", "engine"], condition=Q(intent="entry", status__in=LIVE), name="orders_one_live_entry"
            ),
            models.UniqueConstraint(
                fields=["entry_order"], condition=Q(intent="exit", status__in=LIVE), name="orders_one_live_exit"
            ),
            models.CheckConstraint(condition=~Q(client_order_id=""), name="orders_client_order_id_present"),
            models.CheckConstraint(
                condition=Q(intent="entry", entry_order=None, action="buy_to_open", expires_at__isnull=False)
                | Q(intent="exit", entry_order__isnull=False, action="sell_to_close", expires_at=None)
                & ~Q(exit_reason=""),
                name="orders_intent_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(quantity__gt=0) & Q(filled_quantity__lte=F("quantity")),
                name="orders_filled_at_most_quantity",
            ),
            models.CheckConstraint(
                condition=Q(order_type="limit", limit_price__isnull=False) | Q(order_type="market", limit_price=None),
                name="orders_limit_has_price",
            ),
            one_of("orders_status", "status", OrderStatus.values),
            one_of("orders_mode", "mode", Mode.values),
            one_of("orders_engine", "engine", Engine.values),
            bounded("orders_price_bounds", strike=None, limit_price=None, average_price=None),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.quantity} {self.option_symbol}"


class OrderEvent(Row):
    """One status change of an order, with its reason."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="changes")
    from_status = models.CharField(max_length=20, blank=True)
    to_status = models.CharField(max_length=20)
    reason = models.CharField(max_length=60, blank=True)
    message = models.TextField(blank=True)
    actor = models.CharField(max_length=150, default="engine")

    class Meta:
        db_table = "order_events"
        indexes = [models.Index(fields=["order", "created_at"], name="order_events_by_order")]

    def __str__(self) -> str:
        return f"{self.from_status or 'new'} → {self.to_status}"


class Trade(Row):
    """One execution. `created_at` is when it executed; the quote it filled against is kept beside it."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="trades")
    broker = models.CharField(max_length=20)
    execution_id = models.CharField(max_length=100)
    quantity = models.PositiveIntegerField()
    price = price_field()
    commission = models.DecimalField(max_digits=14, decimal_places=2)
    bid = price_field(null=True, blank=True)
    ask = price_field(null=True, blank=True)
    quote_at = models.DateTimeField(null=True, blank=True)
    price_source = models.CharField(max_length=20, help_text="The provider of the quote; `settlement` at expiry.")

    class Meta:
        db_table = "trades"
        indexes = [models.Index(fields=["-created_at"], name="trades_newest")]
        constraints = [
            models.UniqueConstraint(fields=["broker", "execution_id"], name="trades_one_per_execution"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="trades_quantity_positive"),
            bounded("trades_price_bounds", price=None, bid=None, ask=None),
            bounded("trades_commission_bounds", maximum=10**12, commission=None),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} at {self.price}"
