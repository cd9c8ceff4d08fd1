"""Migrations under their lock: simultaneous starts do the work once."""

import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import psycopg
import pytest
from django.db import connection, connections

from optionsengine.core import migrate
from optionsengine.core.devpg import DevPostgres
from optionsengine.core.errors import Transient

REPOSITORY = Path(__file__).resolve().parents[2]
MIGRATE = """
import sys
from pathlib import Path
import django
from django.conf import settings
database = {"ENGINE": "optionsengine.core.postgres", "NAME": "app", "OPTIONS": {"options": "-c lock_timeout=50"}}
apps = ["django.contrib.contenttypes", "django.contrib.auth"]
settings.configure(BASE_DIR=Path(sys.argv[1]), DATABASES={"default": database}, INSTALLED_APPS=apps, USE_TZ=True)
django.setup()
from optionsengine.core.migrate import migrate_locked
migrate_locked(verbosity=1)
"""


@pytest.fixture
def root():
    path = Path(tempfile.mkdtemp(prefix="devpg-test-")).resolve()
    path.chmod(0o755)
    yield path
    DevPostgres(path).reset()
    shutil.rmtree(path)


@pytest.fixture
def other_session():
    """A second session on the test database."""
    parameters = connection.get_connection_params()
    reach = {name: parameters[name] for name in ("host", "port", "user", "password", "dbname") if name in parameters}
    with psycopg.connect(**reach, autocommit=True) as session:
        yield session


def test_simultaneous_starts_apply_each_migration_once(root):
    children = [
        subprocess.Popen(
            [sys.executable, "-c", MIGRATE, str(root)],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    answers = [child.communicate(timeout=50) for child in children]
    assert [child.returncode for child in children] == [0, 0, 0], answers
    applied = [line.strip() for out, _ in answers for line in out.splitlines() if "Applying" in line]
    assert "Applying auth.0001_initial... OK" in applied
    assert len(applied) == len(set(applied))
    assert sum("No migrations to apply" in out for out, _ in answers) == 2


@pytest.mark.django_db(transaction=True)
def test_waits_for_the_lock_then_migrates(other_session):
    done = threading.Event()

    def work():
        migrate.migrate_locked()
        connections.close_all()
        done.set()

    other_session.execute("SELECT pg_advisory_lock(%s)", [migrate._KEY])
    worker = threading.Thread(target=work)
    worker.start()
    assert not done.wait(0.3)
    other_session.execute("SELECT pg_advisory_unlock(%s)", [migrate._KEY])
    worker.join(30)
    assert done.is_set()
    assert other_session.execute("SELECT pg_try_advisory_lock(%s)", [migrate._KEY]).fetchone() == (True,)


@pytest.mark.django_db(transaction=True)
def test_gives_up_in_words_after_its_wait(other_session, monkeypatch):
    other_session.execute("SELECT pg_advisory_lock(%s)", [migrate._KEY])
    monkeypatch.setattr(migrate, "WAIT_SECONDS", 0)
    with pytest.raises(Transient, match="another process has migrated for 0 s: wait for it or stop it"):
        migrate.migrate_locked()
