"""Expirations ahead, moved for holidays, and until when options trade on a day."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optionsengine.market import calendar
from optionsengine.market.enums import ExpiryKind
from optionsengine.market.expiries import MAX_WEEKS, expiries_ahead, expiry_kind, option_close

NEW_YORK = ZoneInfo("America/New_York")


def new_york(text):
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


def told(moment, **asked):
    return [(str(each.day), each.kind.value, each.moved_from) for each in expiries_ahead(new_york(moment), **asked)]


def test_weeklies_and_monthlies_ahead_of_any_symbol():
    assert told("2026-03-16T10:00", weeks=6) == [
        ("2026-03-20", "monthly", None),
        ("2026-03-27", "weekly", None),
        ("2026-04-02", "weekly", date(2026, 4, 3)),  # Good Friday
        ("2026-04-10", "weekly", None),
        ("2026-04-17", "monthly", None),
        ("2026-04-24", "weekly", None),
    ]


# every Friday of 2020 to 2028 on which the exchange is closed, and the third Fridays among them
MOVED = {
    "2020-04-10": "weekly",
    "2020-07-03": "weekly",
    "2020-12-25": "weekly",
    "2021-01-01": "weekly",
    "2021-04-02": "weekly",
    "2021-12-24": "weekly",
    "2022-04-15": "monthly",
    "2023-04-07": "weekly",
    "2024-03-29": "weekly",
    "2025-04-18": "monthly",
    "2025-07-04": "weekly",
    "2026-04-03": "weekly",
    "2026-06-19": "monthly",
    "2026-07-03": "weekly",
    "2026-12-25": "weekly",
    "2027-01-01": "weekly",
    "2027-03-26": "weekly",
    "2027-06-18": "monthly",
    "2027-12-24": "weekly",
    "2028-04-14": "weekly",
}


def test_every_friday_that_is_a_holiday_moves_its_expiration_to_thursday():
    moved = {}
    for start in ("2019-12-28", "2022-12-31", "2025-12-27"):
        for each in expiries_ahead(new_york(f"{start}T12:00"), weeks=MAX_WEEKS):
            if each.moved_from is not None and each.moved_from.year <= 2028:
                assert each.day == each.moved_from - timedelta(days=1)
                assert each.expires_at == calendar.session_bounds(each.day)[1]
                moved[str(each.moved_from)] = each.kind.value
    assert moved == MOVED


def test_three_years_lie_ahead_with_one_monthly_a_month_and_one_expiration_a_week():
    found = expiries_ahead(new_york("2025-12-27T12:00"), weeks=MAX_WEEKS)
    assert len(found) == MAX_WEEKS
    monthlies = [each.day for each in found if each.kind == ExpiryKind.MONTHLY]
    assert [(day.year, day.month) for day in monthlies] == [(y, m) for y in (2026, 2027, 2028) for m in range(1, 13)]


def test_a_half_day_takes_the_moment_with_it():
    only = expiries_ahead(new_york("2026-12-21T10:00"), weeks=1)
    assert [each.expires_at for each in only] == [new_york("2026-12-24T13:00")]


@pytest.mark.parametrize(("moment", "first"), [("15:59:59.999999", "2026-02-20"), ("16:00", "2026-02-27")])
def test_an_expiration_is_ahead_until_its_close(moment, first):
    found = told(f"2026-02-20T{moment}", weeks=2)
    assert len(found) == 2
    assert found[0][0] == first


def test_a_fund_that_expires_daily_has_its_dailies_for_two_weeks():
    found = told("2026-02-12T10:00", weeks=4, symbol="SPY")
    assert [day for day, kind, _ in found if kind == "daily"] == [
        "2026-02-12",
        "2026-02-17",
        "2026-02-18",
        "2026-02-19",
        "2026-02-23",
        "2026-02-24",
        "2026-02-25",
        "2026-02-26",
    ]
    others = [each for each in found if each[1] != "daily"]
    assert others == told("2026-02-12T10:00", weeks=4) == told("2026-02-12T10:00", weeks=4, symbol="AAPL")


@pytest.mark.parametrize(("symbol", "count"), [("SPX", 9), ("XSP", 9), ("DIA", 2), ("AAPL", 2)])
def test_the_indexes_of_funds_that_expire_daily_do_so_too(symbol, count):
    assert len(told("2026-02-12T10:00", weeks=2, symbol=symbol)) == count


@pytest.mark.parametrize("weeks", [-1, 0, MAX_WEEKS + 1])
def test_a_senseless_number_of_weeks_is_refused(weeks):
    with pytest.raises(ValueError, match=f"1 to {MAX_WEEKS} weeks"):
        expiries_ahead(new_york("2026-02-12T10:00"), weeks=weeks)


def test_weeks_that_leave_the_calendar_are_refused_rather_than_cut_short():
    with pytest.raises(calendar.CalendarRangeError, match="it covers"):
        expiries_ahead(new_york("2035-12-01T10:00"), weeks=8)


@pytest.mark.parametrize(
    ("symbol", "day", "expiration", "close"),
    [
        ("SPY", "2026-02-19", "2026-02-20", "2026-02-19T16:15"),
        ("SPY", "2026-02-20", "2026-02-20", "2026-02-20T16:00"),  # its own expiry day
        ("SPY", "2026-02-20", "2026-02-27", "2026-02-20T16:15"),
        ("QQQ", "2026-11-27", "2026-12-18", "2026-11-27T13:15"),  # a half day
        ("IWM", "2026-11-27", "2026-11-27", "2026-11-27T13:00"),
        ("DIA", "2026-04-02", "2026-04-03", "2026-04-02T16:00"),  # dated Good Friday, it dies on Thursday
        ("SPX", "2026-02-19", "2026-02-20", "2026-02-19T16:15"),
        ("AAPL", "2026-02-19", "2026-02-20", "2026-02-19T16:00"),
        ("AAPL", "2026-11-27", "2026-12-18", "2026-11-27T13:00"),
    ],
)
def test_until_when_options_trade(symbol, day, expiration, close):
    closes_at = option_close(date.fromisoformat(day), symbol=symbol, expiration=date.fromisoformat(expiration))
    assert closes_at == new_york(close)


def test_a_dead_option_and_a_closed_day_have_no_close():
    with pytest.raises(ValueError, match="does not trade on 2026-02-23"):
        option_close(date(2026, 2, 23), symbol="SPY", expiration=date(2026, 2, 20))
    with pytest.raises(ValueError, match="is not a session"):
        option_close(date(2026, 2, 21), symbol="SPY", expiration=date(2026, 3, 20))


def test_d09_an_option_dies_at_the_close_in_new_york_and_not_at_midnight_utc():
    expiration = date(2026, 2, 20)
    assert calendar.expiry_at(expiration) == datetime(2026, 2, 20, 21, tzinfo=UTC)
    assert calendar.dte(expiration, datetime(2026, 2, 20, 0, 0, tzinfo=UTC)) == 0.875


def test_d38_fridays_know_holidays():
    assert [each.day for each in expiries_ahead(new_york("2026-06-29T10:00"), weeks=1)] == [date(2026, 7, 2)]


moments = st.datetimes(datetime(2016, 1, 1), datetime(2032, 12, 1), timezones=st.just(UTC))


@settings(max_examples=40, deadline=None)
@given(moments, st.integers(1, MAX_WEEKS), st.sampled_from(["", "SPY", "AAPL"]))
def test_whatever_lies_ahead_is_an_expiration_of_its_kind(at, weeks, symbol):
    found = expiries_ahead(at, weeks=weeks, symbol=symbol)
    assert [each.day for each in found] == sorted({each.day for each in found})
    for each in found:
        assert each.expires_at > at
        assert calendar.is_expiration(each.day, symbol)
        assert each.kind == expiry_kind(each.day)
        assert (each.kind == ExpiryKind.MONTHLY) is calendar.is_monthly(each.day)
        assert symbol == "SPY" or each.kind != ExpiryKind.DAILY
