from datetime import timedelta
from decimal import Decimal
from threading import Barrier, Thread

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from optionsengine.ops.data import StageReport
from optionsengine.ops.enums import TradingStatus
from optionsengine.ops.models import Alert
from optionsengine.ops.services import trading_state_set
from orders.models import Order
from positions.models import BiasTradePerformance, ExitAlert, ExitRule, Position, PositionEvent
from positions.services import (
    exits_monitor,
    positions_refresh,
)
from tests import factories
from tests.factories.clock import AT, later
from tests.orders.board import Board
from tests.positions.flow import bought, executed

pytestmark = pytest.mark.django_db


@pytest.fixture
def board():
    return Board()


def marked(board, bid, at):
    """The market moves, and every position is marked to it."""
    board.write(bid, Decimal(bid) + Decimal("0.10"))
    positions_refresh(provider=board, at=at)


def exits():
    return list(Order.objects.filter(intent="exit").order_by("pk"))


def stored(position):
    return Position.objects.values().get(pk=position.pk)


# --- the monitor


def test_nothing_hits_nothing_happens(board):
    position = bought(2, "4.00")
    marked(board, "4.10", later(minutes=1))
    row = stored(position)

    assert exits_monitor(at=later(minutes=1)) == StageReport(claimed=1)
    assert (stored(position), exits(), ExitAlert.objects.count()) == (row, [], 0)


@pytest.mark.parametrize(("bid", "reason"), [("2.00", "STOP_LOSS"), ("6.00", "PROFIT_TARGET")])
def test_a_hit_writes_the_exit_order_the_status_and_the_alert(board, bid, reason):
    position = bought(2, "4.00")
    marked(board, bid, later(minutes=1))

    assert exits_monitor(at=later(minutes=1)) == StageReport(claimed=1, done=1)

    position.refresh_from_db()
    order = exits()[0]
    assert (position.status, position.exit_reason, position.quantity) == ("closing", reason, 2)
    assert (order.entry_order_id, order.exit_reason, order.quantity, order.order_type) == (
        position.entry_order_id,
        reason,
        2,
        "market",
    )
    assert [(alert.reason, alert.resolved_at) for alert in position.alerts.all()] == [(reason, None)]
    event = position.changes.get(to_status="closing")
    assert (event.reason, event.message) == (reason, f"bid {bid}00, threshold {bid}00")


def test_a_life_from_fill_to_close(board):
    position = bought(2, "4.00")
    marked(board, "6.00", later(minutes=1))
    exits_monitor(at=later(minutes=1))

    executed(exits()[0], board, later(minutes=2))

    position.refresh_from_db()
    # bid 6.00, ask 6.10: sold at 6.05 - 0.75 × 0.05, down to 6.01
    assert (position.status, position.realized_pnl, position.exit_reason) == (
        "closed",
        Decimal("399.40"),
        "PROFIT_TARGET",
    )
    assert BiasTradePerformance.objects.get().exit_codes == ["PROFIT_TARGET"]
    assert ExitAlert.objects.filter(resolved_at=None).count() == 0


def test_every_hit_is_recorded_and_the_first_decides(board):
    position = bought(2, "4.00")
    marked(board, "5.00", later(minutes=1))
    late = later(days=7)  # five sessions later
    marked(board, "1.50", late)

    exits_monitor(at=late)

    position.refresh_from_db()
    alerts = set(position.alerts.values_list("reason", flat=True))
    assert (position.exit_reason, alerts) == ("STOP_LOSS", {"STOP_LOSS", "TRAILING_STOP", "MAX_HOLD"})
    executed(exits()[0], board, late)
    assert BiasTradePerformance.objects.get().exit_codes == ["STOP_LOSS", "TRAILING_STOP", "MAX_HOLD"]


def test_a_second_pass_finds_nothing_to_do(board):
    position = bought(2, "4.00")
    marked(board, "2.00", later(minutes=1))
    exits_monitor(at=later(minutes=1))
    row = stored(position)

    assert exits_monitor(at=later(minutes=2)) == StageReport()
    assert (stored(position), len(exits())) == (row, 1)


