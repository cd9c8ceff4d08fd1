"""European prices and Greeks to the digits printed in the textbooks.

Hull: J. C. Hull, "Options, Futures, and Other Derivatives", by chapter (11th edition). Haug: E. G. Haug, "The Complete
Guide to Option Pricing Formulas" (1998), by page. QuantLib and vollib are held to the same digits, so that a number
copied wrongly would fail there too.
"""

import math

import pytest
import QuantLib
from vollib.black_scholes_merton import black_scholes_merton
from vollib.black_scholes_merton.greeks import analytical

from optionsengine.market.pricing import Valuation, implied_volatility, value_options


def value(spot, strike, years, rate, dividend_yield, volatility, kind) -> Valuation:
    return value_options(
        spot=spot,
        strike=strike,
        years=years,
        rate=rate,
        dividend_yield=dividend_yield,
        volatility=volatility,
        is_call=kind == "call",
    )


# spot, strike, years, rate, dividend yield, volatility, kind, price, decimals printed
HULL_PRICES = {
    "15: a stock, call": (42, 40, 0.5, 0.10, 0, 0.20, "call", 4.76, 2),
    "15: a stock, put": (42, 40, 0.5, 0.10, 0, 0.20, "put", 0.81, 2),
    "15: two dividends, whose present value is taken off the price": (39.0259, 40, 0.5, 0.09, 0, 0.30, "call", 3.67, 2),
    "17: an index": (930, 900, 2 / 12, 0.08, 0.03, 0.20, "call", 51.83, 2),
    "17: a currency, volatility 20 %": (1.6, 1.6, 4 / 12, 0.08, 0.11, 0.20, "call", 0.0639, 4),
    "17: a currency, volatility 10 %": (1.6, 1.6, 4 / 12, 0.08, 0.11, 0.10, "call", 0.0285, 4),
    "18: a future": (20, 20, 4 / 12, 0.09, 0.09, 0.25, "put", 1.12, 2),
    "19: the Greek letters": (49, 50, 0.3846, 0.05, 0, 0.20, "call", 2.40, 2),
}
HAUG_PRICES = {
    "2: a stock": (60, 65, 0.25, 0.08, 0, 0.30, "call", 2.1334, 4),
    "3: an index": (100, 95, 0.5, 0.10, 0.05, 0.20, "put", 2.4648, 4),
    "4: a future, call": (19, 19, 0.75, 0.10, 0.10, 0.28, "call", 1.7011, 4),
    "4: a future, put": (19, 19, 0.75, 0.10, 0.10, 0.28, "put", 1.7011, 4),
    "6: a currency": (1.56, 1.60, 0.5, 0.06, 0.08, 0.12, "call", 0.0291, 4),
    "8: cost of carry": (75, 70, 0.5, 0.10, 0.05, 0.35, "put", 4.0870, 4),
    "27: a dividend yield above the rate": (42, 40, 0.75, 0.04, 0.08, 0.35, "call", 5.0975, 4),
}
PRICES = {f"Hull {name}": row for name, row in HULL_PRICES.items()} | {
    f"Haug {name}": row for name, row in HAUG_PRICES.items()
}

# Haug, page 24, European columns: options on a future with strike 100 and a rate of 10 %;
# years and volatility, then the price at a future of 90, 100 and 110. Left out is the printed 1.8734, which is 1.87334:
# the book's normal distribution is an approximation
HAUG_CALLS = {
    (0.1, 0.15): (0.0205, None, 9.9413),
    (0.1, 0.25): (0.3150, 3.1217, 10.3556),
    (0.1, 0.35): (0.9474, 4.3693, 11.1381),
    (0.5, 0.15): (0.8069, 4.0232, 10.5769),
    (0.5, 0.25): (2.7026, 6.6997, 12.7857),
    (0.5, 0.35): (4.9329, 9.3679, 15.3086),
}
HAUG_PUTS = {
    (0.1, 0.15): (9.9210, None, 0.0408),
    (0.1, 0.25): (10.2155, 3.1217, 0.4551),
    (0.1, 0.35): (10.8479, 4.3693, 1.2376),
    (0.5, 0.15): (10.3192, 4.0232, 1.0646),
    (0.5, 0.25): (12.2149, 6.6997, 3.2734),
    (0.5, 0.35): (14.4452, 9.3679, 5.7963),
}

