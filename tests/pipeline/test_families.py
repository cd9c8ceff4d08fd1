"""Every family through the real URL: what it answers, what it stores, and what it leaves alone."""

import pytest
from django_q.models import OrmQ

from bias.models import BiasStateCurrent, BiasStateHistory, GammaSnapshot
from optionsengine.core.ids import new_id
from optionsengine.market.models import FeedTick
from optionsengine.pipeline.reconcile import invariants_check
from optionsengine.pipeline.secrets import secrets_find
from signals.models import MarketContextReceived, Signal, WebhookEvent
from tests.bias.payloads import bias_body, senders_state
from tests.pipeline.intake_client import SECRET, post
from tests.signals.adapters.bodies import AT, BAR_AT, BIAS_V1, CHAIN, FLOW, GAMMA, PLAIN, PRICE, TS, WHOLE, changed

pytestmark = pytest.mark.django_db

EFFECTS = {
    "bias_v3": ("ACCEPTED", BiasStateHistory),
    "bias_v1": ("ACCEPTED", BiasStateHistory),
    "gamma": ("CONTEXT_SAVED", GammaSnapshot),
    "flow": ("CONTEXT_SAVED", FeedTick),
    "price": ("CONTEXT_SAVED", FeedTick),
    "chain": ("CONTEXT_SAVED", FeedTick),
    "context": ("CONTEXT_SAVED", MarketContextReceived),
    "ping": ("OK", None),
}
KINDS = ("flow", "price", "chain")
TABLES = (BiasStateHistory, GammaSnapshot, FeedTick, MarketContextReceived, Signal)


@pytest.fixture(autouse=True)
def _secret(settings):
    settings.HMAC_SECRET = SECRET


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("family", WHOLE)
def test_a_family_has_its_one_effect(family, slash):
    body, path = WHOLE[family]
    word, table = EFFECTS.get(family, ("ACCEPTED", Signal))
    response = post(body, path=path + slash)
    answer = response.json()
    assert (response.status_code, answer["status"]) == (201 if table is Signal else 200, word)
    event = WebhookEvent.objects.get(pk=answer["webhook_event_id"])
    assert (event.family, event.symbol) == (family, "" if family == "ping" else "QQQ")
    assert [model for model in TABLES if model.objects.exists()] == ([table] if table else [])
    if table is not None and table is not Signal:
        assert answer["symbol"] == "QQQ"
    # only a signal wakes a stage
    assert OrmQ.objects.exists() == (table is Signal)
    assert [(check.number, check.examples) for check in invariants_check(at=AT) if check.broken] == []


def test_a_feed_is_no_signal_and_leaves_the_next_signal_alone():
    assert post(FLOW, path="/api/webhooks/flow").status_code == 200
    assert post(PLAIN).json()["status"] == "ACCEPTED"


def test_what_the_feeds_store():
    for name, body in zip(KINDS, (FLOW, PRICE, CHAIN), strict=True):
        post(body, path=f"/api/webhooks/{name}")
    fields = ("kind", "observed_at", "price", "option_type", "strike", "expiry", "premium", "size", "sentiment")
    flow, price, chain = (FeedTick.objects.values(*fields, "is_unusual", "data").get(kind=kind) for kind in KINDS)
    assert flow == {
        "kind": "flow",
        "observed_at": BAR_AT,
        "price": None,
        "option_type": "PUT",
        "strike": 615,
        "expiry": "2026-02-13",
        "premium": 125000.5,
        "size": 400,
        "sentiment": "BEARISH",
        "is_unusual": True,
        "data": FLOW,
    }
    assert (price["price"], price["size"], price["data"]) == (621.25, 900, PRICE)
    assert (chain["observed_at"], chain["data"]) == (AT, CHAIN)


