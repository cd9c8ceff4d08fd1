"""Between the two commits: what a crash leaves is finished once; an error leaves nothing half done."""

from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django_q.models import OrmQ

from experiments.models import Experiment
from optionsengine.core.leases import MAX_ATTEMPTS
from optionsengine.ops.models import Alert
from optionsengine.pipeline.events import event_process, events_recover
from signals.models import Signal, SignalDedupe, SignalEvent, WebhookEvent
from tests.pipeline.intake_client import AT, SECRET, alert, post

pytestmark = pytest.mark.django_db

LATER = AT + timedelta(seconds=11)


@pytest.fixture(autouse=True)
def _secret(settings):
    settings.HMAC_SECRET = SECRET


class Fault:
    """Raises `error` at each statement that contains `match`, while it is armed."""

    def __init__(self, error, match):
        self.error, self.match, self.is_armed = error, match, True

    def __call__(self, execute, sql, params, many, context):
        if self.is_armed and self.match in sql.replace('"', ""):
            raise self.error
        return execute(sql, params, many, context)


def post_through(fault, body):
    with connection.execute_wrapper(fault):
        return post(body)


def left_behind(body=None):
    """An event whose effect never came: the process died after the first commit."""
    response = post_through(Fault(OperationalError("gone"), "INSERT INTO signal_dedupe"), body or alert())
    assert (response.status_code, response.json()["status"]) == (202, "QUEUED")
    event = WebhookEvent.objects.get(pk=response.json()["webhook_event_id"])
    assert (event.status, event.finished_at) == ("received", None)
    assert not Signal.objects.exists()
    return event


def test_recovery_finishes_an_event_as_the_view_would_have():
    event = left_behind(alert(timestamp=None))
    report = events_recover(at=LATER)
    assert (report.claimed, report.done) == (1, 1)
    event.refresh_from_db()
    signal = Signal.objects.get()
    assert (event.status, event.finished_at, event.claimed_until) == ("accepted", LATER, None)
    assert (signal.event_id, signal.created_at, signal.bar_at) == (event.pk, AT, AT)
    assert event.answer["signal_id"] == str(signal.pk)
    assert Experiment.objects.get().signal_id == signal.pk
    assert OrmQ.objects.count() == 1
    assert events_recover(at=LATER + timedelta(hours=1)).claimed == 0
    assert Signal.objects.count() == 1


def test_recovery_leaves_the_young_to_their_view():
    left_behind()
    assert events_recover(at=AT + timedelta(seconds=9.9)).claimed == 0
    assert events_recover(at=AT + timedelta(seconds=10)).claimed == 1


def test_age_and_duplicates_count_from_the_arrival():
    left_behind()
    first = post(alert(), at=AT + timedelta(seconds=30)).json()
    report = events_recover(at=AT + timedelta(hours=2))
    assert (report.claimed, report.done) == (1, 1)
    assert list(WebhookEvent.objects.order_by("created_at").values_list("status", flat=True)) == [
        "duplicate",
        "accepted",
    ]
    assert str(Signal.objects.get().pk) == first["signal_id"]


def test_a_refusal_is_recovered_as_a_refusal():
    event = left_behind()
    WebhookEvent.objects.filter(pk=event.pk).update(body=b'{"symbol": "SPY"}')
    report = events_recover(at=LATER)
    assert (report.claimed, report.refused) == (1, 1)
    event.refresh_from_db()
    assert (event.status, event.code) == ("rejected", "MISSING_TIMEFRAME")


def test_a_finished_event_gives_its_answer_again():
    answer = post(alert()).json()
    event = WebhookEvent.objects.get()
    again = event_process(event.pk, at=LATER)
    assert (again.http, again.status, again.extra["signal_id"]) == (201, "ACCEPTED", answer["signal_id"])
    assert Signal.objects.count() == OrmQ.objects.count() == 1
    event.refresh_from_db()
    assert event.finished_at == AT


def test_what_kills_its_worker_each_time_is_given_up():
    event = left_behind()
    WebhookEvent.objects.filter(pk=event.pk).update(attempts=MAX_ATTEMPTS)
    report = events_recover(at=LATER)
    assert (report.claimed, report.failed) == (1, 1)
    event.refresh_from_db()
    assert (event.status, event.code) == ("failed", "INTERNAL_ERROR")
    assert event.error == f"no worker finished it in {MAX_ATTEMPTS} attempts"
    alert_raised = Alert.objects.get()
    assert (alert_raised.cause, alert_raised.level) == (f"quarantine:event:{event.pk}", "critical")
    assert not Signal.objects.exists()


def test_an_attempt_that_the_database_failed_does_not_count():
    event = left_behind()
    fault = Fault(OperationalError("gone"), "INSERT INTO signal_dedupe")
    at = LATER
    with connection.execute_wrapper(fault):
        for _ in range(MAX_ATTEMPTS + 1):
            report = events_recover(at=at)
            assert (report.claimed, report.deferred, report.failed) == (1, 1, 0)
            assert events_recover(at=at).claimed == 0  # not again in the same moment
            at += timedelta(seconds=5)
    event.refresh_from_db()
    assert (event.status, event.attempts, event.claimed_by, event.next_attempt_at) == ("received", 0, None, at)
    assert events_recover(at=at).done == 1


def test_the_last_attempt_is_still_made():
    event = left_behind()
    WebhookEvent.objects.filter(pk=event.pk).update(attempts=MAX_ATTEMPTS - 1)
    assert events_recover(at=LATER).done == 1


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO signal_dedupe",
        "INSERT INTO signals ",
        "INSERT INTO signal_events",
        "INSERT INTO experiments",
        "INSERT INTO django_q_ormq",
        "UPDATE webhook_events",
    ],
)
@pytest.mark.parametrize(
    ("error", "http", "status"), [(ValueError("boom"), 500, "failed"), (OperationalError("x"), 202, "received")]
)
def test_an_error_at_any_statement_leaves_nothing_half_done(statement, error, http, status):
    fault = Fault(error, statement)
    if statement == "UPDATE webhook_events" and http == 500:
        # the mark of the failure is the same statement: only those of the two ways to accept are hit
        fault = _Twice(fault)
    response = post_through(fault, alert())
    assert response.status_code == http
    event = WebhookEvent.objects.get()
    assert event.status == status
    for model in (Signal, SignalEvent, SignalDedupe, Experiment, OrmQ):
        assert not model.objects.exists()
    if status == "failed":
        assert response.json()["code"] == event.code == "INTERNAL_ERROR"
        assert "ValueError: boom" in event.error
        assert "boom" not in response.content.decode()
        assert events_recover(at=LATER).claimed == 0
    else:
        assert events_recover(at=LATER).done == 1
        assert Signal.objects.count() == Experiment.objects.count() == OrmQ.objects.count() == 1


class _Twice:
    def __init__(self, fault):
        self.fault, self.hits = fault, 0

    def __call__(self, execute, sql, params, many, context):
        try:
            return self.fault(execute, sql, params, many, context)
        except type(self.fault.error):
            self.hits += 1
            self.fault.is_armed = self.hits < 2
            raise
