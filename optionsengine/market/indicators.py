"""Technical indicators over arrays, oldest first, by TA-Lib where it has them. Each answers an array as long as its
input, NaN where there are too few bars before it; no value depends on a later bar. Prices and ranges are dollars."""

from dataclasses import dataclass

import numpy as np
import talib
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

NO_SESSION = -1  # of a bar outside every session


@dataclass(frozen=True, slots=True)
class Bands:
    """A channel around an average, in dollars."""

    upper: FloatArray
    middle: FloatArray
    lower: FloatArray


@dataclass(frozen=True, slots=True)
class Macd:
    """`line` is the fast average minus the slow one, `signal` the line's average, `histogram` line minus signal."""

    line: FloatArray
    signal: FloatArray
    histogram: FloatArray


@dataclass(frozen=True, slots=True)
class Squeeze:
    """`is_on` while the Bollinger bands lie inside the Keltner channel, False where either is unknown; `momentum` in
    dollars, above zero while the price leans up."""

    is_on: BoolArray
    momentum: FloatArray


@dataclass(frozen=True, slots=True)
class Supertrend:
    """`direction` is +1 over the lower band, −1 under the upper one and 0 (`line` NaN) before the first break."""

    line: FloatArray
    direction: IntArray


def ema(closes: FloatArray, period: int) -> FloatArray:
    """Exponential moving average, k = 2 ÷ (period + 1), seeded with the mean of the first `period` closes."""
    return talib.EMA(closes, timeperiod=period)


def ema_from_first(closes: FloatArray, period: int) -> FloatArray:
    """Exponential moving average with the same k, seeded with the first close; no value is NaN."""
    weight = 2.0 / (period + 1)
    values = np.empty_like(closes)
    average = 0.0
    for position, close in enumerate(closes.tolist()):
        average = close if position == 0 else average + weight * (close - average)
        values[position] = average
    return values


def rsi(closes: FloatArray, period: int = 14) -> FloatArray:
    """Wilder's relative strength index, 0 to 100; 50 while the price has never moved (TA-Lib says 0 there)."""
    values = talib.RSI(closes, timeperiod=period)
    unmoved = np.logical_and.accumulate(closes == closes[:1])
    return np.where(unmoved & ~np.isnan(values), 50.0, values)


def macd(closes: FloatArray, fast: int = 12, slow: int = 26, signal: int = 9) -> Macd:
    """Appel's moving average convergence–divergence. All three begin where the signal line does."""
    line, average, histogram = talib.MACD(closes, fastperiod=fast, slowperiod=slow, signalperiod=signal)
    return Macd(line, average, histogram)


def atr(highs: FloatArray, lows: FloatArray, closes: FloatArray, period: int = 14) -> FloatArray:
    """Wilder's average true range, in dollars."""
    return talib.ATR(highs, lows, closes, timeperiod=period)


def adx(highs: FloatArray, lows: FloatArray, closes: FloatArray, period: int = 14) -> FloatArray:
    """Wilder's average directional index, 0 to 100."""
    return talib.ADX(highs, lows, closes, timeperiod=period)


def plus_di(highs: FloatArray, lows: FloatArray, closes: FloatArray, period: int = 14) -> FloatArray:
    """Wilder's positive directional indicator, 0 to 100."""
    return talib.PLUS_DI(highs, lows, closes, timeperiod=period)


def minus_di(highs: FloatArray, lows: FloatArray, closes: FloatArray, period: int = 14) -> FloatArray:
    """Wilder's negative directional indicator, 0 to 100."""
    return talib.MINUS_DI(highs, lows, closes, timeperiod=period)


def bollinger(closes: FloatArray, period: int = 20, deviations: float = 2.0) -> Bands:
    """Bollinger bands: the simple mean and `deviations` population standard deviations around it."""
    upper, middle, lower = talib.BBANDS(closes, timeperiod=period, nbdevup=deviations, nbdevdn=deviations)
    return Bands(upper, middle, lower)


def keltner(
    highs: FloatArray, lows: FloatArray, closes: FloatArray, period: int = 20, multiplier: float = 1.5
) -> Bands:
    """Keltner's channel in Raschke's form: the exponential average of the closes and `multiplier` average true ranges
    around it, both over `period` bars. 1.5 is the width that the squeeze compares with."""
    middle = ema(closes, period)
    width = multiplier * atr(highs, lows, closes, period)
    return Bands(middle + width, middle, middle - width)


