"""Options that may be exercised on any day, with a continuous dividend yield: QuantLib's fixed-point engine.

Source of the method: L. Andersen, M. Lake and D. Offengenden, "High-performance American option pricing", Journal of
Computational Finance 20 (2016). An option that nobody gains by exercising early is priced in closed form.

QuantLib's dates are whole days, so an option that expires today would be worth nothing to it. Prices depend on time
only through rate × time, yield × time and volatility × √time, so these are what it is told, always with a year to go.

Units as in `pricing`: `spot` and `strike` in dollars; `years` to expiry (calendar days ÷ 365); `rate` and
`dividend_yield` continuously compounded, as fractions; `volatility` annual, as a fraction. All arguments broadcast.
What it costs a borrower to be short of a stock acts like a dividend yield; a yield below zero is refused.
"""

import math
import threading
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optionsengine.market.pricing import (
    DAYS_PER_YEAR,
    MAX_VOLATILITY,
    MIN_VOLATILITY,
    FloatArray,
    Valuation,
    floats_checked,
    implied_volatility,
    value_options,
)

BoolArray = NDArray[np.bool_]

_SPOT_STEP = 0.01  # in standard deviations
_VOLATILITY_STEP = 1e-3  # relative
_RATE_STEP = 1e-4
_NOISE = 1e-9  # relative to the strike: a price nearer than this to exercise value is exercise value
_VOLATILITY_TOLERANCE = 1e-10
_BESIDE = 1.001  # room for the engine's own error where early exercise is worth next to nothing
_SHARES = (0.97, 0.85, 0.5, 0.0)  # of the European volatility: where the American one is looked for, downwards
_lock = threading.Lock()  # QuantLib's objects may not be used by two threads at once


class _Terms(NamedTuple):
    """One option with time left that may be worth exercising early."""

    spot: float
    strike: float
    years: float
    rate: float
    dividend_yield: float
    volatility: float
    is_call: bool

    @property
    def exercise_value(self) -> float:
        return max(self.spot - self.strike if self.is_call else self.strike - self.spot, 0.0)


class _Engine:
    """One QuantLib option model whose inputs are set anew for every price."""

    def __init__(self) -> None:
        import QuantLib  # a quarter of a second, which a process that prices no American option does not pay

        self._library = QuantLib
        # Its curves carry their own first day. It compares expiries with today's date too: this one never passes.
        first = QuantLib.Date(1, 1, 2150)
        day_count = QuantLib.Actual365Fixed()
        self._spot, self._rate, self._yield, self._deviation = (QuantLib.SimpleQuote(1.0) for _ in range(4))
        handle = QuantLib.QuoteHandle

        def curve(quote: Any) -> Any:
            return QuantLib.YieldTermStructureHandle(QuantLib.FlatForward(first, handle(quote), day_count))

        surface = QuantLib.BlackConstantVol(first, QuantLib.NullCalendar(), handle(self._deviation), day_count)
        process = QuantLib.BlackScholesMertonProcess(
            handle(self._spot), curve(self._yield), curve(self._rate), QuantLib.BlackVolTermStructureHandle(surface)
        )
        self._exercise = QuantLib.AmericanExercise(first, first + int(DAYS_PER_YEAR))
        self._method = QuantLib.QdFpAmericanEngine(process, QuantLib.QdFpAmericanEngine.accurateScheme())

    def price(self, terms: _Terms) -> float:
        library = self._library
        self._spot.setValue(terms.spot)
        self._rate.setValue(terms.rate * terms.years)
        self._yield.setValue(terms.dividend_yield * terms.years)
        self._deviation.setValue(terms.volatility * math.sqrt(terms.years))
        kind = library.Option.Call if terms.is_call else library.Option.Put
        option = library.VanillaOption(library.PlainVanillaPayoff(kind, terms.strike), self._exercise)
        option.setPricingEngine(self._method)
        return float(option.NPV())


@cache
def _engine() -> _Engine:
    return _Engine()


def value_american(
    *,
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    volatility: ArrayLike,
    is_call: ArrayLike,
) -> Valuation:
    """Price American options and their Greeks, two milliseconds each where early exercise may pay.

    Delta, gamma, vega and rho are central differences; theta follows from them by the Black–Scholes equation. Where
    exercising now is best, the price is the exercise value, delta ±1 and every other Greek zero.

    :return: arrays of the arguments' common shape; `Valuation` tells their units.
    :raises ValueError: for an argument that is not finite, a spot, strike or volatility not above zero or a dividend
        yield below zero.
    """
    arguments = (
        floats_checked("spot", spot, minimum=0, strict=True),
        floats_checked("strike", strike, minimum=0, strict=True),
        floats_checked("years", years),
        floats_checked("rate", rate),
        floats_checked("dividend_yield", dividend_yield, minimum=0),
        floats_checked("volatility", volatility, minimum=0, strict=True),
        np.asarray(is_call, dtype=bool),
    )
    together = np.broadcast_arrays(*arguments)
    s, k, t, r, q, sigma, call = (array.ravel() for array in together)
    closed = value_options(spot=s, strike=k, years=t, rate=r, dividend_yield=q, volatility=sigma, is_call=call)
    columns = [closed.price, closed.delta, closed.gamma, closed.theta, closed.vega, closed.rho]
    table = np.column_stack(columns)
    for row in np.flatnonzero(_may_exercise(t, r, q, call)):
        table[row] = _value_one(_Terms(s[row], k[row], t[row], r[row], q[row], sigma[row], call[row]))
    return Valuation(*(column.reshape(together[0].shape) for column in table.T))


