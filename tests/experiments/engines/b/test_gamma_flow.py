"""The gamma-and-flow agent: flow's side, gamma's strategy, and what they come to."""

import pytest

from experiments.engines.b.gamma_flow import vote
from experiments.enums import VoteBias
from optionsengine.core.enums import Side
from tests.experiments.engines.b.views import view
from tests.experiments.worlds import flow, frame, gamma

UP, DOWN, FLAT = VoteBias.BULLISH, VoteBias.BEARISH, VoteBias.NEUTRAL
FADE, FOLLOW, NEITHER = 5e8, -5e8, 0.0
LONG, SHORT = Side.LONG, Side.SHORT


def cast(dealers=None, prints=None, **values):
    return vote(view(frames={"5m": frame(**values)}, gamma=dealers, flow=prints))


@pytest.mark.parametrize(
    ("volume", "premium", "bias", "confidence"),
    [
        (LONG, LONG, UP, 65),
        (SHORT, SHORT, DOWN, 65),
        (LONG, None, UP, 65),
        (None, SHORT, DOWN, 65),
        (LONG, SHORT, FLAT, 45),
        (None, None, FLAT, 45),
    ],
)
def test_flow_has_the_side_that_volume_and_premium_do_not_contradict(volume, premium, bias, confidence):
    seen = cast(prints=flow(volume_side=volume, premium_side=premium))

    assert (seen.bias, seen.confidence) == (bias, confidence)


@pytest.mark.parametrize(
    ("net_gex", "values", "bias", "confidence"),
    [
        (FOLLOW, {"ema8": 498.0, "ema21": 496.0}, UP, 65),
        (FOLLOW, {"ema8": 496.0, "ema21": 498.0}, DOWN, 65),
        (FOLLOW, {"ema8": 498.0, "ema21": 498.0}, FLAT, 45),
        (FADE, {"ema21": 499.9}, DOWN, 65),
        (FADE, {"ema21": 500.1}, UP, 65),
        (FADE, {"ema21": 500.0}, FLAT, 45),
        (NEITHER, {}, FLAT, 45),
    ],
)
def test_d03_gamma_chooses_the_strategy_and_the_trend_the_side(net_gex, values, bias, confidence):
    seen = cast(gamma(net_gex=net_gex), **values)

    assert (seen.bias, seen.confidence) == (bias, confidence)


@pytest.mark.parametrize(
    ("net_gex", "side", "bias", "confidence"),
    [(FOLLOW, LONG, UP, 85), (FOLLOW, SHORT, FLAT, 45), (FADE, LONG, FLAT, 45), (FADE, SHORT, DOWN, 85)],
)
def test_both_together_are_surer_and_cancel_each_other_out(net_gex, side, bias, confidence):
    # the frame trends up: to follow is up, to fade is down
    seen = cast(gamma(net_gex=net_gex), flow(side))

    assert (seen.bias, seen.confidence) == (bias, confidence)


def test_it_abstains_without_either():
    assert cast().is_abstaining
    assert cast(prints=flow(prints=0)).is_abstaining
    assert cast(gamma(), ema8=None).is_abstaining
    assert vote(view(frames={}, gamma=gamma())).is_abstaining


def test_flow_alone_still_votes_where_gamma_cannot_be_read():
    assert (cast(gamma(), flow(), ema8=None).bias, cast(gamma(), flow(), ema8=None).confidence) == (UP, 65)
