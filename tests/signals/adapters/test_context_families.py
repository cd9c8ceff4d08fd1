"""Bias V1, gamma, the feeds and contexts: exact drafts, exact refusals, and no signal from any."""

from datetime import timedelta
from decimal import Decimal
from hashlib import sha256

import pytest

from signals.data import BiasDraft, ContextDraft, FeedDraft, GammaDraft, IntakeRejected, Ping
from signals.enums import Family, IntakeCode
from tests.signals.adapters.bodies import (
    AT,
    BAR_AT,
    BIAS_V1,
    CHAIN,
    CONTEXT,
    FLOW,
    GAMMA,
    GONE,
    PING,
    PRICE,
    TS,
    WHOLE,
    changed,
    read,
)

PATHS = {id(body): path for body, path in WHOLE.values()}


def taken(base, **changes):
    return read(changed(base, **changes), PATHS[id(base)])


def faults(base, **changes):
    with pytest.raises(IntakeRejected) as refused:
        taken(base, **changes)
    assert refused.value.code == IntakeCode.INVALID_FIELD
    return [detail["field"] for detail in refused.value.details]


def test_a_flow_print():
    assert taken(FLOW) == FeedDraft(
        family=Family.FLOW,
        symbol="QQQ",
        observed_at=BAR_AT,
        option_type="PUT",
        strike=Decimal(615),
        expiry="2026-02-13",
        premium=Decimal("125000.50"),
        size=Decimal(400),
        sentiment="BEARISH",
        is_unusual=True,
    )


def test_a_tick_and_a_chain_and_a_context_and_a_ping():
    assert taken(PRICE) == FeedDraft(Family.PRICE, "QQQ", BAR_AT, price=Decimal("621.25"), size=Decimal(900))
    assert taken(PRICE, volume=GONE).size == 0
    assert taken(CHAIN) == FeedDraft(Family.CHAIN, "QQQ", AT)
    assert taken(CONTEXT) == ContextDraft("QQQ", Decimal("621.25"), BAR_AT)
    assert taken(PING) == Ping()


def test_a_gamma_context():
    draft = taken(GAMMA)
    assert isinstance(draft, GammaDraft)
    assert (draft.symbol, draft.observed_at) == ("QQQ", BAR_AT)
    assert draft.payload.model_dump() == {**GAMMA, "net_gex": -250000000.0}


def test_a_bias_snapshot():
    draft = taken(BIAS_V1)
    assert isinstance(draft, BiasDraft)
    assert (draft.symbol, draft.chart_timeframe, draft.event_at) == ("QQQ", "5m", BAR_AT)
    assert draft.event_id == sha256(b"desk|QQQ|5|v1").hexdigest()
    consensus = draft.payload.mtf.consensus
    assert (consensus.bias_consensus, consensus.bias_score, consensus.confidence_score) == ("BEARISH", -42, 0.66)
    assert draft.payload.levels.orb.state == "BREAK_DOWN"


@pytest.mark.parametrize("version", [1, "1", 1.0, " 1 ", None, GONE])
def test_the_versions_of_a_snapshot(version):
    assert taken(BIAS_V1, schema_version=version).payload.schema_version == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"mtf__consensus__bias_consensus": "hold"},
        {"mtf__timeframes": []},
        {"mtf__timeframes": [{"tf": "1h", "bias": "HOLD", "strength": "0"}]},
        *({"mtf__regime__type": word} for word in ("TREND", "range", "BREAKOUT", "BREAKDOWN")),
        *({"levels__vwap__position": word} for word in ("ABOVE", "BELOW", " at ")),
        *({"levels__orb__state": word} for word in ("INSIDE", "ABOVE", "BELOW", "BREAK_UP", "BREAK_DOWN")),
        *({"risk_context__entry_mode_hint": word} for word in ("BREAKOUT", "PULLBACK", "MEAN_REVERT")),
        {"mtf__consensus__bias_score": "-100"},
        {"mtf__consensus__confidence_score": 1},
        {"bar": "kept and never judged"},
        {"session": None, "source": None, "exchange": None},
    ],
)
def test_what_a_snapshot_may_say(changes):
    assert isinstance(taken(BIAS_V1, **changes), BiasDraft)


