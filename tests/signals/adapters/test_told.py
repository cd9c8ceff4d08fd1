"""Which family a body is told to be: the table's order, the body alone except for the feeds' routes."""

import pytest

from optionsengine.pipeline.urls import urlpatterns
from signals.adapters.chain import ROUTE as CHAIN_ROUTE
from signals.adapters.flow import ROUTE as FLOW_ROUTE
from signals.adapters.price import ROUTE as PRICE_ROUTE
from signals.adapters.registry import ADAPTERS, adapter_find
from signals.enums import Family
from tests.signals.adapters.bodies import (
    BIAS_V1,
    CONTEXT,
    FLOW,
    GAMMA,
    OPTION_ORDER,
    ORB,
    PLAIN,
    SATY,
    STRAT,
    TRADERSPOST,
    TREND_DOTS,
    ULTIMATE,
    WHOLE,
    changed,
)
from tests.signals.adapters.bodies import GONE as NO


def test_there_is_one_adapter_for_each_family_in_the_table_s_order():
    assert [adapter.family for adapter in ADAPTERS] == list(Family)


@pytest.mark.parametrize("family", WHOLE)
def test_each_whole_body_is_its_own_family(family):
    body, path = WHOLE[family]
    assert adapter_find(body, path).family == family


@pytest.mark.parametrize(
    ("body", "family"),
    [
        ({"source": "MTF_BIAS_ENGINE_V3"}, Family.BIAS_V3),
        ({key: {} for key in ("macro", "intent", "liquidity", "space", "trigger")}, Family.BIAS_V3),
        (dict.fromkeys(("macro", "intent", "liquidity", "space", "trigger"), 1), Family.PLAIN),
        ({"macro": {}, "intent": {}, "liquidity": {}, "space": {}}, Family.PLAIN),
        ({"source": "mtf_bias_engine_v3", "event_type": "BIAS_SNAPSHOT"}, Family.BIAS_V3),
        ({"event_type": " bias_snapshot "}, Family.BIAS_V1),
        ({"event_type": "BIAS_SNAPSHOT", "gamma_environment": "POSITIVE", "net_gex": 1}, Family.BIAS_V1),
        ({"event_type": "BIAS_CHANGE"}, Family.PLAIN),
        ({"gamma_environment": None, "net_gex": None}, Family.GAMMA),
        ({"net_gex": 1}, Family.PLAIN),
        ({**GAMMA, "type": "CONTEXT"}, Family.GAMMA),
        ({"type": "context"}, Family.CONTEXT),
        ({"type": "CONTEXT", "test": True, "event": "test"}, Family.CONTEXT),
        (changed(OPTION_ORDER, type="CONTEXT"), Family.CONTEXT),
        ({"test": True, "type": "PING", "source": "SIGNALS"}, Family.PING),
        ({"test": True}, Family.PLAIN),
        ({"type": "PING"}, Family.PLAIN),
        ({"test": False, "type": "PING"}, Family.PLAIN),
        ({"test": True, "message": "shipping"}, Family.PLAIN),
        ({"test": "PING"}, Family.PING),
        ({"test": "ping", "ticker": "SPY"}, Family.PING),
        ({"test": " True ", "event": "ping"}, Family.PING),
        ({"test": True, "action": "PING"}, Family.PING),
        ({"test": True, "message": "PING from the strategy"}, Family.PING),
        ({"event": "bar_update", "timeframes": {}, "bias": "BULLISH"}, Family.PING),
        ({"meta": {"engine": "SATY_PO", "event_type": "REGIME_STATUS_UPDATE"}}, Family.PING),
        ({**SATY, "event": {"type": "REGIME_STATUS_UPDATE"}}, Family.PING),
        ({**STRAT, "test": True}, Family.PING),
        ({**STRAT, "test": False}, Family.STRAT),
        ({**OPTION_ORDER, "test": True}, Family.OPTION_ORDER),
        ({**OPTION_ORDER, "sentiment": "flat"}, Family.OPTION_ORDER),
        ({**OPTION_ORDER, "indicator": "ORB"}, Family.OPTION_ORDER),
        ({**OPTION_ORDER, "action": "INVALID"}, Family.OPTION_ORDER),
        ({**OPTION_ORDER, "type": "LIMIT"}, Family.OPTION_ORDER),
        ({**OPTION_ORDER, "strike": 0}, Family.OPTION_ORDER),
        (changed(OPTION_ORDER, type=NO, optionType="c"), Family.OPTION_ORDER),
        (changed(OPTION_ORDER, type=NO), Family.PLAIN),
        (changed(OPTION_ORDER, strike=NO), Family.PLAIN),
        (changed(OPTION_ORDER, strike=" "), Family.PLAIN),
        (changed(OPTION_ORDER, expiration=NO), Family.PLAIN),
        (changed(OPTION_ORDER, expiration=NO, exp="260220"), Family.OPTION_ORDER),
        (changed(OPTION_ORDER, ticker=NO, underlying="QQQ"), Family.OPTION_ORDER),
        (changed(OPTION_ORDER, action=NO, side="BUY"), Family.OPTION_ORDER),
        (changed(OPTION_ORDER, action=NO, signal="x"), Family.OPTION_ORDER),
        (changed(OPTION_ORDER, action=NO, signal="ORB_BREAK"), Family.PLAIN),
        (changed(OPTION_ORDER, action=NO, signal={"type": "LONG"}), Family.PLAIN),
        (changed(OPTION_ORDER, ticker=NO, symbol="QQQ", action="INVALID"), Family.OPTION_ORDER),
        (changed(OPTION_ORDER, ticker=NO, symbol="QQQ", type="LIMIT"), Family.PLAIN),
        ({"journal": {"engine": "anything"}}, Family.STRAT),
        ({"journal": {"engine": " "}}, Family.PLAIN),
        ({"journal": "STRAT_V6_FULL"}, Family.PLAIN),
        ({**STRAT, "trend": "BULLISH", "score": 4}, Family.STRAT),
        ({**STRAT, "symbol": "SPY", "timeframe": "5"}, Family.STRAT),
        ({**SATY, "meta": {"engine": "saty_po"}}, Family.SATY),
        ({**SATY, "indicator": "EMA"}, Family.SATY),
        ({**PLAIN, "meta": {"engine": "OTHER"}}, Family.PLAIN),
        *(({**ORB, "indicator": word}, Family.ORB) for word in ("orb", "Stretch", "BHCH", " ema ")),
        ({**ORB, "indicator": "RSI"}, Family.PLAIN),
        ({**ORB, "timeframes": {}, "bias": "BULLISH"}, Family.ORB),
        ({**PLAIN, "timeframes": {}, "bias": "NEUTRAL"}, Family.TREND_DOTS),
        ({**PLAIN, "timeframes": [], "bias": "NEUTRAL"}, Family.PLAIN),
        ({**PLAIN, "timeframes": {}}, Family.PLAIN),
        ({**TREND_DOTS, "trend": "BULLISH", "score": 5, "signal": "x"}, Family.TREND_DOTS),
        ({"source": "signals"}, Family.ULTIMATE),
        (ULTIMATE, Family.ULTIMATE),
        ({"trend": "BULLISH", "score": 5}, Family.PLAIN),
        ({**ULTIMATE, "action": "exit"}, Family.ULTIMATE),
        (TRADERSPOST, Family.TRADERSPOST),
        ({"ticker": "QQQ", "action": "exit"}, Family.TRADERSPOST),
        ({"ticker": "QQQ", "action": " Cancel "}, Family.TRADERSPOST),
        ({"ticker": "QQQ", "action": "add"}, Family.TRADERSPOST),
        ({"ticker": "QQQ", "action": "close"}, Family.PLAIN),
        ({"symbol": "QQQ", "action": "exit"}, Family.PLAIN),
        ({"ticker": "QQQ", "sentiment": "flat"}, Family.PLAIN),
        ({}, Family.PLAIN),
    ],
)
def test_the_first_family_that_matches_reads_the_body(body, family):
    assert adapter_find(body, "/webhook").family == family


@pytest.mark.parametrize(
    "path", ["/webhook/", "/webhook/s/desk", "/api/webhooks/tradingview", "/api/webhooks/mtf-bias"]
)
def test_no_other_route_tells_a_family(path):
    assert adapter_find(FLOW, path).family == Family.PLAIN
    assert adapter_find(BIAS_V1, path).family == Family.BIAS_V1


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(
    ("route", "family"), [(FLOW_ROUTE, Family.FLOW), (PRICE_ROUTE, Family.PRICE), (CHAIN_ROUTE, Family.CHAIN)]
)
def test_a_feed_s_route_tells_it_before_context_and_after_bias_and_gamma(route, family, slash):
    assert adapter_find(CONTEXT, route + slash).family == family
    assert adapter_find(PLAIN, route + slash).family == family
    assert adapter_find(BIAS_V1, route + slash).family == Family.BIAS_V1
    assert adapter_find(GAMMA, route + slash).family == Family.GAMMA
    assert any(pattern.resolve((route + slash).removeprefix("/")) for pattern in urlpatterns)
