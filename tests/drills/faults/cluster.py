"""A throwaway PostgreSQL that a drill starts and breaks as it likes: killed, frozen, without connections, disk full."""

import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from django.conf import settings

from optionsengine.core.devpg.account import account_for, server_environment
from optionsengine.core.devpg.binaries import binaries_find
from optionsengine.core.devpg.postmaster import postmaster_clear
from tests.drills.processes import MANAGE, PYTHON, descendants, free_ports, parents, until

ENGINE = (
    "engine"  # the database and its owner: no superuser, so the connections reserved for those stay the drill's own
)
_START_SECONDS = 30
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": 40,
    # the kernel keeps what a killed process has written; only a power cut would not, and none is played here
    "fsync": "off",
    "timezone": "UTC",
    "lc_messages": "C",
}
_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


def _die_with_us():
    """Between fork and exec: the kernel ends the child when the test run is killed, so nothing is left behind."""
    _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGQUIT), 0, 0, 0)


def signal_all(pids, number):
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def full_disk_build(folder):
    """Compile the library that makes disks full and return the environment that loads it, and its flag file."""
    library, flag = folder / "full_disk.so", folder / "full_disk.flag"
    source = Path(__file__).with_name("full_disk.c")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return {"LD_PRELOAD": str(library), "FULL_DISK_FLAG": str(flag)}, flag


