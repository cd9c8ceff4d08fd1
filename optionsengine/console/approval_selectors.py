"""The review queue to read: what waits for a person, with what it would buy, cost and risk."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import DateTimeField, Prefetch, QuerySet, Value
from django.db.models.functions import Coalesce

from experiments.enums import ApprovalStatus
from experiments.models import Approval, DecisionRound, Recommendation
from optionsengine.console.timeline import rounds_read
from optionsengine.core.values import CENT, MULTIPLIER

# what has no end yet sorts as if it ended last of all, so that "newest end first" shows what waits at the top
_NO_END = Value(datetime(9999, 1, 1, tzinfo=UTC), output_field=DateTimeField())
_REAL = Prefetch(
    "decision__recommendations", Recommendation.objects.filter(is_shadow=False), to_attr="real_recommendations"
)
QUEUE_ORDER = ("-ended_at", "lapses_at")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would be bought: `price` a share at most, `cost` and `risk` (lost at the stop) in dollars."""

    recommendation: Recommendation
    price: Decimal
    cost: Decimal
    risk: Decimal | None


def approvals_queue() -> QuerySet[Approval]:
    """Return every approval for `QUEUE_ORDER`: what waits first, the most urgent at the top, then what ended last."""
    return (
        Approval.objects.select_related("signal", "decision")
        .defer("signal__payload", "decision__inputs")
        .prefetch_related(_REAL)
        .annotate(ended_at=Coalesce("decided_at", _NO_END))
    )


def approvals_waiting_count() -> int:
    """Return how many wait; a partial index holds just these."""
    return Approval.objects.filter(status=ApprovalStatus.AWAITING).count()


def approval_signal_id(approval_id: UUID) -> UUID:
    """Return the signal that an approval is of.

    :raises Approval.DoesNotExist: if there is no such approval.
    """
    return Approval.objects.values_list("signal_id", flat=True).get(pk=approval_id)


def proposal_of(approval: Approval) -> Proposal | None:
    """Return what a row of `approvals_queue` would buy: the real engine's recommendation of its round."""
    found: list[Recommendation] = getattr(approval.decision, "real_recommendations", [])
    if not found:
        return None
    [advice] = found
    price = advice.limit_price if advice.limit_price is not None else advice.ask or Decimal(0)
    told = (advice.explanation.get("size") or {}).get("risk_per_contract")
    return Proposal(
        recommendation=advice,
        price=price,
        cost=(price * MULTIPLIER * advice.quantity).quantize(CENT),
        risk=None if told is None else (Decimal(str(told)) * advice.quantity).quantize(CENT),
    )


def seconds_left(approval: Approval, at: datetime) -> int | None:
    """Return the whole seconds in which a person may still answer; None for what has its end."""
    if approval.status != ApprovalStatus.AWAITING:
        return None
    return max(0, int((approval.lapses_at - at).total_seconds()))


def approval_reasoning(approval: Approval) -> dict[str, Any]:
    """Return the whole reasoning of an approval's round: gates, both recommendations, votes."""
    [life] = rounds_read(DecisionRound.objects.filter(pk=approval.decision_id))
    return {"life": life, "proposal": proposal_of(approval)}
