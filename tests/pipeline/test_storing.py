"""While the database cannot store a request, the spool does; only when that cannot either is it to be sent again."""

from datetime import timedelta

import pytest
from django.db import DataError, InterfaceError, OperationalError

from optionsengine.core.errors import Transient
from optionsengine.pipeline.storing import breaker, database_is_away
from optionsengine.pipeline.write_ahead import spool_drain, spool_is_empty, spool_open
from signals.models import Signal, WebhookEvent
from tests.pipeline.intake_client import AT, SECRET, alert, post
from tests.pipeline.test_intake_recovery import Fault, post_through

pytestmark = pytest.mark.django_db

LATER = AT + timedelta(seconds=11)


@pytest.fixture(autouse=True)
def _secret(settings):
    settings.HMAC_SECRET = SECRET


def unstorable(body, error=None):
    return post_through(Fault(error or OperationalError("server closed\nthe connection"), "INTO webhook_events"), body)


@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("gone"), DataError("refused")])
def test_what_the_database_does_not_take_waits_in_the_spool(error):
    response = unstorable(alert(), error)
    answer = response.json()
    assert (response.status_code, answer["status"]) == (202, "QUEUED")
    assert not WebhookEvent.objects.exists()
    assert spool_open().status().records == 1
    report = spool_drain(at=LATER)
    assert (report.claimed, report.done) == (1, 1)
    event = WebhookEvent.objects.get()
    assert (str(event.pk), event.created_at, event.status) == (answer["webhook_event_id"], AT, "accepted")
    assert Signal.objects.get().created_at == AT
    assert spool_is_empty()


def test_what_comes_later_waits_behind_it_and_keeps_its_order():
    unstorable(alert())
    breaker.succeeded()
    assert database_is_away()
    second = post(alert(), at=AT + timedelta(seconds=1))
    assert (second.status_code, second.json()["status"]) == (202, "QUEUED")
    assert not WebhookEvent.objects.exists()
    spool_drain(at=LATER)
    assert list(WebhookEvent.objects.order_by("created_at").values_list("status", flat=True)) == [
        "accepted",
        "duplicate",
    ]
    assert not database_is_away()
    assert post(alert(symbol="QQQ")).status_code == 201


def test_after_one_failure_nobody_asks_the_database_until_it_may_be_back():
    unstorable(alert())
    assert breaker.is_open
    spool_drain(at=LATER)
    fault = Fault(AssertionError("the database was asked"), "webhook_events")
    assert post_through(fault, alert(symbol="QQQ")).status_code == 202


def test_a_forged_request_shows_that_the_database_is_back(monkeypatch):
    """Else nobody's failures would be counted until a good alert comes."""
    breaker.failed()
    assert post(alert(), secret="somebody-else-s-secret").json()["webhook_event_id"] is None
    assert not WebhookEvent.objects.exists()
    monkeypatch.setattr(breaker, "_next_try", 0.0)
    answer = post(alert(), secret="somebody-else-s-secret").json()
    assert (str(WebhookEvent.objects.get().pk), answer["code"]) == (answer["webhook_event_id"], "UNAUTHORIZED")
    assert not breaker.is_open


def test_a_row_that_the_database_refuses_says_nothing_against_its_health():
    unstorable(alert(), DataError("refused"))
    assert not breaker.is_open


def test_the_secret_is_not_in_the_spool():
    unstorable(alert(secret="canary-of-the-spool-0123456789"))
    files = [path for path in spool_open().directory.iterdir() if path.suffix == ".spool"]
    assert len(files) == 1
    assert b"canary" not in files[0].read_bytes()


def test_with_nowhere_to_store_it_the_sender_is_told_to_send_it_again(settings, tmp_path):
    (tmp_path / "taken").write_text("a file where the folder should be")
    settings.SPOOL_DIR = tmp_path / "taken"
    response = unstorable(alert())
    answer = response.json()
    assert (response.status_code, answer["status"], answer["code"]) == (503, "UNAVAILABLE", "UNAVAILABLE")
    assert answer["webhook_event_id"] is None
    assert not WebhookEvent.objects.exists()


def test_a_forged_request_is_refused_and_not_spooled_while_the_database_is_away():
    unstorable(alert())
    forged = post(alert(symbol="QQQ"), secret="somebody-else-s-secret")
    assert (forged.status_code, forged.json()["webhook_event_id"]) == (401, None)
    assert spool_open().status().records == 1


def test_a_drain_that_finds_the_database_away_again_leaves_everything():
    from django.db import connection

    unstorable(alert())
    fault = Fault(OperationalError("gone"), "INTO webhook_events")
    with connection.execute_wrapper(fault), pytest.raises(Transient):
        spool_drain(at=LATER)
    assert spool_open().status().records == 1
