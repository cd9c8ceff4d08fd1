"""What is announced after commits: once, in order, in parts that PostgreSQL takes, never at the cost of the work."""

import json
from datetime import UTC, datetime

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from optionsengine.core import ids
from optionsengine.core.announcements import CHANGES, Announcements, first_change
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

AT = datetime(2026, 1, 15, 15, 30, 0, 5, tzinfo=UTC)


def change():
    return first_change("signal_events", change_id=ids.new_id(), entity_id=ids.new_id(), to_status="pending", at=AT)


@pytest.fixture
def heard():
    """Listens on a connection of its own; returns all that was said, as (channel, text)."""
    parameters = connection.get_connection_params()
    parameters = {name: value for name, value in parameters.items() if name not in {"cursor_factory", "context"}}
    with psycopg.connect(**parameters, autocommit=True) as listener:
        listener.execute(f"LISTEN {CHANGES}")
        listener.execute("LISTEN first")
        listener.execute("LISTEN second")

        def hear():
            listener.execute("SELECT 1")  # what was said before it has arrived with its answer
            return [(told.channel, told.payload) for told in listener.notifies(timeout=0)]

        yield hear


def test_what_was_collected_is_said_once_and_in_one_statement(heard):
    changes = [change(), change()]
    announcements = Announcements()
    announcements.add(["first"], changes[:1])
    announcements.add(["second", "first"], changes[1:])
    with CaptureQueriesContext(connection) as queries:
        announcements.say()
        announcements.say()
    said = heard()
    assert sorted(said[:-1]) == [("first", ""), ("second", "")]
    assert said[-1][0] == CHANGES
    assert json.loads(said[-1][1]) == changes
    assert len(queries) == 1
    assert changes[0]["at"] == "2026-01-15T15:30:00.000005Z"


def test_nothing_is_said_of_nothing():
    with CaptureQueriesContext(connection) as queries:
        Announcements().say()
    assert len(queries) == 0


def test_many_changes_are_said_in_parts(heard):
    changes = [change() for _ in range(64)]
    announcements = Announcements()
    announcements.add([], changes)
    announcements.say()
    parts = [json.loads(text) for _, text in heard()]
    assert [len(part) for part in parts] == [30, 30, 4]
    assert [one for part in parts for one in part] == changes


def test_in_a_rush_it_is_said_every_so_often(heard):
    announcements = Announcements()
    announcements.add(["first"], [])
    announcements.say(every=3600)
    assert heard() == [("first", "")]
    announcements.add(["second"], [])
    announcements.say(every=3600)
    assert heard() == []
    announcements.say()
    assert heard() == [("second", "")]


def test_what_cannot_be_said_is_dropped_and_told_in_the_log(heard, caplog):
    connection.ensure_connection()
    with psycopg.connect(connection.connection.info.dsn, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])
    announcements = Announcements()
    announcements.add(["first"], [change()])
    announcements.say()
    announcements.say()
    assert heard() == []
    [record] = caplog.records
    assert record.getMessage().startswith("1 changes were not announced: ")
    announcements.add(["second"], [])
    announcements.say()
    assert heard() == [("second", "")]


def test_the_first_change_is_told_as_the_triggers_tell_the_later_ones(heard):
    row = factories.signal_event(from_status="pending", to_status="approved")
    [(channel, text)] = heard()
    said = json.loads(text)
    alike = first_change(
        "signal_events", change_id=row.pk, entity_id=row.signal_id, to_status="approved", at=row.created_at
    )
    assert (channel, said) == (CHANGES, alike | {"from": "pending"})
    assert list(said) == list(alike)
