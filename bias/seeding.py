"""The bias V3 body of a state that a person makes up to try the engine out. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bias.enums import Bias, MacroClass, Regime

SOURCE = "SEED"  # what the state, the API and a decision name as its source: nobody may take it for a sender's
PATH = "seed_bias"
_SIGNS = {Bias.BULLISH: 1, Bias.BEARISH: -1, Bias.NEUTRAL: 0}
_SCORE = 60.0
_MACROS = {
    Bias.BULLISH: MacroClass.TREND_UP,
    Bias.BEARISH: MacroClass.TREND_DOWN,
    Bias.NEUTRAL: MacroClass.RANGE,
}
_STRUCTURES = {Bias.BULLISH: "HH_HL", Bias.BEARISH: "LH_LL", Bias.NEUTRAL: "RANGE"}
_CHOP = {Regime.TREND: 30.0, Regime.RANGE: 60.0}
_MODES = {Regime.TREND: "PULLBACK", Regime.RANGE: "MEAN_REVERT"}
_UNTOLD_LEVEL = {"high": None, "low": None, "mid": None, "age_min": None}


@dataclass(frozen=True, slots=True)
class Seed:
    """What a person says of a symbol; None is what goes with the bias. Ranges and words are those of a state."""

    symbol: str
    bias: Bias
    score: float | None
    confidence: float
    regime: Regime
    macro: MacroClass | None
    timeframe: str


def seed_faults(seed: Seed) -> list[str]:
    """Return what in a seed contradicts itself or is out of bounds, each with what to give instead."""
    faults = []
    sign = _SIGNS[seed.bias]
    if seed.score is not None and not -100 <= seed.score <= 100:
        faults.append(f"--score is {seed.score:g}; give a number from -100 to 100")
    elif seed.score is not None and sign and seed.score * sign <= 0:
        faults.append(
            f"--score is {seed.score:g}, which is not {seed.bias}; give one {'above' if sign > 0 else 'below'} 0"
        )
    if not 0 <= seed.confidence <= 1:
        faults.append(f"--confidence is {seed.confidence:g}; give a number from 0 to 1")
    if seed.regime not in _CHOP:
        faults.append(f"--regime is {seed.regime}; give {' or '.join(_CHOP)}")
    return faults


def seed_body(seed: Seed, *, key: str, in_session: bool, at: datetime) -> dict[str, Any]:
    """Return the body of an event that says `seed` at `at`, named by `key`; prices, which it does not know, are 0.

    It is a state that entries of its side pass: room on both sides, a fired trigger, no sweep.
    """
    score = _SIGNS[seed.bias] * _SCORE if seed.score is None else seed.score
    moment = int(at.timestamp() * 1000)
    mode = _MODES[seed.regime]
    return {
        "event_type": "BIAS_SNAPSHOT",
        "event_ts_ms": moment,
        "event_id_raw": f"{PATH}|{key}",
        "symbol": seed.symbol,
        "session": "RTH" if in_session else "ETH",
        "source": "MTF_BIAS_ENGINE_V3",
        "chart_tf": seed.timeframe,
        "bar": {"time_ms": moment} | dict.fromkeys(("open", "high", "low", "close", "volume"), 0),
        "mtf": {
            "timeframes": [
                {
                    "tf": seed.timeframe,
                    "bias": seed.bias.value,
                    "strength": abs(score),
                    "structure": _STRUCTURES[seed.bias],
                    "momentum": "DRIFT",
                    "volatility": "NORMAL",
                }
                | dict.fromkeys(("ema21", "ema55", "slope_ema55", "atr"), 0)
            ],
            "consensus": {
                "bias_consensus": seed.bias.value,
                "bias_score": score,
                "confidence_score": seed.confidence,
                "alignment_score": abs(score),
                "conflict_score": 0,
            },
            "regime": {"type": seed.regime.value, "chop_score": _CHOP[seed.regime], "atr_state_15m": "NORMAL"},
        },
        "macro": {
            "state": {
                "macro_class": (seed.macro or _MACROS[seed.bias]).value,
                "macro_confidence": seed.confidence,
                "macro_support_1": None,
                "macro_resistance_1": None,
                "macro_measured_move_target": None,
            }
        },
        "levels": {
            "vwap": {"enabled": False, "value": None, "position": "NA", "dist_atr": None},
            "orb": {"enabled": False, "window_min": 0, "state": "NA"} | _UNTOLD_LEVEL,
        },
        "trigger": {"bar_type": "NA", "pattern": "NA", "triggered": True},
        "liquidity": dict.fromkeys(
            ("sweep_high", "sweep_low", "reclaim", "equal_high_cluster", "equal_low_cluster"), False
        ),
        "space": {"room_to_resistance": "HIGH", "room_to_support": "HIGH"},
        "intent": {
            "type": mode,
            "confidence": seed.confidence,
            "regime_transition": False,
            "trend_phase": "RANGE" if seed.regime == Regime.RANGE else "MID",
        },
        "risk_context": {"invalidation": {"level": None, "method": "NA"}, "entry_mode_hint": mode},
    }
