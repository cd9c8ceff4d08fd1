"""Operations in the back office: the trading state and the flags to switch, the rest to read."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest

from optionsengine.core.admin import BAD, GOOD, NOTED, WAITING, EditAdmin, LedgerAdmin, PageAdmin, badge
from optionsengine.core.clock import now
from optionsengine.ops.breakers import BreakerState, breaker_state
from optionsengine.ops.enums import Job, TradingStatus
from optionsengine.ops.models import Alert, CircuitBreaker, FeatureFlag, Heartbeat, JobRun, TradingState
from optionsengine.ops.services import feature_flag_set, trading_state_set


class JobFilter(SimpleListFilter):
    """The jobs by name, without asking the table which names it holds."""

    title = "job"
    parameter_name = "job"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(job.value, job.value.replace("_", " ")) for job in Job]

    def queryset(self, request: HttpRequest, queryset: QuerySet[JobRun]) -> QuerySet[JobRun]:
        return queryset.filter(job=self.value()) if self.value() else queryset


class OpenFilter(SimpleListFilter):
    """Open alerts or resolved ones."""

    title = "state"
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "open"), ("no", "resolved")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Alert]) -> QuerySet[Alert]:
        return queryset.filter(resolved_at__isnull=self.value() == "yes") if self.value() else queryset


@admin.register(CircuitBreaker)
class CircuitBreakerAdmin(LedgerAdmin):
    list_display = ("name", "shown_state", "failures", "retry_at", "last_failure_at", "last_error")
    ordering = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CircuitBreaker]:
        rows: QuerySet[CircuitBreaker] = super().get_queryset(request)
        return rows.annotate(state=breaker_state())

    @badge("state", {BreakerState.CLOSED: GOOD, BreakerState.HALF_OPEN: WAITING, BreakerState.OPEN: BAD})
    def shown_state(self, row: Any) -> str:
        return str(row.state)


class TradingStateAdmin(EditAdmin):
    """One row; saving it goes through the service that switches the engine. The console adds how to flatten."""

    list_display = ("shown_status", "reason", "updated_at")
    ordering = ("id",)
    fields = ("status", "reason", "updated_at")
    readonly_fields = ("updated_at",)

    @badge("status", {"ACTIVE": GOOD, "REDUCING": WAITING, "HALTED": BAD})
    def shown_status(self, row: TradingState) -> str:
        return row.status

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not TradingState.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: TradingState | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: TradingState, form: Any, change: bool) -> None:
        changed = form.changed_data
        saved = trading_state_set(
            status=TradingStatus(obj.status) if "status" in changed or not change else None,
            reason=obj.reason if "reason" in changed or not change else None,
            at=now(),
        )
        obj.status, obj.reason, obj.updated_at = saved.status, saved.reason, saved.updated_at


@admin.register(FeatureFlag)
class FeatureFlagAdmin(PageAdmin):
    """Every flag in one list to switch; none is added or deleted, the code knows them all."""

    list_display = ("name", "is_enabled", "description", "switched_at")
    list_editable = ("is_enabled",)
    ordering = ("name",)
    fields = ("name", "is_enabled", "description", "switched_at")
    readonly_fields = ("name", "description", "switched_at")
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: FeatureFlag | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: FeatureFlag, form: Any, change: bool) -> None:
        saved = feature_flag_set(name=obj.name, is_enabled=obj.is_enabled, at=now())
        obj.switched_at = saved.switched_at


@admin.register(JobRun)
class JobRunAdmin(LedgerAdmin):
    list_display = (
        "created_at",
        "job",
        "shown_result",
        "claimed",
        "done",
        "deferred",
        "refused",
        "failed",
        "shown_duration",
    )
    list_filter = (JobFilter,)

    @badge("result", {"ok": GOOD, "raised": BAD})
    def shown_result(self, row: JobRun) -> str:
        return "raised" if row.error else "ok"

    @admin.display(description="duration")
    def shown_duration(self, row: JobRun) -> str:
        return f"{row.duration_ms:.1f} ms"


@admin.register(Heartbeat)
class HeartbeatAdmin(LedgerAdmin):
    list_display = ("name", "beat_at")
    ordering = ("name",)


@admin.register(Alert)
class AlertAdmin(LedgerAdmin):
    list_display = ("created_at", "shown_level", "cause", "message", "count", "last_at", "resolved_at")
    list_filter = (OpenFilter,)

    @badge("level", {"info": NOTED, "warning": WAITING, "critical": BAD})
    def shown_level(self, row: Alert) -> str:
        return row.level
