"""Which of several providers' quotes is believed: the first good one, and a jump only when a second one has it too."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from optionsengine.market.belief import QuoteBelief
from optionsengine.market.data import Quote

AT = datetime(2026, 1, 15, 15, 30, tzinfo=UTC)


def quote(price="100", *, symbol="SPY", age=0, spread="0.02", source="alpaca", **changes):
    half = Decimal(spread) / 2
    values = {
        "symbol": symbol,
        "bid": Decimal(price) - half,
        "ask": Decimal(price) + half,
        "at": AT - timedelta(seconds=age),
        "source": source,
        "last": Decimal(price),
    }
    return Quote(**values | changes)


def belief(*, known="100", is_open=True, symbols=("SPY",)):
    return QuoteBelief(
        symbols,
        known={} if known is None else {"SPY": Decimal(known)},
        at=AT,
        is_open=is_open,
        max_age_seconds=120,
        jump_percent=Decimal(20),
    )


def test_the_first_good_quote_is_believed():
    heard, first = belief(), quote()
    heard.hear("alpaca", {"SPY": first})
    assert (heard.missing, heard.result(), heard.said) == ((), {"SPY": first}, [])


def test_what_one_does_not_know_the_next_may():
    heard = belief(symbols=("SPY", "QQQ"))
    heard.hear("alpaca", {"SPY": quote()})
    assert heard.missing == ("QQQ",)
    heard.hear("twelvedata", {"QQQ": quote("50", symbol="QQQ")})
    assert set(heard.result()) == {"SPY", "QQQ"}


@pytest.mark.parametrize(("price", "is_believed"), [("120", True), ("120.01", False), ("80", True), ("79.99", False)])
def test_a_price_may_differ_by_twenty_percent_from_the_last_good_one(price, is_believed):
    heard = belief()
    heard.hear("alpaca", {"SPY": quote(price)})
    assert ("SPY" in heard.result(), heard.has_jumped) == (is_believed, not is_believed)


def test_without_a_last_good_price_any_is_believed():
    heard = belief(known=None)
    heard.hear("alpaca", {"SPY": quote("9000")})
    assert heard.result()["SPY"].mid == 9000


@pytest.mark.parametrize(("second", "expected"), [("150", "145"), ("174", "145"), ("174.01", None), ("101", "101")])
def test_a_second_provider_confirms_a_jump_or_has_the_better_price(second, expected):
    heard = belief()
    heard.hear("alpaca", {"SPY": quote("145")})
    heard.hear("twelvedata", {"SPY": quote(second, source="twelvedata")})
    assert {symbol: found.mid for symbol, found in heard.result().items()} == (
        {} if expected is None else {"SPY": Decimal(expected)}
    )


def test_a_jump_alone_is_refused_with_both_prices():
    heard = belief()
    heard.hear("alpaca", {"SPY": quote("10000")})
    assert heard.result() == {}
    assert heard.said == [
        "alpaca: SPY at 10000.00 is more than 20 % from 100, the last good price, and no second provider confirms it"
    ]


@pytest.mark.parametrize(
    ("broken", "problem", "is_kept"),
    [
        (quote(age=121), "stale", True),
        (quote(bid=Decimal(101), ask=Decimal(100)), "crossed", True),
        (quote(bid=Decimal(0)), "one sided", True),
        (quote(age=-61), "future", True),
        (quote(bid=Decimal("NaN")), "not finite", False),
        (quote(bid=None, ask=None, last=Decimal("Infinity")), "not finite", False),
    ],
)
def test_a_broken_quote_gives_way_and_is_kept_only_if_it_says_so_itself(broken, problem, is_kept):
    heard, better = belief(), quote("101", source="twelvedata")
    heard.hear("alpaca", {"SPY": broken})
    assert heard.said == [f"alpaca: the quote of SPY is {problem}"]
    assert heard.result() == ({"SPY": broken} if is_kept else {})
    heard.hear("twelvedata", {"SPY": better})
    assert heard.result() == {"SPY": better}


def test_while_the_market_is_closed_no_price_is_too_old():
    heard, old = belief(is_open=False), quote(age=86_400)
    heard.hear("alpaca", {"SPY": old})
    assert (heard.good, heard.said) == ({"SPY": old}, [])


def test_a_source_of_trades_only_is_judged_by_its_last_one():
    heard, told = belief(), quote(bid=None, ask=None)
    heard.hear("twelvedata", {"SPY": told})
    assert heard.good == {"SPY": told}
