"""Signals over the API; their timeline is added where all stages can be seen, in the console."""

from django.db.models import QuerySet
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import ReadOnlyModelViewSet

from signals.filters import SignalFilter
from signals.models import Signal
from signals.serializers import SignalDetailSerializer, SignalSerializer


class SignalViewSet(ReadOnlyModelViewSet[Signal]):
    """Entry and exit signals, newest first."""

    queryset = Signal.objects.select_related("source", "experiment")
    filterset_class = SignalFilter
    ordering_fields = ("created_at",)
    ordering = ("-created_at",)

    def get_queryset(self) -> QuerySet[Signal]:
        rows = super().get_queryset()
        return rows.defer("payload") if self.action == "list" else rows

    def get_serializer_class(self) -> type[BaseSerializer[Signal]]:
        return SignalSerializer if self.action == "list" else SignalDetailSerializer
