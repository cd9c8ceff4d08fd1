"""A replay is always safe: what had its effect keeps it, everything else goes its own way again, once."""

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction

from bias.models import BiasStateHistory
from optionsengine.pipeline.enums import ReplayCode
from optionsengine.pipeline.events import event_process, events_recover
from optionsengine.pipeline.replays import ReplayRefused, event_replay, events_replay, outcomes_count
from signals.models import MarketContextReceived, Signal, WebhookEvent
from tests import factories
from tests.bias.payloads import TS, bias_body
from tests.pipeline.intake_client import AT, SECRET, alert, post

pytestmark = pytest.mark.django_db
LATER = AT + timedelta(hours=5)


@pytest.fixture(autouse=True)
def _secret(settings):
    settings.HMAC_SECRET = SECRET


def sent(body=None, **how):
    answer = post(alert() if body is None else body, **how).json()
    return WebhookEvent.objects.get(pk=answer["webhook_event_id"])


def replay(event, at=LATER):
    answer = event_replay(event_id=event.pk, actor="jo", at=at)
    event.refresh_from_db()
    return answer


def refused(event_id):
    with pytest.raises(ReplayRefused) as refusal:
        event_replay(event_id=event_id, actor="jo", at=LATER)
    return refusal.value.code


def row(event):
    return WebhookEvent.objects.filter(pk=event.pk).values().get()


# --- what had its effect ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "effect"),
    [
        (alert(), Signal),
        ({"type": "CONTEXT", "ticker": "SPY", "price": 500.1}, MarketContextReceived),
        (bias_body(), BiasStateHistory),
    ],
)
def test_what_was_accepted_stays_as_it_is(body, effect):
    event = sent(body)
    before = row(event)
    assert before["status"] == "accepted"
    assert refused(event.pk) == ReplayCode.ALREADY_ACCEPTED
    assert row(event) == before
    assert effect.objects.count() == 1


def test_an_old_bias_event_that_changed_nothing_does_not_become_its_own_duplicate():
    sent(bias_body())
    old = sent(bias_body(event_id_raw="an older one", event_ts_ms=TS - 60_000))
    assert old.code == "OUT_OF_ORDER"
    before = row(old)
    assert refused(old.pk) == ReplayCode.ALREADY_ACCEPTED
    assert row(old) == before


# --- what goes its way again ------------------------------------------------------------------------------------------


def test_a_rejected_one_is_read_as_of_its_arrival(settings):
    event = sent(alert(timestamp="2026-02-05T13:00:00Z"))
    assert (event.status, event.code) == ("rejected", "STALE_TIMESTAMP")
    replay(event)
    assert (event.status, event.code, event.replays, event.finished_at) == ("rejected", "STALE_TIMESTAMP", 1, LATER)
    settings.SIGNAL_MAX_AGE_SECONDS = 86400
    answer = replay(event, at=LATER + timedelta(days=30))
    assert (answer.http, event.status, event.code, event.replays) == (201, "accepted", "", 2)
    assert (event.error, event.details, event.created_at) == ("", [], AT)
    assert Signal.objects.get().created_at == AT
    assert refused(event.pk) == ReplayCode.ALREADY_ACCEPTED


def test_a_duplicate_stays_one_while_its_first_is_there():
    first, again = sent(), sent()
    assert again.status == "duplicate"
    answer = replay(again)
    assert (answer.status, again.status, again.replays) == ("DUPLICATE", "duplicate", 1)
    assert Signal.objects.get().event_id == first.pk


def test_one_that_failed_is_accepted_once_what_failed_is_mended():
    event = factories.webhook_event(status="failed", code="INTERNAL_ERROR", error="trace", symbol="OLD", attempts=4)
    answer = replay(event)
    assert (answer.status, event.status, event.symbol, event.error, event.attempts) == (
        "ACCEPTED",
        "accepted",
        "SPY",
        "",
        0,
    )


def test_a_ping_is_a_ping_again():
    event = sent({"test": "PING"})
    assert replay(event).status == "OK"
    assert (event.status, event.replays) == ("ignored", 1)


def test_an_unfinished_one_is_finished_and_not_counted_as_a_replay():
    event = factories.webhook_event(status="received")
    assert replay(event).status == "ACCEPTED"
    assert event.replays == 0


