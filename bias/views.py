"""The bias over the API: the state that counts, every event, and all symbols at a glance."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bias.enums import BiasSource
from bias.models import BiasStateHistory
from bias.selectors import (
    bias_config_get,
    bias_history,
    bias_state_choose,
    bias_states_choose,
    fresh_until_at,
    staleness_at,
)
from bias.serializers import (
    BiasHistorySerializer,
    BiasStateSerializer,
    BiasSummarySerializer,
    SymbolQuerySerializer,
    state_shown,
)
from optionsengine.core.clock import now


class NoBias(APIException):
    """Raised for a symbol of which nothing is known."""

    status_code = status.HTTP_404_NOT_FOUND
    default_code = "no_bias"


def _symbol(request: Request) -> str:
    query = SymbolQuerySerializer(data=request.query_params.dict())
    query.is_valid(raise_exception=True)
    return str(query.validated_data["symbol"])


class BiasStateView(APIView):
    """The bias of one symbol as a decision would see it now."""

    may_find_nothing = True

    @extend_schema(parameters=[SymbolQuerySerializer], responses=BiasStateSerializer)
    def get(self, request: Request) -> Response:
        symbol, at, config, source = _symbol(request), now(), bias_config_get(), BiasSource(settings.BIAS_SOURCE)
        state = bias_state_choose(symbol, at, source=source, config=config)
        if state is None:
            raise NoBias(
                f"No bias of {symbol} is known (BIAS_SOURCE is {source}). Have the chart send bias events, or make one "
                f"up: manage.py seed_bias {symbol} --bias BULLISH"
            )
        age = staleness_at(state, at, config.staleness).model_dump()
        stale = age | {
            "fresh_until_at": fresh_until_at(state, at, config.staleness),
            "behavior": config.staleness.behavior,
        }
        answer = state_shown(state) | {"bias_source": source, "staleness": stale}
        return Response(BiasStateSerializer(answer).data)


class BiasHistoryView(ListAPIView[BiasStateHistory]):
    """Every bias event of one symbol, the newest time first, also those that came out of order."""

    serializer_class = BiasHistorySerializer
    queryset = BiasStateHistory.objects.none()
    ordering_fields = ("event_at",)
    ordering = ("-event_at",)

    @extend_schema(parameters=[SymbolQuerySerializer])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[BiasStateHistory]:
        return bias_history(_symbol(self.request))


class BiasSummaryView(APIView):
    """The state that counts of every symbol, by symbol."""

    @extend_schema(responses=BiasSummarySerializer)
    def get(self, request: Request) -> Response:
        at, config, source = now(), bias_config_get(), BiasSource(settings.BIAS_SOURCE)
        rows = []
        for state in bias_states_choose(at, source=source, config=config):
            age = staleness_at(state, at, config.staleness)
            rows.append(state_shown(state) | {"is_stale": age.is_stale, "age_minutes": age.age_minutes})
        return Response(BiasSummarySerializer({"bias_source": source, "symbols": rows}).data)
