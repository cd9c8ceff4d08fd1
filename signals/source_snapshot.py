"""The sources as this process last read them, so that a request can be judged while the database is away.

What another process changes is seen within `MAX_AGE_SECONDS`, what this one changes at once.
"""

import logging
import math
import threading
import time
from dataclasses import dataclass

from django.db import DatabaseError, InterfaceError, connection, transaction

from optionsengine.core.errors import Transient
from optionsengine.core.retry import connection_renew
from signals.data import SourceFacts
from signals.selectors import webhook_sources

logger = logging.getLogger(__name__)

MAX_AGE_SECONDS = 1.0
_UNKNOWN = "the sources have never been read, and the database is away"


class SourcesUnknown(Transient):
    """The database is away, and this process has never read the sources."""


@dataclass(frozen=True, slots=True)
class _Held:
    """What was read, the mark of the change it was read after, and when the table was asked."""

    sources: tuple[SourceFacts, ...]
    change: object
    asked_at: float


class _Snapshot:
    """One per process. Threads replace its values as a whole and read them without a lock."""

    def __init__(self) -> None:
        self.held: _Held | None = None
        self.change = object()
        self.failed_at = -math.inf
        self.reading = threading.Lock()


_snapshot = _Snapshot()


def sources_known(*, fresh: bool = True) -> tuple[SourceFacts, ...]:
    """Return every source, read at most once a second; the last that were read while the database is away.

    Not `fresh` says that it is known to be away: then nobody waits for it, unless none were ever read.
    A thread waits for another's reading only where what it has is known to be out of date. Inside a transaction the
    table itself is read: what stands there may yet be rolled back.

    :raises SourcesUnknown: if the database is away and none were ever read.
    """
    if connection.in_atomic_block:
        return webhook_sources()
    held = _snapshot.held
    if held is not None and not fresh:
        return held.sources
    if held is None or held.change is not _snapshot.change:
        with _snapshot.reading:
            return _read()
    if _is_young(held.asked_at) or not _snapshot.reading.acquire(blocking=False):
        return held.sources
    try:
        return _read()
    finally:
        _snapshot.reading.release()


def _is_young(moment: float) -> bool:
    return time.monotonic() - moment < MAX_AGE_SECONDS


def _read() -> tuple[SourceFacts, ...]:
    """Read the table, unless another thread just has. After a failure the next try is a second off too."""
    held, change, asked_at = _snapshot.held, _snapshot.change, time.monotonic()
    if held is not None and held.change is change and _is_young(held.asked_at):
        return held.sources
    if held is None and _is_young(_snapshot.failed_at):
        raise SourcesUnknown(_UNKNOWN)
    try:
        sources = webhook_sources()
    except (DatabaseError, InterfaceError) as error:  # without its schema a database is as good as away
        connection_renew()
        _snapshot.failed_at = time.monotonic()
        if held is None:
            raise SourcesUnknown(_UNKNOWN) from error
        logger.warning("the sources cannot be read (%s); those last known are used", str(error).partition("\n")[0])
        _snapshot.held = _Held(held.sources, change, _snapshot.failed_at)
        return held.sources
    _snapshot.held = _Held(sources, change, asked_at)
    return sources


def sources_reread(*, since: float) -> bool:
    """Read the table, unless it was read after `since` (monotonic clock); tell whether it says something else now.

    For a request that is about to be refused: another process may have given its sender a secret a moment ago. While
    the database is away nothing is new.
    """
    held = _snapshot.held
    if connection.in_atomic_block or held is None or held.asked_at >= since:
        return False
    change, asked_at = _snapshot.change, time.monotonic()
    try:
        sources = webhook_sources()
    except (DatabaseError, InterfaceError) as error:
        connection_renew()
        logger.warning("the sources cannot be read again (%s)", type(error).__name__)
        return False
    _snapshot.held = _Held(sources, change, asked_at)
    return sources != held.sources


def sources_changed(**_: object) -> None:
    """Have the next request read the table, now and again once the change is committed."""
    _mark_change()
    transaction.on_commit(_mark_change)


def _mark_change() -> None:
    _snapshot.change = object()


def sources_forget() -> None:
    """Forget what was read and failed, as a process that has just started."""
    _snapshot.held, _snapshot.failed_at = None, -math.inf
