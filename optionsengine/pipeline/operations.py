"""What a person asks of the pipeline: run a signal again, or reject it."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from optionsengine.core.enums import Intent, Mode
from optionsengine.core.errors import Refusal
from optionsengine.core.leases import lease_release
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


def signal_reject(*, signal_id: UUID, actor: str, reason: str, at: datetime) -> Signal:
    """End a pending signal by a person's decision.

    :raises Refusal: if it is no longer pending.
    """
    with transaction.atomic():
        signal = Signal.objects.select_for_update().get(pk=signal_id)
        if signal.status not in (SignalStatus.PENDING, SignalStatus.FAILED):
            raise Refusal(
                PipelineCode.NOT_PENDING,
                f"only a pending or failed signal can be rejected; this one is {signal.status}",
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
