"""European options in closed form: Black–Scholes–Merton with a continuous dividend yield, over arrays.

Source: J. C. Hull, "Options, Futures, and Other Derivatives", the chapters on the Black–Scholes–Merton model, on
options on stock indices (dividend yield) and on the Greek letters. All arguments broadcast against each other.

Units: `spot` and `strike` in dollars; `years` to expiry (calendar days ÷ 365); `rate` and `dividend_yield`
continuously compounded, as fractions; `volatility` annual, as a fraction.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

DAYS_PER_YEAR = 365.0
MIN_VOLATILITY = 1e-4
MAX_VOLATILITY = 10.0
_MAX_STEPS = 100
_PRICE_TOLERANCE = 1e-12  # relative to the spot
_SQRT_TAU = float(np.sqrt(2 * np.pi))


@dataclass(frozen=True, slots=True)
class Valuation:
    """Price and Greeks per share: `theta` in dollars per calendar day, `vega` in dollars per volatility point."""

    price: FloatArray
    delta: FloatArray
    gamma: FloatArray
    theta: FloatArray
    vega: FloatArray


def _normal_cdf(values: FloatArray) -> FloatArray:
    # scipy takes a third of a second to import; a process that never prices an option should not pay for it
    from scipy.special import ndtr

    return cast(FloatArray, ndtr(values))


def _normal_pdf(values: FloatArray) -> FloatArray:
    return np.exp(-0.5 * values * values) / _SQRT_TAU


def _floats(name: str, values: ArrayLike, *, minimum: float = -np.inf, strict: bool = False) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    fits = array > minimum if strict else array >= minimum
    if not bool(np.all(np.isfinite(array) & fits)):
        raise ValueError(f"{name} must be finite and {'above' if strict else 'at least'} {minimum}")
    return array


def _d1_d2(log_moneyness: FloatArray, deviation: FloatArray) -> tuple[FloatArray, FloatArray]:
    """d1 and d2 from ln(forward ÷ strike) and σ√T; without uncertainty they are ±∞, or 0 at the money."""
    certain = deviation <= 0
    with np.errstate(over="ignore", invalid="ignore"):
        centre = np.where(
            certain,
            np.where(log_moneyness == 0, 0.0, np.copysign(np.inf, log_moneyness)),
            log_moneyness / np.where(certain, 1.0, deviation),
        )
    return centre + deviation / 2, centre - deviation / 2


def value_options(
    *,
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    volatility: ArrayLike,
    is_call: ArrayLike,
) -> Valuation:
    """Price European options and their Greeks.

    At or after expiry the price is the exercise value and theta is zero.

    :raises ValueError: for an argument that is not finite, a price not above zero or a negative volatility.
    """
    s = _floats("spot", spot, minimum=0, strict=True)
    k = _floats("strike", strike, minimum=0, strict=True)
    t = np.maximum(_floats("years", years), 0.0)
    r = _floats("rate", rate)
    q = _floats("dividend_yield", dividend_yield)
    sigma = _floats("volatility", volatility, minimum=0)
    sign = np.where(np.asarray(is_call, dtype=bool), 1.0, -1.0)

    root = np.sqrt(t)
    deviation = sigma * root
    d1, d2 = _d1_d2(np.log(s / k) + (r - q) * t, deviation)
    spot_factor = np.exp(-q * t)
    present_strike = k * np.exp(-r * t)
    cdf_1 = _normal_cdf(sign * d1)
    cdf_2 = _normal_cdf(sign * d2)
    density = np.where(deviation > 0, _normal_pdf(d1), 0.0) * spot_factor

    price = np.maximum(sign * (s * spot_factor * cdf_1 - present_strike * cdf_2), 0.0)
    gamma = density / (s * np.where(deviation > 0, deviation, 1.0))
    decay = -s * density * sigma / (2 * np.where(root > 0, root, 1.0))
    carry = sign * (q * s * spot_factor * cdf_1 - r * present_strike * cdf_2)
    theta = np.where(t > 0, (decay + carry) / DAYS_PER_YEAR, 0.0)
    shape = np.broadcast_shapes(price.shape, theta.shape)
    return Valuation(
        price=np.broadcast_to(price, shape),
        delta=np.broadcast_to(sign * spot_factor * cdf_1, shape),
        gamma=np.broadcast_to(gamma, shape),
        theta=theta,
        vega=np.broadcast_to(s * density * root / 100, shape),
    )


def implied_volatility(
    *,
    price: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    is_call: ArrayLike,
) -> FloatArray:
    """Return the volatility that gives each price, NaN where none between 0.01 % and 1,000 % does.

    Newton's method on the out-of-the-money side of put–call parity (where nothing cancels), inside a bracket: a step
    that would leave the bracket, or that has no slope to follow, bisects instead.

    :raises ValueError: for an argument that is not finite, or a spot or strike not above zero.
    """
    together = np.broadcast_arrays(
        _floats("price", price),
        _floats("spot", spot, minimum=0, strict=True),
        _floats("strike", strike, minimum=0, strict=True),
        _floats("years", years),
        _floats("rate", rate),
        _floats("dividend_yield", dividend_yield),
        np.asarray(is_call, dtype=bool),
    )
    shape = together[0].shape
    p, s, k, t, r, q, call = (array.ravel() for array in together)  # masks need at least one dimension
    present_spot = s * np.exp(-q * t)
    present_strike = k * np.exp(-r * t)
    forward_gain = np.where(call, present_spot - present_strike, present_strike - present_spot)
    target = p - np.maximum(forward_gain, 0.0)
    is_call_otm = present_strike >= present_spot

    def value(volatility: FloatArray, mask: BoolArray) -> Valuation:
        return value_options(
            spot=s[mask],
            strike=k[mask],
            years=t[mask],
            rate=r[mask],
            dividend_yield=q[mask],
            volatility=volatility[mask],
            is_call=is_call_otm[mask],
        )

    low = np.full(p.shape, MIN_VOLATILITY)
    high = np.full(p.shape, MAX_VOLATILITY)
    everything = np.ones(p.shape, dtype=bool)
    floor = value(low, everything).price
    ceiling = value(high, everything).price
    solvable = (t > 0) & (target > 0) & (target >= floor) & (target <= ceiling)
    guess = np.full(p.shape, 0.3)
    active = solvable.copy()
    for _ in range(_MAX_STEPS):
        if not active.any():
            break
        now = value(guess, active)
        miss = now.price - target[active]
        high[active] = np.where(miss > 0, guess[active], high[active])
        low[active] = np.where(miss <= 0, guess[active], low[active])
        slope = now.vega * 100
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            newton = guess[active] - miss / slope
        middle = (low[active] + high[active]) / 2
        inside = np.isfinite(newton) & (newton > low[active]) & (newton < high[active])
        done = (np.abs(miss) <= _PRICE_TOLERANCE * s[active]) | (high[active] - low[active] <= 1e-12)
        guess[active] = np.where(done, guess[active], np.where(inside, newton, middle))
        active[active] = ~done
    return np.where(solvable, guess, np.nan).reshape(shape)