@pytest.mark.parametrize(
    ("base", "changes", "fields"),
    [
        *((BIAS_V1, {"schema_version": word}, ["schema_version"]) for word in (2, "2", "", "v1", True, {})),
        *(
            (BIAS_V1, {path: GONE}, [path.replace("__", ".")])
            for path in (
                "event_ts_ms",
                "event_id_raw",
                "symbol",
                "chart_tf",
                "mtf",
                "mtf__timeframes",
                "mtf__consensus__conflict_score",
                "mtf__regime",
                "levels",
                "levels__vwap__value",
                "levels__orb__state",
                "risk_context",
                "risk_context__invalidation__level",
                "risk_context__entry_mode_hint",
            )
        ),
        (BIAS_V1, {"mtf__consensus__bias_score": -100.01}, ["mtf.consensus.bias_score"]),
        (BIAS_V1, {"mtf__consensus__confidence_score": 1.01}, ["mtf.consensus.confidence_score"]),
        (BIAS_V1, {"mtf__regime__chop_score": 101}, ["mtf.regime.chop_score"]),
        (BIAS_V1, {"mtf__regime__type": "CHOP"}, ["mtf.regime.type"]),
        (
            BIAS_V1,
            {"mtf__timeframes": [{"tf": "1h", "bias": "UP"}]},
            ["mtf.timeframes.0.bias", "mtf.timeframes.0.strength"],
        ),
        (BIAS_V1, {"levels__vwap__value": None}, ["levels.vwap.value"]),
        (BIAS_V1, {"levels__vwap__position": "CROSSING"}, ["levels.vwap.position"]),
        (BIAS_V1, {"levels__orb__state": "BROKE_UP"}, ["levels.orb.state"]),
        (BIAS_V1, {"risk_context__entry_mode_hint": "NO_TRADE"}, ["risk_context.entry_mode_hint"]),
        (BIAS_V1, {"event_ts_ms": 0}, ["event_ts_ms"]),
        (BIAS_V1, {"event_ts_ms": 946684799999}, ["event_ts_ms"]),
        *((GAMMA, {path: GONE}, [path]) for path in GAMMA if path not in ("gamma_environment", "net_gex")),
        *((GAMMA, {path: None}, [path]) for path in ("net_gex", "total_gex", "gamma_environment", "gamma_magnitude")),
        (GAMMA, {"net_gex": "much"}, ["net_gex"]),
        (GAMMA, {"total_gex": -1}, ["total_gex"]),
        (GAMMA, {"gamma_environment": "MIXED"}, ["gamma_environment"]),
        (GAMMA, {"gamma_magnitude": "HUGE"}, ["gamma_magnitude"]),
        (GAMMA, {"call_wall": "high"}, ["call_wall"]),
        (GAMMA, {"wall_method": "GUESS"}, ["wall_method"]),
        (GAMMA, {"zero_dte_gamma_ratio": 1.01}, ["zero_dte_gamma_ratio"]),
        (GAMMA, {"zero_dte_gamma_ratio": -0.01}, ["zero_dte_gamma_ratio"]),
        (GAMMA, {"vol_regime_bias": "UP"}, ["vol_regime_bias"]),
        (GAMMA, {"as_of_ts_ms": -1}, ["as_of_ts_ms"]),
        (GAMMA, {"as_of_ts_ms": 1.5}, ["as_of_ts_ms"]),
        *((FLOW, {path: GONE}, [path]) for path in FLOW if path not in ("timestamp", "unusual")),
        *((FLOW, {path: None}, [path]) for path in ("type", "strike", "premium")),
        (FLOW, {"type": "straddle"}, ["type"]),
        (FLOW, {"strike": 0}, ["strike"]),
        (FLOW, {"premium": -0.01}, ["premium"]),
        (FLOW, {"size": -1, "sentiment": "flat"}, ["size", "sentiment"]),
        (FLOW, {"expiry": 260213}, ["expiry"]),
        (FLOW, {"unusual": "perhaps"}, ["unusual"]),
        (FLOW, {"timestamp": "then"}, ["timestamp"]),
        (PRICE, {"symbol": GONE, "price": GONE}, ["symbol", "price"]),
        (PRICE, {"price": 0}, ["price"]),
        (PRICE, {"price": "{{close}}"}, ["price"]),
        (PRICE, {"high": -1, "volume": "much"}, ["volume", "high"]),
        (CHAIN, {"symbol": GONE}, ["symbol"]),
        (CONTEXT, {"ticker": GONE, "price": GONE}, ["ticker", "price"]),
        (CONTEXT, {"price": 0}, ["price"]),
    ],
)
def test_what_is_no_such_event_is_refused_with_each_fault(base, changes, fields):
    assert faults(base, **changes) == fields


@pytest.mark.parametrize("path", ["gamma_flip_level", "distance_to_flip", "call_wall", "put_wall", "wall_method"])
def test_what_the_gamma_context_may_not_know(path):
    assert getattr(taken(GAMMA, **{path: None}).payload, path) is None
    assert taken(GAMMA, zero_dte_gamma_ratio=None).payload.zero_dte_gamma_ratio is None


@pytest.mark.parametrize("base", [BIAS_V1, GAMMA, FLOW, PRICE, CHAIN])
def test_what_follows_the_schema(base):
    for changes, code in (
        ({"symbol": "BTC-USD"}, IntakeCode.INVALID_SYMBOL),
        ({"exchange": "BINANCE"}, IntakeCode.INVALID_SYMBOL),
        ({"exchange": "NASDAQ_DLY"}, IntakeCode.DELAYED_FEED),
    ):
        with pytest.raises(IntakeRejected) as refused:
            taken(base, **changes)
        assert refused.value.code == code


@pytest.mark.parametrize(
    ("base", "path"),
    [(BIAS_V1, "event_ts_ms"), (GAMMA, "as_of_ts_ms"), (FLOW, "timestamp"), (PRICE, "timestamp"), (CHAIN, "timestamp")],
)
def test_no_event_comes_from_more_than_300_seconds_ahead(base, path):
    latest = TS + 2000 + 300_000
    draft = taken(base, **{path: latest})
    assert (draft.event_at if isinstance(draft, BiasDraft) else draft.observed_at) == AT + timedelta(seconds=300)
    with pytest.raises(IntakeRejected) as refused:
        taken(base, **{path: latest + 1})
    assert refused.value.code == IntakeCode.STALE_TIMESTAMP


@pytest.mark.parametrize("base", [FLOW, PRICE])
def test_a_feed_without_a_time_is_of_its_arrival(base):
    assert taken(base, timestamp=GONE).observed_at == AT
    assert taken(base, timestamp=None).observed_at == AT
