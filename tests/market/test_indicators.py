"""Indicators against the textbook recipes, written out step by step."""

import random
from itertools import pairwise

import numpy as np
import pytest

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


def test_macd_histogram():
    fast = np.array([exponential(CLOSES[12:n], 12, sum(CLOSES[:12]) / 12) for n in range(60, 401)])
    slow = np.array([exponential(CLOSES[26:n], 26, sum(CLOSES[:26]) / 26) for n in range(60, 401)])
    line = (fast - slow).tolist()
    assert indicators.macd_histogram(CLOSE)[-1] == pytest.approx(line[-1] - exponential(line, 9, line[0]), abs=1e-9)


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
        indicators.macd_histogram(close),
        indicators.atr(high, low, close),
        indicators.adx(high, low, close),
        indicators.bollinger(close).upper,
    ]
    assert [len(values) for values in results] == [bars] * 6
    assert all(np.isnan(values).all() for values in results)
