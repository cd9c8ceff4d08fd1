"""PostgreSQL whose every wait ends at the deadline of whoever asked: a hung server fires no time-out of its own."""

from collections.abc import Generator
from types import ModuleType
from typing import Any, cast

import psycopg
from django.db.backends.postgresql import base
from psycopg.abc import RV, PQGen

from optionsengine.core.deadline import seconds_left

_LATE = "the database has not answered in time"


class DeadlinedConnection(psycopg.Connection[Any]):
    """A connection that gives up, and closes, when the deadline around its caller has passed."""

    @classmethod
    def _connect_gen(cls, conninfo: str = "") -> Generator[Any, Any, "DeadlinedConnection"]:
        # the driver's own limit is of two seconds or more; it asks here again ten times a second
        connecting = super()._connect_gen(conninfo)
        wanted = next(connecting)
        while True:
            ready = yield wanted
            try:
                wanted = connecting.send(ready)
            except StopIteration as made:
                return cast("DeadlinedConnection", made.value)
            if not ready and seconds_left() == 0:
                connecting.close()
                raise psycopg.OperationalError(_LATE)

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        left = seconds_left()
        if left is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, left)
        except psycopg.errors._WaitTimeout:
            # what the server does with the statement is unknown; nobody may read its late answer as that of another
            self.pgconn.finish()
            raise psycopg.OperationalError(_LATE) from None


class _Driver:
    """The driver's module with our connections; Django asks it for errors and types as well."""

    def __getattr__(self, name: str) -> Any:
        return getattr(psycopg, name)

    @staticmethod
    def connect(**parameters: Any) -> DeadlinedConnection:
        if seconds_left() == 0:
            raise psycopg.OperationalError(_LATE)
        return DeadlinedConnection.connect(**parameters)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, with deadlines. A pool makes its connections itself and would know none."""

    Database = cast(ModuleType, _Driver())
