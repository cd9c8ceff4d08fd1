"""The range of a session's first half hour. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from optionsengine.market import calendar
from optionsengine.market.data import Bar

RANGE_MINUTES = 30
BAR_MINUTES = 5


@dataclass(frozen=True, slots=True)
class SessionOpening:
    """The highest and the lowest price in dollars of the session's first `minutes`."""

    high: float
    low: float
    minutes: int


def session_opening(bars: Sequence[Bar], at: datetime) -> SessionOpening | None:
    """Return the range of the first half hour of the session in progress at `at`, out of five-minute bars.

    By the exchange's own opening, so in New York's time, winter and summer. None while no session is in progress,
    before that half hour is over, and when any of its bars is missing: a part of it is no range.
    """
    day = calendar.session_of(at)
    if day is None:
        return None
    open_at = calendar.session_bounds(day)[0]
    if at < open_at + timedelta(minutes=RANGE_MINUTES):
        return None
    starts = {open_at + timedelta(minutes=minute) for minute in range(0, RANGE_MINUTES, BAR_MINUTES)}
    first = {bar.at: bar for bar in bars if bar.at in starts}
    if len(first) < len(starts):
        return None
    return SessionOpening(
        high=float(max(bar.high for bar in first.values())),
        low=float(min(bar.low for bar in first.values())),
        minutes=RANGE_MINUTES,
    )
