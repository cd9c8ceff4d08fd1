"""Bars built by the session: half days, gaps, and times of the year when clocks differ."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optionsengine.market import calendar
from optionsengine.market.data import TIMEFRAMES, Bar
from optionsengine.market.providers.session_bars import ASKED_MINUTES, day_bars, first_session, session_bars

HALF_DAY = date(2026, 11, 27)  # 14:30 to 18:00 UTC
AFTER = datetime(2026, 11, 28, tzinfo=UTC)


def bar(at: datetime, price: int = 100, volume: int = 1) -> Bar:
    return Bar(at, Decimal(price), Decimal(price + 2), Decimal(price - 2), Decimal(price + 1), volume, "test")


def half_hours(day: date, *, missing: tuple[int, ...] = ()) -> list[Bar]:
    open_at, close_at = calendar.session_bounds(day)
    count = int((close_at - open_at) / timedelta(minutes=30))
    return [bar(open_at + n * timedelta(minutes=30), 100 + n) for n in range(count) if n not in missing]


def test_a_half_days_last_hour_is_cut_at_its_close():
    bars = session_bars("1h", half_hours(HALF_DAY), 10, AFTER)
    assert [f"{each.at:%H:%M}" for each in bars] == ["14:30", "15:30", "16:30", "17:30"]
    assert [each.volume for each in bars] == [2, 2, 2, 1]
    assert (bars[0].open, bars[0].high, bars[0].low, bars[0].close) == (100, 103, 98, 102)
    assert session_bars("1h", half_hours(HALF_DAY), 10, calendar.session_bounds(HALF_DAY)[1]) == bars
    four = session_bars("4h", half_hours(HALF_DAY), 10, calendar.session_bounds(HALF_DAY)[1])
    assert [(each.at, each.volume) for each in four] == [(bars[0].at, 7)]


def test_where_nobody_traded_there_is_no_bar():
    bars = session_bars("1h", half_hours(HALF_DAY, missing=(0, 2, 3)), 10, AFTER)
    assert [f"{each.at:%H:%M}" for each in bars] == ["14:30", "16:30", "17:30"]
    assert (bars[0].open, bars[0].volume) == (101, 1)


def test_order_and_what_lies_outside_the_session_do_not_matter():
    inside = half_hours(HALF_DAY)
    open_at, close_at = calendar.session_bounds(HALF_DAY)
    outside = [bar(open_at - timedelta(minutes=30), 1), bar(close_at, 9999), bar(close_at + timedelta(days=1), 5)]
    assert session_bars("1h", [*outside, *reversed(inside)], 10, AFTER) == session_bars("1h", inside, 10, AFTER)


@settings(max_examples=60)
@given(
    st.sampled_from(["5m", "15m", "1h", "4h"]),
    st.datetimes(datetime(2026, 3, 2), datetime(2026, 3, 16), timezones=st.just(UTC)),  # the clocks change on the 8th
    st.integers(1, 20),
)
def test_every_bar_has_ended_and_none_is_missing(timeframe, at, limit):
    step = timedelta(minutes=ASKED_MINUTES[timeframe])
    rows = []
    for day in calendar.sessions_between(date(2026, 2, 9), date(2026, 3, 17)):
        start, close_at = calendar.session_bounds(day)
        while start < close_at:
            rows.append(bar(start))
            start += step
    bars = session_bars(timeframe, rows, limit, at)
    assert len(bars) == limit
    ends = [bars[number + 1].at for number in range(limit - 1)]
    for each, following in pairwise(bars):
        session_end = calendar.session_bounds(calendar.session_of(each.at))[1]
        assert following.at == each.at + step * each.volume or each.at + step * each.volume == session_end
    assert all(end <= at for end in ends)
    assert bars[-1].at + step * bars[-1].volume <= at


def test_days_that_are_no_sessions_or_not_over_have_no_bar():
    friday, saturday, monday = date(2026, 2, 13), date(2026, 2, 14), date(2026, 2, 17)
    rows = [(day, bar(datetime(day.year, day.month, day.day, tzinfo=UTC))) for day in (monday, saturday, friday)]
    close_at = calendar.session_bounds(monday)[1]
    assert [each.at for each in day_bars(rows, 5, close_at)] == [
        calendar.session_bounds(friday)[0],
        calendar.session_bounds(monday)[0],
    ]
    assert len(day_bars(rows, 5, close_at - timedelta(microseconds=1))) == 1
    assert day_bars(rows, 1, close_at)[0].at == calendar.session_bounds(monday)[0]


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
@pytest.mark.parametrize("limit", [1, 2, 7, 60, 250])
def test_enough_is_asked_for(timeframe, limit):
    """Even at the opening, when today has no bar yet, and over the holidays with their half days."""
    minutes = {"5m": 5, "15m": 15, "1h": 60, "4h": 240, "1d": 1440}[timeframe]
    for at in (datetime(2026, 12, 28, 14, 30, tzinfo=UTC), datetime(2026, 2, 18, 15, 30, tzinfo=UTC)):
        days = calendar.sessions_between(first_session(timeframe, limit, at), calendar.add_sessions(at.date(), -1))
        lengths = [(close_at - open_at).seconds // 60 for open_at, close_at in map(calendar.session_bounds, days)]
        assert sum(-(-length // minutes) for length in lengths) >= limit


def test_nothing_is_asked_for_before_the_calendar_begins():
    assert first_session("1d", 10**6, AFTER) == calendar.session_by_number(0)
