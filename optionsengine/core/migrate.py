"""Migrations, one process at a time: every process of a starting system may ask, the first does the work."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import call_command
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from optionsengine.core.errors import Transient

_KEY = 0x0E_02
_POLL_SECONDS = 0.1
WAIT_SECONDS = 300


def migrate_locked(database: str = "default", *, verbosity: int = 0) -> None:
    """Apply the migrations of the `database` alias under an advisory lock of the session.

    Processes that start together migrate once: the others wait, then find nothing left to do.

    :raises Transient: if another process still migrates after `WAIT_SECONDS`.
    """
    with _migrate_lock(database):
        call_command("migrate", database=database, verbosity=verbosity, interactive=False)


def migrations_missing(database: str = "default") -> int:
    """Count the migrations that the `database` alias has not had; it reads every migration, which is slow."""
    executor = MigrationExecutor(connections[database])
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


@contextmanager
def _migrate_lock(database: str) -> Iterator[None]:
    """Hold the lock on a connection of its own, because a migration may end transactions on the ordinary one.

    Waiters poll instead of blocking in the statement: a blocked one holds a snapshot, and a migration's
    `CREATE INDEX CONCURRENTLY` would wait for it for ever.
    """
    holder = connections.create_connection(database)
    deadline = time.monotonic() + WAIT_SECONDS
    try:
        with holder.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [_KEY])
            while cursor.fetchone() != (True,):
                if time.monotonic() > deadline:
                    raise Transient(
                        f"another process has migrated for {WAIT_SECONDS} s: wait for it or stop it, then start again"
                    )
                time.sleep(_POLL_SECONDS)
                cursor.execute("SELECT pg_try_advisory_lock(%s)", [_KEY])
            yield
            # closing would release it too, but only when the server notices, and the next in line waits for that
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_KEY])
    finally:
        holder.close()
