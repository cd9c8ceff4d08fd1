"""The context agent: calm, gamma's strategy, its caps, and the clock."""

from dataclasses import replace
from decimal import Decimal

import pytest

from experiments.data import SessionFacts
from experiments.engines.b.context import vote
from experiments.enums import VoteBias
from tests.experiments.engines.b.views import view
from tests.experiments.worlds import CLOSED, NEXT_OPEN, frame, gamma

UP, DOWN, FLAT = VoteBias.BULLISH, VoteBias.BEARISH, VoteBias.NEUTRAL
FADE, FOLLOW, NEITHER = 5e8, -5e8, 0.0


def cast(dealers=None, minutes_left=300, **values):
    session = SessionFacts(True, NEXT_OPEN, 390 - minutes_left, minutes_left)
    return vote(view(frames={"5m": frame(**values)}, gamma=dealers, session=session))


# of a close of 500
@pytest.mark.parametrize(
    ("atr", "confidence"), [(7.49, 60), (7.5, 60), (7.51, 40), (12.49, 40), (12.5, 40), (12.51, 30)]
)
def test_it_is_surer_the_calmer_the_market(atr, confidence):
    seen = cast(atr=atr)

    assert (seen.bias, seen.confidence) == (FLAT, confidence)


@pytest.mark.parametrize(
    ("net_gex", "values", "bias", "confidence"),
    [
        (FOLLOW, {"ema8": 498.0, "ema21": 496.0}, UP, 60),
        (FOLLOW, {"ema8": 496.0, "ema21": 498.0}, DOWN, 60),
        (FOLLOW, {"ema8": 498.0, "ema21": 498.0}, FLAT, 60),
        (FADE, {"ema21": 499.9}, DOWN, 60),
        (FADE, {"ema21": 500.1}, UP, 60),
        (FADE, {"ema21": 500.0}, FLAT, 60),
        (NEITHER, {}, FLAT, 60),
    ],
)
def test_gamma_chooses_the_strategy_and_the_trend_the_side(net_gex, values, bias, confidence):
    seen = cast(gamma(net_gex=net_gex), **values)

    assert (seen.bias, seen.confidence) == (bias, confidence)


def test_d03_the_sign_of_dealers_gamma_is_no_direction():
    rising, falling = {"ema8": 498.0, "ema21": 496.0}, {"ema8": 502.0, "ema21": 504.0}

    for net_gex in (FADE, FOLLOW):
        assert {cast(gamma(net_gex=net_gex), **values).bias for values in (rising, falling)} == {UP, DOWN}


def test_without_gamma_it_has_no_side():
    assert (cast().bias, cast().confidence) == (FLAT, 60)


@pytest.mark.parametrize("net_gex", [FADE, FOLLOW, NEITHER])
def test_compression_caps_it_and_never_raises_it(net_gex):
    compressed = gamma(net_gex=net_gex, volatility_bias="COMPRESSION_LIKELY")

    assert cast(compressed).confidence == 55
    assert cast(compressed, atr=8.0).confidence == 40


@pytest.mark.parametrize(("left", "confidence"), [(14, 30), (15, 60), (16, 60)])
def test_before_the_close_it_is_less_sure(left, confidence):
    assert cast(minutes_left=left).confidence == confidence


@pytest.mark.parametrize(
    ("level", "said"),
    [
        ("497.51", "within 0.5 % of the zero-gamma level"),
        ("497.5", "within 1 % of the zero-gamma level"),
        ("495.01", "within 1 % of the zero-gamma level"),
        ("495", None),
    ],
)
def test_a_zero_gamma_level_at_hand_is_told_and_changes_nothing(level, said):
    near, far = cast(gamma(zero_gamma=Decimal(level))), cast(gamma())

    assert [reason for reason in near.reasons if "zero-gamma" in reason] == ([] if said is None else [said])
    assert (near.bias, near.confidence) == (far.bias, far.confidence)


def test_a_closed_market_is_little_context():
    seen = vote(view(session=CLOSED, gamma=gamma()))

    assert (seen.bias, seen.confidence, seen.is_blocking, seen.is_abstaining) == (FLAT, 10, False, False)


@pytest.mark.parametrize("missing", ["close", "atr"])
def test_d30_it_abstains_without_price_or_range_instead_of_a_made_up_one(missing):
    assert cast(**{missing: None}).is_abstaining
    assert vote(view(frames={})).is_abstaining


def test_it_abstains_without_the_averages_that_gammas_strategy_reads():
    assert cast(gamma(), ema8=None).is_abstaining
    assert cast(gamma(net_gex=FADE), ema21=None).is_abstaining
    assert not cast(gamma(net_gex=NEITHER), ema8=None).is_abstaining


def test_it_reads_the_frame_of_the_signal():
    inputs = view().inputs
    hourly = replace(inputs, signal=replace(inputs.signal, timeframe="1h"), gamma=gamma())
    frames = {"5m": frame(), "1h": frame(timeframe="1h", ema8=496.0, ema21=498.0)}

    assert vote(view(hourly, frames=frames)).bias == DOWN
