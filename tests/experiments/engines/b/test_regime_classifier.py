"""The regime agent: each regime at its thresholds, its own direction, and the mirror."""

from dataclasses import replace

import pytest

from experiments.engines.b.regime_classifier import regime_read, vote
from experiments.enums import MarketRegime, Volatility, VoteBias
from optionsengine.core.enums import Side
from tests.experiments.engines.b.views import view
from tests.experiments.worlds import bias, frame, mirrored_frame, world

CASES = [
    # adx, atr percentile, band-width percentile, volume ratio
    ((30.1, 50.1, 50, 1), MarketRegime.TREND, 60.15),
    ((30.0, 50.1, 50, 1), MarketRegime.TRANSITIONAL, 40),
    ((30.1, 50.0, 50, 1), MarketRegime.TRANSITIONAL, 40),
    ((60.0, 60.0, 50, 1), MarketRegime.TREND, 90),
    ((19.9, 50.0, 14.9, 1), MarketRegime.COMPRESSION, 72.65),
    ((19.9, 50.0, 14.9, 2.0), MarketRegime.COMPRESSION, 72.65),
    ((19.9, 50.0, 14.9, 2.1), MarketRegime.EXPANSION, 72.65),
    ((20.0, 50.0, 14.9, 1), MarketRegime.TRANSITIONAL, 40),
    ((19.9, 50.0, 15.0, 1), MarketRegime.TRANSITIONAL, 40),
    ((25.0, 70.1, 85.5, 1), MarketRegime.EXPANSION, 60.5),
    ((25.0, 70.0, 85.5, 1), MarketRegime.TRANSITIONAL, 40),
    ((25.0, 70.1, 85.0, 1), MarketRegime.TRANSITIONAL, 40),
    ((15.0, 49.9, 50, 1), MarketRegime.RANGE, 65),
    ((15.0, 50.0, 50, 1), MarketRegime.TRANSITIONAL, 40),
]


def seen(adx, atr, bands, volume, **values):
    return frame(adx=adx, atr_percentile=atr, bb_width_percentile=bands, volume_ratio=volume, **values)


@pytest.mark.parametrize(("values", "regime", "confidence"), CASES)
def test_the_first_rule_that_fits_names_the_regime(values, regime, confidence):
    reading = regime_read(seen(*values))

    assert (reading.regime, reading.confidence) == (regime, pytest.approx(confidence))


@pytest.mark.parametrize(
    ("atr", "expected"),
    [(24.9, Volatility.LOW), (25.0, Volatility.NORMAL), (75.0, Volatility.NORMAL), (75.1, Volatility.HIGH)],
)
def test_volatility_by_the_rank_of_the_true_range(atr, expected):
    assert regime_read(frame(atr_percentile=atr)).volatility == expected


@pytest.mark.parametrize("missing", ["adx", "atr_percentile", "bb_width_percentile"])
def test_it_abstains_without_its_data(missing):
    assert vote(view(frames={"5m": frame(**{missing: None})})).is_abstaining


def cast(shown, side=Side.LONG, hint="PULLBACK"):
    return vote(view(world(side, bias=bias(side, entry_mode_hint=hint)), frames={"5m": shown}))


@pytest.mark.parametrize("side", Side)
def test_d15_it_reads_the_trends_side_not_the_signals(side):
    assert cast(frame(), side).bias == VoteBias.BULLISH
    assert cast(frame(Side.SHORT), side).bias == VoteBias.BEARISH


def test_a_trend_that_agrees_is_surer_than_one_that_does_not():
    agreeing, split = cast(seen(36, 60, 50, 1)), cast(seen(36, 60, 50, 1, close=495.0))

    assert (agreeing.bias, agreeing.confidence) == (VoteBias.BULLISH, 79)
    assert (split.bias, split.confidence) == (VoteBias.NEUTRAL, 59)
    assert cast(seen(60, 60, 50, 1)).confidence == 85


@pytest.mark.parametrize(("hint", "confidence"), [("PULLBACK", 65), ("BREAKOUT", 50), ("MEAN_REVERT", 75)])
def test_in_a_range_the_entry_mode_matters(hint, confidence):
    shown = cast(seen(15, 40, 50, 1), hint=hint)

    assert (shown.bias, shown.confidence) == (VoteBias.NEUTRAL, confidence)


def test_mirrored_frames_give_the_mirrored_vote():
    up = seen(36, 60, 50, 1)
    for shown in (up, replace(up, close=495.0), seen(15, 40, 50, 1)):
        before, after = cast(shown), cast(mirrored_frame(shown))
        assert after.confidence == before.confidence
        assert (after.bias == VoteBias.BEARISH) == (before.bias == VoteBias.BULLISH)