HULL_GREEKS = (49, 50, 0.3846, 0.05, 0, 0.20, "call")  # chapter 19
INSURANCE = (900, 870, 0.5, 0.09, 0.03, 0.25, "put")  # chapter 19, portfolio insurance
# terms, Greek, from our unit to the book's, printed, decimals
GREEKS = {
    "Hull 19: delta": (HULL_GREEKS, "delta", 1, 0.522, 3),
    "Hull 19: gamma": (HULL_GREEKS, "gamma", 1, 0.066, 3),
    "Hull 19: theta a year": (HULL_GREEKS, "theta", 365, -4.31, 2),
    "Hull 19: theta a calendar day": (HULL_GREEKS, "theta", 1, -0.0118, 4),
    "Hull 19: vega for the whole of volatility": (HULL_GREEKS, "vega", 100, 12.1, 1),
    "Hull 19: vega a point": (HULL_GREEKS, "vega", 1, 0.121, 3),
    "Hull 19: rho for the whole of the rate": (HULL_GREEKS, "rho", 100, 8.91, 2),
    "Hull 19: rho a point": (HULL_GREEKS, "rho", 1, 0.0891, 4),
    "Hull 19: delta of a put on an index": (INSURANCE, "delta", 1, -0.3215, 4),
    "Haug 11: delta of a call": ((105, 100, 0.5, 0.10, 0.10, 0.36, "call"), "delta", 1, 0.5946, 4),
    "Haug 11: delta of a put": ((105, 100, 0.5, 0.10, 0.10, 0.36, "put"), "delta", 1, -0.3566, 4),
    "Haug 13: gamma": ((55, 60, 0.75, 0.10, 0, 0.30, "put"), "gamma", 1, 0.0278, 4),
    "Haug 14: vega": ((55, 60, 0.75, 0.10, 0, 0.30, "call"), "vega", 100, 18.9358, 4),
    "Haug 15: theta a year": ((430, 405, 1 / 12, 0.07, 0.05, 0.20, "put"), "theta", 365, -31.1924, 4),
    "Haug 15: theta a day": ((430, 405, 1 / 12, 0.07, 0.05, 0.20, "put"), "theta", 1, -0.0855, 4),
    "Haug 16: rho": ((72, 75, 1, 0.09, 0, 0.19, "call"), "rho", 100, 38.7325, 4),
}


FUTURES = {
    f"Haug 24: {kind}, future {spot}, {years} years, volatility {volatility}": (
        *(spot, 100, years, 0.10, 0.10, volatility, kind),
        *(printed, 4),
    )
    for kind, table in (("call", HAUG_CALLS), ("put", HAUG_PUTS))
    for (years, volatility), prices in table.items()
    for spot, printed in zip((90, 100, 110), prices, strict=True)
    if printed is not None
}


def black(spot, strike, years, rate, dividend_yield, volatility, kind) -> QuantLib.BlackCalculator:
    right = QuantLib.Option.Call if kind == "call" else QuantLib.Option.Put
    return QuantLib.BlackCalculator(
        QuantLib.PlainVanillaPayoff(right, strike),
        spot * math.exp((rate - dividend_yield) * years),
        volatility * math.sqrt(years),
        math.exp(-rate * years),
    )


def quantlib_greek(name, terms) -> float:
    spot, years = terms[0], terms[2]
    found = black(*terms)
    if name == "delta":
        return found.delta(spot)
    if name == "gamma":
        return found.gamma(spot)
    if name == "theta":
        return found.theta(spot, years) / 365
    return getattr(found, name)(years) / 100


@pytest.mark.parametrize("row", [*PRICES.values(), *FUTURES.values()], ids=[*PRICES, *FUTURES])
def test_prices_agree_to_the_printed_digits(row):
    *terms, printed, decimals = row
    spot, strike, years, rate, dividend_yield, volatility, kind = terms
    assert round(float(value(*terms).price), decimals) == printed
    assert round(black(*terms).value(), decimals) == printed
    second = black_scholes_merton(kind[0], spot, strike, years, rate, volatility, dividend_yield)
    assert round(float(second), decimals) == printed


@pytest.mark.parametrize("row", GREEKS.values(), ids=GREEKS)
def test_greeks_agree_to_the_printed_digits(row):
    terms, name, factor, printed, decimals = row
    spot, strike, years, rate, dividend_yield, volatility, kind = terms
    assert round(float(getattr(value(*terms), name)) * factor, decimals) == printed
    assert round(quantlib_greek(name, terms) * factor, decimals) == printed
    second = getattr(analytical, name)(kind[0], spot, strike, years, rate, volatility, dividend_yield)
    assert round(float(second) * factor, decimals) == printed


@pytest.mark.parametrize(
    ("price", "spot", "strike", "years", "rate", "dividend_yield", "printed"),
    [
        (1.875, 21, 20, 0.25, 0.10, 0, 0.235),  # Hull, chapter 15
        (0.043, 1.6, 1.6, 4 / 12, 0.08, 0.11, 0.141),  # Hull, chapter 17
    ],
)
def test_implied_volatility_agrees_to_the_printed_digits(price, spot, strike, years, rate, dividend_yield, printed):
    found = implied_volatility(
        price=price, spot=spot, strike=strike, years=years, rate=rate, dividend_yield=dividend_yield, is_call=True
    )
    assert round(float(found), 3) == printed
