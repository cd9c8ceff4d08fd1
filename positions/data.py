"""Positions as frozen values: what the exit rules see and say."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from optionsengine.core.values import OptionContract
from positions.enums import AlertPriority, AlertUrgency, ExitAction, ExitReason, PositionStatus, RecommendedAction


@dataclass(frozen=True, slots=True)
class ExitPolicy:
    """When to close; None switches a rule off. Percents are 0–100 of the entry premium, `min_dte` is days."""

    name: str = "built-in default"
    action: ExitAction = ExitAction.CLOSE
    profit_target_percent: Decimal | None = Decimal(50)
    stop_loss_percent: Decimal | None = Decimal(50)
    trailing_activation_percent: Decimal | None = Decimal(20)
    trailing_distance_percent: Decimal | None = Decimal(15)
    max_hold_sessions: int | None = 5
    min_dte: Decimal | None = Decimal(1)


@dataclass(frozen=True, slots=True)
class PositionView:
    """What an exit rule may know of a position. Prices are per share; `bid` is what it can be sold for."""

    id: UUID
    contract: OptionContract
    engine: str
    setup_type: str
    status: PositionStatus
    quantity: int
    entry_price: Decimal
    bid: Decimal | None
    marked_at: datetime | None
    trailing_stop: Decimal | None
    opened_at: datetime
    close_requested: str


@dataclass(frozen=True, slots=True)
class HoldFacts:
    """What the calendar says of a position at one moment.

    `entry_dte` and `dte` are days to the expiry with their fraction; `expires_in_days` counts New York dates;
    `minutes_to_close` is None while the market is closed; `sessions_held` counts sessions that opened after the one
    of the entry.
    """

    dte: float
    entry_dte: float
    expires_in_days: int
    minutes_to_close: float | None
    sessions_held: int


@dataclass(frozen=True, slots=True)
class ExitHit:
    """One exit rule that hit: the value it saw against its threshold, and how a person should take it."""

    reason: ExitReason
    value: str
    threshold: str
    priority: AlertPriority
    urgency: AlertUrgency
    recommended_action: RecommendedAction


@dataclass(frozen=True, slots=True)
class ReportedPnl:
    """What the sender says its exit made and what our real positions made, in dollars; None while one is open."""

    reported: Decimal
    ours: Decimal | None
    differs: bool
