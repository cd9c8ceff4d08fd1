"""What came in. Sources and signals have their pages in the console, which sees the whole life of an alert."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from optionsengine.core.admin import BAD, GOOD, NOTED, WAITING, LedgerAdmin, badge
from signals.models import MarketContextReceived, SignalEvent, WebhookEvent

EVENT_STATUSES = {
    "received": WAITING,
    "accepted": GOOD,
    "duplicate": NOTED,
    "rejected": BAD,
    "failed": BAD,
}


@admin.register(WebhookEvent)
class WebhookEventAdmin(LedgerAdmin):
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
        "shown_duration",
    )
    list_select_related = ("source",)
    list_filter = ("status",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("body", "headers", "details", "answer", "error")

    def get_fields(self, request: HttpRequest, obj: Any | None = None) -> list[Any]:
        return [*super().get_fields(request, obj), "shown_body"]

    @badge("status", EVENT_STATUSES)
    def shown_status(self, row: WebhookEvent) -> str:
        return row.status

    @admin.display(description="took")
    def shown_duration(self, row: WebhookEvent) -> str:
        return "" if row.processing_ms is None else f"{row.processing_ms:.1f} ms"

    @admin.display(description="body, secrets blanked")
    def shown_body(self, row: WebhookEvent) -> SafeString:
        return format_html('<pre class="oe-json">{}</pre>', bytes(row.body).decode("utf-8", "replace"))


@admin.register(SignalEvent)
class SignalEventAdmin(LedgerAdmin):
    list_display = ("created_at", "signal", "from_status", "to_status", "reason", "message", "actor")
    list_select_related = ("signal",)


@admin.register(MarketContextReceived)
class MarketContextReceivedAdmin(LedgerAdmin):
    list_display = ("created_at", "symbol", "price", "observed_at")
    list_select_related = ("event",)
    exact_search = ("symbol",)
