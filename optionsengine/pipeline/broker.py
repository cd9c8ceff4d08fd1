"""The job library's queue in PostgreSQL, woken by a notification instead of by the next poll."""

from collections import deque
from typing import Any

import psycopg
from django.db import close_old_connections, connection
from django_q.brokers.orm import ORM

from optionsengine.core.announcements import announce

_LOOK_SECONDS = 1.0


def task_channel(queue: str) -> str:
    """Return the name under which a queue's new tasks are told."""
    return f"optionsengine_tasks_{queue}"


class ListeningBroker(ORM):  # type: ignore[misc]  # the library has no types
    """The library's ORM broker, of which a task wakes the cluster the moment its transaction commits.

    The wait replaces the library's sleep, so its `poll` setting must be 0. A notification only saves time: what comes
    without one (a retry, or a connection through a pooler that loses them) is found within a second.
    """

    _listening: Any = None  # the connection that listens; another one, after a reconnect, does not

    def enqueue(self, task: str) -> int:
        """Queue the task in the current transaction, if there is one, and return its number."""
        number: int = super().enqueue(task)
        announce([self._channel])
        return number

    def dequeue(self) -> list[tuple[int, str]] | None:
        """Return tasks that are due, now locked for this cluster; None after a wait if there were none."""
        self._listen()
        found: list[tuple[int, str]] | None = super().dequeue()
        if found is None:
            self._wait()
        return found

    @property
    def _channel(self) -> str:
        return task_channel(self.list_key)

    def _listen(self) -> None:
        """Listen before the look, so that nothing can come unheard between the look and the wait."""
        close_old_connections()
        connection.ensure_connection()
        if self._listening is not connection.connection:
            with connection.cursor() as cursor:
                cursor.execute(f"LISTEN {connection.ops.quote_name(self._channel)}")
            self._listening = connection.connection

    def _wait(self) -> None:
        if self._listening is not connection.connection:
            return
        try:
            deque(self._listening.notifies(timeout=_LOOK_SECONDS, stop_after=1), maxlen=0)
        except psycopg.OperationalError:
            connection.close()  # the next look opens another, or says why it cannot
