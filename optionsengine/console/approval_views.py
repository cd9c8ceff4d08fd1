"""The review queue over the API: read what waits with its whole reasoning, approve or reject it."""

from uuid import UUID

from django.db.models import QuerySet
from django_filters import UUIDFilter
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import ReadOnlyModelViewSet

from experiments.models import Approval
from optionsengine.console.approval_selectors import QUEUE_ORDER, approvals_queue
from optionsengine.console.approval_serializers import (
    ApprovalAnswerSerializer,
    ApprovalDetailSerializer,
    ApprovalRejectSerializer,
    ApprovalSerializer,
)
from optionsengine.core.clock import now
from optionsengine.core.filters import RowFilter, SymbolFilter
from optionsengine.pipeline.approvals import signal_approve
from optionsengine.pipeline.operations import signal_reject
from signals.models import Signal


class ApprovalFilter(RowFilter):
    """What a list of approvals can be narrowed by."""

    symbol = SymbolFilter(field_name="signal__symbol")
    signal = UUIDFilter(field_name="signal_id")

    class Meta:
        model = Approval
        fields = ("status",)


class ApprovalViewSet(ReadOnlyModelViewSet[Approval]):
    """What passed everything and was put to a person: what waits first, then what ended last."""

    queryset = Approval.objects.all()
    filterset_class = ApprovalFilter
    ordering_fields = ("created_at",)
    ordering = QUEUE_ORDER

    def get_queryset(self) -> QuerySet[Approval]:
        return approvals_queue().select_related("signal__source", "signal__experiment")

    def get_serializer_class(self) -> type[BaseSerializer[Approval]]:
        return ApprovalSerializer if self.action == "list" else ApprovalDetailSerializer

    @extend_schema(request=None, responses=ApprovalAnswerSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: UUID) -> Response:
        """Have it decided again on fresh inputs; bought if it still passes everything. 409 if it waits no more."""
        approval = self.get_object()
        actor = request.user.get_username()
        signal = signal_approve(signal_id=approval.signal_id, approval_id=approval.pk, actor=actor, at=now())
        return _answer(approval, signal, "approved; it is decided again on fresh inputs within seconds")

    @extend_schema(request=ApprovalRejectSerializer, responses=ApprovalAnswerSerializer)
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: UUID) -> Response:
        """End it with a reason; no order will be made of it. 409 if it waits no more."""
        given = ApprovalRejectSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        approval = self.get_object()
        signal = signal_reject(
            signal_id=approval.signal_id,
            approval_id=approval.pk,
            actor=request.user.get_username(),
            reason=given.validated_data["reason"],
            at=now(),
        )
        return _answer(approval, signal, "rejected; no order is made of it")


def _answer(approval: Approval, signal: Signal, message: str) -> Response:
    answer = {
        "success": True,
        "approval_id": approval.pk,
        "signal_id": signal.pk,
        "signal_status": signal.status,
        "message": message,
    }
    return Response(ApprovalAnswerSerializer(answer).data)
