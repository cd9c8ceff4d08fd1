"""What the clusters run: each job is one pipeline call with the clock read once."""

from uuid import UUID

from optionsengine.core import clock
from optionsengine.ops.enums import Job
from optionsengine.ops.services import heartbeat_beat, job_run
from optionsengine.pipeline.enums import Stage
from optionsengine.pipeline.reconcile import reconcile_run
from optionsengine.pipeline.stages import signal_process, stage_run


def process_signal(signal_id: str) -> None:
    at = clock.now()
    job_run(job=Job.PROCESS_SIGNAL, at=at, stage=lambda: signal_process(UUID(signal_id), at=at))


def orchestrate() -> None:
    stage_run(Stage.DECIDE, at=clock.now())


def create_orders() -> None:
    stage_run(Stage.ORDERS, at=clock.now())


def execute_orders() -> None:
    stage_run(Stage.ENTRIES, at=clock.now())


def refresh_positions() -> None:
    """Mark the positions and judge the fresh marks at once: a stop must not wait for the monitor's own minute."""
    stage_run(Stage.REFRESH, at=clock.now())
    monitor_exits()


def monitor_exits() -> None:
    """Decide the exits and send their orders at once: a stop does not wait for the next sweep."""
    at = clock.now()
    stage_run(Stage.EXITS, at=at)
    stage_run(Stage.EXIT_ORDERS, at=at)


def execute_exits() -> None:
    """Recover the inbox here too: an exit alert that waits there must not wait behind a flood of entries."""
    at = clock.now()
    stage_run(Stage.INBOX, at=at)
    stage_run(Stage.EXIT_ORDERS, at=at)


def recover_inbox() -> None:
    stage_run(Stage.INBOX, at=clock.now())


def reconcile() -> None:
    at = clock.now()
    job_run(job=Job.RECONCILE, at=at, stage=lambda: reconcile_run(at=at))


def heartbeat_entries() -> None:
    heartbeat_beat(name="entries", at=clock.now())


def heartbeat_exits() -> None:
    heartbeat_beat(name="exits", at=clock.now())
