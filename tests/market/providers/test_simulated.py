"""The simulated market: one market for all processes, in which prices behave."""

import math
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby, pairwise
from statistics import pstdev

import pytest

from optionsengine.core.enums import Right
from optionsengine.core.values import OptionContract
from optionsengine.market import calendar
from optionsengine.market.data import OptionQuote
from optionsengine.market.pricing import implied_volatility
from optionsengine.market.providers.simulated import SimulatedProvider
from optionsengine.market.providers.simulated_options import RATE
from optionsengine.market.providers.simulated_symbols import profile_for

AT = datetime(2026, 2, 18, 15, 30, 20, tzinfo=UTC)
MARKET = SimulatedProvider(seed=1, always_open=False)
CLOCK_ROUND = SimulatedProvider(seed=1, always_open=True)
FUNDS = ("SPY", "QQQ", "IWM")
LARGE = ("AAPL", "MSFT", "NVDA", "TSLA", "AMZN", "META")
DAYS = [date(2026, 1, 6), date(2026, 2, 18), date(2026, 4, 23), date(2026, 7, 15), date(2026, 10, 30)]


def noon(day: date) -> datetime:
    open_at, close_at = calendar.session_bounds(day)
    return open_at + (close_at - open_at) / 2


FINGERPRINT = """
import hashlib
from datetime import UTC, datetime
from optionsengine.core.enums import Right
from optionsengine.market.providers.simulated import SimulatedProvider

def fingerprint(seed, always_open):
    market, at = SimulatedProvider(seed=seed, always_open=always_open), datetime(2026, 2, 18, 15, 30, 20, tzinfo=UTC)
    seen = [market.quote("SPY", at), market.bars("TSLA", "1h", 30, at), market.chain("QQQ", at, 3, 14, Right.PUT)]
    return hashlib.sha256(repr(seen).encode()).hexdigest()
"""


@pytest.mark.parametrize("always_open", [False, True])
def test_two_processes_see_one_market(always_open):
    ours: dict[str, object] = {}
    exec(FINGERPRINT, ours)
    code = f"{FINGERPRINT}\nprint(fingerprint(1, {always_open}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ours["fingerprint"](1, always_open)
    assert done.stdout.strip() != ours["fingerprint"](2, always_open)


def test_the_order_of_questions_does_not_matter():
    first = SimulatedProvider(seed=9, always_open=False)
    later = first.quote("AMD", AT + timedelta(days=30))
    now = first.quote("AMD", AT)
    second = SimulatedProvider(seed=9, always_open=False)
    assert (second.quote("AMD", AT), second.quote("AMD", AT + timedelta(days=30))) == (now, later)


def test_symbols_move_on_their_own():
    def moves(symbol: str) -> list[float]:
        closes = [float(bar.close) for bar in MARKET.bars(symbol, "1d", 250, AT)]
        return [math.log(after / before) for before, after in pairwise(closes)]

    spy, qqq = moves("SPY"), moves("QQQ")
    together = sum(a * b for a, b in zip(spy, qqq, strict=True)) / (len(spy) * pstdev(spy) * pstdev(qqq))
    assert abs(together) < 0.25


@pytest.mark.parametrize("market", [MARKET, CLOCK_ROUND], ids=["sessions", "always-open"])
@pytest.mark.parametrize("symbol", ["SPY", "TSLA", "ZZZZ"])
def test_daily_moves_match_the_volatility_and_stay_near_the_level(market, symbol):
    profile = profile_for(symbol)
    bars = market.bars(symbol, "1d", 750, AT)
    closes = [math.log(float(bar.close) / profile.price) for bar in bars]
    annual = pstdev(after - before for before, after in pairwise(closes)) * math.sqrt(252)
    assert 0.75 * profile.volatility < annual < 1.35 * profile.volatility
    assert max(abs(close) for close in closes) < 1.3 * profile.volatility
    span = sum(float((bar.high - bar.low) / bar.close) for bar in bars) / len(bars) * math.sqrt(252)
    assert 1.2 * profile.volatility < span < 2.2 * profile.volatility


def test_the_opening_gap_is_small():
    bars = MARKET.bars("SPY", "1d", 250, AT)
    gaps = [float(after.open / before.close) - 1 for before, after in pairwise(bars)]
    assert 0.001 < pstdev(gaps) < 0.005
    assert max(map(abs, gaps)) < 0.015


def test_an_always_open_market_has_no_gap_at_midnight():
    midnight = datetime(2026, 2, 19, tzinfo=UTC)
    before = CLOCK_ROUND.quote("SPY", midnight - timedelta(seconds=1)).last
    assert abs(CLOCK_ROUND.quote("SPY", midnight).last - before) <= Decimal("0.30")


