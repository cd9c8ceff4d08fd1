"""The configured providers as one market, over real sockets: order, limits, breakers, trust, and what is shared."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.conf import settings as configured
from django.db import ProgrammingError, connection
from django.db.models import F

from optionsengine.core.enums import Right
from optionsengine.core.values import OptionContract
from optionsengine.market.asking import asking_for_exits
from optionsengine.market.data import MarketError
from optionsengine.market.enums import MarketProblem
from optionsengine.market.models import ProviderLimit, StoredBar
from optionsengine.market.patience import patience
from optionsengine.market.selectors import provider_get
from optionsengine.ops.breakers import BreakerState, breaker_fail, breakers_list
from optionsengine.ops.models import Alert, CircuitBreaker
from tests.fakes.market import AT, NEAR
from tests.fakes.server import refuses, sends

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = ("alpaca", "twelvedata", "marketdata")


def quote(symbol="SPY", after=0):
    """A quote asked for `after` seconds; more than its lifetime apart, each is fetched anew."""
    return provider_get().quote(symbol, AT + timedelta(seconds=after))


def refused(ask):
    with pytest.raises(MarketError) as failed:
        ask()
    return failed.value


def breaker(name):
    return next(((view.state, view.failures) for view in breakers_list() if view.name == f"market:{name}"), None)


def test_the_first_in_order_is_asked_and_named(feeds):
    found = quote()
    assert (found.source, found.bid, found.ask) == ("alpaca", Decimal("600.1"), Decimal("600.12"))
    assert feeds.asked() == {"alpaca": 1}
    feeds.settings.MARKET_DATA_PROVIDERS = ["marketdata", "alpaca"]
    assert quote("AAPL").source == "marketdata"
    assert feeds.asked() == {"marketdata": 1}


def test_what_one_cannot_give_the_next_does(feeds):
    feeds.break_all(refuses(500), "alpaca")
    found = quote()
    assert (found.source, found.bid, found.ask, found.last) == ("twelvedata", None, None, Decimal("600.11"))
    assert feeds.asked() == {"alpaca": 1, "twelvedata": 1}
    chain = provider_get().chain("SPY", AT, 20, 60, Right.CALL)
    assert (chain.source, len(chain.quotes)) == ("marketdata", 4)


def test_without_any_answer_each_reason_is_told(feeds):
    feeds.break_all(refuses(500), "alpaca", "marketdata")
    feeds.break_all(refuses(401), "twelvedata")
    error = refused(quote)
    assert error.code == MarketProblem.UNAVAILABLE
    for told in ("alpaca: its server failed", "twelvedata: it does not know this key", "marketdata: its server failed"):
        assert told in error.message
    assert "alpaca-secret" not in error.message


def test_a_provider_is_not_asked_after_five_failures_in_a_row(feeds):
    feeds.break_all(refuses(500), "alpaca")
    for number in range(5):
        assert breaker("alpaca") == (None if number == 0 else (BreakerState.CLOSED, number))
        assert quote(after=60 * number).source == "twelvedata"
    assert feeds.asked()["alpaca"] == 5
    assert breaker("alpaca") == (BreakerState.OPEN, 5)
    assert quote(after=400).source == "twelvedata"
    assert "alpaca" not in feeds.asked()
    feeds.break_all(None)
    CircuitBreaker.objects.update(retry_at=F("retry_at") - timedelta(seconds=60))
    assert quote(after=500).source == "alpaca"
    assert breaker("alpaca") == (BreakerState.CLOSED, 0)
    assert Alert.objects.get(cause="breaker:market:alpaca").resolved_at is not None


def test_a_provider_that_forbids_is_left_alone_for_half_an_hour(feeds):
    feeds.break_all(refuses(403), "alpaca")
    assert quote().source == "twelvedata"
    assert breaker("alpaca") == (BreakerState.OPEN, 1)
    row = CircuitBreaker.objects.get(name="market:alpaca")
    assert (row.retry_at - row.opened_at).total_seconds() == pytest.approx(1800, abs=2)
    assert quote("AAPL").source == "twelvedata"
    assert feeds.asked()["alpaca"] == 1


def test_a_symbol_that_nobody_knows_is_no_failure(feeds):
    for number in range(6):
        assert refused(lambda number=number: quote("ZZZ", after=60 * number)).code == MarketProblem.UNAVAILABLE
    assert feeds.asked()["alpaca"] == 6
    assert [breaker(name) for name in NAMES] == [None] * 3


@pytest.mark.parametrize(("headers", "seconds"), [({"Retry_After": "30"}, 30), ({}, 60)])
def test_a_provider_that_asks_for_a_pause_gets_it(feeds, headers, seconds):
    feeds.break_all(refuses(429, **headers), "alpaca")
    assert quote().source == "twelvedata"
    feeds.break_all(None)
    assert quote(after=60).source == "twelvedata"
    assert feeds.asked()["alpaca"] == 1
    row = ProviderLimit.objects.get(name="alpaca/minute")
    row.blocked_until -= timedelta(seconds=seconds - 1)
    row.save()
    assert quote(after=120).source == "twelvedata"
    row.blocked_until -= timedelta(seconds=1)
    row.save()
    assert quote(after=180).source == "alpaca"
    assert breaker("alpaca") is None


def test_no_more_calls_than_the_limit_allows(feeds):
    feeds.limit(alpaca=(2, "minute"))
    assert [quote(after=60 * number).source for number in range(3)] == ["alpaca", "alpaca", "twelvedata"]
    assert feeds.asked() == {"alpaca": 2, "twelvedata": 1}


def test_the_limit_that_a_provider_states_is_believed(feeds):
    feeds.limit(alpaca=(200, "minute"))
    feeds.servers["alpaca"].provider.rate = {"X-RateLimit-Limit": "200", "X-RateLimit-Remaining": "0"}
    assert quote().source == "alpaca"
    assert quote(after=60).source == "twelvedata"


def test_what_stops_entries_never_stops_the_prices_of_exits(feeds):
    feeds.limit(alpaca=(2, "minute"))
    feeds.break_all(refuses(500), "twelvedata", "marketdata")
    breaker_fail("market:alpaca", error="forbidden", at=AT, open_seconds=1800)
    for number in range(1, 5):  # past an open breaker, then past a limit that is used up
        assert refused(lambda number=number: quote(after=120 * number)).code == MarketProblem.UNAVAILABLE
        with asking_for_exits():  # within the two seconds for which others share the failure
            assert quote(after=120 * number + 1).source == "alpaca"
        breaker_fail("market:alpaca", error="forbidden", at=AT, open_seconds=1800)


def test_an_exit_asks_whoever_answers_before_one_that_is_left_alone(feeds):
    breaker_fail("market:alpaca", error="hangs", at=AT, open_seconds=1800)
    with asking_for_exits():
        assert quote().source == "twelvedata"
    assert "alpaca" not in feeds.asked()


def test_a_pause_that_a_provider_asks_for_holds_for_exits_too(feeds):
    feeds.break_all(refuses(429, Retry_After="3600"), "alpaca")
    feeds.break_all(refuses(500), "twelvedata", "marketdata")
    with asking_for_exits():
        for number in range(3):
            refused(lambda number=number: quote(after=60 * number))
    assert feeds.asked()["alpaca"] == 1


def test_our_own_database_does_not_count_against_a_provider(feeds):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE provider_limits RENAME TO hidden")
    try:
        with pytest.raises(ProgrammingError):
            quote()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE hidden RENAME TO provider_limits")
    assert breaker("alpaca") is None


def test_when_there_is_no_time_left_nobody_is_asked(feeds):
    with patience(0.4):
        error = refused(quote)
    assert "there was no time left to ask" in error.message
    assert feeds.asked() == {}


def test_yesterdays_price_says_nothing_against_todays(feeds):
    before_the_open = AT.replace(hour=13)
    feeds.price("SPY", "600", "alpaca", at=before_the_open - timedelta(hours=16))
    assert provider_get().quote("SPY", before_the_open).mid == 600
    feeds.price("SPY", "900", "alpaca", at=AT)
    assert quote().mid == 900


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"at": AT - timedelta(seconds=3601)}, "no contract of SPY has a fresh two-sided quote"),
        ({"bid": Decimal(0)}, "no contract of SPY has a fresh two-sided quote"),
    ],
)
def test_a_chain_without_one_usable_quote_gives_way(feeds, change, told):
    provider = feeds.servers["alpaca"].provider
    provider.market = replace(
        provider.market,
        options={contract: replace(listed, **change) for contract, listed in provider.market.options.items()},
    )
    assert provider_get().chain("SPY", AT, 20, 60, Right.CALL).source == "marketdata"
    feeds.break_all(refuses(500), "marketdata")
    error = refused(lambda: provider_get().chain("SPY", AT + timedelta(seconds=61), 20, 60, Right.CALL))
    assert f"alpaca: {told}" in error.message


def test_a_chain_at_a_price_that_jumped_gives_way(feeds):
    quote()
    feeds.price("SPY", "60000", "alpaca")
    assert provider_get().chain("SPY", AT, 20, 60, Right.CALL).source == "marketdata"


def test_a_chain_is_priced_by_the_book_and_not_by_an_old_trade(feeds):
    provider = feeds.servers["alpaca"].provider
    stock = replace(provider.market.stocks["SPY"], last=Decimal(500))
    provider.market = replace(provider.market, stocks=provider.market.stocks | {"SPY": stock})
    assert provider_get().chain("SPY", AT, 20, 60, Right.CALL).spot == Decimal("600.11")


def test_one_that_is_old_or_crossed_gives_way_and_is_used_where_there_is_no_better_one(feeds):
    old = AT - timedelta(seconds=3601)
    feeds.price("SPY", "600", "alpaca", at=old)
    assert quote().source == "twelvedata"
    feeds.break_all(refuses(500), "twelvedata", "marketdata")
    found = quote(after=60)
    assert (found.source, found.at.replace(microsecond=0)) == ("alpaca", old)


@pytest.mark.parametrize(
    ("alpaca", "twelvedata", "expected"),
    [("700", "600", "alpaca"), ("60000", "60001", "alpaca"), ("60000", "601", "twelvedata"), ("60000", None, None)],
)
def test_a_jump_needs_a_second_provider(feeds, alpaca, twelvedata, expected):
    quote()
    feeds.price("SPY", alpaca, "alpaca")
    feeds.break_all(refuses(500), "marketdata")
    if twelvedata is None:
        feeds.break_all(refuses(500), "twelvedata")
        error = refused(lambda: quote(after=60))
        assert error.code == MarketProblem.PRICE_JUMP
        assert "is more than 20 % from 600.11" in error.message
    else:
        feeds.price("SPY", twelvedata, "twelvedata")
        assert quote(after=60).source == expected


def test_missing_greeks_are_worked_out_and_say_so(feeds):
    market = feeds.servers["alpaca"].provider.market
    without = {
        contract: replace(listed, iv=None, delta=None, gamma=None, theta=None, vega=None)
        for contract, listed in market.options.items()
    }
    feeds.servers["alpaca"].provider.market = replace(market, options=without)
    chain = provider_get().chain("SPY", AT, 20, 40, Right.CALL)
    assert {each.greeks_source for each in chain.quotes} == {"computed"}
    assert all(0.05 < each.iv < 1 and 0 < each.delta < 1 and each.theta < 0 < each.vega for each in chain.quotes)
    feeds.servers["alpaca"].provider.market = market
    given = provider_get().chain("SPY", AT + timedelta(seconds=61), 20, 40, Right.CALL)
    assert {(each.iv, each.greeks_source) for each in given.quotes} == {(0.1834, "alpaca")}


def test_options_are_asked_for_together_and_what_one_lacks_the_next_is_asked_for(feeds):
    contracts = [OptionContract("SPY", NEAR, right, Decimal(595)) for right in Right]
    found = provider_get().option_quotes(contracts, AT)
    assert {each.source for each in found.values()} == {"alpaca"}
    assert set(found) == set(contracts)
    market = feeds.servers["alpaca"].provider.market
    less = {contract: listed for contract, listed in market.options.items() if contract != contracts[0]}
    feeds.servers["alpaca"].provider.market = replace(market, options=less)
    found = provider_get().option_quotes(contracts, AT + timedelta(seconds=31))
    assert {contract.right: each.source for contract, each in found.items()} == {
        Right.CALL: "marketdata",
        Right.PUT: "alpaca",
    }


def test_bars_are_kept_and_replayed(feeds, settings):
    bars = provider_get().bars("SPY", "5m", 20, AT)
    assert StoredBar.objects.count() == len(bars) == 20
    provider_get().bars("SPY", "5m", 20, AT + timedelta(seconds=61))
    assert StoredBar.objects.count() == 20
    settings.MARKET_DATA_PROVIDERS = ["replay"]
    assert provider_get().bars("SPY", "5m", 20, AT) == bars
    assert provider_get().quote("SPY", AT).last == bars[-1].close


def test_a_longer_series_fills_what_is_missing_before_and_within(feeds):
    provider_get().bars("SPY", "5m", 5, AT)
    bars = provider_get().bars("SPY", "5m", 20, AT)
    assert StoredBar.objects.count() == 20
    StoredBar.objects.filter(at=bars[10].at).delete()
    provider_get().bars("SPY", "5m", 20, AT + timedelta(seconds=61))
    assert set(StoredBar.objects.values_list("at", flat=True)) == {bar.at for bar in bars}


@pytest.mark.parametrize(
    "body", [b"", b"<html>busy</html>", b'{"SPY": NaN}', b"[1, 2", b"null"], ids=["empty", "page", "nan", "cut", "null"]
)
def test_garbage_is_never_a_price(feeds, body):
    feeds.break_all(sends(body))
    assert refused(quote).code == MarketProblem.UNAVAILABLE
    assert [breaker(name) for name in NAMES] == [(BreakerState.CLOSED, 1)] * 3


def test_fifty_waiting_signals_make_one_call(feeds):
    def one(number):
        try:
            return quote(after=number / 100)
        finally:
            connection.close()

    with ThreadPoolExecutor(50) as threads:
        assert {found.source for found in threads.map(one, range(50))} == {"alpaca"}
    assert feeds.asked() == {"alpaca": 1}


_ASK = """
import django
django.setup()
from tests.fakes.market import AT
from optionsengine.market.selectors import provider_get
print(provider_get().quote("SPY", AT))
"""


def test_other_processes_are_given_the_same_answer(feeds):
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "optionsengine.settings.base",
        "DATABASE_NAME": connection.settings_dict["NAME"],
        "DEBUG": "true",  # a provider's address inside the network is refused without it
        **feeds.environment,
        "MARKET_DATA_PROVIDERS": ",".join(NAMES),
    }
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _ASK],
            cwd=configured.BASE_DIR,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    said = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0] * 3, said
    assert {out for out, _ in said} == {f"{quote()}\n"}
    assert feeds.asked() == {"alpaca": 1}