def test_every_feed_message_is_stored_and_a_secret_of_it_is_not():
    for _ in range(2):
        assert post({**FLOW, "secret": SECRET}, path="/api/webhooks/flow").status_code == 200
    assert FeedTick.objects.count() == 2
    assert secrets_find()[1] == []
    FeedTick.objects.create(event_id=new_id(), kind="chain", symbol="QQQ", observed_at=AT, data={"note": SECRET})
    assert [said for _, said in secrets_find()[1]] == ["feed_ticks holds a configured secret"]


def test_what_a_gamma_context_stores():
    assert post(GAMMA).json()["status"] == "CONTEXT_SAVED"
    row = GammaSnapshot.objects.values().get()
    stored = {key: value for key, value in row.items() if key not in ("id", "created_at", "event_id")}
    assert stored == {
        "symbol": "QQQ",
        "as_of_at": BAR_AT,
        "net_gex": -250000000.0,
        "total_gex": 900000000.5,
        "environment": "NEGATIVE",
        "magnitude": "HIGH",
        "flip_level": 621.0,
        "distance_to_flip": -1.5,
        "call_wall": 630.0,
        "put_wall": None,
        "wall_method": "DERIVED_OI",
        "zero_dte_ratio": 0.4,
        "volatility_bias": "EXPANSION_LIKELY",
    }


def test_the_largest_number_that_a_body_can_hold_is_stored():
    raw = b'{"symbol":"QQQ","as_of_ts_ms":1770303600000,"gamma_environment":"NEGATIVE","gamma_magnitude":"HIGH",'
    raw += b'"net_gex":-' + b"9" * 45 + b'e12,"total_gex":' + b"9" * 50 + b',"gamma_flip_level":null,"call_wall":null,'
    raw += b'"distance_to_flip":null,"put_wall":null,"wall_method":null,"zero_dte_gamma_ratio":null,'
    assert post(raw + b'"vol_regime_bias":"NEUTRAL"}').json()["status"] == "CONTEXT_SAVED"


def test_a_snapshot_again_and_an_older_one():
    first = post(BIAS_V1).json()
    assert (first["status"], first["symbol"], len(first["event_id"])) == ("ACCEPTED", "QQQ", 64)
    again = post(BIAS_V1, path="/api/webhooks/mtf-bias").json()
    assert (again["status"], again["event_id"]) == ("DUPLICATE", first["event_id"])
    older = post(changed(BIAS_V1, event_ts_ms=TS - 1, event_id_raw="older")).json()
    assert (older["status"], older["reason"]) == ("OUT_OF_ORDER", "OUT_OF_ORDER")
    assert BiasStateHistory.objects.count() == 2
    assert BiasStateCurrent.objects.get().bias_score == -42


def test_a_version_one_and_a_version_three_event_share_one_state():
    post(bias_body())
    post(changed(BIAS_V1, event_ts_ms=TS + 1))
    state = senders_state()
    assert (state.bias, state.macro_class, state.transitions.bias_flip) == ("BEARISH", None, True)
    assert state.acceleration.state_strength_delta == -102
    post(bias_body(event_ts_ms=TS + 2, mtf__consensus__bias_score=10))
    state = senders_state()
    assert (state.bias, state.macro_class, state.transitions.macro_flip) == ("BULLISH", "MACRO_RANGE", False)


def test_a_refused_event_stores_nothing_but_the_request():
    for body, path in ((changed(GAMMA, total_gex=-1), "/webhook"), (changed(FLOW, strike=0), "/api/webhooks/flow")):
        response = post(body, path=path)
        assert (response.status_code, response.json()["code"]) == (400, "INVALID_FIELD")
    assert not any(model.objects.exists() for model in TABLES)
    assert WebhookEvent.objects.count() == 2


def test_a_placeholder_that_breaks_the_json_is_named():
    answer = post(b'{"symbol": "QQQ", "price": {{close}}, "direction": "long"}').json()
    assert answer["code"] == "INVALID_JSON"
    assert "{{close}} was not filled in by the sender" in answer["error"]
