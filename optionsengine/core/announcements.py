"""What the engine says to whoever listens on a channel of PostgreSQL. It saves a wait and is never the only way."""

import json
import logging
import time
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError

from optionsengine.core.deadline import deadline
from optionsengine.core.prepared import execute_prepared
from optionsengine.core.retry import connection_renew

logger = logging.getLogger(__name__)

CHANGES = "optionsengine_events"
_MOST_CHANGES = 30  # in one announcement: PostgreSQL takes 8000 bytes
_SECONDS = 0.1  # is the longest that an announcement may take: alerts wait behind it
_NEVER = float("-inf")

_SAY = """
    SELECT count(pg_notify(channel, said)) FROM unnest(%(channels)s::text[], %(said)s::text[]) AS notice (channel, said)
"""


def announce(channels: Collection[str], changes: Sequence[dict[str, Any]] = ()) -> None:
    """Wake whoever listens on `channels` and tell `changes`, when the current transaction commits or else at once."""
    notices = [(channel, "") for channel in channels]
    for first in range(0, len(changes), _MOST_CHANGES):
        notices.append((CHANGES, json.dumps(changes[first : first + _MOST_CHANGES])))
    execute_prepared(_SAY, {"channels": [channel for channel, _ in notices], "said": [said for _, said in notices]})


def first_change(table: str, *, change_id: UUID, entity_id: UUID, to_status: str, at: datetime) -> dict[str, Any]:
    """Return an entity's first status in the words of the triggers, which tell all its later ones."""
    return {
        "table": table,
        "id": str(change_id),
        "entity_id": str(entity_id),
        "from": "",
        "to": to_status,
        "at": at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
    }


class Announcements:
    """Collects what is to be announced after commits, and says it in one statement. For one thread.

    Commits that announce wait for one another through their flush to the disk; a statement that writes nothing waits
    for no disk.
    """

    def __init__(self) -> None:
        self._channels: set[str] = set()
        self._changes: list[dict[str, Any]] = []
        self._said_at = _NEVER

    def add(self, channels: Collection[str], changes: Sequence[dict[str, Any]]) -> None:
        """Keep these for the next time something is said."""
        self._channels.update(channels)
        self._changes.extend(changes)

    def say(self, *, every: float = 0.0) -> None:
        """Announce what has been collected, unless something was said less than `every` seconds ago.

        What cannot be said is lost, and found by the next look of whoever would have heard it.
        """
        now = time.monotonic()
        if now - self._said_at < every or not (self._channels or self._changes):
            return
        channels, changes, self._channels, self._changes, self._said_at = self._channels, self._changes, set(), [], now
        try:
            with deadline(_SECONDS):
                announce(channels, changes)
        except (DatabaseError, InterfaceError) as error:
            connection_renew()
            logger.warning("%d changes were not announced: %s", len(changes), str(error).partition("\n")[0])
