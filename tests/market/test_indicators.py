"""Indicators against the textbook recipes, written out step by step."""

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optionsengine.market import indicators


def walk(bars: int = 400) -> tuple[list[float], list[float], list[float]]:
    source = random.Random(7)
    highs, lows, closes, price = [], [], [], 100.0
    for _ in range(bars):
        price *= 1 + source.gauss(0.0002, 0.01)
        highs.append(price * (1 + source.random() * 0.01))
        lows.append(price * (1 - source.random() * 0.01))
        closes.append(price)
    return highs, lows, closes


HIGHS, LOWS, CLOSES = walk()
HIGH, LOW, CLOSE = (np.array(values) for values in (HIGHS, LOWS, CLOSES))


def exponential(values: list[float], period: int, seed: float) -> float:
    average = seed
    for value in values:
        average += 2 / (period + 1) * (value - average)
    return average


def wilder(values: list[float], period: int = 14) -> list[float]:
    averages = [sum(values[:period]) / period]
    for value in values[period:]:
        averages.append((averages[-1] * (period - 1) + value) / period)
    return averages


@pytest.mark.parametrize("period", [8, 13, 21, 48, 200])
def test_ema_is_seeded_with_the_mean_of_its_first_closes(period):
    values = indicators.ema(CLOSE, period)
    assert np.isnan(values).sum() == period - 1
    expected = exponential(CLOSES[period:], period, sum(CLOSES[:period]) / period)
    assert values[-1] == pytest.approx(expected)


def test_ema_from_first_is_seeded_with_the_first_close():
    values = indicators.ema_from_first(CLOSE, 21)
    assert values[0] == CLOSES[0]
    assert values[-1] == pytest.approx(exponential(CLOSES, 21, CLOSES[0]))


def test_rsi_is_wilders():
    changes = [after - before for before, after in pairwise(CLOSES)]
    gain = wilder([max(change, 0.0) for change in changes])[-1]
    loss = wilder([max(-change, 0.0) for change in changes])[-1]
    assert indicators.rsi(CLOSE)[-1] == pytest.approx(100 - 100 / (1 + gain / loss))


def test_d44_rsi_of_a_price_that_never_moved_is_fifty():
    values = indicators.rsi(np.full(40, 100.0))
    assert values[14:].tolist() == [50.0] * 26
    moved = np.array([100.0] * 39 + [101.0])
    assert indicators.rsi(moved)[-1] == 100.0


def test_macd():
    fast = np.array([exponential(CLOSES[12:n], 12, sum(CLOSES[:12]) / 12) for n in range(60, 401)])
    slow = np.array([exponential(CLOSES[26:n], 26, sum(CLOSES[:26]) / 26) for n in range(60, 401)])
    line = (fast - slow).tolist()
    average = exponential(line, 9, line[0])
    values = indicators.macd(CLOSE)
    assert np.isnan(values.line).sum() == np.isnan(values.signal).sum() == 33
    assert values.line[-1] == pytest.approx(line[-1], abs=1e-9)
    assert values.signal[-1] == pytest.approx(average, abs=1e-9)
    assert values.histogram[-1] == pytest.approx(line[-1] - average, abs=1e-9)


def true_ranges() -> list[float]:
    rows = zip(HIGHS[1:], LOWS[1:], CLOSES, strict=False)
    return [max(high, before) - min(low, before) for high, low, before in rows]


def test_d44_atr_is_wilders_over_fourteen_bars():
    values = indicators.atr(HIGH, LOW, CLOSE)
    assert np.isnan(values).sum() == 14
    assert values[-1] == pytest.approx(wilder(true_ranges())[-1])


def test_adx_and_its_directions_are_wilders():
    ups = [after - before for before, after in pairwise(HIGHS)]
    downs = [before - after for before, after in pairwise(LOWS)]
    moves = list(zip(ups, downs, strict=True))
    ranges = wilder(true_ranges())
    plus = [100 * d / r for d, r in zip(wilder([u if u > d and u > 0 else 0.0 for u, d in moves]), ranges, strict=True)]
    minus = [
        100 * d / r for d, r in zip(wilder([d if d > u and d > 0 else 0.0 for u, d in moves]), ranges, strict=True)
    ]
    index = wilder([100 * abs(p - m) / (p + m) for p, m in zip(plus, minus, strict=True)])
    assert indicators.plus_di(HIGH, LOW, CLOSE)[-1] == pytest.approx(plus[-1])
    assert indicators.minus_di(HIGH, LOW, CLOSE)[-1] == pytest.approx(minus[-1])
    assert indicators.adx(HIGH, LOW, CLOSE)[-1] == pytest.approx(index[-1])


