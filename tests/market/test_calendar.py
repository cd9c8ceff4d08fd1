"""The exchange's published holidays, half days and hours, and the expiries that hang on them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optionsengine.market import calendar

NEW_YORK = ZoneInfo("America/New_York")

# Weekdays without a session and sessions that end at 13:00, as the New York Stock Exchange has published them for 2020
# to 2028: the last announcement, of 23 December 2025, holds 2026, 2027 and 2028, so no date here is our own reckoning.
# The one closure it announced in no yearly table is 9 January 2025, the national day of mourning for Jimmy Carter.
HOLIDAYS = {
    2020: "01-01 01-20 02-17 04-10 05-25 07-03 09-07 11-26 12-25",
    2021: "01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24",  # Juneteenth was not kept yet
    2022: "01-17 02-21 04-15 05-30 06-20 07-04 09-05 11-24 12-26",  # New Year fell on a Saturday: not moved
    2023: "01-02 01-16 02-20 04-07 05-29 06-19 07-04 09-04 11-23 12-25",
    2024: "01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28 12-25",
    2025: "01-01 01-09 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27 12-25",
    2026: "01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25",
    2027: "01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 11-25 12-24",
    2028: "01-17 02-21 04-14 05-29 06-19 07-04 09-04 11-23 12-25",  # New Year on a Saturday again
}
# The day after Thanksgiving always; 3 July and 24 December unless they are weekends or the holiday itself is kept then.
HALF_DAYS = {
    2020: "11-27 12-24",
    2021: "11-26",
    2022: "11-25",
    2023: "07-03 11-24",
    2024: "07-03 11-29 12-24",
    2025: "07-03 11-28 12-24",
    2026: "11-27 12-24",
    2027: "11-26",
    2028: "07-03 11-24",
}


def days_of(table: dict[int, str], year: int) -> list[date]:
    return [date.fromisoformat(f"{year}-{day}") for day in table[year].split()]


def new_york(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize("year", HOLIDAYS)
def test_every_weekday_is_a_session_except_the_published_holidays(year):
    first = date(year, 1, 1)
    weekdays = [first + timedelta(days=n) for n in range(366) if (first + timedelta(days=n)).weekday() < 5]
    closed = [day for day in weekdays if day.year == year and not calendar.is_session(day)]
    assert closed == days_of(HOLIDAYS, year)


@pytest.mark.parametrize("year", HALF_DAYS)
def test_sessions_last_half_past_nine_to_four_except_the_published_half_days(year):
    half_days = []
    for day in calendar.sessions_between(date(year, 1, 1), date(year, 12, 31)):
        open_at, close_at = calendar.session_bounds(day)
        assert open_at == new_york(f"{day}T09:30")
        if close_at == new_york(f"{day}T13:00"):
            half_days.append(day)
        else:
            assert close_at == new_york(f"{day}T16:00")
    assert half_days == days_of(HALF_DAYS, year)
    sessions = calendar.sessions_between(date(year, 1, 1), date(year, 12, 31))
    assert [day for day in sessions if calendar.is_half_day(day)] == half_days


@pytest.mark.parametrize("day", ["2026-02-21", "2026-02-22", "2026-12-25"])
def test_a_weekend_or_holiday_has_no_bounds(day):
    with pytest.raises(ValueError, match="is not a session"):
        calendar.session_bounds(date.fromisoformat(day))
    with pytest.raises(ValueError, match="is not a session"):
        calendar.is_half_day(date.fromisoformat(day))
    with pytest.raises(ValueError, match="is not a session"):
        calendar.session_number(date.fromisoformat(day))


@pytest.mark.parametrize(
    ("day", "open_at", "close_at"),
    [
        ("2026-03-06", "2026-03-06T14:30", "2026-03-06T21:00"),  # the clocks go forward on the 8th
        ("2026-03-09", "2026-03-09T13:30", "2026-03-09T20:00"),
        ("2026-10-30", "2026-10-30T13:30", "2026-10-30T20:00"),  # and back on 1 November
        ("2026-11-02", "2026-11-02T14:30", "2026-11-02T21:00"),
    ],
)
def test_sessions_follow_new_york_over_daylight_saving(day, open_at, close_at):
    assert calendar.session_bounds(date.fromisoformat(day)) == (utc(open_at), utc(close_at))


@pytest.mark.parametrize(
    ("moment", "session"),
    [
        ("2026-02-20T09:29:59.999999", None),
        ("2026-02-20T09:30", "2026-02-20"),
        ("2026-02-20T15:59:59.999999", "2026-02-20"),
        ("2026-02-20T16:00", None),
        ("2026-02-21T12:00", None),
        ("2026-11-27T12:59:59", "2026-11-27"),
        ("2026-11-27T13:00", None),
        ("2026-11-26T12:00", None),
    ],
)
def test_a_session_is_open_from_its_opening_up_to_its_close(moment, session):
    expected = None if session is None else date.fromisoformat(session)
    assert calendar.session_of(new_york(moment)) == expected
    assert calendar.is_open(new_york(moment)) is (session is not None)


@pytest.mark.parametrize(
    ("moment", "next_open", "next_close", "last_session"),
    [
        ("2026-02-20T09:29", "2026-02-20T09:30", "2026-02-20T16:00", "2026-02-19"),
        ("2026-02-20T09:30", "2026-02-23T09:30", "2026-02-20T16:00", "2026-02-20"),
        ("2026-02-20T16:00", "2026-02-23T09:30", "2026-02-23T16:00", "2026-02-20"),
        ("2026-02-14T12:00", "2026-02-17T09:30", "2026-02-17T16:00", "2026-02-13"),  # a holiday on Monday
        ("2026-11-25T16:00", "2026-11-27T09:30", "2026-11-27T13:00", "2026-11-25"),
        ("2026-11-27T12:59:59.999999", "2026-11-30T09:30", "2026-11-27T13:00", "2026-11-27"),
        ("2026-11-27T13:00", "2026-11-30T09:30", "2026-11-30T16:00", "2026-11-27"),
        ("2025-01-08T16:00", "2025-01-10T09:30", "2025-01-10T16:00", "2025-01-08"),  # over the day of mourning
    ],
)
def test_next_open_and_close_are_strictly_later(moment, next_open, next_close, last_session):
    at = new_york(moment)
    assert calendar.next_open(at) == new_york(next_open)
    assert calendar.next_close(at) == new_york(next_close)
    assert calendar.last_session(at) == date.fromisoformat(last_session)


def test_minutes_within_a_session():
    at = new_york("2026-11-27T10:15:30")
    assert calendar.minutes_from_open(at) == 45.5
    assert calendar.minutes_to_close(at) == 164.5
    assert calendar.minutes_from_open(new_york("2026-11-27T13:00")) is None
    assert calendar.minutes_to_close(new_york("2026-11-27T13:00")) is None


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        ("2026-02-20T10:00", "2026-02-20T10:30", 30),
        ("2026-02-20T08:00", "2026-02-20T18:00", 390),
        ("2026-02-20T15:30", "2026-02-23T10:00", 60),  # over a weekend
        ("2026-11-25T15:00", "2026-11-30T09:31", 60 + 210 + 1),  # over Thanksgiving and its half day
        ("2026-03-06T15:00", "2026-03-09T10:30", 120),  # over the change of clocks
        ("2026-02-21T10:00", "2026-02-22T10:00", 0),
        ("2026-02-20T10:30", "2026-02-20T10:00", -30),
    ],
)
def test_session_minutes_count_only_the_regular_session(start, end, minutes):
    assert calendar.session_minutes_between(new_york(start), new_york(end)) == minutes


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        ("2026-02-20", 0, "2026-02-20"),
        ("2026-02-20", 1, "2026-02-23"),
        ("2026-02-20", 5, "2026-02-27"),
        ("2026-02-20", -1, "2026-02-19"),
        ("2026-02-21", 0, "2026-02-23"),
        ("2026-02-21", 1, "2026-02-23"),
        ("2026-02-21", -1, "2026-02-20"),
        ("2026-02-13", 1, "2026-02-17"),
    ],
)
def test_sessions_are_counted_from_any_day(day, count, expected):
    assert calendar.add_sessions(date.fromisoformat(day), count) == date.fromisoformat(expected)


def test_previous_session_skips_holidays_and_weekends():
    assert calendar.previous_session(date(2026, 2, 17)) == date(2026, 2, 13)
    assert calendar.previous_session(date(2026, 2, 15)) == date(2026, 2, 13)


def test_sessions_between_includes_both_ends():
    week = calendar.sessions_between(date(2026, 2, 13), date(2026, 2, 18))
    assert week == (date(2026, 2, 13), date(2026, 2, 17), date(2026, 2, 18))
    assert calendar.sessions_between(date(2026, 2, 18), date(2026, 2, 13)) == ()


def test_session_numbers_are_consecutive_and_reversible():
    number = calendar.session_number(date(2026, 2, 13))
    assert calendar.session_number(date(2026, 2, 17)) == number + 1
    assert calendar.session_by_number(number) == date(2026, 2, 13)


@pytest.mark.parametrize("day", [date(2014, 12, 31), date(2036, 1, 1)])
def test_a_day_outside_the_calendar_is_refused_rather_than_guessed(day):
    with pytest.raises(calendar.CalendarRangeError, match="covers 2015-01-01 to 2035-12-31"):
        calendar.is_session(day)
    with pytest.raises(calendar.CalendarRangeError):
        calendar.is_open(datetime(day.year, day.month, day.day, 15, tzinfo=UTC))


@pytest.mark.parametrize("moment", [datetime(2015, 1, 1, 18, tzinfo=UTC), datetime(2035, 12, 31, 22, tzinfo=UTC)])
def test_the_edges_of_the_calendar_have_no_neighbour(moment):
    with pytest.raises(calendar.CalendarRangeError):
        _ = calendar.last_session(moment) if moment.year == 2015 else calendar.next_open(moment)


@pytest.mark.parametrize(
    ("expiration", "moment"),
    [
        ("2026-02-20", "2026-02-20T16:00"),
        ("2026-11-27", "2026-11-27T13:00"),  # a half day
        ("2026-04-03", "2026-04-02T16:00"),  # Good Friday
        ("2026-02-21", "2026-02-20T16:00"),  # a Saturday
    ],
)
def test_an_option_dies_at_the_session_close_of_its_date(expiration, moment):
    assert calendar.expiry_at(date.fromisoformat(expiration)) == new_york(moment)


def test_days_to_expiry_have_a_fraction():
    assert calendar.dte(date(2026, 2, 20), new_york("2026-02-20T10:00")) == 0.25
    assert calendar.dte(date(2026, 2, 20), new_york("2026-02-20T16:00")) == 0.0
    assert calendar.dte(date(2026, 2, 20), new_york("2026-02-20T22:00")) == -0.25
    # an hour is lost between the two when the clocks go forward
    assert calendar.dte(date(2026, 3, 9), new_york("2026-03-06T16:00")) == pytest.approx(3 - 1 / 24)


def listed(moment: str, symbol: str) -> list[str]:
    return [str(day) for day in calendar.listed_expirations(new_york(moment), symbol)]


def test_index_funds_expire_every_session_for_two_weeks():
    assert listed("2026-02-12T10:00", "SPY")[:12] == [
        "2026-02-12",
        "2026-02-13",
        "2026-02-17",
        "2026-02-18",
        "2026-02-19",
        "2026-02-20",
        "2026-02-23",
        "2026-02-24",
        "2026-02-25",
        "2026-02-26",
        "2026-02-27",
        "2026-03-06",
    ]


def test_other_symbols_expire_weekly_then_monthly_then_in_january_and_june():
    assert listed("2026-02-12T10:00", "AAPL") == [
        "2026-02-13",
        "2026-02-20",
        "2026-02-27",
        "2026-03-06",
        "2026-03-13",
        "2026-03-20",
        "2026-03-27",
        "2026-04-02",  # Good Friday's options expire on Thursday
        "2026-04-10",
        "2026-04-17",
        "2026-05-15",
        "2026-06-18",  # the 19th is a holiday
        "2026-07-17",
        "2026-08-21",
        "2026-09-18",
        "2026-10-16",
        "2026-11-20",
        "2026-12-18",
        "2027-01-15",
        "2027-02-19",
        "2027-03-19",
        "2027-06-17",
        "2028-01-21",
        "2028-06-16",
    ]


@pytest.mark.parametrize(("moment", "first"), [("15:59:59", "2026-02-20"), ("16:00:00", "2026-02-27")])
def test_an_expiration_is_listed_until_its_close(moment, first):
    assert listed(f"2026-02-20T{moment}", "AAPL")[0] == first


def test_monthlies_and_possible_expirations():
    assert calendar.is_monthly(date(2026, 2, 20))
    assert calendar.is_monthly(date(2026, 6, 18))
    assert not calendar.is_monthly(date(2026, 2, 13))
    assert calendar.is_expiration(date(2026, 2, 18), "SPY")
    assert not calendar.is_expiration(date(2026, 2, 18), "AAPL")
    assert calendar.is_expiration(date(2026, 4, 2), "AAPL")
    assert not calendar.is_expiration(date(2026, 4, 3), "SPY")
    assert not calendar.is_expiration(date(2040, 1, 20), "SPY")


moments = st.datetimes(datetime(2016, 1, 1), datetime(2032, 12, 31), timezones=st.just(UTC))


@settings(max_examples=60, deadline=None)
@given(moments, st.sampled_from(["SPY", "AAPL"]))
def test_whatever_is_listed_may_expire_and_is_in_the_future(at, symbol):
    days = calendar.listed_expirations(at, symbol)
    assert list(days) == sorted(set(days))
    assert all(calendar.is_expiration(day, symbol) and calendar.expiry_at(day) > at for day in days)


@settings(max_examples=60, deadline=None)
@given(moments)
def test_open_and_closed_agree_with_the_next_bounds(at):
    is_open = calendar.is_open(at)
    assert is_open is (calendar.next_close(at) < calendar.next_open(at))
    assert calendar.next_open(at) > at
    assert calendar.next_close(at) > at
    assert (calendar.minutes_to_close(at) is not None) is is_open


def test_the_calendar_is_built_on_first_use_and_not_at_import():
    import subprocess
    import sys

    code = (
        "import sys; import optionsengine.market.calendar, optionsengine.market.providers.simulated; "
        "print('pandas' in sys.modules, 'scipy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["False", "False"]
