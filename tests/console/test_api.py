"""The API: who may do what, what a list can be narrowed by, one shape for every error."""

import base64
import io
import json
import re
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.contrib.staticfiles import finders
from django.core.cache import caches
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver

from optionsengine.core import clock
from optionsengine.ops.models import JobRun
from orders.models import Order
from positions.models import Position
from tests import factories
from tests.factories.people import PASSWORD

pytestmark = pytest.mark.django_db
NOBODY = UUID("019c0000-0000-7000-8000-000000000000")
LISTS = ("signals", "decisions", "approvals", "orders", "trades", "positions")
READS = (*(f"{name}/" for name in LISTS), "exit-signals/", "bias/history/", "bias/summary/")
ACTS = ("paper-trading/", "refresh-positions/", "pipeline/run/")


@pytest.fixture(autouse=True)
def _fresh_counts():
    caches["shared"].clear()


@pytest.fixture
def viewer(client):
    client.force_login(factories.viewer())
    return client


@pytest.fixture
def operator(client):
    client.user = factories.operator()
    client.force_login(client.user)
    return client


def ids(response):
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


# --- who may ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", READS)
def test_reading_needs_a_login_and_a_role(client, path):
    anonymous = client.get(f"/api/v1/{path}")
    assert anonymous.status_code == 401
    assert anonymous.json() == {
        "code": "NOT_AUTHENTICATED",
        "error": "Log in: send `Authorization: Bearer <token>` from /api/auth/token/, or a session.",
        "details": [],
    }
    client.force_login(factories.person())
    roleless = client.get(f"/api/v1/{path}")
    assert roleless.status_code == 403
    assert roleless.json()["code"] == "PERMISSION_DENIED"
    assert "viewer" in roleless.json()["error"]
    for allowed in (factories.viewer(), factories.operator(), factories.person("admin"), factories.superuser()):
        client.force_login(allowed)
        assert client.get(f"/api/v1/{path}").status_code == 200


@pytest.mark.parametrize("path", ACTS)
def test_acting_needs_an_operator(client, path):
    assert client.post(f"/api/v1/{path}").status_code == 401
    client.force_login(factories.viewer())
    assert client.post(f"/api/v1/{path}").status_code == 403
    assert not JobRun.objects.exists()
    client.force_login(factories.operator())
    assert client.get(f"/api/v1/{path}").status_code == 405
    with clock.frozen(factories.AT):
        assert client.post(f"/api/v1/{path}").status_code == 200
    assert JobRun.objects.exists()


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_rows_are_never_written_over_the_api(operator, path, method):
    assert getattr(operator, method)(f"/api/v1/{path}/").status_code == 405


def test_while_the_database_is_away_one_is_told_to_come_again(viewer):
    def away(execute, sql, params, many, context):
        if 'FROM "signals"' in sql:
            raise OperationalError("server closed the connection")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(away):
        response = viewer.get("/api/v1/signals/")
    assert (response.status_code, response.json()["code"]) == (503, "UNAVAILABLE")


def test_no_route_is_forgotten():
    """Every route of the API is asked for above or below; a new one must be put to the same question."""
    known = {
        "signals/",
        "signals/<str:pk>/",
        "signals/<str:pk>/timeline/",
        "decisions/",
        "decisions/<str:pk>/",
        "decisions/<str:pk>/replay/",  # in test_decisions
        "approvals/",
        "approvals/<str:pk>/",
        "approvals/<str:pk>/approve/",  # these two in test_approvals
        "approvals/<str:pk>/reject/",
        "orders/",
        "orders/<str:pk>/",
        "trades/",
        "trades/<str:pk>/",
        "positions/",
        "positions/<str:pk>/",
        "positions/<str:pk>/marks/",
        "positions/<str:pk>/close/",
        "exit-rules/",  # these, the trading state and the flags in test_rules_api
        "exit-rules/<str:pk>/",
        "risk-limits/",
        "risk-limits/<str:pk>/",
        "feature-flags/",
        "feature-flags/<str:pk>/",
        "trading-state/",
        "trading-state/flatten/",
        "exit-signals/",
        "bias/state/",  # in tests/bias/test_api
        "bias/history/",
        "bias/summary/",
        "stream-ticket/",
        "cron/process-queue/",  # in test_cron
        *ACTS,
    }
    found = {
        path.removeprefix("api/v1/") for path in _paths(get_resolver().url_patterns, "") if path.startswith("api/v1/")
    }
    assert found == known


