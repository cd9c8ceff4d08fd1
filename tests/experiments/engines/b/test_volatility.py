"""The volatility agent: each step at its threshold, and the sides of skew and term structure."""

from dataclasses import replace

import pytest

from experiments.engines.b.volatility import vote
from experiments.enums import VoteBias
from experiments.facts import VolatilityFacts
from tests.experiments.engines.b.views import view
from tests.experiments.worlds import bias, frame, volatility

UP, DOWN, FLAT = VoteBias.BULLISH, VoteBias.BEARISH, VoteBias.NEUTRAL
UNKNOWN = VolatilityFacts(None, None, None, None, None, None)


def cast(smile, hint="PULLBACK", **values):
    return vote(view(frames={"5m": frame(**values)}, volatility=smile, bias=bias(entry_mode_hint=hint)))


@pytest.mark.parametrize(
    ("values", "confidence"),
    [
        ({}, 50),
        ({"iv_rank": 79.9}, 50),
        ({"iv_rank": 80.0}, 50),
        ({"iv_rank": 80.1}, 35),
        ({"iv_rank": 20.1}, 50),
        ({"iv_rank": 20.0}, 50),
        ({"iv_rank": 19.9}, 60),
        ({"realized": 0.258}, 50),
        ({"realized": 0.26}, 50),  # 1.3 of implied
        ({"realized": 0.262}, 40),
        ({"realized": 0.142}, 50),
        ({"realized": 0.35, "atm_iv": 0.5}, 50),  # 0.7 of implied
        ({"realized": 0.138}, 55),
        ({"iv_rank": 90.0, "realized": 0.3}, 25),
        ({"iv_rank": None, "realized": None}, 50),
    ],
)
def test_the_level_of_volatility_moves_the_confidence_and_names_no_side(values, confidence):
    seen = cast(volatility(**values))

    assert (seen.bias, seen.confidence) == (FLAT, confidence)


@pytest.mark.parametrize(
    ("skew", "bias_", "confidence"),
    [(4.9, FLAT, 50), (5.0, FLAT, 50), (5.1, DOWN, 55), (-5.0, FLAT, 50), (-5.1, UP, 55), (None, FLAT, 50)],
)
def test_dearer_puts_lean_down_and_dearer_calls_up(skew, bias_, confidence):
    seen = cast(volatility(skew=skew))

    assert (seen.bias, seen.confidence) == (bias_, confidence)


@pytest.mark.parametrize(
    ("term", "bias_"), [(0.4, FLAT), (0.5, FLAT), (0.51, UP), (-0.4, FLAT), (-0.5, FLAT), (-0.51, DOWN), (None, FLAT)]
)
def test_contango_leans_up_and_backwardation_down_beyond_the_band(term, bias_):
    seen = cast(volatility(term=term))

    assert (seen.bias, seen.confidence) == (bias_, 50)


@pytest.mark.parametrize(("skew", "term", "bias_"), [(6.0, 1.0, FLAT), (6.0, -1.0, DOWN), (-6.0, 1.0, UP)])
def test_skew_and_term_structure_that_contradict_each_other_leave_no_side(skew, term, bias_):
    assert cast(volatility(skew=skew, term=term)).bias == bias_


@pytest.mark.parametrize(
    ("width", "hint", "confidence"),
    [
        (9.9, "BREAKOUT", 60),
        (10.0, "BREAKOUT", 50),
        (9.9, "PULLBACK", 50),
        (90.0, "PULLBACK", 50),
        (90.1, "PULLBACK", 40),
        (90.1, "BREAKOUT", 40),
        (None, "BREAKOUT", 50),
    ],
)
def test_narrow_bands_help_a_breakout_and_wide_ones_help_nobody(width, hint, confidence):
    assert cast(volatility(), hint, bb_width_percentile=width).confidence == confidence


@pytest.mark.parametrize(("atr", "confidence"), [(14.9, 50), (15.0, 50), (15.1, 40), (None, 50)])
def test_a_wild_range_lowers_it(atr, confidence):
    assert cast(volatility(), atr=atr).confidence == confidence


def test_it_stays_within_its_bounds():
    worst = cast(volatility(iv_rank=99.0, realized=0.4), bb_width_percentile=99.0, atr=20.0)
    best = cast(volatility(iv_rank=5.0, realized=0.1, skew=-9.0), "BREAKOUT", bb_width_percentile=5.0)

    assert (worst.confidence, best.confidence) == (15, 80)


def test_d16_it_abstains_without_implied_volatility_whatever_the_bars_say():
    assert cast(None).is_abstaining
    assert cast(UNKNOWN).is_abstaining
    assert cast(replace(UNKNOWN, atm_iv=0.2, iv_percentile=99.0)).is_abstaining  # a percentile is no rank
    assert not cast(replace(UNKNOWN, iv_rank=50.0)).is_abstaining


def test_d16_the_rank_is_the_rank_and_not_the_percentile():
    assert cast(volatility(iv_rank=50.0, iv_percentile=99.0)).confidence == 50


def test_without_bars_the_volatilities_still_speak():
    assert vote(view(frames={}, volatility=volatility(iv_rank=90.0))).confidence == 35


def test_it_says_what_it_found():
    dear, cheap = volatility(iv_rank=90.0, realized=0.3, skew=6.0, term=-1.0), volatility(skew=-6.0, term=1.0)

    assert cast(dear).reasons == (
        "options are dear: IV rank 90",
        "realised volatility is 1.50 of implied",
        "puts are dearer, skew +6.00 points",
        "backwardation, -1.00 points",
    )
    assert cast(cheap).reasons == ("calls are dearer, skew -6.00 points", "contango, +1.00 points")
    assert cast(volatility()).reasons == ("nothing out of the ordinary",)
