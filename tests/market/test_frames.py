"""One timeframe's reading, against the formulas worked out step by step."""

import math
from dataclasses import asdict, fields
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optionsengine.core.canonical import canonical_json
from optionsengine.market.analysis_enums import FrameBias, Momentum, Structure, VolatilityState
from optionsengine.market.frames import MIN_BARS, FrameReading, frame_read
from tests.market.bar_series import bars_of, mirrored, steady, walk

TURNED = {
    FrameBias.BULLISH: FrameBias.BEARISH,
    FrameBias.BEARISH: FrameBias.BULLISH,
    FrameBias.NEUTRAL: FrameBias.NEUTRAL,
    Structure.HH_HL: Structure.LH_LL,
    Structure.LH_LL: Structure.HH_HL,
    Structure.RANGE: Structure.RANGE,
    Momentum.IMPULSE_UP: Momentum.IMPULSE_DOWN,
    Momentum.IMPULSE_DOWN: Momentum.IMPULSE_UP,
    Momentum.DRIFT: Momentum.DRIFT,
}


def averages(closes: list[float], period: int) -> list[float]:
    values = [sum(closes[:period]) / period]
    for close in closes[period:]:
        values.append(values[-1] + 2 / (period + 1) * (close - values[-1]))
    return values


def ranges(bars) -> list[float]:
    """Wilder's average true range after each bar from the fifteenth on."""
    true = [float(max(b.high, a.close) - min(b.low, a.close)) for a, b in pairwise(bars)]
    values = [sum(true[:14]) / 14]
    for value in true[14:]:
        values.append((values[-1] * 13 + value) / 14)
    return values


def test_a_frame_with_fewer_than_sixty_bars_is_absent():
    assert frame_read(walk(1, MIN_BARS - 1), "1h") is None
    assert frame_read(walk(1, MIN_BARS), "1h") is not None


@pytest.mark.parametrize(
    ("step", "bias", "structure", "momentum"),
    [
        (1.0, FrameBias.BULLISH, Structure.HH_HL, Momentum.IMPULSE_UP),
        (-1.0, FrameBias.BEARISH, Structure.LH_LL, Momentum.IMPULSE_DOWN),
    ],
)
def test_a_steady_move(step, bias, structure, momentum):
    reading = frame_read(steady(60, step), "4h")
    assert (reading.timeframe, reading.bars, reading.bias, reading.strength) == ("4h", 60, bias, 100.0)
    assert (reading.structure, reading.momentum, reading.volatility) == (structure, momentum, VolatilityState.NORMAL)
    assert reading.close == 200 + 59 * step
    assert (reading.bar_high, reading.bar_low) == (reading.close + 0.5, reading.close - 0.5)
    assert reading.ema21 == reading.close - 10 * step  # an average of k = 2/(n+1) trails a line by (n-1)/2 steps
    assert reading.ema55 == reading.close - 27 * step
    assert (reading.slope_ema55, reading.atr, reading.adx) == (step, 1.5, 100.0)
    assert reading.chop == pytest.approx(100 * math.log(14 * 1.5 / 14) / math.log(14), abs=1e-5)
    assert reading.bars_since_cross is None


def test_a_price_that_never_moves_leans_nowhere():
    reading = frame_read(steady(80, 0.0, half_range=0.0), "5m")
    assert (reading.bias, reading.strength, reading.structure) == (FrameBias.NEUTRAL, 0.0, Structure.RANGE)
    assert (reading.momentum, reading.volatility) == (Momentum.DRIFT, VolatilityState.NORMAL)
    assert (reading.atr, reading.adx, reading.chop, reading.slope_ema55) == (0.0, 0.0, None, 0.0)