def test_bollinger_bands():
    bands = indicators.bollinger(CLOSE)
    mean, deviation = np.mean(CLOSE[-20:]), np.std(CLOSE[-20:])
    assert (bands.upper[-1], bands.middle[-1], bands.lower[-1]) == pytest.approx(
        (mean + 2 * deviation, mean, mean - 2 * deviation)
    )


@pytest.mark.parametrize("bars", [0, 1, 5])
def test_too_few_bars_give_no_values(bars):
    high, low, close = HIGH[:bars], LOW[:bars], CLOSE[:bars]
    results = [
        indicators.ema(close, 8),
        indicators.rsi(close),
        indicators.macd(close).histogram,
        indicators.atr(high, low, close),
        indicators.adx(high, low, close),
        indicators.bollinger(close).upper,
        indicators.keltner(high, low, close).upper,
        indicators.squeeze(high, low, close).momentum,
        indicators.choppiness(high, low, close),
        indicators.supertrend(high, low, close).line,
    ]
    assert [len(values) for values in results] == [bars] * len(results)
    assert all(np.isnan(values).all() for values in results)
    assert not indicators.squeeze(high, low, close).is_on.any()
    assert not indicators.supertrend(high, low, close).direction.any()


def test_keltner_channel():
    channel = indicators.keltner(HIGH, LOW, CLOSE)
    middle = exponential(CLOSES[20:], 20, sum(CLOSES[:20]) / 20)
    width = 1.5 * wilder(true_ranges(), 20)[-1]
    assert (channel.upper[-1], channel.middle[-1], channel.lower[-1]) == pytest.approx(
        (middle + width, middle, middle - width)
    )


def line_end(values: list[float]) -> float:
    """The last point of the least-squares line through `values`."""
    count = len(values)
    middle, mean = (count - 1) / 2, sum(values) / count
    slope = sum((x - middle) * (y - mean) for x, y in enumerate(values)) / sum((x - middle) ** 2 for x in range(count))
    return mean + slope * middle


def test_squeeze_momentum_is_the_end_of_the_line_through_the_distances():
    momentum = indicators.squeeze(HIGH, LOW, CLOSE).momentum
    assert np.isnan(momentum).sum() == 38
    distances = []
    for end in range(381, 401):
        window = slice(end - 20, end)
        middle = (max(HIGHS[window]) + min(LOWS[window])) / 2
        distances.append(CLOSES[end - 1] - (middle + sum(CLOSES[window]) / 20) / 2)
    assert momentum[-1] == pytest.approx(line_end(distances), abs=1e-9)


@pytest.mark.parametrize(("step", "expected"), [(0.0, True), (0.26, True), (0.261, False), (1.0, False)])
def test_squeeze_is_on_while_closes_move_little_for_the_range_of_their_bars(step, expected):
    closes = 100.0 + step * np.arange(60)  # bands of 11.533 steps in a channel of 3 dollars, either side
    squeeze = indicators.squeeze(closes + 1, closes - 1, closes)
    assert squeeze.is_on.tolist() == [False] * 20 + [expected] * 40


def test_choppiness():
    values = indicators.choppiness(HIGH, LOW, CLOSE)
    assert np.isnan(values).sum() == 14
    extent = max(HIGHS[-14:]) - min(LOWS[-14:])
    assert values[-1] == pytest.approx(100 * np.log10(sum(true_ranges()[-14:]) / extent) / np.log10(14))


def test_choppiness_of_a_straight_line_is_zero_and_of_bars_that_repeat_a_hundred():
    line = np.arange(100.0, 130.0)
    assert indicators.choppiness(line, line - 1, line)[-1] == pytest.approx(0)
    still = np.full(30, 100.0)
    assert indicators.choppiness(still + 1, still - 1, still)[-1] == pytest.approx(100)
    assert np.isnan(indicators.choppiness(still, still, still)).all()


