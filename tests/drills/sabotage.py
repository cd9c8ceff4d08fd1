"""Counts the points at which a process can die between itself and the database, and strikes at one of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


class Saboteur:
    """A point is reached before every SQL statement and before every COMMIT; what follows one precedes the next.

    So striking at each point in turn covers "before" and "after" of every statement, and both sides of every commit.
    """

    def __init__(self, strike_at: int | None, strike: Callable[[str], None]) -> None:
        self.points: list[str] = []
        self._strike_at = strike_at
        self._strike = strike

    def _reach(self, what: str) -> None:
        self.points.append(what)
        if len(self.points) - 1 == self._strike_at:
            self._strike(what)

    def _statement(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        self._reach(sql)
        return execute(sql, params, many, context)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the default connection inside this context."""
        commit = connection._commit

        def watched_commit() -> None:
            self._reach("COMMIT")
            commit()

        connection._commit = watched_commit
        try:
            with connection.execute_wrapper(self._statement):
                yield
        finally:
            del connection._commit
