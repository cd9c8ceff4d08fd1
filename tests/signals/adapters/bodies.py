"""A whole body of each family of our own making, and how a body is read."""

import copy
from datetime import UTC, datetime

from signals.adapters.registry import adapter_find
from signals.data import Arrival
from tests.bias.payloads import BODY as BIAS_V3

AT = datetime(2026, 2, 5, 15, 0, 2, tzinfo=UTC)
BAR_AT = datetime(2026, 2, 5, 15, 0, tzinfo=UTC)
TS = 1770303600000

BIAS_V1 = {
    "schema_version": 1,
    "event_type": "BIAS_SNAPSHOT",
    "event_ts_ms": TS,
    "event_id_raw": "desk|QQQ|5|v1",
    "symbol": "QQQ",
    "chart_tf": "5",
    "mtf": {
        "timeframes": [{"tf": "1h", "bias": "BEARISH", "strength": 61}],
        "consensus": {
            "bias_consensus": "BEARISH",
            "bias_score": -42,
            "confidence_score": 0.66,
            "alignment_score": 70,
            "conflict_score": 10,
        },
        "regime": {"type": "TREND", "chop_score": 22},
    },
    "levels": {
        "vwap": {"value": 620.5, "position": "BELOW"},
        "orb": {"high": 622, "low": 618.5, "state": "BREAK_DOWN"},
    },
    "risk_context": {"invalidation": {"level": 622.5}, "entry_mode_hint": "PULLBACK"},
}
GAMMA = {
    "symbol": "QQQ",
    "as_of_ts_ms": TS,
    "net_gex": -250000000,
    "total_gex": 900000000.5,
    "gamma_environment": "NEGATIVE",
    "gamma_magnitude": "HIGH",
    "gamma_flip_level": 621,
    "distance_to_flip": -1.5,
    "call_wall": 630,
    "put_wall": None,
    "wall_method": "DERIVED_OI",
    "zero_dte_gamma_ratio": 0.4,
    "vol_regime_bias": "EXPANSION_LIKELY",
}
FLOW = {
    "symbol": "QQQ",
    "type": "put",
    "strike": 615,
    "expiry": "2026-02-13",
    "premium": 125000.5,
    "size": 400,
    "sentiment": "bearish",
    "timestamp": TS,
    "unusual": True,
}
PRICE = {"symbol": "QQQ", "price": 621.25, "timestamp": TS, "volume": 900, "high": 621.5}
CHAIN = {"symbol": "QQQ", "contracts": [{"strike": 615, "type": "put"}]}
CONTEXT = {"type": "CONTEXT", "ticker": "QQQ", "price": 621.25, "timestamp": TS}
PING = {"test": True, "type": "PING"}
OPTION_ORDER = {"action": "BUY", "ticker": "QQQ", "strike": 615, "expiration": "2026-02-20", "type": "PUT", "qty": 2}
STRAT = {
    "journal": {"engine": "STRAT_V6_FULL", "signal_id": "strat-7", "created_at": TS},
    "signal": {"side": "SHORT", "pattern": "3-1-2", "confidence": 71},
    "market": {"symbol": "QQQ", "timeframe": "15"},
    "trade_plan": {"entry": 620.5, "stop": 622},
}
SATY = {
    "meta": {"engine": "SATY_PO", "event_id": "saty-7"},
    "instrument": {"symbol": "QQQ"},
    "timeframe": {"chart_tf": "5"},
    "event": {"phase_name": "MARKDOWN", "timestamp": TS},
    "confidence": {"confidence_score": 64},
    "regime_context": {"local_bias": "BULLISH"},
}
ORB = {"indicator": "ORB", "action": "BUY", "type": "ORB Breakout", "symbol": "QQQ", "price": 621.25, "timestamp": TS}
TREND_DOTS = {
    "ticker": "QQQ",
    "bias": "BEARISH",
    "event": "trend_change",
    "trigger_timeframe": "3m,5m",
    "timeframes": {"3m": {"dir": "bearish"}},
    "timestamp": TS,
}
ULTIMATE = {
    "ticker": "QQQ",
    "trend": "BULLISH",
    "score": 6.5,
    "signal": {"type": "LONG"},
    "timeframe": "5",
    "timestamp": TS,
}
TRADERSPOST = {"ticker": "QQQ", "action": "buy", "sentiment": "bullish", "interval": "5", "timestamp": TS}
PLAIN = {"symbol": "QQQ", "direction": "long", "timeframe": "5m", "timestamp": TS}

# family → (body, path)
WHOLE = {
    "bias_v3": (BIAS_V3, "/webhook"),
    "bias_v1": (BIAS_V1, "/webhook"),
    "gamma": (GAMMA, "/webhook"),
    "flow": (FLOW, "/api/webhooks/flow"),
    "price": (PRICE, "/api/webhooks/price"),
    "chain": (CHAIN, "/api/webhooks/chain"),
    "context": (CONTEXT, "/webhook"),
    "ping": (PING, "/webhook"),
    "option_order": (OPTION_ORDER, "/webhook"),
    "strat": (STRAT, "/webhook"),
    "saty": (SATY, "/webhook"),
    "orb": (ORB, "/webhook"),
    "trend_dots": (TREND_DOTS, "/webhook"),
    "ultimate": (ULTIMATE, "/webhook"),
    "traderspost": (TRADERSPOST, "/webhook"),
    "plain": (PLAIN, "/webhook"),
}
GONE = object()


def changed(body, **changes):
    """The body with values at paths (`a__b` is a.b) changed, or dropped where the change is `GONE`."""
    body = copy.deepcopy(body)
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = body
        for part in parents:
            place = place[part]
        if value is GONE:
            place.pop(last, None)
        else:
            place[last] = value
    return body


def read(body, path="/webhook", at=AT, **arrival):
    """The draft that the body's own family makes of it."""
    return adapter_find(body, path).read(body, Arrival(at, False, 1800, **arrival))
