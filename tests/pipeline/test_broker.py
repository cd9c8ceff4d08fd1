"""The queue's broker: woken by a commit, deaf to a rollback, and listening again after a lost connection."""

import queue
import threading

import pytest
from django.db import connection, transaction
from django_q.brokers import get_broker

from optionsengine.pipeline import broker as module
from optionsengine.pipeline.broker import ListeningBroker
from tests.drills.processes import until

pytestmark = pytest.mark.django_db(transaction=True)
FOR_EVER = 60  # seconds: a test that waits so long has failed


class Waiting:
    """A broker that waits for its next task in a thread, with a connection of its own."""

    def __init__(self):
        self._pid, self._given = queue.SimpleQueue(), queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.pid = self._pid.get(timeout=10)
        until(self._is_waiting, 10, "it never came to wait")

    def _run(self):
        try:
            connection.ensure_connection()
            self._pid.put(connection.connection.info.backend_pid)
            self._given.put(ListeningBroker("entries").dequeue())
        finally:
            connection.close()

    def _is_waiting(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT state, query FROM pg_stat_activity WHERE pid = %s", [self.pid])
            state, query = cursor.fetchone()
        return state == "idle" and "django_q_ormq" in query

    def given(self):
        found = self._given.get(timeout=10)
        self._thread.join(10)
        return found


def _channels():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_listening_channels()")
        return [name for (name,) in cursor.fetchall()]


@pytest.fixture
def _patient(monkeypatch):
    monkeypatch.setattr(module, "_LOOK_SECONDS", FOR_EVER)


@pytest.fixture
def _hasty(monkeypatch):
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.01)


def test_the_settings_choose_it():
    assert isinstance(get_broker("entries"), ListeningBroker)


@pytest.mark.usefixtures("_patient")
def test_a_commit_wakes_who_waits():
    waiting = Waiting()
    with transaction.atomic():
        number = ListeningBroker("entries").enqueue("work")
    assert waiting.given() is None
    assert ListeningBroker("entries").dequeue() == [(number, "work")]


@pytest.mark.usefixtures("_hasty")
def test_a_rolled_back_task_never_was():
    with transaction.atomic():
        ListeningBroker("entries").enqueue("work")
        transaction.set_rollback(True)
    assert ListeningBroker("entries").dequeue() is None


@pytest.mark.usefixtures("_hasty")
def test_each_cluster_has_its_own_tasks_and_takes_each_once():
    number = ListeningBroker("entries").enqueue("work")
    assert ListeningBroker("exits").dequeue() is None
    assert ListeningBroker("entries").dequeue() == [(number, "work")]
    assert ListeningBroker("entries").dequeue() is None


@pytest.mark.usefixtures("_patient")
def test_a_connection_lost_in_the_wait_ends_it_without_an_error():
    waiting = Waiting()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [waiting.pid])
    assert waiting.given() is None


@pytest.mark.usefixtures("_hasty")
def test_a_new_connection_listens_again():
    broker = ListeningBroker("entries")
    broker.dequeue()
    assert _channels() == ["optionsengine_tasks_entries"]
    connection.close()
    assert _channels() == []
    broker.dequeue()
    assert _channels() == ["optionsengine_tasks_entries"]


@pytest.mark.usefixtures("_patient")
def test_it_does_not_wait_where_it_does_not_listen(monkeypatch):
    monkeypatch.setattr(ListeningBroker, "_listen", lambda broker: None)
    assert ListeningBroker("entries").dequeue() is None
