"""Who may send, and what came in. Signals themselves are reviewed in the console, which sees their whole life."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from optionsengine.core.admin import BAD, GOOD, NOTED, WAITING, EditAdmin, LedgerAdmin, WordedForm, badge
from optionsengine.core.clock import now
from signals.enums import SourceMode
from signals.models import MarketContextReceived, SignalEvent, WebhookEvent, WebhookSource
from signals.services import webhook_source_create

EVENT_STATUSES = {
    "received": WAITING,
    "accepted": GOOD,
    "duplicate": NOTED,
    "rejected": BAD,
    "failed": BAD,
}


class WebhookSourceForm(WordedForm):
    messages = {
        "webhook_sources_slug": "Another source has this slug. Choose another.",
        "webhook_sources_one_default": "Another source is the default, and only one may be. Clear that one first.",
    }

    class Meta:
        model = WebhookSource
        fields = ("slug", "name", "mode", "requires_timestamp", "is_enabled", "is_default")
        help_texts = {
            "slug": "Names the source: it may post to /webhook/s/ followed by this.",
            "mode": "A token for TradingView, which can send no header; HMAC for whoever can sign.",
            "requires_timestamp": "HMAC only: the signature covers the header x-webhook-timestamp, a dot and the body.",
        }


@admin.register(WebhookSource)
class WebhookSourceAdmin(EditAdmin):
    """Adding one makes its secret or token and shows it once; neither can be read again."""

    form = WebhookSourceForm
    list_display = ("slug", "name", "mode", "is_enabled", "is_default", "requires_timestamp", "created_at")

    def get_fields(self, request: HttpRequest, obj: WebhookSource | None = None) -> tuple[str, ...]:
        if obj is None:
            return ("slug", "name", "mode", "requires_timestamp", "is_default")
        return (
            "slug",
            "name",
            "mode",
            "requires_timestamp",
            "is_enabled",
            "is_default",
            "created_at",
            "updated_at",
        )

    def get_readonly_fields(self, request: HttpRequest, obj: WebhookSource | None = None) -> tuple[str, ...]:
        return ("created_at", "updated_at") if obj is None else ("slug", "mode", "created_at", "updated_at")

    def has_delete_permission(self, request: HttpRequest, obj: WebhookSource | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: WebhookSource, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        made, secret = webhook_source_create(
            slug=obj.slug,
            name=obj.name,
            mode=SourceMode(obj.mode),
            at=now(),
            is_default=obj.is_default,
            requires_timestamp=obj.requires_timestamp,
        )
        obj.pk = made.pk
        # carried to response_add on the unsaved form instance, and nowhere else
        obj.__dict__["shown_once"] = secret

    def response_add(
        self, request: HttpRequest, obj: WebhookSource, post_url_continue: str | None = None
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Copy the secret",
            "opts": self.opts,
            "source": obj,
            "secret": obj.__dict__.pop("shown_once"),
            "kind": "token" if obj.mode == SourceMode.TOKEN else "secret",
            "next": reverse(f"{self.admin_site.name}:signals_webhooksource_changelist"),
            "media": self.media,
        }
        return TemplateResponse(request, "signals/secret_once.html", context)


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
