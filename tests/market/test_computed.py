"""Greeks that a source left out, worked out from its quotes: American for stocks, European for indexes."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from optionsengine.core.enums import Right
from optionsengine.core.values import OptionContract
from optionsengine.market import calendar
from optionsengine.market.american import value_american
from optionsengine.market.computed import COMPUTED, greeks_fill
from optionsengine.market.data import OptionChain, OptionQuote
from optionsengine.market.pricing import value_options

AT = datetime(2026, 2, 18, 15, 30, tzinfo=UTC)
EXPIRATION = date(2026, 6, 18)
RATE, SPOT = 0.05, 100.0
YEARS = calendar.dte(EXPIRATION, AT) / 365


def priced(underlying, strike, right, volatility=0.3, value=value_american):
    worth = value(
        spot=SPOT,
        strike=float(strike),
        years=YEARS,
        rate=RATE,
        dividend_yield=0.0,
        volatility=volatility,
        is_call=right == Right.CALL,
    )
    mid = Decimal(str(round(float(worth.price), 6)))
    contract = OptionContract(underlying, EXPIRATION, right, Decimal(strike))
    unknown = dict.fromkeys(("bid_size", "ask_size", "iv", "delta", "gamma", "theta", "vega"))
    return worth, OptionQuote(
        contract=contract, bid=mid, ask=mid, open_interest=None, volume=None, at=AT, source="feed", **unknown
    )


def filled(*quotes, underlying="AAPL"):
    return greeks_fill(OptionChain(underlying, Decimal(100), quotes, AT, "feed"), at=AT, rate=RATE).quotes


@pytest.mark.parametrize("right", Right)
@pytest.mark.parametrize("strike", [80, 100, 125])
@pytest.mark.parametrize(("underlying", "value"), [("AAPL", value_american), ("SPX", value_options)])
def test_the_volatility_that_made_the_price_comes_back(underlying, value, strike, right):
    worth, quote = priced(underlying, strike, right, value=value)
    [found] = filled(quote, underlying=underlying)
    assert found.iv == pytest.approx(0.3, abs=2e-4)
    assert found.delta == pytest.approx(float(worth.delta), abs=1e-3)
    assert found.theta == pytest.approx(float(worth.theta), abs=1e-3)
    assert found.greeks_source == COMPUTED


def test_a_european_formula_would_read_too_much_into_an_american_put():
    _, quote = priced("AAPL", 125, Right.PUT)
    [american] = filled(quote)
    [european] = filled(replace(quote, contract=replace(quote.contract, underlying="SPX")), underlying="SPX")
    assert european.iv - american.iv > 0.01


def test_what_the_source_gave_stays_and_what_nothing_explains_stays_without():
    _, quote = priced("AAPL", 100, Right.CALL)
    given = replace(quote, iv=0.5, delta=0.1, greeks_source="feed")
    one_sided = replace(quote, bid=Decimal(0))
    too_cheap = replace(priced("AAPL", 80, Right.CALL)[1], bid=Decimal(5), ask=Decimal(5))
    assert filled(given, one_sided, too_cheap) == (given, one_sided, too_cheap)
