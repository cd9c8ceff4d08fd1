from decimal import Decimal
from threading import Event, Thread

import pytest
from django.db import connection, connections, transaction

from optionsengine.core.errors import Refusal
from optionsengine.ops.enums import TradingStatus
from optionsengine.ops.services import trading_state_set
from orders.models import Order
from positions.enums import PositionCode
from positions.models import Position, PositionEvent
from positions.services import (
    exit_signal_apply,
    exits_monitor,
    position_close_request,
    positions_refresh,
)
from signals.models import Signal
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


# --- a person


@pytest.mark.parametrize("state", list(TradingStatus))
def test_a_person_closes_in_every_trading_state(state):
    trading_state_set(status=state, reason="a test", at=AT)
    position = bought(2, "4.00")

    order = position_close_request(position_id=position.pk, actor="ann", at=later(minutes=1))

    position.refresh_from_db()
    assert (order.exit_reason, order.quantity, position.status, position.close_requested) == (
        "MANUAL",
        2,
        "closing",
        "MANUAL",
    )
    event = position.changes.get(to_status="closing")
    assert (event.actor, event.message, event.created_at) == ("ann", "asked for by ann", later(minutes=1))


@pytest.mark.parametrize(
    ("status", "code"), [("closed", PositionCode.POSITION_CLOSED), ("closing", PositionCode.EXIT_IN_PROGRESS)]
)
def test_what_is_closed_or_closing_is_refused_with_the_reason(status, code):
    position = factories.position(status=status)
    if status == "closing":
        factories.exit_order(entry_order=position.entry_order)
    row, orders = stored(position), Order.objects.count()

    with pytest.raises(Refusal) as refusal:
        position_close_request(position_id=position.pk, actor="ann", at=AT)

    assert refusal.value.code == code
    assert (stored(position), Order.objects.count(), PositionEvent.objects.count()) == (row, orders, 0)


def test_an_unknown_position_is_refused():
    with pytest.raises(Refusal) as refusal:
        position_close_request(position_id=factories.signal().pk, actor="ann", at=AT)

    assert refusal.value.code == PositionCode.POSITION_NOT_FOUND


# --- an exit signal


def exit_signal(**values):
    return factories.signal(**({"intent": "exit", "created_at": later(minutes=1)} | values))


@pytest.mark.parametrize(
    ("values", "closed"),
    [
        ({"side": "long"}, {"long", "shadow"}),
        ({"side": "short"}, {"short"}),
        ({"side": ""}, {"long", "shadow", "short"}),
        ({"side": "", "symbol": "QQQ"}, {"other"}),
        ({"side": "", "symbol": "IWM"}, set()),
        ({"side": "", "is_test": True}, {"test"}),
        ({"side": "long", "strike": Decimal(500)}, {"long", "shadow"}),
        ({"side": "long", "strike": Decimal(501)}, set()),
        ({"side": "long", "expiration": AT.date()}, set()),
        ({"side": "", "created_at": later(minutes=-1)}, set()),  # it came before their entry signals
    ],
)
def test_an_exit_signal_closes_what_it_names(values, closed):
    held = {
        "long": bought(1, "4.00"),
        "shadow": bought(1, "4.00", engine="B"),
        "short": bought(1, "4.00", side="short"),
        "other": bought(1, "4.00", symbol="QQQ"),
        "test": bought(1, "4.00", is_test=True),
    }
    signal = exit_signal(**values)

    assert exit_signal_apply(signal=signal, at=later(minutes=2)) == len(closed)

    assert {name for name, position in held.items() if stored(position)["status"] == "closing"} == closed
    assert {(order.exit_reason, order.exit_signal_id) for order in exits()} == (
        {("EXIT_SIGNAL", signal.pk)} if closed else set()
    )


def test_a_second_exit_signal_leaves_the_working_exit_alone():
    position = bought(1, "4.00")
    exit_signal_apply(signal=exit_signal(), at=later(minutes=2))

    assert exit_signal_apply(signal=exit_signal(), at=later(minutes=3)) == 1
    assert (len(exits()), stored(position)["close_requested"]) == (1, "EXIT_SIGNAL")


def test_a_position_that_a_rule_closes_already_remembers_the_signal(board):
    position = bought(1, "4.00")
    marked(board, "2.00", later(minutes=1))
    exits_monitor(at=later(minutes=1))

    assert exit_signal_apply(signal=exit_signal(), at=later(minutes=2)) == 1

    row = stored(position)
    assert (row["exit_reason"], row["close_requested"], row["status"]) == ("STOP_LOSS", "EXIT_SIGNAL", "closing")


def test_an_exit_signal_closes_nothing_twice():
    position = factories.position(status="closed")
    row = stored(position)

    assert exit_signal_apply(signal=exit_signal(), at=later(days=1)) == 0
    assert stored(position) == row


@pytest.mark.django_db(transaction=True)
def test_booking_a_fill_and_beginning_an_exit_never_wait_for_each_other(board):
    """Both engines of one signal: one's exit is booked (signal, then position) while an exit signal locks both."""
    signal = factories.signal(status="executed")
    decision = factories.decision_round(experiment=factories.experiment(signal=signal))
    held = []
    for engine in ("A", "B"):
        advice = factories.recommendation(decision=decision, engine=engine)
        held.append(bought(2, "4.00", order=factories.order(recommendation=advice, status="submitting")))
    first = position_close_request(position_id=held[0].pk, actor="ann", at=AT)
    board.write("4.00", "4.10")
    closing_signal = exit_signal()
    booking, errors = Event(), []

    def book():
        try:
            with transaction.atomic():
                Signal.objects.select_for_update().get(pk=signal.pk)
                booking.set()
                another_waits()
                executed(first, board, later(minutes=2))
        except Exception as error:  # noqa: BLE001 - reported by the assertion below
            errors.append(error)
        finally:
            connections.close_all()

    def follow():
        try:
            booking.wait(10)
            exit_signal_apply(signal=closing_signal, at=later(minutes=2))
        except Exception as error:  # noqa: BLE001 - reported by the assertion below
            errors.append(error)
        finally:
            connections.close_all()

    threads = [Thread(target=book), Thread(target=follow)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert errors == []
    assert [stored(position)["status"] for position in held] == ["closed", "closing"]


def another_waits():
    """Return once another session waits for a lock of this one: the interleaving that would deadlock."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    with connection.cursor() as cursor:
        for _ in range(100_000):
            cursor.execute(waiting)
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waits")
