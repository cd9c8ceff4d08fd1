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

DAYS_PER_YEAR = 365.0
MIN_VOLATILITY = 1e-4
MAX_VOLATILITY = 10.0
_MAX_STEPS = 100
_LAST_STEP = 1e-6  # relative; after one of these the cubic convergence leaves less than rounding
_ROUNDING = 4 * float(np.finfo(np.float64).eps)
_TINY = 1e-290
_FAR = 40.0  # σ√T beyond which no price differs from its limit
_SQRT_TAU = float(np.sqrt(2 * np.pi))


@dataclass(frozen=True, slots=True)
class Valuation:
    """Price and Greeks of one share's worth of option.

    `price` in dollars; `delta` in dollars per dollar of the stock; `gamma` in delta per dollar of the stock; `theta` in
    dollars per calendar day that passes; `vega` in dollars per volatility point (0.01); `rho` in dollars per percentage
    point (0.01) of the interest rate.
    """

    price: FloatArray
    delta: FloatArray
    gamma: FloatArray
    theta: FloatArray
    vega: FloatArray
    rho: FloatArray


def _normal_cdf(values: FloatArray) -> FloatArray:
    # scipy takes a third of a second to import; a process that never prices an option should not pay for it
    from scipy.special import ndtr

    return cast(FloatArray, ndtr(values))


def _normal_pdf(values: FloatArray) -> FloatArray:
    return np.exp(-0.5 * values * values) / _SQRT_TAU


