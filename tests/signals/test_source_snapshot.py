"""What a process knows of the sources: one reading a second, its own changes at once, the last good while away."""

import threading
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.db import InterfaceError, OperationalError, ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext

from signals import source_snapshot
from signals.enums import SourceMode
from signals.models import WebhookSource
from signals.services import webhook_secret_end, webhook_secret_rotate, webhook_source_create
from signals.source_snapshot import MAX_AGE_SECONDS, SourcesUnknown, sources_known

AT = datetime(2026, 2, 5, 15, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def moment(monkeypatch):
    """The process's own clock, moved by the test."""

    class Moment:
        seconds = 1000.0

    monkeypatch.setattr(source_snapshot.time, "monotonic", lambda: Moment.seconds)
    return Moment


@contextmanager
def away(error=OperationalError("server closed the connection")):
    def fail(execute, sql, params, many, context):
        raise error

    with connection.execute_wrapper(fail):
        yield


def source(slug="desk"):
    return webhook_source_create(slug=slug, name=slug, mode=SourceMode.HMAC, at=AT)[0]


def slugs():
    return [facts.slug for facts in sources_known()]


def queries(action):
    with CaptureQueriesContext(connection) as caught:
        action()
    return len(caught)


def elsewhere(**changes):
    """A change that another process makes: this one is not told."""
    WebhookSource.objects.update(**changes)


@pytest.mark.parametrize(("later", "expected"), [(0.999, "desk"), (1.0, "renamed"), (5.0, "renamed")])
def test_the_table_is_read_at_most_once_a_second(moment, later, expected):
    assert MAX_AGE_SECONDS == 1.0
    source()
    assert slugs() == ["desk"]
    elsewhere(slug="renamed")
    moment.seconds += later
    assert slugs() == [expected]
    assert queries(sources_known) == 0


def test_what_this_process_changes_is_seen_at_once(moment):
    made = source()
    assert slugs() == ["desk"]
    source("second")
    assert slugs() == ["desk", "second"]
    made.is_enabled = False
    made.save()
    assert [facts.is_enabled for facts in sources_known()] == [False, True]
    webhook_secret_rotate(source=made, at=AT)
    assert [len(facts.secrets) for facts in sources_known()] == [2, 1]
    webhook_secret_end(secret=made.secrets.get(not_after=None), at=AT)
    assert all(row.not_after for row in sources_known()[0].secrets)
    made.secrets.first().delete()
    assert [len(facts.secrets) for facts in sources_known()] == [1, 1]


def test_what_is_read_while_a_change_is_being_committed_is_read_again(moment):
    made = source()
    with transaction.atomic():
        made.slug = "renamed"
        made.save()
        seen = threading.Thread(target=lambda: (slugs(), connection.close()))
        seen.start()
        seen.join()
    assert slugs() == ["renamed"]


def test_what_a_transaction_rolls_back_is_never_kept(moment):
    source()
    assert slugs() == ["desk"]
    with transaction.atomic():
        source("second")
        assert slugs() == ["desk", "second"]
        transaction.set_rollback(True)
    assert slugs() == ["desk"]


@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("gone")])
def test_the_last_good_reading_serves_while_the_database_is_away(moment, error, caplog):
    source()
    before = sources_known()
    elsewhere(slug="renamed")
    for seconds in (1, 3600):
        moment.seconds += seconds
        with away(error):
            assert sources_known() == before
    assert "those last known are used" in caplog.text
    moment.seconds += 1
    assert slugs() == ["renamed"]


def test_a_server_that_does_not_answer_is_asked_once_a_second(moment):
    source()
    before = sources_known()
    moment.seconds += 1
    asked = []

    def fail(execute, sql, params, many, context):
        asked.append(sql)
        raise OperationalError("gone")

    with connection.execute_wrapper(fail):
        for tenths in range(25):
            moment.seconds = 1001 + tenths / 10
            assert sources_known() == before
    assert len(asked) == 3


def test_with_nothing_ever_read_it_says_so(moment):
    source()
    with away(), pytest.raises(SourcesUnknown, match="never been read"):
        sources_known()
    with away(AssertionError("asked again within the second")), pytest.raises(SourcesUnknown):
        sources_known()
    moment.seconds += 1
    assert slugs() == ["desk"]


def test_a_database_without_its_schema_is_as_good_as_away(moment, caplog):
    """Alerts that come while somebody sets it up anew are judged, and wait."""
    source()
    sources_known()
    moment.seconds += 1
    with away(ProgrammingError("no such table")):
        assert slugs() == ["desk"]
    assert "no such table" in caplog.text


def test_threads_read_together_once_and_never_a_half(moment):
    source()
    source("second")
    started, seen, reads = threading.Barrier(8), [], []

    def count(execute, sql, params, many, context):
        reads.append(sql)
        return execute(sql, params, many, context)

    def look():
        started.wait(timeout=10)
        try:
            with connection.execute_wrapper(count):
                seen.append(tuple(facts.slug for facts in sources_known()))
        finally:
            connection.close()

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert seen == [("desk", "second")] * 8
    assert len([sql for sql in reads if 'FROM "webhook_sources"' in sql]) == 1
