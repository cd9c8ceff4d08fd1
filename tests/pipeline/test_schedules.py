"""The table of schedules, its cron expressions, its registration, and the tick that feeds the queue."""

import pydoc
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from croniter import croniter
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django_q.models import OrmQ, Schedule
from hypothesis import given
from hypothesis import strategies as st

from optionsengine.core import clock
from optionsengine.ops.enums import Job
from optionsengine.ops.models import Alert
from optionsengine.pipeline.nudges import Cluster
from optionsengine.pipeline.runner_tick import BACKLOG_LIMIT, schedules_tick
from optionsengine.pipeline.schedules import (
    cluster_jobs,
    interval_cron,
    interval_expressible,
    schedule_table,
    schedules_register,
)
from optionsengine.pipeline.write_ahead import spool_open

AT = datetime(2026, 2, 3, 15, 0, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "cron"),
    [
        (1, "* * * * * *"),
        (2, "* * * * * */2"),
        (10, "* * * * * */10"),
        (30, "* * * * * */30"),
        (60, "* * * * * 0"),
        (120, "*/2 * * * * 0"),
        (300, "*/5 * * * * 0"),
        (1800, "*/30 * * * * 0"),
        (3600, "0 * * * * 0"),
        (7200, "0 */2 * * * 0"),
        (43200, "0 */12 * * * 0"),
        (86400, "0 0 * * * 0"),
    ],
)
def test_an_interval_becomes_cron_with_the_seconds_last(seconds, cron):
    assert interval_cron(seconds) == cron


@pytest.mark.parametrize(
    ("seconds", "use"),
    [
        (7, "6 or 10"),
        (45, "30 or 60"),
        (59, "30 or 60"),
        (61, "60 or 120"),
        (90, "60 or 120"),
        (420, "360 or 600"),
        (3599, "1800 or 3600"),
        (3601, "3600 or 7200"),
        (18000, "14400 or 21600"),
    ],
)
def test_an_interval_cron_cannot_say_is_refused_with_its_neighbours(seconds, use):
    with pytest.raises(ImproperlyConfigured, match=rf"{seconds} s does not: use {use}$"):
        interval_cron(seconds)


@given(
    seconds=st.integers(1, 86400).filter(interval_expressible),
    at=st.datetimes(datetime(2026, 1, 1), datetime(2028, 3, 1), timezones=st.just(UTC)),
)
def test_every_cron_fires_with_gaps_of_exactly_its_interval(seconds, at):
    firing = croniter(interval_cron(seconds), at)
    times = [firing.get_next(datetime) for _ in range(5)]
    assert timedelta(0) < times[0] - at <= timedelta(seconds=seconds)
    assert {after - before for before, after in pairwise(times)} == {timedelta(seconds=seconds)}


def test_each_job_has_one_schedule_but_the_one_that_is_only_nudged():
    assert sorted(spec.job for spec in schedule_table()) == sorted(set(Job) - {Job.PROCESS_SIGNAL})
    assert all(callable(pydoc.locate(spec.func)) for spec in schedule_table())


def test_exits_have_a_cluster_of_their_own():
    exits = {Job.REFRESH_POSITIONS, Job.MONITOR_EXITS, Job.EXECUTE_EXITS, Job.HEARTBEAT_EXITS}
    assert cluster_jobs(Cluster.EXITS) == exits
    assert cluster_jobs(Cluster.ENTRIES) == set(Job) - exits


def test_a_wrong_interval_stops_the_start_with_its_name(settings):
    settings.EXECUTOR_INTERVAL = 7
    found = [message for message in run_checks() if message.id == "pipeline.E001"]
    assert [message.msg for message in found] == [
        "EXECUTOR_INTERVAL: an interval must divide a minute, an hour or a day evenly; 7 s does not: use 6 or 10."
    ]


def _rows():
    return {row.name: row for row in Schedule.objects.all()}


@pytest.mark.django_db
def test_registering_writes_the_table(settings):
    settings.EXECUTOR_INTERVAL = 10
    schedules_register(at=AT)
    rows = _rows()
    assert sorted(rows) == sorted(f"oe:{job.value}" for job in set(Job) - {Job.PROCESS_SIGNAL})
    row = rows["oe:execute_exits"]
    assert (row.func, row.schedule_type, row.cron, row.cluster, row.repeats, row.next_run) == (
        "optionsengine.pipeline.jobs.execute_exits",
        Schedule.CRON,
        "* * * * * */10",
        "exits",
        -1,
        AT.replace(second=10),
    )


@pytest.mark.django_db
def test_registering_again_changes_nothing_and_puts_no_due_job_off():
    schedules_register(at=AT)
    before = list(Schedule.objects.order_by("pk").values())
    schedules_register(at=AT + timedelta(hours=3))
    assert list(Schedule.objects.order_by("pk").values()) == before


@pytest.mark.django_db
def test_a_changed_interval_moves_the_next_run(settings):
    schedules_register(at=AT)
    settings.RECONCILE_INTERVAL = 3600
    schedules_register(at=AT)
    row = _rows()["oe:reconcile"]
    assert (row.cron, row.next_run) == ("0 * * * * 0", AT.replace(hour=16, minute=0, second=0))


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", [{"next_run": None}, {"next_run": AT + timedelta(days=400)}, {"repeats": 0}])
def test_a_row_that_would_never_run_is_set_right(wrong):
    schedules_register(at=AT)
    Schedule.objects.filter(name="oe:execute_orders").update(**wrong)
    schedules_register(at=AT)
    row = _rows()["oe:execute_orders"]
    assert (row.next_run, row.repeats) == (AT.replace(second=10), -1)


