"""The sessions of the New York Stock Exchange and the expiries that hang on them.

The exchange's own rules come from exchange-calendars; they are read once, on first use, into plain lists, so that a
look-up costs microseconds and pandas stays off the hot path. A session is open from its opening up to, but not at,
its close. Days are New York dates, instants are aware and answered in UTC.
"""

import warnings
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate
from zoneinfo import ZoneInfo

from optionsengine.core.errors import Permanent

FIRST_DAY = date(2015, 1, 1)
LAST_DAY = date(2035, 12, 31)
NEW_YORK = ZoneInfo("America/New_York")
FULL_CLOSE = time(16)

DAILY_EXPIRY_SYMBOLS = frozenset({"SPY", "QQQ", "IWM", "SPX", "XSP", "NDX", "RUT"})
_DAILY_SESSIONS = 10
_WEEKLIES = 10
_MONTHLIES = 14  # this month and the 13 after it
_LEAP_MONTHS = (1, 6)
_LEAP_DAYS = 913  # two and a half years
_FRIDAY = 4


class CalendarRangeError(Permanent):
    """Raised for a moment outside the calendar: `FIRST_DAY` to `LAST_DAY` must be widened."""

    def __init__(self, moment: date) -> None:
        super().__init__(f"{moment} is outside the session calendar; it covers {FIRST_DAY} to {LAST_DAY}")


@dataclass(frozen=True, slots=True)
class _Sessions:
    days: tuple[date, ...]
    opens: tuple[datetime, ...]
    closes: tuple[datetime, ...]
    minutes_before: tuple[float, ...]  # session minutes from the first session up to each one's opening
    position: dict[date, int]


@lru_cache(maxsize=1)
def _sessions() -> _Sessions:
    # pandas takes most of a second to import and nothing but this function needs it
    import exchange_calendars

    with warnings.catch_warnings():
        # the library calls pandas in ways that pandas deprecates; that is for the library to mend, not for our callers
        warnings.simplefilter("ignore", DeprecationWarning)
        schedule = exchange_calendars.get_calendar("XNYS", start=str(FIRST_DAY), end=str(LAST_DAY)).schedule
    days = tuple(stamp.date() for stamp in schedule.index)
    opens = tuple(stamp.to_pydatetime().astimezone(UTC) for stamp in schedule["open"])
    closes = tuple(stamp.to_pydatetime().astimezone(UTC) for stamp in schedule["close"])
    lengths = ((close_at - open_at).total_seconds() / 60 for open_at, close_at in zip(opens, closes, strict=True))
    minutes_before = tuple(accumulate(lengths, initial=0.0))
    return _Sessions(days, opens, closes, minutes_before, {day: number for number, day in enumerate(days)})


def _check_day(day: date) -> None:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise CalendarRangeError(day)


def _last_opened(at: datetime) -> int:
    """The position of the latest session that has opened by `at`; -1 before the first."""
    _check_day(new_york_day(at))
    return bisect_right(_sessions().opens, at) - 1


def _at_position(position: int, moment: date) -> int:
    if not 0 <= position < len(_sessions().days):
        raise CalendarRangeError(moment)
    return position


def new_york_day(at: datetime) -> date:
    """Return the calendar date in New York at `at`."""
    return at.astimezone(NEW_YORK).date()


def is_session(day: date) -> bool:
    """Tell whether the exchange opens on `day`.

    :raises CalendarRangeError: outside the calendar (so do all functions here).
    """
    _check_day(day)
    return day in _sessions().position


def session_bounds(day: date) -> tuple[datetime, datetime]:
    """Return the opening and the close of the session of `day`, in UTC.

    :raises ValueError: if `day` is not a session.
    """
    if not is_session(day):
        raise ValueError(f"{day} is not a session of the New York Stock Exchange; ask is_session first")
    sessions = _sessions()
    position = sessions.position[day]
    return sessions.opens[position], sessions.closes[position]


def is_half_day(day: date) -> bool:
    """Tell whether the session of `day` ends early: at 13:00 New York time instead of 16:00.

    :raises ValueError: if `day` is not a session.
    """
    return session_bounds(day)[1].astimezone(NEW_YORK).time() < FULL_CLOSE


def session_number(day: date) -> int:
    """Return the ordinal of the session of `day`, counting from the calendar's first.

    :raises ValueError: if `day` is not a session.
    """
    if not is_session(day):
        raise ValueError(f"{day} is not a session of the New York Stock Exchange; ask is_session first")
    return _sessions().position[day]


def session_by_number(number: int) -> date:
    """Return the session of that ordinal; the inverse of `session_number`."""
    return _sessions().days[_at_position(number, LAST_DAY if number > 0 else FIRST_DAY)]


def session_of(at: datetime) -> date | None:
    """Return the session in progress at `at`, or None while the market is closed."""
    position = _last_opened(at)
    sessions = _sessions()
    return sessions.days[position] if position >= 0 and at < sessions.closes[position] else None


def last_session(at: datetime) -> date:
    """Return the latest session that has opened by `at`, in progress or over."""
    return _sessions().days[_at_position(_last_opened(at), FIRST_DAY)]


