"""The risk limits over the API: read by who may look, written by who may act."""

from rest_framework.viewsets import ModelViewSet

from experiments.models import RiskLimit
from experiments.serializers import RiskLimitSerializer
from optionsengine.core.filters import RowFilter


class RiskLimitFilter(RowFilter):
    """What a list of risk limits can be narrowed by."""

    class Meta:
        model = RiskLimit
        fields = ("is_enabled",)


class RiskLimitViewSet(ModelViewSet[RiskLimit]):
    """Limits on new risk, newest first; the enabled row is in force for the next decision. Every change is audited."""

    queryset = RiskLimit.objects.all()
    serializer_class = RiskLimitSerializer
    filterset_class = RiskLimitFilter
    ordering_fields = ("created_at",)
    ordering = ("-created_at",)