def test_session_vwap_starts_anew_at_each_session_and_leaves_out_what_lies_between():
    sessions = np.array([7, 7, -1, 8, 8, 8])
    prices = np.array([10.0, 20.0, 99.0, 30.0, 60.0, 90.0])
    volumes = np.array([1.0, 3.0, 5.0, 0.0, 2.0, 1.0])
    values = indicators.session_vwap(sessions, prices + 3, prices - 3, prices, volumes)
    assert values[[0, 1, 4, 5]].tolist() == [10.0, 17.5, 60.0, 70.0]
    assert np.isnan(values[[2, 3]]).all()


def test_session_vwap_of_no_bars():
    none = np.array([])
    assert indicators.session_vwap(np.array([], dtype=np.int64), none, none, none, none).tolist() == []


def supertrend_by_hand(highs, lows, closes, period, multiplier):
    """Bar by bar, as the recipe is told: bands first, then which of them the close has broken."""
    ranges = wilder([max(h, c) - min(lo, c) for h, lo, c in zip(highs[1:], lows[1:], closes, strict=False)], period)
    bands, found, side = [], [], 0
    for place, spread in enumerate(ranges):
        bar = place + period
        top = (highs[bar] + lows[bar]) / 2 + multiplier * spread
        bottom = (highs[bar] + lows[bar]) / 2 - multiplier * spread
        if bands:
            upper, lower = bands[-1]
            top = min(top, upper) if closes[bar - 1] <= upper else top
            bottom = max(bottom, lower) if closes[bar - 1] >= lower else bottom
        bands.append((top, bottom))
        if closes[bar] > top:
            side = 1
        elif closes[bar] < bottom:
            side = -1
        found.append((side, {1: bottom, -1: top}.get(side)))
    return found


@pytest.mark.parametrize(("period", "multiplier"), [(10, 3.0), (7, 1.0)])
def test_supertrend(period, multiplier):
    values = indicators.supertrend(HIGH, LOW, CLOSE, period, multiplier)
    expected = supertrend_by_hand(HIGHS, LOWS, CLOSES, period, multiplier)
    assert values.direction[period:].tolist() == [side for side, _ in expected]
    assert {1, -1, 0} == set(values.direction.tolist())
    for ours, (_, line) in zip(values.line[period:].tolist(), expected, strict=True):
        assert np.isnan(ours) if line is None else ours == pytest.approx(line)


def test_supertrend_is_unknown_until_the_price_breaks_a_band_and_then_trails_it():
    closes = np.array([100.0] * 20 + [110.0, 111.0, 112.0, 90.0])
    values = indicators.supertrend(closes + 1, closes - 1, closes)
    assert not values.direction[:20].any()
    assert np.isnan(values.line[:20]).all()
    assert values.direction[20:].tolist() == [1, 1, 1, -1]
    assert values.line[20] < values.line[21] < values.line[22] < 110
    assert values.line[23] > 90