def test_d08_no_rule_row_is_still_watched(board):
    ExitRule.objects.all().delete()
    position = bought(2, "4.00")
    marked(board, "2.00", later(minutes=1))

    assert exits_monitor(at=later(minutes=1)).done == 1
    position.refresh_from_db()
    assert position.exit_reason == "STOP_LOSS"


def test_d08_every_open_position_is_watched_however_many(board, monkeypatch):
    monkeypatch.setattr("positions.selectors.PAGE_SIZE", 2)
    for _ in range(5):
        bought(1, "4.00")
    marked(board, "2.00", later(minutes=1))

    assert exits_monitor(at=later(minutes=1)) == StageReport(claimed=5, done=5)


def test_the_most_specific_rule_decides(board):
    ExitRule.objects.create(name="loose", scope="symbol", target="SPY", stop_loss_percent=Decimal(80))
    position = bought(2, "4.00")
    ExitRule.objects.create(name="tight", scope="position", target=str(position.pk), stop_loss_percent=Decimal(10))
    other = bought(2, "4.00")
    marked(board, "3.60", later(minutes=1))

    exits_monitor(at=later(minutes=1))

    assert [order.entry_order_id for order in exits()] == [position.entry_order_id]
    assert stored(other)["status"] == "open"


def test_a_rule_that_only_alerts_closes_nothing(board):
    ExitRule.objects.update(action="alert")
    position = bought(2, "4.00")
    marked(board, "2.00", later(minutes=1))

    assert exits_monitor(at=later(minutes=1)) == StageReport(claimed=1)
    assert exits_monitor(at=later(minutes=2)) == StageReport(claimed=1)

    alert = position.alerts.get()
    assert (alert.reason, alert.priority, alert.recommended_action) == (
        "STOP_LOSS",
        "CRITICAL",
        "CLOSE_POSITION_IMMEDIATELY",
    )
    assert alert.details == {"value": "bid 2.0000", "threshold": "2.0000", "rule": "Default", "action": "alert"}
    assert (stored(position)["status"], exits()) == ("open", [])


def test_an_alert_ends_when_its_rule_no_longer_hits(board):
    ExitRule.objects.update(action="alert")
    position = bought(2, "4.00")
    marked(board, "2.00", later(minutes=1))
    exits_monitor(at=later(minutes=1))
    marked(board, "3.00", later(minutes=2))

    exits_monitor(at=later(minutes=2))

    assert position.alerts.get().resolved_at == later(minutes=2)


def test_what_a_person_asked_for_closes_although_the_rule_only_alerts(board):
    ExitRule.objects.update(action="alert")
    position = bought(2, "4.00")
    Position.objects.update(close_requested="EXIT_SIGNAL")
    marked(board, "2.00", later(minutes=1))

    assert exits_monitor(at=later(minutes=1)).done == 1
    position.refresh_from_db()
    assert (position.status, position.exit_reason) == ("closing", "EXIT_SIGNAL")


def test_halted_sends_nothing_and_says_so(board):
    position = bought(2, "4.00")
    bought(1, "1.00")
    marked(board, "2.00", later(minutes=1))
    trading_state_set(status=TradingStatus.HALTED, reason="a test", at=AT)

    assert exits_monitor(at=later(minutes=1)) == StageReport(claimed=2, deferred=2)

    alert = Alert.objects.get()
    assert (alert.cause, alert.level) == ("halted_with_open_positions", "critical")
    assert "2 positions not closed" in alert.message
    assert (stored(position)["status"], exits()) == ("open", [])

    trading_state_set(status=TradingStatus.ACTIVE, reason="", at=AT)
    assert exits_monitor(at=later(minutes=2)).done == 2
    alert.refresh_from_db()
    assert alert.resolved_at == later(minutes=2)


def test_reducing_stops_no_exit(board):
    bought(2, "4.00")
    marked(board, "2.00", later(minutes=1))
    trading_state_set(status=TradingStatus.REDUCING, reason="a test", at=AT)

    assert exits_monitor(at=later(minutes=1)).done == 1


