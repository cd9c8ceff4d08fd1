"""From the spool into the inbox: once, in order, with the key and arrival a request came with."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import OperationalError, connection
from django_q.models import OrmQ
from hypothesis import given, settings
from hypothesis import strategies as st

from optionsengine.core.errors import Transient
from optionsengine.core.spool import RecordUnusableError, Spool, SpoolFullError
from optionsengine.ops.models import Alert, JobRun
from optionsengine.pipeline.enums import Stage
from optionsengine.pipeline.events import events_recover
from optionsengine.pipeline.stages import stage_run
from optionsengine.pipeline.write_ahead import (
    request_decode,
    request_encode,
    request_spool,
    spool_drain,
    spool_is_empty,
    spool_open,
)
from signals.data import JudgedRequest
from signals.models import Signal, WebhookEvent
from tests import factories
from tests.pipeline.intake_client import AT

LATER = AT + timedelta(minutes=10)
BODY = b'{"symbol": "%s", "direction": "long", "timeframe": "5m", "timestamp": "2026-02-05T15:00:00Z"}'


@pytest.fixture(autouse=True)
def _spool(settings, tmp_path):
    settings.SPOOL_DIR = tmp_path


def judged(number, *, symbol="SPY", seconds=0.0, **values):
    defaults = {
        "event_id": UUID(int=(0x019C2E51_3D50_7000 << 64) + number),
        "received_at": AT + timedelta(seconds=seconds),
        "source_id": None,
        "authenticated": True,
        "path": "/webhook",
        "content_type": "application/json",
        "body": BODY % symbol.encode(),
        "headers": {"webhook-id": f"sent-{number}"},
        "source_ip": "203.0.113.7",
        "user_agent": "curl",
        "size": 120,
    }
    return JudgedRequest(**defaults | values)


# --- the record -------------------------------------------------------------------------------------------------------

TEXT = st.text(max_size=20)


@settings(max_examples=50, deadline=None)
@given(
    st.builds(
        JudgedRequest,
        event_id=st.uuids(),
        received_at=st.datetimes(timezones=st.just(AT.tzinfo)),
        source_id=st.none() | st.uuids(),
        authenticated=st.booleans(),
        path=TEXT,
        content_type=TEXT,
        body=st.binary(max_size=100),
        headers=st.dictionaries(TEXT, TEXT, max_size=3),
        source_ip=st.none() | TEXT,
        user_agent=TEXT,
        size=st.integers(0, 10**6),
    )
)
def test_a_request_comes_back_as_it_was(request):
    record = request_encode(request)
    assert b"\n" not in record
    assert request_decode(record) == request


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"[]",
        b"7",
        b"{}",
        b'{"version": 1}',
        request_encode(judged(1)).replace(b'"version":1', b'"version":2'),
        request_encode(judged(1)).replace(b'"size"', b'"sise"'),
        request_encode(judged(1)).replace(b"2026-02-05T", b"yesterday"),
    ],
)
def test_what_is_no_request_is_unusable(record):
    with pytest.raises(RecordUnusableError):
        request_decode(record)


# --- the drain --------------------------------------------------------------------------------------------------------

pytestmark = pytest.mark.django_db


def test_a_request_gets_the_key_and_the_arrival_it_came_with_and_its_effect():
    request_spool(judged(1))
    assert not spool_is_empty()
    assert not WebhookEvent.objects.exists()
    report = spool_drain(at=LATER)
    assert (report.claimed, report.done, report.failed) == (1, 1, 0)
    event = WebhookEvent.objects.get()
    assert (event.pk, event.created_at, event.status, event.finished_at) == (judged(1).event_id, AT, "accepted", LATER)
    assert (event.headers, event.source_ip, event.user_agent, event.size) == (
        {"webhook-id": "sent-1"},
        "203.0.113.7",
        "curl",
        120,
    )
    assert bytes(event.body) == BODY % b"SPY"
    assert (Signal.objects.get().event_id, Signal.objects.get().created_at) == (event.pk, AT)
    assert OrmQ.objects.count() == 1
    assert spool_is_empty()
    assert spool_drain(at=LATER).claimed == 0


def test_age_counts_from_the_arrival_however_long_the_database_was_away():
    request_spool(judged(1))
    assert spool_drain(at=AT + timedelta(hours=9)).done == 1


def test_requests_are_read_in_the_order_of_their_arrival():
    """The first of two alike is the signal, the second its duplicate, whichever file each lies in."""
    other = Spool(spool_open().directory, 1024 * 1024)
    other.append(request_encode(judged(2, seconds=5)), key=str(judged(2).event_id))
    request_spool(judged(1))
    report = spool_drain(at=LATER)
    assert (report.claimed, report.done) == (2, 2)
    assert list(WebhookEvent.objects.order_by("created_at").values_list("status", flat=True)) == [
        "accepted",
        "duplicate",
    ]


def test_a_refusal_is_counted_as_one():
    request_spool(judged(1, body=b"{"))
    assert spool_drain(at=LATER).refused == 1
    assert WebhookEvent.objects.get().code == "INVALID_JSON"


def test_a_request_that_is_stored_already_is_not_stored_twice():
    """It was stored, but its commit was answered too late, so it was spooled too."""
    request_spool(judged(1))
    spool_drain(at=LATER)
    request_spool(judged(1))
    assert spool_drain(at=LATER).done == 1
    assert WebhookEvent.objects.count() == Signal.objects.count() == OrmQ.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_source_keeps_its_requests_and_a_deleted_one_loses_none():
    source = factories.webhook_source()
    request_spool(judged(1, source_id=source.pk))
    request_spool(judged(2, source_id=UUID(int=7), symbol="QQQ"))
    assert spool_drain(at=LATER).done == 2
    assert list(WebhookEvent.objects.order_by("pk").values_list("source_id", flat=True)) == [source.pk, None]


class Strike:
    """Raises at the `number`th statement."""

    def __init__(self, number):
        self.left = number

    def __call__(self, execute, sql, params, many, context):
        self.left -= 1
        if self.left == 0:
            raise OperationalError("the server is gone")
        return execute(sql, params, many, context)


@pytest.mark.django_db(transaction=True)
def test_a_database_that_goes_away_at_any_statement_loses_and_doubles_nothing():
    number, was_struck = 0, True
    while was_struck:
        number += 1
        event_ids = [judged(10 * number + k).event_id for k in (0, 1)]
        for k, symbol in ((0, "SPY"), (1, "QQQ")):
            hours = timedelta(hours=number)  # far from the last round's, which are its duplicates within 60 s
            request_spool(judged(10 * number + k, symbol=symbol, received_at=AT + hours, body=_body_at(symbol, hours)))
        strike = Strike(number)
        with connection.execute_wrapper(strike):
            try:
                spool_drain(at=LATER + timedelta(hours=number))
            except (Transient, OperationalError):
                assert strike.left <= 0
        was_struck = strike.left <= 0
        spool_drain(at=LATER + timedelta(hours=number))
        events_recover(at=LATER + timedelta(hours=number))
        assert spool_is_empty(), number
        events = WebhookEvent.objects.filter(pk__in=event_ids)
        assert [event.status for event in events] == ["accepted", "accepted"], number
        assert Signal.objects.filter(event__in=event_ids).count() == 2, number
    assert number > 5


def _body_at(symbol, hours):
    at = (AT - timedelta(seconds=2) + hours).strftime("%Y-%m-%dT%H:%M:%SZ")
    return BODY.replace(b"2026-02-05T15:00:00Z", at.encode()) % symbol.encode()


def test_a_damaged_record_is_told_to_a_person_until_it_is_cleared_away():
    request_spool(judged(1))
    request_spool(judged(2, symbol="QQQ"))
    spool = spool_open()
    (path,) = spool.directory.glob("*.spool")
    path.write_bytes(path.read_bytes().replace(b'"size":120', b'"size":121', 1))
    report = spool_drain(at=LATER)
    assert (report.done, report.failed) == (1, 1)
    assert WebhookEvent.objects.get().symbol == "QQQ"
    alert = Alert.objects.get()
    assert (alert.level, alert.resolved_at) == ("critical", None)
    (bad,) = spool.bad_files()
    assert bad in alert.message
    spool_drain(at=LATER + timedelta(seconds=10))
    alert.refresh_from_db()
    assert (alert.count, alert.resolved_at) == (2, None)
    (spool.directory / bad).unlink()
    spool_drain(at=LATER + timedelta(seconds=20))
    alert.refresh_from_db()
    assert alert.resolved_at == LATER + timedelta(seconds=20)


@pytest.mark.parametrize("record", [b"{}", request_encode(judged(1, user_agent="NUL \x00 in it"))])
def test_what_the_inbox_can_never_take_is_set_aside_and_blocks_nothing(record):
    spool_open().append(record, key="0")
    request_spool(judged(2))
    report = spool_drain(at=LATER)
    assert (report.done, report.failed) == (1, 1)
    assert WebhookEvent.objects.get().pk == judged(2).event_id
    assert spool_is_empty()
    assert len(spool_open().bad_files()) == 1
    assert Alert.objects.get().level == "critical"


def test_the_size_is_that_of_the_setting(settings):
    settings.SPOOL_MAX_MB = 1
    with pytest.raises(SpoolFullError):
        request_spool(judged(1, body=b"x" * 1024 * 1024))
    assert spool_is_empty()


def test_each_database_has_a_spool_of_its_own(settings, monkeypatch):
    """Else the demo would take what waits for the real one."""
    request_spool(judged(1))
    monkeypatch.setitem(connection.settings_dict, "NAME", "another/../one")
    assert spool_is_empty()
    assert spool_open().directory == settings.SPOOL_DIR / "another____one"


def test_the_inbox_stage_drains_first_and_counts():
    request_spool(judged(1))
    left = factories.webhook_event(status="received", created_at=AT, body=b"{")
    report = stage_run(Stage.INBOX, at=LATER)
    assert (report.claimed, report.done, report.refused) == (2, 1, 1)
    left.refresh_from_db()
    assert left.status == "rejected"
    assert JobRun.objects.get().claimed == 2


def test_recovery_goes_on_where_the_spool_cannot_be_read(settings, tmp_path):
    left = factories.webhook_event(status="received", created_at=AT, body=b"{")
    request_spool(judged(1))
    (spool_open().directory / "drain.lock").mkdir()
    with pytest.raises(ExceptionGroup, match="requests are not whole"):
        stage_run(Stage.INBOX, at=LATER)
    left.refresh_from_db()
    assert left.status == "rejected"
    assert not spool_is_empty()
