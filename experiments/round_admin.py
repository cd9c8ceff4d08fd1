"""Rounds of decisions, to read, with the settings that decided; and a page that decides one again."""

import json
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from experiments.models import ConfigVersion, DecisionRound
from experiments.replay import decision_replay, decision_what_if
from experiments.what_if import Comparison, NotReplayable, WhatIfInvalid, changes_read
from optionsengine.core.admin import BAD, GOOD, WAITING, LedgerAdmin, badge
from optionsengine.core.enums import Engine

OUTCOMES = {"approved": GOOD, "deferred": WAITING, "refused": BAD}
MAX_TYPED = 2000


@admin.register(DecisionRound)
class DecisionRoundAdmin(LedgerAdmin):
    change_form_outer_before_template = "core/acts.html"
    list_display = ("created_at", "shown_signal", "round", "shown_outcome", "code", "execution_mode", "rules_version")
    list_select_related = ("experiment__signal",)

    @admin.display(description="signal")
    def shown_signal(self, row: DecisionRound) -> str:
        return str(row.experiment.signal)

    @badge("outcome", OUTCOMES)
    def shown_outcome(self, row: DecisionRound) -> str:
        return row.outcome

    @admin.display(description="settings that decided")
    def shown_config(self, row: DecisionRound) -> SafeString:
        values = ConfigVersion.objects.filter(pk=row.config_version).values_list("values", flat=True).first()
        if values is None:
            return format_html("{}", "not kept: it was decided before versions were")
        return format_html('<pre class="oe-json">{}</pre>', json.dumps(values, indent=2, ensure_ascii=False))

    def get_fields(self, request: HttpRequest, obj: Any | None = None) -> list[Any]:
        return [*super().get_fields(request, obj), "shown_config"]

    def get_urls(self) -> list[URLPattern]:
        replay = path(
            "<uuid:row_id>/replay/",
            self.admin_site.admin_view(self.replay_view),
            name="experiments_decisionround_replay",
        )
        return [replay, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        links = [] if row is None else [{"act": {"label": "Replay"}, "url": _replay_url(row)}]
        return super().change_view(request, object_id, form_url, {"act_links": links, **(extra_context or {})})

    def replay_view(self, request: HttpRequest, row_id: UUID) -> HttpResponse:
        """Decide it again and show how it came out, also under the settings in `with`, one to a line."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_queryset(request).filter(pk=row_id).first()
        if row is None:
            raise Http404("there is no such decision")
        typed = request.GET.get("with", "")[:MAX_TYPED]
        engines, refused = _tried(row, typed)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Replay of round {row.round}, {row.experiment.signal}",
            "opts": self.opts,
            "row": row,
            "back": reverse(f"{self.admin_site.name}:experiments_decisionround_change", args=(row.pk,)),
            "result": decision_replay(row),
            "typed": typed,
            "engines": engines,
            "refused": refused,
            "media": self.media,
        }
        return TemplateResponse(request, "experiments/replay.html", context)


def _replay_url(row: DecisionRound) -> str:
    return reverse("admin:experiments_decisionround_replay", args=(row.pk,))


def _tried(row: DecisionRound, typed: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Return both engines before and after, or why the settings cannot be tried; neither if none were typed."""
    lines = [line.partition("=") for line in typed.splitlines() if line.strip()]
    if not lines:
        return [], []
    malformed = [line[0] for line in lines if not line[1]]
    if malformed:
        return [], [f"{line!r}: write KEY=VALUE, one to a line" for line in malformed]
    try:
        compared = decision_what_if(row, changes_read({key.strip(): value for key, _, value in lines}))
    except NotReplayable as error:
        return [], [f"{key}: NOT_REPLAYABLE, {reason}" for key, reason in error.context.items()]
    except WhatIfInvalid as error:
        return [], [f"{key}: {fault}" for key, fault in error.faults.items()]
    return _sides(compared), []


def _sides(compared: Comparison) -> list[dict[str, Any]]:
    return [
        {
            "engine": engine.value,
            "is_real": engine == compared.after.engine,
            "is_changed": compared.is_changed_for(engine),
            "before": compared.engines_before.get(engine),
            "after": compared.engines_after.get(engine),
        }
        for engine in Engine
    ]