def is_open(at: datetime) -> bool:
    """Tell whether a regular session is in progress; at exactly the close it is not."""
    return session_of(at) is not None


def next_open(at: datetime) -> datetime:
    """Return the first opening after `at` (strictly)."""
    return _sessions().opens[_at_position(_last_opened(at) + 1, LAST_DAY)]


def next_close(at: datetime) -> datetime:
    """Return the first close after `at` (strictly): today's while the session runs."""
    _check_day(new_york_day(at))
    closes = _sessions().closes
    return closes[_at_position(bisect_right(closes, at), LAST_DAY)]


def previous_session(day: date) -> date:
    """Return the last session before `day` (strictly); `day` need not be one."""
    return add_sessions(day, -1)


def add_sessions(day: date, count: int) -> date:
    """Return the `count`-th session after `day`, before it when negative.

    `day` need not be a session. Zero is `day` itself, or the next session when it is none.
    """
    _check_day(day)
    days = _sessions().days
    base = bisect_left(days, day)
    if count > 0 and not is_session(day):
        base -= 1
    return days[_at_position(base + count, day)]


def sessions_between(first: date, last: date) -> tuple[date, ...]:
    """Return the sessions from `first` to `last`, both included; empty when `last` is before `first`."""
    _check_day(first)
    _check_day(last)
    days = _sessions().days
    return days[bisect_left(days, first) : bisect_right(days, last)]


def minutes_to_close(at: datetime) -> float | None:
    """Return the minutes left in the session in progress; None while the market is closed."""
    day = session_of(at)
    return None if day is None else (session_bounds(day)[1] - at).total_seconds() / 60


def minutes_from_open(at: datetime) -> float | None:
    """Return the minutes since the opening of the session in progress; None while the market is closed."""
    day = session_of(at)
    return None if day is None else (at - session_bounds(day)[0]).total_seconds() / 60


def _session_minutes(at: datetime) -> float:
    position = _last_opened(at)
    if position < 0:
        return 0.0
    sessions = _sessions()
    ended = min(at, sessions.closes[position])
    return sessions.minutes_before[position] + (ended - sessions.opens[position]).total_seconds() / 60


def session_minutes_between(start: datetime, end: datetime) -> float:
    """Return the minutes of regular session from `start` to `end`; negative when `end` is earlier."""
    return _session_minutes(end) - _session_minutes(start)


def expiry_at(expiration: date) -> datetime:
    """Return the moment an option dies: the close of its date's session, or of the session before if it has none."""
    day = expiration if is_session(expiration) else previous_session(expiration)
    return session_bounds(day)[1]


def dte(expiration: date, at: datetime) -> float:
    """Return the calendar days from `at` to the expiry, with its fraction; negative once expired."""
    return (expiry_at(expiration) - at).total_seconds() / 86400


def _rolled(day: date) -> date:
    """The exchange lists a holiday's expiry on the session before it."""
    return day if is_session(day) else previous_session(day)


def _third_friday(year: int, month: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(_FRIDAY - first.weekday()) % 7 + 14)


def is_monthly(expiration: date) -> bool:
    """Tell whether options expiring that day are the month's standard ones (third Friday, or the session before)."""
    return expiration == _rolled(_third_friday(expiration.year, expiration.month))


def is_expiration(day: date, symbol: str) -> bool:
    """Tell whether options of `symbol` may expire on `day` at all, listed yet or not; never outside the calendar."""
    if day not in _sessions().position:
        return False
    friday = day + timedelta(days=_FRIDAY - day.weekday())
    return symbol in DAILY_EXPIRY_SYMBOLS or (friday <= LAST_DAY and day == _rolled(friday))


@lru_cache(maxsize=256)
def _expirations_from(first: date, daily: bool) -> tuple[date, ...]:
    this_friday = first + timedelta(days=_FRIDAY - first.weekday())
    found = {_rolled(this_friday + timedelta(weeks=week)) for week in range(_WEEKLIES)}
    if daily:
        found.update(add_sessions(first, number) for number in range(_DAILY_SESSIONS))
    months = [divmod(first.year * 12 + first.month - 1 + ahead, 12) for ahead in range(_MONTHLIES)]
    found.update(_rolled(_third_friday(year, month + 1)) for year, month in months)
    leaps = [_third_friday(first.year + ahead, month) for ahead in range(4) for month in _LEAP_MONTHS]
    found.update(_rolled(day) for day in leaps if day <= first + timedelta(days=_LEAP_DAYS))
    return tuple(sorted(day for day in found if day >= first))


def listed_expirations(at: datetime, symbol: str) -> tuple[date, ...]:
    """Return the expirations listed for `symbol` at `at`, soonest first; one that closes at `at` is gone.

    Daily for two weeks on the big index funds and their indexes, Fridays for ten weeks (the session before when Friday
    is a holiday), third Fridays for thirteen months, January and June for two and a half years.
    """
    day = new_york_day(at)
    if not is_session(day) or at >= session_bounds(day)[1]:
        day = add_sessions(day, 1)
    return _expirations_from(day, symbol in DAILY_EXPIRY_SYMBOLS)
