"""Decisions over the API: to read, to decide again, and to try settings out on."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import ReadOnlyModelViewSet

from experiments.decision_filters import DecisionFilter
from experiments.decision_serializers import (
    DecisionDetailSerializer,
    DecisionSerializer,
    ReplaySerializer,
    WhatIfSerializer,
)
from experiments.models import DecisionRound
from experiments.replay import decision_replay, decision_what_if
from experiments.what_if import Comparison, WhatIfInvalid, changes_read
from optionsengine.console.permissions import ReaderPermission
from optionsengine.core.enums import Engine


class DecisionViewSet(ReadOnlyModelViewSet[DecisionRound]):
    """Rounds of decisions, newest first."""

    queryset = DecisionRound.objects.select_related("experiment__signal").defer("experiment__signal__payload")
    filterset_class = DecisionFilter
    ordering_fields = ("created_at",)
    ordering = ("-created_at",)

    def get_queryset(self) -> QuerySet[DecisionRound]:
        rows = super().get_queryset()
        if self.action == "list":
            return rows.defer("inputs", "experiment__signal__payload")
        return rows.prefetch_related("gates", "votes", "recommendations")

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        return DecisionSerializer if self.action == "list" else DecisionDetailSerializer

    @extend_schema(methods=["GET"], responses=ReplaySerializer, filters=False)
    @extend_schema(methods=["POST"], request=WhatIfSerializer, responses=ReplaySerializer)
    @action(detail=True, methods=["get", "post"], permission_classes=[ReaderPermission], filter_backends=[])
    def replay(self, request: Request, pk: UUID) -> Response:
        """Decide it again from its frozen inputs and compare; by POST also under other settings. Nothing is changed."""
        decision = self.get_object()
        compared = None
        if request.method == "POST":
            asked = WhatIfSerializer(data=request.data)
            asked.is_valid(raise_exception=True)
            compared = _compared(decision, asked.validated_data["with"])
        result = decision_replay(decision)
        answer = {
            "decision": decision.pk,
            "is_same": result.is_same,
            "context_hash": result.context_hash,
            "matches": result.matches,
            "differences": result.differences,
            "rules_version": decision.rules_version,
            "config_version": decision.config_version,
            "what_if": None if compared is None else _shown(compared),
        }
        return Response(ReplaySerializer(answer).data)


def _compared(decision: DecisionRound, settings: dict[str, str]) -> Comparison | None:
    """Decide under other settings, if any are given.

    :raises NotReplayable: for a setting or a decision that cannot show it; answered with 409.
    :raises ValidationError: for a key that means nothing or a value that the setting would refuse.
    """
    if not settings:
        return None
    try:
        return decision_what_if(decision, changes_read(settings))
    except WhatIfInvalid as error:
        raise ValidationError({"with": error.faults}) from None


def _shown(compared: Comparison) -> dict[str, Any]:
    engines = [
        {
            "engine": engine,
            "is_real": engine == compared.after.engine,
            "changes": compared.is_changed_for(engine),
            "before": compared.engines_before.get(engine),
            "after": compared.engines_after.get(engine),
        }
        for engine in Engine
    ]
    return {"changes": compared.is_changed, "engines": engines}
