"""What the bars of one timeframe say by themselves: its line in the `mtf` block of the bias V3 body. Pure.

The lean is 100 times the weighted sum of four parts, each clamped to −1…1, with all distances in ATRs of the frame:
the close over EMA 21, EMA 21 over EMA 55, the slope of EMA 55, and the structure (+1 HH_HL, −1 LH_LL, 0 RANGE). Its
size is `strength`; its sign is `bias`, NEUTRAL when small. Mirrored prices give the mirrored reading.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import talib

from optionsengine.market import indicators
from optionsengine.market.analysis_enums import FrameBias, Momentum, Structure, VolatilityState
from optionsengine.market.data import Bar, Timeframe
from optionsengine.market.features import DIGITS
from optionsengine.market.indicators import FloatArray
from optionsengine.market.series import Series, series_of
from optionsengine.market.swings import Levels, levels_of, structure_of

FAST_EMA, SLOW_EMA = 21, 55
SLOPE_BARS = 5  # the slope of EMA 55 is its mean change over these
MIN_BARS = SLOW_EMA + SLOPE_BARS  # with fewer a frame is absent
CLOSE_WEIGHT, CLOSE_FULL = 0.25, 2.0  # the part is full at this many ATRs between close and EMA 21
STACK_WEIGHT, STACK_FULL = 0.30, 2.0  # between EMA 21 and EMA 55
SLOPE_WEIGHT, SLOPE_FULL = 0.25, 0.1  # ATRs per bar
STRUCTURE_WEIGHT = 0.20
BIAS_LEAN = 25.0  # of 100; below it the bias is NEUTRAL
IMPULSE_BARS, IMPULSE_ATR = 5, 1.5  # an impulse: a move of so many ATRs within these bars
VOLATILITY_BARS = 40  # the ATR is compared with its mean over these
EXPANDING_RATIO, CONTRACTING_RATIO = 1.15, 0.85
_STRUCTURE_SIGN = {Structure.HH_HL: 1.0, Structure.LH_LL: -1.0, Structure.RANGE: 0.0}


@dataclass(frozen=True, slots=True)
class FrameReading:
    """One timeframe as of its last bar, which opened at `at`.

    Prices, the averages, `atr` and the levels are dollars, `slope_ema55` dollars per bar; `strength`, `adx` and `chop`
    (the choppiness index, None when the price never moved) are 0–100. `bars_since_cross` is how many bars ago EMA 21
    last crossed EMA 55, None when it did not within the bars. `bar_high` and `bar_low` are the last bar's.
    """

    timeframe: Timeframe
    bars: int
    at: datetime
    close: float
    bar_high: float
    bar_low: float
    bias: FrameBias
    strength: float
    structure: Structure
    momentum: Momentum
    volatility: VolatilityState
    ema21: float
    ema55: float
    slope_ema55: float
    atr: float
    adx: float
    chop: float | None
    bars_since_cross: int | None
    levels: Levels


def rounded(value: float) -> float:
    """Return a finite number to six places, without a negative zero."""
    return round(float(value), DIGITS) + 0.0


def _clamped(distance: float, full: float) -> float:
    return max(-1.0, min(1.0, distance / full))


def _momentum(closes: FloatArray, atr: float) -> Momentum:
    move = rounded(closes[-1] - closes[-1 - IMPULSE_BARS])
    if move == 0 or abs(move) < rounded(IMPULSE_ATR * atr):
        return Momentum.DRIFT
    return Momentum.IMPULSE_UP if move > 0 else Momentum.IMPULSE_DOWN


def _volatility(ranges: FloatArray) -> VolatilityState:
    usual = float(talib.SMA(ranges, timeperiod=VOLATILITY_BARS)[-1])
    ratio = rounded(ranges[-1] / usual) if usual > 0 else 1.0
    if ratio >= EXPANDING_RATIO:
        return VolatilityState.EXPANDING
    return VolatilityState.CONTRACTING if ratio <= CONTRACTING_RATIO else VolatilityState.NORMAL


def _bars_since_cross(gaps: FloatArray) -> int | None:
    sides = np.sign(np.round(gaps, DIGITS))
    before = np.flatnonzero(sides != sides[-1])
    return None if len(before) == 0 else len(sides) - 1 - int(before[-1])


def _lean(close: float, ema21: float, ema55: float, slope: float, atr: float, structure: Structure) -> float:
    parts = STRUCTURE_WEIGHT * _STRUCTURE_SIGN[structure]
    if atr > 0:
        parts += CLOSE_WEIGHT * _clamped((close - ema21) / atr, CLOSE_FULL)
        parts += STACK_WEIGHT * _clamped((ema21 - ema55) / atr, STACK_FULL)
        parts += SLOPE_WEIGHT * _clamped(slope / atr, SLOPE_FULL)
    return rounded(100 * parts)


def _bias(lean: float) -> FrameBias:
    if abs(lean) < BIAS_LEAN:
        return FrameBias.NEUTRAL
    return FrameBias.BULLISH if lean > 0 else FrameBias.BEARISH


def frame_read(bars: Sequence[Bar], timeframe: Timeframe) -> FrameReading | None:
    """Read closed bars, oldest first; None with fewer than 60, for which nothing is made up."""
    if len(bars) < MIN_BARS:
        return None
    series: Series = series_of(bars)
    highs, lows, closes = series.highs, series.lows, series.closes
    fast, slow = indicators.ema(closes, FAST_EMA), indicators.ema(closes, SLOW_EMA)
    ranges = indicators.atr(highs, lows, closes)
    atr = max(rounded(ranges[-1]), 0.0)
    slope = (slow[-1] - slow[-1 - SLOPE_BARS]) / SLOPE_BARS
    structure = structure_of(series)
    lean = _lean(float(closes[-1]), float(fast[-1]), float(slow[-1]), float(slope), atr, structure)
    chop = indicators.choppiness(highs, lows, closes)[-1]
    return FrameReading(
        timeframe=timeframe,
        bars=len(bars),
        at=bars[-1].at,
        close=rounded(closes[-1]),
        bar_high=rounded(highs[-1]),
        bar_low=rounded(lows[-1]),
        bias=_bias(lean),
        strength=abs(lean),
        structure=structure,
        momentum=_momentum(closes, atr),
        volatility=_volatility(ranges),
        ema21=rounded(fast[-1]),
        ema55=rounded(slow[-1]),
        slope_ema55=rounded(slope),
        atr=atr,
        adx=rounded(indicators.adx(highs, lows, closes)[-1]),
        chop=rounded(chop) if np.isfinite(chop) else None,
        bars_since_cross=_bars_since_cross((fast - slow)[SLOW_EMA - 1 :]),
        levels=levels_of(series),
    )
