"""American options against published values, against trees, and against what must hold of any of them."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import QuantLib
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from optionsengine.market.american import implied_volatility_american, value_american
from optionsengine.market.pricing import Valuation, implied_volatility, value_options

# spot 40, rate 4.88 %, no dividend; strike and volatility, then the price at 1, 4 and 7 months. The "true" values
# (binomial, 10,000 steps) to which the literature holds approximations: R. Geske and H. Johnson, "The American Put
# Option Valued Analytically" (1984); J. Huang, M. Subrahmanyam and G. Yu (1996), to four digits; N. Ju and R. Zhong,
# "An Approximate Formula for Pricing American Options" (1999), Exhibit 3, to three.
SHORT_PUTS = {
    (35, 0.2): (0.0062, 0.2004, 0.4329),
    (40, 0.2): (0.8522, 1.5798, 1.9904),
    (45, 0.2): (5.0000, 5.0883, 5.2670),
    (35, 0.3): (0.0774, 0.6975, 1.2198),
    (40, 0.3): (1.3099, 2.4825, 3.1696),
    (45, 0.3): (5.0597, 5.7056, 6.2436),
    (35, 0.4): (0.2466, 1.3460, 2.1549),
    (40, 0.4): (1.7681, 3.3874, 4.3526),
    (45, 0.4): (5.2868, 6.5099, 7.3830),
}
MONTHS = (0.0833, 0.3333, 0.5833)  # as the tables print them

# Ju and Zhong's exhibit of calls with dividends: strike 100, three years; rate, yield and volatility, then the "true"
# price at a spot of 80 to 120. None: printed, but a tree does not give that last digit.
LONG_CALLS = {
    (0.03, 0.07, 0.2): (2.580, 5.167, 9.066, None, 21.414),
    (0.03, 0.07, 0.4): (11.326, 15.722, 20.793, None, 32.781),
    (0.00001, 0.07, 0.3): (5.518, 8.842, None, None, 24.791),
    (0.07, 0.03, 0.3): (None, 17.368, 23.348, None, None),
}

# G. Barone-Adesi and R. Whaley, "Efficient Analytic Approximation of American Option Values" (1987), the quadratic
# approximation: strike 100; kind, cost of carry, rate, volatility and years, then the price at a spot of 80 to 120
QUADRATIC = {
    ("call", -0.04, 0.08, 0.2, 0.25): (0.03, 0.59, 3.52, 10.31, 20.00),
    ("call", -0.04, 0.12, 0.2, 0.25): (0.03, 0.59, 3.51, 10.29, 20.00),
    ("call", -0.04, 0.08, 0.4, 0.25): (1.07, 3.28, 7.41, 13.50, 21.23),
    ("call", -0.04, 0.08, 0.2, 0.50): (0.23, 1.39, 4.72, 10.96, 20.00),
    ("put", -0.04, 0.08, 0.2, 0.25): (20.42, 11.25, 4.40, 1.12, 0.18),
    ("put", -0.04, 0.12, 0.2, 0.25): (20.25, 11.15, 4.35, 1.11, 0.18),
    ("put", -0.04, 0.08, 0.4, 0.25): (21.46, 13.93, 8.27, 4.52, 2.30),
    ("put", -0.04, 0.08, 0.2, 0.50): (20.98, 12.64, 6.37, 2.65, 0.92),
    ("call", 0.00, 0.08, 0.2, 0.25): (0.04, 0.70, 3.93, 10.81, 20.02),
    ("put", 0.00, 0.08, 0.2, 0.25): (20.00, 10.58, 3.93, 0.94, 0.15),
    ("call", 0.04, 0.08, 0.2, 0.25): (0.05, 0.85, 4.44, 11.66, 20.90),
}
QUADRATIC_ERROR = 0.065  # dollars; its largest in this table

# E. G. Haug, "The Complete Guide to Option Pricing Formulas" (1998), page 24: the same approximation for futures,
# strike 100 and rate 10 %; years and volatility, then the price at a future of 90, 100 and 110
HAUG_CALLS = {
    (0.1, 0.15): (0.0206, 1.8771, 10.0089),
    (0.1, 0.25): (0.3159, 3.1280, 10.3919),
    (0.1, 0.35): (0.9495, 4.3777, 11.1679),
    (0.5, 0.15): (0.8208, 4.0842, 10.8087),
    (0.5, 0.25): (2.7437, 6.8015, 13.0170),
    (0.5, 0.35): (5.0063, 9.5106, 15.5689),
}
HAUG_PUTS = {
    (0.1, 0.15): (10.0000, 1.8770, 0.0410),
    (0.1, 0.25): (10.2533, 3.1277, 0.4562),
    (0.1, 0.35): (10.8787, 4.3777, 1.2402),
    (0.5, 0.15): (10.5595, 4.0842, 1.0822),
    (0.5, 0.25): (12.4419, 6.8014, 3.3226),
    (0.5, 0.35): (14.6945, 9.5104, 5.8823),
}
HAUG_ERROR = {0.1: 0.007, 0.5: 0.038}  # dollars, by years

spots = st.floats(50, 200)
moneyness = st.floats(0.8, 1.25)
maturities = st.floats(1 / 365, 2)
rates = st.floats(0, 0.10)
yields = st.floats(0, 0.10)
volatilities = st.floats(0.1, 0.8)
few = settings(max_examples=25, deadline=None)


def value(spot, strike, years, rate, dividend_yield, volatility, kind) -> Valuation:
    return value_american(
        spot=spot,
        strike=strike,
        years=years,
        rate=rate,
        dividend_yield=dividend_yield,
        volatility=volatility,
        is_call=kind == "call",
    )


def price(*terms) -> float:
    return float(value(*terms).price)


def european(spot, strike, years, rate, dividend_yield, volatility, kind) -> Valuation:
    return value_options(
        spot=spot,
        strike=strike,
        years=years,
        rate=rate,
        dividend_yield=dividend_yield,
        volatility=volatility,
        is_call=kind == "call",
    )


def oracle(engine, spot, strike, years, rate, dividend_yield, volatility, kind) -> QuantLib.VanillaOption:
    """The same option with one year to go, so that its time need not be whole days."""
    first = QuantLib.Date(1, 6, 2140)
    count = QuantLib.Actual365Fixed()
    process = QuantLib.BlackScholesMertonProcess(
        QuantLib.QuoteHandle(QuantLib.SimpleQuote(spot)),
        QuantLib.YieldTermStructureHandle(QuantLib.FlatForward(first, dividend_yield * years, count)),
        QuantLib.YieldTermStructureHandle(QuantLib.FlatForward(first, rate * years, count)),
        QuantLib.BlackVolTermStructureHandle(
            QuantLib.BlackConstantVol(first, QuantLib.NullCalendar(), volatility * math.sqrt(years), count)
        ),
    )
    right = QuantLib.Option.Call if kind == "call" else QuantLib.Option.Put
    option = QuantLib.VanillaOption(
        QuantLib.PlainVanillaPayoff(right, strike), QuantLib.AmericanExercise(first, first + 365)
    )
    option.setPricingEngine(engine(process))
    return option


def tree(process) -> QuantLib.PricingEngine:
    return QuantLib.BinomialLRVanillaEngine(process, 801)


def precise(process) -> QuantLib.PricingEngine:
    return QuantLib.QdFpAmericanEngine(process, QuantLib.QdFpAmericanEngine.highPrecisionScheme())


def quadratic(process) -> QuantLib.PricingEngine:
    return QuantLib.BaroneAdesiWhaleyApproximationEngine(process)


@pytest.mark.parametrize(("strike", "volatility"), SHORT_PUTS)
def test_short_puts_agree_with_the_true_values(strike, volatility):
    for years, printed in zip(MONTHS, SHORT_PUTS[strike, volatility], strict=True):
        found = price(40, strike, years, 0.0488, 0, volatility, "put")
        assert found == pytest.approx(printed, abs=1.5e-4), years  # the 10,000 steps leave a unit of the last digit


@pytest.mark.parametrize("terms", LONG_CALLS)
def test_long_calls_with_dividends_agree_with_the_true_values_to_the_printed_digits(terms):
    for spot, printed in zip((80, 90, 100, 110, 120), LONG_CALLS[terms], strict=True):
        if printed is not None:
            assert round(price(spot, 100, 3, *terms, "call"), 3) == printed, spot


@pytest.mark.parametrize("key", QUADRATIC)
def test_values_lie_as_near_to_barone_adesi_and_whaley_as_their_formula_is_good(key):
    kind, carry, rate, volatility, years = key
    for spot, printed in zip((80, 90, 100, 110, 120), QUADRATIC[key], strict=True):
        terms = (spot, 100, years, rate, rate - carry, volatility, kind)
        assert round(oracle(quadratic, *terms).NPV(), 2) == printed, spot
        assert price(*terms) == pytest.approx(printed, abs=QUADRATIC_ERROR), spot


@pytest.mark.parametrize(("kind", "table"), [("call", HAUG_CALLS), ("put", HAUG_PUTS)])
def test_values_lie_as_near_to_haugs_table_as_its_formula_is_good(kind, table):
    for (years, volatility), row in table.items():
        for spot, printed in zip((90, 100, 110), row, strict=True):
            terms = (spot, 100, years, 0.10, 0.10, volatility, kind)
            assert price(*terms) == pytest.approx(printed, abs=HAUG_ERROR[years]), terms
            assert price(*terms) > float(european(*terms).price)


def grid(count: int) -> list[tuple]:
    source = np.random.default_rng(20)
    return [
        (
            100.0,
            100 * math.exp(source.normal(0, 0.15)),
            10 ** source.uniform(-3, 0.3),
            source.uniform(0.005, 0.09),
            source.uniform(0.005, 0.09),
            source.uniform(0.1, 0.9),
            str(source.choice(["call", "put"])),
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("terms", grid(12))
def test_values_agree_with_a_tree_and_with_the_most_precise_engine(terms):
    ours = value(*terms)
    lattice = oracle(tree, *terms)
    assert float(ours.price) == pytest.approx(lattice.NPV(), abs=4e-3)
    assert float(ours.delta) == pytest.approx(lattice.delta(), abs=4e-3)
    assert float(ours.gamma) == pytest.approx(lattice.gamma(), rel=2e-2, abs=1e-4)
    assert float(ours.price) == pytest.approx(oracle(precise, *terms).NPV(), abs=1e-4)


@pytest.mark.parametrize("terms", [terms for terms in grid(40) if 0.9 < terms[1] / terms[0] < 1.1][:5])
def test_greeks_are_the_slopes_of_the_most_precise_engines_price(terms):
    spot, strike, years, rate, dividend_yield, volatility, kind = terms

    def slope(step, **change) -> float:
        ends = []
        for side in (1, -1):
            moved = [spot, years, rate, volatility]
            moved[["spot", "years", "rate", "volatility"].index(change["of"])] += side * step
            s, t, r, v = moved
            ends.append(oracle(precise, s, strike, t, r, dividend_yield, v, kind).NPV())
        return (ends[0] - ends[1]) / (2 * step)

    greeks = value(*terms)
    assert float(greeks.delta) == pytest.approx(slope(0.01, of="spot"), abs=2e-4)
    assert float(greeks.vega) == pytest.approx(slope(1e-3, of="volatility") / 100, abs=2e-4)
    assert float(greeks.rho) == pytest.approx(slope(1e-4, of="rate") / 100, abs=2e-4)
    assert float(greeks.theta) == pytest.approx(-slope(years * 1e-3, of="years") / 365, rel=2e-3, abs=1e-4)


@few
@given(spots, moneyness, maturities, rates, yields, volatilities)
def test_a_call_is_the_put_with_spot_and_strike_and_rate_and_yield_exchanged(
    spot, ratio, years, rate, dividend_yield, volatility
):
    # shown by R. McDonald and M. Schroder in "A Parity Result for American Options" (1998)
    strike = spot * ratio
    call = price(spot, strike, years, rate, dividend_yield, volatility, "call")
    put = price(strike, spot, years, dividend_yield, rate, volatility, "put")
    assert call == pytest.approx(put, abs=1e-6 * spot)


@few
@given(spots, moneyness, maturities, rates, yields, volatilities, st.sampled_from(["call", "put"]))
def test_worth_at_least_exercise_and_the_european_and_at_most_what_is_got_for_it(
    spot, ratio, years, rate, dividend_yield, volatility, kind
):
    strike = spot * ratio
    terms = (spot, strike, years, rate, dividend_yield, volatility, kind)
    found = value(*terms)
    gain = spot - strike if kind == "call" else strike - spot
    most = spot if kind == "call" else strike
    assert max(gain, 0.0) <= float(found.price) <= most
    assert float(found.price) >= float(european(*terms).price) - 1e-6 * spot
    assert float(found.gamma) >= 0
    assert float(found.vega) >= 0
    assert float(found.theta) <= 0
    assert 0 <= float(found.delta) * (1 if kind == "call" else -1) <= 1 + 1e-6
    assert price(spot, strike, years * 1.5, rate, dividend_yield, volatility, kind) >= float(found.price) - 1e-6 * spot
    assert price(spot, strike, years, rate, dividend_yield, volatility * 1.5, kind) >= float(found.price) - 1e-6 * spot


@few
@given(spots, moneyness, maturities, rates, yields, volatilities)
def test_parity_holds_as_an_interval(spot, ratio, years, rate, dividend_yield, volatility):
    # Hull, chapter 17: with early exercise, call − put lies between these
    strike = spot * ratio
    call, put = (price(spot, strike, years, rate, dividend_yield, volatility, kind) for kind in ("call", "put"))
    assert spot * math.exp(-dividend_yield * years) - strike <= call - put + 1e-6 * spot
    assert call - put <= spot - strike * math.exp(-rate * years) + 1e-6 * spot


@pytest.mark.parametrize(
    ("rate", "dividend_yield", "kind"), [(0.05, 0, "call"), (0, 0.03, "put"), (-0.01, 0.03, "put"), (0, 0, "call")]
)
def test_what_nobody_exercises_early_is_worth_the_european(rate, dividend_yield, kind):
    terms = ([80, 100, 125], 100, 0.7, rate, dividend_yield, 0.3, kind)
    ours, closed = value(*terms), european(*terms)
    for name in ("price", "delta", "gamma", "theta", "vega", "rho"):
        assert getattr(ours, name).tolist() == getattr(closed, name).tolist()


@pytest.mark.parametrize(("spot", "kind", "delta"), [(60, "put", -1), (150, "call", 1)])
def test_what_is_best_exercised_now_is_worth_just_that(spot, kind, delta):
    found = value(spot, 100, 0.25, 0.06, 0.06, 0.2, kind)
    numbers = [found.price, found.delta, found.gamma, found.theta, found.vega, found.rho]
    assert [float(number) for number in numbers] == [abs(spot - 100), delta, 0, 0, 0, 0]


def test_next_to_the_exercise_boundary_time_takes_nothing_away():
    found = value(100, 110.1087, 1.6866, 0.07159, 0, 0.0938, "put")
    assert float(found.price) == pytest.approx(10.1087, abs=5e-4)
    assert float(found.delta) == pytest.approx(-1, abs=1e-3)
    assert -1e-3 < float(found.theta) <= 0


@pytest.mark.parametrize("hours", [6.5, 1, 1 / 60])
def test_an_option_of_today_keeps_its_worth(hours):
    years = hours / 24 / 365
    found = value(100, 100, years, 0.05, 0.0, 0.2, "put")
    # too short for early exercise to matter: at the money, 0.4 × spot × volatility × √time
    assert float(found.price) == pytest.approx(0.3989 * 100 * 0.2 * math.sqrt(years), rel=0.02)
    assert float(found.delta) == pytest.approx(-0.5, abs=0.01)
    assert float(found.theta) < 0 < float(found.gamma)


def test_only_rate_times_time_and_deviation_matter():
    slow = price(100, 105, 1.0, 0.05, 0.02, 0.3, "put")
    fast = price(100, 105, 0.25, 0.20, 0.08, 0.6, "put")
    assert slow == pytest.approx(fast, abs=1e-12)


@pytest.mark.parametrize("years", [0.0, -1.0])
def test_an_expired_option_is_worth_its_exercise(years):
    found = value([90, 110], 100, years, 0.05, 0.05, 0.2, "put")
    assert found.price.tolist() == [10, 0]
    assert found.delta.tolist() == [-1, 0]
    assert found.theta.tolist() == [0, 0]


def test_arguments_broadcast_and_mix():
    both = value_american(
        spot=100,
        strike=[[95], [105]],
        years=0.5,
        rate=0.05,
        dividend_yield=0,
        volatility=0.3,
        is_call=[True, False],
    )
    assert both.price.shape == both.rho.shape == (2, 2)
    for row, strike in enumerate((95, 105)):
        for column, kind in enumerate(("call", "put")):
            assert both.price[row, column] == price(100, strike, 0.5, 0.05, 0, 0.3, kind)


def test_todays_date_in_quantlib_is_neither_used_nor_changed():
    today = QuantLib.Settings.instance().evaluationDate
    before = price(100, 100, 0.5, 0.05, 0, 0.2, "put")
    try:
        QuantLib.Settings.instance().evaluationDate = QuantLib.Date(1, 1, 1990)
        assert price(100, 100, 0.5, 0.05, 0, 0.2, "put") == before
        assert QuantLib.Settings.instance().evaluationDate == QuantLib.Date(1, 1, 1990)
    finally:
        QuantLib.Settings.instance().evaluationDate = today


def test_threads_do_not_disturb_one_another():
    strikes = np.linspace(80, 120, 24)
    alone = [price(100, strike, 0.5, 0.05, 0.02, 0.3, "put") for strike in strikes]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda strike: price(100, strike, 0.5, 0.05, 0.02, 0.3, "put"), strikes))
    assert together == alone


@few
@given(spots, moneyness, st.floats(0.01, 2), rates, yields, volatilities, st.sampled_from(["call", "put"]))
def test_implied_volatility_recovers_the_price(spot, ratio, years, rate, dividend_yield, volatility, kind):
    strike = spot * ratio
    made = value(spot, strike, years, rate, dividend_yield, volatility, kind)
    assume(float(made.vega) > 1e-4 * spot / 100)  # with less, the price does not tell the volatility
    found = float(
        implied_volatility_american(
            price=made.price,
            spot=spot,
            strike=strike,
            years=years,
            rate=rate,
            dividend_yield=dividend_yield,
            is_call=kind == "call",
        )
    )
    assert found == pytest.approx(volatility, abs=1e-6)


def test_a_european_formula_reads_too_much_volatility_from_an_american_put():
    terms = {"spot": 100, "strike": 120, "years": 1.0, "rate": 0.05, "dividend_yield": 0.0, "is_call": False}
    made = value_american(volatility=0.25, **terms).price
    assert float(implied_volatility_american(price=made, **terms)) == pytest.approx(0.25, abs=1e-7)
    assert float(implied_volatility(price=made, **terms)) > 0.28


def test_no_volatility_explains_a_price_at_or_below_exercise_or_above_the_strike():
    found = implied_volatility_american(
        price=[9.5, 10.0, 10.5, 109.99, 110.5, 0.0, -1.0, 10.5],
        spot=100,
        strike=110,
        years=[0.1] * 7 + [0.0],
        rate=0.05,
        dividend_yield=0.0,
        is_call=False,
    )
    assert np.isnan(found).tolist() == [True, True, False, True, True, True, True, True]


def test_an_out_of_the_money_price_below_a_cent_still_tells():
    terms = {"spot": 100, "strike": 60, "years": 0.5, "rate": 0.05, "dividend_yield": 0.0, "is_call": False}
    made = value_american(volatility=0.2, **terms).price
    assert 0 < float(made) < 0.001
    assert float(implied_volatility_american(price=made, **terms)) == pytest.approx(0.2, abs=1e-6)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"spot": 0.0}, "spot must be finite and above 0"),
        ({"strike": float("nan")}, "strike must be finite and above 0"),
        ({"volatility": 0.0}, "volatility must be finite and above 0"),
        ({"dividend_yield": -0.01}, "dividend_yield must be finite and at least 0"),
        ({"rate": float("inf")}, "rate must be finite"),
    ],
)
def test_impossible_arguments_are_refused(wrong, message):
    arguments = {"spot": 100.0, "strike": 100.0, "years": 1.0, "rate": 0.0, "dividend_yield": 0.0, "volatility": 0.2}
    with pytest.raises(ValueError, match=message):
        value_american(**{**arguments, **wrong}, is_call=True)
