"""The level, the lean and the slope of implied volatilities, against smiles worked out by hand."""

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optionsengine.core.enums import Right
from optionsengine.core.values import OptionContract
from optionsengine.market import calendar
from optionsengine.market.data import OptionQuote
from optionsengine.market.providers.simulated import SimulatedProvider
from optionsengine.market.smile import Smile, smile_of

AT = datetime(2026, 4, 8, 20, 0, tzinfo=UTC)  # a close in New York, so that the days to later closes are whole
SPOT = Decimal(500)


def day(days: int) -> date:
    return (AT + timedelta(days=days)).date()


def quote(right, strike, days, iv=0.2, delta=None):
    contract = OptionContract("SPY", day(days), Right(right), Decimal(str(strike)))
    sign = 1 if right == "C" else -1
    return OptionQuote(
        contract=contract,
        bid=Decimal("1.00"),
        ask=Decimal("1.10"),
        bid_size=10,
        ask_size=10,
        iv=iv,
        delta=None if delta is None else sign * delta,
        gamma=0.01,
        theta=-0.1,
        vega=0.2,
        open_interest=100,
        volume=1,
        at=AT,
        source="test",
    )


def around(days, iv):
    """Calls on either side of the spot with one volatility."""
    return [quote("C", 495, days, iv), quote("C", 505, days, iv)]


def read(quotes, spot=SPOT):
    return smile_of(quotes, spot=spot, at=AT)


def test_at_the_money_lies_between_the_strikes_on_either_side_each_the_mean_of_both_rights():
    quotes = [quote("C", 490, 30, 0.30), quote("P", 490, 30, 0.32), quote("C", 510, 30, 0.21), quote("C", 530, 30, 0.9)]
    assert calendar.dte(day(30), AT) == 30.0
    assert read(quotes).atm_iv == 0.26  # halfway between 0.31 and 0.21
    assert read(quotes, Decimal(495)).atm_iv == 0.285
    assert read(quotes, Decimal(490)).atm_iv == 0.31
    assert read(quotes, Decimal("489.99")).atm_iv is None
    assert read(quotes, Decimal("530.01")).atm_iv is None


@pytest.mark.parametrize("iv", [None, 0.0, math.nan, math.inf])
def test_what_tells_no_volatility_is_left_out(iv):
    good = around(30, 0.2)
    assert read([*good, quote("P", 505, 30, iv)]).atm_iv == 0.2
    assert read([quote("P", 505, 30, iv)]) == Smile(None, None, None)


def test_nothing_at_all():
    assert read([]) == Smile(None, None, None)


def test_the_level_of_thirty_days_is_linear_in_total_variance():
    # 0.3² · 20 = 1.8 and 0.2² · 44 = 1.76: at 30 days 1.8 − 0.04 · 10/24, over 30
    expected = math.sqrt((1.8 - 0.04 * 10 / 24) / 30)
    assert read([*around(20, 0.3), *around(44, 0.2)]).atm_iv == pytest.approx(expected, abs=1e-6)
    assert read([*around(20, 0.2), *around(44, 0.2)]).atm_iv == 0.2
    assert read([*around(2, 0.9), *around(30, 0.25), *around(44, 0.2)]).atm_iv == 0.25


@pytest.mark.parametrize(("days", "known"), [(14, False), (15, True), (16, True), (44, True), (48, False)])
def test_one_side_alone_gives_the_level_within_fifteen_days(days, known):
    assert calendar.dte(day(days), AT) == days
    assert read(around(days, 0.25)).atm_iv == (0.25 if known else None)


@pytest.mark.parametrize(("minutes", "counts"), [(0, True), (1, False)])
def test_the_last_day_is_left_out(minutes, counts):
    quotes = [*around(1, 0.9), *around(44, 0.2)]
    found = smile_of(quotes, spot=SPOT, at=AT + timedelta(minutes=minutes))
    assert (found.atm_iv != 0.2) == counts


