"""The one suite that every provider of market data passes: right answers exactly, and for the rest a clear no.

The three network providers are asked over real sockets; their servers tell of one market, so the numbers must agree.
"""

from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from optionsengine.core.enums import Right
from optionsengine.core.values import OptionContract
from optionsengine.market.data import TIMEFRAMES, MarketError, OptionQuote, Quote
from optionsengine.market.enums import MarketProblem, ProviderFault, QuoteProblem
from optionsengine.market.providers.http import ProviderError, RateNote
from optionsengine.market.rules import price_problem, quote_problem
from tests.fakes import server as faults
from tests.fakes.market import AT, FAR, MINUTE, NEAR, TOLD_AT
from tests.market.providers.rooms import EVERY, KEY, NETWORK, OFFERS, QUICK, SECRET, Room, bar_of, every_bar, room_of

ALPACA_AT = TOLD_AT + timedelta(microseconds=46330)  # it tells nanoseconds
CALL = OptionContract("SPY", NEAR, Right.CALL, Decimal("602.5"))
PUT = OptionContract("SPY", FAR, Right.PUT, Decimal(595))
BERKSHIRE = OptionContract("BRK.B", NEAR, Right.CALL, Decimal(500))
TIMES = {"alpaca": ALPACA_AT, "marketdata": TOLD_AT, "twelvedata": MINUTE, "replay": AT.replace(second=0)}

with_bars = ("alpaca", "twelvedata", "replay")
with_options = ("alpaca", "marketdata")

pytestmark = pytest.mark.django_db


@pytest.fixture
def open_room():
    """Opens providers, and closes them after the test."""
    with ExitStack() as stack:
        yield lambda name, **terms: stack.enter_context(room_of(name, **terms))


def ask(room: Room, method: str, at: datetime = AT):
    """Ask any question of the protocol, one to which the market has an answer."""
    questions = {
        "quote": lambda provider: provider.quote("SPY", at),
        "quotes": lambda provider: provider.quotes(["SPY", "AAPL"], at),
        "bars": lambda provider: provider.bars("SPY", "5m", 3, at),
        "chain": lambda provider: provider.chain("SPY", at, 20, 90, Right.CALL),
        "option_quotes": lambda provider: provider.option_quotes([CALL], at),
        "official_close": lambda provider: provider.official_close("SPY", date(2026, 2, 17)),
    }
    return questions[method](room.provider)


def option_quote(contract: OptionContract, bid: str, source: str, **changes: object) -> OptionQuote:
    found = OptionQuote(
        contract=contract,
        bid=Decimal(bid),
        ask=Decimal(bid) + Decimal("0.05"),
        bid_size=11,
        ask_size=7,
        iv=0.1834,
        delta=0.5125 if contract.right == Right.CALL else -0.4875,
        gamma=0.0131,
        theta=-0.2105,
        vega=0.6512,
        open_interest=1234,
        volume=321,
        at=TIMES[source],
        source=source,
        greeks_source=source,
    )
    return replace(found, **changes)


# What is answered


@pytest.mark.parametrize(
    ("name", "bid", "ask", "last"),
    [
        ("alpaca", "600.1", "600.12", "600.11"),
        ("marketdata", "600.1", "600.12", "600.11"),
        ("twelvedata", None, None, "600.11"),
        ("replay", None, None, "605.12"),
    ],
)
def test_a_quote_is_what_the_market_said_with_its_time_and_source(open_room, name, bid, ask, last):
    sides = [None if side is None else Decimal(side) for side in (bid, ask)]
    assert open_room(name).provider.quote("SPY", AT) == Quote("SPY", *sides, TIMES[name], name, Decimal(last))


@pytest.mark.parametrize("name", NETWORK)
def test_many_quotes_are_one_question_and_the_unknown_are_left_out(open_room, name):
    room = open_room(name)
    found = room.provider.quotes(["SPY", "BRK.B", "ZZZZ", "SPY"], AT)
    assert sorted(found) == ["BRK.B", "SPY"]
    assert found == {symbol: room.provider.quote(symbol, AT) for symbol in found}
    assert found["BRK.B"].last == Decimal("498.33")
    assert len(room.server.asked) == 3


