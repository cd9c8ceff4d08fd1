"""The volatility of each day: once a day, a year at most, and invented ones apart."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from optionsengine.market import calendar
from optionsengine.market.iv_selectors import IvHistory, iv_history_get
from optionsengine.market.iv_services import iv_day_record, iv_days_backfill
from optionsengine.market.models import IvDay
from optionsengine.market.near import near_get
from optionsengine.market.providers.simulated import SimulatedProvider

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def record(at=AT, atm_iv=0.2, symbol="SPY", is_simulated=False):
    iv_day_record(symbol=symbol, at=at, atm_iv=atm_iv, is_simulated=is_simulated)


def history(at=AT, symbol="SPY", is_simulated=False):
    return iv_history_get(symbol, at, is_simulated=is_simulated)


def test_the_first_of_a_day_in_new_york_is_kept():
    record(atm_iv=0.2)
    record(AT + timedelta(hours=12), atm_iv=0.9)  # 23:00 there
    record(AT + timedelta(hours=14), atm_iv=0.3)  # the next day
    assert list(IvDay.objects.order_by("session_date").values_list("session_date", "atm_iv")) == [
        (date(2026, 3, 10), 0.2),
        (date(2026, 3, 11), 0.3),
    ]


def test_the_days_before_today_newest_first():
    for back in range(4):
        record(AT - back * DAY, atm_iv=round(0.2 + back / 100, 2))
    assert history() == IvHistory((0.21, 0.22, 0.23), has_today=True)
    assert history(AT + DAY) == IvHistory((0.2, 0.21, 0.22, 0.23), has_today=False)
    assert history(AT - 4 * DAY) == IvHistory((), has_today=False)


def test_symbols_and_invented_days_stand_apart():
    record(AT - DAY, atm_iv=0.2)
    record(AT - DAY, atm_iv=0.5, is_simulated=True)
    record(AT - DAY, atm_iv=0.9, symbol="QQQ")
    assert history().before == (0.2,)
    assert history(is_simulated=True).before == (0.5,)
    assert history(symbol="QQQ").before == (0.9,)


@pytest.mark.parametrize(("age", "counts"), [(365, True), (366, False), (367, False)])
def test_a_day_over_a_year_old_does_not_count_and_goes(age, counts):
    record(AT - age * DAY)
    assert bool(history().before) == counts
    record(AT)
    assert IvDay.objects.count() == 1 + counts


def test_others_keep_theirs_when_old_days_go():
    record(AT - 400 * DAY, symbol="QQQ")
    record(AT - 400 * DAY, is_simulated=True)
    record(AT)
    assert IvDay.objects.count() == 3


def test_252_days_are_read_at_most():
    rows = [
        IvDay(created_at=AT, symbol="SPY", session_date=AT.date() - back * DAY, is_simulated=False, atm_iv=0.1)
        for back in range(300)
    ]
    IvDay.objects.bulk_create(rows)
    assert (len(history().before), history().has_today) == (252, True)
    IvDay.objects.filter(session_date=AT.date()).delete()
    assert (len(history().before), history().has_today) == (252, False)


@pytest.mark.parametrize("atm_iv", [0.0, -0.1, 100.0, float("nan"), float("inf")])
def test_what_is_no_volatility_is_neither_kept_nor_let_in(atm_iv):
    record(atm_iv=atm_iv)
    assert not IvDay.objects.exists()
    with pytest.raises(IntegrityError, match="iv_days_bounds"), transaction.atomic():
        IvDay.objects.create(symbol="SPY", session_date=AT.date(), is_simulated=False, atm_iv=atm_iv)


def test_one_query_reads_the_days():
    record()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        history()
    assert len(queries) == 1


def test_the_simulated_past_fills_a_fresh_database_once():
    provider = SimulatedProvider(seed=7, always_open=False)
    kept = calendar.add_sessions(AT.date(), -2)
    record(calendar.session_bounds(kept)[0], atm_iv=0.99, is_simulated=True)

    assert iv_days_backfill(symbol="AAPL", provider=provider, at=AT, days=5) == 5
    assert iv_days_backfill(symbol="SPY", provider=provider, at=AT, days=5) == 4
    assert iv_days_backfill(symbol="SPY", provider=provider, at=AT, days=5) == 0

    days = list(IvDay.objects.filter(symbol="SPY").order_by("-session_date").values_list("session_date", flat=True))
    assert days == [calendar.add_sessions(AT.date(), -back) for back in range(1, 6)]
    assert history(is_simulated=True).before[1] == 0.99
    assert history().before == ()
    seen = near_get(provider, "SPY", at=calendar.session_bounds(days[0])[1] - timedelta(minutes=30), rate=0.04)
    assert history(is_simulated=True).before[0] == pytest.approx(seen.smile.atm_iv, abs=1e-6)
