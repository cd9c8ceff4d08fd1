"""Liveness asks nothing; readiness names each check and answers 503 when one fails."""

import pytest
from django.conf import settings
from django.db import OperationalError, connection

from optionsengine.console import health
from optionsengine.core import clock
from optionsengine.ops.breakers import breaker_fail
from optionsengine.ops.services import heartbeat_beat
from optionsengine.pipeline.write_ahead import spool_open
from tests.factories import AT, later

LIMIT = health.MISSED_BEATS * settings.HEARTBEAT_INTERVAL + health.GRACE_SECONDS


def ready(client, at):
    with clock.frozen(at):
        return client.get("/readyz")


def test_alive_without_a_login_or_a_database(client):
    response = client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok\n")
    assert client.post("/healthz").status_code == 405


@pytest.mark.django_db
def test_ready_when_both_clusters_beat(client):
    for name in health.CLUSTERS:
        heartbeat_beat(name=name, at=AT)
    response = ready(client, later(seconds=LIMIT))
    assert response.status_code == 200
    assert response.json() == {
        "status": "ready",
        "timestamp": later(seconds=LIMIT).isoformat(),
        "checks": {
            "spool": {"ok": True, "detail": "empty", "records": 0, "fill": 0.0},
            "database": {"ok": True, "detail": "answers"},
            "migrations": {"ok": True, "detail": "all applied"},
            "cluster_entries": {"ok": True, "detail": "beats", "age_seconds": float(LIMIT)},
            "cluster_exits": {"ok": True, "detail": "beats", "age_seconds": float(LIMIT)},
            "market_data": {"ok": True, "detail": "from simulated", "breakers": {}},
        },
    }


@pytest.mark.django_db
def test_a_provider_that_is_not_asked_is_shown_and_makes_nothing_unready(client):
    for name in health.CLUSTERS:
        heartbeat_beat(name=name, at=AT)
    breaker_fail("market:alpaca", error="alpaca: this key may not ask that", at=AT, open_seconds=1800)
    breaker_fail("market:twelvedata", error="twelvedata: its server failed", at=AT)
    response = ready(client, later(seconds=LIMIT))
    assert response.status_code == 200
    assert response.json()["checks"]["market_data"] == {
        "ok": True,
        "detail": "from simulated; not asked for a while: market:alpaca",
        "breakers": {
            "market:alpaca": {"state": "open", "failures": 1, "last_error": "alpaca: this key may not ask that"},
            "market:twelvedata": {"state": "closed", "failures": 1, "last_error": "twelvedata: its server failed"},
        },
    }


@pytest.mark.django_db
def test_not_ready_while_one_cluster_is_silent(client):
    heartbeat_beat(name="entries", at=later(seconds=1))
    heartbeat_beat(name="exits", at=AT)
    response = ready(client, later(seconds=LIMIT + 1))
    assert response.status_code == 503
    checks = response.json()["checks"]
    assert checks["cluster_entries"]["ok"] is True
    assert checks["cluster_exits"] == {
        "ok": False,
        "detail": f"silent for {LIMIT + 1} s, at most {LIMIT} s allowed",
        "age_seconds": float(LIMIT + 1),
    }


@pytest.mark.django_db
def test_not_ready_before_the_first_beat(client):
    response = ready(client, AT)
    assert response.status_code == 503
    assert response.json()["checks"]["cluster_exits"]["detail"].startswith("never heard")


@pytest.mark.django_db
def test_not_ready_with_a_migration_missing(client):
    health._applied.cache_clear()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'positions'")
    response = ready(client, AT)
    assert response.status_code == 503
    check = response.json()["checks"]["migrations"]
    assert check["ok"] is False
    assert "run manage.py migrate" in check["detail"]


@pytest.mark.django_db
def test_not_ready_without_the_database(client):
    def away(execute, sql, params, many, context):
        raise OperationalError("the server closed the connection unexpectedly")

    with connection.execute_wrapper(away):
        response = ready(client, AT)
    assert response.status_code == 503
    assert response.json()["checks"] == {
        "spool": {"ok": True, "detail": "empty", "records": 0, "fill": 0.0},
        "database": {"ok": False, "detail": "does not answer; is it running, and is DATABASE_URL right?"},
    }


@pytest.fixture
def spool(settings, tmp_path):
    settings.SPOOL_DIR = tmp_path
    settings.SPOOL_MAX_MB = 1
    return spool_open()


def spool_check(client):
    heartbeat_beat(name="entries", at=AT)
    heartbeat_beat(name="exits", at=AT)
    response = ready(client, AT)
    return response.status_code, response.json()["checks"]["spool"]


@pytest.mark.django_db
def test_ready_while_requests_wait_in_the_spool(client, spool):
    spool.append(b"x" * 800_000, key="1")
    assert spool_check(client) == (
        200,
        {"ok": True, "detail": "1 requests wait for the database", "records": 1, "fill": 0.763},
    )


@pytest.mark.django_db
@pytest.mark.parametrize(("size", "status"), [(838_860, 200), (838_861, 503)])
def test_not_ready_when_the_spool_is_over_four_fifths_full(client, spool, size, status):
    """Four fifths of a megabyte are 838,860.8 bytes."""
    spool.directory.mkdir(parents=True)
    (spool.directory / "x.bad").write_bytes(b"x" * size)
    answered, check = spool_check(client)
    assert (answered, check["ok"]) == (status, status == 200)
    assert check["detail"].startswith(
        "empty; damaged records were set aside" if check["ok"] else "80% full; bring the database back"
    )


@pytest.mark.django_db
def test_not_ready_when_the_spool_cannot_be_read_and_no_folder_is_named(client, spool, tmp_path):
    spool.directory.write_bytes(b"a file where the folder should be")
    status, check = spool_check(client)
    assert (status, check["ok"], check["records"]) == (503, False, None)
    assert str(tmp_path) not in check["detail"]
