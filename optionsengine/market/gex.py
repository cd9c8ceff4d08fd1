"""Gamma exposure of a chain: what dealers must trade when the underlying moves. Pure.

Exposure is in dollars of the underlying per 1 % move: gamma · open interest · 100 shares · spot² · 0.01, calls counted
positive and puts negative, on the usual assumption that dealers are long the calls and short the puts (S. Perfiliev,
"How to Calculate Gamma Exposure and Zero Gamma Level", 2022). The system this one succeeds multiplied by the spot once,
which is dollars per move of one dollar: that makes a dear underlying look calm beside a cheap one, and does not fit its
own thresholds of 1e8 and 1e9, which are those of figures published per percent.

The zero-gamma level is the spot at which the net exposure, re-priced with each contract's own implied volatility by
Black–Scholes–Merton, changes sign (same source), and not a strike.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import numpy as np

from optionsengine.core.enums import Right
from optionsengine.core.values import MULTIPLIER
from optionsengine.market import calendar
from optionsengine.market.analysis_enums import DealerPosition, GammaSign, GexState
from optionsengine.market.data import OptionQuote
from optionsengine.market.indicators import FloatArray
from optionsengine.market.pricing import DAYS_PER_YEAR

MOVE = 0.01  # of the spot that exposure is told for
NEUTRAL_BAND = 1e8  # dollars per 1 %: the environment is NEUTRAL up to here, either side
HIGH_GEX = 1e9  # beyond it the state is HIGH
FLIP_RANGE = 0.2  # of the spot, either side, that is searched for the zero-gamma level
FLIP_POINTS = 161  # over that range: a quarter of a percent apart
_FLIP_STEPS = 40  # halvings of a quarter percent: far below a cent
_NOTHING = 1e-12  # of the gross exposure: a smaller net is rounding


@dataclass(frozen=True, slots=True)
class StrikeGex:
    """Exposure at one strike over all expirations, dollars per 1 % move; `put` is zero or negative."""

    strike: Decimal
    call: float
    put: float
    net: float


@dataclass(frozen=True, slots=True)
class GexReading:
    """Gamma exposure in dollars per 1 % move, to the cent; strikes ascending.

    `total_gex` is the sum of the sizes, `net_gex` that of calls and puts. The walls are the strikes of the largest call
    and put exposure, the one nearer the spot of equals; `zero_gamma` is the flip level in dollars nearest to the spot,
    None when the net keeps its sign within 20 % of it, and `distance_to_flip` that level − spot. `zero_dte_gamma_ratio`
    is the share of `total_gex` that expires today. `contracts` counts what was used, the others what was left out and
    why; what lacks only a volatility counts everywhere but in `zero_gamma`.
    """

    spot: Decimal
    at: datetime
    strikes: tuple[StrikeGex, ...]
    call_gex: float
    put_gex: float
    net_gex: float
    total_gex: float
    call_wall: Decimal | None
    put_wall: Decimal | None
    zero_gamma: float | None
    distance_to_flip: float | None
    zero_dte_gamma_ratio: float | None
    dealer_position: DealerPosition
    gamma_environment: GammaSign
    state: GexState
    contracts: int
    without_gamma: int
    without_interest: int
    without_volatility: int
    expired: int


def _known(value: float | None) -> bool:
    return value is not None and math.isfinite(value) and value >= 0


def _wall(strikes: Sequence[StrikeGex], spot: Decimal, sizes: Sequence[float]) -> Decimal | None:
    largest = max(sizes, default=0.0)
    if largest <= 0:
        return None
    equals = [row.strike for row, size in zip(strikes, sizes, strict=True) if size == largest]
    return min(equals, key=lambda strike: (abs(strike - spot), strike))


def gex_state(net: float) -> GexState:
    """Return the state that net exposure, in dollars per 1 % move, makes."""
    if net == 0:
        return GexState.NEUTRAL
    if net > 0:
        return GexState.POSITIVE_HIGH if net > HIGH_GEX else GexState.POSITIVE_LOW
    return GexState.NEGATIVE_HIGH if net < -HIGH_GEX else GexState.NEGATIVE_LOW


def _environment(net: float) -> GammaSign:
    if abs(net) <= NEUTRAL_BAND:
        return GammaSign.NEUTRAL
    return GammaSign.POSITIVE if net > 0 else GammaSign.NEGATIVE


def _dealers(net: float) -> DealerPosition:
    if net == 0:
        return DealerPosition.NEUTRAL
    return DealerPosition.LONG_GAMMA if net > 0 else DealerPosition.SHORT_GAMMA


def zero_gamma_level(
    quotes: Sequence[OptionQuote], *, spot: float, at: datetime, rate: float, dividend_yield: float
) -> float | None:
    """Return the spot in dollars, nearest to today's, at which the net gamma of the contracts changes sign.

    Implied volatilities stay with their strikes. Contracts without open interest or a volatility above zero are left
    out; none may have expired. `rate` and `dividend_yield` are continuously compounded fractions. None when the sign
    stays the same within 20 % of the spot.
    """
    priced = [quote for quote in quotes if quote.iv and _known(quote.iv) and quote.open_interest]
    if not priced:
        return None
    strikes = np.array([float(quote.contract.strike) for quote in priced])
    days = {expiration: calendar.dte(expiration, at) for expiration in {quote.contract.expiration for quote in priced}}
    years = np.array([days[quote.contract.expiration] for quote in priced]) / DAYS_PER_YEAR
    volatilities = np.array([quote.iv for quote in priced], dtype=np.float64)
    signs = np.where([quote.contract.right == Right.CALL for quote in priced], 1.0, -1.0)
    deviations = volatilities * np.sqrt(years)
    shifts = ((rate - dividend_yield) * years - np.log(strikes)) / deviations + deviations / 2
    # gamma · spot · √(2π) is e^(−qT − d1²/2) ÷ σ√T; full valuations at every spot would take twelve times as long
    weights = signs * [quote.open_interest or 0 for quote in priced] * np.exp(-dividend_yield * years) / deviations

    def net_sign(spots: FloatArray) -> FloatArray:
        d1 = np.log(spots)[:, None] / deviations + shifts
        bells = np.exp(-0.5 * d1 * d1)
        net, gross = bells @ weights, bells @ np.abs(weights)
        return np.where(np.abs(net) <= _NOTHING * gross, 0.0, np.sign(net))

    grid = spot * np.linspace(1 - FLIP_RANGE, 1 + FLIP_RANGE, FLIP_POINTS)
    sides = net_sign(grid)
    grid, sides = grid[sides != 0], sides[sides != 0]
    turns = np.flatnonzero(sides[1:] != sides[:-1])
    if len(turns) == 0:
        return None
    low, high, before = grid[turns], grid[turns + 1], sides[turns]
    for _ in range(_FLIP_STEPS):
        middle = (low + high) / 2
        is_before = net_sign(middle) == before
        low, high = np.where(is_before, middle, low), np.where(is_before, high, middle)
    levels = (low + high) / 2
    return round(float(levels[np.argmin(np.abs(levels - spot))]), 4)


def gex_of(
    quotes: Iterable[OptionQuote], *, spot: Decimal, at: datetime, rate: float, dividend_yield: float
) -> GexReading | None:
    """Measure the gamma exposure of the calls and puts of one underlying, `spot` dollars at `at`.

    A contract that does not say its gamma or open interest is left out and counted, as is one that has expired. None
    when nothing is left: no exposure is made up. `rate` and `dividend_yield` (continuously compounded fractions) only
    matter to the zero-gamma level.
    """
    used: list[OptionQuote] = []
    days: dict[date, float] = {}
    left_out = {"expired": 0, "without_gamma": 0, "without_interest": 0}
    for quote in quotes:
        expiration = quote.contract.expiration
        if expiration not in days:
            days[expiration] = calendar.dte(expiration, at)
        if days[expiration] <= 0:
            left_out["expired"] += 1
        elif not _known(quote.gamma):
            left_out["without_gamma"] += 1
        elif not _known(quote.open_interest):
            left_out["without_interest"] += 1
        else:
            used.append(quote)
    if not used:
        return None
    price = float(spot)
    exposures = (
        np.array([quote.gamma for quote in used], dtype=np.float64)
        * np.array([quote.open_interest for quote in used], dtype=np.float64)
        * (MULTIPLIER * price * price * MOVE)
    )
    is_call = np.array([quote.contract.right == Right.CALL for quote in used])
    levels = sorted({quote.contract.strike for quote in used})
    places = {strike: place for place, strike in enumerate(levels)}
    place = np.array([places[quote.contract.strike] for quote in used])
    calls = np.bincount(place, weights=exposures * is_call, minlength=len(levels))
    puts = np.bincount(place, weights=exposures * ~is_call, minlength=len(levels))
    strikes = tuple(
        StrikeGex(strike, round(call, 2), 0.0 - round(put, 2), round(call - put, 2) + 0.0)
        for strike, call, put in zip(levels, calls.tolist(), puts.tolist(), strict=True)
    )
    today = calendar.new_york_day(at)
    expiring = float(exposures[[quote.contract.expiration == today for quote in used]].sum())
    total, net = float(exposures.sum()), round(float(calls.sum() - puts.sum()), 2) + 0.0
    flip = zero_gamma_level(used, spot=price, at=at, rate=rate, dividend_yield=dividend_yield)
    return GexReading(
        spot=spot,
        at=at,
        strikes=strikes,
        call_gex=round(float(calls.sum()), 2),
        put_gex=0.0 - round(float(puts.sum()), 2),
        net_gex=net,
        total_gex=round(total, 2),
        call_wall=_wall(strikes, spot, [row.call for row in strikes]),
        put_wall=_wall(strikes, spot, [-row.put for row in strikes]),
        zero_gamma=flip,
        distance_to_flip=None if flip is None else round(flip - price, 4) + 0.0,
        zero_dte_gamma_ratio=round(expiring / total, 6) if total > 0 else None,
        dealer_position=_dealers(net),
        gamma_environment=_environment(net),
        state=gex_state(net),
        contracts=len(used),
        without_volatility=sum(not (quote.iv and _known(quote.iv)) for quote in used),
        **left_out,
    )
