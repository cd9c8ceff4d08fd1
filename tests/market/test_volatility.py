"""Realised volatility, and the place of today's implied volatility among those before."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optionsengine.market.volatility import IvPlace, iv_place, realized_volatility

DOUBLING = [100.0 * math.exp(0.01 * (number % 2)) for number in range(21)]  # returns of +1 % and −1 % in turn


def test_realised_volatility_is_the_sample_deviation_of_twenty_returns_times_root_252():
    # ten returns of +0.01 and ten of −0.01: mean 0, variance 20 · 0.0001 ÷ 19
    assert realized_volatility(DOUBLING) == round(math.sqrt(20 * 0.0001 / 19 * 252), 6)


def test_only_the_last_twenty_returns_count():
    assert realized_volatility([1.0, 5000.0, 3.0, *DOUBLING]) == realized_volatility(DOUBLING)
    assert realized_volatility(DOUBLING[1:]) is None
    assert realized_volatility([]) is None


def test_a_price_that_never_moved_has_none_of_it():
    assert realized_volatility([100.0] * 21) == 0.0
    assert realized_volatility([100.0 * 1.01**number for number in range(21)]) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("wrong", [0.0, -1.0, math.nan, math.inf])
def test_what_is_no_price_gives_none(wrong):
    assert realized_volatility([*DOUBLING[:-1], wrong]) is None


def test_d16_rank_is_rank_and_percentile_is_percentile():
    # nineteen quiet days and one wild one: above nearly every day, and yet a tenth of the way up
    days = [0.1 + number / 1000 for number in range(19)] + [0.4]
    found = iv_place(0.13, days)
    assert found == IvPlace(percentile=95.0, rank=10.0)


@pytest.mark.parametrize(
    ("volatility", "percentile", "rank"),
    [(0.05, 0.0, 0.0), (0.10, 2.5, 0.0), (0.15, 27.5, 26.315789), (0.29, 97.5, 100.0), (0.5, 100.0, 100.0)],
)
def test_a_tie_counts_half_and_the_rank_ends_at_the_ends(volatility, percentile, rank):
    assert iv_place(volatility, [round(0.10 + number / 100, 2) for number in range(20)]) == IvPlace(percentile, rank)


@pytest.mark.parametrize(("count", "known"), [(0, False), (19, False), (20, True)])
def test_twenty_days_are_needed(count, known):
    assert (iv_place(0.2, [0.1] * count) is not None) == known


def test_the_newest_252_days_are_used():
    assert iv_place(0.2, [0.1] * 252 + [0.9] * 100).percentile == 100.0
    assert iv_place(0.2, [0.1] * 251 + [0.9] * 100).percentile == round(100 * 251 / 252, 6)


def test_days_that_are_all_the_same_have_no_rank():
    assert iv_place(0.2, [0.2] * 20) == IvPlace(50.0, None)
    assert iv_place(0.3, [0.2] * 20) == IvPlace(100.0, None)


@given(st.floats(0.01, 3), st.lists(st.floats(0.01, 3), min_size=20, max_size=60))
def test_both_are_percents_and_grow_with_the_volatility(volatility, days):
    found, higher = iv_place(volatility, days), iv_place(volatility + 0.5, days)
    assert 0 <= found.percentile <= higher.percentile <= 100
    if found.rank is not None:
        assert 0 <= found.rank <= higher.rank <= 100
