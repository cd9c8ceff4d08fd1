"""Implied volatility: there and back, at the edges of what a price can tell, and as vollib finds it."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from vollib.black_scholes_merton.implied_volatility import implied_volatility as vollib_implied

from optionsengine.market.pricing import MAX_VOLATILITY, MIN_VOLATILITY, Valuation, implied_volatility, value_options

spots = st.floats(20, 900)
moneyness = st.floats(0.7, 1.4)
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


@settings(max_examples=60, deadline=None)
@given(spots, moneyness, st.floats(1 / 365, 2.5), rates, yields, volatilities, st.booleans())
def test_agrees_with_vollib(spot, ratio, years, rate, dividend_yield, volatility, is_call):
    strike = spot * ratio
    made = value(spot, strike, years, rate, dividend_yield, volatility, is_call)
    assume(float(made.vega) > 1e-4 * spot / 100)
    found = implied_volatility(
        price=made.price,
        spot=spot,
        strike=strike,
        years=years,
        rate=rate,
        dividend_yield=dividend_yield,
        is_call=is_call,
    )
    flag = "c" if is_call else "p"
    theirs = vollib_implied(float(made.price), spot, strike, years, rate, dividend_yield, flag)
    assert float(found) == pytest.approx(theirs, abs=1e-6)


def test_prices_of_a_wide_grid_are_reproduced_to_rounding():
    source = np.random.default_rng(11)
    count = 20_000
    spot = 10 ** source.uniform(-1, 4, count)
    terms = {
        "spot": spot,
        "strike": spot * np.exp(source.normal(0, 1, count) * source.choice([0.01, 0.3, 2.0], count)),
        "years": 10 ** source.uniform(-6, 1.3, count),
        "rate": source.uniform(-0.05, 0.2, count),
        "dividend_yield": source.uniform(-0.02, 0.2, count),
        "is_call": source.random(count) < 0.5,
    }
    made = value_options(volatility=10 ** source.uniform(-3.9, 0.99, count), **terms)
    found = implied_volatility(price=made.price, **terms)
    known = ~np.isnan(found)
    again = value_options(volatility=np.where(known, found, 1.0), **terms).price
    larger = np.maximum(terms["spot"], terms["strike"])
    assert np.all(np.abs(again - made.price)[known] <= 4e-15 * larger[known])
    present_spot = terms["spot"] * np.exp(-terms["dividend_yield"] * terms["years"])
    present_strike = terms["strike"] * np.exp(-terms["rate"] * terms["years"])
    gain = np.where(terms["is_call"], present_spot - present_strike, present_strike - present_spot)
    over = made.price - np.maximum(gain, 0)
    most = np.minimum(present_spot, present_strike)
    tells = (over > 1e-12 * larger) & (over < most * (1 - 1e-9))
    assert known[tells].all()
    assert 0.3 < known.mean() < 0.9


@pytest.mark.parametrize(
    ("strike", "years", "volatility"),
    [
        (300, 0.5, 0.3),  # far out of the money: a price of 2e-7
        (300, 0.02, 0.5),  # a price of 1e-55
        (100, 1 / 365 / 390, 0.15),  # at the money with a minute of session left
        (100.01, 1 / 365 / 390, 0.15),
        (100, 2.0, 8.0),  # all but certain to be exercised or worthless
        (20, 2.0, 3.0),
        (100, 20.0, 0.01),
    ],
)
@pytest.mark.parametrize("is_call", [True, False])
def test_hard_cases_come_back(strike, years, volatility, is_call):
    is_call = is_call if strike <= 200 else True  # the put that far in the money is all exercise value
    price = value(100, strike, years, 0, 0, volatility, is_call).price
    found = implied_volatility(
        price=price, spot=100, strike=strike, years=years, rate=0, dividend_yield=0, is_call=is_call
    )
    assert float(found) == pytest.approx(volatility, rel=1e-6)


@pytest.mark.parametrize("bound", [MIN_VOLATILITY, MAX_VOLATILITY])
def test_the_bounds_themselves_are_found_and_nothing_beyond(bound):
    beyond = bound * 0.99 if bound == MIN_VOLATILITY else bound * 1.01
    price = value(100, 100, 0.25, 0, 0, [bound, beyond], True).price
    found = implied_volatility(price=price, spot=100, strike=100, years=0.25, rate=0, dividend_yield=0, is_call=True)
    assert found[0] == pytest.approx(bound, rel=1e-8)
    assert MIN_VOLATILITY <= found[0] <= MAX_VOLATILITY
    assert np.isnan(found[1])


def test_what_rounding_leaves_of_discounting_is_no_time_value():
    # a price that is discounted exercise value to the last bit, one bit less and one bit more
    price = 100 - 60 * np.exp(-0.05 * 0.5)
    around = [price, np.nextafter(price, 0), np.nextafter(price, 100)]
    found = implied_volatility(price=around, spot=100, strike=60, years=0.5, rate=0.05, dividend_yield=0, is_call=True)
    assert np.isnan(found).all()


def test_shapes_are_kept():
    terms = {"spot": 100, "strike": [[90], [110]], "years": 0.5, "rate": 0.03, "dividend_yield": 0, "is_call": True}
    price = value_options(volatility=[0.2, 0.3, 0.4], **terms).price
    found = implied_volatility(price=price, **terms)
    assert found.shape == (2, 3)
    assert found == pytest.approx(np.array([[0.2, 0.3, 0.4]] * 2))
    assert implied_volatility(price=[], **{**terms, "strike": 100.0}).shape == (0,)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"price": float("nan")}, "price must be finite"),
        ({"spot": 0.0}, "spot must be finite and above 0"),
        ({"strike": -1.0}, "strike must be finite and above 0"),
        ({"years": float("inf")}, "years must be finite"),
    ],
)
def test_impossible_arguments_are_refused(wrong, message):
    arguments = {"price": 5.0, "spot": 100.0, "strike": 100.0, "years": 1.0, "rate": 0.0, "dividend_yield": 0.0}
    with pytest.raises(ValueError, match=message):
        implied_volatility(**{**arguments, **wrong}, is_call=True)