def test_d11_no_limit_on_entries_holds_an_exit_back(board):
    for _ in range(8):
        bought(1, "4.00")
    factories.order(status="submitted")  # a working entry of the same contract
    marked(board, "2.00", later(minutes=1))

    assert exits_monitor(at=later(minutes=1)).done == 8


def test_d11_an_exit_without_a_quote_waits_and_fills_later(board):
    position = bought(2, "4.00")
    marked(board, "2.00", later(minutes=1))
    exits_monitor(at=later(minutes=1))
    order = exits()[0]
    board.options.clear()

    waiting = executed(order, board, later(minutes=2))
    assert (waiting.status, waiting.reason) == ("submitted", "NO_QUOTE")
    assert Alert.objects.filter(resolved_at=None, level="critical").count() == 1
    board.write("1.90", "2.00")
    executed(order, board, later(minutes=3))

    position.refresh_from_db()
    assert (position.status, Alert.objects.filter(resolved_at=None).count()) == ("closed", 0)


def test_d32_a_stale_mark_closes_nothing(board):
    bought(2, "4.00")
    marked(board, "2.00", later(minutes=1))

    assert exits_monitor(at=later(minutes=3, seconds=1)) == StageReport(claimed=1)
    assert exits_monitor(at=later(minutes=3)) == StageReport(claimed=1, done=1)


@pytest.mark.parametrize(("hour", "minute", "reason"), [(19, 29, ""), (19, 30, "MIN_DTE")])
def test_the_guardian_on_expiry_day(board, hour, minute, reason):
    expiry_day = AT.replace(month=3, day=20, hour=14, minute=0)
    position = bought(2, "4.00", at=expiry_day)
    at = expiry_day.replace(hour=hour, minute=minute)
    marked(board, "4.00", at)

    exits_monitor(at=at)

    assert stored(position)["exit_reason"] == reason


@pytest.mark.parametrize(("minute", "reason"), [(0, ""), (1, "MIN_DTE")])
def test_min_dte_a_day_before_the_expiry(board, minute, reason):
    day_before = AT.replace(month=3, day=19, hour=20)
    position = bought(2, "4.00", at=day_before - timedelta(days=1))

    exits_monitor(at=day_before + timedelta(minutes=minute))

    assert stored(position)["exit_reason"] == reason


@pytest.mark.parametrize(("days", "reason"), [(6, ""), (7, "MAX_HOLD")])
def test_d33_max_hold_closes_after_five_sessions(board, days, reason):
    position = bought(2, "4.00")

    exits_monitor(at=later(days=days))  # six days later is the fourth session

    assert stored(position)["exit_reason"] == reason


def test_an_expired_position_is_left_to_the_settlement(board):
    position = bought(2, "4.00")
    row = stored(position)

    assert exits_monitor(at=AT.replace(month=3, day=23)) == StageReport(claimed=1)
    assert (stored(position), exits()) == (row, [])


def test_reading_costs_the_same_for_any_number_of_positions(board):
    bought(1, "4.00")
    exits_monitor(at=AT)  # the day's first pass writes down what it begins with
    with CaptureQueriesContext(connection) as one:
        exits_monitor(at=later(minutes=1))
    for _ in range(4):
        bought(1, "4.00")

    with CaptureQueriesContext(connection) as five:
        exits_monitor(at=later(minutes=1))

    assert len(five) == len(one)


@pytest.mark.django_db(transaction=True)
def test_two_monitors_at_once_write_one_exit_order(board):
    for _ in range(4):
        bought(1, "4.00")
    marked(board, "2.00", later(minutes=1))
    start, reports, errors = Barrier(2), [], []

    def monitor():
        try:
            start.wait(10)
            reports.append(exits_monitor(at=later(minutes=1)))
        except Exception as error:  # noqa: BLE001 - reported by the assertion below
            errors.append(error)
        finally:
            connections.close_all()

    threads = [Thread(target=monitor) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert errors == []
    assert sum(report.done for report in reports) == 4
    assert (len(exits()), PositionEvent.objects.filter(to_status="closing").count()) == (4, 4)
