"""Real processes for the drills: `manage.py serve` on free ports with a database of its own, and who belongs to it."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connections
from psycopg import sql

PYTHON = sys.executable
MANAGE = str(settings.BASE_DIR / "manage.py")
# on the clock of the day the bias computed from simulated bars allows now the one side, now the other
NO_BIAS = {"BIAS_SOURCE": "webhook", "REQUIRE_MTF_BIAS_FOR_ENTRY": "false"}


def until(condition, seconds, told=""):
    """Poll until `condition()` is true and return what it gave; fail with `told` when `seconds` are over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    told = told() if callable(told) else told
    raise AssertionError(f"not within {seconds} s: {told}")


def free_ports():
    """A port with a free one after it; below the range from which the kernel picks ports of clients."""
    for port in range(20000 + os.getpid() % 500 * 20, 32000, 2):
        try:
            for number in (port, port + 1):
                socket.create_server(("127.0.0.1", number)).close()
        except OSError:
            continue
        return port
    raise AssertionError("no free ports")


def get(url):
    """The status and the body of a GET."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def _answers(url):
    try:
        return get(url)[0] == 200
    except OSError:
        return False


def parents():
    """Each living process's parent; zombies, which hold nothing, left out."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if state != "Z":
                found[int(entry.name)] = int(parent)
    return found


def descendants(pid):
    """Every living process below `pid`."""
    table = parents()
    found, level = set(), {pid}
    while level:
        level = {child for child, parent in table.items() if parent in level}
        found |= level
    return found


def cpu_ticks(pid):
    """The processor time a process has used, in clock ticks; none if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(fields[11]) + int(fields[12])


def part_of(pid):
    """The part a child of the runner is, by its command line; None for another program."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return words[words.index("--only") + 1] if "--only" in words else None


class OwnDatabase:
    """An empty database beside the test's own, and a connection into it."""

    def __init__(self, name):
        self.name = name
        given = connections["default"].get_connection_params()
        self._parameters = {key: value for key, value in given.items() if key not in {"cursor_factory", "context"}}
        self._admin(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)"))
        self._admin(sql.SQL("CREATE DATABASE {} TEMPLATE template0"))
        self._connection = psycopg.connect(**self._parameters | {"dbname": name}, autocommit=True)

    def rows(self, statement, *values):
        cursor = self._connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []

    def drop(self):
        self._connection.close()
        self._admin(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)"))

    def _admin(self, statement):
        with psycopg.connect(**self._parameters | {"dbname": "postgres"}, autocommit=True) as connection:
            connection.execute(statement.format(sql.Identifier(self.name)))


class Served:
    """A running `manage.py serve`, its tree of processes, and how it ends."""

    def __init__(self, database, log, arguments=(), **env):
        self.port = free_ports()
        self.web, self.stream = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.port + 1}"
        self.log = log
        environment = os.environ | {
            "DATABASE_NAME": database.name if database else "",
            "DJANGO_SETTINGS_MODULE": "optionsengine.settings.base",
            "PORT": str(self.port),
            "HEARTBEAT_INTERVAL": "1",
            "MARKET_DATA_PROVIDERS": "simulated",
            **NO_BIAS,
        }
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [PYTHON, MANAGE, "serve", *arguments],
                env=environment | env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        self._seen = set()

    @property
    def pid(self):
        return self.process.pid

    def said(self):
        return self.log.read_text()

    def ready(self):
        until(lambda: "is running" in self.said() or self.process.poll() is not None, 40, self.said)
        assert self.process.poll() is None, self.said()

    def listens(self):
        """Wait for a web server that has no runner to greet."""
        until(lambda: _answers(self.web + "/healthz") or self.process.poll() is not None, 40, self.said)
        assert self.process.poll() is None, self.said()

    def tree(self):
        """Everything that runs below the runner, remembered for `end`."""
        found = descendants(self.pid)
        self._seen |= found
        return found

    def parts(self):
        """The runner's own children by part: the leader of each group."""
        table = parents()
        return {part_of(pid): pid for pid, parent in table.items() if parent == self.pid}

    def end(self):
        """Leave nothing running, however the test went: only processes seen below our own runner, by number."""
        mine = self.tree() | {self.pid} if self.process.poll() is None else self._seen & set(parents())
        for pid in mine:
            if pid == self.pid or part_of(pid) is not None:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
        self.process.wait(10)
