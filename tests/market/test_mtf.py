"""Several timeframes together, in the words and bounds of the bias V3 body."""

import itertools
from copy import deepcopy
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optionsengine.core.canonical import canonical_json
from optionsengine.market.analysis_enums import (
    FrameBias,
    RegimeType,
    Room,
    TrendPhase,
    VolatilityState,
    VwapPosition,
)
from optionsengine.market.data import TIMEFRAMES
from optionsengine.market.frames import frame_read
from optionsengine.market.mtf import (
    FRAME_WEIGHTS,
    Consensus,
    Space,
    Swings,
    Vwap,
    consensus_of,
    mtf_read,
    phase_of,
    regime_of,
    swings_of,
    vwap_of,
)
from optionsengine.market.providers.simulated import SimulatedProvider
from optionsengine.market.swings import Levels
from signals.bias_v3 import BiasV3Payload
from tests.bias.payloads import BODY
from tests.market.bar_series import OPENING, bars_of, mirrored, steady, walk
from tests.market.test_frames import TURNED

UP, DOWN, FLAT = FrameBias.BULLISH, FrameBias.BEARISH, FrameBias.NEUTRAL
MINUTES = {"5m": 5, "15m": 15, "1h": 60, "4h": 240, "1d": 1440}
PLAIN = frame_read(steady(80, 0.0, half_range=0.5), "15m")
NO_LEVELS = Levels(None, None, (), ())


def frame(timeframe, bias=FLAT, strength=0.0, **values):
    return replace(PLAIN, timeframe=timeframe, bias=bias, strength=strength, **values)


def world(seed: int, frames=TIMEFRAMES, drift: float = 0.0, count: int = 90):
    return {name: walk(seed + number, count, MINUTES[name], drift) for number, name in enumerate(frames)}


# 1 ── consensus


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        # weights 0.25 of 0.5 each: 40 − 20 = 20
        ([("1h", UP, 80), ("4h", DOWN, 40)], (UP, 20.0, 0.0875, 50.0, 100.0)),
        ([("1h", DOWN, 80), ("4h", UP, 40)], (DOWN, -20.0, 0.0875, 50.0, 100.0)),
        ([("1h", UP, 80), ("4h", DOWN, 40.1)], (FLAT, 19.95, 0.087438, 50.0, 100.0)),
        ([("1h", UP, 60), ("4h", DOWN, 60)], (FLAT, 0.0, 0.0625, 50.0, 100.0)),
        ([("1h", FLAT, 24), ("4h", FLAT, 10)], (FLAT, 0.0, 0.0, 0.0, 0.0)),
        ([("1d", UP, 60)], (UP, 60.0, 0.2, 100.0, 0.0)),
        # 0.25 · 80 + 0.25 · 60 + 0.25 · 40 − 0.10 · 50 − 0.15 · 0; aligned 0.75, against 0.10
        (
            [("1d", UP, 80), ("4h", UP, 60), ("1h", UP, 40), ("15m", FLAT, 20), ("5m", DOWN, 50)],
            (UP, 40.0, 0.5175, 75.0, 20.0),
        ),
    ],
)
def test_consensus(frames, expected):
    for order in itertools.permutations(frames):
        assert consensus_of([frame(*row) for row in order]) == Consensus(*expected)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(TIMEFRAMES), st.tuples(st.sampled_from([UP, DOWN, FLAT]), st.floats(0, 100)), min_size=1
    ),
    st.randoms(use_true_random=False),
)
def test_consensus_keeps_its_bounds_its_order_and_its_mirror(rows, random):
    frames = [frame(name, bias, round(strength, 6)) for name, (bias, strength) in rows.items()]
    found = consensus_of(frames)
    assert -100 <= found.bias_score <= 100
    assert 0 <= found.confidence_score <= 1
    assert 0 <= found.alignment_score <= 100
    assert 0 <= found.conflict_score <= 100
    random.shuffle(frames)
    assert consensus_of(frames) == found
    turned = consensus_of([replace(one, bias=TURNED[one.bias]) for one in frames])
    assert turned == replace(found, bias_consensus=TURNED[found.bias_consensus], bias_score=0 - found.bias_score)


