"""The multi-timeframe agent: bands, weights, splits, and the mirror."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.engines.b.mtf_trend import vote
from experiments.enums import VoteBias
from optionsengine.core.enums import Side
from tests.experiments.engines.b.views import OPPOSITE, view
from tests.experiments.worlds import frame, mirrored_frame, world

AVERAGES = {1: 499.0, -1: 501.0, 0: 500.0, None: None}  # of a close of 500
NAMES = ("5m", "15m", "1h", "4h", "1d")


def cast(sides, side=Side.LONG):
    frames = {name: frame(timeframe=name, ema21_seeded=AVERAGES[each]) for name, each in zip(NAMES, sides, strict=True)}
    return vote(view(world(side), frames=frames))


CASES = [
    ((1, 1, 1, 1, 1), VoteBias.BULLISH, 80),
    ((-1, -1, -1, -1, -1), VoteBias.BEARISH, 80),
    ((0, 0, 0, 0, 0), VoteBias.NEUTRAL, 40),
    ((0, 0, 1, 1, 0), VoteBias.BULLISH, 67),  # lean 0.5: 55 + round(12.5)
    ((1, 0, 1, 0, 0), VoteBias.BULLISH, 64),  # lean 0.35: 55 + round(8.75)
    ((0, 0, 1, 0, 0), VoteBias.NEUTRAL, 40),  # lean 0.25
    ((-1, 1, 1, 1, 1), VoteBias.BULLISH, 55),  # a split caps it
    ((1, -1, 1, -1, 0), VoteBias.NEUTRAL, 40),
    ((None, None, None, 1, 1), VoteBias.BULLISH, 80),
]


@pytest.mark.parametrize(("sides", "bias", "confidence"), CASES)
def test_the_frames_lean(sides, bias, confidence):
    shown = cast(sides)

    assert (shown.bias, shown.confidence, shown.is_abstaining) == (bias, confidence, False)


def test_weights_are_those_of_the_frames_present():
    # 15m, 1h and 4h weigh .15, .25 and .25 of .65: 15m alone leans .23, 1h alone .38
    assert cast((None, 1, 0, 0, None)).bias == VoteBias.NEUTRAL
    assert (cast((None, 0, 1, 0, None)).bias, cast((None, 0, 1, 0, None)).confidence) == (VoteBias.BULLISH, 65)


@pytest.mark.parametrize(("average", "bias"), [(499.25, VoteBias.NEUTRAL), (499.24, VoteBias.BULLISH)])
def test_within_the_flat_band_a_frame_has_no_side(average, bias):
    frames = {name: frame(timeframe=name, ema21_seeded=average) for name in NAMES}

    assert vote(view(frames=frames)).bias == bias


def test_one_frame_is_not_enough():
    assert cast((None, None, None, None, 1)).is_abstaining
    assert not cast((None, None, None, 0, 1)).is_abstaining


def test_d15_it_does_not_look_at_the_signals_side():
    assert cast((1, 1, 1, 1, 1), Side.SHORT) == cast((1, 1, 1, 1, 1), Side.LONG)


@settings(max_examples=80, deadline=None)
@given(sides=st.tuples(*[st.sampled_from([1, 0, -1, None])] * 5))
def test_mirrored_frames_give_the_mirrored_vote(sides):
    frames = {name: frame(timeframe=name, ema21_seeded=AVERAGES[each]) for name, each in zip(NAMES, sides, strict=True)}
    shown = vote(view(frames=frames))
    turned = vote(view(frames={name: mirrored_frame(seen) for name, seen in frames.items()}))

    assert (turned.bias, turned.confidence) == (OPPOSITE.get(shown.bias, shown.bias), shown.confidence)
