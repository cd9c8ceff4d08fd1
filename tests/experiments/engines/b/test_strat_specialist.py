"""The Strat specialist: bar types, patterns, and that each pattern can name either side."""

import pytest

from experiments.engines.b.strat_specialist import bar_type, vote
from experiments.enums import VoteBias
from tests.experiments.engines.b.views import view
from tests.experiments.worlds import frame, mirrored_frame

UP, DOWN, FLAT = VoteBias.BULLISH, VoteBias.BEARISH, VoteBias.NEUTRAL
BEFORE = (500.0, 490.0)
INSIDE, OUTSIDE, BREAKS_UP, BREAKS_DOWN = (-2, 2), (2, -2), (2, 2), (-2, -2)


def bars(*moves):
    """A first bar and one more for each move of high and low."""
    found = [BEFORE]
    for high, low in moves:
        found.append((found[-1][0] + high, found[-1][1] + low))
    return frame(highs=tuple(high for high, _ in found), lows=tuple(low for _, low in found))


def cast(*moves):
    return vote(view(frames={"5m": bars(*moves)}))


@pytest.mark.parametrize(
    ("bar", "expected"),
    [
        ((499.0, 491.0), (1, 0)),
        ((500.0, 490.0), (1, 0)),  # to touch is not to break
        ((500.01, 490.0), (2, 1)),
        ((500.0, 489.99), (2, -1)),
        ((500.01, 489.99), (3, 0)),
    ],
)
def test_bar_types(bar, expected):
    assert bar_type(BEFORE, bar) == expected


@pytest.mark.parametrize(("last", "bias"), [(BREAKS_UP, UP), (BREAKS_DOWN, DOWN)])
@pytest.mark.parametrize(
    ("first", "second", "confidence"),
    [
        (BREAKS_UP, INSIDE, 75),
        (BREAKS_DOWN, INSIDE, 75),
        (OUTSIDE, INSIDE, 70),
        (OUTSIDE, BREAKS_UP, 65),
        (OUTSIDE, BREAKS_DOWN, 65),
    ],
)
def test_d18_every_pattern_names_the_side_of_its_last_bar(first, second, confidence, last, bias):
    seen = cast(first, second, last)

    assert (seen.bias, seen.confidence) == (bias, confidence)
    assert seen.reasons[0].endswith("the last bar broke up" if bias == UP else "the last bar broke down")


@pytest.mark.parametrize(
    "moves",
    [
        (BREAKS_UP, BREAKS_UP, BREAKS_UP),
        (INSIDE, INSIDE, BREAKS_UP),
        (BREAKS_UP, INSIDE, INSIDE),
        (OUTSIDE, INSIDE, OUTSIDE),
        (OUTSIDE, OUTSIDE, BREAKS_UP),
        (INSIDE, OUTSIDE, BREAKS_UP),
    ],
)
def test_anything_else_is_no_pattern(moves):
    seen = cast(*moves)

    assert (seen.bias, seen.confidence, seen.is_abstaining) == (FLAT, 25, False)


def test_it_reads_the_last_three_bars_only():
    shown = bars(BREAKS_UP, INSIDE, BREAKS_UP)

    five = frame(highs=(900.0, *shown.highs), lows=(100.0, *shown.lows))
    assert vote(view(frames={"5m": five})).saw["types"] == "2-1-2"


def test_it_abstains_with_fewer_than_four_bars():
    assert cast(BREAKS_UP, INSIDE).is_abstaining
    assert not cast(BREAKS_UP, INSIDE, BREAKS_UP).is_abstaining
    assert vote(view(frames={})).is_abstaining


def test_the_mirrored_bars_of_each_pattern_name_the_other_side():
    for first in (BREAKS_UP, OUTSIDE):
        shown = bars(first, INSIDE, BREAKS_UP)
        assert vote(view(frames={"5m": mirrored_frame(shown)})).bias == DOWN