@pytest.mark.parametrize("timeframe", ["15m", "1h", "4h", "1d"])
def test_longer_bars_are_made_of_the_short_ones(timeframe):
    close_at = calendar.session_bounds(date(2026, 2, 18))[1]
    short = MARKET.bars("SPY", "5m", 78, close_at)
    starts = [bar.at for bar in MARKET.bars("SPY", timeframe, 78, close_at) if bar.at >= short[0].at]
    expected = []
    for start, group in groupby(short, lambda bar: max(at for at in starts if at <= bar.at)):
        parts = list(group)
        prices = (parts[0].open, max(p.high for p in parts), min(p.low for p in parts), parts[-1].close)
        expected.append((start, *prices, sum(p.volume for p in parts)))
    longer = MARKET.bars("SPY", timeframe, len(starts), close_at)
    assert [(b.at, b.open, b.high, b.low, b.close, b.volume) for b in longer] == expected


@pytest.mark.parametrize(
    ("at", "timeframe", "last"),
    [
        ("2026-02-18T14:34:59.999999", "5m", "2026-02-17T20:55"),
        ("2026-02-18T14:35:00", "5m", "2026-02-18T14:30"),
        ("2026-02-18T15:29:59", "1h", "2026-02-17T20:30"),
        ("2026-02-18T15:30:00", "1h", "2026-02-18T14:30"),
        ("2026-02-18T18:29:59", "4h", "2026-02-17T18:30"),
        ("2026-02-18T18:30:00", "4h", "2026-02-18T14:30"),
        ("2026-02-18T20:59:59", "1h", "2026-02-18T19:30"),
        ("2026-02-18T21:00:00", "1h", "2026-02-18T20:30"),  # half an hour long
        ("2026-02-18T20:59:59", "1d", "2026-02-17T14:30"),
        ("2026-02-18T21:00:00", "1d", "2026-02-18T14:30"),
    ],
)
def test_a_bar_is_there_from_the_moment_it_ends(at, timeframe, last):
    at, last = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (at, last))
    assert MARKET.bars("SPY", timeframe, 5, at)[-1].at == last


def test_a_half_day_has_half_the_bars():
    open_at, close_at = calendar.session_bounds(date(2026, 11, 27))
    bars = [bar for bar in MARKET.bars("SPY", "5m", 78, close_at) if bar.at >= open_at]
    assert len(bars) == 42
    hours = [bar.at for bar in MARKET.bars("SPY", "1h", 10, close_at) if bar.at >= open_at]
    assert hours == [open_at + timedelta(hours=n) for n in range(4)]  # the last of them is half an hour


def test_every_quote_lies_within_its_bar():
    open_at, _ = calendar.session_bounds(date(2026, 2, 18))
    (bar,) = MARKET.bars("SPY", "5m", 1, open_at + timedelta(minutes=65))
    lasts = [MARKET.quote("SPY", bar.at + timedelta(seconds=second)).last for second in range(301)]
    assert (lasts[0], lasts[-1]) == (bar.open, bar.close)
    assert (min(lasts), max(lasts)) == (bar.low, bar.high)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("2026-02-20T20:59:59", "2026-02-20T20:59:59"),
        ("2026-02-20T21:00:00", "2026-02-20T21:00:00"),
        ("2026-02-20T23:00:00", "2026-02-20T21:00:00"),
        ("2026-02-22T15:00:00", "2026-02-20T21:00:00"),
        ("2026-02-23T14:29:59", "2026-02-20T21:00:00"),
        ("2026-02-23T14:30:00", "2026-02-23T14:30:00"),
    ],
)
def test_outside_the_session_the_last_quote_is_repeated_with_its_time(asked, answered):
    at, moment = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (asked, answered))
    quote = MARKET.quote("SPY", at)
    assert quote == MARKET.quote("SPY", moment)
    assert quote.at == moment
    contract = OptionContract("SPY", date(2026, 3, 20), Right.PUT, Decimal(580))
    option = MARKET.option_quotes([contract], at)[contract]
    assert option == MARKET.option_quotes([contract], moment)[contract]
    assert option.at == moment
    assert CLOCK_ROUND.quote("SPY", at).at == at
    assert CLOCK_ROUND.option_quotes([contract], at)[contract].at == at


def test_the_official_close_is_the_close_of_the_days_bar():
    for day in (date(2026, 2, 18), date(2026, 11, 27)):
        (bar,) = MARKET.bars("SPY", "1d", 1, calendar.session_bounds(day)[1])
        assert MARKET.official_close("SPY", day) == bar.close