def implied_volatility_american(
    *,
    price: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    is_call: ArrayLike,
) -> FloatArray:
    """Return the annual volatility (a fraction) that gives each price of an American option in dollars.

    NaN where none between 0.01 % and 1,000 % does; among them every price not above exercise value. Brent's method
    below the volatility of a European option of this price, which is worth less.

    :raises ValueError: for an argument that is not finite, a spot or strike not above zero or a dividend yield below.
    """
    arguments = (
        floats_checked("price", price),
        floats_checked("spot", spot, minimum=0, strict=True),
        floats_checked("strike", strike, minimum=0, strict=True),
        floats_checked("years", years),
        floats_checked("rate", rate),
        floats_checked("dividend_yield", dividend_yield, minimum=0),
        np.asarray(is_call, dtype=bool),
    )
    together = np.broadcast_arrays(*arguments)
    p, s, k, t, r, q, call = (array.ravel() for array in together)
    found = implied_volatility(price=p, spot=s, strike=k, years=t, rate=r, dividend_yield=q, is_call=call)
    for row in np.flatnonzero(_may_exercise(t, r, q, call)):
        terms = _Terms(s[row], k[row], t[row], r[row], q[row], MIN_VOLATILITY, call[row])
        found[row] = _volatility_of_one(float(p[row]), terms, float(found[row]))
    return found.reshape(together[0].shape)


def _may_exercise(years: FloatArray, rate: FloatArray, dividend_yield: FloatArray, is_call: BoolArray) -> BoolArray:
    """Where waiting may cost more than it gains: the dividends of a call, the interest on the strike of a put.

    What waiting gains are the other side's, so it never loses while the first are not above zero and these not below.
    """
    forgone = np.where(is_call, dividend_yield, rate)
    earned = np.where(is_call, rate, dividend_yield)
    waits: BoolArray = (forgone <= 0) & (earned >= 0)
    return (years > 0) & ~waits


def _price(terms: _Terms) -> float:
    with _lock:
        price = _engine().price(terms)
    exercise_value = terms.exercise_value
    if exercise_value > 0 and price <= exercise_value + _NOISE * terms.strike:
        return exercise_value
    return max(price, 0.0)


def _value_one(terms: _Terms) -> tuple[float, ...]:
    """Price, delta, gamma, theta, vega and rho."""
    price = _price(terms)
    spot, rate, volatility = terms.spot, terms.rate, terms.volatility
    if price == terms.exercise_value > 0:
        return price, 1.0 if terms.is_call else -1.0, 0.0, 0.0, 0.0, 0.0
    step = spot * min(_SPOT_STEP * volatility * math.sqrt(terms.years), _SPOT_STEP)
    above, below = (_price(terms._replace(spot=spot + side * step)) for side in (1, -1))
    delta = (above - below) / (2 * step)
    gamma = max(above - 2 * price + below, 0.0) / step**2
    carry = (rate - terms.dividend_yield) * spot * delta
    decay = rate * price - carry - 0.5 * (volatility * spot) ** 2 * gamma
    step = volatility * _VOLATILITY_STEP
    above, below = (_price(terms._replace(volatility=volatility + side * step)) for side in (1, -1))
    vega = max(above - below, 0.0) / (2 * step)
    above, below = (_price(terms._replace(rate=rate + side * _RATE_STEP)) for side in (1, -1))
    rho = (above - below) / (2 * _RATE_STEP)
    # more time never takes worth away; next to where exercise becomes best, the engine's error can say it does
    theta = min(decay, 0.0) / DAYS_PER_YEAR
    return price, delta, gamma, theta, vega / 100, rho / 100


def _volatility_of_one(price: float, terms: _Terms, european: float) -> float:
    """`european` is the volatility that a European option of this price has, or NaN: it is too much or just enough."""
    from scipy.optimize import brentq

    def miss(volatility: float) -> float:
        return _price(terms._replace(volatility=volatility)) - price

    exercise_value = terms.exercise_value
    if price <= exercise_value + (_NOISE * terms.strike if exercise_value > 0 else 0.0):
        return math.nan
    high = min(european * _BESIDE, MAX_VOLATILITY) if math.isfinite(european) else MAX_VOLATILITY
    if miss(high) < 0:
        high = MAX_VOLATILITY
        if miss(high) < 0:
            return math.nan
    for share in _SHARES:
        low = max(high * share, MIN_VOLATILITY)
        if miss(low) <= 0:
            return float(brentq(miss, low, high, xtol=_VOLATILITY_TOLERANCE))
        high = low
    return math.nan
