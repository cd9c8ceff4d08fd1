"""From a pending exit signal to exit orders, and to the end of the entries it overtakes."""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from experiments.enums import DecisionOutcome
from optionsengine.core.enums import Intent, Mode
from optionsengine.core.leases import MAX_ATTEMPTS, LeaseLostError, lease_lock, lease_release
from optionsengine.ops.data import StageReport
from optionsengine.pipeline.enums import PipelineCode
from optionsengine.pipeline.nudges import exits_nudge
from optionsengine.pipeline.orchestrate import outcome_count, signal_quarantine, signals_claim
from orders.enums import LIVE, OrderStatus
from orders.models import Order
from orders.services import order_transition
from positions.services import exit_signal_apply
from signals.enums import SignalStatus
from signals.models import Signal
from signals.services import signal_defer, signal_transition

logger = logging.getLogger(__name__)
RETRY_AFTER = timedelta(seconds=10)
_FREE = Q(claimed_until__isnull=True) | Q(claimed_until__lt=Now())


def exit_signals_apply(*, at: datetime) -> StageReport:
    """Turn pending exit signals into exit orders.

    An exit ends the older entries of its symbol and side that have not filled yet, closes the positions that are open,
    and waits up to `EXIT_WAIT_SECONDS` for an entry that a worker is filling right now, or for one that it overtook.
    """
    report = StageReport()
    for signal_id, token in signals_claim(Intent.EXIT, at=at):
        report.claimed += 1
        try:
            outcome = _exit_apply(signal_id, token, at=at)
        except LeaseLostError:
            continue
        except Exception:
            logger.exception("applying exit signal %s failed", signal_id)
            report.failed += 1
            continue
        outcome_count(report, outcome)
    return report


def _exit_apply(signal_id: UUID, token: UUID, *, at: datetime) -> DecisionOutcome | None:
    if Signal.objects.get(pk=signal_id).attempts > MAX_ATTEMPTS:
        signal_quarantine(signal_id, token, at=at)
        return None
    with transaction.atomic():
        signal = lease_lock(Signal, signal_id, token)
        if signal.status != SignalStatus.PENDING:
            raise LeaseLostError(f"signal {signal_id} is {signal.status}")
        is_entry_underway = _entries_end(signal, at=at)
        named = exit_signal_apply(signal=signal, at=at)
        # an earlier pass may have begun exits that are done by now
        closing = max(named, Order.objects.filter(exit_signal=signal).count())
        if named:
            exits_nudge()
        give_up_at = signal.created_at + timedelta(seconds=settings.EXIT_WAIT_SECONDS)
        if (is_entry_underway or not closing) and at < give_up_at:
            signal_defer(
                signal=signal,
                until=min(at + RETRY_AFTER, give_up_at),
                reason=PipelineCode.WAITING_FOR_ENTRY,
                message="an entry is being filled" if is_entry_underway else "nothing to close yet",
                at=at,
            )
            return DecisionOutcome.DEFERRED
        signal.save(update_fields=lease_release(signal))
        signal_transition(
            signal=signal,
            to=SignalStatus.EXECUTED if closing else SignalStatus.REJECTED,
            reason=PipelineCode.EXIT_ORDERED if closing else PipelineCode.NO_OPEN_POSITION,
            message=f"{closing} position(s) closing"
            if closing
            else f"no open {signal.side or 'long or short'} position in {signal.symbol} to close",
            at=at,
        )
    return DecisionOutcome.APPROVED if closing else DecisionOutcome.REFUSED


def _older_entries(signal: Signal) -> QuerySet[Signal]:
    older = Signal.objects.filter(
        intent=Intent.ENTRY, symbol=signal.symbol, is_test=signal.is_test, created_at__lte=signal.created_at
    )
    return older.filter(side=signal.side) if signal.side else older


def _entries_end(signal: Signal, *, at: datetime) -> bool:
    """End the older entries that have not filled; True if a worker holds one, so that its outcome must come first."""
    older = _older_entries(signal)
    live = Order.objects.filter(signal_id=OuterRef("pk"), intent=Intent.ENTRY, status__in=LIVE)
    unfilled = older.filter(Q(status=SignalStatus.PENDING) | Q(status=SignalStatus.APPROVED) & Exists(live))
    free = list(unfilled.filter(_FREE).select_for_update(skip_locked=True, of=("self",)).order_by("pk"))
    for entry in free:
        if entry.status == SignalStatus.PENDING:
            signal_transition(
                signal=entry,
                to=SignalStatus.REJECTED,
                reason=PipelineCode.SUPERSEDED,
                message=f"an exit of {signal.symbol} came before it was decided",
                at=at,
            )
    resting = Order.objects.filter(
        signal__in=[entry.pk for entry in free],
        intent=Intent.ENTRY,
        filled_quantity=0,
        status__in=(OrderStatus.PENDING_EXECUTION, OrderStatus.SUBMITTED),
    ).exclude(mode=Mode.LIVE)
    for order in resting.filter(_FREE).select_for_update(skip_locked=True, of=("self",)).order_by("pk"):
        order_transition(
            order=order,
            to=OrderStatus.CANCELLED,
            reason=PipelineCode.SUPERSEDED,
            message=f"an exit of {signal.symbol} came before it filled",
            at=at,
        )
    is_unordered = older.filter(status=SignalStatus.APPROVED).exclude(Exists(live)).exclude(orders__intent=Intent.ENTRY)
    return (
        older.filter(status=SignalStatus.PENDING).exists()
        or older.filter(Exists(live)).exists()
        or (is_unordered.exists())
    )