class Cluster:
    """One server with the engine's tables, on a loopback port of its own. `remove` leaves nothing of it."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="faults-")).resolve()
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        self.log = self.folder / "server.log"
        self.port = free_ports()
        self.process = None
        self._account = account_for(settings.BASE_DIR, self.folder / "none")
        self._programs = binaries_find().readable_by(self._account, self.folder).folder
        self.preload, self._flag = full_disk_build(self.folder)
        self._admin = None
        self.data.mkdir(mode=0o700)
        self._account.own(self.data)
        initdb = [self._programs / "initdb", "-D", self.data, "-U", "postgres", "--auth=trust", "--locale=C"]
        done = self._account.run([*initdb, "--encoding=UTF8", "--no-sync", "--wal-segsize=4"])
        assert done.returncode == 0, done.stdout

    @property
    def url(self):
        return f"postgres://{ENGINE}@127.0.0.1:{self.port}/{ENGINE}"

    def url_through(self, port):
        """The same database through a proxy."""
        return f"postgres://{ENGINE}@127.0.0.1:{port}/{ENGINE}"

    def fill(self):
        """Make the engine's database and its tables."""
        with self._connect("postgres") as connection:
            connection.execute(f"CREATE ROLE {ENGINE} LOGIN")
            connection.execute(f"CREATE DATABASE {ENGINE} OWNER {ENGINE} TEMPLATE template0")
        environment = os.environ | {"DATABASE_URL": self.url, "DJANGO_SETTINGS_MODULE": "optionsengine.settings.base"}
        environment["DATABASE_NAME"] = ""
        run = [PYTHON, MANAGE, "migrate", "--verbosity", "0"]
        subprocess.run(run, env=environment, check=True, timeout=120, stdin=subprocess.DEVNULL)

    # --- life

    def launch(self, **changed):
        """Start the server without waiting for it."""
        assert self.process is None
        assert postmaster_clear(self.data, 10), "backends of the dead server are still there"
        command = [self._programs / "postgres", "-D", self.data, "-p", str(self.port)]
        for name, value in (_SETTINGS | changed).items():
            command += ["-c", f"{name}={value}"]
        switch = self._account.switch
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                cwd="/",
                env=server_environment() | self.preload,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                umask=0o077,
                user=self._account.uid if switch else None,
                group=self._account.gid if switch else None,
                extra_groups=[] if switch else None,
                process_group=0,
                preexec_fn=_die_with_us,
            )

    def start(self, **changed):
        """Start the server and wait until it takes connections; settings may be changed for this time."""
        self.launch(**changed)
        until(self.answers, _START_SECONDS, lambda: self.log.read_text()[-2000:])

    def answers(self):
        assert self.process.poll() is None, self.log.read_text()[-2000:]
        try:
            self._connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def runs(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, how=signal.SIGQUIT):
        """End it: SIGQUIT is `pg_ctl stop -m immediate`, SIGINT `-m fast`, SIGKILL kills the postmaster alone."""
        if self.process is None:
            return
        self._close_admin()
        tree = self._tree()
        signal_all([self.process.pid], how)
        signal_all(tree, signal.SIGCONT)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            signal_all(tree, signal.SIGKILL)
            self.process.wait(5)
        until(lambda: not tree & set(parents()), 10, "backends outlived their postmaster")
        self.process = None

    def remove(self):
        """Stop it, however it is, and delete everything."""
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder)

    def _tree(self):
        return descendants(self.process.pid) | {self.process.pid}

    # --- faults

    @contextmanager
    def frozen(self):
        """Every process of the server stands still: it is there, takes connections and answers none."""
        tree = self._tree()
        signal_all([self.process.pid], signal.SIGSTOP)  # first, so that it forks no other
        tree |= self._tree()
        signal_all(tree, signal.SIGSTOP)
        try:
            yield
        finally:
            signal_all(tree, signal.SIGCONT)

    @contextmanager
    def disk_full(self, folder, how=""):
        """No file below `folder` can be written or given room; `half`: the last write stores half of what it has."""
        self._flag.write_text(f"{folder}/\n{how}\n")
        self._flag.chmod(0o644)
        try:
            yield
        finally:
            self._flag.unlink()

    @contextmanager
    def connections_used_up(self):
        """Nobody but a superuser finds a free connection, and the engine has lost those it had."""
        taken = []
        try:
            until(lambda: self._take_connections(taken), 10, "there are still free connections")
            yield
        finally:
            for connection in taken:
                connection.close()
            self.engine_gone()

    def _take_connections(self, taken):
        while taken:  # the engine was quicker last time; what is cut off now includes them
            taken.pop().close()
        self.engine_cut_off()
        try:
            while True:
                taken.append(psycopg.connect(self.url, autocommit=True))
        except psycopg.OperationalError:
            return self._engine_backends() == len(taken)

    def _engine_backends(self):
        return self.rows("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", ENGINE)[0][0]

    def engine_cut_off(self, where="true"):
        """End the engine's connections that fulfil a condition on `pg_stat_activity`; return how many."""
        query = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{ENGINE}' AND ({where})"
        return len(self.rows(query))

    def engine_gone(self):
        """Wait until the statements of killed clients have ended."""
        until(lambda: not self._engine_backends(), 10, "statements of dead clients run on")

    def engine_idle(self):
        """Wait until no statement of the engine runs."""
        query = "SELECT 1 FROM pg_stat_activity WHERE usename = %s AND state <> 'idle'"
        until(lambda: not self.rows(query, ENGINE), 10, "statements do not end")

    @contextmanager
    def locked(self, table):
        """Nobody can write to a table; yields the session that holds the lock."""
        with self.session() as session:
            session.execute(f"LOCK TABLE {table} IN SHARE MODE")
            yield session

    def waiting(self, what):
        """How many of the engine's statements stand still, `what` being a lock or a commit."""
        seen = {"lock": "wait_event_type = 'Lock'", "commit": "wait_event = 'SyncRep'"}[what]
        query = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{ENGINE}' AND {seen}"
        return self.rows(query)[0][0]

    @contextmanager
    def commits_held(self):
        """Every COMMIT is carried out and not answered: it waits for a standby that does not exist.

        The drill's own sessions ask for less and do not wait.
        """
        try:
            self._standby_name("nobody")
            yield
        finally:
            self._standby_name("")

    def _standby_name(self, name):
        self.rows(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
        self.rows("SELECT pg_reload_conf()")
        until(lambda: self.rows("SHOW synchronous_standby_names") == [(name,)], 10, "the server reads no settings")

    # --- looking

    def session(self):
        """A connection of the drill's own, in a transaction, that waits longest in a deadlock."""
        options = "-c synchronous_commit=local -c deadlock_timeout=60s"
        return psycopg.connect(self._address(ENGINE), options=options)

    def rows(self, statement, *values):
        """Run one statement as superuser, through a connection that is kept until the server ends."""
        if self._admin is None or self._admin.closed:
            self._admin = self._connect(ENGINE)
        cursor = self._admin.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []

    def _connect(self, database):
        options = "-c synchronous_commit=local"
        return psycopg.connect(self._address(database), autocommit=True, options=options, connect_timeout=5)

    def _address(self, database):
        return f"host=127.0.0.1 port={self.port} user=postgres dbname={database}"

    def _close_admin(self):
        if self._admin is not None:
            self._admin.close()
            self._admin = None
