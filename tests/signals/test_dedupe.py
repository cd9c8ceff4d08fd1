"""Which alerts count as one, in whatever order they are processed, and which entries an exit overtook."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signals.adapters.plain import PlainAdapter
from signals.data import Arrival, IntakeRejected
from signals.models import Signal, SignalDedupe, SignalEvent
from signals.services import signal_receive
from tests import factories

pytestmark = pytest.mark.django_db

AT = datetime(2026, 2, 5, 15, 0, 2, tzinfo=UTC)


def receive(seconds=0, *, source=None, reads_id=True, **changes):
    """Receive an alert that arrived `seconds` after `AT`; return the signal it made or repeats, and which of both."""
    at = AT + timedelta(seconds=seconds)
    body = {"symbol": "SPY", "direction": "long", "timeframe": "5m", **changes}
    body = {key: value for key, value in body.items() if value is not None}
    draft = PlainAdapter().read(body, Arrival(at, False, 1800, reads_id=reads_id))
    event = factories.webhook_event(created_at=at, source=source, status="received")
    with transaction.atomic():
        signal, is_created = signal_receive(draft=draft, event=event, payload=body, at=at)
    event.status, event.finished_at = "accepted" if is_created else "duplicate", at
    event.sender_event_id = draft.sender_event_id
    event.save()
    return signal, is_created


def leave(seconds=0, **changes):
    """Receive an exit of every side."""
    return receive(seconds, **{"direction": None, "action": "CLOSE", "timeframe": "1d", **changes})


# --- the window


@pytest.mark.parametrize(("after", "is_new"), [(0, False), (59.9, False), (60, False), (60.000001, True), (60.1, True)])
@pytest.mark.parametrize("is_late", [False, True])
def test_a_repeat_within_sixty_seconds_of_the_first_names_it(after, is_new, is_late):
    first, _ = receive(0)
    signal, is_created = receive(-after if is_late else after)
    assert is_created is is_new
    assert (signal.pk == first.pk) is not is_new


def test_a_late_one_finds_what_was_accepted_before_the_claim_moved_on():
    first, _ = receive(0)
    receive(500)  # the claim is held by this one now
    assert receive(30) == (first, False)
    assert receive(-60) == (first, False)
    assert Signal.objects.count() == 2


def test_a_late_one_between_two_is_a_repeat_of_the_first_of_them():
    first, _ = receive(0)
    second, _ = receive(100)
    assert receive(50) == (first, False)
    assert receive(61)[0] == second


def test_the_claim_never_moves_back():
    newest, _ = receive(500)
    late, is_created = receive(0)
    assert is_created
    claim = SignalDedupe.objects.get()
    assert (claim.signal_id, claim.first_at) == (newest.pk, newest.created_at)
    assert receive(-30) == (late, False)
    assert receive(550) == (newest, False)


def test_the_window_is_each_key_s_own():
    receive(0)
    for changes in ({"symbol": "QQQ"}, {"direction": "short"}, {"timeframe": "15m"}, {"is_test": True}):
        assert receive(0, **changes)[1]
    assert leave(1, timeframe="5m", direction="long")[1]


seconds = st.lists(st.integers(0, 40).map(lambda step: step * 10) | st.floats(0, 400), min_size=1, max_size=12)


@given(moments=seconds, data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_order_the_accepted_are_more_than_a_minute_apart(moments, data):
    moments = [round(moment, 3) for moment in moments]
    order = data.draw(st.permutations(moments))
    with transaction.atomic():
        for moment in order:
            receive(moment)
        accepted = sorted(Signal.objects.values_list("created_at", flat=True))
        transaction.set_rollback(True)
    assert accepted
    minute = timedelta(seconds=60)
    assert all(later - earlier > minute for earlier, later in pairwise(accepted))
    # and nothing was refused without one to name: every arrival has an accepted one within the minute
    for moment in moments:
        at = AT + timedelta(seconds=moment)
        assert any(abs(at - one) <= minute for one in accepted)


@given(moments=seconds)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_in_order_the_first_opens_a_window_and_the_next_after_it_another(moments):
    moments = sorted(round(moment, 3) for moment in moments)
    expected = []
    for moment in moments:
        if not expected or moment - expected[-1] > 60:
            expected.append(moment)
    with transaction.atomic():
        accepted = [moment for moment in moments if receive(moment)[1]]
        transaction.set_rollback(True)
    assert accepted == expected


# --- the sender's own id


def test_a_source_that_goes_by_ids_only_has_no_window():
    source = factories.webhook_source(ids_only=True)
    first, _ = receive(0, source=source, event_id="e1")
    assert receive(1, source=source, event_id="e2")[1]
    assert receive(9999, source=source, event_id="e1") == (first, False)
    assert not SignalDedupe.objects.exists()
    # nor does what it sent hold up another source, early or late
    receive(600)
    assert receive(2)[1]


def test_a_constant_id_is_passed_over_where_the_source_says_so():
    source = factories.webhook_source(reads_id=False)
    first, _ = receive(0, source=source, id="alert", reads_id=False)
    assert receive(61, source=source, id="alert", reads_id=False)[1]
    assert receive(61, source=source, id="alert", symbol="QQQ", reads_id=False)[1]
    assert receive(200, source=source, id="alert", signal_id="s1", reads_id=False)[1]
    assert receive(9999, source=source, id="alert", signal_id="s1", reads_id=False)[0] != first
    assert Signal.objects.count() == 4
    assert receive(5000, source=source, id="x", symbol="IWM")[1]
    assert not receive(9000, source=source, id="x", symbol="IWM")[1]


# --- an entry that an exit overtook


@pytest.mark.parametrize(
    ("exit_", "entry"),
    [
        ({}, {}),
        ({"direction": "long"}, {}),
        ({"strike": 600}, {"strike": 600}),
        ({"expiration": "2026-03-20"}, {"expiration": "2026-03-20"}),
        ({"is_test": True}, {"is_test": True}),
    ],
)
@pytest.mark.parametrize("is_ids_only", [False, True])
def test_an_entry_older_than_an_exit_of_its_own_is_superseded(exit_, entry, is_ids_only):
    source = factories.webhook_source(ids_only=is_ids_only)
    leave(10, source=source, **exit_)
    claims, events = SignalDedupe.objects.count(), SignalEvent.objects.count()
    with pytest.raises(IntakeRejected) as caught:
        receive(9.9, source=source, **entry)
    assert caught.value.code == "SUPERSEDED"
    assert (Signal.objects.count(), SignalEvent.objects.count()) == (1, events)
    assert SignalDedupe.objects.count() == claims


@pytest.mark.parametrize(
    ("exit_", "entry", "seconds"),
    [
        ({}, {}, 10),  # at the same moment it is not older
        ({}, {}, 10.1),
        ({"direction": "short"}, {}, 0),
        ({"symbol": "QQQ"}, {}, 0),
        ({"is_test": True}, {}, 0),
        ({"strike": 600}, {}, 0),
        ({"strike": 600}, {"strike": 610}, 0),
        ({"expiration": "2026-03-20"}, {"expiration": "2026-03-27"}, 0),
    ],
)
def test_any_other_exit_says_nothing_of_it(exit_, entry, seconds):
    leave(10, **exit_)
    signal, is_created = receive(seconds, **entry)
    assert is_created
    assert signal.intent == "entry"


def test_an_exit_of_another_source_says_nothing_of_it():
    leave(10, source=factories.webhook_source())
    assert receive(0, source=factories.webhook_source())[1]
    assert receive(0, symbol="QQQ")[1]


def test_what_repeats_an_accepted_entry_is_told_so_although_an_exit_came():
    first, _ = receive(0, event_id="e1")
    leave(10)
    assert receive(5) == (first, False)
    assert receive(9, event_id="e1") == (first, False)


def test_an_exit_is_never_superseded():
    leave(100)
    assert leave(0)[1]


def test_what_was_reported_of_an_exit_is_kept():
    assert leave(0, pnl="-12.5")[0].reported_pnl == Decimal("-12.50")
    assert leave(100, strategy={"order_profit": 7})[0].reported_pnl == 7
    assert receive(200, pnl=3)[0].reported_pnl is None