@pytest.mark.parametrize(("step", "strength"), [(0.015, 24.725), (0.016, 25.04)])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_lean_is_the_weighted_sum_of_its_parts(step, strength, sign):
    # an ATR of 2 dollars: 0.25 · 10s/4 + 0.30 · 17s/4 + 0.25 · s/0.2 + 0.20
    reading = frame_read(steady(80, sign * step, half_range=1.0), "15m")
    assert reading.strength == pytest.approx(strength, abs=1e-5)
    side = FrameBias.BULLISH if sign > 0 else FrameBias.BEARISH
    assert reading.bias is (side if strength >= 25 else FrameBias.NEUTRAL)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (0.59, Momentum.DRIFT),
        (0.6, Momentum.IMPULSE_UP),
        (-0.59, Momentum.DRIFT),
        (-0.6, Momentum.IMPULSE_DOWN),
        (0.0, Momentum.DRIFT),
    ],
)
def test_an_impulse_is_one_and_a_half_ranges_in_five_bars(step, expected):
    assert frame_read(steady(60, step, half_range=1.0), "5m").momentum is expected


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ([1.0] * 10, VolatilityState.NORMAL),
        ([3.0], VolatilityState.NORMAL),  # an ATR of 1.1429 over a mean of 1.0036
        ([4.0], VolatilityState.EXPANDING),
        ([0.5] * 4, VolatilityState.NORMAL),
        ([0.5] * 8, VolatilityState.CONTRACTING),
    ],
)
def test_volatility_compares_the_range_with_its_mean_over_forty_bars(last, expected):
    spans = [1.0] * 70 + last
    bars = bars_of([(200 + span / 2, 200 - span / 2, 200) for span in spans])
    known = ranges(bars)
    ratio = known[-1] / (sum(known[-40:]) / 40)
    assert expected is (
        VolatilityState.EXPANDING
        if ratio >= 1.15
        else VolatilityState.CONTRACTING
        if ratio <= 0.85
        else VolatilityState.NORMAL
    )
    assert frame_read(bars, "5m").volatility is expected


def test_bars_since_the_averages_crossed():
    falling = [200 - 0.5 * number for number in range(90)]
    closes = falling + [falling[-1] + 2.0 * number for number in range(1, 40)]
    reading = frame_read(bars_of([(c + 0.5, c - 0.5, c) for c in closes]), "1h")
    gaps = [fast - slow for fast, slow in zip(averages(closes, 21)[34:], averages(closes, 55), strict=True)]
    assert reading.bars_since_cross == len(gaps) - 1 - max(n for n, gap in enumerate(gaps) if gap <= 0)
    assert 0 < reading.bars_since_cross < 39


def clamp(value: float) -> float:
    return max(-1.0, min(1.0, value))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(MIN_BARS, 160), st.floats(-1.5, 1.5))
def test_every_number_against_its_formula(seed, count, drift):
    bars = walk(seed, count, drift=drift)
    closes = [float(one.close) for one in bars]
    reading = frame_read(bars, "15m")
    slow, atr = averages(closes, 55), ranges(bars)[-1]
    assert reading.at == bars[-1].at
    assert reading.ema21 == pytest.approx(averages(closes, 21)[-1], abs=1e-6)
    assert reading.ema55 == pytest.approx(slow[-1], abs=1e-6)
    assert reading.slope_ema55 == pytest.approx((slow[-1] - slow[-6]) / 5, abs=1e-6)
    assert reading.atr == pytest.approx(atr, abs=1e-6)
    sign = {Structure.HH_HL: 1, Structure.LH_LL: -1, Structure.RANGE: 0}[reading.structure]
    lean = 25 * clamp((closes[-1] - reading.ema21) / atr / 2) + 30 * clamp((reading.ema21 - slow[-1]) / atr / 2)
    lean += 25 * clamp(reading.slope_ema55 / atr / 0.1) + 20 * sign
    assert reading.strength == pytest.approx(abs(lean), abs=1e-3)
    assert 0 <= reading.strength <= 100
    assert (reading.bias is FrameBias.NEUTRAL) == (reading.strength < 25)
    canonical_json(asdict(reading))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(-1.5, 1.5))
def test_mirrored_bars_have_the_mirrored_reading(seed, drift):
    bars = walk(seed, 120, drift=drift)
    up, down = frame_read(bars, "1h"), frame_read(mirrored(bars), "1h")
    for name in ("bias", "structure", "momentum"):
        assert getattr(down, name) is TURNED[getattr(up, name)]
    for name in ("volatility", "bars_since_cross", "bars", "at", "timeframe"):
        assert getattr(down, name) == getattr(up, name)
    for name in ("strength", "atr", "adx", "chop"):
        assert getattr(down, name) == pytest.approx(getattr(up, name), abs=1e-5)
    for name in ("close", "ema21", "ema55"):
        assert getattr(down, name) == pytest.approx(400 - getattr(up, name), abs=1e-5)
    assert (down.bar_high, down.bar_low) == (400 - up.bar_low, 400 - up.bar_high)
    assert down.slope_ema55 == pytest.approx(-up.slope_ema55, abs=1e-5)
    assert len(fields(FrameReading)) == 19  # a new field belongs into one of the loops above
