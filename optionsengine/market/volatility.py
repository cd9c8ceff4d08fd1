"""How much a price has moved, and where today's implied volatility lies among those of the days before. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

REALIZED_DAYS = 20
SESSIONS_PER_YEAR = 252
MIN_DAYS = 20  # with fewer recorded days a rank says nothing
MAX_DAYS = 252
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class IvPlace:
    """`percentile` is the share of the days, in percent, with a lower volatility, ties half; `rank` the place between
    their lowest and highest, 0–100, None while these are the same."""

    percentile: float
    rank: float | None


def realized_volatility(closes: Sequence[float]) -> float | None:
    """Return the volatility, a fraction a year, of the last 20 of the daily log returns; oldest close first.

    Their sample deviation times √252. None with fewer than 21 closes, or one that is no price.
    """
    last = np.array(closes[-REALIZED_DAYS - 1 :], dtype=np.float64)
    if len(last) <= REALIZED_DAYS or not np.all(np.isfinite(last) & (last > 0)):
        return None
    return round(float(np.std(np.diff(np.log(last)), ddof=1)) * math.sqrt(SESSIONS_PER_YEAR), _DIGITS)


def iv_place(volatility: float, recorded: Sequence[float]) -> IvPlace | None:
    """Place a volatility among those recorded on earlier days, the newest first, at most 252; None with under 20."""
    days = recorded[:MAX_DAYS]
    if len(days) < MIN_DAYS:
        return None
    below = sum(day < volatility for day in days) + sum(day == volatility for day in days) / 2
    low, high = min(days), max(days)
    rank = None if low == high else min(100.0, max(0.0, 100 * (volatility - low) / (high - low)))
    return IvPlace(round(100 * below / len(days), _DIGITS), None if rank is None else round(rank, _DIGITS) + 0.0)
