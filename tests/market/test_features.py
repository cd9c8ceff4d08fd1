"""What the engines read of a series of bars."""

import math
import random
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optionsengine.core.canonical import canonical_json
from optionsengine.market.data import Bar
from optionsengine.market.features import FrameFeatures, frame_features, percentile_of_last

START = datetime(2026, 2, 20, 14, 30, tzinfo=UTC)


def bar(number: int, close: float, high: float | None = None, low: float | None = None, volume: int = 1000) -> Bar:
    # quarters of a dollar are exact as floats, so that what ties on paper ties in the arithmetic
    prices = (close, close + 0.5 if high is None else high, close - 0.5 if low is None else low, close)
    return Bar(
        START + timedelta(minutes=5 * number), *(Decimal(str(round(price * 4) / 4)) for price in prices), volume, "test"
    )


def wandering(count: int, seed: int = 3) -> list[Bar]:
    source = random.Random(seed)
    price, bars = 100.0, []
    for number in range(count):
        price += source.gauss(0, 1)
        bars.append(bar(number, price, price + source.random(), price - source.random(), source.randint(500, 1500)))
    return bars


FIRST_KNOWN = {
    "close": 1,
    "ema8": 8,
    "ema21": 21,
    "ema48": 48,
    "ema21_seeded": 21,
    "rsi": 15,
    "macd_hist": 34,
    "macd_hist_prev": 35,
    "vwap": 1,
    "volume_ratio": 21,
    "bb_position": 20,
    "bb_width_percentile": 29,
    "adx": 28,
    "plus_di": 15,
    "minus_di": 15,
    "atr": 15,
    "atr_percentile": 24,
    "squeeze_on": 21,
    "squeeze_on_before": 22,
    "squeeze_momentum": 39,
}


@pytest.mark.parametrize(("name", "bars"), FIRST_KNOWN.items())
def test_a_feature_is_none_until_there_are_enough_bars(name, bars):
    assert getattr(frame_features(wandering(bars - 1), "5m"), name) is None
    assert getattr(frame_features(wandering(bars), "5m"), name) is not None


def test_every_feature_has_its_least_number_of_bars_listed_here():
    described = {"timeframe", "bars", "at", "highs", "lows"}
    assert {field.name for field in fields(FrameFeatures)} == set(FIRST_KNOWN) | described


def test_a_steady_climb():
    features = frame_features([bar(number, 100.0 + number) for number in range(60)], "15m")
    assert (features.timeframe, features.bars, features.at) == ("15m", 60, START + timedelta(minutes=295))
    assert features.close == 159.0
    assert features.ema8 == 155.5  # an average of k = 2/(n+1) trails a line by (n-1)/2 steps
    assert features.ema21 == 149.0
    assert features.ema48 == 135.5
    assert features.rsi == 100.0
    assert features.macd_hist == pytest.approx(0, abs=1e-6)
    assert features.vwap == 129.5
    assert features.volume_ratio == 1.0
    deviation = math.sqrt((20**2 - 1) / 12)
    assert features.bb_position == round((9.5 + 2 * deviation) / (4 * deviation), 6)
    assert features.bb_width_percentile == 0.0  # the same width over a higher price, every bar
    assert features.adx == 100.0
    assert features.minus_di == 0.0
    assert features.plus_di == pytest.approx(100 / 1.5)
    assert features.atr == 1.5
    assert features.atr_percentile == 50.0
    assert features.highs == (156.5, 157.5, 158.5, 159.5)
    assert features.lows == (155.5, 156.5, 157.5, 158.5)
    assert (features.squeeze_on, features.squeeze_on_before) == (False, False)
    assert features.squeeze_momentum == 9.5  # the close less half of (close − 9.5 + close − 9.5)


def test_vwap_and_volume_ratio_weigh_by_volume():
    bars = [bar(number, 100.0) for number in range(20)]
    bars.append(bar(20, 110.0, 112.0, 108.0, volume=5000))
    features = frame_features(bars, "5m")
    assert features.vwap == 102.0  # (20 × 1000 × 100 + 5000 × 110) ÷ 25000
    assert features.volume_ratio == 5.0


def test_vwap_is_that_of_the_last_session_alone():
    bars = wandering(78) + [bar(number, 300.0 + number) for number in range(78, 80)]  # after 16:00 New York time
    monday = [replace(one, at=one.at + timedelta(days=3)) for one in (bar(0, 50.0), bar(1, 70.0, volume=3000))]
    within = [float((one.high + one.low + one.close) / 3) * one.volume for one in bars[:78]]
    friday = sum(within) / sum(one.volume for one in bars[:78])
    assert frame_features(bars, "5m").vwap == pytest.approx(friday, abs=1e-6)
    assert frame_features(bars + monday[:1], "5m").vwap == 50.0
    assert frame_features(bars + monday, "15m").vwap == 65.0


