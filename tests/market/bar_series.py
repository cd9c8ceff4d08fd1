"""Series of bars that several tests of the market read."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np

from optionsengine.market.data import Bar

OPENING = datetime(2026, 2, 20, 14, 30, tzinfo=UTC)  # of the exchange's session that day
MIRROR = Decimal(400)


def bars_of(rows: Iterable[tuple[float, float, float]], minutes: int = 5, start: datetime = OPENING) -> list[Bar]:
    """Bars of (high, low, close) in dollars, each opening at its own close."""
    found = []
    for number, row in enumerate(rows):
        high, low, close = (Decimal(str(round(float(price), 4))) for price in row)
        found.append(Bar(start + timedelta(minutes=minutes * number), close, high, low, close, 1000, "test"))
    return found


def steady(count: int, step: float, half_range: float = 0.5, first: float = 200.0, minutes: int = 5) -> list[Bar]:
    """Closes `step` apart, highs and lows `half_range` around them."""
    closes = [first + step * number for number in range(count)]
    return bars_of([(close + half_range, close - half_range, close) for close in closes], minutes)


def walk(seed: int, count: int, minutes: int = 5, drift: float = 0.0) -> list[Bar]:
    """A walk around 200 in quarters of a dollar, which floats hold exactly even when mirrored."""
    source = np.random.default_rng(seed)
    closes = np.clip(200 + np.cumsum(np.rint(source.normal(drift, 4, count))) / 4, 20, 380)
    before = np.concatenate((closes[:1], closes[:-1]))
    highs = np.maximum(before, closes) + source.integers(0, 5, count) / 4
    lows = np.minimum(before, closes) - source.integers(0, 5, count) / 4
    return bars_of(zip(highs, lows, closes, strict=True), minutes)


def mirrored(bars: Iterable[Bar]) -> list[Bar]:
    """The bars upside down, around 200 dollars."""
    return [
        Bar(b.at, MIRROR - b.open, MIRROR - b.low, MIRROR - b.high, MIRROR - b.close, b.volume, b.source) for b in bars
    ]