def test_weights_are_the_references_and_whole():
    assert FRAME_WEIGHTS == {"5m": 0.10, "15m": 0.15, "1h": 0.25, "4h": 0.25, "1d": 0.25}


# 2 ── regime


@pytest.mark.parametrize(
    ("choppiness", "adx", "score", "regime"),
    [
        (38.2, 30.0, 0.0, RegimeType.TREND),
        (30.0, 45.0, 0.0, RegimeType.TREND),
        (61.8, 10.0, 100.0, RegimeType.RANGE),
        (90.0, 5.0, 100.0, RegimeType.RANGE),
        (61.8, 20.0, 75.0, RegimeType.RANGE),
        (50.0, 20.0, 50.0, RegimeType.RANGE),
        (49.9, 20.0, 49.788136, RegimeType.TREND),
        (38.2, 19.99, 25.025, RegimeType.RANGE),
        (None, 0.0, 100.0, RegimeType.RANGE),
    ],
)
def test_regime(choppiness, adx, score, regime):
    found = regime_of({"15m": frame("15m", chop=choppiness, adx=adx, volatility=VolatilityState.EXPANDING)})
    assert (found.type, found.chop_score, found.frame) == (regime, score, "15m")
    assert (found.adx_15m, found.atr_state_15m) == (adx, VolatilityState.EXPANDING)


def test_regime_without_fifteen_minute_bars_is_that_of_the_shortest_frame():
    found = regime_of({"1d": frame("1d", chop=61.8, adx=10.0), "1h": frame("1h", chop=38.2, adx=30.0)})
    assert (found.chop_score, found.frame, found.adx_15m, found.atr_state_15m) == (0.0, "1h", None, None)


# 3 ── levels and room


@pytest.mark.parametrize(
    ("distance", "room"),
    [(0.01, Room.LOW), (0.99, Room.LOW), (1.0, Room.MEDIUM), (2.49, Room.MEDIUM), (2.5, Room.HIGH), (9.0, Room.HIGH)],
)
def test_room_counts_the_ranges_to_the_next_level(distance, room):
    far = 40.0
    above = Levels(1.0, 2.0, (100 + far, 100 + 2 * distance), (100 - far,))
    below = Levels(3.0, 4.0, (100 + far,), (100 - far, 100 - 2 * distance))
    swings, space = swings_of({"15m": frame("15m", atr=2.0, levels=above)}, 100.0)
    assert (swings.dist_to_res_atr, swings.dist_to_sup_atr) == (pytest.approx(distance), far / 2)
    assert space == Space(room, Room.HIGH)
    swings, space = swings_of({"1h": frame("1h", atr=2.0, levels=below)}, 100.0)
    assert (swings.dist_to_res_atr, swings.dist_to_sup_atr) == (far / 2, pytest.approx(distance))
    assert space == Space(Room.HIGH, room)
    assert (swings.h1_last_pivot_high, swings.h1_last_pivot_low, swings.m15_last_pivot_high) == (3.0, 4.0, None)


def test_levels_of_both_frames_count_in_ranges_of_the_shorter_one():
    quarter = frame("15m", atr=1.0, levels=Levels(104.0, 99.0, (104.0,), (99.0,)))
    hour = frame("1h", atr=5.0, levels=Levels(103.0, 97.0, (103.0,), (97.0,)))
    swings, space = swings_of({"15m": quarter, "1h": hour}, 100.0)
    assert swings == Swings(103.0, 97.0, 104.0, 99.0, 3.0, 1.0)
    assert space == Space(Room.HIGH, Room.MEDIUM)


