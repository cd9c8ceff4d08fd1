"""Gamma exposure against chains worked out by hand, and the zero-gamma level against pricing the chain there."""

from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optionsengine.core.canonical import canonical_json
from optionsengine.core.enums import Right
from optionsengine.core.values import OptionContract
from optionsengine.market import calendar
from optionsengine.market.analysis_enums import DealerPosition, GammaSign, GexState
from optionsengine.market.data import OptionQuote
from optionsengine.market.gex import StrikeGex, gex_of, zero_gamma_level
from optionsengine.market.pricing import value_options
from optionsengine.market.providers.simulated import SimulatedProvider

AT = datetime(2026, 2, 20, 15, 0, tzinfo=UTC)
TODAY, LATER = date(2026, 2, 20), date(2026, 3, 20)
RATES = {"rate": 0.04, "dividend_yield": 0.01}
SPOT = Decimal(500)


def quote(right, strike, gamma=0.01, interest=1000, expiration=LATER, iv=0.2):
    contract = OptionContract("SPY", expiration, Right(right), Decimal(str(strike)))
    return OptionQuote(
        contract=contract,
        bid=Decimal("1.00"),
        ask=Decimal("1.10"),
        bid_size=10,
        ask_size=10,
        iv=iv,
        delta=0.5,
        gamma=gamma,
        theta=-0.1,
        vega=0.2,
        open_interest=interest,
        volume=1,
        at=AT,
        source="test",
    )


def read(quotes, spot=SPOT, at=AT):
    return gex_of(quotes, spot=spot, at=at, **RATES)


def test_a_chain_by_hand():
    # one contract of 1,000 with a gamma of 0.01: 0.01 · 1000 · 100 · 500² · 0.01 = 2.5 million dollars per percent
    found = read(
        [
            quote("C", 505, gamma=0.02),
            quote("C", 505, gamma=0.01, expiration=TODAY),
            quote("C", 510, interest=4000),
            quote("P", 505, gamma=0.004),
            quote("P", 495, interest=2500),
            quote("P", 490, interest=2000, expiration=TODAY),
        ]
    )
    assert found.strikes == (
        StrikeGex(Decimal(490), 0.0, -5_000_000.0, -5_000_000.0),
        StrikeGex(Decimal(495), 0.0, -6_250_000.0, -6_250_000.0),
        StrikeGex(Decimal(505), 7_500_000.0, -1_000_000.0, 6_500_000.0),
        StrikeGex(Decimal(510), 10_000_000.0, 0.0, 10_000_000.0),
    )
    assert (found.call_gex, found.put_gex) == (17_500_000.0, -12_250_000.0)
    assert (found.net_gex, found.total_gex) == (5_250_000.0, 29_750_000.0)
    assert (found.call_wall, found.put_wall) == (Decimal(510), Decimal(495))
    assert found.zero_dte_gamma_ratio == round(7_500_000 / 29_750_000, 6)
    assert (found.dealer_position, found.gamma_environment) == (DealerPosition.LONG_GAMMA, GammaSign.NEUTRAL)
    assert found.state is GexState.POSITIVE_LOW
    assert (found.contracts, found.spot, found.at) == (6, SPOT, AT)


@pytest.mark.parametrize(
    ("net", "environment", "state", "dealers"),
    [
        (1e8, GammaSign.NEUTRAL, GexState.POSITIVE_LOW, DealerPosition.LONG_GAMMA),
        (1e8 + 1, GammaSign.POSITIVE, GexState.POSITIVE_LOW, DealerPosition.LONG_GAMMA),
        (1e9, GammaSign.POSITIVE, GexState.POSITIVE_LOW, DealerPosition.LONG_GAMMA),
        (1e9 + 1, GammaSign.POSITIVE, GexState.POSITIVE_HIGH, DealerPosition.LONG_GAMMA),
        (-1e8, GammaSign.NEUTRAL, GexState.NEGATIVE_LOW, DealerPosition.SHORT_GAMMA),
        (-1e8 - 1, GammaSign.NEGATIVE, GexState.NEGATIVE_LOW, DealerPosition.SHORT_GAMMA),
        (-1e9, GammaSign.NEGATIVE, GexState.NEGATIVE_LOW, DealerPosition.SHORT_GAMMA),
        (-1e9 - 1, GammaSign.NEGATIVE, GexState.NEGATIVE_HIGH, DealerPosition.SHORT_GAMMA),
        (0.0, GammaSign.NEUTRAL, GexState.NEUTRAL, DealerPosition.NEUTRAL),
    ],
)
def test_thresholds(net, environment, state, dealers):
    # at 100 dollars a contract of gamma 1 is 100 · 100² · 0.01 = 10,000 dollars per percent
    found = read([quote("C" if net >= 0 else "P", 100, gamma=abs(net) / 10_000, interest=1)], spot=Decimal(100))
    assert found.net_gex == net
    assert (found.gamma_environment, found.state, found.dealer_position) == (environment, state, dealers)