@pytest.mark.parametrize("name", NETWORK)
def test_one_quote_of_many_and_none_at_all(open_room, name):
    room = open_room(name)
    assert list(room.provider.quotes(iter(["AAPL"]), AT)) == ["AAPL"]
    assert room.provider.quotes(["ZZZZ"], AT) == {}
    asked = len(room.server.asked)
    assert room.provider.quotes([], AT) == {}
    assert len(room.server.asked) == asked


def test_stored_bars_quote_what_they_know(open_room):
    provider = open_room("replay").provider
    assert provider.quotes(["SPY", "AAPL"], AT) == {"SPY": provider.quote("SPY", AT)}
    before_all = datetime(2026, 2, 10, 14, 31, tzinfo=UTC)
    assert provider.quotes(["SPY"], before_all) == {}
    with pytest.raises(MarketError) as refused:
        provider.quote("SPY", before_all)
    assert refused.value.code == MarketProblem.NO_DATA


LAST_THREE = {
    "5m": [(5, 9, 1), (5, 10, 1), (5, 11, 1)],
    "15m": [(5, 3, 3), (5, 6, 3), (5, 9, 3)],
    "1h": [(4, 60, 12), (4, 72, 6), (5, 0, 12)],  # the last hour of the 17th is cut at the close
    "4h": [(3, 48, 30), (4, 0, 48), (4, 48, 30)],
    "1d": [(2, 0, 78), (3, 0, 78), (4, 0, 78)],
}


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
@pytest.mark.parametrize("name", with_bars)
def test_bars_count_from_the_opening_and_have_ended(open_room, name, timeframe):
    source = "alpaca" if name == "replay" else name
    bars = open_room(name).provider.bars("SPY", timeframe, 3, AT)
    assert bars == tuple(bar_of(*place, source) for place in LAST_THREE[timeframe])


@pytest.mark.parametrize("name", with_bars)
def test_long_series_are_whole_and_short_ones_are_all_there_is(open_room, name):
    provider, source = open_room(name).provider, "alpaca" if name == "replay" else name
    known = [bar for bar in every_bar("5m", source) if bar.at + timedelta(minutes=5) <= AT]
    assert provider.bars("SPY", "5m", 100, AT) == tuple(known[-100:])
    whole_days = tuple(bar_of(session, 0, 78, source) for session in range(5))
    assert provider.bars("SPY", "1d", 50, AT) == whole_days
    assert provider.bars("SPY", "5m", 0, AT) == ()


@pytest.mark.parametrize("name", with_bars)
@pytest.mark.parametrize(
    ("at", "timeframe", "last"),
    [
        (datetime(2026, 2, 18, 15, 29, 59, 999999, tzinfo=UTC), "5m", (5, 10, 1)),
        (datetime(2026, 2, 18, 15, 30, tzinfo=UTC), "5m", (5, 11, 1)),
        (datetime(2026, 2, 18, 15, 29, 59, tzinfo=UTC), "1h", (4, 72, 6)),
        (datetime(2026, 2, 18, 14, 30, tzinfo=UTC), "15m", (4, 75, 3)),
        (datetime(2026, 2, 17, 20, 59, 59, tzinfo=UTC), "1d", (3, 0, 78)),
        (datetime(2026, 2, 17, 21, 0, tzinfo=UTC), "1d", (4, 0, 78)),
        (datetime(2026, 2, 17, 21, 0, tzinfo=UTC), "4h", (4, 48, 30)),
        (datetime(2026, 2, 16, 15, 0, tzinfo=UTC), "1h", (3, 72, 6)),  # a holiday
    ],
)
def test_a_bar_is_told_from_the_moment_it_ends(open_room, name, at, timeframe, last):
    room = open_room(name)
    if room.server:
        room.server.provider.market = replace(room.server.provider.market, now=at)
    source = "alpaca" if name == "replay" else name
    assert room.provider.bars("SPY", timeframe, 2, at)[-1] == bar_of(*last, source)


