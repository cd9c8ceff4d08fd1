"""The trading state and the feature flags over the API: read by who may look, switched by who may act."""

from rest_framework.exceptions import NotFound
from rest_framework.generics import RetrieveUpdateAPIView
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin, UpdateModelMixin
from rest_framework.pagination import CursorPagination
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import GenericViewSet

from optionsengine.core.clock import now
from optionsengine.ops.enums import Flag, TradingStatus
from optionsengine.ops.models import FeatureFlag, TradingState
from optionsengine.ops.selectors import flag_get, trading_state_get
from optionsengine.ops.serializers import FeatureFlagSerializer, TradingStateSerializer
from optionsengine.ops.services import feature_flag_set, trading_state_set


class TradingStateView(RetrieveUpdateAPIView[TradingState]):
    """Whether the engine may trade, and why; every change is audited."""

    serializer_class = TradingStateSerializer

    def get_object(self) -> TradingState:
        return trading_state_get()

    def perform_update(self, serializer: BaseSerializer[TradingState]) -> None:
        given = serializer.validated_data
        status = TradingStatus(given["status"]) if "status" in given else None
        serializer.instance = trading_state_set(status=status, reason=given.get("reason"), at=now())


class ByName(CursorPagination):
    ordering = "name"
    page_size = 50


class FeatureFlagViewSet(ListModelMixin, RetrieveModelMixin, UpdateModelMixin, GenericViewSet[FeatureFlag]):
    """Parts of the engine to switch on and off; a switch holds from the next decision on, and is audited."""

    queryset = FeatureFlag.objects.all()
    serializer_class = FeatureFlagSerializer
    pagination_class = ByName
    filter_backends = ()
    http_method_names = ["get", "patch", "head", "options"]

    def get_object(self) -> FeatureFlag:
        name = self.kwargs["pk"]
        if name not in Flag.values:
            raise NotFound
        return flag_get(Flag(name))

    def perform_update(self, serializer: BaseSerializer[FeatureFlag]) -> None:
        flag = self.get_object()
        is_enabled = serializer.validated_data.get("is_enabled", flag.is_enabled)
        serializer.instance = feature_flag_set(name=flag.name, is_enabled=is_enabled, at=now())
