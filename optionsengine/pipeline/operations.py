"""What a person asks of the pipeline: run a signal again, or reject it."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from optionsengine.core.enums import Intent, Mode
from optionsengine.core.errors import Refusal
from optionsengine.core.leases import lease_release
from optionsengine.pipeline.approvals import approval_reject, approvals_lapse
from optionsengine.pipeline.enums import PipelineCode
from optionsengine.pipeline.nudges import signal_nudge
from signals.enums import SignalStatus
from signals.models import Signal
from signals.services import signal_transition


def signal_rerun(*, signal_id: UUID, actor: str, at: datetime) -> Signal:
    """Put a rejected or failed signal back to pending, so that it is decided again in a new round.

    :raises Refusal: if it has another status, or its real order was made already.
    """
    with transaction.atomic():
        signal = Signal.objects.select_for_update().get(pk=signal_id)
        if signal.status not in (SignalStatus.REJECTED, SignalStatus.FAILED):
            raise Refusal(
                PipelineCode.NOT_PENDING,
                f"only a rejected or failed signal can run again; this one is {signal.status}",
                status=signal.status,
            )
        if signal.orders.exclude(mode=Mode.SHADOW).exists():
            raise Refusal(
                PipelineCode.ALREADY_ORDERED,
                "its order was made already and ended; send a new alert to trade again",
                signal_id=str(signal_id),
            )
        signal.save(update_fields=lease_release(signal))
        signal_transition(
            signal=signal, to=SignalStatus.PENDING, reason=PipelineCode.RUN_AGAIN, message="", at=at, actor=actor
        )
        signal_nudge(signal.id, Intent(signal.intent))
    return signal


def signal_reject(*, signal_id: UUID, actor: str, reason: str, at: datetime, approval_id: UUID | None = None) -> Signal:
    """End a signal that is pending, failed or waits for approval by a person's decision.

    What waits for approval needs a `reason`. With `approval_id` it must be that approval that it waits for.

    :raises Refusal: if it is none of these any more.
    """
    approvals_lapse(at=at, only=signal_id)
    with transaction.atomic():
        signal = Signal.objects.select_for_update().get(pk=signal_id)
        if signal.status == SignalStatus.AWAITING_APPROVAL or approval_id is not None:
            approval_reject(signal=signal, actor=actor, reason=reason, at=at, approval_id=approval_id)
        elif signal.status not in (SignalStatus.PENDING, SignalStatus.FAILED):
            raise Refusal(
                PipelineCode.NOT_PENDING,
                "only a signal that is pending, failed or waits for approval can be rejected; "
                f"this one is {signal.status}",
                status=signal.status,
            )
        # clearing the lease fences out a worker that is deciding it right now
        signal.save(update_fields=lease_release(signal))
        signal_transition(
            signal=signal,
            to=SignalStatus.REJECTED,
            reason=PipelineCode.REJECTED_BY_PERSON,
            message=reason,
            at=at,
            actor=actor,
        )
    return signal
