"""The bias V3 body, frozen and validated.

Scores are -100..100 (`bias_score`) or 0..100, confidences 0..1, levels and prices in dollars.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from signals.payload_types import (
    BiasWord,
    Block,
    Flag,
    Fraction,
    Level,
    Number,
    Percent,
    Text,
    Volatility,
    not_empty,
    number_of,
    text_of,
    text_or_null,
    whole_of,
    word_upper,
)

Structure = Annotated[Literal["HH_HL", "LH_LL", "RANGE"], BeforeValidator(word_upper)]
Momentum = Annotated[Literal["IMPULSE_UP", "IMPULSE_DOWN", "DRIFT"], BeforeValidator(word_upper)]
Room = Annotated[Literal["HIGH", "MEDIUM", "LOW", "NA"], BeforeValidator(word_upper)]
MacroWord = Annotated[
    Literal["MACRO_BREAKDOWN_CONFIRMED", "MACRO_REVERSAL_RISK", "MACRO_TREND_UP", "MACRO_TREND_DOWN", "MACRO_RANGE"],
    BeforeValidator(word_upper),
]
IntentWord = Annotated[
    Literal["REVERSAL", "FAKEOUT", "COMPRESSION", "BREAKOUT", "PULLBACK", "MEAN_REVERT", "NEUTRAL"],
    BeforeValidator(word_upper),
]
Pattern = Annotated[
    Literal["2-1-2_UP", "2-1-2_DOWN", "3-2_REVERSAL_UP", "3-2_REVERSAL_DOWN", "NA"], BeforeValidator(word_upper)
]
InvalidationMethod = Annotated[
    Literal["M15_PIVOT_LOW", "M15_PIVOT_HIGH", "ORB_LOW", "ORB_HIGH", "NA"], BeforeValidator(word_upper)
]


class Bar(Block):
    time_ms: Number
    open: Number
    high: Number
    low: Number
    close: Number
    volume: Number


class TimeframeReading(Block):
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


class MacroReading(Block):
    tf: Text
    bias: BiasWord
    strength: Percent
    structure: Structure
    momentum: Momentum
    volatility: Volatility


class Consensus(Block):
    bias_consensus: BiasWord
    bias_score: Annotated[float, BeforeValidator(number_of), Field(ge=-100, le=100)]
    confidence_score: Fraction
    alignment_score: Percent
    conflict_score: Percent


class RegimeReading(Block):
    type: Annotated[Literal["TREND", "RANGE"], BeforeValidator(word_upper)]
    chop_score: Percent
    adx_15m: Level = None
    atr_state_15m: Volatility | None = None


class Mtf(Block):
    timeframes: Annotated[tuple[TimeframeReading, ...], BeforeValidator(not_empty)]
    consensus: Consensus
    regime: RegimeReading


class MacroState(Block):
    macro_class: MacroWord
    macro_confidence: Fraction
    macro_support_1: Level
    macro_resistance_1: Level
    macro_measured_move_target: Level


class Macro(Block):
    timeframes: tuple[MacroReading, ...] = ()
    state: MacroState


class Vwap(Block):
    enabled: Flag
    value: Level
    position: Annotated[Literal["ABOVE", "BELOW", "CROSSING", "NA"], BeforeValidator(word_upper)]
    dist_atr: Level


class OpeningRange(Block):
    enabled: Flag
    window_min: Number
    high: Level
    low: Level
    mid: Level
    state: Annotated[Literal["BROKE_UP", "BROKE_DOWN", "INSIDE", "NA"], BeforeValidator(word_upper)]
    age_min: Level


class Swings(Block):
    h1_last_pivot_high: Level = None
    h1_last_pivot_low: Level = None
    m15_last_pivot_high: Level = None
    m15_last_pivot_low: Level = None
    dist_to_res_atr: Level = None
    dist_to_sup_atr: Level = None


class Levels(Block):
    vwap: Vwap
    orb: OpeningRange
    swings: Swings = Swings()


class Trigger(Block):
    bar_type: Annotated[Literal["1", "2_UP", "2_DOWN", "3", "NA"], BeforeValidator(word_upper)]
    pattern: Pattern
    triggered: Flag


class Liquidity(Block):
    sweep_high: Flag
    sweep_low: Flag
    reclaim: Flag
    equal_high_cluster: Flag
    equal_low_cluster: Flag


class Space(Block):
    room_to_resistance: Room
    room_to_support: Room


class IntentReading(Block):
    type: IntentWord
    confidence: Fraction
    regime_transition: Flag
    trend_phase: Annotated[Literal["EARLY", "MID", "LATE", "RANGE"], BeforeValidator(word_upper)]


class Invalidation(Block):
    level: Level
    method: InvalidationMethod


class RiskContext(Block):
    invalidation: Invalidation
    entry_mode_hint: Annotated[Literal["BREAKOUT", "PULLBACK", "MEAN_REVERT", "NO_TRADE"], BeforeValidator(word_upper)]


class BiasV3Payload(Block):
    event_type: Annotated[Literal["BIAS_SNAPSHOT", "BIAS_CHANGE", "ORB_UPDATE"], BeforeValidator(word_upper)]
    event_ts_ms: Annotated[int, BeforeValidator(whole_of), Field(gt=0)]
    event_id_raw: Annotated[str, BeforeValidator(text_of)]
    symbol: Text
    exchange: Annotated[str, BeforeValidator(text_or_null)] = ""
    session: Annotated[Literal["RTH", "ETH"], BeforeValidator(word_upper)]
    source: Annotated[Literal["MTF_BIAS_ENGINE_V3"], BeforeValidator(word_upper)]
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
