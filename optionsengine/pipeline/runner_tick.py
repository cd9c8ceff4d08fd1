"""The tick that feeds a cluster its schedules, kept going when a row of the schedule table is broken.

The library's own scheduler runs all due rows in one transaction and swallows the error of any, so that one malformed
row stops every schedule for ever. Therefore our rows are enqueued here, by our table, and the library's scheduler gets
only what is left: the rows a person added.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django_q.brokers import get_broker
from django_q.conf import Conf
from django_q.models import Schedule
from django_q.scheduler import scheduler
from django_q.tasks import async_task

from optionsengine.ops.enums import AlertLevel, Job
from optionsengine.ops.services import alert_raise
from optionsengine.pipeline.schedules import PREFIX, next_run, schedule_table
from optionsengine.pipeline.write_ahead import spool_is_empty

BACKLOG_LIMIT = 200
_PUT_OFF = timedelta(minutes=1)


def schedules_tick(*, at: datetime) -> None:
    """Enqueue every schedule of this process's cluster that is due at `at`; call it outside a transaction.

    With `BACKLOG_LIMIT` tasks waiting nothing is enqueued: that is work enough, and a later sweep finds the rest.
    """
    if get_broker().queue_size() >= BACKLOG_LIMIT:
        return
    if not spool_is_empty():
        _inbox_hasten(at=at)
    own_enqueue(at=at)
    due = list(_foreign_due(at).values_list("pk", flat=True))
    if due:
        scheduler()
        _single_out(list(_foreign_due(at).filter(pk__in=due).order_by("pk")), at=at)


def _inbox_hasten(*, at: datetime) -> None:
    """Make the inbox due now: the database is back, and until the spool is empty every new request queues behind it."""
    job = Job.RECOVER_INBOX
    Schedule.objects.filter(name=f"{PREFIX}{job.value}", next_run__gt=at, repeats=-1).update(next_run=at)


def own_enqueue(*, at: datetime) -> None:
    """Enqueue our own due schedules of this process's cluster, each once however many tickers there are."""
    specs = {spec.name: spec for spec in schedule_table() if spec.cluster == Conf.CLUSTER_NAME}
    with transaction.atomic():
        rows = Schedule.objects.select_for_update(skip_locked=True).filter(name__in=specs, next_run__lte=at)
        for row in rows.exclude(repeats=0):
            spec = specs[row.name]
            task = async_task(spec.func, group=spec.name, cluster=spec.cluster.value)
            Schedule.objects.filter(pk=row.pk).update(task=task, next_run=next_run(spec, at))


def _foreign_due(at: datetime) -> "QuerySet[Schedule]":
    """Return what the library would pick: its cluster's rows, and in the default cluster those that name none."""
    mine = Q(cluster=Conf.CLUSTER_NAME)
    if Conf.CLUSTER_NAME == Conf.PREFIX:
        mine |= Q(cluster=None)
    named = Q(name=None) | ~Q(name__startswith=PREFIX)
    rows: QuerySet[Schedule] = Schedule.objects.filter(mine, named, next_run__lt=at).exclude(repeats=0)
    return rows


def _single_out(stuck: list[Schedule], *, at: datetime) -> None:
    """Find the broken row among those that did not move: only one that is stuck alone is surely broken.

    In company, all but one are put off for a minute, so that the one is tried alone by the next tick.
    """
    if len(stuck) > 1:
        Schedule.objects.filter(pk__in=[row.pk for row in stuck[1:]]).update(next_run=at + _PUT_OFF)
    elif stuck:
        row = stuck[0]
        Schedule.objects.filter(pk=row.pk).update(repeats=0)
        alert_raise(
            cause=f"schedule.broken:{row.pk}",
            level=AlertLevel.WARNING,
            message=f"Schedule {row.pk} ({row.name or row.func}) cannot run and is switched off. It is none "
            "of the engine's own: correct its arguments or its cron expression where it was made, or delete it.",
            at=at,
        )
