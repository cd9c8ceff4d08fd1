"""Signals reviewed on one page, people and their roles, and the job library's tables to read."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django_q.models import Failure, OrmQ, Schedule, Success
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from optionsengine.console import approval_admin, flatten_admin, request_admin, source_admin  # noqa: F401 - they register themselves
from optionsengine.console.timeline import signal_timeline
from optionsengine.core.acts import Act, ActingAdmin
from optionsengine.core.admin import BAD, GOOD, WAITING, LedgerAdmin, StyledAdmin, badge
from optionsengine.pipeline.approvals import signal_approve
from optionsengine.pipeline.operations import signal_reject, signal_rerun
from signals.enums import SignalStatus
from signals.models import Signal

STATUSES = {
    "pending": WAITING,
    "awaiting_approval": WAITING,
    "approved": GOOD,
    "executed": GOOD,
    "rejected": BAD,
    "failed": BAD,
}


def _rerun(signal_id: UUID, actor: str, reason: str, at: datetime) -> object:
    return signal_rerun(signal_id=signal_id, actor=actor, at=at)


def _approve(signal_id: UUID, actor: str, reason: str, at: datetime) -> object:
    return signal_approve(signal_id=signal_id, actor=actor, at=at)


def _reject(signal_id: UUID, actor: str, reason: str, at: datetime) -> object:
    return signal_reject(signal_id=signal_id, actor=actor, reason=reason, at=at)


@admin.register(Signal)
class SignalAdmin(ActingAdmin):
    """The review: everything that became of a signal on one page, and the two acts a person has."""

    acts = (
        Act(
            name="rerun",
            label="Run again",
            question="Decide this again, in a new round?",
            done="is pending again and will be decided within seconds",
            run=_rerun,
            applies=lambda row: row.status in (SignalStatus.REJECTED, SignalStatus.FAILED),
        ),
        Act(
            name="approve",
            label="Approve",
            question="Approve this? It is decided again on fresh inputs, and bought if it still passes everything.",
            done="was approved and is decided again within seconds",
            run=_approve,
            applies=lambda row: row.status == SignalStatus.AWAITING_APPROVAL,
        ),
        Act(
            name="reject",
            label="Reject",
            question="End this here? No order will be made of it.",
            done="is rejected",
            run=_reject,
            applies=lambda row: (
                row.status in (SignalStatus.PENDING, SignalStatus.FAILED, SignalStatus.AWAITING_APPROVAL)
            ),
            asks_reason=True,
            is_dangerous=True,
        ),
    )
    list_display = (
        "created_at",
        "symbol",
        "shown_side",
        "intent",
        "timeframe",
        "shown_status",
        "shown_variant",
        "reason",
        "confidence",
        "pattern",
        "family",
        "is_test",
    )
    list_select_related = ("experiment",)
    list_filter = ("status",)
    exact_search = ("symbol",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("payload")

    @badge("side", {"long": GOOD, "short": BAD})
    def shown_side(self, row: Signal) -> str:
        return row.side or "every side"

    @badge("status", STATUSES)
    def shown_status(self, row: Signal) -> str:
        return row.status

    @admin.display(description="engine")
    def shown_variant(self, row: Signal) -> str:
        return row.experiment.variant if hasattr(row, "experiment") else ""

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the review page; there is nothing to save on it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            life = signal_timeline(UUID(object_id))
        except (ValueError, Signal.DoesNotExist):
            raise Http404("there is no such signal") from None
        context = {
            **self.admin_site.each_context(request),
            **life,
            "title": str(life["signal"]),
            "opts": self.opts,
            "original": life["signal"],
            "act_links": self.act_links(request, life["signal"]),
            "media": self.media,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "console/signal_review.html", context)


if TYPE_CHECKING:
    PersonBase = UserAdmin[User]
else:
    PersonBase = UserAdmin

for model in (User, Group, Schedule, Success, Failure, OrmQ):
    admin.site.unregister(model)


@admin.register(User)
class PersonAdmin(PersonBase, StyledAdmin):
    """People; a role is a group: viewer reads, operator acts, admin does everything."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_filter = ("is_staff", "is_superuser", "is_active", "groups")
    show_full_result_count = False


@admin.register(Group)
class RoleAdmin(GroupAdmin, StyledAdmin):
    """The roles."""


@admin.register(Schedule)
class ScheduleAdmin(LedgerAdmin):
    """Written from code at each start; an interval changes in the settings."""

    list_display = ("name", "func", "cron", "cluster", "next_run")
    ordering = ("name",)


class TaskAdmin(LedgerAdmin):
    list_display = ("started", "name", "func", "cluster", "attempt_count", "stopped")
    ordering = ("-started",)

    def get_fields(self, request: HttpRequest, obj: Any | None = None) -> tuple[str, ...]:
        return ("id", "name", "func", "cluster", "started", "stopped", "success", "attempt_count", "result")


@admin.register(Success)
class SuccessAdmin(TaskAdmin):
    """Tasks that ended well; the newest few of each function are kept."""


@admin.register(Failure)
class FailureAdmin(TaskAdmin):
    """Tasks that raised, with the trace."""


@admin.register(OrmQ)
class QueueAdmin(LedgerAdmin):
    """What waits in the queue of each cluster."""

    list_display = ("id", "key", "lock")
    ordering = ("-id",)

    def get_fields(self, request: HttpRequest, obj: Any | None = None) -> tuple[str, ...]:
        return ("id", "key", "lock")
