"""From an approved recommendation to an order, to its fill, to an open or closed position."""

import logging
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db import transaction

from experiments.models import Recommendation
from optionsengine.core.enums import Intent, Mode
from optionsengine.core.leases import MAX_ATTEMPTS, LeaseLostError, lease_claim, lease_lock, lease_release
from optionsengine.market.data import OptionQuote
from optionsengine.market.providers.base import MarketProvider
from optionsengine.ops.data import StageReport
from optionsengine.ops.enums import TradingStatus
from optionsengine.ops.selectors import trading_status_get
from optionsengine.pipeline.enums import PipelineCode
from orders.brokers.base import Broker
from orders.brokers.null import NullBroker
from orders.brokers.paper import PaperBroker
from orders.data import BrokerReport
from orders.enums import FINAL, OrderCode, OrderStatus
from orders.models import Order
from orders.rules import paper_fill
from orders.selectors import order_request, orders_claimable, recommendations_unordered
from orders.services import (
    entry_order_create,
    order_apply_report,
    order_quarantine,
    order_transition,
    orders_expire,
)
from positions.services import position_open, position_reduce
from signals.enums import SignalStatus
from signals.models import Signal
from signals.services import signal_transition

logger = logging.getLogger(__name__)
BATCH = 50


def orders_create(*, at: datetime, only: UUID | None = None) -> StageReport:
    """Make one order of each approved recommendation that has none: all of them, or those of signal `only`.

    A shadow order is filled in the same transaction from the quote its decision was made on.
    """
    report = StageReport()
    waiting = recommendations_unordered()
    if only is not None:
        waiting = waiting.filter(signal_id=only)
    for pk in list(waiting.values_list("pk", flat=True)[:BATCH]):
        report.claimed += 1
        try:
            _order_create(pk, at=at)
        except Exception:
            logger.exception("creating the order of recommendation %s failed", pk)
            report.failed += 1
        else:
            report.done += 1
    return report


def _order_create(recommendation_id: UUID, *, at: datetime) -> None:
    with transaction.atomic():
        signal_id = Recommendation.objects.values_list("signal_id", flat=True).get(pk=recommendation_id)
        # the signal's row serialises two creators, so that the second finds the first one's order
        Signal.objects.select_for_update().get(pk=signal_id)
        recommendation = recommendations_unordered().filter(pk=recommendation_id).first()
        if recommendation is None:
            return
        order = entry_order_create(recommendation=recommendation, at=at)
        if order.mode == Mode.SHADOW:
            _shadow_fill(order, recommendation, at=at)


def _shadow_fill(order: Order, recommendation: Recommendation, *, at: datetime) -> None:
    assert recommendation.bid is not None
    assert recommendation.ask is not None
    assert recommendation.quote_at is not None
    quote = OptionQuote(
        contract=order.contract,
        bid=recommendation.bid,
        ask=recommendation.ask,
        bid_size=recommendation.bid_size or 0,
        ask_size=recommendation.ask_size or 0,
        at=recommendation.quote_at,
        source=recommendation.quote_source,
        **_entry_greeks(order),
    )
    report = paper_fill(
        order_request(order),
        quote,
        # the decision's own moment: the snapshot is as fresh now as it was then
        at=recommendation.created_at,
        market_open=True,
        cross=settings.PAPER_FILL_CROSS,
        commission_per_contract=settings.COMMISSION_PER_CONTRACT,
        quote_max_age_seconds=settings.QUOTE_MAX_AGE_SECONDS,
    )
    locked = Order.objects.select_for_update().get(pk=order.pk)
    order_transition(order=locked, to=OrderStatus.SUBMITTING, reason="", at=at)
    _report_apply(locked, report, broker="shadow", at=at)


def orders_execute(
    intent: Intent, *, provider: MarketProvider, at: datetime, only: UUID | None = None
) -> StageReport:
    """Send or poll every due order of `intent` and book its fills: all of them, or those of signal `only`."""
    if intent == Intent.ENTRY:
        for order in orders_expire(at=at):
            _entry_ended(order, at=at)
    report = StageReport()
    rows = orders_claimable(intent)
    if only is not None:
        rows = rows.filter(signal_id=only)
    token, picked = lease_claim(rows, at=at, limit=BATCH)
    for pk in picked:
        report.claimed += 1
        try:
            filled = _order_execute(pk, token, provider=provider, at=at)
        except LeaseLostError:
            continue
        except Exception:
            logger.exception("executing order %s failed", pk)
            report.failed += 1
        else:
            report.done += filled
            report.deferred += not filled
    return report


