"""What a Prometheus server scrapes, without a login like the readiness page, and no more than that page tells."""

from collections.abc import Iterator

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from optionsengine.ops.breakers import BreakerState, breakers_list

_STATES = {BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2}


class _Breakers(Collector):
    """The breakers as they are now, one row for all processes, so that any of them may be scraped."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        state = GaugeMetricFamily(
            "optionsengine_breaker_state", "0 closed, 1 half open, 2 open: not asked for a while", labels=["name"]
        )
        failures = GaugeMetricFamily(
            "optionsengine_breaker_failures", "Failures in a row since the last success", labels=["name"]
        )
        for view in breakers_list():
            state.add_metric([view.name], _STATES[view.state])
            failures.add_metric([view.name], view.failures)
        yield state
        yield failures


_registry = CollectorRegistry()
_registry.register(_Breakers())


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with every metric in Prometheus's text format, 503 while the database is away."""
    try:
        return HttpResponse(generate_latest(_registry), content_type=CONTENT_TYPE_LATEST)
    except DatabaseError:
        connection.close_if_unusable_or_obsolete()
        return HttpResponse("# the database does not answer\n", status=503, content_type="text/plain; charset=utf-8")
