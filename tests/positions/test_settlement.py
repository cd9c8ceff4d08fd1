from datetime import date, timedelta
from decimal import Decimal

import pytest

from optionsengine.core.enums import Intent
from optionsengine.core.leases import LeaseLostError, lease_claim, lease_lock
from optionsengine.ops.data import StageReport
from optionsengine.ops.enums import TradingStatus
from optionsengine.ops.models import Alert
from optionsengine.ops.services import trading_state_set
from orders.models import Order, Trade
from orders.selectors import orders_claimable
from positions.models import BiasTradePerformance, Position
from positions.services import position_close_request, positions_settle
from tests.factories.clock import AT
from tests.orders.board import Board
from tests.positions.flow import bought, cash, executed, fill_of, sold

pytestmark = pytest.mark.django_db

EXPIRY_DAY = date(2026, 3, 20)
EXPIRY = AT.replace(month=3, day=20, hour=20)  # 16:00 in New York, summer time
BEFORE = EXPIRY.replace(day=18)


@pytest.fixture
def board():
    board = Board()
    board.closes["SPY", EXPIRY_DAY] = Decimal("512.34")
    return board


@pytest.mark.parametrize(
    ("side", "close", "price", "pnl"),
    [
        ("long", "512.34", "12.34", "1666.70"),
        ("long", "500.01", "0.01", "-799.30"),
        ("long", "500.00", "0", "-801.30"),
        ("long", "480.00", "0", "-801.30"),
        ("short", "480.50", "19.50", "3098.70"),
        ("short", "512.34", "0", "-801.30"),
    ],
)
def test_an_expired_option_settles_at_its_intrinsic_value(board, side, close, price, pnl):
    position = bought(2, "4.00", at=BEFORE, side=side)
    board.closes["SPY", EXPIRY_DAY] = Decimal(close)

    assert positions_settle(provider=board, at=EXPIRY) == StageReport(claimed=1, done=1)

    position.refresh_from_db()
    assert (position.status, position.exit_reason, position.realized_pnl, position.underlying_price) == (
        "closed",
        "EXPIRED",
        Decimal(pnl),
        Decimal(close),
    )
    trade = Trade.objects.get(order__intent="exit")
    assert (trade.broker, trade.price_source, trade.price, trade.commission, trade.quantity, trade.bid) == (
        "settlement",
        "settlement",
        Decimal(price),
        0,
        2,
        None,
    )
    order = Order.objects.get(intent="exit")
    assert (order.status, order.order_type, order.exit_reason) == ("filled", "market", "EXPIRED")
    assert BiasTradePerformance.objects.get().exit_codes == ["EXPIRED"]
    totals = cash()
    assert totals["flows"] == totals["books"]


def test_d09_nothing_is_settled_a_second_before_the_close(board):
    position = bought(2, "4.00", at=BEFORE)

    assert positions_settle(provider=board, at=EXPIRY.replace(hour=19, minute=59, second=59)) == StageReport()

    position.refresh_from_db()
    assert (position.status, Order.objects.filter(intent="exit").count(), board.calls) == ("open", 0, [])


@pytest.mark.parametrize(("minutes", "claimed"), [(0, 0), (19, 0), (20, 1)])
def test_it_waits_until_the_provider_can_know_the_official_close(board, minutes, claimed):
    position = bought(2, "4.00", at=BEFORE)
    board.settles_after = timedelta(minutes=20)
    report = positions_settle(provider=board, at=EXPIRY + timedelta(minutes=minutes))
    position.refresh_from_db()
    assert (report.claimed, position.status) == (claimed, "closed" if claimed else "open")
    assert board.calls == ["official_close"] * claimed
    assert not Alert.objects.exists()


def test_d08_an_expiry_that_passed_while_everything_was_down_is_settled_once(board):
    bought(2, "4.00", at=BEFORE)
    monday_later = EXPIRY.replace(month=4, day=6)

    assert positions_settle(provider=board, at=monday_later) == StageReport(claimed=1, done=1)
    assert positions_settle(provider=board, at=monday_later) == StageReport()

    performance = BiasTradePerformance.objects.get()
    assert performance.session_minutes == 2 * 390  # from Wednesday's close to Friday's
    assert Trade.objects.filter(broker="settlement").count() == 1


def test_a_working_exit_gives_way_and_its_worker_is_fenced_out(board):
    position = bought(2, "4.00", at=BEFORE)
    exit_order = position_close_request(position_id=position.pk, actor="ann", at=BEFORE)
    executed(exit_order, board, BEFORE)
    _, token = lease_claim(orders_claimable(Intent.EXIT), at=EXPIRY)

    assert positions_settle(provider=board, at=EXPIRY).done == 1

    exit_order.refresh_from_db()
    position.refresh_from_db()
    assert (exit_order.status, exit_order.reason) == ("cancelled", "CONTRACT_EXPIRED")
    assert (position.status, position.exit_reason, position.realized_pnl) == ("closed", "EXPIRED", Decimal("1666.70"))
    with pytest.raises(LeaseLostError):
        lease_lock(Order, exit_order.pk, token)


def test_what_was_sold_before_stays_sold(board):
    position = bought(3, "4.00", at=BEFORE)
    exit_order = position_close_request(position_id=position.pk, actor="ann", at=BEFORE)
    sold(exit_order, fill_of(exit_order, 1, "5.00"), status="partially_filled", at=BEFORE)

    positions_settle(provider=board, at=EXPIRY)

    position.refresh_from_db()
    assert (position.status, position.realized_pnl) == ("closed", Decimal("98.70") + Decimal("1666.70"))
    assert cash() == {"flows": Decimal("1765.40"), "books": Decimal("1765.40")}


def test_without_an_official_close_it_waits_and_says_so(board):
    position = bought(2, "4.00", at=BEFORE)
    board.closes.clear()

    assert positions_settle(provider=board, at=EXPIRY) == StageReport(claimed=1, deferred=1)

    position.refresh_from_db()
    alert = Alert.objects.get()
    assert (position.status, alert.cause, alert.level) == ("open", "unsettled:SPY:2026-03-20", "critical")

    board.closes["SPY", EXPIRY_DAY] = Decimal("512.34")
    assert positions_settle(provider=board, at=EXPIRY).done == 1
    alert.refresh_from_db()
    assert alert.resolved_at == EXPIRY


@pytest.mark.parametrize("close", ["NaN", "0", "-1", "Infinity"])
def test_a_close_that_is_no_price_settles_nothing(board, close):
    bought(2, "4.00", at=BEFORE)
    board.closes["SPY", EXPIRY_DAY] = Decimal(close)

    assert positions_settle(provider=board, at=EXPIRY) == StageReport(claimed=1, deferred=1)
    assert Position.objects.get().status == "open"


def test_the_official_close_is_asked_for_once_a_day_and_underlying(board):
    for _ in range(3):
        bought(1, "4.00", at=BEFORE)
    bought(1, "4.00", at=BEFORE, engine="B")

    assert positions_settle(provider=board, at=EXPIRY).done == 4
    assert board.calls == ["official_close"]


def test_settling_sends_nothing_and_so_runs_while_halted(board):
    trading_state_set(status=TradingStatus.HALTED, reason="a test", at=AT)
    bought(1, "4.00", at=BEFORE)

    assert positions_settle(provider=board, at=EXPIRY).done == 1
