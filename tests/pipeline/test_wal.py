"""`manage.py wal`: what it says, as a table and as JSON, what it does, and when it exits with an error."""

import json
from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from optionsengine.core import clock
from optionsengine.core.spool import Spool
from optionsengine.pipeline.write_ahead import request_spool, spool_is_empty, spool_open
from signals.models import Signal, WebhookEvent
from tests import factories
from tests.pipeline.intake_client import AT
from tests.pipeline.test_write_ahead import judged

pytestmark = pytest.mark.django_db
NOW = AT + timedelta(hours=1)


@pytest.fixture(autouse=True)
def _spool(settings, tmp_path):
    settings.SPOOL_DIR = tmp_path


def wal(*arguments):
    out = StringIO()
    with clock.frozen(NOW):
        call_command("wal", *arguments, stdout=out)
    return out.getvalue()


def wal_json(*arguments):
    return json.loads(wal(*arguments, "--json"))


def wal_fails(*arguments):
    """What it printed, and the error it exits with."""
    out = StringIO()
    with clock.frozen(NOW), pytest.raises(CommandError) as failure:
        call_command("wal", *arguments, stdout=out)
    return out.getvalue(), str(failure.value)


def _away(execute, sql, params, many, context):
    raise OperationalError("connection refused\nIs the server running?")


# --- status -----------------------------------------------------------------------------------------------------------


def test_status_counts_what_waits():
    request_spool(judged(1))
    request_spool(judged(2, seconds=1))
    factories.webhook_event(status="received", created_at=AT)
    factories.webhook_event(status="failed")
    factories.webhook_event()
    (spool_open().directory / "x.bad").write_bytes(b"rotten\n")
    told = wal_json("status")
    size = told["spool"].pop("bytes")
    assert told == {
        "spool": {
            "files": 1,
            "records": 2,
            "max_bytes": 64 * 1024 * 1024,
            "oldest_at": "2026-02-05T15:00:02+00:00",
            "bad_files": ["x.bad"],
        },
        "database": "answers",
        "inbox": {"unfinished": 1, "oldest_at": "2026-02-05T15:00:02+00:00", "failed": 1},
    }
    assert 700 < size < 2000


def test_status_says_so_when_the_database_is_away_and_is_no_failure(capsys):
    request_spool(judged(1))
    with connection.execute_wrapper(_away):
        told = wal_json("status")
        wal("status")
    assert (told["database"], told["inbox"], told["spool"]["records"]) == ("away", None, 1)
    table = capsys.readouterr().out
    assert "the inbox cannot be read" in table
    assert "connection refused" in table
    assert "Is the server running?" not in table


def test_status_of_a_spool_that_cannot_be_read_is_a_failure(settings, tmp_path):
    spool_open().directory.write_bytes(b"a file where the folder should be")
    assert "SPOOL_DIR" in wal_fails("status")[1]


# --- drain ------------------------------------------------------------------------------------------------------------


def test_drain_moves_everything_now():
    request_spool(judged(1))
    request_spool(judged(2, symbol="QQQ"))
    told = wal_json("drain")
    assert told == {
        "claimed": 2,
        "done": 2,
        "deferred": 0,
        "refused": 0,
        "failed": 0,
        "left": 0,
        "bad_files": [],
    }
    assert Signal.objects.count() == 2
    assert spool_is_empty()


def test_drain_of_an_empty_spool_is_no_failure():
    assert wal_json("drain")["claimed"] == 0


def test_drain_fails_while_the_database_is_away_and_keeps_everything():
    request_spool(judged(1))
    with connection.execute_wrapper(_away):
        said = wal_fails("drain")[1]
    assert "connection refused" in said
    assert "stays as it was" in said
    assert spool_open().status().records == 1


def test_drain_says_when_another_drains():
    request_spool(judged(1))
    other = Spool(spool_open().directory, 1024 * 1024)
    said = []
    with pytest.raises(RuntimeError, match="enough"):
        other.drain(lambda record: _during(said))
    assert "1 requests still wait" in said[0]
    assert not WebhookEvent.objects.exists()