def test_a_replay_long_after_finds_the_signals_of_its_own_time(settings):
    """The 60 seconds count from the arrivals, so a signal of that minute is the first, and one of today is not."""
    late = sent(alert(timestamp="2026-02-05T13:00:00Z"))
    near = sent(alert(), at=AT + timedelta(seconds=40))
    far = sent(alert(timestamp="2026-02-05T19:55:00Z"), at=LATER)
    assert (near.status, far.status) == ("accepted", "accepted")
    settings.SIGNAL_MAX_AGE_SECONDS = 86400
    answer = replay(late)
    assert (answer.status, answer.extra["signal_id"]) == ("DUPLICATE", str(Signal.objects.get(event=near).pk))
    assert Signal.objects.count() == 2


def test_a_replay_outside_that_minute_is_accepted(settings):
    late = sent(alert(timestamp="2026-02-05T13:00:00Z"))
    sent(alert(), at=AT + timedelta(seconds=61))
    settings.SIGNAL_MAX_AGE_SECONDS = 86400
    assert replay(late).status == "ACCEPTED"


# --- what cannot be read again ----------------------------------------------------------------------------------------


def test_a_request_of_an_unknown_sender_cannot():
    event = sent(signed=False)
    assert event.code == "UNAUTHORIZED"
    before = row(event)
    assert refused(event.pk) == ReplayCode.NOT_AUTHENTICATED
    assert row(event) == before


def test_one_whose_body_was_blanked_cannot_but_one_that_was_empty_can():
    blanked = factories.webhook_event(status="rejected", body=b"", size=80)
    empty = factories.webhook_event(status="rejected", body=b"", size=0)
    assert refused(blanked.pk) == ReplayCode.BODY_NOT_KEPT
    assert replay(empty).extra["code"] == "INVALID_JSON"


def test_one_that_is_not_there_cannot():
    assert refused(uuid4()) == ReplayCode.NO_SUCH_REQUEST


# --- at once, and cut off ---------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_one_in_anothers_hands_is_left_to_them():
    event = factories.webhook_event(status="failed")
    seen = []

    def second():
        try:
            event_replay(event_id=event.pk, actor="jo", at=LATER)
        except ReplayRefused as refusal:
            seen.append(refusal.code)
        finally:
            connection.close()

    with transaction.atomic():
        WebhookEvent.objects.select_for_update().get(pk=event.pk)
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert seen == [ReplayCode.IN_PROGRESS]


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_have_one_effect():
    event = factories.webhook_event(status="failed")
    barrier = threading.Barrier(8)
    ends = []

    def one():
        try:
            barrier.wait()
            ends.append(event_replay(event_id=event.pk, actor="jo", at=LATER).status)
        except ReplayRefused as refusal:
            ends.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    event.refresh_from_db()
    assert (event.status, event.replays) == ("accepted", 1)
    assert Signal.objects.count() == 1
    assert len(ends) == 8
    assert "ACCEPTED" in ends


@pytest.mark.django_db(transaction=True)
def test_a_replay_that_is_cut_off_between_its_commits_is_finished_by_recovery():
    event = factories.webhook_event(status="failed")

    def cut(execute, sql, params, many, context):
        if "INSERT INTO signals" in sql.replace('"', ""):
            raise KeyboardInterrupt
        return execute(sql, params, many, context)

    with connection.execute_wrapper(cut), pytest.raises(KeyboardInterrupt):
        event_replay(event_id=event.pk, actor="jo", at=LATER)
    event.refresh_from_db()
    assert (event.status, event.replays, event.finished_at) == ("received", 1, None)
    assert events_recover(at=event.created_at + timedelta(hours=1)).done == 1
    assert Signal.objects.count() == 1


# --- many -------------------------------------------------------------------------------------------------------------


def test_each_of_many_answers_for_itself():
    accepted, failed, unknown = sent(), factories.webhook_event(status="failed", body=b"{"), sent(signed=False)
    steps = []
    results = events_replay(
        event_ids=[accepted.pk, failed.pk, unknown.pk], actor="jo", at=LATER, progress=lambda: steps.append(1)
    )
    assert [(result.outcome, result.code, result.is_failure) for result in results] == [
        ("already_accepted", "ALREADY_ACCEPTED", False),
        ("rejected", "INVALID_JSON", False),
        ("not_authenticated", "NOT_AUTHENTICATED", True),
    ]
    assert outcomes_count(results) == {"already_accepted": 1, "not_authenticated": 1, "rejected": 1}
    assert len(steps) == 3
    assert event_process(accepted.pk, at=LATER).status == "ACCEPTED"
