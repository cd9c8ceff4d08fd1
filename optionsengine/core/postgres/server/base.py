"""PostgreSQL whose every wait ends at the deadline of whoever asked: a hung server fires no time-out of its own."""

from types import ModuleType
from typing import Any, cast

import psycopg
from django.db.backends.postgresql import base
from psycopg.abc import RV, PQGen

from optionsengine.core.deadline import seconds_left

_CONNECT_SECONDS = 2  # the least the driver can be told
_LATE = "the database has not answered in time"


class DeadlinedConnection(psycopg.Connection[Any]):
    """A connection that gives up, and closes, when the deadline around its caller has passed."""

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
        left = seconds_left()
        if left is not None:
            if left <= 0:
                raise psycopg.OperationalError(_LATE)
            parameters["connect_timeout"] = _CONNECT_SECONDS
        return DeadlinedConnection.connect(**parameters)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, with deadlines. A pool makes its connections itself and would know none."""

    Database = cast(ModuleType, _Driver())
