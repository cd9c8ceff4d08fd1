"""Liveness and readiness, without a login, for a supervisor to ask."""

import logging
from datetime import datetime
from functools import cache
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from optionsengine.core.clock import now
from optionsengine.core.migrate import migrations_missing
from optionsengine.core.spool import SpoolError
from optionsengine.market.selectors import providers_configured
from optionsengine.ops.breakers import BreakerState, breakers_list
from optionsengine.ops.selectors import heartbeat_age_seconds
from optionsengine.pipeline.write_ahead import spool_open

logger = logging.getLogger(__name__)

CLUSTERS = ("entries", "exits")
MISSED_BEATS = 3
GRACE_SECONDS = 5
SPOOL_FILL_MOST = 0.8


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Say that this process answers; it asks nothing of anyone."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 if requests can be worked on, else 503, with each check's result."""
    at = now()
    checks = readiness(at)
    is_ready = all(check["ok"] for check in checks.values())
    body = {"status": "ready" if is_ready else "not ready", "checks": checks, "timestamp": at.isoformat()}
    return JsonResponse(body, status=200 if is_ready else 503)


def readiness(at: datetime) -> dict[str, dict[str, Any]]:
    """Check the spool, the database, its migrations, and each cluster's last sign of life."""
    checks = {"spool": _spool()}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        checks |= {"database": {"ok": True, "detail": "answers"}, "migrations": _migrations()}
        for cluster in CLUSTERS:
            checks[f"cluster_{cluster}"] = _heartbeat(cluster, at)
        checks["market_data"] = _market_data()
    except DatabaseError:
        connection.close_if_unusable_or_obsolete()
        checks["database"] = {"ok": False, "detail": "does not answer; is it running, and is DATABASE_URL right?"}
    return checks


def _spool() -> dict[str, Any]:
    """Tell what waits on this host. Waiting is what a spool is for; one that can soon take no more is not ready."""
    try:
        status = spool_open().status()
    except SpoolError:
        # the error names folders, and this page asks for no login
        logger.exception("the spool cannot be read")
        return {
            "ok": False,
            "detail": "cannot be read; look at the disk and at SPOOL_DIR",
            "records": None,
            "fill": None,
        }
    backlog = {"records": status.records, "fill": round(status.fill, 3)}
    if status.fill > SPOOL_FILL_MOST:
        detail = f"{status.fill:.0%} full; bring the database back, or raise SPOOL_MAX_MB"
        return {"ok": False, "detail": detail, **backlog}
    detail = f"{status.records} requests wait for the database" if status.records else "empty"
    if status.bad_files:
        detail += "; damaged records were set aside, see manage.py wal status"
    return {"ok": True, "detail": detail, **backlog}


def _market_data() -> dict[str, Any]:
    """Tell which providers are asked. One that is not asked for a while makes nothing unready: exits go on."""
    breakers = {
        view.name: {"state": view.state.value, "failures": view.failures, "last_error": view.last_error}
        for view in breakers_list()
    }
    shut = [name for name, breaker in breakers.items() if breaker["state"] != BreakerState.CLOSED.value]
    detail = f"from {', '.join(providers_configured())}"
    if shut:
        detail += f"; not asked for a while: {', '.join(shut)}"
    return {"ok": True, "detail": detail, "breakers": breakers}


def _migrations() -> dict[str, Any]:
    missing = _missing_migrations()
    detail = "all applied" if not missing else f"{missing} not applied; run manage.py migrate"
    return {"ok": not missing, "detail": detail}


def _missing_migrations() -> int:
    """Count what is not applied. Reading every migration is slow, and once all are applied they stay so."""
    if _applied.cache_info().currsize:
        return 0
    missing = migrations_missing()
    if not missing:
        _applied()
    return missing


@cache
def _applied() -> bool:
    return True


def _heartbeat(cluster: str, at: datetime) -> dict[str, Any]:
    age = heartbeat_age_seconds(cluster, at)
    limit = MISSED_BEATS * settings.HEARTBEAT_INTERVAL + GRACE_SECONDS
    if age is None:
        return {"ok": False, "detail": "never heard; start the workers with manage.py serve", "age_seconds": None}
    detail = "beats" if age <= limit else f"silent for {age:.0f} s, at most {limit} s allowed"
    return {"ok": age <= limit, "detail": detail, "age_seconds": round(age, 1)}
