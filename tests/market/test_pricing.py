"""Closed-form prices against QuantLib and vollib, and against their own algebra."""

import numpy as np
import pytest
import QuantLib
from hypothesis import given, settings
from hypothesis import strategies as st
from vollib.black_scholes_merton import black_scholes_merton
from vollib.black_scholes_merton.greeks import analytical

from optionsengine.market.pricing import Valuation, value_options

spots = st.floats(20, 900)
moneyness = st.floats(0.7, 1.4)
maturities = st.floats(1 / 365 / 24, 2.5)
rates = st.floats(0, 0.08)
yields = st.floats(0, 0.05)
volatilities = st.floats(0.05, 1.5)


def value(spot, strike, years, rate, dividend_yield, volatility, is_call) -> Valuation:
    return value_options(
        spot=spot,
        strike=strike,
        years=years,
        rate=rate,
        dividend_yield=dividend_yield,
        volatility=volatility,
        is_call=is_call,
    )


@settings(max_examples=80, deadline=None)
@given(spots, moneyness, maturities, rates, yields, volatilities)
def test_put_call_parity(spot, ratio, years, rate, dividend_yield, volatility):
    strike = spot * ratio
    both = value(spot, strike, years, rate, dividend_yield, volatility, [True, False])
    forward = spot * np.exp(-dividend_yield * years) - strike * np.exp(-rate * years)
    assert both.price[0] - both.price[1] == pytest.approx(forward, abs=1e-9 * spot)
    assert both.delta[0] - both.delta[1] == pytest.approx(np.exp(-dividend_yield * years))
    assert both.gamma[0] == both.gamma[1]
    assert both.vega[0] == both.vega[1]
    assert both.rho[0] - both.rho[1] == pytest.approx(years * strike * np.exp(-rate * years) / 100)


@settings(max_examples=80, deadline=None)
@given(spots, st.floats(0.85, 1.15), st.floats(0.05, 2.5), rates, yields, st.floats(0.1, 1.0), st.booleans())
def test_greeks_are_the_slopes_of_the_price(spot, ratio, years, rate, dividend_yield, volatility, is_call):
    strike = spot * ratio

    def price(ds=0.0, dt=0.0, dv=0.0, dr=0.0) -> float:
        return float(value(spot + ds, strike, years + dt, rate + dr, dividend_yield, volatility + dv, is_call).price)

    greeks = value(spot, strike, years, rate, dividend_yield, volatility, is_call)
    step = spot * 0.005 * volatility * np.sqrt(years)  # in standard deviations, on which the curvature depends
    assert float(greeks.delta) == pytest.approx((price(ds=step) - price(ds=-step)) / (2 * step), abs=1e-5)
    curvature = (price(ds=step) - 2 * price() + price(ds=-step)) / step**2
    assert float(greeks.gamma) == pytest.approx(curvature, rel=2e-3, abs=1e-6)
    assert float(greeks.vega) == pytest.approx((price(dv=1e-5) - price(dv=-1e-5)) / 2e-5 / 100, abs=1e-5 * spot)
    assert float(greeks.theta) == pytest.approx((price(dt=-1e-5) - price(dt=1e-5)) / 2e-5 / 365, abs=1e-6 * spot)
    assert float(greeks.rho) == pytest.approx((price(dr=1e-5) - price(dr=-1e-5)) / 2e-5 / 100, abs=1e-5 * spot)


@settings(max_examples=80, deadline=None)
@given(spots, moneyness, maturities, rates, yields, volatilities, st.booleans())
def test_values_agree_with_quantlib(spot, ratio, years, rate, dividend_yield, volatility, is_call):
    strike = spot * ratio
    ours = value(spot, strike, years, rate, dividend_yield, volatility, is_call)
    kind = QuantLib.Option.Call if is_call else QuantLib.Option.Put
    forward = spot * np.exp((rate - dividend_yield) * years)
    oracle = QuantLib.BlackCalculator(
        QuantLib.PlainVanillaPayoff(kind, strike), forward, volatility * np.sqrt(years), np.exp(-rate * years)
    )
    assert float(ours.price) == pytest.approx(oracle.value(), abs=1e-9 * spot)
    assert float(ours.delta) == pytest.approx(oracle.delta(spot), abs=1e-9)
    assert float(ours.gamma) == pytest.approx(oracle.gamma(spot), rel=1e-6, abs=1e-9)
    assert float(ours.vega) == pytest.approx(oracle.vega(years) / 100, rel=1e-6, abs=1e-9)
    assert float(ours.theta) == pytest.approx(oracle.theta(spot, years) / 365, rel=1e-6, abs=1e-7)
    assert float(ours.rho) == pytest.approx(oracle.rho(years) / 100, rel=1e-6, abs=1e-9)


