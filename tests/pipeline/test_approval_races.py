"""A person, another person, the clock and an exit at once, by real connections: one comes first, the others find it
ended."""

from datetime import timedelta

import pytest

from experiments.models import Approval
from optionsengine.core.errors import Refusal
from optionsengine.pipeline.approvals import approvals_lapse, signal_approve
from optionsengine.pipeline.exit_signals import exit_signals_apply
from optionsengine.pipeline.operations import signal_reject
from orders.models import Order
from signals.models import Signal, SignalEvent
from tests import factories
from tests.factories import AT
from tests.pipeline.test_exit_races import halted
from tests.pipeline.test_intake_race import at_once

pytestmark = pytest.mark.django_db(transaction=True)

LAPSES = AT + timedelta(seconds=300)
BEFORE = LAPSES - timedelta(microseconds=1)
EXIT_AT = AT + timedelta(seconds=60)


@pytest.fixture
def waiting():
    approval = factories.approval()
    factories.signal_event(signal=approval.signal)
    return approval.signal


@pytest.fixture
def leaving(waiting):
    return factories.signal(intent="exit", side="", timeframe="1d", created_at=EXIT_AT)


def said(act):
    """Return `done`, or the code of the refusal."""
    try:
        act()
    except Refusal as refusal:
        return refusal.code.value
    return "done"


def approve(signal, at=BEFORE, actor="ann"):
    return said(lambda: signal_approve(signal_id=signal.pk, actor=actor, at=at))


def reject(signal, at=BEFORE, actor="bob"):
    return said(lambda: signal_reject(signal_id=signal.pk, actor=actor, reason="no", at=at))


def end():
    approval, signal = Approval.objects.get(), Signal.objects.get(intent="entry")
    return approval.status, signal.status, signal.reason


def changes():
    return list(SignalEvent.objects.filter(from_status="awaiting_approval").values_list("to_status", "actor"))


def test_who_approves_while_it_lapses_is_told_that_it_is_too_late(waiting):
    with halted("FOR UPDATE", lambda: approve(waiting)) as told:
        assert approvals_lapse(at=LAPSES).refused == 1
    assert told == ["APPROVAL_LAPSED"]
    assert end() == ("lapsed", "rejected", "APPROVAL_LAPSED")
    assert changes() == [("rejected", "engine")]


def test_what_is_approved_while_it_is_about_to_lapse_does_not(waiting):
    with halted("FOR UPDATE", lambda: approvals_lapse(at=LAPSES).refused) as told:
        assert approve(waiting) == "done"
    assert told == [0]
    assert end() == ("approved", "pending", "APPROVED_BY_PERSON")
    assert changes() == [("pending", "ann")]


@pytest.mark.parametrize("round_", range(4))
def test_of_the_clock_and_two_people_exactly_one_is_first(waiting, round_):
    asked = Approval.objects.get().pk
    told = at_once(
        lambda: said(lambda: signal_approve(signal_id=waiting.pk, actor="ann", at=BEFORE, approval_id=asked)),
        lambda: said(
            lambda: signal_reject(signal_id=waiting.pk, actor="bob", reason="no", at=BEFORE, approval_id=asked)
        ),
        lambda: approvals_lapse(at=LAPSES).refused,
    )
    ends = {
        ("approved", "pending", "APPROVED_BY_PERSON"): ("done", ("pending", "ann")),
        ("rejected", "rejected", "REJECTED_BY_PERSON"): ("done", ("rejected", "bob")),
        ("lapsed", "rejected", "APPROVAL_LAPSED"): (1, ("rejected", "engine")),
    }
    answer, change = ends[end()]
    assert changes() == [change]
    assert [told.count("done"), told[2]] == ([1, 0] if answer == "done" else [0, 1])


def test_a_second_person_finds_it_answered(waiting):
    with halted("FOR UPDATE", lambda: reject(waiting)) as told:
        assert approve(waiting) == "done"
        Signal.objects.filter(pk=waiting.pk).update(status="executed")
    assert told == ["NOT_PENDING"]
    assert Approval.objects.get().decided_by == "ann"
    assert changes() == [("pending", "ann")]


@pytest.mark.parametrize("round_", range(3))
def test_eight_people_approve_once(waiting, round_):
    told = at_once(*[lambda name=name: approve(waiting, actor=name) for name in "abcdefgh"])
    assert sorted(told) == ["NOT_AWAITING"] * 7 + ["done"]
    winner = "abcdefgh"[told.index("done")]
    assert Approval.objects.get().decided_by == winner
    assert changes() == [("pending", winner)]


def test_an_exit_waits_for_an_approval_in_the_middle_of_its_transaction_then_ends_the_entry(waiting, leaving):
    with halted("UPDATE approvals", lambda: approve(waiting, at=EXIT_AT)) as told:
        assert exit_signals_apply(at=EXIT_AT).deferred == 1  # it is locked, so its outcome must come first
    assert told == ["done"]
    exit_signals_apply(at=EXIT_AT + timedelta(seconds=10))
    assert end() == ("approved", "rejected", "SUPERSEDED")
    assert not Order.objects.exists()


def test_an_approval_that_came_just_before_an_exit_looked_is_superseded_as_pending(waiting, leaving):
    with halted("signals.status IN (", lambda: exit_signals_apply(at=EXIT_AT).claimed):
        assert approve(waiting, at=EXIT_AT) == "done"
    exit_signals_apply(at=EXIT_AT + timedelta(seconds=10))
    assert end() == ("approved", "rejected", "SUPERSEDED")


@pytest.mark.parametrize("round_", range(4))
def test_an_exit_and_an_approval_at_once_end_flat(waiting, leaving, round_):
    told = at_once(lambda: approve(waiting, at=EXIT_AT), lambda: exit_signals_apply(at=EXIT_AT))
    for seconds in (10, 20, 70):
        exit_signals_apply(at=EXIT_AT + timedelta(seconds=seconds))
    assert end() == ("approved" if told[0] == "done" else "superseded", "rejected", "SUPERSEDED")
    assert told[0] in {"done", "NOT_AWAITING"}
    leaving.refresh_from_db()
    assert leaving.reason == "NO_OPEN_POSITION"
    assert not Order.objects.exists()