# StockCharts ChartSchool's worked sheets: closes of Intel for the moving average, of QQQ for the others.
INTEL = """22.27 22.19 22.08 22.17 22.18 22.13 22.23 22.43 22.24 22.29 22.15 22.39 22.38 22.61 23.36 24.05 23.75 23.83
23.95 23.63 23.82 23.87 23.65 23.19 23.10 23.33 22.68 23.10 22.40 22.17"""
INTEL_EMA_10 = """22.22 22.21 22.24 22.27 22.33 22.52 22.80 22.97 23.13 23.28 23.34 23.43 23.51 23.54 23.47 23.40 23.39
23.26 23.23 23.08 22.92"""
QQQ = """44.3389 44.0902 44.1497 43.6124 44.3278 44.8264 45.0955 45.4245 45.8433 46.0826 45.8931 46.0328 45.6140 46.2820
46.2820 46.0028 46.0328 46.4116 46.2222 45.6439 46.2122 46.2521 45.7137 46.4515 45.7835 45.3548 44.0288 44.1783 44.2181
44.5672 43.4205 42.6628 43.1314"""
QQQ_RSI = """70.53 66.32 66.55 69.41 66.36 57.97 62.93 63.26 56.06 62.38 54.71 50.42 39.99 41.46 41.87 45.46 37.30 33.08
37.77"""
RANGE_HIGH = """48.70 48.72 48.90 48.87 48.82 49.05 49.20 49.35 49.92 50.19 50.12 49.66 49.88 50.19 50.36 50.57 50.65
50.43 49.63 50.33 50.29 50.17 49.32 48.50 48.32 46.80 47.80 48.39 48.66 48.79"""
RANGE_LOW = """47.79 48.14 48.39 48.37 48.24 48.64 48.94 48.86 49.50 49.87 49.20 48.90 49.43 49.73 49.26 50.09 50.30
49.21 48.98 49.61 49.20 49.43 48.08 47.64 41.55 44.28 47.31 47.20 47.90 47.73"""
RANGE_CLOSE = """48.16 48.61 48.75 48.63 48.74 49.03 49.07 49.32 49.91 50.13 49.53 49.50 49.75 50.03 50.31 50.52 50.41
49.34 49.37 50.23 49.24 49.93 48.43 48.18 46.57 45.41 47.77 47.72 48.62 47.85"""
RANGE_ATR = "0.56 0.59 0.59 0.57 0.62 0.62 0.64 0.67 0.69 0.78 0.78 1.21 1.30 1.38 1.37 1.34 1.32"
BAND_CLOSE = """86.16 89.09 88.78 90.32 89.07 91.15 89.44 89.18 86.93 87.68 86.96 89.43 89.32 88.72 87.45 87.26 89.50
87.90 89.13 90.70"""


PRINTED = 0.01  # the sheets print cents and were worked out from more digits than they print


def sheet(text: str) -> np.ndarray:
    return np.array([float(number) for number in text.split()])


def test_the_published_sheet_of_the_exponential_average():
    values = indicators.ema(sheet(INTEL), 10)[9:]
    assert np.abs(values - sheet(INTEL_EMA_10)).max() < PRINTED


def test_the_published_sheet_of_the_relative_strength_index():
    assert np.round(indicators.rsi(sheet(QQQ))[14:], 2).tolist() == sheet(QQQ_RSI).tolist()


def test_the_published_sheet_of_the_average_true_range():
    high, low, close = sheet(RANGE_HIGH), sheet(RANGE_LOW), sheet(RANGE_CLOSE)
    # the sheet counts the first day's range too; a close within that day's range before it says the same
    high, low, close = (np.concatenate((values[:1], values)) for values in (high, low, close))
    assert np.abs(indicators.atr(high, low, close)[14:] - sheet(RANGE_ATR)).max() < PRINTED


def test_the_published_sheet_of_the_bollinger_bands():
    bands = indicators.bollinger(sheet(BAND_CLOSE))
    ends = np.array([band[-1] for band in (bands.upper, bands.middle, bands.lower)])
    assert np.abs(ends - [91.29, 88.71, 86.12]).max() < PRINTED


