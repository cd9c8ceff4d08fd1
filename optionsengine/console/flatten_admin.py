"""The trading state's page with the button that closes everything."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from optionsengine.core.clock import now
from optionsengine.ops.admin import TradingStateAdmin
from optionsengine.ops.models import TradingState
from optionsengine.ops.selectors import trading_status_get
from optionsengine.pipeline.flatten import flatten
from positions.selectors import positions_real

REASON_LENGTH = 150
SHOWN = 50


@admin.register(TradingState)
class TradingStateControlAdmin(TradingStateAdmin):
    """The switch, and the act of closing everything, asked for on a page of its own."""

    change_form_outer_before_template = "core/acts.html"

    def get_urls(self) -> list[URLPattern]:
        page = path("flatten/", self.admin_site.admin_view(self.flatten_view), name="ops_tradingstate_flatten")
        return [page, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        button = {"act": {"label": "Close everything", "is_dangerous": True}, "url": reverse(self._name("flatten"))}
        links = [button] if self.has_change_permission(request) else []
        return super().change_view(request, object_id, form_url, {"act_links": links, **(extra_context or {})})

    def flatten_view(self, request: HttpRequest) -> HttpResponse:
        """Say on GET what would be closed, close it on POST."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        reason = request.POST.get("reason", "").strip()[:REASON_LENGTH]
        if request.method == "POST" and reason:
            return self._flattened(request, reason)
        positions = positions_real()
        context = {
            **self.admin_site.each_context(request),
            "title": "Close everything",
            "opts": self.opts,
            "status": trading_status_get(),
            "positions": positions.order_by("underlying", "pk")[:SHOWN],
            "count": positions.count(),
            "cancel": reverse(self._name("changelist")),
            "reason_length": REASON_LENGTH,
            "media": self.media,
        }
        return TemplateResponse(request, "console/flatten.html", context)

    def _flattened(self, request: HttpRequest, reason: str) -> HttpResponse:
        report = flatten(
            actor=request.user.get_username(), reason=reason, with_shadow="with_shadow" in request.POST, at=now()
        )
        state = TradingState.objects.filter(pk=1).first()
        if state is not None:
            self.log_change(request, state, f"Close everything. {reason}: {report.message}"[:250])
        self.message_user(request, report.message, messages.SUCCESS if report.is_whole else messages.ERROR)
        for row in report.failed:
            self.message_user(request, f"{row.option_symbol}: {row.error}", messages.ERROR)
        return HttpResponseRedirect(reverse(self._name("changelist")))

    def _name(self, page: str) -> str:
        return f"{self.admin_site.name}:ops_tradingstate_{page}"