def test_the_skew_is_put_less_call_at_twenty_five_delta_in_points():
    quotes = [
        *(quote("C", 505 + 5 * number, 30, iv, delta) for number, (iv, delta) in enumerate([(0.20, 0.3), (0.16, 0.2)])),
        *(quote("P", 495 - 5 * number, 30, iv, delta) for number, (iv, delta) in enumerate([(0.24, 0.3), (0.32, 0.2)])),
    ]
    assert read(quotes).skew == 10.0  # 28 less 18


def mirrored(quotes):
    """Calls become puts and puts calls, at strikes reflected about the spot."""
    other = {"C": "P", "P": "C"}
    return [
        quote(
            other[each.contract.right.value],
            2 * SPOT - each.contract.strike,
            (each.contract.expiration - AT.date()).days,
            each.iv,
            None if each.delta is None else abs(each.delta),
        )
        for each in quotes
    ]


SMILES = st.lists(
    st.tuples(
        st.sampled_from("CP"),
        st.integers(460, 540),
        st.sampled_from([1, 6, 9, 20, 30, 44]),
        st.floats(0.05, 1.5),
        st.floats(0.05, 0.95),
    ),
    max_size=40,
    unique_by=lambda each: each[:3],
)


@settings(max_examples=60, deadline=None)
@given(SMILES)
def test_mirrored_chains_turn_the_skew_and_nothing_else(drawn):
    quotes = [quote(*each) for each in drawn]
    found, turned = read(quotes), read(mirrored(quotes))
    assert turned.skew == (None if found.skew is None else pytest.approx(-found.skew, abs=2e-6))
    assert (turned.atm_iv, turned.term) == pytest.approx((found.atm_iv, found.term), abs=2e-6)


def test_the_skew_is_that_of_the_expiration_nearest_to_thirty_days_that_tells_it():
    def pair(days, put):
        return [quote("C", 510, days, 0.2, 0.25), quote("P", 490, days, put, 0.25)]

    assert read([*pair(9, 0.29), *pair(20, 0.25), *pair(44, 0.23)]).skew == 5.0
    assert read([*pair(9, 0.29), *pair(44, 0.23)]).skew == 3.0
    assert read([*pair(9, 0.29), quote("P", 490, 30, 0.5, 0.25)]).skew == 9.0


@pytest.mark.parametrize(("delta", "known"), [(0.2499, False), (0.25, True), (0.2501, False)])
def test_a_skew_that_lies_beyond_the_deltas_told_is_unknown(delta, known):
    quotes = [quote("C", 510, 30, 0.2, 0.25), quote("P", 490, 30, 0.25, delta)]
    assert (read(quotes).skew is not None) == known


@pytest.mark.parametrize(("near", "far", "term"), [(0.2, 0.25, 5.0), (0.25, 0.2, -5.0), (0.2, 0.2, 0.0)])
def test_the_term_is_farther_less_nearer_in_points(near, far, term):
    assert read([*around(5, near), *around(30, far)]).term == term
    assert read([*around(2, 0.9), *around(5, near), *around(23, 0.7), *around(30, far), *around(44, 0.9)]).term == term


@pytest.mark.parametrize(("near", "far", "known"), [(2, 30, False), (5, 16, False), (6, 20, True), (30, 44, True)])
def test_the_term_needs_two_expirations_far_enough_apart(near, far, known):
    assert (read([*around(near, 0.2), *around(far, 0.3)]).term is not None) == known


def test_the_simulated_market_tells_all_of_it():
    provider, at = SimulatedProvider(seed=7, always_open=False), datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
    chains = [provider.chain("SPY", at, 0, 45, right) for right in Right]
    found = smile_of([each for chain in chains for each in chain.quotes], spot=chains[0].spot, at=at)
    assert 0.05 < found.atm_iv < 1
    assert 0 < found.skew < 20
    assert -10 < found.term < 10
