"""The Django backend on a server of its own: starts it, creates what is missing, leaves other failures alone."""

import os
import shutil
import signal
import tempfile
from pathlib import Path

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import OperationalError, connections
from django.db.backends.base.base import NO_DB_ALIAS

from optionsengine.core.devpg import dev_postgres
from optionsengine.core.devpg.postmaster import postmaster_wait_gone
from optionsengine.core.postgres.base import DatabaseWrapper

pytestmark = pytest.mark.filterwarnings("ignore:Accessing the database during app initialization")


@pytest.fixture
def server(settings):
    """A checkout elsewhere, whose server the backend finds through the settings."""
    root = Path(tempfile.mkdtemp(prefix="devpg-test-")).resolve()
    root.chmod(0o755)
    settings.BASE_DIR = root
    settings.DATABASE_SERVER = {}
    yield dev_postgres(root)
    dev_postgres(root).reset()
    shutil.rmtree(root)


@pytest.fixture
def connect(server, django_db_blocker):
    """Build wrappers on databases of that server."""
    wrappers = []

    def build(name="app", **options):
        defaults = connections.configure_settings({"default": {"ENGINE": "optionsengine.core.postgres"}})["default"]
        wrappers.append(DatabaseWrapper({**defaults, "NAME": name, "OPTIONS": options}, alias=NO_DB_ALIAS))
        return wrappers[-1]

    with django_db_blocker.unblock():
        yield build
        for wrapper in wrappers:
            wrapper.close()


def ask(wrapper, query="SELECT current_database()"):
    with wrapper.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def test_first_connection_starts_the_server_and_a_killed_one_again(server, connect):
    wrapper = connect()
    assert server.status().initialised is False
    assert ask(wrapper) == "app"
    first = server.status().pid
    os.kill(first, signal.SIGKILL)
    assert postmaster_wait_gone(first, server.place.data, 5)
    wrapper.close()
    assert ask(wrapper) == "app"
    assert server.status().pid not in (None, first)


def test_stopped_server_is_started_once_and_stays_up_when_the_connection_closes(server, connect):
    assert ask(connect("one")) == "one"
    server.stop()
    wrapper = connect("two")
    assert ask(wrapper) == "two"
    pid = server.status().pid
    wrapper.close()
    assert ask(connect("three")) == "three"
    assert server.status().pid == pid


def test_maintenance_connection_of_the_test_runner_works_from_cold_and_may_take_its_time(connect):
    wrapper = connect("app", options="-c statement_timeout=15000 -c lock_timeout=10000")
    with wrapper._nodb_cursor() as cursor:
        cursor.execute(
            "SELECT current_database(), current_setting('statement_timeout'), current_setting('lock_timeout')"
        )
        assert cursor.fetchone() == ("postgres", "0", "10s")
    assert ask(wrapper, "SHOW statement_timeout") == "15s"


def test_other_failures_are_not_answered_with_a_start(server, connect):
    ask(connect())
    with pytest.raises(OperationalError, match="cannot be changed without restarting"):
        ask(connect(options="-c max_connections=none"))
    assert server.can_help(psycopg.OperationalError("sorry, too many clients already")) is False


def test_failed_start_is_one_operational_error_that_says_what_to_do(connect, monkeypatch, tmp_path):
    monkeypatch.setenv("DEVPG_BIN", str(tmp_path))
    with pytest.raises(OperationalError, match="DEVPG_BIN must be a folder with initdb"):
        ask(connect())


def test_pool_is_refused(connect):
    with pytest.raises(ImproperlyConfigured, match="takes no pool"):
        connect(pool=True).get_connection_params()


def test_dbshell_reaches_the_same_server(server, connect):
    wrapper = connect()
    command, _ = wrapper.client.settings_to_cmd_args_env(wrapper.settings_dict, [])
    assert command == ["psql", "-U", "postgres", "-h", str(server.place.sockets), "-p", "5432", "app"]


def test_command_starts_shows_queries_stops_and_resets(server, capfd):
    with pytest.raises(SystemExit) as stopped:
        call_command("devpg", "status")
    assert stopped.value.code == 3
    assert "state   stopped" in capfd.readouterr().out
    call_command("devpg", "start")
    out = capfd.readouterr().out
    assert f"pid {server.status().pid}" in out
    assert str(server.place.socket) in out
    call_command("devpg", "psql", "--", "-Atc", "SELECT current_database() || 7")
    assert capfd.readouterr().out == "optionsengine7\n"
    with pytest.raises(SystemExit) as failed:
        call_command("devpg", "psql", "--", "-c", "SELECT nonsense")
    assert failed.value.code == 1
    call_command("devpg", "stop")
    call_command("devpg", "stop")
    assert capfd.readouterr().out == "stopped; whatever of the engine still runs starts it again\nit was not running\n"
    call_command("devpg", "reset", "--yes")
    assert server.status().initialised is False


def test_command_resets_nothing_unasked(server, monkeypatch):
    server.ensure("app")
    pid = server.status().pid
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        with pytest.raises(CommandError) as refused:
            call_command("devpg", "reset")
    assert refused.value.returncode == 2
    assert "add --yes" in str(refused.value)
    assert server.status().pid == pid


def test_command_without_programs_says_what_to_install_in_one_line(server, monkeypatch, tmp_path):
    monkeypatch.setenv("DEVPG_BIN", str(tmp_path))
    with pytest.raises(CommandError) as failure:
        call_command("devpg", "start")
    assert str(failure.value).startswith("DEVPG_BIN must be a folder with initdb, pg_ctl and postgres")
    assert "\n" not in str(failure.value)
