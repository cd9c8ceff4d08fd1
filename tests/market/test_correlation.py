"""How daily returns go together."""

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optionsengine.market.correlation import beta_of, correlation_of, daily_closes
from optionsengine.market.data import Bar

FIRST = date(2026, 1, 1)


def closes(returns, first=FIRST):
    """Closes whose log returns are these."""
    levels = np.exp(np.concatenate(([0.0], np.cumsum(returns)))) * 100
    return {first + timedelta(days=number): float(level) for number, level in enumerate(levels)}


def noise(seed, count=60):
    return np.random.default_rng(seed).normal(0, 0.01, count)


def test_the_same_moves_go_together_and_opposite_ones_against():
    own = noise(1)
    assert correlation_of(closes(own), closes(own)) == 1.0
    assert correlation_of(closes(own), closes(2 * own)) == 1.0
    assert correlation_of(closes(own), closes(-own)) == -1.0
    assert beta_of(closes(2 * own), closes(own)) == 2.0
    assert beta_of(closes(-0.5 * own), closes(own)) == -0.5


def test_they_are_those_of_the_textbook():
    first, second = noise(1), 0.7 * noise(1) + noise(2)
    expected = np.corrcoef(first, second)[0, 1]
    slope = np.cov(first, second)[0, 1] / np.var(second, ddof=1)
    assert correlation_of(closes(first), closes(second)) == pytest.approx(expected, abs=1e-4)
    assert beta_of(closes(first), closes(second)) == pytest.approx(slope, abs=1e-4)


@pytest.mark.parametrize(("returns", "known"), [(29, False), (30, True), (31, True)])
def test_thirty_common_returns_are_needed(returns, known):
    own, other = closes(noise(1, 90)), closes(noise(2, returns))
    assert (correlation_of(own, other) is not None) == known
    assert (beta_of(own, other) is not None) == known


def test_only_the_last_sixty_count():
    own, other = noise(1, 90), noise(2, 90)
    changed = np.concatenate((other[:30] * -9, other[30:]))
    assert correlation_of(closes(own), closes(other)) == correlation_of(closes(own), closes(changed))
    changed[30] *= -9
    assert correlation_of(closes(own), closes(other)) != correlation_of(closes(own), closes(changed))


def test_a_day_that_one_lacks_makes_a_longer_return_of_both():
    own = noise(1)
    first, second = closes(own), closes(3 * own)
    del second[FIRST + timedelta(days=20)]
    assert correlation_of(first, second) == 1.0
    assert beta_of(second, first) == 3.0


def test_days_that_are_not_common_are_left_out():
    own = noise(1, 40)
    assert correlation_of(closes(own), closes(own, FIRST + timedelta(days=11))) is None
    assert correlation_of(closes(own), closes(own, FIRST + timedelta(days=10))) is not None


def test_what_never_moved_goes_with_nothing():
    still, moving = closes(np.zeros(60)), closes(noise(1))
    assert correlation_of(moving, still) is correlation_of(still, moving) is beta_of(moving, still) is None
    assert beta_of(still, moving) == 0.0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_it_lies_between_the_ends_and_does_not_mind_the_order(one, two):
    first, second = closes(noise(one)), closes(noise(two))
    found = correlation_of(first, second)
    assert -1 <= found <= 1
    assert found == correlation_of(second, first)
    assert correlation_of(first, closes(-noise(two))) == -found


def test_closes_are_told_by_the_day_in_new_york_and_prices_only():
    def bar(at, close):
        return Bar(at, *(Decimal(close),) * 4, 1, "test")

    opening = datetime(2026, 2, 20, 14, 30, tzinfo=UTC)
    midnight = datetime(2026, 2, 23, 5, 0, tzinfo=UTC)
    found = daily_closes([bar(opening, "101.5"), bar(midnight, "99"), bar(midnight + timedelta(days=1), "0")])
    assert found == {date(2026, 2, 20): 101.5, date(2026, 2, 23): 99.0}
    assert math.isclose(sum(found.values()), 200.5)