def test_what_does_not_say_enough_is_left_out_and_counted():
    gone = quote("C", 500, expiration=date(2026, 2, 19))
    found = read(
        [
            quote("C", 500, iv=None),
            quote("C", 505, gamma=None),
            quote("P", 500, gamma=float("nan")),
            quote("P", 495, gamma=-0.01),
            quote("P", 490, interest=None),
            gone,
        ]
    )
    assert (found.contracts, found.without_gamma, found.without_interest, found.expired) == (1, 3, 1, 1)
    assert found.without_volatility == 1
    assert (found.net_gex, found.zero_gamma, found.distance_to_flip) == (2_500_000.0, None, None)
    assert read([gone, quote("C", 500, gamma=None), quote("C", 500, interest=None)]) is None
    assert read([]) is None


def test_contracts_of_today_count_until_their_close():
    today = quote("C", 500, expiration=TODAY)
    close = datetime(2026, 2, 20, 21, 0, tzinfo=UTC)
    assert read([today], at=close.replace(hour=20, minute=59)).zero_dte_gamma_ratio == 1.0
    assert read([today], at=close) is None
    assert read([quote("C", 500)]).zero_dte_gamma_ratio == 0.0


def test_a_chain_without_open_interest_has_no_walls_and_no_share():
    found = read([quote("C", 500, interest=0), quote("P", 500, interest=0)])
    assert (found.call_wall, found.put_wall, found.zero_dte_gamma_ratio) == (None, None, None)
    assert (found.net_gex, found.put_gex, found.state) == (0.0, 0.0, GexState.NEUTRAL)
    assert str(found.put_gex) == "0.0"


def test_of_equal_walls_the_one_nearer_the_spot():
    found = read([quote("C", 520), quote("C", 505), quote("P", 480), quote("P", 499), quote("P", 501)])
    assert (found.call_wall, found.put_wall) == (Decimal(505), Decimal(499))


def net_gamma(quotes, spot: float) -> float:
    total = 0.0
    for one in quotes:
        gamma = value_options(
            spot=spot,
            strike=float(one.contract.strike),
            years=calendar.dte(one.contract.expiration, AT) / 365,
            volatility=one.iv,
            is_call=one.contract.right == Right.CALL,
            **RATES,
        ).gamma
        total += (1 if one.contract.right == Right.CALL else -1) * float(gamma) * one.open_interest
    return total


def test_the_zero_gamma_level_of_two_strikes_is_where_their_bells_cross():
    quotes = [quote("C", 520), quote("P", 480)]
    found = read(quotes)
    assert 495 < found.zero_gamma < 505
    assert net_gamma(quotes, found.zero_gamma - 0.01) < 0 < net_gamma(quotes, found.zero_gamma + 0.01)
    assert found.distance_to_flip == pytest.approx(found.zero_gamma - 500, abs=1e-9)


def test_of_several_levels_the_one_nearest_to_the_spot():
    quotes = [quote("P", 450, iv=0.05), quote("C", 480, iv=0.05), quote("P", 510, iv=0.05), quote("C", 540, iv=0.05)]
    levels = {spot: read(quotes, spot=Decimal(spot)).zero_gamma for spot in (465, 495, 525)}
    assert 460 < levels[465] < 470
    assert 490 < levels[495] < 500
    assert 520 < levels[525] < 530