def columns(seed: int, count: int = 90) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A walk in quarters of a dollar, which floats hold exactly even when mirrored or moved."""
    source = np.random.default_rng(seed)
    closes = 200 + np.cumsum(np.rint(source.normal(0, 4, count))) / 4
    opens = np.concatenate((closes[:1], closes[:-1]))
    highs = np.maximum(opens, closes) + source.integers(0, 5, count) / 4
    return highs, np.minimum(opens, closes) - source.integers(0, 5, count) / 4, closes


def every_indicator(highs, lows, closes):
    """All of them by name; sessions of 26 bars with two outside of any."""
    places = np.arange(len(closes))
    sessions = np.where(places % 28 < 26, places // 28, indicators.NO_SESSION)
    volumes = 100.0 + places % 7
    macd, bands = indicators.macd(closes), indicators.bollinger(closes)
    channel, squeeze = indicators.keltner(highs, lows, closes), indicators.squeeze(highs, lows, closes)
    trend = indicators.supertrend(highs, lows, closes)
    return {
        **{f"ema{period}": indicators.ema(closes, period) for period in (8, 13, 21, 48, 200)},
        "ema_from_first": indicators.ema_from_first(closes, 21),
        "rsi": indicators.rsi(closes),
        "macd": macd.line,
        "macd_signal": macd.signal,
        "macd_histogram": macd.histogram,
        "atr": indicators.atr(highs, lows, closes),
        "adx": indicators.adx(highs, lows, closes),
        "plus_di": indicators.plus_di(highs, lows, closes),
        "minus_di": indicators.minus_di(highs, lows, closes),
        "bollinger_upper": bands.upper,
        "bollinger_lower": bands.lower,
        "keltner_upper": channel.upper,
        "keltner_lower": channel.lower,
        "squeeze": squeeze.is_on.astype(float),
        "squeeze_momentum": squeeze.momentum,
        "choppiness": indicators.choppiness(highs, lows, closes),
        "vwap": indicators.session_vwap(sessions, highs, lows, closes, volumes),
        "supertrend": trend.line,
        "supertrend_direction": trend.direction.astype(float),
    }


SEEDS = st.integers(0, 10**6)


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.integers(1, 89))
def test_no_value_changes_when_later_bars_come(seed, cut):
    highs, lows, closes = columns(seed)
    early = every_indicator(highs[:cut], lows[:cut], closes[:cut])
    for name, values in every_indicator(highs, lows, closes).items():
        np.testing.assert_allclose(early[name], values[:cut], rtol=1e-9, atol=1e-9, err_msg=name)


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_bounds(seed):
    highs, lows, closes = columns(seed)
    found = every_indicator(highs, lows, closes)
    for name in ("rsi", "adx", "plus_di", "minus_di"):
        known = found[name][~np.isnan(found[name])]
        assert len(known) > 0
        assert known.min() >= 0
        assert known.max() <= 100
    assert np.nanmin(found["atr"]) > 0
    assert np.nanmin(found["choppiness"]) >= -1e-9
    vwap = found["vwap"]
    assert np.nanmin(vwap) >= lows.min()
    assert np.nanmax(vwap) <= highs.max()
    direction, line = found["supertrend_direction"], found["supertrend"]
    assert (closes[direction == 1] >= line[direction == 1]).all()
    assert (closes[direction == -1] <= line[direction == -1]).all()
    assert (np.isnan(line) == (direction == 0)).all()


MIRRORED = {
    "price": ["ema8", "ema13", "ema21", "ema48", "ema_from_first", "vwap", "supertrend"],
    "sign": ["macd", "macd_signal", "macd_histogram", "squeeze_momentum", "supertrend_direction"],
    "same": ["atr", "adx", "squeeze", "choppiness"],
}


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_mirrored_prices_have_mirrored_indicators(seed):
    highs, lows, closes = columns(seed)
    found, turned = every_indicator(highs, lows, closes), every_indicator(400 - lows, 400 - highs, 400 - closes)
    expected = {name: 400 - found[name] for name in MIRRORED["price"]}
    expected |= {name: -found[name] for name in MIRRORED["sign"]} | {name: found[name] for name in MIRRORED["same"]}
    expected |= {"rsi": 100 - found["rsi"], "plus_di": found["minus_di"], "minus_di": found["plus_di"]}
    expected |= {f"{kind}_upper": 400 - found[f"{kind}_lower"] for kind in ("bollinger", "keltner")}
    for name, values in expected.items():
        np.testing.assert_allclose(turned[name], values, rtol=0, atol=1e-6, err_msg=name)


LEVELS = ["ema8", "ema13", "ema21", "ema48", "ema_from_first", "vwap", "supertrend", "bollinger_upper", "keltner_lower"]
DOLLARS = ["macd", "macd_signal", "macd_histogram", "squeeze_momentum", "atr"]
PURE_NUMBERS = ["rsi", "adx", "plus_di", "minus_di", "choppiness", "squeeze", "supertrend_direction"]


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.sampled_from([0.5, 2.0, 8.0]), st.sampled_from([0.0, 64.0]))
def test_prices_in_other_units_and_moved_move_what_is_a_price_and_nothing_else(seed, scale, shift):
    highs, lows, closes = columns(seed)
    found = every_indicator(highs, lows, closes)
    moved = every_indicator(highs * scale + shift, lows * scale + shift, closes * scale + shift)
    for names, factor, offset in ((LEVELS, scale, shift), (DOLLARS, scale, 0.0), (PURE_NUMBERS, 1.0, 0.0)):
        for name in names:
            np.testing.assert_allclose(moved[name], found[name] * factor + offset, rtol=1e-9, atol=1e-6, err_msg=name)
