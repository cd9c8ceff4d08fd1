"""Bars that follow the session, from a provider's bars that follow the clock.

The engine counts every frame from the opening: hours from 9:30, four hours from 9:30 and 13:30, the last one cut at the
close. Providers cut hours at full hours and mix in trades before the opening and after the close, so hours are built
here from half hours, and everything outside the session is left out.
"""

import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta

from optionsengine.market import calendar
from optionsengine.market.data import Bar, Timeframe
from optionsengine.market.providers.simulated_path import FRAME_MINUTES

ASKED_MINUTES: dict[Timeframe, int] = {"5m": 5, "15m": 15, "1h": 30, "4h": 30}

_SPARE = 1.2  # half days have fewer bars, and in some minutes nobody trades


def first_session(timeframe: Timeframe, limit: int, at: datetime) -> date:
    """Return the session to start asking at, so that `limit` bars come together by `at`."""
    longest_session = 390
    each = math.ceil(longest_session / min(FRAME_MINUTES[timeframe], longest_session))
    back = math.ceil(limit / each * _SPARE) + 1
    last = calendar.last_session(at)
    if calendar.session_number(last) <= back:
        return calendar.session_by_number(0)
    return calendar.add_sessions(last, -back)


def session_bars(timeframe: Timeframe, asked: Iterable[Bar], limit: int, at: datetime) -> tuple[Bar, ...]:
    """Return the last `limit` bars that have ended by `at`, oldest first, out of `ASKED_MINUTES` ones in any order.

    A frame in which nobody traded has no bar.
    """
    width = timedelta(minutes=FRAME_MINUTES[timeframe])
    frames: dict[datetime, Bar] = {}
    for bar in sorted(asked, key=lambda each: each.at):
        day = calendar.session_of(bar.at)
        if day is None:
            continue
        open_at, close_at = calendar.session_bounds(day)
        start = open_at + (bar.at - open_at) // width * width
        if min(start + width, close_at) > at:
            continue
        known = frames.get(start)
        frames[start] = replace(bar, at=start) if known is None else _joined(known, bar)
    return _last(frames, limit)


def day_bars(asked: Iterable[tuple[date, Bar]], limit: int, at: datetime) -> tuple[Bar, ...]:
    """Return the last `limit` bars of whole sessions that have ended by `at`, oldest first, each at its opening."""
    frames: dict[datetime, Bar] = {}
    for day, bar in sorted(asked, key=lambda each: each[0]):
        if calendar.is_session(day):
            open_at, close_at = calendar.session_bounds(day)
            if close_at <= at:
                frames[open_at] = replace(bar, at=open_at)
    return _last(frames, limit)


def _joined(known: Bar, bar: Bar) -> Bar:
    high, low = max(known.high, bar.high), min(known.low, bar.low)
    return replace(known, high=high, low=low, close=bar.close, volume=known.volume + bar.volume)


def _last(frames: dict[datetime, Bar], limit: int) -> tuple[Bar, ...]:
    return tuple(frames.values())[max(len(frames) - limit, 0) :]
