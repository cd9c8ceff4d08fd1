"""Settles what has expired, however late the engine comes to it."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from optionsengine.core.enums import Intent
from optionsengine.core.retry import database_retried
from optionsengine.market import calendar
from optionsengine.market.data import MarketError
from optionsengine.market.providers.base import MarketProvider
from optionsengine.ops.data import StageReport
from optionsengine.ops.enums import AlertLevel
from optionsengine.ops.services import alert_raise, alert_resolve
from orders.data import BrokerReport, Fill
from orders.enums import LIVE, OrderStatus
from orders.models import Order
from orders.services import exit_order_create, order_apply_report, order_cancel_for_settlement
from positions.enums import ExitReason, PositionStatus
from positions.models import Position
from positions.selectors import positions_watched
from positions.services.equity import equity_snapshot_take
from positions.services.exits import exit_failed
from positions.services.lifecycle import position_lock, position_reduce, position_transition
from positions.services.reported import reporting_signals_lock
from signals.models import Signal

SETTLEMENT = "settlement"
_PRICE_STEP = Decimal("0.0001")


def positions_settle(*, provider: MarketProvider, at: datetime) -> StageReport:
    """Close every expired position at its intrinsic value on the underlying's official close.

    Each is one transaction: a live exit order is cancelled, an exit order is filled by a trade of the broker and
    price source `settlement` without commission, the position is closed and its result booked. Trading state and
    session do not matter: nothing is sent. Without an official close it waits, with an alert; until the provider can
    have it, it waits without one.
    """
    equity_snapshot_take(at=at)  # what is settled today is lost or won today
    report = StageReport()
    closes: dict[tuple[str, date], Decimal | None] = {}
    # an option whose date is no session expires on the one before, so dates a few days ahead may be over already
    horizon = calendar.new_york_day(at) + timedelta(days=7)
    for position in positions_watched().filter(expiration__lte=horizon).order_by("expiration", "pk"):
        expires_at = calendar.expiry_at(position.expiration)
        if at < expires_at + provider.settles_after:
            continue
        report.claimed += 1
        key = (position.underlying, calendar.new_york_day(expires_at))
        try:
            if key not in closes:
                closes[key] = _official_close(provider, *key, at=at)
            close = closes[key]
            if close is None:
                report.deferred += 1
            else:
                report.done += _settle(position.pk, close, expires_at, at)
        except Exception:  # noqa: BLE001 - logged by `exit_failed`
            exit_failed(position, at=at)
            report.failed += 1
    return report


def _official_close(provider: MarketProvider, underlying: str, day: date, *, at: datetime) -> Decimal | None:
    cause = f"unsettled:{underlying}:{day.isoformat()}"
    try:
        close = provider.official_close(underlying, day)
    except MarketError as error:
        reason = error.message
    else:
        if close.is_finite() and close > 0:
            alert_resolve(cause=cause, at=at)
            return close
        reason = f"the provider says {close}"
    alert_raise(
        cause=cause,
        level=AlertLevel.CRITICAL,
        message=f"options of {underlying} expired on {day.isoformat()} wait for its official close: {reason}",
        at=at,
    )
    return None


@database_retried
def _settle(pk: UUID, close: Decimal, expires_at: datetime, at: datetime) -> bool:
    """Settle one position; False when somebody else did."""
    with transaction.atomic():
        # signals before orders before positions, like everywhere
        reporting_signals_lock(Order.objects.filter(entry_order__position=pk))
        list(Signal.objects.select_for_update(no_key=True, of=("self",)).filter(positions=pk))
        exits = Order.objects.filter(entry_order__position=pk, intent=Intent.EXIT, status__in=LIVE)
        working = list(exits.select_for_update(no_key=True, of=("self",)).order_by("pk"))
        position = position_lock(pk)
        if position is None or position.status == PositionStatus.CLOSED:
            return False
        for order in working:
            order_cancel_for_settlement(order=order, at=at)
        order = exit_order_create(
            entry_order=position.entry_order, quantity=position.quantity, exit_reason=ExitReason.EXPIRED, at=at
        )
        if position.status == PositionStatus.OPEN:
            position_transition(position=position, to=PositionStatus.CLOSING, reason=ExitReason.EXPIRED, at=at)
        fill = Fill(
            execution_id=f"{order.client_order_id}-1",
            quantity=position.quantity,
            price=position.contract.intrinsic(close).quantize(_PRICE_STEP),
            commission=Decimal(0),
            executed_at=at,
            bid=None,
            ask=None,
            quote_at=expires_at,
            source=SETTLEMENT,
        )
        trades = order_apply_report(
            order=order, report=BrokerReport(OrderStatus.FILLED, (fill,)), broker=SETTLEMENT, at=at
        )
        Position.objects.filter(pk=pk).update(underlying_price=close)
        position_reduce(exit_order=order, trades=trades, at=at)
        return True
