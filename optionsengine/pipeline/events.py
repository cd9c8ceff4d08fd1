"""From a stored event to its end: read, given its one effect, marked; by the request itself or by recovery."""

import logging
import time
import traceback
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, transaction

from optionsengine.core.errors import Transient
from optionsengine.core.leases import MAX_ATTEMPTS, lease_claims, lease_return
from optionsengine.core.retry import database_retry, is_transient
from optionsengine.ops.data import StageReport
from optionsengine.ops.enums import AlertLevel
from optionsengine.ops.services import alert_raise
from optionsengine.pipeline.answers import Answer, answer_failed, answer_refused
from optionsengine.pipeline.effects import effect_write
from signals.adapters.registry import adapter_find
from signals.data import Arrival, Detail, Draft, IntakeRejected
from signals.enums import EventStatus, Family, IntakeCode
from signals.models import WebhookEvent
from signals.selectors import events_unfinished
from signals.services import webhook_event_finish
from signals.strict_json import parse_object

logger = logging.getLogger(__name__)

RECOVER_AFTER_SECONDS = 10
PROCESS_WITHIN_SECONDS = 1.0  # a sender waits for the answer; what takes longer is finished by recovery
_SENDER_ID_CONSTRAINT = "webhook_events_sender_event_id"


def event_process(event_id: UUID, *, at: datetime, started: float | None = None) -> Answer:
    """Give a stored event its effect and its end in one transaction, once, and return the sender's answer.

    An event that has its end already gives the answer it gave then: so the outcome of a commit that was cut off is
    read by the event's key. Age and duplicates count from the event's arrival, not from `at`. `started` is the
    `perf_counter` at which the request came in.

    :raises Transient: if the database failed, tried again or not; the event stays `received`.
    """
    started = time.perf_counter() if started is None else started
    try:
        return database_retry(
            lambda: _event_take_again(event_id, at=at, started=started), within=PROCESS_WITHIN_SECONDS
        )
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the event must say so and the sender be answered
        _transient_raise(event_id, error)
        return _event_fail(event_id, trace=traceback.format_exc(), at=at, started=started)


def _transient_raise(event_id: UUID, error: Exception) -> None:
    """Turn an error of the database itself into `Transient`; any other is the caller's to tell."""
    if isinstance(error, OperationalError | InterfaceError) or is_transient(error):
        raise Transient(f"event {event_id} is left for recovery: {error}") from error


def _event_take_again(event_id: UUID, *, at: datetime, started: float) -> Answer:
    try:
        return _event_take(event_id, at=at, started=started)
    except IntegrityError as error:
        # the same sender's id has been accepted between our look and our mark: the second look finds it
        if _SENDER_ID_CONSTRAINT not in str(error):
            raise
        return _event_take(event_id, at=at, started=started)


def _event_take(event_id: UUID, *, at: datetime, started: float) -> Answer:
    with transaction.atomic():
        event = WebhookEvent.objects.select_for_update(of=("self",)).select_related("source").get(pk=event_id)
        if event.status != EventStatus.RECEIVED:
            return Answer.restored(event.answer, event.pk)
        code, details = "", list[Detail]()
        try:
            status, answer = _event_apply(event)
            code = str(answer.extra.get("reason", ""))
        except IntakeRejected as refusal:
            answer = answer_refused(refusal, event.pk)
            status = EventStatus.IGNORED if answer.status == "IGNORED" else EventStatus.REJECTED
            code, details = refusal.code.value, refusal.details
        if not event.authenticated:
            answer.extra["authenticated"] = False
        webhook_event_finish(
            event=event,
            status=status,
            code=code,
            error=str(answer.extra.get("error", "")),
            details=details,
            answer=answer.stored(),
            at=at,
            processing_ms=elapsed_ms(started),
        )
        return answer