@settings(max_examples=80, deadline=None)
@given(spots, moneyness, maturities, rates, yields, volatilities, st.booleans())
def test_values_agree_with_vollib(spot, ratio, years, rate, dividend_yield, volatility, is_call):
    strike = spot * ratio
    ours = value(spot, strike, years, rate, dividend_yield, volatility, is_call)
    terms = ("c" if is_call else "p", spot, strike, years, rate, volatility, dividend_yield)
    assert float(ours.price) == pytest.approx(black_scholes_merton(*terms), abs=1e-9 * spot)
    for name in ("delta", "gamma", "theta", "vega", "rho"):
        theirs = getattr(analytical, name)(*terms)
        assert float(getattr(ours, name)) == pytest.approx(theirs, rel=1e-6, abs=1e-8), name


@settings(max_examples=80, deadline=None)
@given(spots, moneyness, maturities, rates, yields, volatilities, st.booleans())
def test_prices_keep_their_bounds_and_their_order(spot, ratio, years, rate, dividend_yield, volatility, is_call):
    strike = spot * ratio
    price = value(spot, strike, years, rate, dividend_yield, [volatility, volatility * 1.1], is_call).price
    present_spot, present_strike = spot * np.exp(-dividend_yield * years), strike * np.exp(-rate * years)
    gain = present_spot - present_strike if is_call else present_strike - present_spot
    slack = 1e-12 * spot
    assert max(gain, 0) - slack <= price[0] <= (present_spot if is_call else present_strike) + slack
    assert price[0] <= price[1] + slack
    further = value(spot, strike * 1.05, years, rate, dividend_yield, volatility, is_call).price
    assert (price[0] >= further - slack) if is_call else (price[0] <= further + slack)


@pytest.mark.parametrize(
    ("spot", "is_call", "price", "delta"),
    [(110, True, 10, 1), (90, True, 0, 0), (110, False, 0, 0), (90, False, 10, -1)],
)
@pytest.mark.parametrize("years", [0.0, -1.0])
def test_at_and_after_expiry_an_option_is_worth_its_exercise(spot, is_call, price, delta, years):
    expired = value(spot, 100, years, 0.05, 0.01, 0.2, is_call)
    numbers = [expired.price, expired.delta, expired.gamma, expired.theta, expired.vega, expired.rho]
    assert [float(number) for number in numbers] == [price, delta, 0, 0, 0, 0]


def test_without_volatility_the_price_is_the_discounted_forward_gain():
    sure = value(100, 90, 1.0, 0.05, 0.0, 0.0, True)
    assert float(sure.price) == pytest.approx(100 - 90 * np.exp(-0.05))
    assert float(sure.theta) == pytest.approx(-0.05 * 90 * np.exp(-0.05) / 365)
    assert float(sure.gamma) == 0.0


def test_arguments_broadcast():
    grid = value(100, [90, 100, 110], 0.5, 0.03, 0.01, [[0.1], [0.2]], True)
    parts = (grid.price, grid.delta, grid.gamma, grid.theta, grid.vega, grid.rho)
    assert {part.shape for part in parts} == {(2, 3)}
    assert float(grid.price[1, 2]) == float(value(100, 110, 0.5, 0.03, 0.01, 0.2, True).price)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"spot": 0.0}, "spot must be finite and above 0"),
        ({"strike": -1.0}, "strike must be finite and above 0"),
        ({"volatility": -0.1}, "volatility must be finite and at least 0"),
        ({"years": float("nan")}, "years must be finite"),
        ({"rate": float("inf")}, "rate must be finite"),
    ],
)
def test_impossible_arguments_are_refused(wrong, message):
    arguments = {"spot": 100.0, "strike": 100.0, "years": 1.0, "rate": 0.0, "dividend_yield": 0.0, "volatility": 0.2}
    with pytest.raises(ValueError, match=message):
        value_options(**{**arguments, **wrong}, is_call=True)
