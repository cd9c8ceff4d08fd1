"""Ends the entries that no order was made of yet, because a person closes everything."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from experiments.enums import ApprovalStatus
from experiments.models import Recommendation
from experiments.selectors import recommendations_unordered
from optionsengine.core.enums import Intent
from optionsengine.core.leases import lease_release
from optionsengine.core.locks import portfolio_lock
from optionsengine.core.retry import database_retried
from optionsengine.pipeline.approvals import approval_awaiting, approval_end
from orders.enums import OrderCode, OrderStatus
from orders.services import entry_order_create, order_transition
from signals.enums import SignalStatus
from signals.models import Signal
from signals.services import signal_transition

_SAID = "a person closes everything"


def entries_end(*, actor: str, reason: str, at: datetime, with_shadow: bool) -> int:
    """End what could still become an entry order, each signal in a transaction of its own; return how many ended.

    What waits for a person is rejected, and so is what is approved: its order is made and cancelled at once, so that
    nothing makes one later and the books show why it bought nothing. What is pending is left to the trading state,
    which must not be ACTIVE any more.
    """
    return sum(
        _entry_end(pk, actor=actor, reason=reason, at=at, with_shadow=with_shadow)
        for pk in _signals_waiting(with_shadow=with_shadow)
    )


def _unordered(*, with_shadow: bool) -> QuerySet[Recommendation]:
    return recommendations_unordered() if with_shadow else recommendations_unordered().filter(is_shadow=False)


@database_retried
def _signals_waiting(*, with_shadow: bool) -> list[UUID]:
    with transaction.atomic():
        portfolio_lock()  # what was being decided while trading was still ACTIVE has its outcome by then
        unordered = _unordered(with_shadow=with_shadow).order_by().values("signal_id")
        waiting = Q(status=SignalStatus.AWAITING_APPROVAL) | Q(pk__in=unordered)
        return list(Signal.objects.filter(waiting, intent=Intent.ENTRY).order_by("pk").values_list("pk", flat=True))


@database_retried
def _entry_end(signal_id: UUID, *, actor: str, reason: str, at: datetime, with_shadow: bool) -> bool:
    """End what the signal waits with; False if somebody was first, or only its shadow was left."""
    with transaction.atomic():
        # whoever makes its order, and whoever answers for a person, locks this row, too
        signal = Signal.objects.select_for_update().get(pk=signal_id)
        said = f"{_SAID}: {reason}"
        is_over = signal.status == SignalStatus.AWAITING_APPROVAL
        if is_over:
            approval = approval_awaiting(signal)
            approval_end(approval=approval, to=ApprovalStatus.REJECTED, at=at, actor=actor, reason=said)
        for recommendation in _unordered(with_shadow=with_shadow).filter(signal_id=signal_id):
            order = entry_order_create(recommendation=recommendation, at=at)
            if order.status != OrderStatus.PENDING_EXECUTION:
                continue  # an earlier round's order works or was filled, and this one was never to be sent
            order_transition(
                order=order, to=OrderStatus.CANCELLED, reason=OrderCode.FLATTENED, at=at, message=_SAID, actor=actor
            )
            is_over |= signal.status == SignalStatus.APPROVED and not recommendation.is_shadow
        if is_over:
            signal_transition(
                signal=signal,
                to=SignalStatus.REJECTED,
                reason=OrderCode.FLATTENED,
                message=said,
                at=at,
                actor=actor,
                changed=lease_release(signal),
            )
    return is_over
