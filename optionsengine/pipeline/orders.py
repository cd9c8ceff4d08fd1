"""From an approved recommendation to an order, to its fill, to an open or closed position."""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from experiments.models import Recommendation
from experiments.selectors import recommendations_unordered
from optionsengine.core.enums import Intent, Mode
from optionsengine.core.leases import MAX_ATTEMPTS, LeaseLostError, lease_claims, lease_lock, lease_release, lease_retry
from optionsengine.core.retry import database_retried, database_retry
from optionsengine.market.providers.base import MarketProvider
from optionsengine.ops.data import StageReport
from optionsengine.ops.enums import Flag, TradingStatus
from optionsengine.ops.selectors import flag_get, trading_status_get
from optionsengine.pipeline.enums import PipelineCode
from optionsengine.pipeline.frozen import FrozenEntry, frozen_entry
from orders.data import BrokerReport
from orders.enums import FINAL, LIVE, OrderCode, OrderStatus
from orders.models import Order
from orders.rules import paper_fill
from orders.selectors import broker_get, order_request, orders_claimable
from orders.services import entry_order_create, order_apply_report, order_quarantine, order_transition, orders_expire
from positions.enums import BY_PERSON
from positions.services import greeks_of, position_open, position_reduce, reporting_signals_lock
from signals.enums import SignalStatus
from signals.models import Signal
from signals.services import signal_transition

logger = logging.getLogger(__name__)
MOST = 1000  # rows a pass looks at


def orders_create(*, at: datetime, only: UUID | None = None) -> StageReport:
    """Make one order of each approved recommendation that has none: all of them, or those of signal `only`.

    A shadow order is filled in the same transaction from the quote its decision was made on.
    """
    report = StageReport()
    waiting = recommendations_unordered()
    if only is not None:
        waiting = waiting.filter(signal_id=only)
    for pk in list(waiting.values_list("pk", flat=True)[:MOST]):
        report.claimed += 1
        try:
            _order_create(pk, at=at)
        except Exception:
            logger.exception("creating the order of recommendation %s failed", pk)
            report.failed += 1
        else:
            report.done += 1
    return report


@database_retried
def _order_create(recommendation_id: UUID, *, at: datetime) -> None:
    with transaction.atomic():
        recommendation = Recommendation.objects.select_related("decision").get(pk=recommendation_id)
        # signals before orders; the signal's row serialises two creators, and the second finds the first one's order
        Signal.objects.select_for_update().get(pk=recommendation.signal_id)
        order = entry_order_create(recommendation=recommendation, at=at)
        if order.mode == Mode.SHADOW and order.status == OrderStatus.PENDING_EXECUTION:
            _shadow_follow(order, recommendation, at=at)


def _shadow_follow(order: Order, recommendation: Recommendation, *, at: datetime) -> None:
    """Fill a shadow order, or end it where its flag is off: its recommendation is used up either way."""
    if flag_get(Flag.ENABLE_SHADOW_EXECUTION).is_enabled:
        _shadow_fill(order, recommendation, at=at)
        return
    order_transition(
        order=order,
        to=OrderStatus.CANCELLED,
        reason=OrderCode.SHADOW_OFF,
        at=at,
        message=f"{Flag.ENABLE_SHADOW_EXECUTION.value} is off: what does not trade is not followed",
    )


def _shadow_fill(order: Order, recommendation: Recommendation, *, at: datetime) -> None:
    """Fill a shadow order at once from the frozen quote: the same market the real engine decided on."""
    frozen = frozen_entry(recommendation)
    report = paper_fill(
        order_request(order),
        frozen.quote,
        recommendation.created_at,  # the decision's own moment: the quote was as fresh then as it was for the gates
        True,
        cross=settings.PAPER_FILL_CROSS,
        commission_per_contract=settings.COMMISSION_PER_CONTRACT,
        quote_max_age_seconds=settings.QUOTE_MAX_AGE_SECONDS,
    )
    order_transition(order=order, to=OrderStatus.SUBMITTING, reason="", at=at)
    _report_apply(order, report, broker=Mode.SHADOW.value, frozen=frozen, at=at)


