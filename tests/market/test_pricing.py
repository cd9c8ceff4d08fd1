"""Closed-form prices against published tables, against QuantLib, and against their own algebra."""

import numpy as np
import pytest
import QuantLib
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from optionsengine.market.pricing import Valuation, implied_volatility, value_options

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


@pytest.mark.parametrize(
    ("inputs", "is_call", "printed"),
    [
        ((42, 40, 0.5, 0.10, 0.0, 0.20), True, 4.76),  # Hull, the Black-Scholes-Merton model
        ((42, 40, 0.5, 0.10, 0.0, 0.20), False, 0.81),
        ((930, 900, 2 / 12, 0.08, 0.03, 0.20), True, 51.83),  # Hull, options on stock indices
        ((49, 50, 20 / 52, 0.05, 0.0, 0.20), True, 2.40),  # Hull, the Greek letters
    ],
)
def test_prices_agree_with_hull_to_the_printed_digits(inputs, is_call, printed):
    assert round(float(value(*inputs, is_call).price), 2) == printed


def test_price_agrees_with_haug_to_the_printed_digits():
    # Haug, The Complete Guide to Option Pricing Formulas: a put on an index with a dividend yield
    assert round(float(value(100, 95, 0.5, 0.10, 0.05, 0.20, False).price), 4) == 2.4648


def test_greeks_agree_with_hull_to_the_printed_digits():
    greeks = value(49, 50, 20 / 52, 0.05, 0.0, 0.20, True)
    assert round(float(greeks.delta), 3) == 0.522
    assert round(float(greeks.gamma), 3) == 0.066
    assert round(float(greeks.vega) * 100, 1) == 12.1
    assert round(float(greeks.theta) * 365, 2) == -4.31
    assert round(float(greeks.theta), 4) == -0.0118


def test_implied_volatility_agrees_with_hull_to_the_printed_digits():
    found = implied_volatility(price=1.875, spot=21, strike=20, years=0.25, rate=0.10, dividend_yield=0, is_call=True)
    assert round(float(found), 3) == 0.235


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


@settings(max_examples=80, deadline=None)
@given(spots, st.floats(0.85, 1.15), st.floats(0.05, 2.5), rates, yields, st.floats(0.1, 1.0), st.booleans())
def test_greeks_are_the_slopes_of_the_price(spot, ratio, years, rate, dividend_yield, volatility, is_call):
    strike = spot * ratio

    def price(ds=0.0, dt=0.0, dv=0.0) -> float:
        return float(value(spot + ds, strike, years + dt, rate, dividend_yield, volatility + dv, is_call).price)

    greeks = value(spot, strike, years, rate, dividend_yield, volatility, is_call)
    step = spot * 1e-4
    assert float(greeks.delta) == pytest.approx((price(ds=step) - price(ds=-step)) / (2 * step), abs=1e-5)
    step = spot * 1e-3
    curvature = (price(ds=step) - 2 * price() + price(ds=-step)) / step**2
    assert float(greeks.gamma) == pytest.approx(curvature, rel=2e-3, abs=1e-6)
    assert float(greeks.vega) == pytest.approx((price(dv=1e-5) - price(dv=-1e-5)) / 2e-5 / 100, abs=1e-5 * spot)
    assert float(greeks.theta) == pytest.approx((price(dt=-1e-5) - price(dt=1e-5)) / 2e-5 / 365, abs=1e-6 * spot)


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


@settings(max_examples=80, deadline=None)
@given(spots, moneyness, st.floats(1 / 365, 2.5), rates, yields, volatilities, st.booleans())
def test_implied_volatility_recovers_what_the_price_was_made_with(
    spot, ratio, years, rate, dividend_yield, volatility, is_call
):
    strike = spot * ratio
    made = value(spot, strike, years, rate, dividend_yield, volatility, is_call)
    assume(float(made.vega) > 1e-4 * spot / 100)  # with less, the price does not tell the volatility
    found = implied_volatility(
        price=made.price,
        spot=spot,
        strike=strike,
        years=years,
        rate=rate,
        dividend_yield=dividend_yield,
        is_call=is_call,
    )
    assert float(found) == pytest.approx(volatility, abs=1e-6)


def test_implied_volatility_of_an_array_leaves_holes_where_there_is_none():
    found = implied_volatility(
        price=[5.0, 0.0, 150.0, 9.99, 10.0, 5.0],
        spot=[100, 100, 100, 100, 100, 100],
        strike=[100, 100, 100, 90, 90, 100],
        years=[0.5, 0.5, 0.5, 0.5, 0.5, 0.0],
        rate=0.0,
        dividend_yield=0.0,
        is_call=True,
    )
    # a price, nothing, more than the stock, less than its exercise value, exactly that, expired
    assert np.isnan(found).tolist() == [False, True, True, True, True, True]
    assert float(value(100, 100, 0.5, 0, 0, found[0], True).price) == pytest.approx(5.0, abs=1e-9)


@pytest.mark.parametrize(
    ("spot", "is_call", "price", "delta"),
    [(110, True, 10, 1), (90, True, 0, 0), (110, False, 0, 0), (90, False, 10, -1)],
)
@pytest.mark.parametrize("years", [0.0, -1.0])
def test_at_and_after_expiry_an_option_is_worth_its_exercise(spot, is_call, price, delta, years):
    expired = value(spot, 100, years, 0.05, 0.01, 0.2, is_call)
    numbers = [expired.price, expired.delta, expired.gamma, expired.theta, expired.vega]
    assert [float(number) for number in numbers] == [price, delta, 0, 0, 0]


def test_without_volatility_the_price_is_the_discounted_forward_gain():
    sure = value(100, 90, 1.0, 0.05, 0.0, 0.0, True)
    assert float(sure.price) == pytest.approx(100 - 90 * np.exp(-0.05))
    assert float(sure.theta) == pytest.approx(-0.05 * 90 * np.exp(-0.05) / 365)
    assert float(sure.gamma) == 0.0


def test_arguments_broadcast():
    grid = value(100, [90, 100, 110], 0.5, 0.03, 0.01, [[0.1], [0.2]], True)
    assert {part.shape for part in (grid.price, grid.delta, grid.gamma, grid.theta, grid.vega)} == {(2, 3)}
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