def test_a_side_without_levels_has_room_and_frames_that_show_none_say_nothing():
    swings, space = swings_of({"15m": frame("15m", levels=NO_LEVELS)}, 100.0)
    assert (swings, space) == (Swings(*(None,) * 6), Space(Room.HIGH, Room.HIGH))
    swings, space = swings_of({"4h": frame("4h", levels=Levels(1.0, 1.0, (101.0,), (99.0,)))}, 100.0)
    assert (swings, space) == (Swings(*(None,) * 6), Space(Room.NA, Room.NA))


# 4 ── the session's average price


@pytest.mark.parametrize(
    ("last", "position", "distance"),
    [
        ((105.5, 104.5, 105.0), VwapPosition.ABOVE, 2.5),
        ((95.5, 94.5, 95.0), VwapPosition.BELOW, -2.5),
        ((105.0, 99.0, 104.0), VwapPosition.CROSSING, 2.0),
    ],
)
def test_vwap_position(last, position, distance):
    bars = bars_of([(100.5, 99.5, 100.0)] * 20 + [last])
    bars[-1] = replace(bars[-1], volume=0)  # so that the average stays 100
    read = frame("5m", close=last[2], bar_high=last[0], bar_low=last[1], atr=2.0)
    assert vwap_of({"5m": bars}, {"5m": read}) == Vwap(100.0, position, distance, date(2026, 2, 20))


def test_vwap_is_unknown_without_short_bars_or_without_the_session_from_its_opening():
    nothing = Vwap(None, VwapPosition.NA, None, None)
    bars = bars_of([(100.5, 99.5, 100.0)] * 20)
    assert vwap_of({"1h": bars}, {"1h": frame("1h")}) == nothing
    assert vwap_of({"5m": bars[1:]}, {"5m": frame("5m")}) == nothing
    assert vwap_of({"15m": bars}, {"15m": frame("15m", atr=0.0)}).dist_atr is None


# 5 ── trend phase


@pytest.mark.parametrize(
    ("since", "ema21", "close", "expected"),
    [
        (0, 101.0, 101.0, TrendPhase.EARLY),
        (10, 101.0, 101.0, TrendPhase.EARLY),
        (10, 101.0, 120.0, TrendPhase.EARLY),
        (11, 101.0, 101.0, TrendPhase.MID),
        (11, 101.0, 109.99, TrendPhase.MID),
        (11, 101.0, 110.0, TrendPhase.LATE),
        (54, 101.0, 101.0, TrendPhase.MID),
        (55, 101.0, 101.0, TrendPhase.LATE),
        (30, 99.0, 101.0, TrendPhase.EARLY),  # not crossed to this side yet
        (None, 101.0, 101.0, TrendPhase.MID),  # at least 26 bars old
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_trend_phase(since, ema21, close, expected, sign):
    read = replace(
        frame("1h", atr=2.0),
        bars=80,
        ema55=100.0,
        ema21=100 + sign * (ema21 - 100),
        close=100 + sign * (close - 100),
        bars_since_cross=since,
    )
    bias = UP if sign > 0 else DOWN
    assert phase_of({"1h": read}, bias, RegimeType.TREND) is expected
    assert phase_of({"15m": read}, bias, RegimeType.TREND) is expected
    assert phase_of({"1h": read}, bias, RegimeType.RANGE) is TrendPhase.RANGE
    assert phase_of({"1h": read}, FLAT, RegimeType.TREND) is TrendPhase.RANGE
    assert phase_of({"4h": read}, bias, RegimeType.TREND) is None


def test_an_uncrossed_trend_is_late_once_its_averages_are_known_for_55_bars():
    read = replace(frame("1h", atr=2.0), ema55=100.0, ema21=101.0, close=101.0, bars_since_cross=None)
    assert phase_of({"1h": replace(read, bars=108)}, UP, RegimeType.TREND) is TrendPhase.MID
    assert phase_of({"1h": replace(read, bars=109)}, UP, RegimeType.TREND) is TrendPhase.LATE


# 6 ── all together


@pytest.mark.parametrize(("step", "bias"), [(1.0, UP), (-1.0, DOWN)])
def test_a_steady_trend_on_every_frame(step, bias):
    found = mtf_read({name: steady(70, step, minutes=MINUTES[name]) for name in TIMEFRAMES})
    assert [one.timeframe for one in found.frames] == list(TIMEFRAMES)
    assert found.consensus == Consensus(bias, 100.0 * step, 1.0, 100.0, 0.0)
    assert (found.regime.type, found.regime.chop_score, found.regime.adx_15m) == (RegimeType.TREND, 0.0, 100.0)
    assert found.trend_phase is TrendPhase.LATE
    assert found.space == Space(Room.HIGH, Room.HIGH)
    assert found.vwap.position is (VwapPosition.ABOVE if step > 0 else VwapPosition.BELOW)
    assert (found.close, found.at) == (200 + 69 * step, OPENING + timedelta(minutes=345))


def test_a_frame_with_too_few_bars_is_absent_and_nothing_is_made_up():
    bars = world(3)
    found = mtf_read({**bars, "4h": bars["4h"][:59], "1d": []})
    assert [one.timeframe for one in found.frames] == ["5m", "15m", "1h"]
    assert mtf_read({"5m": bars["5m"][:59]}) is None
    assert mtf_read({}) is None


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.floats(-1.0, 1.0), st.permutations(TIMEFRAMES))
def test_the_order_of_the_frames_changes_nothing(seed, drift, order):
    bars = world(seed, drift=drift)
    assert mtf_read({name: bars[name] for name in order}) == mtf_read(bars)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(-1.0, 1.0))
