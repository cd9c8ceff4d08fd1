"""Exit signals: what they close, what they overtake, and how long they wait."""

from datetime import timedelta

import pytest
from django.db import connection

from optionsengine.core.enums import Intent
from optionsengine.market.providers.null import NullProvider
from optionsengine.pipeline.enums import Stage
from optionsengine.pipeline.exit_signals import exit_signals_apply
from optionsengine.pipeline.orders import orders_execute
from optionsengine.pipeline.stages import stage_run
from orders.models import Order
from signals.models import Signal, SignalEvent
from tests import factories
from tests.factories import AT
from tests.positions.flow import bought

pytestmark = pytest.mark.django_db

EXIT_AT = AT + timedelta(minutes=10)


def _exit(**values) -> Signal:
    signal = factories.signal(intent="exit", side=values.pop("side", ""), created_at=EXIT_AT, **values)
    factories.signal_event(signal=signal, to_status="pending")
    return signal


def _reread(signal: Signal) -> tuple[str, str]:
    signal.refresh_from_db()
    return signal.status, signal.reason


def _resting_entry(**values) -> Order:
    signal = factories.signal(symbol="SPY", side="long", status="approved", created_at=AT)
    factories.signal_event(signal=signal, to_status="approved")
    decision = factories.decision_round(experiment=factories.experiment(signal=signal))
    advice = factories.recommendation(decision=decision)
    order = factories.order(recommendation=advice, status="submitted", created_at=AT, **values)
    factories.order_event(order=order, to_status="submitted")
    return order


def test_it_closes_what_is_open_and_is_executed_at_once() -> None:
    position = bought(2)
    signal = _exit(symbol="SPY")
    report = exit_signals_apply(at=EXIT_AT)
    assert (report.claimed, report.done) == (1, 1)
    assert _reread(signal) == ("executed", "EXIT_ORDERED")
    position.refresh_from_db()
    assert position.status == "closing"
    order = Order.objects.get(entry_order=position.entry_order)
    assert (order.exit_signal_id, order.quantity, order.exit_reason) == (signal.pk, 2, "EXIT_SIGNAL")


@pytest.mark.parametrize(
    ("side", "status", "reason"),
    [("", "rejected", "SUPERSEDED"), ("long", "rejected", "SUPERSEDED"), ("short", "pending", "")],
)
def test_an_undecided_older_entry_of_its_side_is_superseded(side: str, status: str, reason: str) -> None:
    entry = factories.signal(symbol="SPY", side="long", created_at=AT)
    _exit(symbol="SPY", side=side)
    exit_signals_apply(at=EXIT_AT)
    assert _reread(entry) == (status, reason)


def test_a_newer_entry_is_left_alone() -> None:
    entry = factories.signal(symbol="SPY", side="long", created_at=EXIT_AT + timedelta(seconds=1))
    _exit(symbol="SPY")
    exit_signals_apply(at=EXIT_AT + timedelta(seconds=2))
    assert _reread(entry) == ("pending", "")


def test_a_resting_entry_order_is_cancelled_and_its_signal_ends() -> None:
    order = _resting_entry()
    _exit(symbol="SPY")
    exit_signals_apply(at=EXIT_AT)
    order.refresh_from_db()
    assert (order.status, order.reason) == ("cancelled", "SUPERSEDED")
    orders_execute(Intent.ENTRY, provider=NullProvider(), at=EXIT_AT)
    assert _reread(order.signal) == ("rejected", "SUPERSEDED")
    last = SignalEvent.objects.filter(signal=order.signal).latest("id")
    assert (last.from_status, last.to_status) == ("approved", "rejected")


def test_an_entry_that_a_worker_is_filling_comes_first() -> None:
    order = _resting_entry()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders SET claimed_until = now() + interval '1 minute' WHERE id = %s", [order.pk])
    position = bought(1)  # another one is open: it is closed at once, and the exit still waits for the rest
    signal = _exit(symbol="SPY")
    assert exit_signals_apply(at=EXIT_AT).deferred == 1
    assert _reread(signal) == ("pending", "WAITING_FOR_ENTRY")
    order.refresh_from_db()
    assert order.status == "submitted"
    position.refresh_from_db()
    assert position.status == "closing"
    assert signal.next_attempt_at == EXIT_AT + timedelta(seconds=10)


def test_a_waiting_exit_is_due_again_before_the_exit_rules_are() -> None:
    """The job of the exit orders runs every ten seconds, that of the rules every minute."""
    signal = _exit(symbol="SPY")
    exit_signals_apply(at=EXIT_AT)
    position = bought(1)
    assert stage_run(Stage.EXIT_ORDERS, at=EXIT_AT + timedelta(seconds=9)).claimed == 0
    stage_run(Stage.EXIT_ORDERS, at=EXIT_AT + timedelta(seconds=10))
    position.refresh_from_db()
    assert position.status in ("closing", "closed")
    assert _reread(signal) == ("executed", "EXIT_ORDERED")


@pytest.mark.parametrize(
    ("seconds", "status", "reason"), [(59, "pending", "WAITING_FOR_ENTRY"), (60, "rejected", "NO_OPEN_POSITION")]
)
def test_with_nothing_to_close_it_waits_a_minute_and_is_refused(seconds: int, status: str, reason: str) -> None:
    signal = _exit(symbol="SPY")
    exit_signals_apply(at=EXIT_AT + timedelta(seconds=seconds))
    assert _reread(signal) == (status, reason)
    assert not Order.objects.exists()


def test_a_test_exit_closes_no_real_position() -> None:
    position = bought(1)
    _exit(symbol="SPY", is_test=True)
    exit_signals_apply(at=EXIT_AT)
    position.refresh_from_db()
    assert position.status == "open"
