"""Requests that the database could not take: kept in this host's spool, and moved into the inbox once it can."""

import base64
import binascii
import json
import logging
import re
import socket
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from functools import cache
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, connection, transaction

from optionsengine.core.errors import Transient
from optionsengine.core.leases import PASS_SECONDS
from optionsengine.core.retry import database_retry
from optionsengine.core.spool import DrainReport, RecordUnusableError, Spool
from optionsengine.ops.data import StageReport
from optionsengine.ops.enums import AlertLevel
from optionsengine.ops.services import alert_raise, alert_resolve
from optionsengine.pipeline.events import event_process
from signals.data import JudgedRequest
from signals.services import webhook_events_store

logger = logging.getLogger(__name__)

VERSION = 1
_MEBIBYTE = 1024 * 1024


def request_encode(request: JudgedRequest) -> bytes:
    """Return the request as one line of JSON, its body in base64."""
    document = asdict(request) | {
        "headers": dict(request.headers),
        "version": VERSION,
        "event_id": str(request.event_id),
        "received_at": request.received_at.isoformat(),
        "source_id": None if request.source_id is None else str(request.source_id),
        "body": base64.b64encode(request.body).decode(),
    }
    return json.dumps(document, separators=(",", ":")).encode()


def request_decode(record: bytes) -> JudgedRequest:
    """Return the request of a record.

    :raises RecordUnusableError: if it is none of this version.
    """
    try:
        document = json.loads(record)
        version = document.pop("version")
        if version != VERSION:
            raise RecordUnusableError(f"it was written by another release (version {version!r}); drain it with that")
        document |= {
            "event_id": UUID(document["event_id"]),
            "received_at": datetime.fromisoformat(document["received_at"]),
            "source_id": None if document["source_id"] is None else UUID(document["source_id"]),
            "body": base64.b64decode(document["body"], validate=True),
        }
        return JudgedRequest(**document)
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise RecordUnusableError(f"it is not a request: {error!r}") from error


@cache
def _spool(directory: Path, database: str, max_bytes: int) -> Spool:
    return Spool(directory / re.sub(r"[^A-Za-z0-9_-]", "_", database), max_bytes)


def spool_open() -> Spool:
    """Return this process's spool, one for each database: a demo must not take what waits for the real one."""
    return _spool(Path(settings.SPOOL_DIR), str(connection.settings_dict["NAME"]), settings.SPOOL_MAX_MB * _MEBIBYTE)


def spool_is_empty() -> bool:
    """Tell whether no request waits on this host; while one does, new ones queue behind it."""
    return spool_open().is_empty()


def request_spool(request: JudgedRequest) -> None:
    """Keep a judged request on this host's disk; when this returns, it may be acknowledged. Touches no database.

    :raises SpoolError: if it could not be kept, `SpoolFullError` for want of room; nothing of it is kept then.
    """
    spool_open().append(request_encode(request), key=str(request.event_id))


def spool_drain(
    *, at: datetime, seconds: float = PASS_SECONDS, progress: Callable[[], object] = lambda: None
) -> StageReport:
    """Move this host's waiting requests into the inbox, in order, and give each its effect.

    A request is inserted once by its key however often it is taken; `progress` is called after each. `deferred` counts
    those whose effect is left to recovery, `failed` also those that are damaged: they are set aside, and an alert says
    so.

    :raises Transient: if the database went away again, or the spool cannot be read; what was not taken stays.
    """
    report = StageReport()
    spool = spool_open()
    if not spool.is_empty():

        def take(record: bytes) -> None:
            _take(record, report, at=at)
            progress()

        drained = spool.drain(take, seconds=seconds)
        report.failed += drained.bad
        _told(drained)
    _bad_tell(spool, at=at)
    return report


def _take(record: bytes, report: StageReport, *, at: datetime) -> None:
    request = request_decode(record)
    report.claimed += 1
    try:
        database_retry(lambda: _insert(request))
    except (OperationalError, InterfaceError) as error:
        raise Transient(f"request {request.event_id} stays in the spool: {error}") from error
    except (DataError, ValueError) as error:
        raise RecordUnusableError(f"the database does not take request {request.event_id}: {error}") from error
    try:
        answer = event_process(request.event_id, at=at)
    except Transient:
        report.deferred += 1
        return
    if answer.http >= 500:
        report.failed += 1
    elif answer.http >= 400:
        report.refused += 1
    else:
        report.done += 1


def _insert(request: JudgedRequest) -> None:
    try:
        with transaction.atomic():
            webhook_events_store([request])
    except IntegrityError:
        # its source was deleted between our look and the commit: the second look finds it gone
        webhook_events_store([request])


def _told(drained: DrainReport) -> None:
    if drained.taken or drained.bad:
        logger.info("the spool gave %d requests, %d damaged", drained.taken, drained.bad)


def _bad_tell(spool: Spool, *, at: datetime) -> None:
    host = socket.gethostname()
    cause = f"spool.bad:{host}"
    names = spool.bad_files()
    if not names:
        alert_resolve(cause=cause, at=at)
        return
    alert_raise(
        cause=cause,
        level=AlertLevel.CRITICAL,
        message=f"Damaged records of acknowledged requests on {host}, in {spool.directory.name}: {', '.join(names)}. "
        "Look into them, send again what is missing, then delete them.",
        at=at,
    )