def orders_execute(intent: Intent, *, provider: MarketProvider, at: datetime, only: UUID | None = None) -> StageReport:
    """Send or poll every due order of `intent` and book its fills: all of them, or those of signal `only`."""
    report = StageReport()
    if intent == Intent.ENTRY and only is None:
        orders_expire(at=at)
    rows = orders_claimable(intent)
    if only is not None:
        rows = rows.filter(signal_id=only)
    for pk, token in lease_claims(rows, at=at):
        report.claimed += 1
        try:
            is_filled = _order_execute(pk, token, provider=provider, at=at)
        except LeaseLostError:
            continue
        except Exception:
            logger.exception("executing order %s failed", pk)
            lease_retry(Order, pk, token, at=at)
            report.failed += 1
        else:
            report.done += is_filled
            report.deferred += not is_filled
    if intent == Intent.ENTRY:
        _unfilled_signals_end(at=at)
    return report


def _order_execute(order_id: UUID, token: UUID, *, provider: MarketProvider, at: datetime) -> bool:
    """Take one claimed order one step on; True if it is filled now."""
    order = database_retry(lambda: Order.objects.get(pk=order_id))
    if order.attempts > MAX_ATTEMPTS and _quarantined(order_id, token, at=at):
        return False
    broker = broker_get(mode=Mode(order.mode), provider=provider)
    request = order_request(order)
    report: BrokerReport | None = None
    if order.status in (OrderStatus.SUBMITTING, OrderStatus.UNKNOWN):
        # a worker died between sending and saving: look it up before anything is sent again
        report = broker.lookup(request, at)
    elif order.status != OrderStatus.PENDING_EXECUTION:
        if order.mode != Mode.LIVE and _is_held_back(order):
            # a paper order that rests is filled by us: asking again is sending it again
            _put_off(order_id, token, at=at)
            return False
        report = broker.poll(request, at)
    if report is None:
        if not _submitting(order, token, at=at):
            return False
        report = broker.submit(request, at)
    return _report_book(order, token, report, broker=broker.name, at=at)


@database_retried
def _quarantined(order_id: UUID, token: UUID, *, at: datetime) -> bool:
    with transaction.atomic():
        return order_quarantine(order=lease_lock(Order, order_id, token), at=at)


@database_retried
def _report_book(order: Order, token: UUID, report: BrokerReport, *, broker: str, at: datetime) -> bool:
    """Book what the broker said, once: a report that is booked has given the lease back; True if it filled the order.

    :raises LeaseLostError: then, or if another worker took the order over.
    """
    with transaction.atomic():
        # signals before orders before positions, like everywhere
        if order.intent == Intent.EXIT:
            reporting_signals_lock(Order.objects.filter(entry_order=order.entry_order_id))
        Signal.objects.select_for_update().get(pk=order.signal_id)
        locked = lease_lock(Order, order.pk, token)
        frozen = None
        if report.fills and locked.recommendation is not None:
            frozen = frozen_entry(locked.recommendation)
        _report_apply(locked, report, broker=broker, frozen=frozen, at=at)
        again = None if locked.status in FINAL else _again(at)
        locked.save(update_fields=lease_release(locked, next_attempt_at=again))
    return locked.status == OrderStatus.FILLED


def _submitting(order: Order, token: UUID, *, at: datetime) -> bool:
    """Commit that the order is about to be sent; False if the trading state holds it back or its time is over."""
    is_first = order.status == OrderStatus.PENDING_EXECUTION
    submitting = Order.objects.filter(pk=order.pk, claimed_by=token, status=OrderStatus.SUBMITTING)
    return database_retry(
        lambda: _submitting_write(order.pk, token, at=at),
        # a first commit that was cut off says so by its status; to write it again would tell of a send that never was
        known=lambda: True if is_first and submitting.exists() else None,
    )


