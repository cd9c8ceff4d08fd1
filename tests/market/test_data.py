"""The arithmetic of quotes."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from optionsengine.core.enums import Right
from optionsengine.core.errors import Transient
from optionsengine.core.values import OptionContract
from optionsengine.market.data import MarketError, OptionQuote, Quote
from optionsengine.market.enums import MarketProblem

AT = datetime(2026, 2, 20, 15, 0, tzinfo=UTC)
QUOTE = OptionQuote(
    contract=OptionContract("SPY", date(2026, 3, 20), Right.CALL, Decimal(600)),
    bid=Decimal("5.00"),
    ask=Decimal("5.25"),
    bid_size=10,
    ask_size=12,
    iv=0.2,
    delta=0.5,
    gamma=0.01,
    theta=-0.2,
    vega=0.6,
    open_interest=1000,
    volume=500,
    at=AT,
    source="test",
)


@pytest.mark.parametrize(
    ("bid", "ask", "mid", "spread_percent"),
    [
        ("5.00", "5.25", "5.125", "4.8780"),
        ("0.94", "1.06", "1.00", "12.0000"),
        ("1.00", "1.00", "1.00", "0.0000"),
        ("0.00", "0.00", "0.00", "100"),
    ],
)
def test_mid_and_spread_of_an_option(bid, ask, mid, spread_percent):
    quote = replace(QUOTE, bid=Decimal(bid), ask=Decimal(ask))
    assert quote.mid == Decimal(mid)
    assert str(quote.spread_percent) == spread_percent


def test_mid_of_a_stock():
    quote = Quote("SPY", Decimal("600.01"), Decimal("600.02"), AT, "test", Decimal("600.01"))
    assert quote.mid == Decimal("600.015")


def test_a_market_error_may_be_tried_again_and_carries_its_code_and_context():
    error = MarketError(MarketProblem.NO_DATA, "ask again when the market has opened", symbol="SPY")
    assert isinstance(error, Transient)
    assert (error.code, error.context) == (MarketProblem.NO_DATA, {"symbol": "SPY"})
    assert str(error) == "no_data: ask again when the market has opened"
