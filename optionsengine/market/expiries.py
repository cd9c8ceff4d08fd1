"""Which expirations lie ahead, of which kind, and until when options trade on a day.

Every option here dies at the close of its day's session (16:00 in New York, 13:00 on a half day). Options on the index
funds and indexes of `LATE_SYMBOLS` go on trading for a quarter of an hour after the session's close (16:15, 13:15 on a
half day, as the exchange publishes its early closes), except on the day they expire.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from optionsengine.market import calendar
from optionsengine.market.enums import ExpiryKind

MAX_WEEKS = 157  # three years
LATE_MINUTES = 15
LATE_SYMBOLS = frozenset(
    {
        # the funds that NYSE Arca Options lists as trading till 16:15 and brokers still do
        *("SPY", "QQQ", "IWM", "DIA", "MDY", "OEF", "IWN", "IWO", "IWV", "EEM", "EFA"),
        *("XLB", "XLE", "XLF", "XLI", "XLK", "XLP", "XLU", "XLV", "XLY", "XHB", "XME", "XRT", "KBE", "KRE"),
        *("DBA", "DBB", "DBC", "DBO", "MOO", "SLX", "UNG", "UUP", "SVXY", "UVXY", "VIXY"),
        # and the indexes whose options expire in the afternoon
        *("SPX", "XSP", "NDX", "RUT"),
    }
)
_DAYS_A_WEEK = 7
_FRIDAY = 4


@dataclass(frozen=True, slots=True)
class Expiry:
    """One expiration; `expires_at` is the moment its options die, `moved_from` the Friday's date if a holiday took it.

    `kind` is weekly or monthly for the options every symbol may list, daily for those only a few do.
    """

    day: date
    kind: ExpiryKind
    expires_at: datetime
    moved_from: date | None


def expiry_kind(day: date) -> ExpiryKind:
    """Return the kind of the options that expire on the session `day`: monthly before weekly before daily.

    :raises CalendarRangeError: outside the calendar (so do all functions here).
    """
    if calendar.is_monthly(day):
        return ExpiryKind.MONTHLY
    # no symbol of this name is listed, so only the week's own expiration is left
    return ExpiryKind.WEEKLY if calendar.is_expiration(day, "") else ExpiryKind.DAILY


def expiries_ahead(at: datetime, *, weeks: int, symbol: str = "") -> tuple[Expiry, ...]:
    """Return the expirations of the next `weeks` weeks, soonest first; one that closes at `at` is gone.

    Every weekly and monthly one, listed yet or not; of a symbol that expires daily also the dailies listed by now.

    :raises ValueError: if `weeks` is below 1 or above `MAX_WEEKS`.
    """
    if not 1 <= weeks <= MAX_WEEKS:
        raise ValueError(f"expirations are told for 1 to {MAX_WEEKS} weeks, not for {weeks}")
    first = calendar.new_york_day(at)
    if not calendar.is_session(first) or at >= calendar.session_bounds(first)[1]:
        first += timedelta(days=1)
    last = first + timedelta(days=_DAYS_A_WEEK * weeks - 1)
    found = {day for day in calendar.sessions_between(first, last) if expiry_kind(day) != ExpiryKind.DAILY}
    if symbol in calendar.DAILY_EXPIRY_SYMBOLS:
        found.update(day for day in calendar.listed_expirations(at, symbol) if day <= last)
    return tuple(_expiry(day) for day in sorted(found))


def _expiry(day: date) -> Expiry:
    kind = expiry_kind(day)
    friday = day + timedelta(days=_FRIDAY - day.weekday())
    is_moved = kind != ExpiryKind.DAILY and friday != day
    return Expiry(day, kind, calendar.expiry_at(day), friday if is_moved else None)


def option_close(day: date, *, symbol: str, expiration: date) -> datetime:
    """Return when options of `symbol` that expire on `expiration` stop trading on the session `day`.

    :raises ValueError: if `day` is not a session, or the option is dead by then.
    """
    close_at = calendar.session_bounds(day)[1]
    expires_at = calendar.expiry_at(expiration)
    if expires_at < close_at:
        raise ValueError(f"an option that expires on {expiration} does not trade on {day}")
    if expires_at == close_at or symbol not in LATE_SYMBOLS:
        return close_at
    return close_at + timedelta(minutes=LATE_MINUTES)