@pytest.mark.parametrize("name", with_bars)
def test_the_official_close_is_that_of_the_last_session_up_to_the_day(open_room, name):
    provider = open_room(name).provider
    assert provider.official_close("SPY", date(2026, 2, 17)) == Decimal("604.78")
    assert provider.official_close("SPY", date(2026, 2, 13)) == Decimal("603.78")
    assert provider.official_close("SPY", date(2026, 2, 16)) == Decimal("603.78")  # a holiday, after a weekend
    with pytest.raises(MarketError) as refused:
        provider.official_close("SPY", date(2026, 2, 9))
    assert refused.value.code == MarketProblem.NO_DATA


@pytest.mark.parametrize("name", with_options)
def test_a_chain_holds_the_standard_contracts_within_the_bounds(open_room, name):
    chain = open_room(name).provider.chain("SPY", AT, 20, 90, Right.CALL)
    expected = [
        ("595", NEAR, "9.745"),
        ("602.5", NEAR, "9.7525"),
        ("595", FAR, "10.745"),
        ("602.5", FAR, "10.7525"),
    ]
    assert chain.quotes == tuple(
        option_quote(OptionContract("SPY", day, Right.CALL, Decimal(strike)), bid, name)
        for strike, day, bid in expected
    )
    assert (chain.underlying, chain.spot, chain.at, chain.source) == ("SPY", Decimal("600.11"), TIMES[name], name)


@pytest.mark.parametrize("name", with_options)
@pytest.mark.parametrize(
    ("least", "most", "days"),
    [
        (20, 90, [NEAR, FAR]),
        (30.187, 31, [NEAR]),  # 30 days, 4 hours, 29 minutes and 40 seconds are left, for the clocks change between
        (30.188, 60, [FAR]),
        (0, 30.187, []),
        (0, 30.188, [NEAR]),
        (59, 1e9, []),
        (40, 30, []),
    ],
)
def test_the_bounds_of_a_chain_are_days_with_their_fraction(open_room, name, least, most, days):
    chain = open_room(name).provider.chain("SPY", AT, least, most, Right.PUT)
    assert list(dict.fromkeys(quote.contract.expiration for quote in chain.quotes)) == days
    assert chain.spot == Decimal("600.11")


@pytest.mark.parametrize("name", with_options)
def test_a_symbol_with_a_dot_has_a_chain(open_room, name):
    chain = open_room(name).provider.chain("BRK.B", AT, 20, 90, Right.CALL)
    assert [(quote.contract, quote.bid) for quote in chain.quotes] == [(BERKSHIRE, Decimal("8.4"))]


@pytest.mark.parametrize("name", with_options)
def test_option_quotes_are_those_of_the_chain_and_the_unlisted_are_absent(open_room, name):
    provider = open_room(name).provider
    expired = replace(CALL, expiration=date(2026, 2, 17))
    unlisted = [replace(CALL, strike=Decimal(700 + number)) for number in range(3)]
    found = provider.option_quotes([CALL, expired, *unlisted, PUT, BERKSHIRE, CALL], AT)
    # the list of contracts is another question, so Alpaca's single quotes tell no open interest
    unsaid = {"open_interest": None} if name == "alpaca" else {}
    assert found[CALL] == option_quote(CALL, "9.7525", name, **unsaid)
    assert found[PUT] == option_quote(PUT, "10.745", name, **unsaid)
    assert found.keys() == {CALL, PUT, BERKSHIRE}


def test_many_contracts_are_asked_for_in_hundreds(open_room):
    room = open_room("alpaca")
    room.server.provider.page = 1000
    many = [replace(CALL, strike=Decimal(400 + number)) for number in range(150)]
    assert list(room.provider.option_quotes([*many, CALL], AT)) == [CALL]
    assert [asked.query["symbols"].count(",") + 1 for asked in room.server.asked] == [100, 51]