@pytest.mark.parametrize(
    "quotes",
    [
        [quote("C", 480), quote("C", 520)],
        [quote("P", 500)],
        [quote("C", 500), quote("P", 500)],  # they cancel everywhere
        [quote("C", 520, iv=None), quote("P", 480)],
        [quote("C", 520, iv=0.0), quote("P", 480)],
        [quote("C", 520, interest=0), quote("P", 480)],
    ],
)
def test_a_net_that_never_changes_its_sign_has_no_zero_gamma_level(quotes):
    assert zero_gamma_level(quotes, spot=500.0, at=AT, **RATES) is None


ROWS = st.tuples(
    st.sampled_from("CP"),
    st.integers(90, 110).map(lambda step: step * 5),
    st.integers(1, 50).map(lambda gamma: gamma / 1000),
    st.integers(0, 5000),
    st.sampled_from([TODAY, LATER]),
    st.integers(10, 60).map(lambda iv: iv / 100),
)
CHAINS = st.lists(ROWS.map(lambda row: quote(*row)), min_size=1, max_size=12)


@settings(max_examples=40, deadline=None)
@given(CHAINS)
def test_calls_and_puts_exchanged_turn_every_sign(quotes):
    def swap(one):
        right = Right.PUT if one.contract.right == Right.CALL else Right.CALL
        return replace(one, contract=replace(one.contract, right=right))

    found, turned = read(quotes), read([swap(one) for one in quotes])
    assert (turned.call_gex, turned.put_gex) == pytest.approx((-found.put_gex, -found.call_gex), abs=0.01)
    assert (turned.net_gex, turned.total_gex) == pytest.approx((-found.net_gex, found.total_gex), abs=0.01)
    assert (turned.call_wall, turned.put_wall) == (found.put_wall, found.call_wall)
    assert turned.zero_gamma == found.zero_gamma
    assert turned.zero_dte_gamma_ratio == found.zero_dte_gamma_ratio


@settings(max_examples=40, deadline=None)
@given(CHAINS, st.integers(2, 9), st.randoms(use_true_random=False))
def test_exposure_is_linear_in_open_interest_and_knows_no_order(quotes, factor, random):
    found = read(quotes)
    more = [replace(one, open_interest=one.open_interest * factor) for one in quotes]
    random.shuffle(more)
    grown = read(more)
    for name in ("call_gex", "put_gex", "net_gex", "total_gex"):
        assert getattr(grown, name) == pytest.approx(factor * getattr(found, name), rel=1e-9, abs=0.2)
    assert (grown.call_wall, grown.put_wall) == (found.call_wall, found.put_wall)
    assert grown.zero_gamma == pytest.approx(found.zero_gamma, abs=1e-3)
    assert grown.zero_dte_gamma_ratio == found.zero_dte_gamma_ratio


@settings(max_examples=40, deadline=None)
@given(CHAINS)
def test_totals_are_those_of_the_strikes_and_the_level_is_a_crossing(quotes):
    found = read(quotes)
    assert sum(row.net for row in found.strikes) == pytest.approx(found.net_gex, abs=0.2)
    assert sum(row.call for row in found.strikes) == pytest.approx(found.call_gex, abs=0.2)
    assert found.call_gex - found.put_gex == pytest.approx(found.total_gex, abs=0.05)
    assert [row.strike for row in found.strikes] == sorted({one.contract.strike for one in quotes})
    canonical_json(asdict(found))
    if found.zero_gamma is not None:
        assert 400 <= found.zero_gamma <= 600
        assert net_gamma(quotes, found.zero_gamma - 0.01) * net_gamma(quotes, found.zero_gamma + 0.01) <= 0


def test_the_simulated_chain():
    provider = SimulatedProvider(seed=7, always_open=False)
    calls = provider.chain("SPY", AT, 0, 30, Right.CALL)
    puts = provider.chain("SPY", AT, 0, 30, Right.PUT)
    found = gex_of((*calls.quotes, *puts.quotes), spot=calls.spot, at=AT, **RATES)
    assert found.contracts == len(calls.quotes) + len(puts.quotes) > 100
    assert found.call_gex > 0 > found.put_gex
    assert found.call_wall is not None
    assert found.put_wall is not None
