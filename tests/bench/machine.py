"""What is measured on: a PostgreSQL and a web server of the bench's own, as a deployment runs them."""

import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from django.conf import settings

from optionsengine.core.devpg import DevPostgres
from optionsengine.core.devpg.binaries import binaries_find
from tests.bench.load import BenchError
from tests.drills.processes import descendants, free_ports

CLIENTS = 16
_DATABASE = "optionsengine"
_START_SECONDS = 60
_STOP_SECONDS = 15
_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
_TPS = re.compile(r"^tps = ([\d.]+) \(without initial connection time\)", re.MULTILINE)
# what an alert brings, in one row of one table with one index
_YARDSTICK_TABLE = """
    CREATE TABLE bench_yardstick (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        created_at timestamptz NOT NULL DEFAULT now(),
        path text NOT NULL,
        headers jsonb NOT NULL,
        body bytea NOT NULL
    )
"""


class Machine:
    """Everything the figures of one run share. Parts are started when first asked for and end with the run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ends = ExitStack()
        self.secret = secrets.token_hex(32)

    def close(self) -> None:
        self._ends.close()

    @cached_property
    def postgres(self) -> DevPostgres:
        """A fresh server with full durability, which is looked up and not believed."""
        server = DevPostgres(self._folder)
        server.reset()
        self._ends.callback(server.reset)
        server.ensure(_DATABASE)
        fault = durable_fault({name: self._ask(server, f"SHOW {name}")[0][0] for name in _DURABLE})
        if fault:
            raise BenchError(fault)
        return server

    @staticmethod
    def _ask(server: DevPostgres, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(**server.parameters() | {"dbname": _DATABASE}, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement on the bench's database and return its rows."""
        return self._ask(self.postgres, statement)

    @contextmanager
    def without_durable_commits(self) -> Iterator[None]:
        """Let commits return before they are on disk, for every connection there is."""
        self.sql("ALTER SYSTEM SET synchronous_commit = off")
        self.sql("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            self.sql("ALTER SYSTEM RESET synchronous_commit")
            self.sql("SELECT pg_reload_conf()")

    @cached_property
    def _environment(self) -> dict[str, str]:
        place = self.postgres.parameters()
        return os.environ | {
            "DJANGO_SETTINGS_MODULE": "optionsengine.settings.production",
            "SECRET_KEY": secrets.token_urlsafe(48),
            "HMAC_SECRET": self.secret,
            "DATABASE_URL": f"postgres://{place['user']}@/{_DATABASE}?host={quote(str(place['host']), safe='')}",
            "DATABASE_NAME": "",
            "ALLOWED_HOSTS": "127.0.0.1",
            "TRUSTED_PROXIES": "127.0.0.1",
            "MARKET_DATA_PROVIDERS": "simulated",
            "LOG_LEVEL": "INFO",
            "SPOOL_DIR": self._ends.enter_context(tempfile.TemporaryDirectory()),  # the checkout's may hold requests
        }

    def _manage(self, *words: str) -> list[str]:
        return [sys.executable, str(settings.BASE_DIR / "manage.py"), *words]

    @cached_property
    def web(self) -> "Web":
        """The web server of `manage.py serve`, on a migrated database."""
        done = subprocess.run(
            self._manage("migrate", "-v", "0"), env=self._environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise BenchError(f"the migration failed: {done.stderr.strip().splitlines()[-1:]}")
        port = free_ports()
        web = Web(self._manage("serve", "--only", "web"), self._environment | {"PORT": str(port)}, port)
        self._ends.callback(web.stop)
        web.wait()
        return web

    def worker(self, module: str) -> "subprocess.Popen[str]":
        """Start a module of the bench as a process on its database, spoken to by lines; it ends with the run."""
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            env=self._environment | {"SIMULATED_MARKET_ALWAYS_OPEN": "true"},
            cwd=settings.BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._ends.callback(_stop, process)
        return process

    @cached_property
    def _yardstick(self) -> Path:
        self.sql(_YARDSTICK_TABLE)
        folder = Path(self._ends.enter_context(tempfile.TemporaryDirectory()))
        script = folder / "insert.sql"
        script.write_text(
            "\\set n random(1, 1000000000)\n"
            "INSERT INTO bench_yardstick (path, headers, body) "
            f"VALUES ('/webhook', '{{}}', convert_to('{'x' * 340}' || :n, 'UTF8'));\n"
        )
        return script

    def pgbench(self, seconds: int) -> float:
        """Return the single-row INSERTs a second that pgbench reaches with as many clients as the ingest has."""
        program = binaries_find().folder / "pgbench"
        place = self.postgres.parameters()
        command = [program, "-n", "-c", CLIENTS, "-j", 2, "-T", seconds, "-f", self._yardstick]
        command += ["-h", place["host"], "-p", place["port"], "-U", place["user"], _DATABASE]
        if not program.exists():
            raise BenchError(f"{program} is missing: unset DEVPG_BIN to use the wheel's")
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BenchError(f"pgbench failed: {done.stderr.strip()}")
        return tps_read(done.stdout)


def _stop(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()


def durable_fault(found: Mapping[str, str]) -> str:
    """Return what keeps a server of these settings from being durable, or an empty text."""
    faults = [f"{name} is {found[name]}" for name, needed in _DURABLE.items() if found[name] != needed]
    return f"only a durable server is measured, and {', '.join(faults)}" if faults else ""


def tps_read(said: str) -> float:
    """Return the transactions a second that pgbench says it has reached.

    :raises BenchError: if it says none.
    """
    match = _TPS.search(said)
    if match is None:
        raise BenchError(f"pgbench says no rate: {said.strip()}")
    return float(match[1])


class Web:
    """A running web server and its workers."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], port: int) -> None:
        self.port = port
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the server
        self._process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            process_group=0,
        )

    def wait(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + _START_SECONDS
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/webhook/test", headers={"X-Forwarded-Proto": "https"}
        )
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with urllib.request.urlopen(request, timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise BenchError(f"the web server did not start: {self.said()}")

    def said(self) -> str:
        """Return the end of its log."""
        self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, self._log.tell() - 2000))
        return self._log.read().decode(errors="replace")

    def pids(self) -> set[int]:
        """The server and its workers."""
        return {self._process.pid} | descendants(self._process.pid)

    def stop(self) -> None:
        """End it, by force if it does not stop when asked."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._log.close()