def _paths(patterns, before):
    for pattern in patterns:
        path = before + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from _paths(pattern.url_patterns, path)
        else:
            yield path


def test_a_token_opens_the_api_for_ten_minutes(client):
    user = factories.viewer()
    response = client.post("/api/auth/token/", {"username": user.username, "password": PASSWORD}, "application/json")
    assert response.status_code == 200
    tokens = response.json()
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in tokens["access"].split(".")[:2])
    assert header["alg"] == "HS256"
    # the library reads the clock once for each
    assert claims["exp"] - claims["iat"] in (599, 600)
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {tokens['access']}"}
    assert client.get("/api/v1/signals/", **bearer).status_code == 200
    assert client.post("/api/auth/token/verify/", {"token": tokens["access"]}, "application/json").status_code == 200
    refreshed = client.post("/api/auth/token/refresh/", {"refresh": tokens["refresh"]}, "application/json")
    assert "access" in refreshed.json()


def test_a_token_signed_otherwise_is_refused(client):
    user = factories.viewer()
    token = client.post(
        "/api/auth/token/", {"username": user.username, "password": PASSWORD}, "application/json"
    ).json()["access"]
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    forged = f"{unsigned}.{token.split('.')[1]}."
    for wrong in (forged, token[:-4] + "AAAA", "x"):
        response = client.get("/api/v1/signals/", HTTP_AUTHORIZATION=f"Bearer {wrong}")
        assert response.status_code == 401
        assert response.json()["code"] == "TOKEN_NOT_VALID"


@pytest.mark.parametrize("path", ["/api/auth/token/", "/admin/login/"])
def test_guessing_a_password_is_slow_by_address_and_by_name(client, path):
    user = factories.viewer()

    def login(name, password, address, **headers):
        kind = {"content_type": "application/json"} if path.startswith("/api/") else {}
        answer = client.post(path, {"username": name, "password": password}, REMOTE_ADDR=address, **kind, **headers)
        return answer.status_code

    for number in range(10):
        assert login(user.username, "wrong", f"203.0.113.{number}") in {200, 401}
    assert login(user.username, "wrong", "203.0.113.99") == 429
    caches["shared"].clear()
    for number in range(10):
        assert login(f"name-{number}", "wrong", "203.0.113.1") in {200, 401}
    assert login(user.username, PASSWORD, "203.0.113.1") == 429
    # a forwarding header of somebody we do not trust makes no new address
    assert login(user.username, PASSWORD, "203.0.113.1", HTTP_X_FORWARDED_FOR="198.51.100.7") == 429
    assert login(user.username, PASSWORD, "203.0.113.2") in {200, 302}


# --- lists ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", LISTS)
def test_a_list_costs_the_same_at_1_and_at_30_rows(viewer, path):
    factories.full_life()
    one = _queries(viewer, f"/api/v1/{path}/")
    for _ in range(7):
        factories.full_life()
    assert _queries(viewer, f"/api/v1/{path}/") == one


def _queries(client, url):
    with CaptureQueriesContext(connection) as caught:
        assert client.get(url).status_code == 200
    return len(caught)


def test_pages_follow_the_cursor_without_a_gap_or_a_repeat(viewer):
    made = [str(factories.signal(created_at=factories.AT).pk) for _ in range(7)]
    seen, url = [], "/api/v1/signals/?page_size=3"
    while url:
        answer = viewer.get(url).json()
        seen += [row["id"] for row in answer["results"]]
        url = answer["next"]
    assert seen == sorted(made, reverse=True)
    assert ids(viewer.get("/api/v1/signals/?ordering=created_at")) == sorted(made)
    broken = viewer.get("/api/v1/signals/?cursor=nonsense")
    assert (broken.status_code, broken.json()["code"]) == (404, "NOT_FOUND")


