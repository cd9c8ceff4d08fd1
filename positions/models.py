"""Positions, their marks, the rules that close them, and what each made."""

from typing import Any

import pghistory
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from experiments.enums import SetupType
from optionsengine.core.enums import Engine, Mode, Side
from optionsengine.core.models import (
    MONEY_LIMIT,
    ContractRow,
    MutableRow,
    Row,
    bounded,
    money_field,
    one_of,
    price_field,
)
from orders.models import Order
from positions.enums import AlertPriority, AlertUrgency, ExitAction, PositionStatus, RecommendedAction, RuleScope
from signals.models import Signal


class Position(MutableRow, ContractRow):
    """One bought option, from its entry fill to its close. Prices are per share, money is in dollars."""

    entry_order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="position")
    signal = models.ForeignKey(Signal, on_delete=models.PROTECT, related_name="positions")
    engine = models.CharField(max_length=1, choices=Engine.choices)
    mode = models.CharField(max_length=10, choices=Mode.choices)
    is_test = models.BooleanField(default=False)
    side = models.CharField(max_length=5, choices=Side.choices)
    setup_type = models.CharField(max_length=20, choices=SetupType.choices)
    status = models.CharField(max_length=10, choices=PositionStatus.choices, default=PositionStatus.OPEN)
    quantity = models.PositiveIntegerField(help_text="Contracts still open.")
    opened_quantity = models.PositiveIntegerField()
    entry_price = price_field(help_text="Average fill per share.")
    cost_basis = money_field(help_text="Premium paid for all contracts ever opened, commissions apart.")
    open_cost = money_field(help_text="Paid for the contracts still open, their entry commission included.")
    initial_risk = money_field(help_text="1 R: cost basis × the stop in force at entry (all of it without a stop).")
    entry_commission = money_field()
    exit_commission = money_field(default=0)
    realized_pnl = money_field(default=0, help_text="Of closed contracts, commissions of both sides included.")
    data_source = models.CharField(max_length=20, help_text="The provider its entry was priced by.")
    mark = price_field(null=True, blank=True)
    bid = price_field(null=True, blank=True)
    ask = price_field(null=True, blank=True)
    underlying_price = price_field(null=True, blank=True)
    marked_at = models.DateTimeField(null=True, blank=True, help_text="When the market last quoted it usably.")
    unrealized_pnl = money_field(
        null=True, blank=True, help_text="Of the open contracts: what the bid would pay, less open cost."
    )
    high_water_mark = price_field(help_text="The best bid seen, at least the entry price.")
    trailing_stop = price_field(null=True, blank=True)
    greeks = models.JSONField(default=dict, blank=True)
    entry_greeks = models.JSONField(default=dict, blank=True)
    entry_bias = models.JSONField(default=dict, blank=True)
    close_requested = models.CharField(max_length=40, blank=True, help_text="An exit a person or a signal asked for.")
    exit_reason = models.CharField(max_length=40, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "positions"
        indexes = [
            models.Index(fields=["id"], condition=~Q(status="closed"), name="positions_watched"),
            models.Index(fields=["underlying"], condition=~Q(status="closed"), name="positions_watched_by_symbol"),
            models.Index(fields=["-created_at"], name="positions_newest"),
            models.Index(fields=["status", "-created_at"], name="positions_by_status"),
            models.Index(fields=["-closed_at"], condition=Q(status="closed"), name="positions_closed"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="closed", quantity=0, closed_at__isnull=False) & ~Q(exit_reason="")
                | ~Q(status="closed") & Q(quantity__gt=0, closed_at=None),
                name="positions_closed_when_empty",
            ),
            models.CheckConstraint(
                condition=Q(opened_quantity__gt=0) & Q(quantity__lte=F("opened_quantity")),
                name="positions_quantity_bounds",
            ),
            one_of("positions_status", "status", PositionStatus.values),
            one_of("positions_mode", "mode", Mode.values),
            bounded(
                "positions_price_bounds",
                entry_price=None,
                mark=None,
                bid=None,
                ask=None,
                underlying_price=None,
                high_water_mark=None,
                trailing_stop=None,
                strike=None,
            ),
            bounded(
                "positions_money_bounds",
                maximum=MONEY_LIMIT,
                cost_basis=None,
                open_cost=None,
                initial_risk=None,
                entry_commission=None,
                exit_commission=None,
            ),
            bounded(
                "positions_pnl_bounds",
                minimum=-MONEY_LIMIT,
                maximum=MONEY_LIMIT,
                realized_pnl=None,
                unrealized_pnl=None,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} {self.option_symbol} {self.status}"


class PositionEvent(Row):
    """One status change of a position, with its reason."""

    position = models.ForeignKey(Position, on_delete=models.PROTECT, related_name="changes")
    from_status = models.CharField(max_length=10, blank=True)
    to_status = models.CharField(max_length=10)
    reason = models.CharField(max_length=60, blank=True)
    message = models.TextField(blank=True)
    actor = models.CharField(max_length=150, default="engine")

    class Meta:
        db_table = "position_events"
        indexes = [models.Index(fields=["position", "created_at"], name="position_events_by_position")]

    def __str__(self) -> str:
        return f"{self.from_status or 'new'} → {self.to_status}"


class PositionMark(Row):
    """The price of a position at one moment (`created_at`), and where its stop trailed to."""

    position = models.ForeignKey(Position, on_delete=models.PROTECT, related_name="marks")
    mark = price_field()
    bid = price_field()
    ask = price_field()
    underlying_price = price_field(null=True, blank=True)
    unrealized_pnl = money_field()
    trailing_stop = price_field(null=True, blank=True)
    iv = models.FloatField(null=True, blank=True)
    delta = models.FloatField(null=True, blank=True)
    source = models.CharField(max_length=20)
    quote_at = models.DateTimeField()

    class Meta:
        db_table = "position_marks"
        indexes = [models.Index(fields=["position", "-created_at"], name="position_marks_newest")]
        constraints = [
            models.UniqueConstraint(fields=["position", "created_at"], name="position_marks_once"),
            bounded(
                "position_marks_price_bounds", mark=None, bid=None, ask=None, underlying_price=None, trailing_stop=None
            ),
            bounded("position_marks_pnl_bounds", minimum=-MONEY_LIMIT, maximum=MONEY_LIMIT, unrealized_pnl=None),
            bounded("position_marks_greek_bounds", minimum=-1000, maximum=1000, iv=None, delta=None),
        ]

    def __str__(self) -> str:
        return f"bid {self.bid}, ask {self.ask}"


def _percent(default: str | None, help_text: str, *, maximum: int = 1000) -> "models.DecimalField[Any, Any]":
    return models.DecimalField(
        max_digits=6,
        decimal_places=2,
        null=True,
        blank=True,
        default=default,
        help_text=help_text,
        validators=[MinValueValidator(1), MaxValueValidator(maximum)],
    )


@pghistory.track()
class ExitRule(MutableRow):
    """When to close. An empty field switches its rule off; with no row at all the built-in default watches."""

    name = models.CharField(max_length=80)
    scope = models.CharField(max_length=10, choices=RuleScope.choices, default=RuleScope.GLOBAL)
    target = models.CharField(max_length=40, blank=True, help_text="Engine, setup, symbol or position id of its scope.")
    is_enabled = models.BooleanField(default=True)
    action = models.CharField(max_length=10, choices=ExitAction.choices, default=ExitAction.CLOSE)
    profit_target_percent = _percent("50", "Close at this gain on the premium.")
    stop_loss_percent = _percent("50", "Close at this loss of the premium.", maximum=100)
    trailing_activation_percent = _percent("20", "The trailing stop starts at this gain.")
    trailing_distance_percent = _percent("15", "It follows the best bid at this distance.", maximum=99)
    max_hold_sessions = models.PositiveSmallIntegerField(
        null=True, blank=True, default=5, validators=[MinValueValidator(1)], help_text="Close after this many sessions."
    )
    min_dte = models.DecimalField(
        max_digits=5,
        decimal_places=2,
        null=True,
        blank=True,
        default="1",
        validators=[MinValueValidator(0)],
        help_text="Close when fewer days than this are left.",
    )

    class Meta:
        db_table = "exit_rules"
        constraints = [
            models.UniqueConstraint(
                fields=["scope", "target"], condition=Q(is_enabled=True), name="exit_rules_one_enabled"
            ),
            one_of("exit_rules_scope", "scope", RuleScope.values),
            one_of("exit_rules_action", "action", ExitAction.values),
            models.CheckConstraint(
                condition=Q(scope="global", target="") | ~Q(scope="global") & ~Q(target=""),
                name="exit_rules_target_by_scope",
            ),
            bounded(
                "exit_rules_percent_bounds",
                minimum=1,
                maximum=1001,
                profit_target_percent=None,
                stop_loss_percent=None,
                trailing_activation_percent=None,
                trailing_distance_percent=None,
            ),
            models.CheckConstraint(
                condition=Q(trailing_activation_percent=None, trailing_distance_percent=None)
                | Q(trailing_activation_percent__isnull=False, trailing_distance_percent__isnull=False),
                name="exit_rules_trailing_is_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ExitAlert(MutableRow):
    """An exit rule that hit and closes nothing by itself, or a close a person should know of."""

    position = models.ForeignKey(Position, on_delete=models.PROTECT, related_name="alerts")
    reason = models.CharField(max_length=40)
    priority = models.CharField(max_length=10, choices=AlertPriority.choices)
    urgency = models.CharField(max_length=10, choices=AlertUrgency.choices)
    recommended_action = models.CharField(max_length=30, choices=RecommendedAction.choices)
    details = models.JSONField(default=dict)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "exit_alerts"
        constraints = [
            models.UniqueConstraint(
                fields=["position", "reason"], condition=Q(resolved_at=None), name="exit_alerts_one_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.priority} {self.reason}"


class EquitySnapshot(Row):
    """The account's equity as a date in New York began, in dollars; what the day lost is measured from it."""

    new_york_date = models.DateField()
    equity = money_field()

    class Meta:
        db_table = "equity_snapshots"
        constraints = [
            models.UniqueConstraint(fields=["new_york_date"], name="equity_snapshots_one_a_day"),
            bounded("equity_snapshots_equity_bounds", minimum=-MONEY_LIMIT, maximum=MONEY_LIMIT, equity=None),
        ]

    def __str__(self) -> str:
        return f"{self.new_york_date} {self.equity}"


class BiasTradePerformance(Row):
    """What one closed position made, in dollars, percent and R, with the bias it was entered under."""

    position = models.OneToOneField(Position, on_delete=models.PROTECT, related_name="performance")
    symbol = models.CharField(max_length=16)
    side = models.CharField(max_length=5, choices=Side.choices)
    engine = models.CharField(max_length=1, choices=Engine.choices)
    setup_type = models.CharField(max_length=20, choices=SetupType.choices)
    source = models.CharField(max_length=10, help_text="live, paper, shadow, or simulated.")
    is_test = models.BooleanField(default=False)
    pnl = money_field()
    pnl_percent = models.FloatField()
    pnl_r = models.FloatField(help_text="1 R = cost basis × stop percent.")
    session_minutes = models.PositiveIntegerField(help_text="Minutes held while the market was open.")
    entry_bias = models.JSONField(default=dict, blank=True)
    exit_codes = models.JSONField(default=list)

    class Meta:
        db_table = "bias_trade_performance"
        indexes = [models.Index(fields=["-created_at"], name="performance_newest")]
        constraints = [
            bounded("performance_pnl_bounds", minimum=-MONEY_LIMIT, maximum=MONEY_LIMIT, pnl=None),
            bounded("performance_ratio_bounds", minimum=-1e9, maximum=1e9, pnl_percent=None, pnl_r=None),
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.side} {self.pnl}"
