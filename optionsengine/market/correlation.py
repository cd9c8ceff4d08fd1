"""How the daily returns of two symbols go together. Pure.

Returns are logs of close over close between the days that both symbols have: a day that one of them lacks makes one
longer return of both.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np

from optionsengine.market import calendar
from optionsengine.market.data import Bar
from optionsengine.market.indicators import FloatArray

MAX_RETURNS = 60
MIN_RETURNS = 30
MARKET_SYMBOL = "SPY"
_DIGITS = 4

Closes = Mapping[date, float]


def daily_closes(bars: Sequence[Bar]) -> dict[date, float]:
    """Return the closes in dollars of daily bars by their day in New York; what is no price is left out."""
    closes = ((calendar.new_york_day(bar.at), float(bar.close)) for bar in bars)
    return {day: close for day, close in closes if 0 < close < float("inf")}


def _returns(own: Closes, other: Closes) -> tuple[FloatArray, FloatArray] | None:
    days = sorted(own.keys() & other.keys())[-MAX_RETURNS - 1 :]
    if len(days) <= MIN_RETURNS:
        return None
    first, second = (np.diff(np.log([closes[day] for day in days])) for closes in (own, other))
    return first, second


def correlation_of(own: Closes, other: Closes) -> float | None:
    """Return the correlation (−1 to 1) of the last 60 common returns; None with under 30, or when one never moved."""
    found = _returns(own, other)
    if found is None or any(np.ptp(each) == 0 for each in found):
        return None
    return round(max(-1.0, min(1.0, float(np.corrcoef(*found)[0, 1]))), _DIGITS) + 0.0


def beta_of(own: Closes, market: Closes) -> float | None:
    """Return how far the symbol moves for each move of the market: covariance ÷ variance of the last 60 common returns.

    None with under 30, or when the market never moved.
    """
    found = _returns(own, market)
    if found is None or np.ptp(found[1]) == 0:
        return None
    covariance = np.cov(*found)
    return round(float(covariance[0, 1] / covariance[1, 1]), _DIGITS) + 0.0
