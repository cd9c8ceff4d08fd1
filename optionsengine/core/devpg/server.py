"""One PostgreSQL per checkout: initialise all or nothing, start once however many ask, recover from kills."""

import fcntl
import os
import shlex
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from optionsengine.core.devpg.account import Account, account_for
from optionsengine.core.devpg.binaries import Binaries, binaries_find
from optionsengine.core.devpg.failure import DevPostgresError
from optionsengine.core.devpg.place import PORT, SPARE_FOLDERS, Place, PlaceBook
from optionsengine.core.devpg.postmaster import postmaster_clear, postmaster_pid, postmaster_wait_gone

USER = "postgres"
MAX_CONNECTIONS = 300
START_SECONDS = 60
_ORPHAN_SECONDS = 15
_POLL_SECONDS = 0.05
_COMING_OR_GOING = ("starting up", "shutting down", "not yet accepting connections", "recovery mode")
_threads = threading.Lock()


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of the server. `pid` is None while it does not run, `version` while it does not answer."""

    pid: int | None
    version: str | None
    place: Place
    initialised: bool


class DevPostgres:
    """The server of the checkout at `root`. Every method may be called by any process and thread at any time."""

    def __init__(self, root: Path, *, spare: tuple[Path, ...] = SPARE_FOLDERS) -> None:
        self.root = root
        self._book = PlaceBook(root, spare)
        self._place: Place | None = None

    @property
    def place(self) -> Place:
        """Where the server is, as last seen; `ensure` looks again."""
        if self._place is None:
            self._place = self._book.read()
        return self._place

    def parameters(self) -> dict[str, str | int]:
        """Return how libpq reaches the server. Starts nothing and touches no network."""
        return {"host": str(self.place.sockets), "port": PORT, "user": USER}

    def can_help(self, error: Exception) -> bool:
        """Tell whether `ensure` may cure this failed connection: nobody listens, or what it asked for is to come.

        A server that is merely slow or full is not cured by starting it.
        """
        return not self._listens() or any(hint in str(error) for hint in ("does not exist", *_COMING_OR_GOING))

    def ensure(self, database: str | None = None) -> None:
        """Start the server unless it answers, and create `database` unless it is there. Others wait meanwhile.

        :raises DevPostgresError: if that is not possible; the message says what to do.
        """
        with self._lock():
            self._place = self._book.read()
            if not self._answers():
                self._start()
            if database is not None:
                self._create(database)

    def stop(self) -> bool:
        """Stop the server and wait until it is gone; false if it was not running."""
        with self._lock():
            self._place = self._book.read()
            return self._stop()

    def reset(self) -> None:
        """Stop the server and delete its data and everything else it kept. The next connection begins afresh."""
        with self._lock():
            try:
                self._place = self._book.read()
            except DevPostgresError:
                self._book.forget()
                self._place = self._book.read()
            self._stop()
            for folder in {self.place.home, self.place.sockets}:
                if folder.exists():
                    shutil.rmtree(folder)
            self._book.forget()
            self._place = None

    def status(self) -> Status:
        """Look, without starting or changing anything.

        :raises DevPostgresError: if the server is another user's, so that nothing can be seen of it.
        """
        self._place = place = self._book.read()
        self._refuse_stranger()
        version = None
        if self._listens():
            try:
                with self._connect() as connection:
                    version = connection.info.parameter_status("server_version")
            except psycopg.OperationalError:
                version = None  # alive but starting, stopping or hung: the pid alone is known
        return Status(postmaster_pid(place.data), version, place, place.data.exists())

    def psql(self, arguments: list[str], *, database: str) -> tuple[list[str], dict[str, str]]:
        """Return the command and environment that open psql on `database`, to be run by the caller."""
        program = binaries_find().folder / "psql"
        if not program.exists():
            raise DevPostgresError(f"{program} is missing: install the PostgreSQL client, or unset DEVPG_BIN")
        parameters = {"PGHOST": str(self.place.sockets), "PGPORT": str(PORT), "PGUSER": USER, "PGDATABASE": database}
        return [str(program), *arguments], {**os.environ, **parameters}

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """One process and one thread at a time. The kernel drops the file lock when its holder dies."""
        with _threads:
            path = self._book.open_local() / "postgres.lock"
            try:
                handle = os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)
            except OSError as error:
                raise DevPostgresError(f"{path} cannot be opened: {error.strerror}") from error
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                yield
            finally:
                os.close(handle)

    def _connect(self, database: str = "postgres") -> "psycopg.Connection[Any]":
        return psycopg.connect(
            host=str(self.place.sockets), port=PORT, user=USER, dbname=database, connect_timeout=5, autocommit=True
        )

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1)
            try:
                probe.connect(str(self.place.socket))
            except (TimeoutError, BlockingIOError):
                return True  # a full queue: somebody owns the socket, however slow
            except OSError:
                return False
        return True

    def _answers(self, within: float = START_SECONDS) -> bool:
        """Tell whether the server takes connections, waiting `within` seconds for one that is coming or going."""
        deadline = time.monotonic() + within
        while self._listens():
            try:
                self._connect().close()
            except psycopg.OperationalError as error:
                if not any(hint in str(error) for hint in _COMING_OR_GOING) and self._listens():
                    raise DevPostgresError(
                        f"PostgreSQL at {self.place.sockets} does not take connections "
                        f"({_line(str(error))}): `manage.py devpg stop`, then try again"
                    ) from error
                if time.monotonic() > deadline:
                    raise DevPostgresError(
                        f"PostgreSQL is still busy after {within:.0f} s ({_line(str(error))}); see {self.place.log}"
                    ) from error
                time.sleep(_POLL_SECONDS)
            else:
                return True
        return False

    def _start(self) -> None:
        programs = binaries_find()
        account = account_for(self.root, self.place.home)
        self._place = place = self._book.settle(account)
        programs = programs.readable_by(account, place.home)
        self._clear_leftovers()
        if not place.data.exists():
            self._initialise(programs, account)
        made_by = (place.data / "PG_VERSION").read_text().strip()
        if made_by != str(programs.major):
            raise DevPostgresError(
                f"the data in {place.data} was made by PostgreSQL {made_by}, these programs are {programs.major}: set "
                "DEVPG_BIN to that version's folder, or `manage.py devpg reset` to delete the data and start afresh"
            )
        if postmaster_pid(place.data) is not None:
            if self._wait_listening():
                return
            self._stop()  # alive, yet its socket is gone or elsewhere: nobody can reach it
        if not postmaster_clear(place.data, _ORPHAN_SECONDS):
            raise DevPostgresError(
                f"processes of a killed PostgreSQL still use {place.data}: end the postgres processes of "
                f"{account.name} that have this folder open, then try again"
            )
        for left in (place.socket, place.socket.with_name(f"{place.socket.name}.lock")):
            left.unlink(missing_ok=True)  # nobody owns them now, and their pid may by chance belong to a living process
        self._run_pg_ctl(programs, account)

    def _wait_listening(self) -> bool:
        """A postmaster started a moment ago has no socket yet; give it that moment."""
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            if self._answers():
                return True
            time.sleep(_POLL_SECONDS)
        return False

    def _initialise(self, programs: Binaries, account: Account) -> None:
        """Make the cluster in a temporary folder and rename it: a kill at any moment leaves none, never half of one."""
        fresh = Path(tempfile.mkdtemp(prefix="data.new-", dir=self.place.home))
        account.own(fresh)
        options = ["--auth-local=trust", "--auth-host=reject", "--encoding=UTF8", "--locale=C", "--data-checksums"]
        done = account.run([programs.folder / "initdb", "-D", fresh, "-U", USER, *options], cwd=self.place.home)
        if done.returncode != 0:
            raise DevPostgresError(f"initdb failed: {_last_line(done.stdout)}")
        fresh.rename(self.place.data)

    def _clear_leftovers(self) -> None:
        """Remove what a killed start left. Renamed first: an initdb that outlived its parent then writes nowhere."""
        for pattern in ("data.new-*", "programs.new-*", "gone-*"):
            for path in self.place.home.glob(pattern):
                gone = path if path.name.startswith("gone-") else path.rename(path.with_name(f"gone-{path.name}"))
                shutil.rmtree(gone, ignore_errors=True)

    def _run_pg_ctl(self, programs: Binaries, account: Account) -> None:
        place = self.place
        settings = {
            "listen_addresses": "",
            "port": PORT,
            "unix_socket_directories": '"' + str(place.sockets).replace('"', '""') + '"',
            "unix_socket_permissions": "0700",
            "max_connections": MAX_CONNECTIONS,
            "timezone": "UTC",
            "log_timezone": "UTC",
            "lc_messages": "C",
            "log_min_messages": "log",  # refused statements are the client's business and would fill the log
        }
        options = " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in settings.items())
        command: list[str | Path] = [programs.folder / "pg_ctl", "start", "-w", "-t", str(START_SECONDS)]
        command += ["-D", place.data, "-l", place.log, "-o", options]
        written = place.log.stat().st_size if place.log.exists() else 0
        done = account.run(command, cwd=place.home)
        if done.returncode != 0:
            said = place.log.read_bytes()[written:].decode(errors="replace") if place.log.exists() else ""
            reason = next((line for line in said.splitlines() if "FATAL" in line), "") or _last_line(done.stdout)
            raise DevPostgresError(f"PostgreSQL did not start: {reason}; see {place.log}")

    def _create(self, database: str) -> None:
        with self._connect() as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(database)))

    def _refuse_stranger(self) -> None:
        home = self.place.home
        if home.exists() and not os.access(home, os.R_OK | os.X_OK):
            raise DevPostgresError(f"{home} belongs to another user: run this as that user or as root")

    def _stop(self) -> bool:
        self._refuse_stranger()
        pid = postmaster_pid(self.place.data)
        if pid is None:
            return False
        for how, seconds in ((signal.SIGINT, 20), (signal.SIGQUIT, 10), (signal.SIGKILL, 5)):
            try:
                os.kill(pid, how)
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                return True
            if postmaster_wait_gone(pid, self.place.data, seconds):
                return True
        raise DevPostgresError(f"PostgreSQL (pid {pid}) does not stop; see {self.place.log}")


def _line(text: str) -> str:
    return " ".join(text.split())


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