def _submitting_write(order_id: UUID, token: UUID, *, at: datetime) -> bool:
    with transaction.atomic():
        order = lease_lock(Order, order_id, token)
        if order.status in (OrderStatus.SUBMITTING, OrderStatus.UNKNOWN):
            order_transition(order=order, to=OrderStatus.PENDING_EXECUTION, reason=OrderCode.NEVER_RECEIVED, at=at)
        is_late = order.expires_at is not None and order.expires_at <= at
        if is_late or _is_held_back(order):
            order.save(update_fields=lease_release(order, next_attempt_at=_again(at)))
            return False
        order_transition(order=order, to=OrderStatus.SUBMITTING, reason="", at=at)
    return True


def _again(at: datetime) -> datetime:
    return at + timedelta(seconds=settings.EXECUTOR_INTERVAL)


@database_retried
def _put_off(order_id: UUID, token: UUID, *, at: datetime) -> None:
    with transaction.atomic():
        order = lease_lock(Order, order_id, token)
        order.save(update_fields=lease_release(order, next_attempt_at=_again(at)))


def _is_held_back(order: Order) -> bool:
    """An entry needs an ACTIVE engine; an exit is held only by a person's HALTED, unless a person asked for it."""
    status = trading_status_get()
    if order.intent == Intent.ENTRY:
        return status != TradingStatus.ACTIVE
    return status == TradingStatus.HALTED and order.exit_reason not in BY_PERSON


def _report_apply(order: Order, report: BrokerReport, *, broker: str, frozen: FrozenEntry | None, at: datetime) -> None:
    """Book what the broker said: order, trades, position and signal, in the caller's transaction."""
    trades = order_apply_report(order=order, report=report, broker=broker, at=at)
    if order.intent == Intent.EXIT:
        if trades or order.status in FINAL:
            position_reduce(exit_order=order, trades=trades, at=at)
        return
    if not trades:
        return
    assert frozen is not None
    position_open(
        order=order,
        trades=trades,
        at=at,
        bias_snapshot=frozen.bias,
        greeks=greeks_of(frozen.quote),
        data_source=trades[0].price_source,
        underlying_price=frozen.spot,
    )
    signal = Signal.objects.select_for_update().get(pk=order.signal_id)
    if order.mode != Mode.SHADOW and signal.status != SignalStatus.EXECUTED:
        signal_transition(
            signal=signal,
            to=SignalStatus.EXECUTED,
            reason=PipelineCode.FILLED,
            message=f"{order.filled_quantity} {order.option_symbol} at {order.average_price}",
            at=at,
        )


def _unfilled_signals_end(*, at: datetime) -> None:
    """End each approved signal whose real entry order ended without a fill, with the order's reason."""
    entries = Order.objects.filter(signal_id=OuterRef("pk"), intent=Intent.ENTRY).exclude(mode=Mode.SHADOW)
    over = Signal.objects.filter(
        Exists(entries.filter(status__in=FINAL, filled_quantity=0)),
        ~Exists(entries.filter(status__in=LIVE)),
        ~Exists(entries.filter(filled_quantity__gt=0)),
        status=SignalStatus.APPROVED,
    )
    for signal_id in list(over.values_list("pk", flat=True)[:MOST]):
        _unfilled_signal_end(signal_id, at=at)


@database_retried
def _unfilled_signal_end(signal_id: UUID, *, at: datetime) -> None:
    with transaction.atomic():
        signal = Signal.objects.select_for_update().get(pk=signal_id)
        if signal.status != SignalStatus.APPROVED:
            return
        order = signal.orders.filter(intent=Intent.ENTRY).exclude(mode=Mode.SHADOW).latest("created_at")
        signal_transition(
            signal=signal,
            to=SignalStatus.REJECTED,
            reason=order.reason or order.status,
            message=f"its order is {order.status} without a fill",
            at=at,
        )