def by_expiration(quotes: tuple[OptionQuote, ...]) -> list[list[OptionQuote]]:
    return [list(group) for _, group in groupby(quotes, lambda quote: quote.contract.expiration)]


@pytest.mark.parametrize("symbol", ["SPY", "TSLA", "ZZZZ"])
@pytest.mark.parametrize("day", DAYS)
def test_prices_are_monotone_in_the_strike_and_worth_at_least_their_exercise(symbol, day):
    at = noon(day)
    tick = Decimal("0.05")
    for right, sign in ((Right.CALL, -1), (Right.PUT, 1)):
        chain = MARKET.chain(symbol, at, 0, 1000, right)
        for quotes in by_expiration(chain.quotes):
            for lower, higher in pairwise(quotes):
                assert sign * (higher.mid - lower.mid) >= -tick
        for quote in chain.quotes:
            assert quote.ask + tick >= quote.contract.intrinsic(chain.spot)
            assert quote.bid < chain.spot if right == Right.CALL else quote.bid < quote.contract.strike


@pytest.mark.parametrize("symbol", ["SPY", "TSLA", "ZZZZ"])
@pytest.mark.parametrize("day", DAYS)
def test_calls_and_puts_respect_the_parity_of_american_options(symbol, day):
    """Hull, properties of stock options: S·e^(-qT) - K <= C - P <= S - K·e^(-rT), here within the quoted spreads."""
    at = noon(day)
    calls, puts = (MARKET.chain(symbol, at, 0, 1000, right) for right in Right)
    spot, dividend_yield = float(calls.spot), profile_for(symbol).dividend_yield
    for call, put in zip(calls.quotes, puts.quotes, strict=True):
        years = calendar.dte(call.contract.expiration, at) / 365
        strike = float(call.contract.strike)
        assert float(call.ask - put.bid) >= spot * math.exp(-dividend_yield * years) - strike - 0.02
        assert float(call.bid - put.ask) <= spot - strike * math.exp(-RATE * years) + 0.02
        if years < 0.15 and abs(strike / spot - 1) < 0.02:
            forward = spot * math.exp(-dividend_yield * years) - strike * math.exp(-RATE * years)
            spreads = float(call.ask - call.bid + put.ask - put.bid) / 2
            assert float(call.mid - put.mid) == pytest.approx(forward, abs=spreads + 0.02)


@pytest.mark.parametrize("symbol", ["SPY", "NVDA", "ZZZZ"])
def test_greeks_have_their_signs_and_the_quoted_volatility_its_price(symbol):
    for right, sign in ((Right.CALL, 1), (Right.PUT, -1)):
        chain = MARKET.chain(symbol, AT, 1, 200, right)
        for quote in chain.quotes:
            assert 0 <= sign * quote.delta <= 1
            assert quote.gamma >= 0
            assert quote.vega >= 0
            out_of_the_money = sign * (quote.contract.strike - chain.spot) > 0
            if out_of_the_money and quote.mid > 1:
                assert quote.theta < 0
                implied = implied_volatility(
                    price=float(quote.mid),
                    spot=float(chain.spot),
                    strike=float(quote.contract.strike),
                    years=calendar.dte(quote.contract.expiration, AT) / 365,
                    rate=RATE,
                    dividend_yield=profile_for(symbol).dividend_yield,
                    is_call=right == Right.CALL,
                )
                miss_in_dollars = abs(float(implied) - quote.iv) * 100 * quote.vega
                assert miss_in_dollars <= float(quote.ask - quote.bid) / 2 + 0.02


@pytest.mark.parametrize("symbol", [*FUNDS, *LARGE])
def test_puts_are_dearer_in_volatility_than_calls_and_the_term_structure_is_smooth(symbol):
    def wing(right: Right) -> list[OptionQuote]:
        nearest = []
        for quotes in by_expiration(MARKET.chain(symbol, AT, 14, 365, right).quotes):
            nearest.append(min(quotes, key=lambda quote: abs(abs(quote.delta) - 0.25)))
        return nearest

    calls, puts = wing(Right.CALL), wing(Right.PUT)
    assert all(put.iv > call.iv for call, put in zip(calls, puts, strict=True))
    assert all(abs(after.iv / before.iv - 1) < 0.15 for before, after in pairwise(calls))


GATES = {  # days to expiry, spread in percent, open interest, volume, absolute delta
    "SCALP_GUARDED": ((3, 14), 8, 1000, 500, (0.45, 0.65)),
    "SWING": ((21, 90), 12, 300, 100, (0.25, 0.40)),
    "POSITION": ((90, 180), 15, 300, 100, (0.20, 0.35)),
    "LEAPS": ((180, 720), 10, 200, 50, (0.15, 0.30)),
}


