"""PostgreSQL that starts the checkout's own server when a connection finds nobody listening."""

from typing import Any

import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql.client import DatabaseClient as PostgresClient

from optionsengine.core.deadline import seconds_left
from optionsengine.core.devpg import DevPostgres, DevPostgresError, dev_postgres
from optionsengine.core.postgres.server import base


def _server() -> DevPostgres:
    return dev_postgres(settings.BASE_DIR)


class DatabaseClient(PostgresClient):
    """`manage.py dbshell` on the same server."""

    @classmethod
    def settings_to_cmd_args_env(
        cls, settings_dict: dict[str, Any], parameters: Any
    ) -> tuple[list[str], dict[str, str] | None]:
        found = {name.upper(): value for name, value in _server().parameters().items()}
        return super().settings_to_cmd_args_env({**settings_dict, **found}, parameters)


class DatabaseWrapper(base.DatabaseWrapper):
    """Needs NAME only: host, port and user are the server's. Costs nothing more while the server is up."""

    client_class = DatabaseClient

    def get_connection_params(self) -> dict[str, Any]:
        if self.settings_dict["OPTIONS"].get("pool"):
            raise ImproperlyConfigured("the development database takes no pool: remove it, or set DATABASE_URL")
        parameters = {**super().get_connection_params(), **_server().parameters()}
        if self.settings_dict["NAME"] is None:
            # the test runner's maintenance connection: dropping a database waits for a checkpoint of the whole
            # server, which on a busy disk takes longer than any statement of the application may
            parameters["options"] = f"{parameters.get('options', '')} -c statement_timeout=0".strip()
        return parameters

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect; when refused, start the server, create a missing database and try once more.

        Whoever has a deadline is told of the refusal instead: a start takes longer than a sender waits.
        """
        try:
            return super().get_new_connection(conn_params)
        except psycopg.OperationalError as error:
            server = _server()
            if seconds_left() is not None or not server.can_help(error):
                raise
            try:
                server.ensure(conn_params["dbname"])
            except DevPostgresError as failure:
                raise psycopg.OperationalError(str(failure)) from failure
            return super().get_new_connection({**conn_params, **server.parameters()})
