"""Every schedule of the engine in one table, and its registration with the job library."""

from dataclasses import dataclass
from datetime import datetime

from croniter import croniter
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django_q.models import Schedule

from optionsengine.core.locks import schedules_lock
from optionsengine.ops.enums import Job
from optionsengine.pipeline.nudges import Cluster

PREFIX = "oe:"  # marks the rows that are ours among those a person may have added
_JOBS = "optionsengine.pipeline.jobs"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400

_TABLE: tuple[tuple[Job, str, Cluster], ...] = (
    (Job.RECOVER_INBOX, "INBOX_RECOVERY_INTERVAL", Cluster.ENTRIES),
    (Job.ORCHESTRATE, "ORCHESTRATOR_INTERVAL", Cluster.ENTRIES),
    (Job.CREATE_ORDERS, "ORDER_CREATOR_INTERVAL", Cluster.ENTRIES),
    (Job.EXECUTE_ORDERS, "EXECUTOR_INTERVAL", Cluster.ENTRIES),
    (Job.RECONCILE, "RECONCILE_INTERVAL", Cluster.ENTRIES),
    (Job.HEARTBEAT_ENTRIES, "HEARTBEAT_INTERVAL", Cluster.ENTRIES),
    (Job.REFRESH_POSITIONS, "POSITION_REFRESHER_INTERVAL", Cluster.EXITS),
    (Job.MONITOR_EXITS, "EXIT_MONITOR_INTERVAL", Cluster.EXITS),
    (Job.EXECUTE_EXITS, "EXECUTOR_INTERVAL", Cluster.EXITS),
    (Job.HEARTBEAT_EXITS, "HEARTBEAT_INTERVAL", Cluster.EXITS),
)


@dataclass(frozen=True, slots=True)
class ScheduleSpec:
    """One job, how often it runs (`setting` names the interval, `seconds` is its value) and in which cluster."""

    job: Job
    setting: str
    seconds: int
    cluster: Cluster

    @property
    def name(self) -> str:
        return f"{PREFIX}{self.job.value}"

    @property
    def func(self) -> str:
        return f"{_JOBS}.{self.job.value}"


def schedule_table() -> tuple[ScheduleSpec, ...]:
    """Return every schedule with its interval from the settings."""
    return tuple(
        ScheduleSpec(job=job, setting=setting, seconds=getattr(settings, setting), cluster=cluster)
        for job, setting, cluster in _TABLE
    )


def cluster_jobs(cluster: Cluster) -> frozenset[Job]:
    """Return every job that runs in `cluster`, the ones that are only nudged included."""
    scheduled = {spec.job for spec in schedule_table() if spec.cluster == cluster}
    return frozenset(scheduled | ({Job.PROCESS_SIGNAL} if cluster == Cluster.ENTRIES else set()))


def interval_expressible(seconds: int) -> bool:
    """Tell whether cron can say "every `seconds`" with equal gaps.

    It can when the seconds divide a minute, or are whole minutes that divide an hour, or whole hours that divide a day.
    """
    if seconds <= 0:
        return False
    for unit, larger in ((1, _MINUTE), (_MINUTE, _HOUR), (_HOUR, _DAY)):
        if seconds % unit == 0 and larger % seconds == 0:
            return True
    return False


def interval_cron(seconds: int) -> str:
    """Return the six-field cron expression (seconds last) that fires every `seconds`, in step with the clock.

    :raises ImproperlyConfigured: if cron cannot express the interval; it says which neighbours it can.
    """
    if not interval_expressible(seconds):
        below = next((near for near in range(seconds - 1, 0, -1) if interval_expressible(near)), 1)
        above = next((near for near in range(seconds + 1, _DAY + 1) if interval_expressible(near)), _DAY)
        raise ImproperlyConfigured(
            f"an interval must divide a minute, an hour or a day evenly; {seconds} s does not: use {below} or {above}"
        )
    if seconds < _MINUTE:
        return f"* * * * * {_every(seconds)}"
    if seconds < _HOUR:
        return f"{_every(seconds // _MINUTE)} * * * * 0"
    if seconds < _DAY:
        return f"0 {_every(seconds // _HOUR)} * * * 0"
    return "0 0 * * * 0"


def _every(step: int) -> str:
    return "*" if step == 1 else f"*/{step}"


def next_run(spec: ScheduleSpec, at: datetime) -> datetime:
    """Return the first moment after `at` when the schedule fires."""
    following: datetime = croniter(interval_cron(spec.seconds), at).get_next(datetime)
    return following


def schedules_register(*, at: datetime) -> None:
    """Make the schedule rows those of the table, whatever they were; rows that are not ours stay as they are.

    Rows that say what they should keep their `next_run`, so that a restart does not put a due job off; a missing or
    impossible one (a clock that was wrong) is set anew. Doubles and rows no longer listed are deleted, because the
    library's name is not unique and each of them would run.

    :raises ImproperlyConfigured: if an interval cannot be expressed.
    """
    missing = {spec.name: spec for spec in schedule_table()}
    with transaction.atomic():
        schedules_lock()
        for row in Schedule.objects.select_for_update().filter(name__startswith=PREFIX).order_by("pk"):
            spec = missing.pop(row.name, None)
            if spec is None:
                row.delete()
                continue
            columns, latest = _columns(spec), next_run(spec, at)
            changed = any(getattr(row, field) != value for field, value in columns.items())
            if changed or row.next_run is None or row.next_run > latest:
                Schedule.objects.filter(pk=row.pk).update(**columns, next_run=latest)
        # in bulk, because the library's `save` would set `next_run` by a clock of its own
        Schedule.objects.bulk_create(
            [Schedule(name=spec.name, next_run=next_run(spec, at), **_columns(spec)) for spec in missing.values()]
        )


def _columns(spec: ScheduleSpec) -> dict[str, str | int | None]:
    return {
        "func": spec.func,
        "schedule_type": Schedule.CRON,
        "cron": interval_cron(spec.seconds),
        "cluster": spec.cluster.value,
        "repeats": -1,
        "minutes": None,
        "args": None,
        "kwargs": None,
        "hook": None,
        "intended_date_kwarg": None,
    }