def floats_checked(name: str, values: ArrayLike, *, minimum: float = -np.inf, strict: bool = False) -> FloatArray:
    """Return the values as floats.

    :raises ValueError: if one is not finite, or below `minimum` (with `strict`: not above it).
    """
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

    At or after expiry the price is the exercise value, and theta, vega and rho are zero.

    :return: arrays of the arguments' common shape; `Valuation` tells their units.
    :raises ValueError: for an argument that is not finite, a price not above zero or a negative volatility.
    """
    s = floats_checked("spot", spot, minimum=0, strict=True)
    k = floats_checked("strike", strike, minimum=0, strict=True)
    t = np.maximum(floats_checked("years", years), 0.0)
    r = floats_checked("rate", rate)
    q = floats_checked("dividend_yield", dividend_yield)
    sigma = floats_checked("volatility", volatility, minimum=0)
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
        rho=np.broadcast_to(sign * t * present_strike * cdf_2 / 100, shape),
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
    """Return the annual volatility (a fraction) that gives each price of a European option in dollars.

    NaN where none between 0.01 % and 1,000 % does, and where an option in the money costs so nearly its discounted
    exercise value that the difference is rounding.

    :raises ValueError: for an argument that is not finite, or a spot or strike not above zero.
    """
    together = np.broadcast_arrays(
        floats_checked("price", price),
        floats_checked("spot", spot, minimum=0, strict=True),
        floats_checked("strike", strike, minimum=0, strict=True),
        floats_checked("years", years),
        floats_checked("rate", rate),
        floats_checked("dividend_yield", dividend_yield),
        np.asarray(is_call, dtype=bool),
    )
    shape = together[0].shape
    p, s, k, t, r, q, call = (array.ravel() for array in together)  # masks need at least one dimension
    present_spot = s * np.exp(-q * t)
    present_strike = k * np.exp(-r * t)
    forward_gain = np.where(call, present_spot - present_strike, present_strike - present_spot)
    # by put-call parity, the value of the side that is out of the money, where nothing cancels
    target = p - np.maximum(forward_gain, 0.0)
    rounding = np.where(forward_gain > 0, _ROUNDING * np.maximum(present_spot, present_strike), 0.0)
    root = np.sqrt(np.maximum(t, 0.0))
    value = target / np.sqrt(present_spot * present_strike)
    moneyness = -np.abs(np.log(present_spot / present_strike))
    solvable = (root > 0) & (target > rounding) & (value > _TINY) & (value < np.exp(moneyness / 2))
    found = np.full(p.shape, np.nan)
    deviation = _implied_deviation(value[solvable], moneyness[solvable])
    found[solvable] = deviation / root[solvable]
    slack = 1e-9  # what rounding may do to a price made with the very first or last volatility
    found[~((found >= MIN_VOLATILITY * (1 - slack)) & (found <= MAX_VOLATILITY * (1 + slack)))] = np.nan
    bounded: FloatArray = np.clip(found, MIN_VOLATILITY, MAX_VOLATILITY)
    return bounded.reshape(shape)


def _implied_deviation(value: FloatArray, moneyness: FloatArray) -> FloatArray:
    """Return σ√T for normalised option values.

    `value` is the out-of-the-money option's over √(present spot × present strike), `moneyness` (not above 0) is
    −|ln(forward ÷ strike)|. The value as a function of σ√T is convex up to √(−2 × moneyness) and concave beyond
    (S. Manaster and G. Koehler, "The Calculation of Implied Variances from the Black-Scholes Model", 1982), so each
    half is solved in the coordinate that straightens it (P. Jäckel, "Let's Be Rational", 2015).
    """
    from scipy.special import ndtri

    half = np.exp(moneyness / 2)
    turn = np.sqrt(-2 * moneyness)
    turn_value = np.where(turn > 0, half / 2 - _normal_cdf(-turn) / half, 0.0)
    deviation = np.empty_like(value)
    # a guess far off makes infinities on its way, which the bracket catches
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        low = np.flatnonzero(value < turn_value)
        top = turn[low]
        guess = top * np.sqrt(np.log(turn_value[low]) / np.log(value[low]))
        deviation[low] = _newton(value[low], moneyness[low], guess, np.zeros_like(top), top, is_high=False)

        high = np.flatnonzero(value >= turn_value)
        bottom, cap = turn[high], half[high]
        tangent = bottom + (value[high] - turn_value[high]) * _SQRT_TAU
        tail = -2 * ndtri((cap - value[high]) / (cap + 1 / cap))
        guess = np.maximum(tangent, tail)
        deviation[high] = _newton(value[high], moneyness[high], guess, bottom, bottom + _FAR, is_high=True)
    return deviation


def _newton(
    value: FloatArray, x: FloatArray, guess: FloatArray, low: FloatArray, high: FloatArray, *, is_high: bool
) -> FloatArray:
    """Newton's method with Halley's correction inside brackets; a step that leaves its bracket bisects instead.

    In the low half of values 1 ÷ ln(value) is solved for, in the high half ln(most − value). What has converged is
    masked out.
    """
    found = np.empty_like(guess)
    rows = np.arange(guess.size)
    half = np.exp(x / 2)
    goal = np.log(half - value) if is_high else np.log(value)
    v = guess
    for _ in range(_MAX_STEPS):
        centre = x / v
        d1 = centre + v / 2
        strike_part = _normal_cdf(centre - v / 2) / half
        slope = half * _normal_pdf(d1)
        bend = centre * centre / v - v / 4
        if is_high:
            rest = half * _normal_cdf(-d1) + strike_part
            now = np.log(rest)
            speed = -slope / rest
            newton = (goal - now) / speed
            curve = bend - speed
            is_beyond = now < goal
        else:
            worth = half * _normal_cdf(d1) - strike_part
            now = np.log(worth)
            speed = slope / worth
            newton = now / goal * (goal - now) / speed
            curve = bend - speed - 2 * speed / now
            is_beyond = now > goal
        step = newton / np.maximum(1 + 0.5 * newton * curve, 0.5)
        high = np.where(is_beyond, v, high)
        low = np.where(is_beyond, low, v)
        is_last = np.abs(step) <= _LAST_STEP * v
        beside = v + step
        v = np.where((beside > low) & (beside < high), beside, np.where(is_last, v, (low + high) / 2))
        is_open = ~(is_last | (high - low <= 1e-15 * high))
        if not is_open.any():
            break
        if np.count_nonzero(is_open) < 0.7 * v.size:
            found[rows] = v
            rows = rows[is_open]
            x, half, goal, v, low, high = (part[is_open] for part in (x, half, goal, v, low, high))
    found[rows] = v
    return found
