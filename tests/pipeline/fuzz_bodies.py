"""Bodies to fuzz the intake with: one good body of every family, and what is done to it."""

import json

from hypothesis import strategies as st

from tests.bias.payloads import BODY as BIAS_V3

AT_MS = 1770303600000

FAMILIES = {
    "bias_v3": BIAS_V3,
    "bias_v1": {
        "event_type": "BIAS_SNAPSHOT",
        "event_ts_ms": AT_MS,
        "event_id_raw": "v1|SPY|5",
        "symbol": "SPY",
        "source": "MTF_BIAS_ENGINE_V1",
        "chart_tf": "5",
        "bar": {"time_ms": AT_MS, "open": 501.2, "high": 502.1, "low": 500.9, "close": 501.9, "volume": 34211000},
        "mtf": {
            "timeframes": [{"tf": "1H", "bias": "BULLISH", "strength": 76}],
            "consensus": {
                "bias_consensus": "BULLISH",
                "bias_score": 74,
                "confidence_score": 0.78,
                "alignment_score": 75,
                "conflict_score": 0,
            },
            "regime": {"type": "TREND", "chop_score": 18},
        },
        "levels": {
            "vwap": {"value": 501.2, "position": "ABOVE"},
            "orb": {"high": 502.3, "low": 500.4, "state": "INSIDE"},
        },
        "risk_context": {"invalidation": {"level": 500.4}, "entry_mode_hint": "PULLBACK"},
    },
    "gamma": {
        "symbol": "SPY",
        "as_of_ts_ms": AT_MS,
        "net_gex": 1000000000,
        "total_gex": 5000000000,
        "gamma_environment": "POSITIVE",
        "gamma_magnitude": "HIGH",
        "gamma_flip_level": 505,
        "distance_to_flip": 3.5,
        "call_wall": 510,
        "put_wall": 495,
        "wall_method": "PROVIDER",
        "zero_dte_gamma_ratio": 0.3,
        "vol_regime_bias": "EXPANSION_LIKELY",
    },
    "context": {"type": "CONTEXT", "ticker": "SPY", "price": 450.5, "timestamp": AT_MS},
    "ping": {"test": "PING", "symbol": "SPY"},
    "option_order": {
        "action": "BUY",
        "ticker": "SPY",
        "strike": 600,
        "expiration": "2026-02-20",
        "type": "call",
        "quantity": 2,
    },
    "strat": {
        "journal": {"signal_id": "strat-1", "engine": "STRAT_V6_FULL", "created_at": AT_MS},
        "signal": {"side": "LONG", "pattern": "2-1-2", "confidence": 78},
        "market": {"symbol": "SPY", "timeframe": "15"},
        "trade_plan": {"entry": 690.0, "stop": 688.5, "t1": 692},
    },
    "saty": {
        "meta": {"engine": "SATY_PO", "event_id": "evt-1"},
        "instrument": {"symbol": "SPY", "exchange": "AMEX"},
        "timeframe": {"chart_tf": "5", "event_tf": "5"},
        "event": {"name": "PHASE_ENTRY", "phase_name": "MARKUP", "timestamp": AT_MS},
        "regime_context": {"local_bias": "BULLISH"},
        "confidence": {"confidence_score": 78},
        "execution_guidance": {"bias": "LONG"},
    },
    "orb": {"action": "SIGNAL", "indicator": "BHCH", "type": "Bullish BHCH", "symbol": "SPY", "timestamp": AT_MS},
    "trend_dots": {
        "symbol": "SPY",
        "timeframes": {"5": {"bias": "bullish"}, "60": {"bias": "bullish"}},
        "bias": "bullish",
        "timeframe": "5",
        "timestamp": AT_MS,
    },
    "ultimate": {
        "ticker": "SPY",
        "timeframe": "5",
        "timestamp": AT_MS // 1000,
        "score": 6,
        "trend": "BULLISH",
        "signal": {"type": "LONG"},
        "components": ["TREND_ALIGN"],
    },
    "traderspost": {
        "ticker": "SPY",
        "action": "buy",
        "sentiment": "bullish",
        "price": "450.5",
        "interval": "5",
        "strategy": {"order_action": "buy", "market_position": "long", "prev_market_position": "flat"},
        "pnl": "12.5",
    },
    "plain": {
        "symbol": "SPY",
        "direction": "long",
        "timeframe": "5m",
        "timestamp": "2026-02-05T15:00:00Z",
        "price": 450.5,
        "confidence": 75,
        "quantity": 2,
        "id": "p-1",
        "is_test": False,
        "metadata": {"is_test": False},
    },
    "exit": {"symbol": "SPY", "action": "CLOSE", "market_position": "flat", "pnl": 12.5},
    "flow": {
        "symbol": "SPY",
        "timestamp": AT_MS,
        "type": "call",
        "strike": 600,
        "expiry": "2026-02-20",
        "premium": 300000,
        "size": 2500,
        "sentiment": "bullish",
        "unusual": True,
    },
    "price": {
        "symbol": "SPY",
        "price": 595.42,
        "timestamp": AT_MS,
        "volume": 1000,
        "high": 596,
        "low": 595,
        "open": 595,
    },
    "chain": {
        "symbol": "SPY",
        "contracts": [{"strike": 600, "expiry": "2026-02-20", "type": "call", "gamma": 0.02, "open_interest": 12000}],
    },
}
ROUTES = {name: f"/api/webhooks/{name}" for name in ("flow", "price", "chain")}
ALIASES = ("/webhook", "/webhook/", "/api/webhooks/tradingview", "/api/webhooks/mtf-bias", *ROUTES.values())

