"""What the implied volatilities of a chain say: their level, their lean to puts or calls, their slope in time. Pure.

- The at-the-money volatility of an expiration is that at the spot, linear between the listed strikes on either side of
  it, each strike the mean of its call and put.
- Their level is that of 30 days: total variance (volatility² · time) is linear between the expirations on either side,
  as in the Cboe's VIX methodology; the nearest expiration within 15 days of it where there is one side only.
- The skew is the put's less the call's volatility at 25 delta, linear in delta, of the expiration nearest to 30 days.
- The term is the at-the-money volatility of the expiration nearest to 30 days less that of the first one that has
  5 days left, at least 14 days apart: above zero when time costs more volatility, as in a calm market.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import numpy as np

from optionsengine.core.enums import Right
from optionsengine.market import calendar
from optionsengine.market.data import OptionQuote

LEVEL_DAYS = 30.0
LEVEL_REACH_DAYS = 15.0
MIN_DAYS = 1.0  # a day before it dies, an option's volatility is mostly the tick of its price
SKEW_DELTA = 0.25
TERM_NEAR_DAYS = 5.0
TERM_APART_DAYS = 14.0
_DIGITS = 6
_POINTS = 100


@dataclass(frozen=True, slots=True)
class Smile:
    """`atm_iv` is a fraction a year; `skew` and `term` are in volatility points (1 is 1 %). None is not told."""

    atm_iv: float | None
    skew: float | None
    term: float | None


@dataclass(frozen=True, slots=True)
class _Expiry:
    days: float
    atm: float | None
    quotes: tuple[OptionQuote, ...]


def _is_told(volatility: float | None) -> bool:
    return volatility is not None and math.isfinite(volatility) and volatility > 0


def _between(points: Mapping[float, float], place: float) -> float | None:
    """Return the value at `place`, linear between the points on either side; None beyond the outermost."""
    places = sorted(points)
    if not places or not places[0] <= place <= places[-1]:
        return None
    return float(np.interp(place, places, [points[each] for each in places]))


def _at_the_money(quotes: Sequence[OptionQuote], spot: float) -> float | None:
    told: dict[float, list[float]] = defaultdict(list)
    for quote in quotes:
        told[float(quote.contract.strike)].append(quote.iv or 0.0)
    return _between({strike: sum(each) / len(each) for strike, each in told.items()}, spot)


def _level(expiries: Sequence[_Expiry]) -> float | None:
    known = {each.days: each.atm for each in expiries if each.atm is not None}
    variances = {days: volatility * volatility * days for days, volatility in known.items()}
    variance = _between(variances, LEVEL_DAYS)
    if variance is not None:
        return math.sqrt(variance / LEVEL_DAYS)
    nearest = min(known, key=lambda days: abs(days - LEVEL_DAYS), default=None)
    if nearest is None or abs(nearest - LEVEL_DAYS) > LEVEL_REACH_DAYS:
        return None
    return known[nearest]


def _at_delta(quotes: Sequence[OptionQuote], right: Right) -> float | None:
    told: dict[float, list[float]] = defaultdict(list)
    for quote in quotes:
        if quote.contract.right == right and quote.delta is not None and math.isfinite(quote.delta):
            told[abs(quote.delta)].append(quote.iv or 0.0)
    return _between({delta: sum(each) / len(each) for delta, each in told.items()}, SKEW_DELTA)


def _skew(expiries: Sequence[_Expiry]) -> float | None:
    for expiry in sorted(expiries, key=lambda each: (abs(each.days - LEVEL_DAYS), each.days)):
        put, call = (_at_delta(expiry.quotes, right) for right in (Right.PUT, Right.CALL))
        if put is not None and call is not None:
            return _POINTS * (put - call)
    return None


def _term(expiries: Sequence[_Expiry]) -> float | None:
    known = [(each.days, each.atm) for each in expiries if each.atm is not None and each.days >= TERM_NEAR_DAYS]
    if not known:
        return None
    near_days, near = min(known)
    farther = [each for each in known if each[0] - near_days >= TERM_APART_DAYS]
    if not farther:
        return None
    return _POINTS * (min(farther, key=lambda each: (abs(each[0] - LEVEL_DAYS), each[0]))[1] - near)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS) + 0.0


def smile_of(quotes: Iterable[OptionQuote], *, spot: Decimal, at: datetime) -> Smile:
    """Read the options of one underlying, `spot` dollars at `at`; what has no volatility above zero is left out."""
    listed: dict[date, list[OptionQuote]] = defaultdict(list)
    for quote in quotes:
        if _is_told(quote.iv):
            listed[quote.contract.expiration].append(quote)
    expiries = []
    for expiration in sorted(listed):
        days = calendar.dte(expiration, at)
        if days >= MIN_DAYS:
            own = tuple(listed[expiration])
            expiries.append(_Expiry(days, _at_the_money(own, float(spot)), own))
    return Smile(_rounded(_level(expiries)), _rounded(_skew(expiries)), _rounded(_term(expiries)))
