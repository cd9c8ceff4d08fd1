"""The stages by name, and one pass over all of them."""

import logging
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection

from optionsengine.core.enums import Intent
from optionsengine.core.retry import connection_renew
from optionsengine.market.asking import asking_for_exits
from optionsengine.market.patience import patience
from optionsengine.market.selectors import provider_get
from optionsengine.ops.data import StageReport
from optionsengine.ops.enums import Job
from optionsengine.ops.services import job_run
from optionsengine.pipeline.approvals import approvals_lapse
from optionsengine.pipeline.enums import Stage
from optionsengine.pipeline.events import events_recover
from optionsengine.pipeline.exit_signals import exit_signals_apply
from optionsengine.pipeline.orchestrate import entries_decide
from optionsengine.pipeline.orders import orders_create, orders_execute
from optionsengine.pipeline.write_ahead import spool_drain
from positions.services import exits_monitor, positions_refresh, positions_settle

logger = logging.getLogger(__name__)


def _parts(name: str, *parts: Callable[[], StageReport]) -> StageReport:
    """Run every part of a stage; one that fails stops no other.

    :raises ExceptionGroup: with what failed, after all have run.
    """
    report = StageReport()
    failures: list[Exception] = []
    for part in parts:
        try:
            report.add(part())
        except Exception as error:
            logger.exception("a part of the %s failed", name)
            failures.append(error)
    if failures:
        raise ExceptionGroup(f"the {name} are not whole; the sweeps go on", failures)
    return report


def _inbox(at: datetime) -> StageReport:
    """What waits on this host's disk comes first: it arrived before the database was back."""
    return _parts("requests", lambda: spool_drain(at=at), lambda: events_recover(at=at))


def _decisions(at: datetime) -> StageReport:
    """What waited for a person too long has its end before anything new is decided."""
    return _parts("decisions", lambda: approvals_lapse(at=at), lambda: entries_decide(provider=provider_get(), at=at))


def _exits(at: datetime) -> StageReport:
    """Everything that decides a close: exit signals, expiries to settle, exit rules."""
    return _parts(
        "exits",
        lambda: exit_signals_apply(at=at),
        lambda: positions_settle(provider=provider_get(), at=at),
        lambda: exits_monitor(at=at),
    )


def _exit_orders(at: datetime) -> StageReport:
    """Exit signals that waited for an entry are due again before the exit rules are."""
    return _parts(
        "exit orders",
        lambda: exit_signals_apply(at=at),
        lambda: orders_execute(Intent.EXIT, provider=provider_get(), at=at),
    )


STAGES: dict[Stage, tuple[Job, Callable[[datetime], StageReport]]] = {
    Stage.INBOX: (Job.RECOVER_INBOX, _inbox),
    Stage.DECIDE: (Job.ORCHESTRATE, _decisions),
    Stage.ORDERS: (Job.CREATE_ORDERS, lambda at: orders_create(at=at)),
    Stage.ENTRIES: (Job.EXECUTE_ORDERS, lambda at: orders_execute(Intent.ENTRY, provider=provider_get(), at=at)),
    Stage.REFRESH: (Job.REFRESH_POSITIONS, lambda at: positions_refresh(provider=provider_get(), at=at)),
    Stage.EXITS: (Job.MONITOR_EXITS, _exits),
    Stage.EXIT_ORDERS: (Job.EXECUTE_EXITS, _exit_orders),
}


EXIT_PATIENCE_SECONDS = 8.0  # a task of two such stages ends after 20
_FOR_EXITS = frozenset({Stage.REFRESH, Stage.EXITS, Stage.EXIT_ORDERS})


def stage_run(stage: Stage, *, at: datetime) -> StageReport:
    """Run one pass of one stage and record it as a `JobRun`."""
    job, run = STAGES[stage]
    if stage not in _FOR_EXITS:
        return job_run(job=job, at=at, stage=lambda: run(at))
    with asking_for_exits(), patience(EXIT_PATIENCE_SECONDS):
        return job_run(job=job, at=at, stage=lambda: run(at))


def pipeline_run(*, at: datetime) -> dict[Stage, StageReport]:
    """Run one pass of every stage, in order. What the scheduled jobs do, in one process.

    :raises ExceptionGroup: if stages failed, after all the others have run.
    :raises OperationalError: at once, if the database is away; InterfaceError too.
    """
    reports: dict[Stage, StageReport] = {}
    failures: list[Exception] = []
    for stage in Stage:
        try:
            reports[stage] = stage_run(stage, at=at)
        except Exception as error:
            if isinstance(error, OperationalError | InterfaceError):
                connection_renew()
                connection.ensure_connection()  # raises where the database is away, and no stage could run
            logger.exception("the stage %s failed", stage.value)
            failures.append(error)
    if failures:
        raise ExceptionGroup("stages failed, the others have run; the log names each", failures)
    return reports


def signal_process(signal_id: UUID, *, at: datetime) -> StageReport:
    """Take one fresh entry signal through decision, order and fill, each stage in its own transactions."""
    provider = provider_get()
    report = entries_decide(provider=provider, at=at, only=signal_id)
    report.add(orders_create(at=at, only=signal_id))
    report.add(orders_execute(Intent.ENTRY, provider=provider, at=at, only=signal_id))
    return report