def _broker(order: Order, provider: MarketProvider) -> Broker:
    if order.mode == Mode.LIVE:
        return NullBroker()
    return PaperBroker(provider)


def _order_execute(order_id: UUID, token: UUID, *, provider: MarketProvider, at: datetime) -> bool:
    """Take one claimed order one step on; True if it filled."""
    order = Order.objects.get(pk=order_id)
    if order.attempts > MAX_ATTEMPTS and order.intent == Intent.ENTRY:
        with transaction.atomic():
            locked = lease_lock(Order, order_id, token)
            locked.save(update_fields=lease_release(locked))
            order_quarantine(order=locked, at=at)
            _entry_ended(locked, at=at)
        return False
    broker = _broker(order, provider)
    was_sent = order.status != OrderStatus.PENDING_EXECUTION
    report: BrokerReport | None = None
    if order.status == OrderStatus.SUBMITTING:
        # a worker died between sending and saving: look it up before anything is sent again
        report = broker.lookup(order_request(order), at)
        was_sent = report is not None
    if not was_sent:
        with transaction.atomic():
            locked = lease_lock(Order, order_id, token)
            if _held_back(locked):
                locked.save(update_fields=lease_release(locked, next_attempt_at=at + _again(locked)))
                return False
            if locked.status == OrderStatus.SUBMITTING:
                order_transition(
                    order=locked, to=OrderStatus.PENDING_EXECUTION, reason=OrderCode.NEVER_RECEIVED, at=at
                )
            order_transition(order=locked, to=OrderStatus.SUBMITTING, reason="", at=at)
        report = broker.submit(order_request(order), at)
    elif report is None:
        report = broker.poll(order_request(order), at)
    with transaction.atomic():
        # signals before orders before positions, like everywhere
        Signal.objects.select_for_update().get(pk=order.signal_id)
        locked = lease_lock(Order, order_id, token)
        _report_apply(locked, report, broker=broker.name, at=at)
        again = None if locked.status in FINAL else at + _again(locked)
        locked.save(update_fields=lease_release(locked, next_attempt_at=again))
    return locked.status == OrderStatus.FILLED


def _again(order: Order) -> timedelta:
    return timedelta(seconds=settings.EXECUTOR_INTERVAL)


def _held_back(order: Order) -> bool:
    """An entry needs an ACTIVE engine; an exit is held only by a person's HALTED, and not if a person asked for it."""
    status = trading_status_get()
    if order.intent == Intent.ENTRY:
        return status != TradingStatus.ACTIVE
    return status == TradingStatus.HALTED and order.exit_reason != ExitReason.MANUAL


def _report_apply(order: Order, report: BrokerReport, *, broker: str, at: datetime) -> None:
    """Book what the broker said: order, trades, position and signal, in the caller's transaction."""
    trades = order_apply_report(order=order, report=report, broker=broker, at=at)
    if order.intent == Intent.EXIT:
        if trades or order.status in FINAL:
            position_reduce(exit_order=order, trades=trades, at=at)
        return
    if trades:
        position_open(
            order=order,
            trades=trades,
            at=at,
            bias_snapshot=_bias_snapshot(order),
            greeks=_entry_greeks(order),
            data_source=trades[0].price_source,
        )
        if order.mode != Mode.SHADOW:
            signal_transition(
                signal=Signal.objects.select_for_update().get(pk=order.signal_id),
                to=SignalStatus.EXECUTED,
                reason=PipelineCode.FILLED,
                message=f"{order.filled_quantity} {order.option_symbol} at {order.average_price}",
                at=at,
            )
    elif order.status in FINAL:
        _entry_ended(order, at=at)


def _entry_ended(order: Order, *, at: datetime) -> None:
    """A real entry order that ended without a fill ends its signal too, with the order's reason."""
    if order.mode == Mode.SHADOW or order.filled_quantity:
        return
    with transaction.atomic():
        signal = Signal.objects.select_for_update().get(pk=order.signal_id)
        if signal.status == SignalStatus.APPROVED:
            signal_transition(
                signal=signal,
                to=SignalStatus.REJECTED,
                reason=order.reason,
                message=f"its order ended {order.get_status_display()} without a fill",
                at=at,
            )