def squeeze(highs: FloatArray, lows: FloatArray, closes: FloatArray, period: int = 20) -> Squeeze:
    """Carter's TTM squeeze: Bollinger bands (2 deviations) strictly inside the Keltner channel (1.5 ranges).

    The momentum is the end of the least-squares line through the last `period` values of close − (m + a) ÷ 2, where m
    is the middle between highest high and lowest low of the `period` bars and a their mean close, as StockCharts'
    ChartSchool describes the histogram.
    """
    bands, channel = bollinger(closes, period), keltner(highs, lows, closes, period)
    middle = (talib.MAX(highs, timeperiod=period) + talib.MIN(lows, timeperiod=period)) / 2
    momentum = talib.LINEARREG(closes - (middle + talib.SMA(closes, timeperiod=period)) / 2, timeperiod=period)
    return Squeeze((bands.upper < channel.upper) & (bands.lower > channel.lower), momentum)


def choppiness(highs: FloatArray, lows: FloatArray, closes: FloatArray, period: int = 14) -> FloatArray:
    """Dreiss's choppiness index: 100 · log(Σ true range ÷ (highest high − lowest low)) ÷ log(n) over n = `period` bars.

    Low in a trend, high where the price goes nowhere, above 100 only just after a gap; NaN where it never moved.
    """
    path = talib.SUM(talib.TRANGE(highs, lows, closes), timeperiod=period)
    extent = talib.MAX(highs, timeperiod=period) - talib.MIN(lows, timeperiod=period)
    with np.errstate(divide="ignore", invalid="ignore"):
        index = 100 * np.log(path / extent) / np.log(period)
    return np.where(np.isfinite(index), index, np.nan)


def session_vwap(
    sessions: IntArray, highs: FloatArray, lows: FloatArray, closes: FloatArray, volumes: FloatArray
) -> FloatArray:
    """Volume-weighted average of the typical price (H + L + C) ÷ 3 since the opening of each bar's session, dollars.

    `sessions` numbers each bar's session, ascending, `NO_SESSION` outside of one. NaN there, and until something was
    traded. A session whose first bars are missing must be left out by the caller.
    """
    values = np.full(closes.shape, np.nan)
    typical = (highs + lows + closes) / 3
    inside = np.flatnonzero(sessions != NO_SESSION)
    breaks = np.flatnonzero(np.diff(sessions[inside])) + 1
    for bars in np.split(inside, breaks):
        traded = np.cumsum(volumes[bars])
        paid = np.cumsum(typical[bars] * volumes[bars])
        values[bars] = np.divide(paid, traded, out=np.full(bars.shape, np.nan), where=traded > 0)
    return values


def supertrend(
    highs: FloatArray, lows: FloatArray, closes: FloatArray, period: int = 10, multiplier: float = 3.0
) -> Supertrend:
    """Seban's Supertrend: the band of `multiplier` average true ranges that the price has not closed beyond.

    With b± = (H + L) ÷ 2 ± multiplier · ATR, the upper band u only falls and the lower band l only rises until a close
    lies beyond the band before it:
    u[i] = b+[i] if b+[i] < u[i−1] or C[i−1] > u[i−1], else u[i−1]; l[i] = b−[i] if b−[i] > l[i−1] or C[i−1] < l[i−1],
    else l[i−1]. The direction turns up when C[i] > u[i], down when C[i] < l[i], and is unknown before the first of
    these: chart programs that seed it with a side agree from there on.
    """
    width = multiplier * atr(highs, lows, closes, period)
    middle = (highs + lows) / 2
    line = np.full(closes.shape, np.nan)
    direction = np.zeros(closes.shape, dtype=np.int64)
    first = int(np.isnan(width).sum())
    if first >= len(closes):
        return Supertrend(line, direction)
    tops, bottoms, prices = (middle + width).tolist(), (middle - width).tolist(), closes.tolist()
    upper, lower, side = tops[first], bottoms[first], 0
    for position in range(first, len(prices)):
        before, close = prices[max(position - 1, first)], prices[position]
        if position > first:
            upper = tops[position] if tops[position] < upper or before > upper else upper
            lower = bottoms[position] if bottoms[position] > lower or before < lower else lower
        side = 1 if close > upper else -1 if close < lower else side
        direction[position] = side
        line[position] = lower if side == 1 else upper if side == -1 else np.nan
    return Supertrend(line, direction)
