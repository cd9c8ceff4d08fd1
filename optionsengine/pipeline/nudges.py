"""Nudges: the transaction that makes work enqueues the next task in itself. A lost nudge costs time, never work."""

from enum import StrEnum
from uuid import UUID

from django_q.tasks import async_task

from optionsengine.core.enums import Intent
from optionsengine.pipeline.broker import task_channel

_PROCESS_SIGNAL = "optionsengine.pipeline.jobs.process_signal"
_MONITOR_EXITS = "optionsengine.pipeline.jobs.monitor_exits"


class Cluster(StrEnum):
    """The two queues: a flood of entries cannot delay an exit."""

    ENTRIES = "entries"
    EXITS = "exits"


class _Packed:
    """Stands where the library expects a broker, and keeps the signed task for a statement of the caller's."""

    def __init__(self, list_key: str) -> None:
        self.list_key = list_key
        self.task = ""

    def enqueue(self, task: str) -> None:
        self.task = task


def signal_task(signal_id: UUID, intent: Intent) -> tuple[str, str, str]:
    """Return the queue, the channel that wakes its cluster, and the signed task that a fresh signal needs."""
    cluster = Cluster.EXITS if intent == Intent.EXIT else Cluster.ENTRIES
    packed = _Packed(cluster.value)
    if intent == Intent.EXIT:
        async_task(_MONITOR_EXITS, cluster=cluster.value, broker=packed)
    else:
        async_task(_PROCESS_SIGNAL, str(signal_id), cluster=cluster.value, broker=packed)
    return cluster.value, task_channel(cluster.value), packed.task


def signal_nudge(signal_id: UUID, intent: Intent) -> None:
    """Enqueue the work that a fresh signal is. Call inside the transaction that wrote it."""
    if intent == Intent.EXIT:
        exits_nudge()
    else:
        async_task(_PROCESS_SIGNAL, str(signal_id), cluster=Cluster.ENTRIES.value)


def exits_nudge() -> None:
    """Enqueue a pass over exits. Call inside the transaction that asked for the exit."""
    async_task(_MONITOR_EXITS, cluster=Cluster.EXITS.value)
