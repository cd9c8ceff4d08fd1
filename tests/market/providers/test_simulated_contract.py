"""The contract of providers, at length: the simulated market has an answer for every symbol and moment."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from optionsengine.core.enums import Right
from optionsengine.core.values import OptionContract
from optionsengine.market import calendar
from optionsengine.market.data import TIMEFRAMES, MarketError
from optionsengine.market.enums import MarketProblem
from optionsengine.market.providers.base import MarketProvider
from optionsengine.market.providers.simulated import SimulatedProvider

AT = datetime(2026, 2, 18, 15, 30, 20, tzinfo=UTC)
FRAME = {"5m": 5, "15m": 15, "1h": 60, "4h": 240, "1d": 1440}
CONTRACT = OptionContract("SPY", date(2026, 3, 20), Right.CALL, Decimal(600))

BY_SESSION = SimulatedProvider(seed=1, always_open=False)
CLOCK_ROUND = SimulatedProvider(seed=1, always_open=True)
answering = pytest.mark.parametrize("provider", [BY_SESSION, CLOCK_ROUND], ids=["simulated", "simulated-always-open"])


def is_cents(price: Decimal) -> bool:
    return isinstance(price, Decimal) and price.as_tuple().exponent == -2 and price > 0


@answering
def test_a_quote_is_two_sided_dated_and_sourced(provider: MarketProvider):
    quote = provider.quote("SPY", AT)
    assert (quote.symbol, quote.at, quote.source) == ("SPY", AT, provider.name)
    assert quote.bid < quote.ask
    assert quote.bid <= quote.last <= quote.ask
    assert all(is_cents(price) for price in (quote.bid, quote.ask, quote.last))


@answering
@pytest.mark.parametrize("timeframe", TIMEFRAMES)
@pytest.mark.parametrize(
    "at",
    [
        AT,
        datetime(2026, 2, 18, 14, 30, tzinfo=UTC),  # the opening
        datetime(2026, 2, 18, 21, 0, tzinfo=UTC),  # the close
        datetime(2026, 2, 18, 15, 29, 59, 999999, tzinfo=UTC),
        datetime(2026, 11, 27, 18, 0, tzinfo=UTC),  # the close of a half day
        datetime(2026, 2, 21, 3, 0, tzinfo=UTC),  # a weekend
    ],
)
def test_bars_have_ended_and_come_oldest_first(provider: MarketProvider, timeframe, at):
    bars = provider.bars("SPY", timeframe, 60, at)
    assert len(bars) == 60
    assert [bar.at for bar in bars] == sorted({bar.at for bar in bars})
    for bar in bars:
        assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        assert bar.volume > 0
        assert all(is_cents(price) for price in (bar.open, bar.high, bar.low, bar.close))
    end = bars[-1].at + timedelta(minutes=FRAME[timeframe])
    if provider is BY_SESSION:  # the last bar of a session is cut at its close
        end = min(end, calendar.next_close(bars[-1].at))
    assert end <= at


@answering
@pytest.mark.parametrize("timeframe", TIMEFRAMES)
def test_later_knowledge_never_changes_a_bar(provider: MarketProvider, timeframe):
    before = provider.bars("QQQ", timeframe, 40, AT)
    after = provider.bars("QQQ", timeframe, 700, AT + timedelta(days=2))
    assert set(before) < set(after)
    assert after[-1].at > before[-1].at


@answering
def test_fewer_bars_may_be_asked_for(provider: MarketProvider):
    assert provider.bars("SPY", "5m", 3, AT) == provider.bars("SPY", "5m", 300, AT)[-3:]
    assert provider.bars("SPY", "5m", 0, AT) == ()


@answering
@pytest.mark.parametrize("right", list(Right))
def test_a_chain_holds_the_listed_contracts_within_the_bounds(provider: MarketProvider, right):
    chain = provider.chain("SPY", AT, 21, 90, right)
    assert (chain.underlying, chain.at, chain.source) == ("SPY", AT, provider.name)
    assert chain.spot == provider.quote("SPY", AT).last
    days = [day for day in calendar.listed_expirations(AT, "SPY") if 21 <= calendar.dte(day, AT) <= 90]
    assert list(dict.fromkeys(quote.contract.expiration for quote in chain.quotes)) == days
    contracts = [quote.contract for quote in chain.quotes]
    assert contracts == sorted(set(contracts))
    for quote in chain.quotes:
        assert (quote.contract.underlying, quote.contract.right) == ("SPY", right)
        assert (quote.at, quote.source) == (AT, provider.name)
        assert quote.bid < quote.ask
        assert is_cents(quote.bid)
        assert is_cents(quote.ask)
        assert quote.bid_size > 0
        assert quote.ask_size > 0
        assert quote.open_interest >= 0
        assert quote.volume >= 0


@answering
def test_a_chain_without_an_expiration_in_the_bounds_is_empty(provider: MarketProvider):
    chain = provider.chain("SPY", AT, 2000, 3000, Right.CALL)
    assert (chain.quotes, chain.spot) == ((), provider.quote("SPY", AT).last)


@answering
def test_option_quotes_are_those_of_the_chain(provider: MarketProvider):
    wanted = [
        quote
        for symbol in ("SPY", "AAPL")
        for right in Right
        for quote in provider.chain(symbol, AT, 0, 1000, right).quotes[::37]
    ]
    found = provider.option_quotes((quote.contract for quote in wanted), AT)
    assert found == {quote.contract: quote for quote in wanted}
    assert len(found) > 30


@answering
@pytest.mark.parametrize(
    "contract",
    [
        OptionContract("SPY", date(2026, 2, 17), Right.CALL, Decimal(600)),  # expired
        OptionContract("SPY", date(2026, 3, 21), Right.CALL, Decimal(600)),  # a Saturday
        OptionContract("AAPL", date(2026, 3, 18), Right.CALL, Decimal(230)),  # no Wednesdays
        OptionContract("SPY", date(2026, 3, 20), Right.CALL, Decimal("600.3")),  # between strikes
        OptionContract("SPY", date(2026, 3, 20), Right.CALL, Decimal(6000)),
        OptionContract("SPY", date(2099, 3, 20), Right.CALL, Decimal(600)),
        OptionContract("not a symbol", date(2026, 3, 20), Right.CALL, Decimal(600)),
    ],
    ids=str,
)
def test_a_contract_that_is_not_listed_is_absent(provider: MarketProvider, contract):
    assert list(provider.option_quotes([contract, CONTRACT], AT)) == [CONTRACT]


@answering
def test_no_contracts_no_quotes(provider: MarketProvider):
    assert provider.option_quotes([], AT) == {}


@answering
def test_the_official_close_is_that_of_the_last_session_up_to_the_day(provider: MarketProvider):
    friday = provider.official_close("SPY", date(2026, 2, 20))
    assert is_cents(friday)
    assert friday == provider.quote("SPY", datetime(2026, 2, 20, 21, 0, tzinfo=UTC)).last
    assert provider.official_close("SPY", date(2026, 2, 22)) == friday
    half_day = provider.official_close("SPY", date(2026, 11, 27))
    assert half_day == provider.quote("SPY", datetime(2026, 11, 27, 18, 0, tzinfo=UTC)).last


@answering
@pytest.mark.parametrize("symbol", ["", "spy", "TOOLONGSYMBOL", "A B", "1A"])
def test_what_is_no_symbol_has_no_market(provider: MarketProvider, symbol):
    calls = [
        lambda: provider.quote(symbol, AT),
        lambda: provider.bars(symbol, "5m", 10, AT),
        lambda: provider.chain(symbol, AT, 0, 30, Right.CALL),
        lambda: provider.official_close(symbol, AT.date()),
    ]
    for call in calls:
        with pytest.raises(MarketError) as refused:
            call()
        assert refused.value.code == MarketProblem.UNKNOWN_SYMBOL