def test_signals_are_narrowed_by_every_filter(viewer):
    mine = factories.signal(
        symbol="QQQ", side="short", status="rejected", is_test=True, created_at=factories.later(hours=2)
    )
    factories.experiment(signal=mine, variant="B")
    factories.experiment(signal=factories.signal(), variant="A")
    for query in (
        "symbol=qqq",
        "side=short",
        "status=rejected",
        "is_test=true",
        "engine=B",
        "created_after=2026-02-17T17:00:00Z",
        "created_after=2026-02-17T12:00:00-05:00".replace("+", "%2B"),
        "symbol=QQQ&status=rejected&engine=B&intent=entry",
    ):
        assert ids(viewer.get(f"/api/v1/signals/?{query}")) == [str(mine.pk)], query
    assert ids(viewer.get("/api/v1/signals/?created_before=2026-02-17T15:00:00Z")) == []


def test_orders_trades_and_positions_are_narrowed(viewer):
    factories.full_life(closed=True)
    for path in ("orders", "trades", "positions"):
        everything = set(ids(viewer.get(f"/api/v1/{path}/")))
        a = set(ids(viewer.get(f"/api/v1/{path}/?engine=A&mode=paper&symbol=spy&is_test=false&side=long")))
        b = set(ids(viewer.get(f"/api/v1/{path}/?engine=B&mode=shadow")))
        assert a
        assert b
        assert a | b == everything
        assert not a & b
        assert ids(viewer.get(f"/api/v1/{path}/?symbol=QQQ")) == []
        assert ids(viewer.get(f"/api/v1/{path}/?side=short")) == []
    assert len(ids(viewer.get("/api/v1/orders/?status=filled&intent=exit"))) == 2
    assert len(ids(viewer.get("/api/v1/positions/?status=closed"))) == 2
    assert ids(viewer.get("/api/v1/positions/?status=open")) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [("status=nonsense", "status"), ("created_after=yesterday", "created_after"), ("engine=C", "engine")],
)
def test_a_filter_that_makes_no_sense_is_refused_by_its_name(viewer, query, field):
    response = viewer.get(f"/api/v1/signals/?{query}")
    assert response.status_code == 400
    body = response.json()
    assert body["code"] == "INVALID_FIELD"
    assert [detail["field"] for detail in body["details"]] == [field]
    assert body["error"].startswith(f"{field}: ")


def test_a_moment_may_have_any_offset_that_a_text_can_write(viewer):
    mine = factories.signal(created_at=factories.AT)
    assert ids(viewer.get("/api/v1/signals/?created_after=2026-02-18T14:00:00%2B23:59")) == [str(mine.pk)]
    for moment in ("0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59"):
        response = viewer.get(f"/api/v1/signals/?created_after={moment}")
        assert (response.status_code, response.json()["code"]) == (400, "INVALID_FIELD")


def test_decimals_are_strings_and_times_are_utc(viewer):
    held = factories.position()
    row = viewer.get(f"/api/v1/positions/{held.pk}/").json()
    assert row["entry_price"] == "5.0750"
    assert row["cost_basis"] == "1015.00"
    assert row["created_at"] == "2026-02-17T15:00:00.000000Z"
    assert row["data_source"] == "simulated"


# --- one row ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", LISTS)
def test_what_does_not_exist_is_not_found_in_the_same_shape(viewer, path):
    for row_id in (NOBODY, "x"):
        response = viewer.get(f"/api/v1/{path}/{row_id}/")
        assert response.status_code == 404
        assert response.json() == {"code": "NOT_FOUND", "error": "There is nothing at this address.", "details": []}


def test_an_unknown_address_answers_in_json(viewer):
    response = viewer.get("/api/v1/nothing/")
    assert response.status_code == 404
    assert response.json()["code"] == "NOT_FOUND"


def test_the_timeline_is_what_the_page_shows(viewer):
    entry = factories.full_life(rounds=2, marks=2)
    life = viewer.get(f"/api/v1/signals/{entry.pk}/timeline/").json()
    assert set(life) == {
        "signal",
        "event",
        "experiment",
        "changes",
        "rounds",
        "rounds_total",
        "orders",
        "positions",
        "exit_signals",
        "reported_pnl",
        "story",
    }
    assert life["signal"]["engine"] == "A"
    assert life["event"]["status"] == "accepted"
    assert [one["decision"]["outcome"] for one in life["rounds"]] == ["approved", "deferred"]
    gate = life["rounds"][1]["shared_gates"][5]
    assert (gate["gate"], gate["value"], gate["threshold"], gate["code"]) == (
        "bias",
        "22 min old",
        "at most 10 min",
        "BIAS_STALE",
    )
    assert [one["recommendation"]["is_shadow"] for one in life["rounds"][0]["engines"]] == [False, True]
    assert life["orders"][0]["trades"][0]["price"] == "5.0750"
    assert [one["performance"]["pnl"] for one in life["positions"]] == ["502.40", "502.40"]
    assert life["story"][0]["title"] == "alert received (plain)"
    assert viewer.get(f"/api/v1/signals/{NOBODY}/timeline/").status_code == 404
    assert viewer.get("/api/v1/signals/x/timeline/").status_code == 404


