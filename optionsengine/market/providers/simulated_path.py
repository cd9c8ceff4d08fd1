"""The price path of the simulated market: one price for every symbol and instant, the same in every process.

A symbol's closes follow a mean-reverting walk around its base price, with slow trends and clustered volatility. Inside
a day the price is a Brownian bridge from the opening to the close on a 15-second grid, with half-hour drifts and more
movement near both ends. All randomness is seeded by a hash of (seed, symbol, purpose), so nothing is stored and a bar's
high and low are prices that really were quoted.
"""

import hashlib
import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from optionsengine.market import calendar
from optionsengine.market.data import Bar, Timeframe
from optionsengine.market.providers.simulated_symbols import profile_for

FloatArray = NDArray[np.float64]

SOURCE = "simulated"
STEP_SECONDS = 15
FRAME_MINUTES: dict[Timeframe, int] = {"5m": 5, "15m": 15, "1h": 60, "4h": 240, "1d": 24 * 60}
_STEPS_PER_MINUTE = 60 // STEP_SECONDS
_DRIFT_MINUTES = 30
_REVERSION = 0.95  # of yesterday's distance from the base price that is left today
_SESSIONS_PER_YEAR = 252
_GAP_SHARE = 0.3  # of a day's deviation: the overnight gap


@dataclass(frozen=True, slots=True)
class World:
    """Which simulated market: its seed, and whether its days are sessions or the whole clock round."""

    seed: int
    always_open: bool


@dataclass(frozen=True, slots=True)
class Span:
    """One trading day of a world."""

    number: int
    open_at: datetime
    close_at: datetime

    @property
    def minutes(self) -> int:
        return int((self.close_at - self.open_at).total_seconds()) // 60


@dataclass(frozen=True, slots=True)
class _Days:
    """Per day, in logs relative to the base price: the close, the opening gap; and the factor on the volatility."""

    closes: FloatArray
    gaps: FloatArray
    factors: FloatArray


