"""The bias over the API."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from bias.enums import ConfigSection
from bias.models import BiasStateHistory
from bias.services import bias_computed_save, bias_config_set, bias_event_apply
from optionsengine.core import clock
from tests import factories
from tests.bias.payloads import AT, TS, bias_draft
from tests.bias.test_choice import computed
from tests.signals.adapters.bodies import BIAS_V1, changed, read

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer(client):
    client.force_login(factories.viewer())
    return client


def apply(draft=None, **changes):
    with transaction.atomic():
        bias_event_apply(draft=draft or bias_draft(**changes), event=factories.webhook_event(), at=AT)


def get(client, path, at=AT, **query):
    with clock.frozen(at):
        return client.get(f"/api/v1/bias/{path}/", query)


@pytest.mark.parametrize("path", ["/api/v1/bias/state/", "/api/bias/state", "/api/bias/state/"])
def test_the_state_needs_a_role(client, path):
    assert client.get(path).status_code == 401
    client.force_login(factories.person())
    assert client.get(path).status_code == 403
    client.force_login(factories.viewer())
    assert client.get(path).status_code == 404
    assert client.post(path).status_code == 403
    client.force_login(factories.operator())
    assert client.post(path).status_code == 405


def test_the_whole_state(viewer):
    apply(macro__state__macro_class="MACRO_TREND_DOWN")
    factories.gamma_snapshot(symbol="QQQ", as_of_at=AT, environment="NEGATIVE", flip_level=615.5)
    bias_config_set(section=ConfigSection.STALENESS, values={"behavior": "reduce_risk"}, at=AT)
    body = get(viewer, "state", symbol=" qqq ").json()
    assert {name: body[name] for name in list(body)[:15]} == {
        "symbol": "QQQ",
        "origin": "webhook",
        "source": "MTF_BIAS_ENGINE_V3",
        "bias_source": "both",
        "event_at": "2026-02-05T15:00:00.000000Z",
        "event_type": "BIAS_SNAPSHOT",
        "event_hash": bias_draft().event_id,
        "chart_tf": "5m",
        "session": "RTH",
        "bias": "BULLISH",
        "bias_score": 60.0,
        "gamma_score": 70.0,
        "resolved_score": 63.0,
        "confidence": 0.7,
        "alignment_score": 80.0,
    }
    assert body["effective"] == {
        "long": {
            "suppressed": True,
            "confidence": 0.42,
            "risk_multiplier": 0.6,
            "notes": ["MACRO_TREND_DOWN suppresses long"],
        },
        "short": {"suppressed": False, "confidence": 0.7, "risk_multiplier": 1.0, "notes": []},
    }
    assert body["gamma"]["environment"] == "NEGATIVE"
    assert body["gamma"]["flip_level"] == 615.5
    assert body["staleness"] == {
        "is_stale": False,
        "age_minutes": 0.0,
        "threshold_minutes": 10.0,
        "fresh_until_at": "2026-02-05T15:10:00.000000Z",
        "behavior": "reduce_risk",
    }
    assert body["trigger"] == {"bar_type": "2_UP", "pattern": "NA", "triggered": True}
    assert body["levels"]["vwap"]["value"] == 620.0
    assert viewer.get("/api/bias/state", {"symbol": "QQQ"}).json()["bias_score"] == 60


def test_what_a_legacy_event_does_not_know_is_null(viewer):
    apply(read(changed(BIAS_V1, symbol="QQQ", event_ts_ms=TS)))
    body = get(viewer, "state", symbol="QQQ").json()
    unknown = ("macro_class", "intent_type", "trigger", "liquidity", "space", "gamma", "adx_15m")
    assert {body[name] for name in unknown} == {None}
    assert body["levels"]["orb"]["state"] == "BREAK_DOWN"


def test_the_computed_state_stands_in_for_a_stale_one(viewer, settings):
    apply()
    bias_computed_save(state=computed(15), at=AT)
    later = AT + timedelta(minutes=15)
    assert [get(viewer, "state", at, symbol="QQQ").json()["origin"] for at in (AT, later)] == ["webhook", "computed"]
    settings.BIAS_SOURCE = "webhook"
    body = get(viewer, "state", later, symbol="QQQ").json()
    assert (body["origin"], body["bias_source"], body["staleness"]["is_stale"]) == ("webhook", "webhook", True)


def test_an_unknown_symbol_is_told_what_to_do(viewer):
    answer = get(viewer, "state", symbol="XYZ")
    assert (answer.status_code, answer.json()) == (
        404,
        {
            "code": "NO_BIAS",
            "error": "No bias of XYZ is known (BIAS_SOURCE is both). Have the chart send bias events, or make one up: "
            "manage.py seed_bias XYZ --bias BULLISH",
            "details": [],
        },
    )
    assert "No bias of SPY" in get(viewer, "state").json()["error"]


@pytest.mark.parametrize("path", ["state", "history"])
@pytest.mark.parametrize("symbol", ["", "\x00", "A" * 21])
def test_a_symbol_that_cannot_be_is_refused(viewer, path, symbol):
    answer = get(viewer, path, symbol=symbol)
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_FIELD")
    assert answer.json()["details"][0]["field"] == "symbol"


def test_history_is_newest_first_in_pages(viewer):
    for number in range(5):
        apply(event_ts_ms=TS + number)
    apply(event_ts_ms=TS - 1)
    apply(symbol="SPY")
    first = get(viewer, "history", symbol="qqq", page_size=4).json()
    second = viewer.get(first["next"]).json()
    rows = first["results"] + second["results"]
    stored = BiasStateHistory.objects.filter(symbol="QQQ").order_by("-event_at")
    assert [row["id"] for row in rows] == [str(row.pk) for row in stored]
    assert [row["is_applied"] for row in rows] == [True] * 5 + [False]
    assert second["next"] is None
    assert rows[0]["state"]["bias_score"] == 60
    assert rows[0]["event"] == str(stored[0].event_id)
    assert get(viewer, "history", symbol="XYZ").json()["results"] == []


def test_the_summary_tells_every_symbol_in_as_many_queries(viewer):
    apply()
    get(viewer, "summary")
    with CaptureQueriesContext(connection) as few:
        get(viewer, "summary")
    apply(symbol="SPY", macro__state__macro_class="MACRO_TREND_UP")
    bias_computed_save(state=computed(symbol="IWM"), at=AT)
    factories.gamma_snapshot(symbol="SPY", as_of_at=AT)
    with CaptureQueriesContext(connection) as many:
        body = get(viewer, "summary", AT + timedelta(minutes=11)).json()
    assert len(many) == len(few)
    assert body["bias_source"] == "both"
    assert [(row["symbol"], row["origin"], row["is_stale"], row["resolved_score"]) for row in body["symbols"]] == [
        ("IWM", "computed", True, -20.0),
        ("QQQ", "webhook", True, 60.0),
        ("SPY", "webhook", True, 21.0),
    ]
    assert body["symbols"][2]["effective"]["short"]["suppressed"]


def test_an_empty_summary(viewer):
    assert get(viewer, "summary").json() == {"bias_source": "both", "symbols": []}
