"""`manage.py`: a database that is away or was never migrated ends a command in one line that says what to do."""

import os
import socket
import subprocess
import sys

import pytest
from django.db import connection

from optionsengine.core.migrate import migrations_missing
from optionsengine.settings.readers import BASE_DIR

UNMIGRATED = "migrations are missing: run `manage.py migrate`, then this again.\n"


def manage(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "optionsengine.settings.base", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def empty_database(django_db_blocker):
    name = f"unmigrated_{os.getpid()}"
    quoted = connection.ops.quote_name(name)
    with django_db_blocker.unblock(), connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {quoted} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {quoted}")
        yield name
        cursor.execute(f"DROP DATABASE {quoted} WITH (FORCE)")


@pytest.fixture
def closed_port():
    """A port that is ours and that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.mark.parametrize("arguments", [["run_pipeline"], ["reconcile", "--json"], ["replay_decision", "--all"]])
def test_without_migrations_a_command_names_what_to_run(empty_database, arguments):
    done = manage(*arguments, DATABASE_NAME=empty_database)
    source, _, said = done.stderr.partition(": ")
    assert (done.returncode, done.stdout, said) == (1, "", UNMIGRATED)
    assert source in ("database", "CommandError")


@pytest.mark.parametrize("arguments", [["demo", "--json"], ["reconcile"]])
def test_a_database_that_is_away_ends_in_one_line_without_the_password(closed_port, arguments):
    done = manage(*arguments, DATABASE_URL=f"postgres://somebody:hunter2@127.0.0.1:{closed_port}/desk")
    assert (done.returncode, done.stdout.strip()) == (1, "")
    *tries, said = done.stderr.strip().splitlines()
    assert said.startswith("database: connection failed: ")
    assert all(" try " in line and "again in" in line for line in tries)
    assert f"port {closed_port} failed" in said
    assert said.endswith("Is it running, and is DATABASE_URL right? Unset, `manage.py devpg status` tells.")
    assert "hunter2" not in done.stderr


@pytest.mark.django_db
def test_missing_migrations_are_counted():
    assert migrations_missing() == 0
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'positions'")
        deleted = cursor.rowcount
    assert migrations_missing() == deleted > 0


# --- a mistake in a statement is no missing migration -----------------------------------------------------------------

MISTAKE = """
import sys, manage
from django.core import management
from django.db import connection
def execute(argv):
    import django
    django.setup()
    connection.cursor().execute("SELECT * FROM nowhere_at_all")
management.execute_from_command_line = execute
sys.argv = ["manage.py", "reconcile"]
sys.exit(manage.main())
"""


@pytest.mark.django_db(transaction=True)
def test_an_unknown_table_of_a_migrated_database_keeps_its_trace():
    done = subprocess.run(
        [sys.executable, "-c", MISTAKE],
        cwd=BASE_DIR,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "optionsengine.settings.base",
            "DATABASE_NAME": connection.settings_dict["NAME"],
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert 'relation "nowhere_at_all" does not exist' in done.stderr
    assert "migrations are missing" not in done.stderr
