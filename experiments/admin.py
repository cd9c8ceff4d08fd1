"""Decisions, to read; risk limits, to edit."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from experiments.config_changes import config_changes
from experiments.models import (
    AgentDecision,
    ConfigVersion,
    DrawdownFreeze,
    Experiment,
    GateResult,
    Recommendation,
    RiskLimit,
)
from experiments.round_admin import OUTCOMES
from experiments.serializers import RISK_LIMIT_MESSAGES
from optionsengine.core.admin import BAD, GOOD, NOTED, WAITING, EditAdmin, LedgerAdmin, WordedForm, badge

VERDICTS = {"pass": GOOD, "defer": WAITING, "refuse": BAD}


@admin.register(Experiment)
class ExperimentAdmin(LedgerAdmin):
    list_display = ("created_at", "signal", "variant", "bucket", "split_percentage")
    list_select_related = ("signal",)


@admin.register(GateResult)
class GateResultAdmin(LedgerAdmin):
    list_display = ("created_at", "shown_signal", "engine", "gate", "shown_outcome", "code", "value", "threshold")
    list_select_related = ("decision__experiment__signal",)
    list_filter = ("gate", "outcome")

    @admin.display(description="signal")
    def shown_signal(self, row: GateResult) -> str:
        return str(row.decision.experiment.signal)

    @badge("outcome", VERDICTS)
    def shown_outcome(self, row: GateResult) -> str:
        return row.outcome


@admin.register(AgentDecision)
class AgentDecisionAdmin(LedgerAdmin):
    list_display = ("created_at", "shown_signal", "agent", "shown_bias", "confidence", "weight", "is_blocking")
    list_select_related = ("decision__experiment__signal",)

    @admin.display(description="signal")
    def shown_signal(self, row: AgentDecision) -> str:
        return str(row.decision.experiment.signal)

    @badge("vote", {"bullish": GOOD, "bearish": BAD, "abstains": NOTED})
    def shown_bias(self, row: AgentDecision) -> str:
        return "abstains" if row.is_abstaining else row.bias


@admin.register(Recommendation)
class RecommendationAdmin(LedgerAdmin):
    list_display = (
        "created_at",
        "signal",
        "engine",
        "is_shadow",
        "shown_outcome",
        "code",
        "option_symbol",
        "quantity",
        "limit_price",
        "confidence",
    )
    list_select_related = ("signal",)

    @badge("outcome", OUTCOMES)
    def shown_outcome(self, row: Recommendation) -> str:
        return row.outcome


@admin.register(ConfigVersion)
class ConfigVersionAdmin(LedgerAdmin):
    """The settings that decided, each set of them once."""

    list_display = ("version", "first_used_at")
    ordering = ("-first_used_at",)

    @admin.display(description="changed since the version before")
    def shown_changes(self, row: ConfigVersion) -> SafeString:
        before = ConfigVersion.objects.filter(first_used_at__lt=row.first_used_at).order_by("-first_used_at").first()
        if before is None:
            return format_html("{}", "it is the first")
        lines = ((each.name, each.before, each.after) for each in config_changes(before.values, row.values))
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}: {} → {}</li>", lines))

    def get_fields(self, request: HttpRequest, obj: Any | None = None) -> list[Any]:
        return ["shown_changes", *super().get_fields(request, obj)]


@admin.register(DrawdownFreeze)
class DrawdownFreezeAdmin(LedgerAdmin):
    """Pauses of new entries that a day's loss made; each ends by itself."""

    list_display = ("created_at", "until_at", "drawdown_percent")


class RiskLimitForm(WordedForm):
    messages = RISK_LIMIT_MESSAGES

    class Meta:
        model = RiskLimit
        fields = "__all__"


@admin.register(RiskLimit)
class RiskLimitAdmin(EditAdmin):
    form = RiskLimitForm
    list_display = (
        "name",
        "is_enabled",
        "max_open_positions",
        "max_positions_per_symbol",
        "max_daily_loss",
        "max_daily_trades",
        "max_exposure",
        "max_exposure_percent",
        "max_open_risk_percent",
        "max_drawdown_percent",
    )
    ordering = ("-is_enabled", "name")
    fieldsets = (
        (None, {"fields": ("name", "is_enabled")}),
        ("Positions", {"fields": ("max_open_positions", "max_positions_per_symbol", "max_daily_trades")}),
        ("Dollars", {"fields": ("max_daily_loss", "max_exposure")}),
        ("Percent of equity", {"fields": ("max_exposure_percent", "max_open_risk_percent")}),
        (
            "Portfolio breakers",
            {"fields": ("max_drawdown_percent", "max_dollar_delta", "max_dollar_gamma", "max_dollar_vega")},
        ),
        ("Times", {"fields": ("created_at", "updated_at")}),
    )