def test_the_timeline_of_a_fresh_signal_is_short(viewer):
    entry = factories.signal()
    life = viewer.get(f"/api/v1/signals/{entry.pk}/timeline/").json()
    assert (life["experiment"], life["rounds"], life["orders"], life["positions"]) == (None, [], [], [])


def test_the_timeline_costs_the_same_however_much_happened(viewer):
    short, long = factories.full_life(rounds=1, marks=1), factories.full_life(rounds=30, marks=30)
    one = _queries(viewer, f"/api/v1/signals/{short.pk}/timeline/")
    assert _queries(viewer, f"/api/v1/signals/{long.pk}/timeline/") == one


def test_marks_are_paged_newest_first(viewer):
    held = factories.position()
    factories.position_mark()
    for minute in (1, 2, 3):
        factories.position_mark(position=held, created_at=factories.AT + timedelta(minutes=minute))
    answer = viewer.get(f"/api/v1/positions/{held.pk}/marks/?page_size=2").json()
    assert [row["created_at"][14:16] for row in answer["results"]] == ["03", "02"]
    assert [row["created_at"][14:16] for row in viewer.get(answer["next"]).json()["results"]] == ["01"]
    assert viewer.get(f"/api/v1/positions/{NOBODY}/marks/").status_code == 404


# --- acts -------------------------------------------------------------------------------------------------------------


def test_close_writes_one_exit_order_and_refuses_the_second(operator):
    held = factories.position()
    with clock.frozen(factories.later(minutes=5)):
        first = operator.post(f"/api/v1/positions/{held.pk}/close/")
    assert first.status_code == 200, first.content
    order = Order.objects.get(intent="exit")
    assert first.json()["order_id"] == str(order.pk)
    assert (order.exit_reason, order.created_at) == ("MANUAL", factories.later(minutes=5))
    second = operator.post(f"/api/v1/positions/{held.pk}/close/")
    assert second.status_code == 409
    assert second.json()["code"] == "EXIT_IN_PROGRESS"
    assert Order.objects.filter(intent="exit").count() == 1
    assert operator.post(f"/api/v1/positions/{NOBODY}/close/").status_code == 404


def test_a_viewer_may_not_close(viewer):
    held = factories.position()
    assert viewer.post(f"/api/v1/positions/{held.pk}/close/").status_code == 403
    assert Position.objects.get().status == "open"
    assert not Order.objects.filter(intent="exit").exists()


def test_the_executor_fills_what_waits(operator):
    with clock.frozen(factories.later(minutes=1)):
        empty = operator.post("/api/v1/paper-trading/").json()
    assert empty == {"success": True, "executed": 0, "errors": 0, "message": "0 of 0 orders executed, 0 wait"}


def test_refresh_answers_with_the_total_of_real_positions(operator):
    factories.position(status="closed")
    factories.position(unrealized_pnl=Decimal("12.50"), is_test=True)
    with clock.frozen(factories.later(days=-3)):  # a Saturday: nothing is quoted, so nothing changes
        held = factories.position(unrealized_pnl=Decimal("-20.25"))
        answer = operator.post("/api/v1/refresh-positions/").json()
    assert set(answer) == {"success", "refreshed", "errors", "total_unrealized_pnl", "message"}
    assert answer["total_unrealized_pnl"] == str(Position.objects.get(pk=held.pk).unrealized_pnl)


def test_a_person_may_have_open_positions_marked(operator):
    """The audit library rewrites what is written where a person acts, and broke the marks of every position there."""
    held = factories.position()
    with clock.frozen(factories.later(minutes=5)):
        answer = operator.post("/api/v1/refresh-positions/")
        assert (answer.status_code, answer.json()["refreshed"]) == (200, 1)
        held.refresh_from_db()
        assert held.marked_at == factories.later(minutes=5)
        assert operator.post("/api/v1/pipeline/run/").status_code == 200


