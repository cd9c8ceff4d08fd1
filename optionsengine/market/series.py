"""Bars as the arrays that indicators read, and the average price of their last session. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from optionsengine.market import calendar
from optionsengine.market.data import Bar
from optionsengine.market.indicators import FloatArray, session_vwap


@dataclass(frozen=True, slots=True)
class Series:
    """The columns of a series of bars, oldest first; prices in dollars, volumes in shares."""

    highs: FloatArray
    lows: FloatArray
    closes: FloatArray
    volumes: FloatArray


@dataclass(frozen=True, slots=True)
class SessionVwap:
    """The volume-weighted average price in dollars of the session of `day` up to its last bar at hand."""

    day: date
    value: float


def series_of(bars: Sequence[Bar]) -> Series:
    """Return the bars' columns as floats."""
    columns = np.array(
        [(float(bar.high), float(bar.low), float(bar.close), float(bar.volume)) for bar in bars], dtype=np.float64
    ).reshape(-1, 4)
    highs, lows, closes, volumes = np.ascontiguousarray(columns.T)
    return Series(highs, lows, closes, volumes)


def last_session_vwap(bars: Sequence[Bar], series: Series) -> SessionVwap | None:
    """Return the average price of the last regular session that has a bar, from that session's bars alone.

    None without such a session, when the bars begin after its opening (the average would leave out what was traded
    before), and when nothing was traded in it.
    """
    last = next((place for place in reversed(range(len(bars))) if calendar.session_of(bars[place].at)), None)
    if last is None:
        return None
    day = calendar.last_session(bars[last].at)
    open_at = calendar.session_bounds(day)[0]
    if bars[0].at > open_at:
        return None
    first = last
    while first > 0 and bars[first - 1].at >= open_at:
        first -= 1
    part = slice(first, last + 1)
    sessions = np.full(last + 1 - first, calendar.session_number(day))
    columns = (series.highs[part], series.lows[part], series.closes[part], series.volumes[part])
    value = session_vwap(sessions, *columns)[-1]
    return SessionVwap(day, float(value)) if np.isfinite(value) else None
