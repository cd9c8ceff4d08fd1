"""The review queue: what passed everything and waits for a person, with its whole reasoning on one page."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from experiments.enums import ApprovalStatus
from experiments.models import Approval
from optionsengine.console.approval_selectors import (
    approval_reasoning,
    approval_signal_id,
    approvals_queue,
    proposal_of,
    seconds_left,
)
from optionsengine.core.acts import REASON_LENGTH, Act, ActingAdmin
from optionsengine.core.admin import BAD, GOOD, WAITING, badge
from optionsengine.core.clock import now
from optionsengine.pipeline.approvals import signal_approve
from optionsengine.pipeline.operations import signal_reject

STATUSES = {"awaiting": WAITING, "approved": GOOD, "rejected": BAD, "lapsed": BAD}


def _approve(approval_id: UUID, actor: str, reason: str, at: datetime) -> object:
    return signal_approve(signal_id=approval_signal_id(approval_id), actor=actor, at=at, approval_id=approval_id)


def _reject(approval_id: UUID, actor: str, reason: str, at: datetime) -> object:
    signal_id = approval_signal_id(approval_id)
    return signal_reject(signal_id=signal_id, actor=actor, reason=reason, at=at, approval_id=approval_id)


def _is_awaiting(row: Approval) -> bool:
    return row.status == ApprovalStatus.AWAITING


def left_in_words(approval: Approval, at: datetime) -> str:
    """Return the time a person has left, such as `4 min 05 s`; empty for what has its end."""
    left = seconds_left(approval, at)
    if left is None:
        return ""
    minutes, seconds = divmod(left, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {seconds:02} s" if left else "time is over"


@admin.register(Approval)
class ApprovalAdmin(ActingAdmin):
    """The queue. Approving orders nothing by itself: the signal is decided again, on fresh inputs and all gates."""

    acts = (
        Act(
            name="approve",
            label="Approve",
            question="Approve this? It is decided again on fresh inputs, and bought if it still passes everything.",
            done="was approved and is decided again within seconds",
            run=_approve,
            applies=_is_awaiting,
        ),
        Act(
            name="reject",
            label="Reject",
            question="Reject this? No order will be made of it.",
            done="is rejected",
            run=_reject,
            applies=_is_awaiting,
            asks_reason=True,
            is_dangerous=True,
        ),
    )
    list_display = (
        "shown_symbol",
        "shown_side",
        "shown_status",
        "shown_left",
        "shown_contract",
        "shown_quantity",
        "shown_cost",
        "shown_risk",
        "shown_engine",
        "shown_confidence",
        "shown_source",
        "shown_answer",
        "created_at",
    )
    list_filter = ("status",)
    exact_search = ("signal__symbol",)
    ordering = (F("decided_at").desc(nulls_first=True), "lapses_at", "pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Approval]:
        return approvals_queue()

    @admin.display(description="symbol")
    def shown_symbol(self, row: Approval) -> str:
        return f"{row.signal.symbol}, test" if row.signal.is_test else row.signal.symbol

    @badge("side", {"long": GOOD, "short": BAD})
    def shown_side(self, row: Approval) -> str:
        return row.signal.side

    @badge("status", STATUSES)
    def shown_status(self, row: Approval) -> str:
        return row.status

    @admin.display(description="time left")
    def shown_left(self, row: Approval) -> str:
        return left_in_words(row, now())

    @admin.display(description="contract")
    def shown_contract(self, row: Approval) -> str:
        found = proposal_of(row)
        return "" if found is None else found.recommendation.option_symbol

    @admin.display(description="contracts")
    def shown_quantity(self, row: Approval) -> str:
        found = proposal_of(row)
        return "" if found is None else str(found.recommendation.quantity)

    @admin.display(description="cost $")
    def shown_cost(self, row: Approval) -> str:
        found = proposal_of(row)
        return "" if found is None else f"{found.cost:,}"

    @admin.display(description="risk $")
    def shown_risk(self, row: Approval) -> str:
        found = proposal_of(row)
        return "" if found is None or found.risk is None else f"{found.risk:,}"

    @admin.display(description="engine")
    def shown_engine(self, row: Approval) -> str:
        found = proposal_of(row)
        return "" if found is None else found.recommendation.engine

    @admin.display(description="confidence")
    def shown_confidence(self, row: Approval) -> str:
        found = proposal_of(row)
        known = None if found is None else found.recommendation.confidence
        return "" if known is None else f"{known:.1f}"

    @badge("prices", {"simulated": WAITING})
    def shown_source(self, row: Approval) -> str:
        found = proposal_of(row)
        return "" if found is None else found.recommendation.quote_source

    @admin.display(description="answer")
    def shown_answer(self, row: Approval) -> str:
        return ": ".join(part for part in (row.decided_by, row.reason) if part)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the whole reasoning with the two buttons; there is nothing to save on it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            approval = approvals_queue().get(pk=UUID(object_id))
        except (ValueError, Approval.DoesNotExist):
            raise Http404("there is no such approval") from None
        context = {
            **self.admin_site.each_context(request),
            **approval_reasoning(approval),
            "approval": approval,
            "signal": approval.signal,
            "left": left_in_words(approval, now()),
            "title": f"Review of {approval.signal}",
            "opts": self.opts,
            "original": approval,
            "answers": self.act_links(request, approval),
            "reason_length": REASON_LENGTH,
            "media": self.media,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "console/approval_review.html", context)
