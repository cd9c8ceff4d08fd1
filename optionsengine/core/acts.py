"""Acts a person asks for on ledger rows: confirmed first, carried out by one service call, refused in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from optionsengine.core.admin import LedgerAdmin
from optionsengine.core.clock import now
from optionsengine.core.errors import Refusal

REASON_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Act:
    """One act: `run(row id, actor, reason, at)` calls its service, which may raise `Refusal`.

    `applies(row)` only decides whether a row's page offers it; the service has the last word.
    """

    name: str
    label: str
    question: str
    done: str
    run: Callable[[UUID, str, str, datetime], object]
    applies: Callable[[Any], bool] = lambda row: True
    asks_reason: bool = False
    is_dangerous: bool = False


class ActingAdmin(LedgerAdmin):
    """A ledger whose rows a person may act on, from the list or from a row's page, by POST after a question.

    The model's change permission is the permission to act; the rows themselves stay read-only.
    """

    acts: Sequence[Act] = ()
    change_form_outer_before_template = "core/acts.html"

    def has_act_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")

    def get_urls(self) -> list[URLPattern]:
        act = path(
            "<uuid:row_id>/act/<slug:name>/",
            self.admin_site.admin_view(self.act_view),
            name=f"{self.opts.app_label}_{self.opts.model_name}_act",
        )
        return [act, *super().get_urls()]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        if not self.has_act_permission(request):
            return {}
        return {act.name: (partial(_list_action, act), act.name, act.label) for act in self.acts}

    def act_links(self, request: HttpRequest, row: Model | None) -> list[dict[str, Any]]:
        """Return the buttons of one row's page: none for who may only look."""
        if row is None or not self.has_act_permission(request):
            return []
        name = f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_act"
        return [{"act": act, "url": reverse(name, args=(row.pk, act.name))} for act in self.acts if act.applies(row)]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        links = self.act_links(request, self.get_object(request, object_id))
        shown = {"act_links": links, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, shown)

    def act_view(self, request: HttpRequest, row_id: UUID, name: str) -> HttpResponse:
        """Ask on GET, act on POST."""
        act = next((act for act in self.acts if act.name == name), None)
        row = self.get_queryset(request).filter(pk=row_id).first()
        if act is None or row is None:
            raise Http404("no such row or act")
        if not self.has_act_permission(request):
            raise PermissionDenied
        page = reverse(f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_change", args=(row_id,))
        if request.method == "POST":
            self.carry_out(request, act, [row])
            return HttpResponseRedirect(page)
        return self.ask(request, act, [row], cancel=page, from_list=False)

    def carry_out(self, request: HttpRequest, act: Act, rows: Sequence[Model]) -> None:
        """Run the act on each row by itself, so that one refusal stops no other, and say how each ended."""
        actor = request.user.get_username()
        reason = request.POST.get("reason", "").strip()[:REASON_LENGTH]
        for row in rows:
            try:
                act.run(row.pk, actor, reason, now())
            except Refusal as refusal:
                self.message_user(request, f"{row}: {refusal.message} ({refusal.code})", messages.WARNING)
            else:
                self.log_change(request, row, f"{act.label}. {reason}".strip())
                self.message_user(request, f"{row}: {act.done}", messages.SUCCESS)

    def ask(
        self, request: HttpRequest, act: Act, rows: Sequence[Model], *, cancel: str, from_list: bool
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": act.label,
            "opts": self.opts,
            "act": act,
            "rows": rows,
            "cancel": cancel,
            "from_list": from_list,
            "selected_name": ACTION_CHECKBOX_NAME,
            "reason_length": REASON_LENGTH,
            "media": self.media,
        }
        return TemplateResponse(request, "core/confirm.html", context)


def _list_action(act: Act, admin: ActingAdmin, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
    if request.POST.get("select_across") == "1":
        admin.message_user(request, "Select rows on one page; all pages at once is not offered.", messages.WARNING)
        return None
    rows = list(queryset)
    if "confirmed" in request.POST:
        admin.carry_out(request, act, rows)
        return None
    return admin.ask(request, act, rows, cancel=request.get_full_path(), from_list=True)