@pytest.mark.parametrize("name", with_options)
def test_no_contracts_no_question(open_room, name):
    room = open_room(name)
    assert room.provider.option_quotes([], AT) == {}
    assert room.server.asked == []


# What is refused


@pytest.mark.parametrize("name", EVERY)
def test_what_is_not_offered_says_so(open_room, name):
    room = open_room(name)
    offered = OFFERS["twelvedata"] if name == "replay" else OFFERS.get(name, OFFERS["alpaca"])
    if name not in {"simulated", "null"}:
        assert room.provider.offers == set(offered)
    for method in OFFERS["alpaca"]:
        if name == "null":
            with pytest.raises(MarketError, match="set the keys of a provider") as refused:
                ask(room, method)
            assert refused.value.code == MarketProblem.NO_PROVIDER
        elif method in offered:
            assert ask(room, method) is not None
        else:
            with pytest.raises(MarketError, match="add a provider that has") as refused:
                ask(room, method)
            assert refused.value.code == MarketProblem.UNSUPPORTED
            assert not isinstance(refused.value, ProviderError)


@pytest.mark.parametrize("symbol", ["", "spy", "TOOLONGSYMBOL", "A B", "1A", "../x", "A?b=c"])
@pytest.mark.parametrize("name", ["alpaca", "twelvedata", "marketdata", "simulated", "replay"])
def test_what_is_no_symbol_is_never_asked_for(open_room, name, symbol):
    room = open_room(name)
    calls = {
        "quote": lambda: room.provider.quote(symbol, AT),
        "bars": lambda: room.provider.bars(symbol, "5m", 10, AT),
        "chain": lambda: room.provider.chain(symbol, AT, 0, 30, Right.CALL),
        "official_close": lambda: room.provider.official_close(symbol, AT.date()),
    }
    for method, call in calls.items():
        if method in getattr(room.provider, "offers", OFFERS["alpaca"]):
            with pytest.raises(MarketError) as refused:
                call()
            assert refused.value.code == MarketProblem.UNKNOWN_SYMBOL
    assert room.server is None or room.server.asked == []


@pytest.mark.parametrize(
    ("name", "method"),
    [(name, method) for name in NETWORK for method in ("quote", "bars", "chain") if method in OFFERS[name]],
)
def test_a_symbol_that_the_provider_does_not_know_has_no_data(open_room, name, method):
    room = open_room(name)
    calls = {
        "quote": lambda: room.provider.quote("ZZZZ", AT),
        "bars": lambda: room.provider.bars("ZZZZ", "5m", 10, AT),
        "chain": lambda: room.provider.chain("ZZZZ", AT, 0, 90, Right.CALL),
    }
    with pytest.raises(ProviderError) as refused:
        calls[method]()
    assert (refused.value.kind, refused.value.code) == (ProviderFault.NO_DATA, MarketProblem.NO_DATA)


# What breaks