@pytest.mark.parametrize("setup", GATES)
@pytest.mark.parametrize("symbol", [*FUNDS, *LARGE])
def test_liquidity_gates_find_candidates_on_index_funds_and_large_names(symbol, setup):
    (nearest, farthest), spread, interest, volume, (low, high) = GATES[setup]
    for day in DAYS:
        for right in Right:
            chain = MARKET.chain(symbol, noon(day), nearest, farthest, right)
            fit = [
                quote
                for quote in chain.quotes
                if quote.spread_percent <= spread
                and quote.open_interest >= interest
                and quote.volume >= volume
                and low <= abs(quote.delta) <= high
            ]
            assert fit, (day, right)


def test_index_funds_are_tighter_than_names_and_the_money_than_the_wings():
    def spreads(symbol: str) -> tuple[Decimal, Decimal]:
        chain = MARKET.chain(symbol, AT, 21, 40, Right.CALL)
        ordered = sorted(chain.quotes, key=lambda quote: abs(quote.contract.strike - chain.spot))
        wings = [quote for quote in ordered if 0.02 < quote.delta < 0.1]
        return ordered[0].spread_percent, sum(quote.spread_percent for quote in wings) / len(wings)

    near_fund, far_fund = spreads("SPY")
    near_name, far_name = spreads("TSLA")
    near_other, far_other = spreads("ZZZZ")
    assert near_fund < near_name < near_other
    assert near_fund < far_fund
    assert near_name < far_name
    assert near_other < far_other


def test_dear_contracts_of_ordinary_names_tick_in_nickels():
    quotes = MARKET.chain("ZZZA", AT, 0, 400, Right.CALL).quotes
    dear = [quote for quote in quotes if quote.bid >= 4]
    assert dear
    assert all(price % Decimal("0.05") == 0 for quote in dear for price in (quote.bid, quote.ask))


def test_listed_strikes_and_what_is_known_of_a_contract_stay_the_same_through_a_day():
    open_at, close_at = calendar.session_bounds(date(2026, 2, 18))
    first, last = (
        MARKET.chain("SPY", at, 21, 40, Right.CALL).quotes for at in (open_at, close_at - timedelta(minutes=1))
    )
    stable = [[(quote.contract, quote.open_interest, quote.volume) for quote in quotes] for quotes in (first, last)]
    assert stable[0] == stable[1]
    assert [quote.mid for quote in first] != [quote.mid for quote in last]


def test_a_held_contract_is_quoted_until_it_expires_however_far_the_price_has_gone():
    contract = OptionContract("SPY", date(2026, 3, 20), Right.CALL, Decimal(760))
    expiry = calendar.expiry_at(contract.expiration)
    for at in (AT, expiry - timedelta(days=2), expiry - timedelta(seconds=1)):
        quote = MARKET.option_quotes([contract], at)[contract]
        assert (quote.bid, quote.ask) >= (Decimal("0.01"), Decimal("0.02"))
    assert MARKET.option_quotes([contract], expiry) == {}


def test_on_its_last_minute_an_option_is_worth_its_exercise():
    day = date(2026, 2, 18)
    at = calendar.session_bounds(day)[1] - timedelta(seconds=15)
    chain = MARKET.chain("SPY", at, 0, 1, Right.CALL)
    deep = [
        quote for quote in chain.quotes if quote.contract.expiration == day and quote.contract.strike < chain.spot - 20
    ]
    assert deep
    for quote in deep:
        assert quote.bid <= quote.contract.intrinsic(chain.spot) + Decimal("0.01")
        assert quote.ask >= quote.contract.intrinsic(chain.spot) - Decimal("0.01")


def test_stops_and_targets_on_short_dated_options_are_reached_within_a_day_sometimes():
    days = calendar.sessions_between(date(2026, 1, 5), date(2026, 4, 30))
    lost = won = 0
    for day in days:
        open_at, _ = calendar.session_bounds(day)
        chain = MARKET.chain("SPY", open_at, 3, 8, Right.CALL)
        held = min(chain.quotes, key=lambda quote: (quote.contract.expiration, abs(quote.delta - 0.5)))
        marks = [
            MARKET.option_quotes([held.contract], open_at + timedelta(minutes=minutes))[held.contract].mid
            for minutes in range(0, 390, 30)
        ]
        lost += min(marks) <= held.mid / 2
        won += max(marks) >= held.mid * Decimal("1.5")
    assert 0.03 * len(days) <= lost <= 0.5 * len(days)
    assert 0.03 * len(days) <= won <= 0.5 * len(days)
