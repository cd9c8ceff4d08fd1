"""Timeframes: every spelling of a bar's length becomes one. Pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from optionsengine.core.enums import Intent
from signals.data import IntakeRejected
from signals.enums import IntakeCode
from signals.fields import field_first, field_read, placeholder_fault
from signals.numbers import months_add, number_read

SOURCES = ("timeframe", "tf", "interval", "trigger_timeframe", "triggerTimeframe", "meta.timeframe")
MAX_DAYS = 366
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "M": 31 * 86400}
_UNITS = {
    "s": "s",
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("w", "week", "weeks"), "w"),
}
_TEXT = re.compile(r"([0-9]{1,7})?[ ]*([A-Za-z]*)")
_CANONICAL = re.compile(r"([0-9]+)([smhdwM])")


def _refuse(value: Any) -> IntakeRejected:
    if unfilled := placeholder_fault(value):
        return IntakeRejected(IntakeCode.INVALID_TIMEFRAME, unfilled)
    return IntakeRejected(
        IntakeCode.INVALID_TIMEFRAME, f"{str(value)[:40]!r} is not a timeframe; send 30s, 5m, 1h, 1d, 1w or 1M"
    )


def timeframe_read(value: Any) -> str:
    """Return the canonical form `<n>s|m|h|d|w|M`; a bare number is minutes, a list stands for its first member.

    :raises IntakeRejected: `INVALID_TIMEFRAME`.
    """
    first = value[0] if isinstance(value, list) and value else value
    if isinstance(first, str):
        first = first.split(",")[0].strip()
    number = number_read(first)
    if number is not None:
        if number != int(number):
            raise _refuse(value)
        return _canonical(int(number), "m", value)
    match = _TEXT.fullmatch(first) if isinstance(first, str) else None
    if match is None:
        raise _refuse(value)
    digits, word = match[1], match[2]
    unit = "M" if word == "M" else _UNITS.get(word.lower())
    if unit is None or (digits is None and word.upper() not in ("D", "W") and word != "M"):
        raise _refuse(value)
    return _canonical(int(digits or 1), unit, value)


def _canonical(count: int, unit: str, value: Any) -> str:
    if count < 1 or count * _SECONDS[unit] > MAX_DAYS * 86400 + 6 * 86400 * (unit == "M"):
        raise _refuse(value)
    if unit == "m" and count % 60 == 0:
        count, unit = count // 60, "h"
    if unit == "h" and count % 24 == 0:
        count, unit = count // 24, "d"
    return f"{count}{unit}"


def timeframe_find(body: Mapping[str, Any], intent: Intent, sources: Sequence[str] = SOURCES, default: str = "") -> str:
    """Return the body's timeframe; without one, `default` or else `1d` for an exit, a session or strat details.

    :raises IntakeRejected: `MISSING_TIMEFRAME` or `INVALID_TIMEFRAME`.
    """
    value = field_first(body, sources)
    if value is not None:
        return timeframe_read(value)
    if default:
        return default
    session = field_read(body, "session")
    if intent == Intent.EXIT or (isinstance(session, str) and session.strip()) or body.get("strat_details") is not None:
        return "1d"
    raise IntakeRejected(IntakeCode.MISSING_TIMEFRAME, 'send "timeframe", for example "5m"')


def timeframe_seconds(timeframe: str) -> int:
    """Return the length of a canonical timeframe in seconds, a month as 31 days.

    :raises ValueError: if it is not canonical.
    """
    match = _CANONICAL.fullmatch(timeframe)
    if match is None:
        raise ValueError(f"{timeframe!r} is not a canonical timeframe like 5m")
    return int(match[1]) * _SECONDS[match[2]]


def timeframe_end(opening: datetime, timeframe: str) -> datetime:
    """Return when a bar that opened at `opening` ends; months are calendar months.

    :raises OverflowError: beyond the last year a datetime holds.
    """
    if timeframe.endswith("M"):
        return months_add(opening, int(timeframe[:-1]))
    return opening + timedelta(seconds=timeframe_seconds(timeframe))