BROKEN = {
    "401": (faults.refuses(401), ProviderFault.UNAUTHORIZED),
    "402": (faults.refuses(402), ProviderFault.FORBIDDEN),
    "403": (faults.refuses(403), ProviderFault.FORBIDDEN),
    "429": (faults.refuses(429, Retry_After="7"), ProviderFault.RATE_LIMITED),
    "500": (faults.refuses(500), ProviderFault.SERVER),
    "503 HTML": (faults.sends(b"<html>down</html>", 503, "text/html"), ProviderFault.SERVER),
    "422": (faults.refuses(422), ProviderFault.REJECTED),
    "time-out": (faults.hangs, ProviderFault.TIMEOUT),
    "dripping headers": (faults.drips, ProviderFault.TIMEOUT),
    "dripping body": (faults.drips_body, ProviderFault.TIMEOUT),
    "truncated": (faults.truncates, ProviderFault.UNREACHABLE),
    "hung up": (faults.hangs_up, ProviderFault.UNREACHABLE),
    "half the JSON": (faults.cuts_json, ProviderFault.GARBAGE),
    "HTML": (faults.sends(b"<html>welcome</html>", kind="text/html"), ProviderFault.GARBAGE),
    "JSON said to be HTML": (faults.sends(b"{}", kind="text/html"), ProviderFault.GARBAGE),
    "HTML said to be JSON": (faults.sends(b"<html>welcome</html>"), ProviderFault.GARBAGE),
    "empty": (faults.sends(b""), ProviderFault.GARBAGE),
    "an array": (faults.sends(b"[]"), ProviderFault.GARBAGE),
    "not UTF-8": (faults.sends(b'{"a": "\xff"}'), ProviderFault.GARBAGE),
    "a redirect": (faults.sends(b"", 302, Location="http://127.0.0.1:9/"), ProviderFault.GARBAGE),
    "HTML 404": (faults.sends(b"<html>where?</html>", 404, "text/html"), ProviderFault.GARBAGE),
}


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize(("name", "method"), [(name, method) for name in NETWORK for method in OFFERS[name]])
def test_whatever_breaks_has_one_name(open_room, name, method, fault):
    fault_of, kind = BROKEN[fault]
    room = open_room(name, timeouts=QUICK if kind == ProviderFault.TIMEOUT else None)
    room.server.fault = fault_of
    with pytest.raises(ProviderError) as broken:
        ask(room, method)
    assert broken.value.kind == kind
    assert broken.value.code == MarketProblem.PROVIDER_FAILED
    assert broken.value.message.startswith(f"{name}: ")
    assert broken.value.retry_after == (7.0 if fault == "429" else None)


SPOILT = {
    "quote": b"600.11",
    "quotes": b"600.11",
    "bars": b"605.1",
    "chain": b"9.7",
    "option_quotes": b"9.7",
    "official_close": b"604.7",
}


@pytest.mark.parametrize("word", [b"NaN", b"-Infinity", b"1e999"])
@pytest.mark.parametrize(("name", "method"), [(name, method) for name in NETWORK for method in OFFERS[name]])
def test_not_a_number_never_gets_in(open_room, name, method, word):
    """Whether numbers stand as numbers, which makes it no JSON, or as text."""
    room = open_room(name)
    room.server.fault = faults.spoils(SPOILT[method], word)
    alone = word == b"1e999" or name == "twelvedata"
    if method == "quotes" and alone:
        assert "SPY" not in ask(room, method)
    elif method == "option_quotes" and alone:
        assert ask(room, method) == {}
    elif method == "chain" and alone:
        assert [quote.contract.expiration for quote in ask(room, method).quotes] == [FAR, FAR]
    else:
        with pytest.raises(ProviderError) as broken:
            ask(room, method)
        assert broken.value.kind == ProviderFault.GARBAGE


@pytest.mark.parametrize("name", NETWORK)
def test_nobody_listens_there(open_room, name):
    room = open_room(name)
    room.server.close()
    with pytest.raises(ProviderError) as broken:
        room.provider.quote("SPY", AT)
    assert broken.value.kind == ProviderFault.UNREACHABLE


@pytest.mark.parametrize("name", ["alpaca", "marketdata"])
@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"bid": Decimal("600.13")}, QuoteProblem.CROSSED),
        ({"bid": Decimal(0)}, QuoteProblem.ONE_SIDED),
        ({"ask": Decimal(0)}, QuoteProblem.ONE_SIDED),
        ({"ask": None}, QuoteProblem.ONE_SIDED),
        ({"bid": Decimal(0), "ask": Decimal(0)}, QuoteProblem.ZERO),
        ({"at": AT - timedelta(seconds=122)}, QuoteProblem.STALE),
        ({}, None),
    ],
)
def test_a_quote_that_must_not_be_traded_on_is_passed_on_as_it_is(open_room, name, changes, problem):
    room = open_room(name)
    room.server.provider.market = room.server.provider.market.with_stock("SPY", **changes)
    quote = room.provider.quote("SPY", AT)
    assert price_problem(quote, AT, 120) == problem
    assert {side: getattr(quote, side) for side in changes if side != "at"} == {
        side: value for side, value in changes.items() if side != "at"
    }
    assert room.provider.quotes(["SPY"], AT) == {"SPY": quote}


