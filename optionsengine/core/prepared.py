"""Statements of the hot path: bound and planned by the server once a connection, and through Django's own cursor."""

from collections.abc import Mapping
from typing import Any, cast

import psycopg
from django.db import connection
from django.db.backends.utils import CursorWrapper


class _PreparedCursor(psycopg.Cursor[Any]):
    # the audit library puts a second statement before that of a nameless cursor wherever a person acts, and one that is
    # prepared stands alone; nothing audited is written this way
    name = "prepared"

    def execute(self, query: Any, params: Any = None, **_: Any) -> "_PreparedCursor":
        return super().execute(query, params, prepare=True)


def execute_prepared(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Execute one statement with `%(name)s` places and return its rows.

    Nothing is asked of the connection first, so one that has died in the meantime is found out by the statement:
    call it in `database_retry`. Pass JSON as text, and cast what stands in a SELECT list.
    """
    with _cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if cursor.description else []


def _cursor() -> CursorWrapper:
    if connection.queries_logged:
        return connection.cursor()  # the log shows what the driver has bound, and nothing of what the server binds
    connection.ensure_connection()
    return connection.make_cursor(cast(CursorWrapper, _PreparedCursor(connection.connection)))
