"""What a day begins with, and what it has lost since: the drawdown is of the account, open positions included."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from experiments.data import MarketSnapshot
from experiments.freeze import ChainFreezer
from optionsengine.core.enums import Engine
from optionsengine.pipeline.decision_facts import DecisionFacts
from positions.models import EquitySnapshot, Position
from positions.selectors import day_start_equity_get, exposure_of, portfolio_get
from positions.services import (
    equity_snapshot_take,
    exits_monitor,
    position_close_request,
    positions_refresh,
    positions_settle,
)
from tests import factories
from tests.factories.clock import AT, later
from tests.orders.board import Board
from tests.pipeline.test_intake_race import at_once
from tests.positions.flow import bought, fill_of, sold

pytestmark = pytest.mark.django_db

YESTERDAY = AT - timedelta(days=1)
MIDNIGHT = AT.replace(hour=5, minute=0, second=0, microsecond=0)  # in New York


@pytest.fixture(autouse=True)
def _account(settings):
    settings.PAPER_STARTING_EQUITY = Decimal(10000)


def exposure(at=AT):
    return exposure_of(portfolio_get(at), symbol="SPY")


def marked(position, result):
    Position.objects.filter(pk=position.pk).update(unrealized_pnl=Decimal(result))


def closed(position, price, at):
    order = position_close_request(position_id=position.pk, actor="ann", at=at)
    return sold(order, fill_of(order, position.quantity, price, at=at), at=at)


def snapshots():
    return list(EquitySnapshot.objects.order_by("new_york_date").values_list("new_york_date", "equity", "created_at"))


# --- what the day begins with


@pytest.mark.parametrize(
    "first_pass",
    [
        lambda at: positions_refresh(provider=Board(), at=at),
        lambda at: exits_monitor(at=at),
        lambda at: positions_settle(provider=Board(), at=at),
        lambda at: equity_snapshot_take(at=at),
    ],
    ids=["refresh", "exits", "settlement", "itself"],
)
def test_the_first_pass_of_a_date_writes_it_down_once(first_pass):
    marked(bought(2, "4.00", at=YESTERDAY), "-100")
    first_pass(AT)
    assert snapshots() == [(AT.date(), Decimal("9900.00"), AT)]
    marked(Position.objects.get(), "-250")
    first_pass(later(minutes=1))
    assert snapshots() == [(AT.date(), Decimal("9900.00"), AT)]


def test_the_first_refresh_writes_it_down_before_it_marks():
    bought(2, "4.00", at=YESTERDAY)
    marked(Position.objects.get(), "-100")
    board = Board()
    board.write("2.00", "2.10")
    positions_refresh(provider=board, at=later(minutes=1))
    assert day_start_equity_get(AT) == Decimal("9900.00")
    assert exposure(later(minutes=1)).equity < Decimal("9700.00")


def test_a_decision_writes_it_down_where_no_pass_has():
    bought(2, "4.00", at=YESTERDAY)
    marked(Position.objects.get(), "-100")
    signal = factories.signal()
    facts = DecisionFacts(AT, {signal.symbol: None}, ChainFreezer())
    market = MarketSnapshot(quote=None, frames={}, chain=None, problem="nothing was asked", missing=())
    for _ in range(2):
        frozen = facts.inputs(signal, Engine.A, market).exposure
        assert (frozen.day_start_equity, frozen.equity) == (Decimal(9900), Decimal(9900))
        facts.books_changed()
    assert snapshots() == [(AT.date(), Decimal("9900.00"), AT)]


def test_what_was_opened_today_is_the_days_own_however_late_the_first_pass_comes():
    marked(bought(1, "4.00", at=MIDNIGHT - timedelta(microseconds=1)), "-30")
    marked(bought(1, "4.00", at=MIDNIGHT), "-500")
    closed(bought(2, "4.00"), "2.00", AT)  # $402.60 lost
    equity_snapshot_take(at=later(minutes=1))

    found = exposure(later(minutes=1))
    assert found.day_start_equity == Decimal("9970.00")
    assert found.equity == Decimal("9067.40")


@pytest.mark.parametrize("change", [{"mode": "shadow"}, {"is_test": True}])
def test_what_is_not_real_is_left_out(change):
    marked(bought(2, "4.00", at=YESTERDAY), "-100")
    Position.objects.update(**change)
    equity_snapshot_take(at=AT)
    assert day_start_equity_get(AT) == Decimal("10000.00")


def test_closed_and_never_marked_positions_count_with_what_they_made():
    closed(bought(2, "4.00", at=YESTERDAY), "6.00", YESTERDAY)  # $397.40 won
    position = bought(1, "4.00", at=YESTERDAY)
    Position.objects.filter(pk=position.pk).update(unrealized_pnl=None)
    equity_snapshot_take(at=AT)
    assert day_start_equity_get(AT) == Decimal("10397.40")


@pytest.mark.parametrize(
    ("before", "day", "after"),
    [
        # the clocks go forward at 2:00 on 8 March 2026 and back on 1 November: the date is New York's all the same
        ((2026, 3, 8, 4, 59), date(2026, 3, 8), (2026, 3, 9, 3, 59)),
        ((2026, 11, 1, 3, 59), date(2026, 11, 1), (2026, 11, 2, 4, 59)),
        ((2026, 7, 3, 3, 59), date(2026, 7, 3), (2026, 7, 4, 3, 59)),  # a holiday
    ],
)
def test_the_date_is_new_yorks_on_days_of_23_and_25_hours_and_holidays(before, day, after):
    last = datetime(*before, tzinfo=UTC)
    first, end = last + timedelta(minutes=1), datetime(*after, tzinfo=UTC)
    for at in (last, first, end, end + timedelta(minutes=1)):
        equity_snapshot_take(at=at)
    rows = snapshots()
    assert [row[0] for row in rows] == [day - timedelta(days=1), day, day + timedelta(days=1)]
    assert [row[2] for row in rows] == [last, first, end + timedelta(minutes=1)]


def test_a_date_has_one_row():
    equity_snapshot_take(at=AT)
    with pytest.raises(IntegrityError, match="equity_snapshots_one_a_day"), transaction.atomic():
        factories.equity_snapshot(new_york_date=AT.date())


@pytest.mark.django_db(transaction=True)
def test_first_passes_at_once_write_one_row():
    at_once(*[lambda: equity_snapshot_take(at=AT)] * 4)
    assert snapshots() == [(AT.date(), Decimal("10000.00"), AT)]


# --- what it has lost


def test_d26_what_older_positions_lose_while_they_stay_open_counts():
    position = bought(4, "4.00", at=YESTERDAY)
    marked(position, "-100")
    equity_snapshot_take(at=AT)
    assert exposure().drawdown_percent == 0
    marked(position, "-496")

    found = exposure()
    assert (found.daily_pnl, found.day_start_equity, found.equity) == (0, Decimal(9900), Decimal(9504))
    assert found.drawdown_percent == 4


def test_closing_an_old_loser_at_its_last_mark_loses_nothing_today():
    position = bought(2, "4.00", at=YESTERDAY)
    marked(position, "-402.60")  # what a sale at 2.00 leaves
    equity_snapshot_take(at=AT)
    closed(position, "2.00", AT)

    found = exposure()
    assert (found.daily_pnl, found.drawdown_percent) == (Decimal("-402.60"), 0)


@pytest.mark.parametrize(("result", "percent"), [("50", 0), ("0", 0), ("-0.01", "0.0001"), ("-300", 3)])
def test_a_day_that_won_has_lost_nothing(result, percent):
    equity_snapshot_take(at=AT)
    marked(bought(2, "4.00"), result)
    assert exposure().drawdown_percent == Decimal(percent)


def test_before_anybody_wrote_it_down_todays_results_are_all_that_is_known():
    closed(bought(2, "4.00"), "2.00", AT)
    found = exposure()
    assert (found.day_start_equity, found.drawdown_percent) == (None, Decimal("4.026"))


def test_each_date_is_measured_from_its_own_morning():
    position = bought(2, "4.00", at=YESTERDAY)
    equity_snapshot_take(at=YESTERDAY)
    marked(position, "-1000")
    equity_snapshot_take(at=AT)
    assert exposure(YESTERDAY).drawdown_percent == 10
    assert exposure().drawdown_percent == 0
