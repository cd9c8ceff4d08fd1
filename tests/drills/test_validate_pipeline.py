"""`manage.py validate_pipeline` against a running server: with its workers, and by the cron address without them."""

import json
import os
import subprocess

import pytest

from tests.drills.processes import MANAGE, PYTHON, OwnDatabase, Served

pytestmark = pytest.mark.xdist_group("runner")
HMAC_SECRET = "k3yOfTheValidationDrill-1"
CRON_SECRET = "k3yOfTheValidationDrill-2"
PASSWORD = "a-long-password-of-a-drill"


@pytest.fixture(scope="module")
def database():
    database = OwnDatabase(f"drill_validate_{os.getpid()}")
    yield database
    database.drop()


@pytest.fixture(scope="module")
def served(database, tmp_path_factory):
    served = Served(
        database,
        tmp_path_factory.mktemp("serve") / "output",
        HMAC_SECRET=HMAC_SECRET,
        CRON_SECRET=CRON_SECRET,
        SIMULATED_MARKET_ALWAYS_OPEN="true",
        HEARTBEAT_INTERVAL="2",
    )
    try:
        served.ready()
        yield served
    finally:
        served.end()


def _manage(database, *arguments, typed=""):
    environment = os.environ | {
        "DATABASE_NAME": database.name,
        "DJANGO_SETTINGS_MODULE": "optionsengine.settings.base",
        "HMAC_SECRET": HMAC_SECRET,
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
    }
    return subprocess.run(
        [PYTHON, MANAGE, *arguments], env=environment, input=typed, capture_output=True, text=True, timeout=90
    )


def _validate(database, served, *arguments, typed=""):
    return _manage(database, "validate_pipeline", "--url", served.web, "--poll", "0.2", *arguments, typed=typed)


@pytest.fixture(scope="module")
def person(database):
    made = _manage(database, "createsuperuser", "--noinput", "--username", "ann", "--email", "ann@example.com")
    assert made.returncode == 0, made.stderr


def test_without_anybody_who_may_log_in_it_says_so_and_sends_nothing(served, person, database):
    before = database.rows("SELECT count(*) FROM webhook_events")
    database.rows("UPDATE auth_user SET is_active = false")
    try:
        run = _validate(database, served)
    finally:
        database.rows("UPDATE auth_user SET is_active = true")
    assert run.returncode == 1
    assert "createsuperuser" in run.stderr
    assert database.rows("SELECT count(*) FROM webhook_events") == before


def test_every_signal_is_followed_to_its_end(served, person, database):
    run = _validate(database, served, "--send", "12", "--max", "40", "--json")
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert told["filled"] + told["rejected"] + told["resting"] == told["sent"] == 12
    assert (told["unfinished"], told["wrong_answers"], told["cron_passes"]) == (0, 0, 0)
    assert PASSWORD not in run.stdout
    stored = dict(database.rows("SELECT id::text, status FROM signals WHERE is_test"))
    assert {one["signal_id"]: one["status"] for one in told["signals"]} == stored
    for one in told["signals"]:
        if one["status"] == "executed":
            assert one["decision"] == "approved"
            assert one["order"].endswith(" filled")
            assert one["fill"]
            assert one["gate"] == ""
        elif one["is_resting"]:
            assert one["order"].endswith(" submitted")
        else:
            assert one["reason"]
            assert one["gate"].split(":")[0] in ("engine", "contract", "size", "bias", "risk_limits")
    assert told["filled"] > 0, told


def test_a_person_reads_a_table_after_a_login_by_password(served, person, database):
    run = _validate(database, served, "--send", "2", "--user", "ann", typed=f"{PASSWORD}\n")
    assert run.returncode == 0, run.stderr
    assert "2 sent: " in run.stdout
    assert "201 ACCEPTED" in run.stdout
    wrong = _validate(database, served, "--user", "ann", typed="wrong\n")
    assert wrong.returncode == 1
    assert "the login of ann was answered 401" in wrong.stderr


def test_an_answer_that_is_not_as_due_fails(served, person, database):
    before = database.rows("SELECT count(*) FROM signals")
    run = _validate(database, served, "--send", "2", "--secret", "somebody-elses-secret")
    assert run.returncode == 1
    assert "401 REJECTED UNAUTHORIZED" in run.stderr
    assert database.rows("SELECT count(*) FROM signals") == before


def test_the_cron_address_stands_for_the_workers(served, person, database, tmp_path):
    """The part that decides entries does not run at all: only the passes that are asked for move a signal."""
    web = Served(
        database,
        tmp_path / "web",
        ["--only", "web"],
        HMAC_SECRET=HMAC_SECRET,
        CRON_SECRET=CRON_SECRET,
        SIMULATED_MARKET_ALWAYS_OPEN="true",
    )
    served.end()
    try:
        web.listens()
        idle = _validate(database, web, "--send", "2", "--max", "1")
        assert idle.returncode == 1
        assert "2 of 2 signals are neither filled nor rejected after 1 s" in idle.stderr
        run = _validate(database, web, "--send", "3", "--max", "40", "--cron-secret", CRON_SECRET, "--json")
        assert run.returncode == 0, run.stderr
        told = json.loads(run.stdout)
        assert told["cron_passes"] >= 1
        assert told["filled"] + told["rejected"] + told["resting"] == 3
        wrong = _validate(database, web, "--cron-secret", "wrong")
        assert wrong.returncode == 1
        assert "the cron address answered 401" in wrong.stderr
        assert CRON_SECRET not in web.said()
    finally:
        web.end()
