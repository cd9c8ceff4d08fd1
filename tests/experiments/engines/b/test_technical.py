"""The technical agent: each reading at its thresholds, and the mirror."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.engines.b import technical
from experiments.engines.b.technical import COMPONENTS
from experiments.enums import VoteBias
from optionsengine.core.enums import Side
from tests.experiments.engines.b.views import OPPOSITE, view
from tests.experiments.worlds import frame, mirrored_frame, world

PRICES = st.integers(min_value=-640, max_value=640).map(lambda sixtyfourths: 500 + sixtyfourths / 64)
SHARES = st.integers(min_value=-2, max_value=6).map(lambda quarters: quarters / 4)
PERCENTS = st.integers(min_value=0, max_value=400).map(lambda quarters: quarters / 4)


def read(component, **values):
    reading = COMPONENTS[component][1](frame(**values))
    return None if reading is None else (reading.direction, reading.score)


CASES = [
    ("ema_trend", {}, (1, 85)),
    ("ema_trend", {"ema48": 496.0}, (1, 70)),
    ("ema_trend", {"ema48": None}, (1, 70)),
    ("ema_trend", {"close": 498.0}, (1, 70)),
    ("ema_trend", {"close": 496.0}, (0, 50)),
    ("ema_trend", {"ema8": 496.0}, (0, 50)),
    ("ema_trend", {"ema8": None}, None),
    ("rsi", {"rsi": 70.1}, (-1, 30)),
    ("rsi", {"rsi": 70.0}, (1, 65)),
    ("rsi", {"rsi": 55.0}, (1, 65)),
    ("rsi", {"rsi": 54.9}, (0, 50)),
    ("rsi", {"rsi": 45.1}, (0, 50)),
    ("rsi", {"rsi": 45.0}, (-1, 65)),
    ("rsi", {"rsi": 30.0}, (-1, 65)),
    ("rsi", {"rsi": 29.9}, (1, 30)),
    ("macd", {"macd_hist": 0.5, "macd_hist_prev": 0.4}, (1, 75)),
    ("macd", {"macd_hist": 0.5, "macd_hist_prev": 0.5}, (1, 55)),
    ("macd", {"macd_hist": 0.0, "macd_hist_prev": 0.5}, (0, 50)),
    ("macd", {"macd_hist": -0.5, "macd_hist_prev": -0.4}, (-1, 75)),
    ("macd", {"macd_hist": -0.5, "macd_hist_prev": -0.6}, (-1, 55)),
    ("vwap", {"vwap": 499.0}, (0, 50)),
    ("vwap", {"vwap": 498.9}, (1, 65)),
    ("vwap", {"vwap": 501.1}, (-1, 65)),
    ("volume", {"volume_ratio": 1.6}, (0, 75)),
    ("volume", {"volume_ratio": 1.5}, (0, 60)),
    ("volume", {"volume_ratio": 1.0}, (0, 50)),
    ("volume", {"volume_ratio": 0.4}, (0, 30)),
    ("bollinger", {"bb_position": 0.95}, (1, 40)),
    ("bollinger", {"bb_position": 0.75}, (1, 60)),
    ("bollinger", {"bb_position": 0.5}, (0, 50)),
    ("bollinger", {"bb_position": 0.25}, (-1, 60)),
    ("bollinger", {"bb_position": 0.05}, (-1, 40)),
    ("adx", {"adx": 30.1}, (1, 75)),
    ("adx", {"adx": 30.0}, (1, 60)),
    ("adx", {"adx": 30.0, "plus_di": 20.0}, (0, 50)),
    ("adx", {"adx": 20.0}, (0, 50)),
    ("adx", {"adx": 14.9}, (0, 30)),
    ("price_action", {}, (1, 70)),
    ("price_action", {"highs": (498.0, 501.0, 501.0)}, (0, 50)),
    ("price_action", {"highs": (498.0, 501.0)}, None),
    # of four bars it reads the last three
    ("price_action", {"highs": (502.0, 498.0, 499.0, 501.0), "lows": (497.0, 495.0, 496.0, 498.0)}, (1, 70)),
    ("price_action", {"highs": (498.0, 499.0, 501.0, 500.0), "lows": (495.0, 496.0, 498.0, 499.0)}, (0, 50)),
]


@pytest.mark.parametrize(("component", "values", "expected"), CASES)
def test_each_reading(component, values, expected):
    assert read(component, **values) == expected


def test_the_weights_are_whole():
    assert sum(weight for weight, _ in COMPONENTS.values()) == pytest.approx(1)


def vote(seen):
    return technical.vote(view(frames={"5m": seen}))


def test_a_strong_trend_is_voted_for_with_the_exact_confidence():
    cast = vote(frame())

    # (85×.20 + 65×.15 + 75×.15 + 65×.10 + 50×.10 + 60×.10 + 75×.10 + 70×.10) of 1
    assert (cast.bias, cast.confidence, cast.weight) == (VoteBias.BULLISH, 70.0, 0.18)


def test_three_readings_against_it_cap_the_confidence():
    two_against = frame(rsi=71.0, vwap=502.0)
    three_against = replace(two_against, bb_position=0.25)

    # (85×.20 + 70×.15 + 75×.15 + 35×.10 + 50×.10 + 60×.10 + 75×.10 + 70×.10) of 1
    assert (vote(two_against).bias, vote(two_against).confidence) == (VoteBias.BULLISH, 67.75)
    assert (vote(three_against).bias, vote(three_against).confidence) == (VoteBias.BULLISH, 45.0)


def test_it_abstains_without_bars():
    empty = frame(ema8=None, rsi=None, macd_hist=None, vwap=None)

    assert vote(empty).is_abstaining
    assert technical.vote(view(frames={})).is_abstaining


def test_d15_it_does_not_look_at_the_signals_side():
    seen = {"5m": frame(Side.SHORT)}

    long, short = (technical.vote(view(world(side), frames=seen)) for side in Side)

    assert long == short
    assert long.bias == VoteBias.BEARISH


FRAMES = st.builds(
    frame,
    ema8=PRICES,
    ema21=PRICES,
    ema48=st.none() | PRICES,
    rsi=st.none() | PERCENTS,
    macd_hist=st.none() | SHARES,
    macd_hist_prev=SHARES,
    vwap=st.none() | PRICES,
    volume_ratio=st.none() | st.sampled_from([0.25, 0.75, 1.25, 2.0]),
    bb_position=st.none() | SHARES,
    adx=st.none() | PERCENTS,
    plus_di=PERCENTS,
    minus_di=PERCENTS,
    highs=st.tuples(PRICES, PRICES, PRICES),
    lows=st.tuples(PRICES, PRICES, PRICES),
)


@settings(max_examples=150, deadline=None)
@given(seen=FRAMES)
def test_d05_mirrored_data_give_the_mirrored_vote_with_equal_confidence(seen):
    cast, turned = vote(seen), vote(mirrored_frame(seen))

    assert turned.bias == OPPOSITE.get(cast.bias, cast.bias)
    assert turned.confidence == pytest.approx(cast.confidence, abs=1e-3)
    assert turned.is_abstaining == cast.is_abstaining
