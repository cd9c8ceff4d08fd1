"""Numbers, flags, dates and times as senders write them. Pure."""

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
MILLISECONDS_FROM = 10**12  # smaller numbers are seconds
PRICE_STEP = Decimal("0.0001")
PRICE_LIMIT = Decimal(100_000_000)  # what a price column holds
CENT = Decimal("0.01")
AMOUNT_LIMIT = Decimal(1_000_000_000)

_PLAIN = re.compile(r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})")
_TRUE, _FALSE = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0", ""})
_ISO_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_SHORT_DATE = re.compile(r"(\d{2})?(\d{2})(\d{2})(\d{2})", re.ASCII)
_SPELLED_DATES = ("%m/%d/%y", "%Y/%m/%d", "%b %d, %Y", "%b %d %Y", "%B %d, %Y", "%B %d %Y", "%d %b %Y", "%d-%b-%Y")
_TIMED_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})[T ][0-9:.Z+-]{1,20}", re.ASCII | re.IGNORECASE)
_US_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)


def number_read(value: Any) -> Decimal | None:
    """Return a JSON number, or a plain decimal in quotes, as a Decimal; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        number = Decimal(repr(value))
        return number if number.is_finite() else None
    if isinstance(value, str) and _PLAIN.fullmatch(value.strip()):
        return Decimal(value.strip())
    return None


def flag_read(value: Any) -> bool:
    """Return a true or false, also as 1 or 0, or as a word; an empty text is false.

    :raises ValueError: for anything else, with what to send.
    """
    word = str(value).strip().lower() if isinstance(value, bool | int | str) else None
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError("send true or false")


def confidence_read(value: Any) -> float:
    """Return a confidence of 0 to 100.

    :raises ValueError: for anything else, with what to send.
    """
    number = number_read(value)
    if number is None or not 0 <= number <= 100:
        raise ValueError("send a number from 0 to 100")
    return float(number)


def price_read(value: Any) -> Decimal:
    """Return a price above zero, rounded to four decimals.

    :raises ValueError: for anything else, with what to send.
    """
    number = number_read(value)
    if number is not None and 0 < number < PRICE_LIMIT:
        rounded = number.quantize(PRICE_STEP)
        if 0 < rounded < PRICE_LIMIT:
            return rounded
    raise ValueError("send a number above 0")


def amount_read(value: Any) -> Decimal:
    """Return an amount of dollars, of either sign, rounded to cents.

    :raises ValueError: for anything else, with what to send.
    """
    number = number_read(value)
    if number is None or abs(number) >= AMOUNT_LIMIT:
        raise ValueError("send an amount of dollars, for example -125.50")
    return number.quantize(CENT)


def quantity_read(value: Any) -> int:
    """Return a whole number of contracts from 1 to 1000.

    :raises ValueError: for anything else, with what to send.
    """
    number = number_read(value)
    if number is None or not 1 <= number <= 1000 or number != int(number):
        raise ValueError("send a whole number from 1 to 1000")
    return int(number)


def expiration_read(value: Any, at: datetime) -> date:
    """Return an expiration, `YYYY-MM-DD` or `M/D/YYYY`, that has not passed in New York at `at`.

    :raises ValueError: for anything else, with what to send.
    """
    text = value.strip() if isinstance(value, str) else ""
    try:
        if iso := _ISO_DATE.fullmatch(text):
            day = date(int(iso[1]), int(iso[2]), int(iso[3]))
        elif american := _US_DATE.fullmatch(text):
            day = date(int(american[3]), int(american[1]), int(american[2]))
        else:
            raise ValueError
    except ValueError:
        raise ValueError("send a date like 2026-02-20") from None
    if day < at.astimezone(NEW_YORK).date():
        raise ValueError("this expiration has passed; send one that is not before today in New York")
    return day


def order_expiration_read(value: Any, at: datetime) -> date:
    """Return an expiration as senders of option orders write it: also `YYMMDD`, `YYYYMMDD`, with a time behind it, or
    with the month's English name.

    Two digits over 50 are a year of the last century, which has passed.

    :raises ValueError: for anything else, with what to send.
    """
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if short := _SHORT_DATE.fullmatch(text):
        century = "" if short[1] else "19" if int(short[2]) > 50 else "20"
        text = f"{short[1] or century}{short[2]}-{short[3]}-{short[4]}"
    elif timed := _TIMED_DATE.fullmatch(text):
        text = timed[1]
    elif spelled := _spelled_date(text):
        text = spelled.isoformat()
    return expiration_read(text, at)


def _spelled_date(text: str) -> date | None:
    for form in _SPELLED_DATES:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return None


def timestamp_read(value: Any) -> datetime:
    """Return seconds, milliseconds or ISO 8601 (UTC where no zone is given) as an aware datetime in UTC.

    :raises ValueError: if it cannot be read or lies before 2000, with what to send.
    """
    number = number_read(value)
    try:
        if number is not None:
            seconds = number / 1000 if abs(number) >= MILLISECONDS_FROM else number
            moment = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(seconds * 1_000_000))
        elif isinstance(value, str):
            moment = datetime.fromisoformat(value.strip().upper())
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        else:
            raise ValueError
    except (ValueError, OverflowError):
        raise ValueError("send seconds, milliseconds or ISO 8601, for example 2026-02-05T15:00:00Z") from None
    if moment < OLDEST:
        raise ValueError("send a time after 1999")
    return moment


def months_add(moment: datetime, months: int) -> datetime:
    """Return the same day `months` later, or the last day of that month if it is shorter.

    :raises OverflowError: beyond the last year a datetime holds.
    """
    index = moment.year * 12 + moment.month - 1 + months
    year, month = divmod(index, 12)
    if year > 9999:
        raise OverflowError("date value out of range")
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))
