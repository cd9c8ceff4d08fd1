"""What waits: in this host's spool, and unfinished in the inbox if the database can be asked."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError
from django.db.models import Count, Min, Q

from optionsengine.core.retry import connection_renew
from optionsengine.core.spool import SpoolStatus
from optionsengine.pipeline.write_ahead import spool_open
from signals.enums import EventStatus
from signals.models import WebhookEvent


@dataclass(frozen=True, slots=True)
class InboxBacklog:
    """Stored requests without an end, when the oldest arrived, and those that failed."""

    unfinished: int
    oldest_at: datetime | None
    failed: int


@dataclass(frozen=True, slots=True)
class WriteAheadStatus:
    """`inbox` is None while the database is away; `said` is then what it said."""

    spool: SpoolStatus
    inbox: InboxBacklog | None
    said: str

    @property
    def oldest_at(self) -> datetime | None:
        """When the oldest request in the spool arrived."""
        return None if self.spool.oldest is None else key_time(self.spool.oldest)

    def document(self) -> dict[str, Any]:
        """Return the whole as plain JSON values."""
        spool, inbox = self.spool, self.inbox
        return {
            "spool": {
                "files": spool.files,
                "records": spool.records,
                "bytes": spool.size,
                "max_bytes": spool.max_size,
                "oldest_at": _text(self.oldest_at),
                "bad_files": list(spool.bad_files),
            },
            "database": "away" if inbox is None else "answers",
            "inbox": None
            if inbox is None
            else {"unfinished": inbox.unfinished, "oldest_at": _text(inbox.oldest_at), "failed": inbox.failed},
        }


def write_ahead_status() -> WriteAheadStatus:
    """Look at the spool and the inbox without changing them.

    :raises SpoolError: if the spool cannot be read.
    """
    spool = spool_open().status()
    try:
        return WriteAheadStatus(spool, _inbox(), "")
    except (DatabaseError, InterfaceError) as error:
        connection_renew()
        return WriteAheadStatus(spool, None, str(error).partition("\n")[0])


def key_time(key: str) -> datetime:
    """Return when a UUIDv7 was made: the first 48 bits are its milliseconds (RFC 9562 §5.7)."""
    return datetime.fromtimestamp((UUID(key).int >> 80) / 1000, UTC)


def _inbox() -> InboxBacklog:
    unfinished = Q(status=EventStatus.RECEIVED)
    # two counts by the index of each, not one over the whole table
    waiting = WebhookEvent.objects.filter(unfinished).aggregate(count=Count("pk"), oldest=Min("created_at"))
    failed = WebhookEvent.objects.filter(status=EventStatus.FAILED).count()
    return InboxBacklog(waiting["count"], waiting["oldest"], failed)


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
