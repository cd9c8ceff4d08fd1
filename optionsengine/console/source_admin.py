"""Webhook sources: who may send, their secrets with rotation, what to paste where, and a test alert."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from optionsengine.console.source_forms import RotateForm, TrialForm, WebhookSourceForm
from optionsengine.console.source_guide import Guide, source_guide
from optionsengine.console.source_trial import Trial, trial_send
from optionsengine.core.admin import EditAdmin
from optionsengine.core.clock import now
from signals.authentication import client_ip
from signals.enums import SourceMode
from signals.models import WebhookSecret, WebhookSource
from signals.services import webhook_secret_end, webhook_secret_rotate, webhook_source_create

_NAME = "signals_webhooksource"
_hides_secrets = method_decorator(sensitive_post_parameters("own_secret", "token"))


@admin.register(WebhookSource)
class WebhookSourceAdmin(EditAdmin):
    """Whoever may change a source makes and ends its secrets; whoever may act on signals may send a test alert."""

    form = WebhookSourceForm
    list_display = ("slug", "name", "mode", "is_enabled", "is_default", "shown_networks", "created_at")
    change_form_outer_before_template = "core/acts.html"
    change_form_outer_after_template = "console/source_panels.html"

    class Media:
        js = ("console/copy.js",)

    @admin.display(description="may send from")
    def shown_networks(self, row: WebhookSource) -> str:
        listed = row.allowed_networks
        more = f" and {len(listed) - 2} more" if len(listed) > 2 else ""
        return ", ".join(listed[:2]) + more if listed else "anywhere"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<uuid:source_id>/rotate/", wrap(self.rotate_view), name=f"{_NAME}_rotate"),
            path("<uuid:source_id>/test/", wrap(self.trial_view), name=f"{_NAME}_test"),
            path("<uuid:source_id>/secrets/<uuid:secret_id>/end/", wrap(self.end_view), name=f"{_NAME}_end"),
        ]
        return [*own, *super().get_urls()]

    def get_fieldsets(self, request: HttpRequest, obj: WebhookSource | None = None) -> Any:
        may_edit = obj is None or self.has_change_permission(request, obj)
        where = ("tradingview_addresses", "allowed_networks") if may_edit else ("allowed_networks",)
        proof = ("mode", "requires_timestamp", "own_secret") if obj is None else ("mode", "requires_timestamp")
        fieldsets = [
            (None, {"fields": ("slug", "name", "is_enabled", "is_default")}),
            ("How it proves itself", {"fields": proof}),
            ("Where it may send from", {"fields": where}),
            ("How its repeats are told", {"fields": ("reads_id", "ids_only")}),
        ]
        return fieldsets if obj is None else [*fieldsets, (None, {"fields": ("created_at", "updated_at")})]

    def get_readonly_fields(self, request: HttpRequest, obj: WebhookSource | None = None) -> tuple[str, ...]:
        return ("created_at", "updated_at") if obj is None else ("slug", "mode", "created_at", "updated_at")

    def has_delete_permission(self, request: HttpRequest, obj: WebhookSource | None = None) -> bool:
        return False

    def has_trial_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("signals.change_signal")

    @_hides_secrets
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return super().add_view(request, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: WebhookSource, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        stored = {name: getattr(obj, name) for name in WebhookSourceForm.Meta.fields if name != "mode"}
        made, secret = webhook_source_create(
            mode=SourceMode(obj.mode), at=now(), secret=form.cleaned_data["own_secret"], **stored
        )
        obj.pk = made.pk
        # carried to response_add on the unsaved form instance, and nowhere else
        obj.__dict__["shown_once"] = secret

    def response_add(
        self, request: HttpRequest, obj: WebhookSource, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._show_once(request, obj, obj.__dict__.pop("shown_once"), f"{obj.name} is ready")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        source = self.get_object(request, object_id)
        shown = {} if source is None else self._panels(request, source)
        return super().change_view(request, object_id, form_url, {**shown, **(extra_context or {})})

    def _panels(self, request: HttpRequest, source: WebhookSource) -> dict[str, Any]:
        may_change, at = self.has_change_permission(request, source), now()
        links = []
        if self.has_trial_permission(request):
            links.append({"act": {"label": "Send a test alert"}, "url": self._url("test", source.pk)})
        if may_change:
            links.append({"act": {"label": f"Rotate the {_kind(source)}"}, "url": self._url("rotate", source.pk)})
        secrets = [
            {"row": row, "state": _state(row, at), "end": self._url("end", source.pk, row.pk) if may_change else ""}
            for row in source.secrets.order_by("-not_before", "-id")
        ]
        return {"act_links": links, "secrets": secrets, "guide": _guide(request, source), "kind": _kind(source)}

    @_hides_secrets
    def rotate_view(self, request: HttpRequest, source_id: UUID) -> HttpResponse:
        """Ask for the overlap on GET; on POST make the new secret and show it once."""
        source = self._source(request, source_id)
        if not self.has_change_permission(request, source):
            raise PermissionDenied
        newest = source.secrets.order_by("-created_at", "-pk").values_list("pk", flat=True).first()
        form = RotateForm(request.POST or None, mode=source.mode, newest=str(newest or ""))
        if request.method == "POST" and form.is_valid():
            overlap = form.cleaned_data["overlap"]
            secret = webhook_secret_rotate(
                source=source, at=now(), overlap=overlap, secret=form.cleaned_data["own_secret"]
            )
            self.log_change(request, source, f"Rotated the {_kind(source)}; the older ones hold for {overlap} more.")
            return self._show_once(request, source, secret, f"{source.name} has a new {_kind(source)}")
        intro = (
            f"A new {_kind(source)} holds at once. Move the sender over to it while the older ones still hold; "
            "without an overlap, what the sender posts until then is refused."
        )
        return self._ask(request, source, title=f"Rotate the {_kind(source)}", intro=intro, form=form, submit="Rotate")

    def end_view(self, request: HttpRequest, source_id: UUID, secret_id: UUID) -> HttpResponse:
        """Ask on GET, end one secret on POST."""
        source = self._source(request, source_id)
        row = source.secrets.filter(pk=secret_id).first()
        if row is None:
            raise Http404("no such secret")
        if not self.has_change_permission(request, source):
            raise PermissionDenied
        kind, at = _kind(source), now()
        if request.method == "POST":
            if webhook_secret_end(secret=row, at=at):
                self.log_change(request, source, f"Ended the {kind} of {row.not_before:%Y-%m-%d %H:%M}.")
                self.message_user(request, f"The {kind} has ended.", messages.SUCCESS)
            else:
                self.message_user(request, f"The {kind} had ended before.", messages.WARNING)
            return HttpResponseRedirect(self._url("change", source.pk))
        others = [one for one in source.secrets.exclude(pk=row.pk) if _state(one, at) == "holds"]
        intro = f"What is sent with the {kind} made {row.not_before:%Y-%m-%d %H:%M} UTC is refused from now on."
        if not others:
            intro += " No other holds: nothing of this source gets in until you rotate."
        return self._ask(
            request, source, title=f"End this {kind} now?", intro=intro, submit="End it now", is_dangerous=True
        )

    @_hides_secrets
    def trial_view(self, request: HttpRequest, source_id: UUID) -> HttpResponse:
        """Ask on GET; on POST send a test alert through the intake and show what was answered."""
        source = self._source(request, source_id)
        if not self.has_trial_permission(request):
            raise PermissionDenied
        form = TrialForm(request.POST or None, mode=source.mode)
        trial: Trial | None = None
        if request.method == "POST" and form.is_valid():
            trial = trial_send(
                source=source,
                symbol=form.cleaned_data["symbol"],
                direction=form.cleaned_data["direction"],
                token=form.cleaned_data.get("token", ""),
                ip=_person_ip(request),
                at=now(),
            )
            told = " ".join(part for part in (trial.answer.status, trial.answer.extra.get("code", "")) if part)
            self.log_change(request, source, f"Sent a test alert: {trial.answer.http} {told}.")
        intro = (
            "It goes through the whole intake as one of this source's own, marked as a test: it is decided and may be "
            "filled on paper, and is kept out of limits and statistics."
        )
        return self._ask(
            request, source, title="Send a test alert", intro=intro, form=form, submit="Send it", trial=trial
        )

    def _source(self, request: HttpRequest, source_id: UUID) -> WebhookSource:
        source: WebhookSource | None = self.get_queryset(request).filter(pk=source_id).first()
        if source is None:
            raise Http404("no such source")
        return source

    def _url(self, name: str, *args: UUID) -> str:
        return reverse(f"{self.admin_site.name}:{_NAME}_{name}", args=args)

    def _context(self, request: HttpRequest, source: WebhookSource, title: str) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "source": source,
            "kind": _kind(source),
            "back": self._url("change", source.pk),
            "media": self.media,
        }

    def _ask(
        self,
        request: HttpRequest,
        source: WebhookSource,
        *,
        title: str,
        intro: str,
        submit: str,
        form: RotateForm | TrialForm | None = None,
        is_dangerous: bool = False,
        trial: Trial | None = None,
    ) -> HttpResponse:
        context = self._context(request, source, title)
        context |= {"intro": intro, "submit": submit, "form": form, "is_dangerous": is_dangerous, "trial": trial}
        return TemplateResponse(request, "console/source_act.html", context)

    def _show_once(self, request: HttpRequest, source: WebhookSource, secret: str, said: str) -> HttpResponse:
        context = self._context(request, source, f"Copy the {_kind(source)}")
        trial = self._url("test", source.pk) if self.has_trial_permission(request) else ""
        context |= {"said": said, "secret": secret, "guide": _guide(request, source, secret), "trial_url": trial}
        return TemplateResponse(request, "console/source_secret.html", context)


def _person_ip(request: HttpRequest) -> str | None:
    forwarded = request.headers.get("x-forwarded-for", "")
    return client_ip(request.META.get("REMOTE_ADDR", ""), forwarded, settings.TRUSTED_PROXIES)


def _kind(source: WebhookSource) -> str:
    return "token" if source.mode == SourceMode.TOKEN else "secret"


def _state(row: WebhookSecret, at: datetime) -> str:
    if at < row.not_before:
        return "not yet"
    return "holds" if row.not_after is None or at <= row.not_after else "ended"


def _guide(request: HttpRequest, source: WebhookSource, secret: str = "") -> Guide:
    return source_guide(
        mode=SourceMode(source.mode),
        slug=source.slug,
        is_default=source.is_default,
        requires_timestamp=source.requires_timestamp,
        base_url=request.build_absolute_uri("/").rstrip("/"),
        secret=secret,
    )
