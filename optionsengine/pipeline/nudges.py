"""Nudges: the transaction that makes work enqueues the next task in itself. A lost nudge costs time, never work."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django_q.conf import Conf
from django_q.signing import SignedPackage
from django_q.tasks import async_task

from optionsengine.core.enums import Intent
from optionsengine.pipeline.broker import task_channel

_PROCESS_SIGNAL = "optionsengine.pipeline.jobs.process_signal"
_MONITOR_EXITS = "optionsengine.pipeline.jobs.monitor_exits"


class Cluster(StrEnum):
    """The two queues: a flood of entries cannot delay an exit."""

    ENTRIES = "entries"
    EXITS = "exits"


def signal_task(signal_id: UUID, intent: Intent, *, at: datetime) -> tuple[str, str, str]:
    """Return the queue, the channel that wakes its cluster, and the signed task that a fresh signal needs.

    For a statement of the caller's; otherwise as the library's own `async_task`, which costs three times as much.
    """
    is_exit = intent == Intent.EXIT
    queue = (Cluster.EXITS if is_exit else Cluster.ENTRIES).value
    task = {
        "id": signal_id.hex,
        "name": f"signal {signal_id}",
        "func": _MONITOR_EXITS if is_exit else _PROCESS_SIGNAL,
        "args": () if is_exit else (str(signal_id),),
        "kwargs": {},
        "cluster": queue,
        "ack_failure": Conf.ACK_FAILURES,
        "started": at,
    }
    return queue, task_channel(queue), SignedPackage.dumps(task)


def signal_nudge(signal_id: UUID, intent: Intent) -> None:
    """Enqueue the work that a fresh signal is. Call inside the transaction that wrote it."""
    if intent == Intent.EXIT:
        exits_nudge()
    else:
        async_task(_PROCESS_SIGNAL, str(signal_id), cluster=Cluster.ENTRIES.value)


def exits_nudge() -> None:
    """Enqueue a pass over exits. Call inside the transaction that asked for the exit."""
    async_task(_MONITOR_EXITS, cluster=Cluster.EXITS.value)
