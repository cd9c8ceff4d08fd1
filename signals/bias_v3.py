"""The bias V3 body, frozen and validated. Words are read in any case, plain decimals in quotes as numbers.

Scores are -100..100 (`bias_score`) or 0..100, confidences 0..1, levels and prices in dollars.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from signals.numbers import number_read


def _number(value: Any) -> float:
    number = number_read(value)
    if number is None:
        raise ValueError("send a number")
    return float(number)


def _whole(value: Any) -> int:
    number = number_read(value)
    if number is None or number != int(number):
        raise ValueError("send a whole number")
    return int(number)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("send true or false")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("send a text")
    return value.strip()


def _text_or_null(value: Any) -> Any:
    return "" if value is None else value


def _word(value: Any) -> Any:
    return value.strip().upper() if isinstance(value, str) else value


def _null_or_number(value: Any) -> float | None:
    return None if value is None else _number(value)


def _not_empty(value: Any) -> Any:
    # before its members are read: a length bound would also count the faulty ones as missing
    if value == []:
        raise ValueError("send at least one")
    return value


Number = Annotated[float, BeforeValidator(_number)]
Percent = Annotated[float, BeforeValidator(_number), Field(ge=0, le=100)]
Fraction = Annotated[float, BeforeValidator(_number), Field(ge=0, le=1)]
Level = Annotated[float | None, BeforeValidator(_null_or_number)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Text = Annotated[str, BeforeValidator(_text), Field(max_length=200)]

BiasWord = Annotated[Literal["BULLISH", "BEARISH", "NEUTRAL"], BeforeValidator(_word)]
Volatility = Annotated[Literal["EXPANDING", "CONTRACTING", "NORMAL"], BeforeValidator(_word)]
Structure = Annotated[Literal["HH_HL", "LH_LL", "RANGE"], BeforeValidator(_word)]
Momentum = Annotated[Literal["IMPULSE_UP", "IMPULSE_DOWN", "DRIFT"], BeforeValidator(_word)]
Room = Annotated[Literal["HIGH", "MEDIUM", "LOW", "NA"], BeforeValidator(_word)]
MacroWord = Annotated[
    Literal["MACRO_BREAKDOWN_CONFIRMED", "MACRO_REVERSAL_RISK", "MACRO_TREND_UP", "MACRO_TREND_DOWN", "MACRO_RANGE"],
    BeforeValidator(_word),
]
IntentWord = Annotated[
    Literal["REVERSAL", "FAKEOUT", "COMPRESSION", "BREAKOUT", "PULLBACK", "MEAN_REVERT", "NEUTRAL"],
    BeforeValidator(_word),
]
Pattern = Annotated[
    Literal["2-1-2_UP", "2-1-2_DOWN", "3-2_REVERSAL_UP", "3-2_REVERSAL_DOWN", "NA"], BeforeValidator(_word)
]
InvalidationMethod = Annotated[
    Literal["M15_PIVOT_LOW", "M15_PIVOT_HIGH", "ORB_LOW", "ORB_HIGH", "NA"], BeforeValidator(_word)
]


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Bar(_Block):
    time_ms: Number
    open: Number
    high: Number
    low: Number
    close: Number
    volume: Number


class TimeframeReading(_Block):
    tf: Text
    bias: BiasWord
    strength: Percent
    structure: Structure
    momentum: Momentum
    volatility: Volatility
    ema21: Number
    ema55: Number
    slope_ema55: Number
    atr: Number


class MacroReading(_Block):
    tf: Text
    bias: BiasWord
    strength: Percent
    structure: Structure
    momentum: Momentum
    volatility: Volatility


class Consensus(_Block):
    bias_consensus: BiasWord
    bias_score: Annotated[float, BeforeValidator(_number), Field(ge=-100, le=100)]
    confidence_score: Fraction
    alignment_score: Percent
    conflict_score: Percent


class RegimeReading(_Block):
    type: Annotated[Literal["TREND", "RANGE"], BeforeValidator(_word)]
    chop_score: Percent
    adx_15m: Level = None
    atr_state_15m: Volatility | None = None


class Mtf(_Block):
    timeframes: Annotated[tuple[TimeframeReading, ...], BeforeValidator(_not_empty)]
    consensus: Consensus
    regime: RegimeReading


class MacroState(_Block):
    macro_class: MacroWord
    macro_confidence: Fraction
    macro_support_1: Level
    macro_resistance_1: Level
    macro_measured_move_target: Level


class Macro(_Block):
    timeframes: tuple[MacroReading, ...] = ()
    state: MacroState


class Vwap(_Block):
    enabled: Flag
    value: Level
    position: Annotated[Literal["ABOVE", "BELOW", "CROSSING", "NA"], BeforeValidator(_word)]
    dist_atr: Level


class OpeningRange(_Block):
    enabled: Flag
    window_min: Number
    high: Level
    low: Level
    mid: Level
    state: Annotated[Literal["BROKE_UP", "BROKE_DOWN", "INSIDE", "NA"], BeforeValidator(_word)]
    age_min: Level


class Swings(_Block):
    h1_last_pivot_high: Level = None
    h1_last_pivot_low: Level = None
    m15_last_pivot_high: Level = None
    m15_last_pivot_low: Level = None
    dist_to_res_atr: Level = None
    dist_to_sup_atr: Level = None


class Levels(_Block):
    vwap: Vwap
    orb: OpeningRange
    swings: Swings = Swings()


class Trigger(_Block):
    bar_type: Annotated[Literal["1", "2_UP", "2_DOWN", "3", "NA"], BeforeValidator(_word)]
    pattern: Pattern
    triggered: Flag


class Liquidity(_Block):
    sweep_high: Flag
    sweep_low: Flag
    reclaim: Flag
    equal_high_cluster: Flag
    equal_low_cluster: Flag


class Space(_Block):
    room_to_resistance: Room
    room_to_support: Room


class IntentReading(_Block):
    type: IntentWord
    confidence: Fraction
    regime_transition: Flag
    trend_phase: Annotated[Literal["EARLY", "MID", "LATE", "RANGE"], BeforeValidator(_word)]


class Invalidation(_Block):
    level: Level
    method: InvalidationMethod


class RiskContext(_Block):
    invalidation: Invalidation
    entry_mode_hint: Annotated[Literal["BREAKOUT", "PULLBACK", "MEAN_REVERT", "NO_TRADE"], BeforeValidator(_word)]


class BiasV3Payload(_Block):
    event_type: Annotated[Literal["BIAS_SNAPSHOT", "BIAS_CHANGE", "ORB_UPDATE"], BeforeValidator(_word)]
    event_ts_ms: Annotated[int, BeforeValidator(_whole), Field(gt=0)]
    event_id_raw: Annotated[str, BeforeValidator(_text)]
    symbol: Text
    exchange: Annotated[str, BeforeValidator(_text_or_null)] = ""
    session: Annotated[Literal["RTH", "ETH"], BeforeValidator(_word)]
    source: Annotated[Literal["MTF_BIAS_ENGINE_V3"], BeforeValidator(_word)]
    chart_tf: Text
    bar: Bar
    mtf: Mtf
    macro: Macro
    levels: Levels
    trigger: Trigger
    liquidity: Liquidity
    space: Space
    intent: IntentReading
    risk_context: RiskContext


def bias_v3_faults(body: Mapping[str, Any]) -> tuple[BiasV3Payload | None, list[tuple[str, str]]]:
    """Return the validated body and no faults, or None and each fault as (dotted path, what is wrong)."""
    try:
        return BiasV3Payload.model_validate(body), []
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        paths = [".".join(str(part) for part in fault["loc"]) for fault in faults]
        messages = [fault["msg"].removeprefix("Value error, ") for fault in faults]
        return None, list(zip(paths, messages, strict=True))
