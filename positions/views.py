"""Positions over the API: read them and their marks, ask for a close, ask what should be closed; the exit rules."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet, ReadOnlyModelViewSet

from optionsengine.core.clock import now
from positions.enums import ExitReason
from positions.filters import ExitRuleFilter, PositionFilter
from positions.models import ExitRule, Position, PositionMark
from positions.selectors import exit_signals_payload
from positions.serializers import (
    CloseSerializer,
    ExitRuleSerializer,
    ExitSignalsSerializer,
    PositionMarkSerializer,
    PositionSerializer,
)
from positions.services import position_close_request


class PositionViewSet(ReadOnlyModelViewSet[Position]):
    """Positions of both engines, newest first."""

    queryset = Position.objects.all()
    serializer_class = PositionSerializer
    filterset_class = PositionFilter
    ordering_fields = ("created_at",)
    ordering = ("-created_at",)

    @extend_schema(responses=PositionMarkSerializer(many=True), filters=False)
    @action(detail=True, filterset_class=None)
    def marks(self, request: Request, pk: UUID) -> Response:
        """Where its price went, newest first."""
        rows = PositionMark.objects.filter(position=self.get_object())
        page: Any = self.paginate_queryset(rows)  # type: ignore[arg-type]  # rows of another model
        return self.get_paginated_response(PositionMarkSerializer(page, many=True).data)

    @extend_schema(request=None, responses=CloseSerializer)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: UUID) -> Response:
        """Sell what is left at the market. 409 if it is closed already or an exit order is working."""
        position = self.get_object()
        order = position_close_request(
            position_id=position.pk, reason=ExitReason.MANUAL, actor=request.user.get_username(), at=now()
        )
        answer = {
            "success": True,
            "position_id": position.pk,
            "order_id": order.pk,
            "client_order_id": order.client_order_id,
            "message": "its exit order is written; it closes when the order fills",
        }
        return Response(CloseSerializer(answer).data)


class ExitRuleViewSet(ModelViewSet[ExitRule]):
    """When positions are closed, newest first. Every change is audited and holds from the next look at the books."""

    queryset = ExitRule.objects.all()
    serializer_class = ExitRuleSerializer
    filterset_class = ExitRuleFilter
    ordering_fields = ("created_at",)
    ordering = ("-created_at",)


class ExitSignalsView(APIView):
    """Every open position that an exit rule says should be closed or looked at."""

    @extend_schema(responses=ExitSignalsSerializer)
    def get(self, request: Request) -> Response:
        return Response(ExitSignalsSerializer(exit_signals_payload(now())).data)
