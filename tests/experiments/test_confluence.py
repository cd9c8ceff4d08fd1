"""Confluence: every component's points, the weights of what is known, the sizes at their thresholds, the gate."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bias.enums import Bias
from experiments.confluence import confluence_read, size_factor
from experiments.enums import GateOutcome
from experiments.gates.confluence import judge
from optionsengine.core.enums import Side
from optionsengine.market.analysis_enums import GexState
from tests.experiments.worlds import CONFIG, TIMEFRAMES, bias, flow, frame, gamma, market, world

FOLLOW = gamma()
FADE = gamma(net_gex=5e8, state=GexState.POSITIVE_LOW)
NEUTRAL = gamma(net_gex=0.0, state=GexState.NEUTRAL)


def seen(side=Side.LONG, *, prints=None, dealers=FOLLOW, **values):
    told = market(side, flow=flow(side) if prints is None else prints, gamma=dealers)
    return world(side, market=told, **values)


def points(inputs):
    return confluence_read(inputs).points


@pytest.mark.parametrize("side", Side)
def test_the_flow_counts_by_the_side_with_more_premium(side):
    for premium_side, expected in ((side, 90.0), (side.opposite, 30.0), (None, 50.0)):
        prints = flow(side, premium_side=premium_side, volume_side=side.opposite, sentiment_side=side.opposite)
        assert points(seen(side, prints=prints))["flow"] == expected


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("dealers", "same", "none", "other"),
    [(FOLLOW, 90, 50, 30), (NEUTRAL, 90, 50, 30), (None, 90, 50, 30), (FADE, 70, 50, 40)],
)
def test_the_trend_counts_less_where_dealers_fade(side, dealers, same, none, other):
    states = ((bias(side), same), (bias(side, bias=Bias.NEUTRAL), none), (bias(side.opposite), other))
    for state, expected in states:
        assert points(seen(side, dealers=dealers, bias=state))["trend"] == expected


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("hint", "dealers", "expected"),
    [
        ("BREAKOUT", FOLLOW, 90),
        ("BREAKOUT", FADE, 60),
        ("PULLBACK", FOLLOW, 90),
        ("PULLBACK", FADE, 60),
        ("MEAN_REVERT", FOLLOW, 60),
        ("MEAN_REVERT", FADE, 90),
        ("BREAKOUT", NEUTRAL, 50),
        ("MEAN_REVERT", NEUTRAL, 50),
        ("", FOLLOW, None),
        ("NO_TRADE", FADE, None),
        ("BREAKOUT", None, None),
    ],
)
def test_d03_gamma_speaks_for_a_kind_of_setup_and_for_no_side(side, hint, dealers, expected):
    inputs = seen(side, dealers=dealers, bias=bias(side, entry_mode_hint=hint))

    assert points(inputs).get("strategy") == expected


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("state", "shapes", "expected"),
    [
        (None, {}, 90),
        (bias(is_stale=True), {}, 90),
        (None, {"ema21_seeded": 500.0}, 50),
        # 0.15 percent of 500 is 0.75 dollars: as near, a close stands on neither side
        (None, {"ema21_seeded": 499.25}, 50),
        (None, {"ema21_seeded": 499.24}, 90),
        (None, {"ema21_seeded": 500.76}, 30),
        (None, {"ema21_seeded": None}, None),
        (None, {"close": None}, None),
    ],
)
def test_without_a_usable_bias_the_frames_tell_the_trend(side, state, shapes, expected):
    def turned(name, value):
        return 1000 - value if side == Side.SHORT and name == "ema21_seeded" and value is not None else value

    frames = {
        name: frame(side, name, **{key: turned(key, each) for key, each in shapes.items()}) for name in TIMEFRAMES
    }
    inputs = world(side, market=market(side, frames=frames, flow=flow(side)), bias=state)

    assert points(inputs).get("trend") == expected


@pytest.mark.parametrize(
    ("up", "expected"),
    # the weights of 5m, 15m, 1h, 4h and 1d are .10 .15 .25 .25 .25; a lean must be above .3
    [(("4h", "1d", "15m"), 50), (("4h", "1d", "1h"), 90), (("1d",), 30), (("4h", "1d"), 50)],
)
def test_the_frames_lean_by_their_weights(up, expected):
    frames = {name: frame(Side.LONG if name in up else Side.SHORT, name) for name in TIMEFRAMES}
    inputs = world(market=market(frames=frames, flow=flow()), bias=None)

    assert points(inputs)["trend"] == expected


@pytest.mark.parametrize("side", Side)
def test_the_score_is_the_weighted_mean(side):
    read = confluence_read(seen(side, prints=flow(side, strength=70.0)))

    # .35 × 90 + .30 × 90 + .25 × 90 + .10 × 70
    assert (read.score, read.factor) == (88.0, Decimal(1))


@pytest.mark.parametrize("side", Side)
def test_the_weights_of_what_is_not_known_are_shared_out(side):
    inputs = seen(side, dealers=None, prints=flow(side, premium_side=side.opposite, strength=60.0))

    # (.35 × 30 + .30 × 90 + .10 × 60) ÷ .75
    assert confluence_read(inputs).score == 58.0


def test_without_prints_there_is_no_score():
    assert confluence_read(world(market=market(gamma=FOLLOW))) is None
    assert judge(world()).outcome == GateOutcome.NOT_EVALUATED


@pytest.mark.parametrize(
    ("score", "factor"),
    [(70.1, "1"), (70.0, "1"), (69.9, "0.5"), (55.0, "0.5"), (54.9, "0.25"), (45.0, "0.25"), (44.9, "0"), (0.0, "0")],
)
def test_a_lower_score_allows_a_smaller_part_of_the_size(score, factor):
    assert size_factor(score) == Decimal(factor)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("threshold", "outcome"),
    [(87.9, GateOutcome.PASS), (88.0, GateOutcome.PASS), (88.1, GateOutcome.REFUSE)],
)
def test_the_gate_asks_for_the_threshold(side, threshold, outcome):
    config = replace(CONFIG, confluence_threshold=threshold)

    verdict = judge(seen(side, prints=flow(side, strength=70.0), config=config))

    assert (verdict.outcome, verdict.threshold) == (outcome, f"{threshold:g}")
    assert verdict.value == "88 (flow 90, trend 90, strategy 90, strength 70)"
    assert verdict.code == ("CONFLUENCE_BELOW_THRESHOLD" if outcome == GateOutcome.REFUSE else "")


def test_switched_off_it_refuses_nothing_and_still_tells_the_size():
    weak = flow(premium_side=Side.SHORT, strength=50.0)
    config = replace(CONFIG, has_confluence_gate=False, confluence_threshold=99.0)

    verdict = judge(seen(prints=weak, dealers=None, config=config))

    assert verdict.outcome == GateOutcome.NOT_EVALUATED
    # (.35 × 30 + .30 × 90 + .10 × 50) ÷ .75
    assert "56.6667" in verdict.message
    assert verdict.message.endswith("makes the size × 0.5")
    assert "refuses nothing" in verdict.message


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(("strength", "left"), [(75.0, "makes the size × 0.25"), (74.9, "leaves no size")])
def test_d14_switched_off_it_says_that_a_score_below_45_leaves_no_size(side, strength, left):
    # .35 × 30 + .30 × 40 + .25 × 60 + .10 × 75 is 45
    config = replace(CONFIG, has_confluence_gate=False)
    prints = flow(side, premium_side=side.opposite, strength=strength)
    state = bias(side.opposite, entry_mode_hint="BREAKOUT")

    inputs = seen(side, prints=prints, bias=state, dealers=FADE, config=config)

    assert judge(inputs).outcome == GateOutcome.NOT_EVALUATED
    assert judge(inputs).message.endswith(left)
