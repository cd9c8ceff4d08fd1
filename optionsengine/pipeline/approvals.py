"""The review queue: what passed everything and waits for a person, and how it ends: approved, rejected, lapsed,
superseded.

Each end is one transaction that locks the signal before it touches the approval, like every other act on the signal;
so of two people, or a person, the clock and an exit, one comes first and the others find it ended.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from experiments.data import Decision, DecisionInputs
from experiments.decide import contract_of
from experiments.enums import ApprovalPolicy, ApprovalStatus, DecisionOutcome
from experiments.models import Approval, DecisionRound
from experiments.policy import approval_needed
from optionsengine.core.enums import Intent
from optionsengine.core.errors import Refusal
from optionsengine.core.leases import lease_release
from optionsengine.core.retry import database_retried
from optionsengine.core.values import MULTIPLIER
from optionsengine.ops.data import StageReport
from optionsengine.ops.enums import AlertLevel
from optionsengine.ops.services import alert_raise, alert_resolve
from optionsengine.pipeline.enums import PipelineCode
from optionsengine.pipeline.nudges import signal_nudge
from signals.enums import SignalStatus
from signals.models import Signal, SignalEvent
from signals.services import TransitionError, signal_transition

MOST = 1000  # rows a pass looks at


def approval_ask(
    *, signal: Signal, decided: DecisionRound, inputs: DecisionInputs, decision: Decision, at: datetime
) -> bool:
    """Put a locked signal that passed everything to a person, if the settings want one; False if it need not wait.

    It waits for `APPROVAL_TIMEOUT_SECONDS`, at most until the signal would be too old: an approval that the next round
    could only refuse is none. Call in the decision's transaction.
    """
    is_asked = (
        decision.outcome == DecisionOutcome.APPROVED
        and approval_needed(ApprovalPolicy(settings.APPROVAL), settings.APP_MODE, inputs.execution_mode)
        and not _is_approved(signal, at)
    )
    if not is_asked:
        return False
    left = inputs.config.signal_max_age_seconds - inputs.signal_age_seconds
    lapses_at = at + timedelta(seconds=min(settings.APPROVAL_TIMEOUT_SECONDS, left))
    Approval.objects.create(
        decision=decided,
        signal=signal,
        status=ApprovalStatus.AWAITING,
        lapses_at=lapses_at,
        created_at=at,
        updated_at=at,
    )
    message = f"{_proposed(inputs, decision)}, waits for a person until {lapses_at:%H:%M:%S} UTC"
    signal.save(update_fields=lease_release(signal))
    signal_transition(
        signal=signal,
        to=SignalStatus.AWAITING_APPROVAL,
        reason=PipelineCode.AWAITING_APPROVAL,
        message=message,
        at=at,
    )
    alert_raise(
        cause=_cause(signal.pk),
        level=AlertLevel.WARNING,
        message=f"{signal}: {message}. Approve or reject it under Review in the admin.",
        at=at,
    )
    return True


def _is_approved(signal: Signal, at: datetime) -> bool:
    """A person's yes holds for `APPROVAL_TIMEOUT_SECONDS` and to the signal's end; who runs it again is asked again.

    What was put off for longer is another trade than the one that the person saw.
    """
    given_after = at - timedelta(seconds=settings.APPROVAL_TIMEOUT_SECONDS)
    run_again = SignalEvent.objects.filter(
        signal_id=signal.pk, reason=PipelineCode.RUN_AGAIN, created_at__gte=OuterRef("decided_at")
    )
    yes = Approval.objects.filter(
        ~Exists(run_again), signal_id=signal.pk, status=ApprovalStatus.APPROVED, decided_at__gt=given_after
    )
    return yes.exists()


def _proposed(inputs: DecisionInputs, decision: Decision) -> str:
    mine = decision.engines[inputs.variant]
    contract = contract_of(inputs, mine)
    if contract is None or mine.contract is None:
        raise RuntimeError("an approved decision carries a contract")
    price = mine.contract.ask if mine.limit_price is None else mine.limit_price
    return f"{mine.quantity} × {contract.symbol} for about ${price * MULTIPLIER * mine.quantity:,.2f}"


def _cause(signal_id: UUID) -> str:
    return f"approval:{signal_id}"


def approval_end(*, approval: Approval, to: ApprovalStatus, at: datetime, actor: str = "engine", reason: str) -> None:
    """Give an awaiting approval its end and close its alert. Call under the lock of its signal.

    :raises TransitionError: if it has its end already; nothing is changed then.
    """
    if approval.status != ApprovalStatus.AWAITING or to == ApprovalStatus.AWAITING:
        raise TransitionError(f"approval {approval.pk} is {approval.status} and cannot become {to}")
    approval.status = to
    approval.decided_at = at
    approval.decided_by = actor
    approval.reason = reason
    approval.updated_at = at
    approval.save(update_fields=["status", "decided_at", "decided_by", "reason", "updated_at"])
    alert_resolve(cause=_cause(approval.signal_id), at=at)


def approval_awaiting(signal: Signal, approval_id: UUID | None = None) -> Approval:
    """Return the approval that a locked signal waits for: that one, if `approval_id` says what the person looked at.

    :raises Refusal: if it waits for none, or no longer.
    """
    asked = Approval.objects.filter(signal=signal).order_by("-created_at", "-pk")
    approval = (asked if approval_id is None else asked.filter(pk=approval_id)).first()
    if approval is None:
        raise Refusal(
            PipelineCode.NOT_AWAITING, f"it does not wait for approval; it is {signal.status}", status=signal.status
        )
    if approval.status == ApprovalStatus.LAPSED:
        raise Refusal(
            PipelineCode.APPROVAL_LAPSED,
            f"its time was over at {approval.lapses_at:%Y-%m-%d %H:%M:%S} UTC; run the signal again if it is fresh "
            "enough, or wait for the next alert",
            status=approval.status,
        )
    if approval.status != ApprovalStatus.AWAITING:
        by = f" by {approval.decided_by}" if approval.decided_by else ""
        raise Refusal(
            PipelineCode.NOT_AWAITING, f"it waits no longer: it was {approval.status}{by}", status=approval.status
        )
    return approval


def signal_approve(*, signal_id: UUID, actor: str, at: datetime, approval_id: UUID | None = None) -> Signal:
    """Have a waiting signal decided again on fresh inputs; what passes everything then waits no more.

    :raises Refusal: if it does not wait for approval, or no longer.
    """
    approvals_lapse(at=at, only=signal_id)
    with transaction.atomic():
        signal = Signal.objects.select_for_update().get(pk=signal_id)
        approval = approval_awaiting(signal, approval_id)
        approval_end(approval=approval, to=ApprovalStatus.APPROVED, at=at, actor=actor, reason="")
        signal.save(update_fields=lease_release(signal))
        signal_transition(
            signal=signal,
            to=SignalStatus.PENDING,
            reason=PipelineCode.APPROVED_BY_PERSON,
            message="decided again on fresh inputs",
            at=at,
            actor=actor,
        )
        signal_nudge(signal.pk, Intent(signal.intent))
    return signal


def approval_reject(*, signal: Signal, actor: str, reason: str, at: datetime, approval_id: UUID | None = None) -> None:
    """End the approval of a locked signal that a person rejects.

    :raises Refusal: if it does not wait for one, or no reason is given.
    """
    approval = approval_awaiting(signal, approval_id)
    if not reason.strip():
        raise Refusal(PipelineCode.REASON_REQUIRED, "say why: it passed everything", signal_id=str(signal.pk))
    approval_end(approval=approval, to=ApprovalStatus.REJECTED, at=at, actor=actor, reason=reason)


def approval_supersede(*, signal: Signal, reason: str, at: datetime) -> None:
    """End the approval that a locked signal waits for, because an exit came."""
    approval_end(approval=approval_awaiting(signal), to=ApprovalStatus.SUPERSEDED, at=at, reason=reason)


def approvals_lapse(*, at: datetime, only: UUID | None = None) -> StageReport:
    """Reject the signals that nobody approved in time: all of them, or `only` one. At `lapses_at` its time is over."""
    report = StageReport()
    over = Approval.objects.filter(status=ApprovalStatus.AWAITING, lapses_at__lte=at)
    if only is not None:
        over = over.filter(signal_id=only)
    for approval_id, signal_id in list(over.order_by("lapses_at").values_list("pk", "signal_id")[:MOST]):
        report.claimed += 1
        report.refused += _lapse(approval_id, signal_id, at=at)
    return report


@database_retried
def _lapse(approval_id: UUID, signal_id: UUID, *, at: datetime) -> bool:
    with transaction.atomic():
        signal = Signal.objects.select_for_update().get(pk=signal_id)
        approval = Approval.objects.get(pk=approval_id)
        if approval.status != ApprovalStatus.AWAITING:
            return False  # a person or an exit came first
        waited = int((approval.lapses_at - approval.created_at).total_seconds())
        message = f"nobody approved it within {waited} s"
        approval_end(approval=approval, to=ApprovalStatus.LAPSED, at=at, reason=message)
        signal_transition(
            signal=signal, to=SignalStatus.REJECTED, reason=PipelineCode.APPROVAL_LAPSED, message=message, at=at
        )
    return True
