"""The range of the session's first half hour."""

from datetime import UTC, date, datetime, timedelta

import pytest

from optionsengine.market import calendar
from optionsengine.market.opening import SessionOpening, session_opening
from optionsengine.market.providers.simulated import SimulatedProvider
from tests.market.bar_series import bars_of

MINUTE = timedelta(minutes=1)
WINTER, SUMMER, HALF_DAY = date(2026, 2, 20), date(2026, 7, 20), date(2026, 11, 27)
ROWS = [(102, 99, 100), (103, 100, 101), (101, 97, 98), (100, 98, 99), (104.5, 99, 104), (104, 101, 102)]
FULL = SessionOpening(high=104.5, low=97.0, minutes=30)


def session(day, rows=ROWS):
    """Five-minute bars from the opening on, after the last of the session before."""
    open_at = calendar.session_bounds(day)[0]
    close_before = calendar.session_bounds(calendar.previous_session(day))[1]
    return [*bars_of([(900, 1, 5)], start=close_before - 5 * MINUTE), *bars_of(rows, start=open_at)], open_at


@pytest.mark.parametrize("day", [WINTER, SUMMER, HALF_DAY])
def test_d17_the_range_is_of_the_first_six_bars_of_this_session_in_new_york(day):
    bars, open_at = session(day, [*ROWS, (500, 50, 100), (600, 40, 100)])
    assert session_opening(bars, open_at + 45 * MINUTE) == FULL
    assert open_at.astimezone(calendar.NEW_YORK).time().isoformat() == "09:30:00"


@pytest.mark.parametrize(("seconds", "known"), [(1799, False), (1800, True), (1801, True)])
def test_the_half_hour_must_be_over(seconds, known):
    bars, open_at = session(WINTER)
    assert (session_opening(bars, open_at + timedelta(seconds=seconds)) == FULL) == known


@pytest.mark.parametrize("gap", range(6))
def test_a_missing_bar_makes_no_range(gap):
    bars, open_at = session(WINTER)
    del bars[1 + gap]
    assert session_opening(bars, open_at + 60 * MINUTE) is None


def test_yesterdays_bars_are_no_range_of_today():
    bars, open_at = session(WINTER)
    tomorrow = calendar.session_bounds(calendar.add_sessions(WINTER, 1))[0]
    assert session_opening(bars, tomorrow + 60 * MINUTE) is None
    assert session_opening([], open_at + 60 * MINUTE) is None


@pytest.mark.parametrize(("day", "last"), [(WINTER, 389), (HALF_DAY, 209)])
def test_it_holds_until_the_close_and_not_at_it(day, last):
    bars, open_at = session(day)
    assert session_opening(bars, open_at + last * MINUTE) == FULL
    assert session_opening(bars, open_at + (last + 1) * MINUTE) is None


@pytest.mark.parametrize("at", [datetime(2026, 2, 21, 15, 30, tzinfo=UTC), datetime(2026, 12, 25, 16, 0, tzinfo=UTC)])
def test_a_weekend_and_a_holiday_have_none(at):
    bars = bars_of(ROWS, start=at.replace(hour=14, minute=30))
    assert session_opening(bars, at) is None


def test_mirrored_bars_have_the_mirrored_range():
    bars, open_at = session(WINTER)
    turned, _ = session(WINTER, [(400 - low, 400 - high, 400 - close) for high, low, close in ROWS])
    found = session_opening(turned, open_at + 60 * MINUTE)
    assert (found.high, found.low) == (400 - FULL.low, 400 - FULL.high)
    assert session_opening(bars, open_at + 60 * MINUTE) == FULL


@pytest.mark.parametrize("always_open", [False, True])
def test_the_simulated_market_has_one_whichever_its_days(always_open):
    provider = SimulatedProvider(seed=7, always_open=always_open)
    at = datetime(2026, 7, 20, 18, 3, tzinfo=UTC)
    first = [bar for bar in provider.bars("SPY", "5m", 200, at) if bar.at.date() == SUMMER and bar.at.hour < 14]
    first = [bar for bar in first if (bar.at.hour, bar.at.minute) >= (13, 30)]
    expected = SessionOpening(float(max(b.high for b in first)), float(min(b.low for b in first)), 30)
    assert len(first) == 6
    assert session_opening(provider.bars("SPY", "5m", 200, at), at) == expected
