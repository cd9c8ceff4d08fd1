"""A person closes everything while somebody else acts, by real connections: a HALTED stays, and nothing buys."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.urls import reverse

from experiments.models import Approval
from optionsengine.ops.enums import TradingStatus
from optionsengine.ops.models import TradingState
from optionsengine.ops.services import trading_state_reduce, trading_state_set
from optionsengine.pipeline.approvals import signal_approve
from optionsengine.pipeline.flatten import flatten
from optionsengine.pipeline.orders import orders_create
from orders.models import Order
from signals.models import Signal
from tests import factories
from tests.factories.clock import AT, later
from tests.pipeline.test_approval_races import said
from tests.pipeline.test_exit_races import halted
from tests.pipeline.test_intake_race import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def active():
    trading_state_set(status=TradingStatus.ACTIVE, reason="", at=AT)


def halt():
    return trading_state_set(status=TradingStatus.HALTED, reason="stop", at=AT)


def state():
    return TradingState.objects.values_list("status", "reason").get()


def flattened():
    return flatten(actor="ann", reason="a bad day", at=AT)


def approved():
    signal = factories.signal(status="approved")
    return factories.recommendation(
        decision=factories.decision_round(experiment=factories.experiment(signal=signal))
    ).signal


def waiting_for_a_lock():
    """Return once a connection waits for another one's transaction."""
    for _ in range(20_000):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')")
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waits")


def test_a_halt_that_is_being_written_while_a_flatten_looks_stays():
    def halt_slowly():
        with transaction.atomic(), connection.cursor() as cursor:
            halt()
            cursor.execute("SELECT 'written, not committed'")

    with ThreadPoolExecutor(1) as pool:
        with halted("written, not committed", halt_slowly):
            report = pool.submit(flattened)
            waiting_for_a_lock()
        assert report.result(20).status == TradingStatus.HALTED
        pool.submit(lambda: connection.close()).result(20)  # the thread's own
    assert state() == ("HALTED", "stop")


@pytest.mark.parametrize("round_", range(3))
def test_a_halt_and_a_flatten_at_once_end_halted(round_):
    at_once(halt, flattened)
    assert state() == ("HALTED", "stop")


def test_a_new_reason_does_not_bring_back_a_status_that_was_read_before(client):
    """The request has looked at ACTIVE; before it writes, somebody halts."""
    client.force_login(factories.operator())
    url = reverse("trading-state")
    patch = {"data": {"reason": "news"}, "content_type": "application/json"}
    with halted("FOR UPDATE", lambda: client.patch(url, **patch).json()) as told:
        halt()
    assert [(answer["status"], answer["reason"]) for answer in told] == [("HALTED", "news")]
    assert state() == ("HALTED", "news")


def test_of_a_new_reason_and_a_new_status_at_once_both_are_kept():
    at_once(
        lambda: trading_state_set(reason="news", at=AT),
        lambda: trading_state_set(status=TradingStatus.HALTED, at=AT),
    )
    assert state() == ("HALTED", "news")


@pytest.mark.parametrize("status", TradingStatus)
def test_flatten_takes_active_back_only(status):
    trading_state_set(status=status, reason="before", at=AT)
    reduced = {"ACTIVE": ("REDUCING", "flatten")}
    assert trading_state_reduce(reason="flatten", at=later(minutes=1)) == reduced.get(status, (status,))[0]
    assert state() == reduced.get(status, (status, "before"))


def test_without_a_row_it_is_active_and_taken_back():
    TradingState.objects.all().delete()
    assert trading_state_reduce(reason="flatten", at=AT) == TradingStatus.REDUCING
    assert state() == ("REDUCING", "flatten")


def test_an_order_that_is_made_while_everything_is_closed_is_cancelled():
    signal = approved()
    with halted("FROM signals WHERE signals.id", flattened) as told:
        assert orders_create(at=AT).done == 1
    assert [(report.signals_ended, report.entries_cancelled) for report in told] == [(0, 1)]
    assert list(Order.objects.values_list("status", "reason")) == [("cancelled", "FLATTENED")]
    signal.refresh_from_db()
    assert signal.status == "approved"  # until the next pass ends it with its order


@pytest.mark.parametrize("round_", range(3))
def test_making_orders_and_closing_everything_at_once_leaves_none_working(round_):
    approved()
    at_once(lambda: orders_create(at=AT), flattened)
    assert list(Order.objects.values_list("status", "reason")) == [("cancelled", "FLATTENED")]


@pytest.mark.parametrize("round_", range(3))
def test_a_yes_and_closing_everything_at_once_leave_nothing_that_waits(round_):
    approval = factories.approval()
    factories.signal_event(signal=approval.signal)
    told, report = at_once(
        lambda: said(lambda: signal_approve(signal_id=approval.signal_id, actor="bob", at=AT)), flattened
    )
    ends = {
        "done": (0, "approved", "pending", "APPROVED_BY_PERSON"),  # decided again, and refused by the trading state
        "NOT_AWAITING": (1, "rejected", "rejected", "FLATTENED"),
    }
    signal = Signal.objects.get()
    assert (report.signals_ended, Approval.objects.get().status, signal.status, signal.reason) == ends[told]