def _event_apply(event: WebhookEvent) -> tuple[EventStatus, Answer]:
    """Read the event and write its effect, noting on the event what was read.

    :raises IntakeRejected: with the first check that fails; nothing has been written then.
    """
    body = parse_object(bytes(event.body))
    adapter = adapter_find(body, event.path)
    event.family = adapter.family
    arrival = _arrival(
        event.created_at,
        header_id=event.headers.get("webhook-id", ""),
        reads_id=event.source is None or event.source.reads_id,
    )
    return effect_write(event, adapter.read(body, arrival), body)


def event_read(
    body: dict[str, Any], *, path: str, header_id: str, reads_id: bool, at: datetime
) -> tuple[Family, Draft]:
    """Return a parsed body's family and what it asks for.

    :raises IntakeRejected: with the first check that fails.
    """
    adapter = adapter_find(body, path)
    return adapter.family, adapter.read(body, _arrival(at, header_id=header_id, reads_id=reads_id))


def _arrival(at: datetime, *, header_id: str, reads_id: bool) -> Arrival:
    return Arrival(
        at=at,
        allow_delayed_feed=settings.ALLOW_DELAYED_FEED,
        max_age_seconds=settings.SIGNAL_MAX_AGE_SECONDS,
        header_id=header_id,
        reads_id=reads_id,
    )


def _event_fail(event_id: UUID, *, trace: str, at: datetime, started: float, alert: str = "") -> Answer:
    """Give an event that cannot be finished its end, with an alert if there are words for one."""
    logger.error("webhook event %s failed; its row holds the trace", event_id)
    try:
        return database_retry(
            lambda: _event_fail_mark(event_id, trace=trace, at=at, started=started, alert=alert),
            within=PROCESS_WITHIN_SECONDS,
        )
    except (OperationalError, InterfaceError) as error:
        raise Transient(f"event {event_id} is left for recovery: {error}") from error


def _event_fail_mark(event_id: UUID, *, trace: str, at: datetime, started: float, alert: str) -> Answer:
    answer = answer_failed(event_id)
    with transaction.atomic():
        event = WebhookEvent.objects.select_for_update().get(pk=event_id)
        if event.status != EventStatus.RECEIVED:
            return Answer.restored(event.answer, event.pk)
        webhook_event_finish(
            event=event,
            status=EventStatus.FAILED,
            code=IntakeCode.INTERNAL_ERROR.value,
            error=trace.replace("\x00", ""),
            answer=answer.stored(),
            at=at,
            processing_ms=elapsed_ms(started),
        )
        if alert:
            alert_raise(cause=f"quarantine:event:{event_id}", level=AlertLevel.CRITICAL, message=alert, at=at)
    return answer


def events_recover(*, at: datetime) -> StageReport:
    """Finish the events that a crash left between their two commits, and give up on what kills its worker each time.

    An event that could not be finished because of the database has not been tried in the sense of that count.
    """
    report = StageReport()
    unfinished = events_unfinished(at=at, older_than_seconds=RECOVER_AFTER_SECONDS)
    for event_id, token in lease_claims(unfinished, at=at):
        report.claimed += 1
        try:
            answer = _event_recover(event_id, at=at)
        except Transient:
            logger.warning("webhook event %s goes on waiting for recovery", event_id, exc_info=True)
            lease_return(WebhookEvent, event_id, token, at=at)
            report.deferred += 1
            continue
        if answer.http >= 500:
            report.failed += 1
        elif answer.http >= 400:
            report.refused += 1
        else:
            report.done += 1
    return report


def _event_recover(event_id: UUID, *, at: datetime) -> Answer:
    attempts = WebhookEvent.objects.values_list("attempts", flat=True).get(pk=event_id)
    if attempts <= MAX_ATTEMPTS:
        return event_process(event_id, at=at)
    return _event_fail(
        event_id,
        trace=f"no worker finished it in {MAX_ATTEMPTS} attempts",
        at=at,
        started=time.perf_counter(),
        alert=f"Request {event_id} killed its worker {MAX_ATTEMPTS} times and is given up: its alert had no effect. "
        "Read the worker's log, then have it processed again from its page under Requests.",
    )


def elapsed_ms(started: float) -> float:
    """Return the milliseconds since `started`, a `perf_counter` reading."""
    return round((time.perf_counter() - started) * 1000, 3)