def _during(said):
    said.append(wal_fails("drain")[1])
    raise RuntimeError("enough")


def test_drain_fails_when_a_record_is_damaged():
    request_spool(judged(1))
    (path,) = spool_open().directory.glob("*.spool")
    path.write_bytes(path.read_bytes().replace(b'"size":120', b'"size":121'))
    printed, said = wal_fails("drain", "--json")
    assert json.loads(printed)["bad_files"] == [path.with_suffix(".bad").name]
    assert "1 requests failed or are damaged" in said


# --- replay -----------------------------------------------------------------------------------------------------------


def three():
    """One that failed, one rejected an hour later, one accepted between them; each of its own minute."""
    failed = factories.webhook_event(status="failed", created_at=AT)
    accepted = factories.webhook_event(created_at=AT + timedelta(minutes=30))
    rejected = factories.webhook_event(status="rejected", code="INVALID_FIELD", created_at=AT + timedelta(minutes=60))
    return failed, accepted, rejected


def test_replay_of_what_failed():
    failed, _, rejected = three()
    told = wal_json("replay", "--failed")
    assert told == {
        "dry_run": False,
        "outcomes": {"accepted": 1},
        "requests": [{"id": str(failed.pk), "outcome": "accepted", "code": "ACCEPTED", "message": ""}],
    }
    rejected.refresh_from_db()
    assert rejected.replays == 0


@pytest.mark.parametrize(
    ("arguments", "chosen"),
    [
        (("--since", "2026-02-05T15:00:02"), (0, 2)),
        (("--since", "2026-02-05T15:00:03"), (2,)),
        (("--since", "2026-02-05T10:00:02-05:00", "--until", "2026-02-05T16:00:02"), (0,)),
        (("--since", "2026-02-05", "--until", "2026-02-05T16:00:03"), (0, 2)),
        (("--since", "2026-02-05", "--status", "rejected"), (2,)),
        (("--since", "2026-02-05", "--status", "rejected", "failed"), (0, 2)),
        (("--since", "2026-02-06"), ()),
    ],
)
def test_replay_chooses_by_arrival_and_end_and_a_dry_run_changes_nothing(arguments, chosen):
    events = three()
    told = wal_json("replay", *arguments, "--dry-run")
    assert [row["id"] for row in told["requests"]] == [str(events[number].pk) for number in chosen]
    assert told["dry_run"] is True
    assert not Signal.objects.exists()
    assert not WebhookEvent.objects.filter(replays__gt=0).exists()


def test_replay_of_the_accepted_by_id_is_no_failure_and_does_nothing():
    _, accepted, _ = three()
    told = wal_json("replay", "--id", str(accepted.pk), str(accepted.pk))
    assert told["outcomes"] == {"already_accepted": 1}
    assert not Signal.objects.exists()


def test_replay_fails_where_one_could_not_be_read_again_and_replays_the_others():
    failed, *_ = three()
    missing = uuid4()
    printed, said = wal_fails("replay", "--id", str(missing), str(failed.pk), "--json")
    assert [row["code"] for row in json.loads(printed)["requests"]] == ["NO_SUCH_REQUEST", "ACCEPTED"]
    assert said == "1 of 2 could not be read again, or failed again"


def test_replay_prints_a_table_for_people(capsys):
    failed, *_ = three()
    wal("replay", "--failed", "--dry-run")
    assert str(failed.pk) in capsys.readouterr().out
    wal("replay", "--failed")
    assert "1 requests read again" in capsys.readouterr().out


@pytest.mark.parametrize("option", [("--until", "2026-02-05"), ("--status", "failed")])
def test_what_narrows_a_time_needs_one(option):
    assert wal_fails("replay", "--failed", *option)[1] == "--until and --status go with --since"


@pytest.mark.parametrize(
    "arguments",
    [(), ("--failed", "--since", "2026-02-05"), ("--since", "yesterday"), ("--id", "7"), ("--status", "accepted")],
)
def test_what_cannot_be_understood_is_refused(arguments):
    wal_fails("replay", *arguments)