def test_vwap_needs_the_session_from_its_opening_and_bars_within_the_day():
    bars = wandering(30)
    assert frame_features(bars, "4h").vwap is not None
    assert frame_features(bars[1:], "4h").vwap is None
    assert frame_features(bars, "1d").vwap is None
    saturday = [replace(one, at=one.at + timedelta(days=1)) for one in bars]
    assert frame_features(saturday, "5m").vwap is None


def test_what_divides_by_nothing_is_none():
    flat = [bar(number, 100.0, 100.0, 100.0, volume=0) for number in range(60)]
    features = frame_features(flat, "5m")
    assert (features.vwap, features.volume_ratio, features.bb_position) == (None, None, None)
    assert features.rsi == 50.0


def coiled(count: int) -> list[Bar]:
    """Closes that hardly move within wide bars: the deviations are narrow and the true ranges are not."""
    return [bar(number, 100.0 + 0.25 * (number % 2), 102.0, 98.0) for number in range(count)]


def test_the_squeeze_is_on_while_the_closes_hardly_move_within_wide_bars():
    features = frame_features(coiled(60), "15m")
    assert (features.squeeze_on, features.squeeze_on_before) == (True, True)


@pytest.mark.parametrize(("jump", "sign"), [(30.0, 1), (-30.0, -1)])
def test_the_squeeze_fires_to_either_side(jump, sign):
    features = frame_features([*coiled(60), bar(60, 100.0 + jump)], "15m")
    assert (features.squeeze_on, features.squeeze_on_before) == (False, True)
    assert sign * features.squeeze_momentum > 0


def test_no_bars_at_all():
    features = frame_features([], "1d")
    assert (features.bars, features.at, features.close, features.highs, features.lows) == (0, None, None, (), ())


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (range(10), 100.0),
        (range(10, 0, -1), 0.0),
        ([1, 1, 1, 1, 1, 1, 1, 1, 1, 1], 50.0),
        ([0, 0, 0, 5, 5, 9, 9, 9, 9, 5], 44.444444),  # three below, two ties, of nine
        (range(9), None),
        ([math.nan] * 5 + [0.0] * 9 + [1.0], 100.0),
        ([math.nan] * 5 + [0.0] * 8 + [1.0], None),
    ],
)
def test_percentile_of_the_last_value(values, expected):
    assert percentile_of_last(np.array(list(values), dtype=np.float64)) == expected


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 130))
def test_features_are_finite_rounded_and_canonical(seed, count):
    features = frame_features(wandering(count, seed), "5m")
    for field in fields(features):
        value = getattr(features, field.name)
        if isinstance(value, float):
            assert value == round(value, 6)
            assert math.isfinite(value)
    canonical_json({field.name: getattr(features, field.name) for field in fields(features)})


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_mirrored_bars_have_mirrored_features(seed):
    bars = wandering(120, seed)
    mirrored = [
        Bar(
            b.at,
            Decimal(400) - b.open,
            Decimal(400) - b.low,
            Decimal(400) - b.high,
            Decimal(400) - b.close,
            b.volume,
            "test",
        )
        for b in bars
    ]
    up, down = frame_features(bars, "5m"), frame_features(mirrored, "5m")
    for name in ("close", "ema8", "ema21", "ema48", "ema21_seeded", "vwap"):
        assert getattr(up, name) + getattr(down, name) == pytest.approx(400, abs=1e-5)
    assert up.rsi + down.rsi == pytest.approx(100, abs=1e-5)
    assert up.bb_position + down.bb_position == pytest.approx(1, abs=1e-5)
    assert up.macd_hist == pytest.approx(-down.macd_hist, abs=1e-5)
    assert up.macd_hist_prev == pytest.approx(-down.macd_hist_prev, abs=1e-5)
    assert (up.adx, up.plus_di, up.minus_di, up.atr) == pytest.approx(
        (down.adx, down.minus_di, down.plus_di, down.atr), abs=1e-5
    )
    assert (up.volume_ratio, up.atr_percentile) == (down.volume_ratio, down.atr_percentile)
    assert (up.squeeze_on, up.squeeze_on_before) == (down.squeeze_on, down.squeeze_on_before)
    assert up.squeeze_momentum == pytest.approx(-down.squeeze_momentum, abs=1e-5)
