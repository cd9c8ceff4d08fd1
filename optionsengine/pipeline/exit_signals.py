"""From a pending exit signal to exit orders, and to the end of the entries it overtakes."""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from experiments.enums import DecisionOutcome
from experiments.selectors import recommendations_unordered
from optionsengine.core.enums import Intent, Mode
from optionsengine.core.leases import MAX_ATTEMPTS, LeaseLostError, lease_lock, lease_release, lease_retry
from optionsengine.core.locks import exit_signals_lock
from optionsengine.core.retry import database_retried
from optionsengine.ops.data import StageReport
from optionsengine.ops.enums import AlertLevel
from optionsengine.ops.services import alert_raise
from optionsengine.pipeline.approvals import approval_supersede
from optionsengine.pipeline.enums import PipelineCode
from optionsengine.pipeline.nudges import exits_nudge
from optionsengine.pipeline.orchestrate import outcome_count, signals_claim
from orders.enums import LIVE, OrderStatus
from orders.models import Order
from orders.services import order_transition
from positions.services import exit_signal_apply, reported_pnl_compare
from signals.enums import SignalStatus
from signals.models import Signal
from signals.selectors import events_arriving
from signals.services import signal_defer, signal_transition

logger = logging.getLogger(__name__)
RETRY_AFTER = timedelta(seconds=10)
_FREE = Q(claimed_until__isnull=True) | Q(claimed_until__lt=Now())


def exit_signals_apply(*, at: datetime) -> StageReport:
    """Turn pending exit signals into exit orders.

    An exit ends the older entries of its symbol and side that have not filled yet, closes the positions that are open,
    waits for an older entry that a worker holds as long as that takes, and up to `EXIT_WAIT_SECONDS` for an entry that
    it overtook or that may be among older requests still being read. It always closes whole positions; its own
    `quantity` is kept and not judged. It is never given up: after `MAX_ATTEMPTS` failures it alerts and goes on.
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
            lease_retry(Signal, signal_id, token, at=at)
            report.failed += 1
            continue
        outcome_count(report, outcome)
    return report


@database_retried
def _exit_apply(signal_id: UUID, token: UUID, *, at: datetime) -> DecisionOutcome:
    """Apply one exit, once: one that is applied, or put off, has given the lease back.

    :raises LeaseLostError: then, or if another worker took the signal over.
    """
    with transaction.atomic():
        exit_signals_lock()
        signal = lease_lock(Signal, signal_id, token)
        if signal.status != SignalStatus.PENDING:
            raise LeaseLostError(f"signal {signal_id} is {signal.status}")
        _failures_tell(signal, at=at)
        # Looked at before the entries are: what has its end by now is seen among them. What is stored later than this
        # finds the exit, and is superseded.
        is_entry_arriving = events_arriving(until=signal.created_at).exists()
        is_entry_underway = _entries_end(signal, at=at)
        named = exit_signal_apply(signal=signal, at=at)
        # an earlier pass may have begun exits that are done by now
        closing = max(named, Order.objects.filter(exit_signal=signal).count())
        if named:
            exits_nudge()
        give_up_at = signal.created_at + timedelta(seconds=settings.EXIT_WAIT_SECONDS)
        may_come = is_entry_arriving or not closing
        if is_entry_underway or (may_come and at < give_up_at):
            signal_defer(
                signal=signal,
                until=at + RETRY_AFTER if is_entry_underway else min(at + RETRY_AFTER, give_up_at),
                reason=PipelineCode.WAITING_FOR_ENTRY,
                message=_waits_for(is_entry_underway, closing),
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
        reported_pnl_compare(signal=signal, at=at)  # what it closed may be closed by now
    return DecisionOutcome.APPROVED if closing else DecisionOutcome.REFUSED


def _waits_for(is_entry_underway: bool, closing: int) -> str:
    if is_entry_underway:
        return "an entry is being filled"
    return "an older request is not read yet" if closing else "nothing to close yet"


def _failures_tell(signal: Signal, *, at: datetime) -> None:
    if signal.attempts <= MAX_ATTEMPTS:
        return
    signal.attempts = 0
    signal.save(update_fields=["attempts"])
    alert_raise(
        cause=f"exit_signal_failing:{signal.pk}",
        level=AlertLevel.CRITICAL,
        message=f"The exit of {signal.symbol} failed {MAX_ATTEMPTS} times and keeps being tried. "
        "Read the worker's log; close the position by hand if it cannot wait.",
        at=at,
    )


def _older_entries(signal: Signal) -> QuerySet[Signal]:
    """The entries that came before this exit and that it names: its side, and its own contract if it gives one."""
    older = Signal.objects.filter(
        intent=Intent.ENTRY, symbol=signal.symbol, is_test=signal.is_test, created_at__lte=signal.created_at
    )
    if signal.side:
        older = older.filter(side=signal.side)
    if signal.strike is not None:
        older = older.filter(strike=signal.strike)
    if signal.expiration is not None:
        older = older.filter(expiration=signal.expiration)
    return older


def _entries_end(signal: Signal, *, at: datetime) -> bool:
    """End the older entries that have not filled; True if one is underway, so that its outcome must come first.

    Looked for in the direction in which an entry moves (pending, approved, ordered), so that none slips through; what
    waits for a person may become pending again, so it is looked for together with what is.
    """
    older = _older_entries(signal)
    pending = older.filter(status__in=(SignalStatus.PENDING, SignalStatus.AWAITING_APPROVAL))
    for entry in pending.filter(_FREE).select_for_update(skip_locked=True, of=("self",)).order_by("pk"):
        message = f"an exit of {signal.symbol} came before it was decided"
        if entry.status == SignalStatus.AWAITING_APPROVAL:
            message = f"an exit of {signal.symbol} came before a person approved"
            approval_supersede(signal=entry, reason=message, at=at)
        signal_transition(
            signal=entry, to=SignalStatus.REJECTED, reason=PipelineCode.SUPERSEDED, message=message, at=at
        )
    is_pending = pending.exists()
    is_unordered = recommendations_unordered().filter(signal__in=older).exists()
    live = Order.objects.filter(signal__in=older, intent=Intent.ENTRY, status__in=LIVE)
    resting = live.filter(filled_quantity=0, status__in=(OrderStatus.PENDING_EXECUTION, OrderStatus.SUBMITTED))
    free = resting.exclude(mode=Mode.LIVE).filter(_FREE)
    for order in free.select_for_update(skip_locked=True, of=("self",)).order_by("pk"):
        order_transition(
            order=order,
            to=OrderStatus.CANCELLED,
            reason=PipelineCode.SUPERSEDED,
            message=f"an exit of {signal.symbol} came before it filled",
            at=at,
        )
    return is_pending or is_unordered or live.exists()
