"""Entry and exit at once, by real threads and transactions, held still where the two meet: one of two right states."""

import json
import threading
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection

from optionsengine.pipeline.events import event_process
from optionsengine.pipeline.exit_signals import exit_signals_apply
from orders.models import Order
from positions.models import Position
from signals.models import Signal, SignalDedupe, WebhookEvent
from tests import factories
from tests.factories import AT
from tests.pipeline.test_intake_race import at_once
from tests.positions.flow import bought

pytestmark = pytest.mark.django_db(transaction=True)

ENTRY = {"symbol": "SPY", "direction": "long", "timeframe": "5m"}
EXIT = {"symbol": "SPY", "action": "CLOSE"}
ENTRY_AT, EXIT_AT = AT, AT + timedelta(seconds=1)


def stored(body, at):
    """A request whose effect has not come yet."""
    values = {"status": "received", "family": "", "symbol": "", "created_at": at}
    return factories.webhook_event(body=json.dumps(body).encode(), **values)


def process(event):
    return event_process(event.pk, at=EXIT_AT + timedelta(seconds=1))


def statuses():
    return sorted(Signal.objects.values_list("intent", "status", "reason"))


class Halt:
    """Holds one thread still before its first statement that contains `match`."""

    def __init__(self, match):
        self.match, self.reached, self.go = match, threading.Event(), threading.Event()

    def __call__(self, execute, sql, params, many, context):
        if self.match in sql.replace('"', "") and not self.reached.is_set():
            self.reached.set()
            assert self.go.wait(20)
        return execute(sql, params, many, context)


@contextmanager
def halted(match, call):
    """Run `call` in a thread up to `match`; what is inside happens meanwhile, then the thread goes on to its end."""
    halt, told = Halt(match), []

    def run():
        try:
            with connection.execute_wrapper(halt):
                told.append(call())
        finally:
            halt.reached.set()
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert halt.reached.wait(20)
        yield told
    finally:
        halt.go.set()
        thread.join(20)


def test_an_entry_that_is_stored_but_not_read_finds_the_exit():
    entry, leave = stored(ENTRY, ENTRY_AT), stored(EXIT, EXIT_AT)
    with halted("webhook_events", lambda: process(entry)) as told:
        assert process(leave).http == 201
    assert (told[0].http, told[0].status, told[0].extra) == (200, "IGNORED", {"reason": "SUPERSEDED"})
    entry.refresh_from_db()
    assert (entry.status, entry.code) == ("ignored", "SUPERSEDED")
    assert not SignalDedupe.objects.filter(signal__intent="entry").exists()
    exit_signals_apply(at=EXIT_AT + timedelta(seconds=60))
    assert statuses() == [("exit", "rejected", "NO_OPEN_POSITION")]


def test_an_entry_in_the_middle_of_its_transaction_is_ended_by_the_exit_that_it_did_not_see():
    """The exit closes something else at once, and would be done, had it not seen a request that is being read."""
    held = bought(1)
    entry, leave = stored(ENTRY, ENTRY_AT), stored(EXIT, EXIT_AT)
    with halted("INSERT INTO signals", lambda: process(entry)) as told:
        assert process(leave).http == 201
        report = exit_signals_apply(at=EXIT_AT)
        assert report.deferred == 1
        held.refresh_from_db()
        assert held.status == "closing"  # what is open does not wait
    assert told[0].http == 201
    assert exit_signals_apply(at=EXIT_AT + timedelta(seconds=10)).done == 1
    assert statuses() == [
        ("entry", "executed", ""),  # of the position that was held
        ("entry", "rejected", "SUPERSEDED"),
        ("exit", "executed", "EXIT_ORDERED"),
    ]
    assert not Order.objects.filter(signal__event=entry).exists()


def test_a_request_that_is_never_read_holds_an_exit_up_for_its_wait_only():
    bought(1)
    stored(ENTRY, ENTRY_AT)
    assert process(stored(EXIT, EXIT_AT)).http == 201
    assert exit_signals_apply(at=EXIT_AT + timedelta(seconds=59)).deferred == 1
    assert exit_signals_apply(at=EXIT_AT + timedelta(seconds=60)).done == 1


def test_a_newer_request_holds_no_exit_up():
    bought(1)
    stored(ENTRY, EXIT_AT + timedelta(milliseconds=1))
    assert process(stored(EXIT, EXIT_AT)).http == 201
    assert exit_signals_apply(at=EXIT_AT).done == 1


def test_an_exit_in_the_middle_of_its_transaction_finds_the_entry_that_did_not_see_it():
    entry, leave = stored(ENTRY, ENTRY_AT), stored(EXIT, EXIT_AT)
    with halted("INSERT INTO signals", lambda: process(leave)):
        assert process(entry).http == 201
    assert exit_signals_apply(at=EXIT_AT).refused == 0
    exit_signals_apply(at=EXIT_AT + timedelta(seconds=60))
    assert statuses() == [("entry", "rejected", "SUPERSEDED"), ("exit", "rejected", "NO_OPEN_POSITION")]


@pytest.mark.parametrize("round_", range(4))
def test_both_at_once_end_flat(round_):
    entry, leave = stored(ENTRY, ENTRY_AT), stored(EXIT, EXIT_AT)
    answers = at_once(lambda: process(entry), lambda: process(leave), lambda: exit_signals_apply(at=EXIT_AT))
    assert answers[1].http == 201
    for seconds in (10, 20, 60):
        exit_signals_apply(at=EXIT_AT + timedelta(seconds=seconds))
    ended = statuses()
    assert ended[-1] == ("exit", "rejected", "NO_OPEN_POSITION")
    assert ended[:-1] in ([], [("entry", "rejected", "SUPERSEDED")])
    assert (answers[0].status == "IGNORED") is (ended[:-1] == [])
    assert not Position.objects.exists()


def test_eight_late_and_prompt_arrivals_of_one_key_at_once_stay_a_minute_apart():
    seconds = [0, 30, 59, 61, 100, 125, 400, 430]
    events = [stored(ENTRY, AT + timedelta(seconds=after)) for after in seconds]
    at_once(*[lambda event=event: process(event) for event in events])
    accepted = sorted(Signal.objects.values_list("created_at", flat=True))
    assert all((later - earlier).total_seconds() > 60 for earlier, later in pairwise(accepted))
    assert set(WebhookEvent.objects.values_list("status", flat=True)) == {"accepted", "duplicate"}
    assert len(accepted) >= 3