def test_a_stale_last_price_says_how_old_it_is(open_room):
    room = open_room("twelvedata")
    old = MINUTE - timedelta(minutes=10)
    room.server.provider.market = room.server.provider.market.with_stock("SPY", minute=old)
    quote = room.provider.quote("SPY", AT)
    assert (quote.at, price_problem(quote, AT, 120)) == (old, QuoteProblem.STALE)


@pytest.mark.parametrize("name", NETWORK)
@pytest.mark.parametrize(
    "changes",
    [
        {"last": Decimal(0)},
        {"last": Decimal(-1)},
        {"last": Decimal(10) ** 9},
        {"last": None},
        {"bid": Decimal("-0.01")},
        {"at": AT + timedelta(seconds=61), "minute": AT + timedelta(seconds=61)},
        {"last": "six hundred"},
        {"last": True},
    ],
    ids=str,
)
def test_an_impossible_quote_is_garbage_alone_and_left_out_among_others(open_room, caplog, name, changes):
    if name == "twelvedata" and "bid" in changes:
        return
    room = open_room(name)
    room.server.provider.market = room.server.provider.market.with_stock("SPY", **changes)
    with pytest.raises(ProviderError) as broken:
        room.provider.quote("SPY", AT)
    assert broken.value.kind == ProviderFault.GARBAGE
    assert list(room.provider.quotes(["SPY", "AAPL"], AT)) == ["AAPL"]
    assert "the quote of SPY was dropped" in caplog.text


@pytest.mark.parametrize("name", NETWORK)
def test_a_clock_that_runs_a_little_ahead_is_believed(open_room, name):
    room = open_room(name)
    ahead = AT + timedelta(seconds=4)
    room.server.provider.market = room.server.provider.market.with_stock("SPY", at=ahead, minute=ahead)
    assert room.provider.quote("SPY", AT).at.replace(microsecond=0) == ahead


@pytest.mark.parametrize("name", with_options)
@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"bid": Decimal(10)}, QuoteProblem.CROSSED),
        ({"bid": Decimal(0)}, QuoteProblem.ONE_SIDED),
        ({"bid": None}, QuoteProblem.ONE_SIDED),
        ({"at": AT - timedelta(seconds=122)}, QuoteProblem.STALE),
    ],
)
def test_an_option_that_must_not_be_traded_on_stays_in_the_chain(open_room, name, changes, problem):
    room = open_room(name)
    room.server.provider.market = room.server.provider.market.with_option(CALL, **changes)
    chain = room.provider.chain("SPY", AT, 20, 90, Right.CALL)
    found = {quote.contract: quote for quote in chain.quotes}
    assert len(found) == 4
    assert quote_problem(found[CALL].bid, found[CALL].ask, found[CALL].at, AT, 120) == problem
    assert room.provider.option_quotes([CALL], AT)[CALL].bid == found[CALL].bid


@pytest.mark.parametrize("name", with_options)
@pytest.mark.parametrize(
    "changes",
    [
        {"bid": Decimal(-1)},
        {"ask": "much"},
        {"bid_size": -1},
        {"volume": -1},
        {"at": AT + timedelta(seconds=61)},
    ],
    ids=str,
)
def test_an_impossible_option_is_dropped_and_counted(open_room, caplog, name, changes):
    room = open_room(name)
    room.server.provider.market = room.server.provider.market.with_option(CALL, **changes)
    chain = room.provider.chain("SPY", AT, 20, 90, Right.CALL)
    assert [quote.contract for quote in chain.quotes if quote.contract == CALL] == []
    assert len(chain.quotes) == 3
    assert f"{name}: 1 option quotes could not be read and were dropped" in caplog.text
    assert room.provider.option_quotes([CALL, PUT], AT).keys() == {PUT}


