"""One cluster of workers, with the tick that feeds it its schedules."""

import logging
import time

from django.db import DatabaseError, InterfaceError, connections
from django_q.cluster import Cluster as LibraryCluster

from optionsengine.core import clock
from optionsengine.pipeline.runner_stop import StopRequest
from optionsengine.pipeline.runner_tick import schedules_tick
from optionsengine.pipeline.runner_warm import worker_warm

logger = logging.getLogger(__name__)
_TICK_SECONDS = 1.0


def cluster_serve() -> None:
    """Run the cluster `Q_CLUSTER_NAME` names until a signal says stop, or until its guard dies.

    The tick runs here, not in the runner: the library picks schedules by the one cluster name a process has, and a
    tick that hangs stops the heartbeat, so that it is replaced with its cluster.
    """
    worker_warm(at=clock.now())
    connections.close_all()  # a connection that two processes share after a fork is broken for both
    cluster = LibraryCluster()
    stop = StopRequest.on_signals()  # after the library's own handlers: its handler would block inside a tick
    cluster.start()
    while not stop.wait(_until_next_tick()) and cluster.sentinel.is_alive():
        try:
            schedules_tick(at=clock.now())
        except (DatabaseError, InterfaceError) as error:
            logger.warning("the schedules wait for the database: %s", str(error).strip().split("\n")[0])
            connections.close_all()
    cluster.stop()


def _until_next_tick() -> float:
    return _TICK_SECONDS - time.monotonic() % _TICK_SECONDS
