"""Pivots, the structure they make, and the levels they leave."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optionsengine.market.analysis_enums import Structure
from optionsengine.market.series import series_of
from optionsengine.market.swings import WINGS, Levels, levels_of, pivot_highs, structure_of
from tests.market.bar_series import bars_of, mirrored, steady, walk


def zigzag(*turns: float, steps: int = 8):
    """Closes that run straight from turn to turn."""
    closes = [float(turns[0])]
    for start, end in pairwise(turns):
        closes += np.linspace(start, end, steps + 1)[1:].tolist()
    return series_of(bars_of([(close + 0.25, close - 0.25, close) for close in closes]))


def by_hand(highs: list[float]) -> list[int]:
    found = []
    for place in range(WINGS, len(highs) - WINGS):
        before, after = highs[place - WINGS : place], highs[place + 1 : place + WINGS + 1]
        if max(before) < highs[place] and max(after) <= highs[place]:
            found.append(place)
    return found


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 9), max_size=40))
def test_a_pivot_stands_out_from_three_bars_on_either_side_and_is_the_first_of_equals(highs):
    assert pivot_highs(np.array(highs, dtype=np.float64)).tolist() == by_hand([float(high) for high in highs])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 9), max_size=40), st.integers(0, 40))
def test_a_pivot_once_known_stays_and_none_is_known_before_its_third_bar(highs, cut):
    whole, early = pivot_highs(np.array(highs, dtype=float)), pivot_highs(np.array(highs[:cut], dtype=float))
    assert early.tolist() == [place for place in whole.tolist() if place + WINGS < cut]


@pytest.mark.parametrize(
    ("highs", "expected"),
    [
        ([1, 2, 3, 4, 3, 2, 1], [3]),
        ([1, 2, 3, 4, 3, 2], []),  # not known yet
        ([1, 2, 4, 4, 3, 2, 1, 1], []),  # the first of equals has but two bars before it
        ([0, 1, 2, 4, 4, 3, 2, 1], [3]),
        ([1, 2, 3, 4, 3, 2, 5], []),
    ],
)
def test_pivots(highs, expected):
    assert pivot_highs(np.array(highs, dtype=np.float64)).tolist() == expected


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ((100, 110, 104, 114, 108, 116), Structure.HH_HL),
        ((100, 90, 96, 86, 92, 84), Structure.LH_LL),
        ((100, 110, 104, 109, 106, 112), Structure.RANGE),  # a lower high over a higher low
        ((100, 110, 104, 114, 103, 113), Structure.RANGE),  # a higher high over a lower low
        ((100, 110, 104, 114, 108, 116, 107), Structure.RANGE),  # the last low is broken
        ((100, 110, 104, 114, 108, 116, 108.5), Structure.HH_HL),  # and here it holds
        ((100, 120), Structure.HH_HL),  # too steady for pivots
        ((120, 100), Structure.LH_LL),
        ((110, 100, 110), Structure.RANGE),
    ],
)
def test_structure(turns, expected):
    assert structure_of(zigzag(*turns)) is expected


def test_structure_forgets_what_lies_more_than_sixty_bars_back():
    assert structure_of(zigzag(100, 50, 96, 40, 92, 30, steps=10)) is Structure.LH_LL
    assert structure_of(zigzag(100, 50, 96, 40, 92, 30, 90, steps=60)) is Structure.HH_HL


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_bars_have_no_structure_and_no_levels(count):
    series = series_of(steady(count, 1.0))
    assert structure_of(series) is Structure.RANGE
    assert levels_of(series) == Levels(None, None, (), ())


def test_levels_stand_until_a_later_bar_goes_beyond_them():
    levels = levels_of(zigzag(100, 120, 90, 115, 95, 117, 105))
    assert levels == Levels(117.25, 94.75, (120.25, 117.25), (89.75, 94.75))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 120))
def test_mirrored_bars_have_mirrored_structure_and_levels(seed, count):
    bars = walk(seed, count)
    up, down = series_of(bars), series_of(mirrored(bars))
    turned = {Structure.HH_HL: Structure.LH_LL, Structure.LH_LL: Structure.HH_HL, Structure.RANGE: Structure.RANGE}
    assert structure_of(down) is turned[structure_of(up)]
    found, expected = levels_of(down), levels_of(up)
    assert found.resistances == tuple(400 - level for level in expected.supports)
    assert found.supports == tuple(400 - level for level in expected.resistances)
    assert found.last_pivot_high == (None if expected.last_pivot_low is None else 400 - expected.last_pivot_low)
