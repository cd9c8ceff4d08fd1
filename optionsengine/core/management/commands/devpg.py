"""`manage.py devpg start|stop|status|psql|reset`: the checkout's own PostgreSQL, by hand."""

import shlex
import subprocess
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from optionsengine.core.devpg import DevPostgres, DevPostgresError, dev_postgres

DATABASE = "optionsengine"
NOT_RUNNING = 3  # what service managers answer for a stopped service
NOT_CONFIRMED = 2


class Command(BaseCommand):
    """Needs no working database and runs no checks, for it is what one reaches for when there is none."""

    help = "Start, stop, look at or reset the zero-install PostgreSQL of this checkout."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="start|stop|status|psql|reset")
        actions.add_parser("start", help="start the server unless it runs, and create the database unless it exists")
        actions.add_parser("stop", help="stop the server; the data stays")
        actions.add_parser("status", help=f"say whether it runs and where; exit code {NOT_RUNNING} if it does not")
        psql = actions.add_parser("psql", help="open psql on the database; what follows -- goes to psql")
        psql.add_argument("arguments", nargs="*")
        reset = actions.add_parser("reset", help="stop the server and delete all of its data")
        reset.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        server = dev_postgres(settings.BASE_DIR)
        if settings.DATABASE_SERVER:
            self.stderr.write("note: DATABASE_URL is set, so the application uses that server and not this one")
        try:
            match options["action"]:
                case "start":
                    server.ensure(DATABASE)
                    self._status(server)
                case "stop":
                    stopped = "stopped; whatever of the engine still runs starts it again"
                    self.stdout.write(stopped if server.stop() else "it was not running")
                case "status":
                    self._status(server)
                case "psql":
                    self._psql(server, options["arguments"])
                case "reset":
                    self._reset(server, confirmed=options["yes"])
        except DevPostgresError as error:
            raise CommandError(str(error)) from error

    def _status(self, server: DevPostgres) -> None:
        status = server.status()
        place = status.place
        self.stdout.write(f"data    {place.data}" + ("" if status.initialised else " (none yet)"))
        self.stdout.write(f"socket  {place.socket}")
        self.stdout.write(f"log     {place.log}")
        if status.version is not None:
            pid = "" if status.pid is None else f", pid {status.pid}"
            self.stdout.write(f"state   running, PostgreSQL {status.version}{pid}")
            return
        if status.pid is not None:
            raise CommandError(
                f"pid {status.pid} runs but takes no connections: it starts, stops or hangs. Try again or `devpg stop`"
            )
        self.stdout.write("state   stopped; the next connection or `manage.py devpg start` starts it")
        sys.exit(NOT_RUNNING)

    def _psql(self, server: DevPostgres, arguments: list[str]) -> None:
        server.ensure(DATABASE)
        command, environment = server.psql(arguments, database=DATABASE)
        try:
            done = subprocess.run(command, env=environment, check=False)  # noqa: S603  # the person's own arguments
        except OSError as error:
            raise CommandError(f"{shlex.join(command)} could not be run: {error.strerror}") from error
        if done.returncode:
            sys.exit(done.returncode)

    def _reset(self, server: DevPostgres, *, confirmed: bool) -> None:
        status = server.status()
        if not confirmed:
            if not sys.stdin.isatty():
                raise CommandError(
                    f"this deletes every row in {status.place.data}: add --yes to do it", returncode=NOT_CONFIRMED
                )
            if input(f"Delete every row in {status.place.data}? Type yes: ") != "yes":
                raise CommandError("nothing was deleted", returncode=NOT_CONFIRMED)
        server.reset()
        self.stdout.write("deleted; the next connection starts afresh")
