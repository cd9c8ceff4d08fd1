"""Positions with their marks and the act of closing; exit rules to edit; the rest to read."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from optionsengine.core.acts import Act, ActingAdmin
from optionsengine.core.admin import BAD, GOOD, NOTED, WAITING, EditAdmin, LedgerAdmin, WordedForm, badge
from optionsengine.core.templatetags.prices import price
from positions.enums import ExitReason, PositionStatus
from positions.models import (
    BiasTradePerformance,
    EquitySnapshot,
    ExitAlert,
    ExitRule,
    Position,
    PositionEvent,
    PositionMark,
)
from positions.rules import rule_target
from positions.selectors import is_uuid, rule_target_problem
from positions.serializers import EXIT_RULE_MESSAGES
from positions.services import position_close_request

MARKS_SHOWN = 100


def money(amount: Any) -> SafeString | str:
    """Show dollars in green or red by their sign."""
    if amount is None:
        return "-"
    tone = "oe-gain" if amount > 0 else "oe-loss" if amount < 0 else ""
    return format_html('<span class="{}">{}</span>', tone, f"{amount:,.2f}")


def _close(position_id: UUID, actor: str, reason: str, at: datetime) -> object:
    return position_close_request(position_id=position_id, reason=ExitReason.MANUAL, actor=actor, at=at)


@admin.register(Position)
class PositionAdmin(ActingAdmin):
    acts = (
        Act(
            name="close",
            label="Close position",
            question="Sell everything that is left of this at the market?",
            done="its exit order is written; it closes when the order fills",
            run=_close,
            applies=lambda row: row.status != PositionStatus.CLOSED,
            is_dangerous=True,
        ),
    )
    change_form_outer_after_template = "positions/marks.html"
    list_display = (
        "created_at",
        "shown_mode",
        "engine",
        "shown_status",
        "option_symbol",
        "shown_quantity",
        "shown_entry",
        "shown_bid",
        "shown_unrealized",
        "shown_realized",
        "shown_source",
        "exit_reason",
    )
    list_filter = ("status",)
    exact_search = ("underlying", "option_symbol")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        marks = (
            PositionMark.objects.filter(position_id=object_id) if is_uuid(object_id) else PositionMark.objects.none()
        )
        shown = {"marks": marks.order_by("-created_at")[:MARKS_SHOWN], "marks_shown": MARKS_SHOWN}
        return super().change_view(request, object_id, form_url, shown | (extra_context or {}))

    @badge("status", {"open": GOOD, "closing": WAITING})
    def shown_status(self, row: Position) -> str:
        return row.status

    @badge("mode", {"live": BAD, "paper": NOTED})
    def shown_mode(self, row: Position) -> str:
        return f"{row.mode} test" if row.is_test else row.mode

    @badge("prices from", {"simulated": WAITING})
    def shown_source(self, row: Position) -> str:
        return row.data_source

    @admin.display(description="open")
    def shown_quantity(self, row: Position) -> str:
        return f"{row.quantity} of {row.opened_quantity}"

    @admin.display(description="entry")
    def shown_entry(self, row: Position) -> str:
        return price(row.entry_price)

    @admin.display(description="bid")
    def shown_bid(self, row: Position) -> str:
        return price(row.bid)

    @admin.display(description="unrealised $")
    def shown_unrealized(self, row: Position) -> SafeString | str:
        return money(row.unrealized_pnl)

    @admin.display(description="realised $")
    def shown_realized(self, row: Position) -> SafeString | str:
        return money(row.realized_pnl)


class ExitRuleForm(WordedForm):
    """A rule's target must be one its scope knows."""

    messages = EXIT_RULE_MESSAGES

    class Meta:
        model = ExitRule
        fields = "__all__"

    def clean(self) -> dict[str, Any]:
        """Refuse a target that names no engine, setup, symbol or position.

        :raises ValidationError: never by itself; errors are added to `target`.
        """
        cleaned = super().clean() or self.cleaned_data
        scope = cleaned.get("scope") or ""
        cleaned["target"] = target = rule_target(scope, cleaned.get("target") or "")
        said = rule_target_problem(scope, target)
        if said:
            self.add_error("target", forms.ValidationError(said))
        return cleaned


@admin.register(ExitRule)
class ExitRuleAdmin(EditAdmin):
    form = ExitRuleForm
    list_display = (
        "name",
        "is_enabled",
        "scope",
        "target",
        "action",
        "profit_target_percent",
        "stop_loss_percent",
        "trailing_activation_percent",
        "trailing_distance_percent",
        "max_hold_sessions",
        "min_dte",
    )
    ordering = ("-is_enabled", "scope", "target", "name")
    fieldsets = (
        (None, {"fields": ("name", "is_enabled", "scope", "target", "action")}),
        ("Profit and loss, % of the premium", {"fields": ("profit_target_percent", "stop_loss_percent")}),
        ("Trailing stop, %", {"fields": ("trailing_activation_percent", "trailing_distance_percent")}),
        ("Time", {"fields": ("max_hold_sessions", "min_dte", "created_at", "updated_at")}),
    )


@admin.register(PositionEvent)
class PositionEventAdmin(LedgerAdmin):
    list_display = ("created_at", "position", "from_status", "to_status", "reason", "message", "actor")
    list_select_related = ("position",)


@admin.register(PositionMark)
class PositionMarkAdmin(LedgerAdmin):
    list_display = ("created_at", "position", "bid", "ask", "mark", "shown_pnl", "trailing_stop", "shown_source")
    list_select_related = ("position",)

    @admin.display(description="unrealised $")
    def shown_pnl(self, row: PositionMark) -> SafeString | str:
        return money(row.unrealized_pnl)

    @badge("prices from", {"simulated": WAITING})
    def shown_source(self, row: PositionMark) -> str:
        return row.source


@admin.register(ExitAlert)
class ExitAlertAdmin(LedgerAdmin):
    list_display = ("created_at", "shown_priority", "position", "reason", "recommended_action", "resolved_at")
    list_select_related = ("position",)

    @badge("priority", {"CRITICAL": BAD, "HIGH": WAITING, "MEDIUM": NOTED})
    def shown_priority(self, row: ExitAlert) -> str:
        return row.priority


@admin.register(EquitySnapshot)
class EquitySnapshotAdmin(LedgerAdmin):
    list_display = ("created_at", "new_york_date", "equity")


@admin.register(BiasTradePerformance)
class BiasTradePerformanceAdmin(LedgerAdmin):
    list_display = (
        "created_at",
        "symbol",
        "side",
        "engine",
        "setup_type",
        "shown_pnl",
        "shown_percent",
        "shown_r",
        "session_minutes",
        "shown_source",
        "is_test",
    )

    @admin.display(description="P&L $")
    def shown_pnl(self, row: BiasTradePerformance) -> SafeString | str:
        return money(row.pnl)

    @admin.display(description="P&L %")
    def shown_percent(self, row: BiasTradePerformance) -> str:
        return f"{row.pnl_percent:.1f}"

    @admin.display(description="R")
    def shown_r(self, row: BiasTradePerformance) -> str:
        return f"{row.pnl_r:.2f}"

    @badge("source", {"simulated": WAITING, "paper": NOTED})
    def shown_source(self, row: BiasTradePerformance) -> str:
        return row.source
