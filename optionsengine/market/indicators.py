"""Technical indicators over arrays, oldest first, by TA-Lib. Each answers an array as long as its input, NaN where
there are too few bars before it."""

from dataclasses import dataclass

import numpy as np
import talib
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bollinger:
    upper: FloatArray
    middle: FloatArray
    lower: FloatArray


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


def macd_histogram(closes: FloatArray, fast: int = 12, slow: int = 26, signal: int = 9) -> FloatArray:
    """MACD line minus its signal line, in dollars."""
    return talib.MACD(closes, fastperiod=fast, slowperiod=slow, signalperiod=signal)[2]


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


def bollinger(closes: FloatArray, period: int = 20, deviations: float = 2.0) -> Bollinger:
    """Bollinger bands: the simple mean and `deviations` population standard deviations around it."""
    upper, middle, lower = talib.BBANDS(closes, timeperiod=period, nbdevup=deviations, nbdevdn=deviations)
    return Bollinger(upper, middle, lower)
