"""A bias V3 body of our own, and drafts made of it."""

import copy
from datetime import UTC, datetime

from bias.enums import BiasSource
from bias.selectors import bias_state_choose
from signals.adapters.bias_v3 import BiasV3Adapter
from signals.data import Arrival

AT = datetime(2026, 2, 5, 15, 0, 2, tzinfo=UTC)
TS = 1770303600000  # 2026-02-05 15:00:00

BODY = {
    "event_type": "BIAS_SNAPSHOT",
    "event_ts_ms": TS,
    "event_id_raw": "desk|QQQ|5|1770303600000|BIAS_SNAPSHOT",
    "symbol": "QQQ",
    "exchange": "NASDAQ",
    "session": "RTH",
    "source": "MTF_BIAS_ENGINE_V3",
    "chart_tf": "5",
    "bar": {"time_ms": TS, "open": 620.5, "high": 621.75, "low": 620.25, "close": 621.0, "volume": 1250000},
    "mtf": {
        "timeframes": [
            {
                "tf": "1h",
                "bias": "BULLISH",
                "strength": 70,
                "structure": "HH_HL",
                "momentum": "IMPULSE_UP",
                "volatility": "NORMAL",
                "ema21": 619.5,
                "ema55": 617.0,
                "slope_ema55": 0.25,
                "atr": 2.5,
            }
        ],
        "consensus": {
            "bias_consensus": "BULLISH",
            "bias_score": 60,
            "confidence_score": 0.7,
            "alignment_score": 80,
            "conflict_score": 5,
        },
        "regime": {"type": "TREND", "chop_score": 30, "adx_15m": 27.5, "atr_state_15m": "NORMAL"},
    },
    "macro": {
        "state": {
            "macro_class": "MACRO_RANGE",
            "macro_confidence": 0.5,
            "macro_support_1": 610.0,
            "macro_resistance_1": 630.0,
            "macro_measured_move_target": None,
        }
    },
    "levels": {
        "vwap": {"enabled": True, "value": 620.0, "position": "ABOVE", "dist_atr": 0.4},
        "orb": {
            "enabled": True,
            "window_min": 15,
            "high": 621.5,
            "low": 619.0,
            "mid": 620.25,
            "state": "INSIDE",
            "age_min": 30,
        },
    },
    "trigger": {"bar_type": "2_UP", "pattern": "NA", "triggered": True},
    "liquidity": {
        "sweep_high": False,
        "sweep_low": False,
        "reclaim": False,
        "equal_high_cluster": False,
        "equal_low_cluster": False,
    },
    "space": {"room_to_resistance": "HIGH", "room_to_support": "MEDIUM"},
    "intent": {"type": "PULLBACK", "confidence": 0.6, "regime_transition": False, "trend_phase": "MID"},
    "risk_context": {"invalidation": {"level": 618.5, "method": "M15_PIVOT_LOW"}, "entry_mode_hint": "PULLBACK"},
}


def bias_body(**changes):
    """The body with dotted paths (two underscores for a dot) changed; its id follows its time and type."""
    body = copy.deepcopy(BODY)
    for path, value in changes.items():
        *parents, last = path.split("__")
        target = body
        for parent in parents:
            target = target[parent]
        target[last] = value
    if "event_id_raw" not in changes:
        body["event_id_raw"] = f"desk|{body['symbol']}|5|{body['event_ts_ms']}|{body['event_type']}"
    return body


def bias_draft(at=AT, **changes):
    return BiasV3Adapter().read(bias_body(**changes), Arrival(at, False, 1800))


def senders_state(symbol="QQQ"):
    """Return what the senders' events say of a symbol under the configuration in force; None before the first."""
    return bias_state_choose(symbol, AT, source=BiasSource.WEBHOOK)