def test_mirrored_bars_have_the_mirrored_reading(seed, drift):
    bars = world(seed, drift=drift)
    up, down = mtf_read(bars), mtf_read({name: mirrored(rows) for name, rows in bars.items()})
    assert down.consensus.bias_consensus is TURNED[up.consensus.bias_consensus]
    assert down.consensus.bias_score == pytest.approx(-up.consensus.bias_score, abs=1e-4)
    for name in ("confidence_score", "alignment_score", "conflict_score"):
        assert getattr(down.consensus, name) == pytest.approx(getattr(up.consensus, name), abs=1e-4)
    assert down.regime.type is up.regime.type
    assert down.regime.chop_score == pytest.approx(up.regime.chop_score, abs=1e-4)
    assert down.trend_phase is up.trend_phase
    assert down.space == Space(up.space.room_to_support, up.space.room_to_resistance)
    across = {VwapPosition.ABOVE: VwapPosition.BELOW, VwapPosition.BELOW: VwapPosition.ABOVE}
    assert down.vwap.position is across.get(up.vwap.position, up.vwap.position)
    assert (down.swings.dist_to_res_atr, down.swings.dist_to_sup_atr) == (
        pytest.approx(up.swings.dist_to_sup_atr, abs=1e-4),
        pytest.approx(up.swings.dist_to_res_atr, abs=1e-4),
    )


@pytest.mark.parametrize("frames", [TIMEFRAMES, ("1h",), ("5m", "1d")])
@pytest.mark.parametrize("symbol", ["SPY", "NVDA"])
def test_the_blocks_are_those_of_a_bias_v3_body(frames, symbol):
    provider = SimulatedProvider(seed=11, always_open=False)
    at = OPENING + timedelta(hours=3)
    found = mtf_read({name: provider.bars(symbol, name, 200, at) for name in frames})
    body, blocks = deepcopy(BODY), found.blocks()
    body["mtf"], body["space"] = blocks["mtf"], blocks["space"]
    body["levels"] |= blocks["levels"]
    payload = BiasV3Payload.model_validate(body)
    assert payload.mtf.model_dump(mode="json") == blocks["mtf"]
    assert payload.space.model_dump() == blocks["space"]
    assert payload.levels.vwap.model_dump() == blocks["levels"]["vwap"]
    assert payload.levels.swings.model_dump() == blocks["levels"]["swings"]
    assert payload.mtf.consensus.bias_score == found.consensus.bias_score
    assert [reading.tf for reading in payload.mtf.timeframes] == list(frames)
    canonical_json(blocks)