@pytest.mark.parametrize("name", with_options)
def test_what_is_not_said_is_none(open_room, name):
    room = open_room(name)
    greeks = dict.fromkeys(("iv", "delta", "gamma", "theta", "vega"))
    silent = {**greeks, "open_interest": None, "volume": None}
    room.server.provider.market = room.server.provider.market.with_option(CALL, **silent)
    found = {quote.contract: quote for quote in room.provider.chain("SPY", AT, 20, 90, Right.CALL).quotes}
    assert found[CALL] == option_quote(CALL, "9.7525", name, **silent, greeks_source="")
    other = replace(CALL, expiration=FAR)
    assert found[other] == option_quote(other, "10.7525", name)


@pytest.mark.parametrize("name", with_options)
def test_a_greek_that_cannot_be_counts_as_not_said(open_room, name):
    room = open_room(name)
    wrong = {"iv": Decimal(0), "delta": Decimal("-0.3"), "gamma": Decimal(-1), "vega": Decimal("-0.1")}
    room.server.provider.market = room.server.provider.market.with_option(CALL, **wrong)
    quote = room.provider.option_quotes([CALL], AT)[CALL]
    assert (quote.iv, quote.delta, quote.gamma, quote.vega, quote.theta) == (None, None, None, None, -0.2105)
    assert quote.greeks_source == ""


# What the gateway hears, and what nobody may hear


@pytest.mark.parametrize(
    ("name", "note"),
    [("alpaca", RateNote(200, 187)), ("twelvedata", RateNote(8, 5)), ("marketdata", RateNote(100, 81))],
)
def test_the_gateway_permits_each_request_and_hears_what_is_left(open_room, name, note):
    costs, notes = [], []
    room = open_room(name, before_call=costs.append, on_answer=notes.append)
    room.provider.quote("SPY", AT)
    assert (costs, notes) == ([1], [note])
    room.server.fault = faults.refuses(429)
    with pytest.raises(ProviderError):
        room.provider.quote("SPY", AT)
    assert notes == [note, note]


@pytest.mark.parametrize(("name", "method"), [(name, method) for name in NETWORK for method in OFFERS[name]])
def test_without_leave_nothing_is_asked(open_room, name, method):
    def refuse(cost: int) -> None:
        raise MarketError(MarketProblem.RATE_LIMITED, "not now")

    room = open_room(name, before_call=refuse)
    with pytest.raises(MarketError, match="not now"):
        ask(room, method)
    assert room.server.asked == []


def test_a_batch_takes_leave_for_every_credit_and_asks_for_what_it_got(open_room):
    left = [1, 1]

    def spend(cost: int) -> None:
        if not left:
            raise MarketError(MarketProblem.RATE_LIMITED, "not now")
        left.pop()

    room = open_room("twelvedata", before_call=spend)
    assert list(room.provider.quotes(["SPY", "AAPL", "BRK.B"], AT)) == ["SPY", "AAPL"]
    assert room.server.asked[0].query["symbol"] == "SPY,AAPL"
    with pytest.raises(MarketError, match="not now"):
        room.provider.quotes(["BRK.B"], AT)


@pytest.mark.parametrize("name", NETWORK)
@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_no_key_ever_appears_but_in_a_header(open_room, caplog, name, status):
    caplog.set_level("DEBUG")
    room = open_room(name)
    room.server.fault = faults.echoes_keys(status)
    with pytest.raises(ProviderError) as broken:
        room.provider.quote("SPY", AT)
    shown = f"{broken.value!r} {broken.value} {broken.value.context} {broken.value.__cause__!r} {caplog.text}"
    shown += "".join(f"{asked.url}" for asked in room.server.asked) + repr(room.provider)
    assert KEY not in shown
    assert SECRET not in shown
    assert "***" in broken.value.message
    carried = " ".join(room.server.asked[0].headers.values())
    assert KEY in carried
    assert (SECRET in carried) == (name == "alpaca")