_DEEP = [[[[[[[[[["deep"]]]]]]]]]]
NASTY = st.sampled_from(
    [
        None,
        True,
        "",
        " ",
        "0",
        "-1",
        "1e12",
        "NaN",
        "Infinity",
        "null",
        "long",
        "CLOSE",
        "flat",
        "5m",
        "1M",
        "SPY",
        "BRK-B",
        "BINANCE:BTCUSDT",
        "2026-02-20",
        "9999-12-31T23:59:59Z",
        "0001-01-01",
        "9999-12-31T23:59:59-23:59",
        "١٢٣",
        "ＳＰＹ",
        "ß" * 300,
        "a" * 5000,
        "\x00",
        "\ud800",
        "SPY\r\nX: \x1b[31mred",
        "'; DROP TABLE signals; --",
        0,
        -1,
        0.0,
        -0.0,
        5e-324,
        1.7976931348623157e308,
        2**31,
        2**53,
        2**63,
        -(2**63) - 1,
        10**49,
        10**60,
        float("nan"),
        float("inf"),
        1e12,
        1e13,
        AT_MS * 1000,
        [],
        {},
        [None],
        [{}],
        _DEEP,
        {"": {"": {"": ""}}},
    ]
)
WILD = st.recursive(
    NASTY | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def paths(body, prefix=()):
    """The path of every value of a body, through objects and lists."""
    entries = body.items() if isinstance(body, dict) else enumerate(body)
    for key, value in entries:
        yield (*prefix, key)
        if isinstance(value, (dict, list)):
            yield from paths(value, (*prefix, key))


def replace(body, path, value):
    """The body with the value at a path replaced; without it where `value` is DROPPED."""
    if not path:
        return value
    copied = body.copy()
    if value is DROPPED and len(path) == 1:
        del copied[path[0]]
    else:
        copied[path[0]] = replace(body[path[0]], path[1:], value)
    return copied


DROPPED = object()


@st.composite
def mutated(draw, families=tuple(FAMILIES)):
    """(path of the URL, body): a good body, one to three values of it changed, dropped or taken from another family."""
    family = draw(st.sampled_from(families))
    body = FAMILIES[family]
    for _ in range(draw(st.integers(1, 3))):
        known = list(paths(body))
        if not known:
            break
        body = replace(body, draw(st.sampled_from(known)), draw(WILD | st.just(DROPPED)))
    if draw(st.booleans()):
        body = {**body, **FAMILIES[draw(st.sampled_from(families))]}
    route = ROUTES.get(family, "/webhook")
    return draw(st.sampled_from([route, route, route, *ALIASES])), json.dumps(body).encode()


SECRET_NAMES = st.sampled_from(
    [
        "secret",
        "SECRET",
        "Secret",
        "secret ",
        "client_secret",
        "webhookSecret",
        "passphrase",
        "password",
        "Passwd",
        "token",
        "access_token",
        "authToken",
        "api_key",
        "apiKey",
        "X-API-KEY",
        "private-key",
        "secretKey",
        "access key",
        "authorization",
        "Authorization",
    ]
)


@st.composite
def betrayed(draw, canary):
    """(path of the URL, bytes): a mutated body that carries a secret at any depth, in any spelling, whole or broken."""
    family = draw(st.sampled_from(tuple(FAMILIES)))
    body = FAMILIES[family]
    name = draw(SECRET_NAMES)
    told = draw(st.sampled_from([canary, f"Bearer {canary}", [canary], {"is": canary}, {"a": [{"b": canary}]}]))
    where = draw(st.sampled_from([(), *(p for p in paths(body) if isinstance(_at(body, p), dict))]))
    body = _with(body, where, name, told)
    if draw(st.booleans()):
        body = replace(body, draw(st.sampled_from([p for p in paths(FAMILIES[family]) if len(p) == 1])), draw(WILD))
    written = json.dumps(body)
    if draw(st.booleans()):
        written = written.replace(f'"{name}"', '"' + "".join(f"\\u{ord(c):04x}" for c in name) + '"')
    raw = written.encode()
    noise = draw(st.binary(max_size=6))
    raw = draw(
        st.sampled_from(
            [
                raw,
                raw + noise,
                noise + raw,
                raw[:-1],
                b"[" * 20 + raw,
                raw[:-1] + b', "n": NaN}',
                raw[:-1] + b', "n": 1, "n": 2}',
                raw.replace(b'"', b"'"),
                f"{name.strip()}={canary}&symbol=SPY".encode(),
                f"{name.strip()}: {canary}\nsymbol: SPY".encode(),
            ]
        )
    )
    return ROUTES.get(family, "/webhook"), raw


def _at(body, path):
    for key in path:
        body = body[key]
    return body


def _with(body, path, name, value):
    return replace(body, path, {**_at(body, path), name: value}) if path else {**body, name: value}
