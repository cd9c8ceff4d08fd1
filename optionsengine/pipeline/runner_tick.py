"""The scheduler's tick, kept going when a row of the schedule table is broken or the queue is full."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django_q.brokers import get_broker
from django_q.conf import Conf
from django_q.models import Schedule
from django_q.scheduler import scheduler

from optionsengine.ops.enums import AlertLevel
from optionsengine.ops.services import alert_raise
from optionsengine.pipeline.schedules import PREFIX, schedules_register

BACKLOG_LIMIT = 200


def schedules_tick(*, at: datetime) -> None:
    """Enqueue every schedule of this process's cluster that is due, and set aside those that cannot be.

    With `BACKLOG_LIMIT` tasks waiting nothing is enqueued: that is work enough, and a later sweep finds the rest.
    """
    if get_broker().queue_size() >= BACKLOG_LIMIT:
        return
    due = set(_due(at).values_list("pk", flat=True))
    if not due:
        return
    scheduler()
    # the library swallows the error of one row and rolls back the tick of all, so that none of them has moved
    stuck = _due(at).filter(pk__in=due)
    if stuck.exists():
        _set_aside([row for row in stuck if not _can_run(row)], at=at)


def _due(at: datetime) -> QuerySet[Schedule]:
    """Return what the library would pick: its cluster's rows, and in the default cluster those that name none."""
    mine = Q(cluster=Conf.CLUSTER_NAME)
    if Conf.CLUSTER_NAME == Conf.PREFIX:
        mine |= Q(cluster=None)
    rows: QuerySet[Schedule] = Schedule.objects.filter(mine, next_run__lt=at).exclude(repeats=0)
    return rows


def _can_run(row: Schedule) -> bool:
    """Let the library run this row alone, and undo it: only it knows what it makes of a row."""
    with transaction.atomic():
        Schedule.objects.exclude(pk=row.pk).update(next_run=None)
        scheduler()
        moved = not Schedule.objects.filter(pk=row.pk, next_run=row.next_run, repeats=row.repeats).exists()
        transaction.set_rollback(True)
    return moved


def _set_aside(rows: list[Schedule], *, at: datetime) -> None:
    """Switch broken rows off and tell a person; rows of ours are made anew."""
    if any((row.name or "").startswith(PREFIX) for row in rows):
        schedules_register(at=at)
    for row in rows:
        if (row.name or "").startswith(PREFIX):
            continue
        Schedule.objects.filter(pk=row.pk).update(repeats=0)
        alert_raise(
            cause=f"schedule.broken:{row.pk}",
            level=AlertLevel.WARNING,
            message=f"Schedule {row.pk} ({row.name or row.func}) cannot run and is switched off: correct its arguments "
            "and cron expression in the admin, then set its repeats to -1.",
            at=at,
        )
