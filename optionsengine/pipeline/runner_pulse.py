"""Watches the signs of life of the clusters, end to end, and says which of them hangs.

A thread of its own, because a database that does not answer must not keep the runner from stopping.
"""

import logging
import queue
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections

from optionsengine.core import clock
from optionsengine.ops.enums import AlertLevel
from optionsengine.ops.models import Heartbeat, JobRun
from optionsengine.ops.services import alert_raise, alert_resolve
from optionsengine.pipeline.nudges import Cluster
from optionsengine.pipeline.schedules import cluster_jobs

logger = logging.getLogger(__name__)

START_GRACE_SECONDS = 20.0
_LONGEST_GRACE_SECONDS = 160.0
_MISSED_BEATS = 3
_SLACK_SECONDS = 2.0  # one tick and one poll of the queue
_READ_EVERY_SECONDS = 1.0
_SLOW_READ_SECONDS = 3.0
_RECENT = timedelta(minutes=2)

Sign = tuple[datetime | None, UUID | None]


@dataclass(frozen=True, slots=True)
class Silence:
    """How long ago, in seconds: this start, the last sign of life seen, and since when we have been able to look."""

    started: float
    sign: float | None
    looking: float


def is_hung(silence: Silence, *, interval: float, hangs: int) -> bool:
    """Tell whether a cluster hangs: three beats missed, or after a start none within the grace.

    The grace doubles with each start in a row that brought no sign (`hangs`), so that a slow machine gets there.
    Time in which we could not look counts as no silence.
    """
    if silence.sign is not None and silence.sign < min(silence.started, silence.looking):
        return silence.sign > _MISSED_BEATS * interval + _SLACK_SECONDS
    grace = min(START_GRACE_SECONDS * 2.0**hangs, _LONGEST_GRACE_SECONDS)
    grace = max(grace, _MISSED_BEATS * interval + _SLACK_SECONDS)
    return min(silence.started, silence.looking) > grace


@dataclass(frozen=True, slots=True)
class _Notice:
    """An alert to raise, or to resolve when there is no message."""

    cause: str
    message: str | None

    def write(self, at: datetime) -> None:
        if self.message is None:
            alert_resolve(cause=self.cause, at=at)
        else:
            alert_raise(cause=self.cause, level=AlertLevel.CRITICAL, message=self.message, at=at)


@dataclass(slots=True)
class _Watched:
    sign: Sign | None = None
    seen: float | None = None  # when the sign last changed before our eyes
    started: float | None = None  # None: not to be judged, it is down or being replaced
    hangs: int = 0


class Pulse:
    """Reads signs of life once a second. Ages are by the monotonic clock, so a wall clock that jumps proves nothing.

    A sign is a new heartbeat or a new job run: a beat may wait behind a burst of work, but work that gets done is life.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched = {cluster: _Watched() for cluster in Cluster}
        self._looking_since: float | None = None
        self._read = 0.0
        self._notices: queue.SimpleQueue[_Notice] = queue.SimpleQueue()

    def begin(self) -> None:
        """Start watching, until the process ends."""
        threading.Thread(target=self._run, name="pulse", daemon=True).start()

    def started(self, cluster: Cluster) -> None:
        """Note that the cluster was started just now: it is judged from here on."""
        with self._lock:
            self._watched[cluster].started = time.monotonic()

    def ended(self, cluster: Cluster, *, hung: bool = False) -> None:
        """Note that the cluster is down, `hung` if because it hung: there is nothing to judge until it starts."""
        with self._lock:
            self._watched[cluster].started = None
            self._watched[cluster].hangs += hung

    def hung(self) -> list[Cluster]:
        """Return the clusters that hang, by what was read last."""
        with self._lock:
            return [cluster for cluster, watched in self._watched.items() if self._hangs(watched)]

    def alarm(self, cause: str, message: str) -> None:
        """Raise an operations alert as soon as the database answers."""
        self._notices.put(_Notice(cause, message))

    def all_clear(self, cause: str) -> None:
        """Resolve the alert of this cause as soon as the database answers."""
        self._notices.put(_Notice(cause, None))

    def _hangs(self, watched: _Watched) -> bool:
        if watched.started is None or self._looking_since is None:
            return False
        sign = None if watched.seen is None else self._read - watched.seen
        silence = Silence(self._read - watched.started, sign, self._read - self._looking_since)
        return is_hung(silence, interval=settings.HEARTBEAT_INTERVAL, hangs=watched.hangs)

    def _run(self) -> None:
        while True:
            began = time.monotonic()
            try:
                signs = _signs_read(clock.now())
                self._take(signs, began)
                self._tell()
            except (DatabaseError, InterfaceError) as error:
                logger.warning("no look at the clusters: %s", str(error).strip().split("\n")[0])
                self._blinded()
            except Exception:
                logger.exception("the watch over the clusters failed; it goes on")
                self._blinded()
            time.sleep(_READ_EVERY_SECONDS)

    def _take(self, signs: dict[Cluster, Sign], began: float) -> None:
        now = time.monotonic()
        with self._lock:
            slow = now - began > _SLOW_READ_SECONDS or now - self._read > _SLOW_READ_SECONDS + _READ_EVERY_SECONDS
            self._read = now
            if self._looking_since is None or slow:
                self._looking_since = now
            for cluster, sign in signs.items():
                watched = self._watched[cluster]
                if sign == watched.sign:
                    continue
                if watched.sign is not None:
                    watched.seen = now
                    if watched.started is not None and watched.hangs:
                        watched.hangs = 0
                        self.all_clear(hung_cause(cluster))
                watched.sign = sign

    def _blinded(self) -> None:
        connections.close_all()
        with self._lock:
            self._looking_since = None

    def _tell(self) -> None:
        """Write the notices down; one that could not be written is kept."""
        while not self._notices.empty():
            notice = self._notices.get()
            try:
                notice.write(clock.now())
            except (DatabaseError, InterfaceError):
                self._notices.put(notice)
                raise


def hung_cause(cluster: Cluster) -> str:
    """Return the cause under which a hung cluster's alert is raised and resolved."""
    return f"runner.hung:{cluster.value}"


def _signs_read(at: datetime) -> dict[Cluster, Sign]:
    beats = dict(Heartbeat.objects.values_list("name", "beat_at"))
    return {cluster: (beats.get(cluster.value), _newest_run(cluster, at)) for cluster in Cluster}


def _newest_run(cluster: Cluster, at: datetime) -> UUID | None:
    runs = JobRun.objects.filter(job__in=cluster_jobs(cluster), created_at__gt=at - _RECENT)
    return runs.order_by("-created_at", "-pk").values_list("pk", flat=True).first()