def generator(world: World, symbol: str, purpose: str) -> np.random.Generator:
    """Return the random numbers that belong to this purpose, from their start."""
    digest = hashlib.blake2b(f"{world.seed}|{world.always_open}|{symbol}|{purpose}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))


@lru_cache(maxsize=4096)
def span_by_number(world: World, number: int) -> Span:
    """Return a trading day of the world.

    :raises CalendarRangeError: for one outside the calendar.
    """
    if world.always_open:
        day = calendar.FIRST_DAY + timedelta(days=number)
        if not calendar.FIRST_DAY <= day < calendar.LAST_DAY:
            raise calendar.CalendarRangeError(day)
        open_at = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return Span(number, open_at, open_at + timedelta(days=1))
    return Span(number, *calendar.session_bounds(calendar.session_by_number(number)))


def span_at(world: World, at: datetime) -> Span:
    """Return the latest trading day that has opened by `at`."""
    if world.always_open:
        return span_by_number(world, (at.astimezone(UTC).date() - calendar.FIRST_DAY).days)
    return span_by_number(world, calendar.session_number(calendar.last_session(at)))


def _autoregressive(noise: FloatArray, memory: float) -> list[float]:
    """A slow series of unit variance from white noise."""
    scale = math.sqrt(1 - memory * memory)
    values, value = [], 0.0
    for shock in noise.tolist():
        value = memory * value + scale * shock
        values.append(value)
    return values


@lru_cache(maxsize=128)
def _days(world: World, symbol: str) -> _Days:
    count = (calendar.LAST_DAY - calendar.FIRST_DAY).days
    deviation = profile_for(symbol).volatility / math.sqrt(_SESSIONS_PER_YEAR)
    shocks = generator(world, symbol, "daily").standard_normal(count).tolist()
    trends = _autoregressive(generator(world, symbol, "trend").standard_normal(count), 0.85)
    moods = _autoregressive(generator(world, symbol, "mood").standard_normal(count), 0.95)
    factors = [math.exp(0.25 * mood) for mood in moods]
    closes, close = [], 0.0
    for shock, trend, factor in zip(shocks, trends, factors, strict=True):
        close = _REVERSION * close + deviation * (0.95 * factor * shock + 0.2 * trend)
        closes.append(close)
    share = 0.0 if world.always_open else _GAP_SHARE
    gaps = generator(world, symbol, "gap").standard_normal(count) * deviation * share
    return _Days(np.array(closes), gaps, np.array(factors))


def _ends(world: World, symbol: str, number: int) -> tuple[float, float]:
    days = _days(world, symbol)
    before = float(days.closes[number - 1]) if number > 0 else 0.0
    return before + float(days.gaps[number]), float(days.closes[number])


@lru_cache(maxsize=512)
def _path(world: World, symbol: str, number: int) -> FloatArray:
    """Prices in dollars at every grid point of one day, both ends included."""
    span = span_by_number(world, number)
    steps = span.minutes * _STEPS_PER_MINUTE
    random = generator(world, symbol, f"path {number}")
    through = np.arange(steps + 1) / steps
    middle = (through[1:] + through[:-1]) / 2
    blocks = math.ceil(span.minutes / _DRIFT_MINUTES)
    drift = np.repeat(random.standard_normal(blocks), _DRIFT_MINUTES * _STEPS_PER_MINUTE)[:steps]
    noise = 0.7 * random.standard_normal(steps) / math.sqrt(steps)
    noise += 0.45 * drift / (math.sqrt(blocks) * _DRIFT_MINUTES * _STEPS_PER_MINUTE)
    profile = profile_for(symbol)
    scale = profile.volatility / math.sqrt(_SESSIONS_PER_YEAR) * _days(world, symbol).factors[number]
    walk = np.concatenate(([0.0], np.cumsum(noise * (0.75 + (2 * middle - 1) ** 2)))) * scale
    opening, close = _ends(world, symbol, number)
    path: FloatArray = profile.price * np.exp(walk - through * walk[-1] + opening + through * (close - opening))
    path.setflags(write=False)
    return path


def price_at(world: World, symbol: str, at: datetime) -> float:
    """Return the price in dollars at `at`; outside the trading day, that of its last moment."""
    span = span_at(world, at)
    path = _path(world, symbol, span.number)
    place = min((at - span.open_at).total_seconds() / STEP_SECONDS, len(path) - 1.0)
    before = min(int(place), len(path) - 2)
    return float(path[before] + (path[before + 1] - path[before]) * (place - before))


def opening_price(world: World, symbol: str, span: Span) -> float:
    """Return the first price of a day, in dollars."""
    return profile_for(symbol).price * math.exp(_ends(world, symbol, span.number)[0])


def mood_at(world: World, symbol: str, at: datetime) -> tuple[float, float]:
    """Return what moves implied volatility: the factor on it, and the log distance of the price from its base.

    The factor passes smoothly from one day's to the next, so that an option's value has no jump at the opening.
    """
    span = span_at(world, at)
    factors = _days(world, symbol).factors
    through = min((at - span.open_at) / (span.close_at - span.open_at), 1.0)
    before, after = float(factors[max(span.number - 1, 0)]), float(factors[span.number])
    distance = math.log(price_at(world, symbol, at) / profile_for(symbol).price)
    return before + (after - before) * through, distance


@lru_cache(maxsize=65536)
def dollars(cents: int) -> Decimal:
    """Return whole cents as dollars with two places."""
    return Decimal(cents).scaleb(-2)


def to_dollars(price: float) -> Decimal:
    """Round a price to the cent."""
    return dollars(round(price * 100))


@lru_cache(maxsize=16384)  # one symbol takes 340, and a smaller cache of more symbols than it holds helps none
def day_bars(world: World, symbol: str, number: int, timeframe: Timeframe) -> tuple[tuple[datetime, Bar], ...]:
    """Return all bars of one day with the moments they end at, the last cut at the close."""
    span = span_by_number(world, number)
    path = np.rint(_path(world, symbol, number) * 100).astype(np.int64)
    width = min(FRAME_MINUTES[timeframe], span.minutes) * _STEPS_PER_MINUTE
    starts = np.arange(0, len(path) - 1, width)
    ends = np.minimum(starts + width, len(path) - 1)
    highs = np.maximum(np.maximum.reduceat(path[:-1], starts), path[ends])
    lows = np.minimum(np.minimum.reduceat(path[:-1], starts), path[ends])
    volumes = np.add.reduceat(_minute_volumes(world, symbol, number), starts // _STEPS_PER_MINUTE)
    step = timedelta(seconds=STEP_SECONDS)
    columns = (starts, ends, path[starts], highs, lows, path[ends], volumes)
    return tuple(
        (
            span.open_at + end * step,
            Bar(span.open_at + start * step, dollars(first), dollars(high), dollars(low), dollars(last), size, SOURCE),
        )
        for start, end, first, high, low, last, size in zip(*(column.tolist() for column in columns), strict=True)
    )


@lru_cache(maxsize=512)
def _minute_volumes(world: World, symbol: str, number: int) -> NDArray[np.int64]:
    span = span_by_number(world, number)
    random = generator(world, symbol, f"volume {number}")
    through = (np.arange(span.minutes) + 0.5) / span.minutes
    shape = (0.6 + 1.2 * (2 * through - 1) ** 2) * np.exp(0.4 * random.standard_normal(span.minutes))
    day = math.exp(0.25 * float(random.standard_normal())) * float(_days(world, symbol).factors[number])
    return np.rint(profile_for(symbol).minute_volume * day * shape).astype(np.int64) + 1


def closed_bars(world: World, symbol: str, timeframe: Timeframe, limit: int, at: datetime) -> tuple[Bar, ...]:
    """Return the last `limit` bars that have ended by `at`, oldest first."""
    span = span_at(world, at)
    found = [bar for end, bar in day_bars(world, symbol, span.number, timeframe) if end <= at]
    number = span.number - 1
    while len(found) < limit and number >= 0:
        found[:0] = [bar for _, bar in day_bars(world, symbol, number, timeframe)]
        number -= 1
    return tuple(found[max(len(found) - limit, 0) :])


def close_of(world: World, symbol: str, day: date) -> Decimal:
    """Return the price at the regular close of the last session on or before `day`."""
    return to_dollars(price_at(world, symbol, calendar.expiry_at(day)))