@pytest.mark.django_db
def test_doubles_and_rows_no_longer_listed_go_and_rows_of_others_stay():
    schedules_register(at=AT)
    for name in ("oe:execute_orders", "oe:of_an_older_version", "nightly report", None):
        Schedule.objects.create(name=name, func="builtins.int", schedule_type=Schedule.DAILY, next_run=AT)
    schedules_register(at=AT)
    assert Schedule.objects.filter(name="oe:execute_orders").count() == 1
    assert not Schedule.objects.filter(name="oe:of_an_older_version").exists()
    assert Schedule.objects.filter(func="builtins.int").count() == 2


def _queued(cluster):
    return sorted(task.func() for task in OrmQ.objects.filter(key=cluster))


@pytest.mark.django_db
def test_a_tick_enqueues_what_is_due_in_its_cluster_once():
    now = clock.now()
    schedules_register(at=now - timedelta(days=2))
    schedules_tick(at=now)
    expected = sorted(spec.func for spec in schedule_table() if spec.cluster == Cluster.ENTRIES)
    assert _queued("entries") == expected
    assert _queued("exits") == []
    schedules_tick(at=now)
    assert _queued("entries") == expected
    assert Schedule.objects.filter(cluster="entries", next_run__lt=now).count() == 0


@pytest.mark.django_db
def test_a_tick_makes_the_inbox_due_while_a_request_waits_in_the_spool(settings, tmp_path):
    settings.SPOOL_DIR = tmp_path
    now = clock.now()
    schedules_register(at=now)
    schedules_tick(at=now)
    assert _queued("entries") == []
    spool_open().append(b"{}", key="1")
    schedules_tick(at=now)
    assert _queued("entries") == ["optionsengine.pipeline.jobs.recover_inbox"]


BROKEN = [
    {"args": "not python ("},
    {"args": "unknown_name"},
    {"kwargs": "{'q_options': 5}"},
    {"kwargs": "{1: 2}"},
    {"schedule_type": Schedule.CRON, "cron": "every day"},
    {"schedule_type": Schedule.CRON, "cron": None},
]


def _foreign(**columns):
    at = clock.now() - timedelta(days=2)
    given = {"func": "builtins.int", "schedule_type": Schedule.DAILY, "next_run": at, **columns}
    return Schedule.objects.bulk_create([Schedule(**given)])[0]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("broken", BROKEN)
def test_a_malformed_row_of_a_person_stops_nothing_and_is_switched_off(broken):
    now = clock.now()
    schedules_register(at=now - timedelta(days=2))
    bad = _foreign(name="bad", **broken)
    schedules_tick(at=now)
    assert _queued("entries") == sorted(spec.func for spec in schedule_table() if spec.cluster == Cluster.ENTRIES)
    bad.refresh_from_db()
    assert bad.repeats == 0
    alert = Alert.objects.get()
    assert (alert.cause, alert.resolved_at) == (f"schedule.broken:{bad.pk}", None)
    assert "(bad) cannot run" in alert.message


@pytest.mark.django_db(transaction=True)
def test_the_broken_row_is_found_among_good_ones():
    now = clock.now()
    good = _foreign(name="good", schedule_type=Schedule.HOURLY, args="7")
    bad = _foreign(name="bad", args="not python (")
    other = _foreign(name=None)
    for _ in range(4):
        Schedule.objects.filter(next_run__gt=now, next_run__lt=now + timedelta(minutes=2)).update(
            next_run=now - timedelta(minutes=1)  # the minute they were put off by is over
        )
        schedules_tick(at=now)
        schedules_tick(at=now)
    repeats = dict(Schedule.objects.values_list("pk", "repeats"))
    assert repeats == {good.pk: -1, bad.pk: 0, other.pk: -1}
    assert _queued("entries") == ["builtins.int", "builtins.int"]
    assert [alert.cause for alert in Alert.objects.all()] == [f"schedule.broken:{bad.pk}"]


@pytest.mark.django_db
def test_a_row_of_ours_runs_what_the_table_says_whatever_was_done_to_it():
    now = clock.now()
    schedules_register(at=now - timedelta(days=2))
    Schedule.objects.filter(name="oe:reconcile").update(cron="every day", func="builtins.exit", args="(")
    schedules_tick(at=now)
    assert "optionsengine.pipeline.jobs.reconcile" in _queued("entries")
    assert _rows()["oe:reconcile"].next_run > now
    schedules_register(at=now)
    row = _rows()["oe:reconcile"]
    assert (row.cron, row.func, row.args) == ("*/5 * * * * 0", "optionsengine.pipeline.jobs.reconcile", None)


@pytest.mark.django_db
@pytest.mark.parametrize(("waiting", "ticks"), [(BACKLOG_LIMIT - 1, True), (BACKLOG_LIMIT, False)])
def test_a_full_queue_is_not_filled_further(waiting, ticks):
    now = clock.now()
    schedules_register(at=now - timedelta(days=2))
    OrmQ.objects.bulk_create([OrmQ(key="entries", payload="", lock=now - timedelta(seconds=1))] * waiting)
    schedules_tick(at=now)
    assert (OrmQ.objects.count() > waiting) is ticks
