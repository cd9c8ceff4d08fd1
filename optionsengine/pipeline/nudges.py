"""Nudges: the transaction that makes work enqueues the next task in itself. A lost nudge costs time, never work."""

from enum import StrEnum
from uuid import UUID

from django_q.tasks import async_task

from optionsengine.core.enums import Intent


class Cluster(StrEnum):
    """The two queues: a flood of entries cannot delay an exit."""

    ENTRIES = "entries"
    EXITS = "exits"


def signal_nudge(signal_id: UUID, intent: Intent) -> None:
    """Enqueue the work that a fresh signal is. Call inside the transaction that wrote it."""
    if intent == Intent.EXIT:
        exits_nudge()
    else:
        async_task("optionsengine.pipeline.jobs.process_signal", str(signal_id), cluster=Cluster.ENTRIES.value)


def exits_nudge() -> None:
    """Enqueue a pass over exits. Call inside the transaction that asked for the exit."""
    async_task("optionsengine.pipeline.jobs.monitor_exits", cluster=Cluster.EXITS.value)