def test_one_pass_of_the_pipeline_names_every_stage(operator):
    with clock.frozen(factories.AT):
        answer = operator.post("/api/v1/pipeline/run/").json()
    assert answer["success"] is True
    assert list(answer["stages"]) == ["inbox", "decide", "orders", "entries", "refresh", "exits", "exit_orders"]
    assert answer["stages"]["decide"] == {"claimed": 0, "done": 0, "deferred": 0, "refused": 0, "failed": 0}


def test_exit_signals_answer_in_the_shape_of_the_contract(viewer):
    with clock.frozen(factories.AT):
        answer = viewer.get("/api/v1/exit-signals/").json()
    assert answer["alerts"] == []
    assert answer["summary"] == {
        "total_positions": 0,
        "positions_with_alerts": 0,
        "critical_alerts": 0,
        "high_alerts": 0,
        "medium_alerts": 0,
    }
    assert answer["timestamp"] == "2026-02-17T15:00:00.000000Z"
    factories.position(bid=Decimal("2.00"), ask=Decimal("2.20"), mark=Decimal("2.10"), marked_at=factories.AT)
    with clock.frozen(factories.AT):
        alert = viewer.get("/api/v1/exit-signals/").json()["alerts"][0]
    assert (alert["reason"], alert["priority"], alert["urgency"], alert["recommended_action"]) == (
        "STOP_LOSS",
        "CRITICAL",
        "IMMEDIATE",
        "CLOSE_POSITION_IMMEDIATELY",
    )


def test_a_viewer_gets_a_ticket_for_the_stream(viewer):
    from optionsengine.console.stream import stream_ticket_read

    answer = viewer.post("/api/v1/stream-ticket/").json()
    assert stream_ticket_read(answer["ticket"]) == int(viewer.session["_auth_user_id"])
    assert answer["expires_in_seconds"] == 60


def test_a_stream_ticket_needs_a_login(client):
    assert client.post("/api/v1/stream-ticket/").status_code == 401


def test_a_session_must_prove_its_form(operator):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(operator.user)
    assert strict.post("/api/v1/pipeline/run/").status_code == 403
    assert not JobRun.objects.exists()


# --- documents --------------------------------------------------------------------------------------------------------


def test_the_schema_has_no_warning():
    out = io.StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)
    assert "/api/v1/signals/{id}/timeline/" in out.getvalue()


def test_the_documents_open_after_a_login_without_anything_from_elsewhere(client):
    client.force_login(factories.person())
    schema = client.get("/api/schema/")
    assert schema.status_code == 200
    assert b"/api/v1/positions/{id}/close/" in schema.content
    answer = client.get("/api/docs/")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert 'url: "/api/schema/"' in page
    for source in re.findall(r'(?:src|href)="([^"]*)"', page):
        assert source.startswith("/static/"), source
        assert finders.find(source.removeprefix("/static/")), source


def test_without_a_login_the_documents_lead_to_it_and_back(client):
    person = factories.viewer()
    asked = client.get("/api/docs/")
    assert (asked.status_code, asked.headers["Location"]) == (302, "/admin/login/?next=/api/docs/")
    entered = client.post(asked.headers["Location"], {"username": person.username, "password": PASSWORD})
    assert (entered.status_code, entered.headers["Location"]) == (302, "/api/docs/")
    assert client.get("/api/docs/").status_code == 200


def test_the_schema_needs_a_login_and_takes_a_token(client):
    refused = client.get("/api/schema/?format=json")
    assert refused.status_code == 401
    assert json.loads(refused.content)["code"] == "NOT_AUTHENTICATED"
    assert b"paths" not in refused.content
    body = {"username": factories.viewer().username, "password": PASSWORD}
    token = client.post("/api/auth/token/", body, content_type="application/json").json()["access"]
    headers = {"Authorization": f"Bearer {token}"}
    for path in ("/api/schema/", "/api/docs/"):
        assert client.get(path, headers=headers).status_code == 200
    forged = {"Authorization": f"Bearer {token}x"}
    assert client.get("/api/schema/", headers=forged).status_code == 401
    assert client.get("/api/docs/", headers=forged).status_code == 302


def test_the_first_page_is_the_back_office(client):
    assert client.get("/").headers["Location"] == "/admin/"
