"""The legacy bias body (`BIAS_SNAPSHOT`), frozen and validated; it knows no macro state, intent, liquidity or space.

Scores are -100..100 (`bias_score`) or 0..100, confidences 0..1, levels in dollars.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from signals.numbers import number_read
from signals.payload_types import (
    Block,
    Fraction,
    Number,
    Percent,
    Text,
    number_of,
    text_of,
    text_or_null,
    whole_of,
    word_upper,
)

VERSION = 1
BiasOrHold = Annotated[Literal["BULLISH", "BEARISH", "NEUTRAL", "HOLD"], BeforeValidator(word_upper)]


def _version(value: Any) -> int:
    if value is not None and number_read(value) != VERSION:
        raise ValueError(f"send {VERSION}, or leave it out")
    return VERSION


class TimeframeReadingV1(Block):
    tf: Text
    bias: BiasOrHold
    strength: Percent


class ConsensusV1(Block):
    bias_consensus: BiasOrHold
    bias_score: Annotated[float, BeforeValidator(number_of), Field(ge=-100, le=100)]
    confidence_score: Fraction
    alignment_score: Percent
    conflict_score: Percent


class RegimeReadingV1(Block):
    type: Annotated[Literal["TREND", "RANGE", "BREAKOUT", "BREAKDOWN"], BeforeValidator(word_upper)]
    chop_score: Percent


class MtfV1(Block):
    timeframes: tuple[TimeframeReadingV1, ...]
    consensus: ConsensusV1
    regime: RegimeReadingV1


class VwapV1(Block):
    value: Number
    position: Annotated[Literal["ABOVE", "BELOW", "AT"], BeforeValidator(word_upper)]


class OpeningRangeV1(Block):
    high: Number
    low: Number
    state: Annotated[Literal["INSIDE", "ABOVE", "BELOW", "BREAK_UP", "BREAK_DOWN"], BeforeValidator(word_upper)]


class LevelsV1(Block):
    vwap: VwapV1
    orb: OpeningRangeV1


class InvalidationV1(Block):
    level: Number


class RiskContextV1(Block):
    invalidation: InvalidationV1
    entry_mode_hint: Annotated[Literal["BREAKOUT", "PULLBACK", "MEAN_REVERT"], BeforeValidator(word_upper)]


class BiasV1Payload(Block):
    schema_version: Annotated[int, BeforeValidator(_version)] = VERSION
    event_type: Annotated[str, BeforeValidator(text_of), BeforeValidator(word_upper), Field(max_length=30)]
    event_ts_ms: Annotated[int, BeforeValidator(whole_of), Field(gt=0)]
    event_id_raw: Annotated[str, BeforeValidator(text_of)]
    symbol: Text
    chart_tf: Text
    session: Annotated[str, BeforeValidator(text_or_null), Field(max_length=30)] = ""
    source: Annotated[str, BeforeValidator(text_or_null), Field(max_length=100)] = ""
    mtf: MtfV1
    levels: LevelsV1
    risk_context: RiskContextV1
