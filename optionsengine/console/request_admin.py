"""What came in: every request as it came, how it ended, what became of it, and the act that has it read again."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from optionsengine.core.acts import Act, ActingAdmin
from optionsengine.core.admin import BAD, GOOD, NOTED, WAITING, badge
from optionsengine.core.errors import Transient
from optionsengine.pipeline.replays import event_replay
from signals.enums import EventStatus
from signals.models import Signal, WebhookEvent

EVENT_STATUSES = {
    "received": WAITING,
    "accepted": GOOD,
    "duplicate": NOTED,
    "rejected": BAD,
    "failed": BAD,
}


def _replay(event_id: UUID, actor: str, reason: str, at: datetime) -> object:
    try:
        return event_replay(event_id=event_id, actor=actor, at=at)
    except Transient:
        return None  # it is given back all the same, and recovery reads it


@admin.register(WebhookEvent)
class WebhookEventAdmin(ActingAdmin):
    """The inbox. A replay goes the request's own way again, so it is safe for any row."""

    acts = (
        Act(
            name="replay",
            label="Replay",
            question="Read this again, as if it had just come in? Age and duplicates count from its first arrival.",
            done="was read again; its page says how it ended",
            run=_replay,
            applies=lambda row: row.status != EventStatus.ACCEPTED,
        ),
    )
    list_display = (
        "created_at",
        "shown_status",
        "family",
        "symbol",
        "code",
        "source",
        "authenticated",
        "source_ip",
        "size",
        "replays",
        "shown_duration",
    )
    list_select_related = ("source",)
    list_filter = ("status", "family", "source", "authenticated", "created_at")
    exact_search = ("symbol", "sender_event_id")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("body", "headers", "details", "answer", "error")

    def get_fields(self, request: HttpRequest, obj: Any | None = None) -> list[Any]:
        """What became of it first, then every column, the texts of many lines last."""
        columns = [column for column in super().get_fields(request, obj) if column != "error"]
        return ["shown_signal", *columns, "shown_error", "shown_body"]

    @badge("status", EVENT_STATUSES)
    def shown_status(self, row: WebhookEvent) -> str:
        return row.status

    @admin.display(description="took")
    def shown_duration(self, row: WebhookEvent) -> str:
        return "" if row.processing_ms is None else f"{row.processing_ms:.1f} ms"

    @admin.display(description="signal")
    def shown_signal(self, row: WebhookEvent) -> str:
        """The signal made of it, or the first one that it repeats."""
        named = row.answer.get("signal_id")
        signal = Signal.objects.filter(event=row).first() or (named and Signal.objects.filter(pk=named).first())
        if not signal:
            return "none"
        url = reverse(f"{self.admin_site.name}:signals_signal_change", args=(signal.pk,))
        first = "repeats " if signal.event_id != row.pk else ""
        return format_html('{}<a class="oe-link" href="{}">{}</a>', first, url, signal)

    @admin.display(description="error")
    def shown_error(self, row: WebhookEvent) -> SafeString | str:
        return format_html('<pre class="oe-json">{}</pre>', row.error) if row.error else "none"

    @admin.display(description="body, secrets blanked")
    def shown_body(self, row: WebhookEvent) -> SafeString:
        return format_html('<pre class="oe-json">{}</pre>', bytes(row.body).decode("utf-8", "replace"))
