"""The near chain: half a market is none, and what network providers tell of it is shared."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from optionsengine.core.enums import Right
from optionsengine.market.analysis_enums import GexState
from optionsengine.market.data import MarketError, OptionChain
from optionsengine.market.near import NearGamma, closes_get, near_get, near_read
from optionsengine.market.providers.null import NullProvider
from optionsengine.market.providers.simulated import SimulatedProvider
from optionsengine.market.selectors import provider_get
from optionsengine.market.smile import smile_of
from tests.fakes.market import AT as FAKE_AT
from tests.fakes.server import refuses
from tests.market.test_gex import AT, LATER, SPOT, TODAY, quote

SOON = date(2026, 2, 27)


def chain(*quotes, spot=SPOT, at=AT):
    return OptionChain("SPY", spot, tuple(quotes), at, "test")


def read(calls, puts):
    return near_read(chain(*calls), chain(*puts), at=AT, rate=0.04)


CALLS = (quote("C", 505), quote("C", 510, interest=4000))
PUTS = (quote("P", 495, interest=2000), quote("P", 490))


def test_gamma_of_both_sides_by_hand():
    # one contract of 1,000 with a gamma of 0.01 is 2.5 million dollars per percent: 12.5 of calls, 7.5 of puts
    found = read(CALLS, PUTS)
    assert found.gamma == NearGamma(
        5_000_000.0, GexState.POSITIVE_LOW, found.gamma.zero_gamma, Decimal(510), Decimal(495)
    )
    assert (found.problem, found.at, found.source) == ("", AT, "test")
    assert found.smile == smile_of((*CALLS, *PUTS), spot=SPOT, at=AT)
    turned = read([quote("C", 505)], [replace(each) for each in (quote("P", 495), quote("P", 490, interest=2000))])
    assert (turned.gamma.net_gex, turned.gamma.state) == (-5_000_000.0, GexState.NEGATIVE_LOW)


def untold(count, **what):
    return [quote("P", 490 - number, **what) for number in range(count)]


@pytest.mark.parametrize(
    ("calls", "puts", "problem"),
    [
        (CALLS, (), "no puts are listed"),
        ((), PUTS, "no calls are listed"),
        (CALLS, untold(2, gamma=None), "0 of 2 puts tell gamma and open interest"),
        (CALLS, [*PUTS, *untold(3, interest=None)], "2 of 5 puts tell gamma and open interest"),
        (untold(1, gamma=None), PUTS, "0 of 1 calls tell gamma and open interest"),
        ((*CALLS, quote("C", 505, expiration=SOON)), PUTS, "calls and puts are told for different expirations"),
        (CALLS, (*PUTS, quote("P", 495, expiration=SOON)), "calls and puts are told for different expirations"),
        ((quote("C", 505, expiration=TODAY),), (quote("P", 495, expiration=TODAY),), ""),
    ],
)
def test_half_a_market_is_no_gamma_and_says_why(calls, puts, problem):
    found = read(calls, puts)
    assert (found.problem, found.gamma is None) == (problem, problem != "")


@pytest.mark.parametrize(("missing", "known"), [(1, True), (2, True), (3, False)])
def test_half_of_each_side_must_tell(missing, known):
    assert (read(CALLS, [*PUTS, *untold(missing, gamma=None)]).gamma is not None) == known


def test_expired_contracts_are_no_exposure():
    late = AT + timedelta(hours=8)
    calls, puts = (chain(quote(right, 500, expiration=TODAY), at=late) for right in "CP")
    found = near_read(calls, puts, at=late, rate=0.04)
    assert (found.gamma, found.problem) == (None, "every contract has expired")


def test_the_simulated_market_tells_both_sides_up_to_forty_five_days():
    provider, at = SimulatedProvider(seed=7, always_open=False), datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
    found = near_get(provider, "SPY", at=at, rate=0.04)
    calls, puts = (provider.chain("SPY", at, 0, 45, right) for right in Right)
    assert found == near_read(calls, puts, at=at, rate=0.04)
    assert (found.problem, found.source) == ("", "simulated")
    assert len(closes_get(provider, "SPY", at=at)) == 62


def test_nobody_to_ask_is_an_error():
    with pytest.raises(MarketError):
        near_get(NullProvider(), "SPY", at=AT, rate=0.04)
    with pytest.raises(MarketError):
        closes_get(NullProvider(), "SPY", at=AT)


def near(seconds=0):
    return near_get(provider_get(), "SPY", at=FAKE_AT + timedelta(seconds=seconds), rate=0.04)


@pytest.mark.django_db(transaction=True)
def test_a_network_market_is_asked_every_five_minutes_for_all(feeds):
    found = near()
    assert (found.problem, found.source) == ("", "alpaca")
    assert found.gamma.net_gex == 0.0  # its calls and puts are alike
    asked = feeds.asked()["alpaca"]
    assert asked > 1
    assert near(299) == found
    assert feeds.asked() == {}
    assert near(300) == found
    assert feeds.asked() == {"alpaca": asked}


@pytest.mark.django_db(transaction=True)
def test_a_provider_that_charges_by_the_contract_is_not_asked_for_long_chains(feeds):
    feeds.break_all(refuses(500), "alpaca")
    with pytest.raises(MarketError, match="alpaca: its server failed"):
        near()
    assert set(feeds.asked()) == {"alpaca"}
    assert provider_get().chain("SPY", FAKE_AT, 0, 45, Right.CALL).source == "marketdata"


@pytest.mark.django_db(transaction=True)
def test_daily_closes_are_asked_for_once_an_hour(feeds):
    def closes(seconds):
        return closes_get(provider_get(), "SPY", at=FAKE_AT + timedelta(seconds=seconds))

    found = closes(0)
    assert len(found) == 5  # the fake market's sessions before today
    assert closes(3599) == found
    assert feeds.asked() == {"alpaca": 1}
    assert closes(3600) == found
    assert feeds.asked() == {"alpaca": 1}


def test_the_window_of_the_tests_reaches_the_later_expiration():
    assert 0 < (LATER - AT.date()).days < 45
