"""From a stored event to its end: read, given its one effect, marked; by the request itself or by recovery."""

import logging
import time
import traceback
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction

from optionsengine.core.errors import Transient
from optionsengine.core.leases import MAX_ATTEMPTS, lease_claims
from optionsengine.ops.data import StageReport
from optionsengine.pipeline.answers import Answer, answer_failed, answer_refused
from optionsengine.pipeline.effects import effect_write
from signals.adapters.registry import adapter_find
from signals.data import Arrival, Detail, IntakeRejected
from signals.enums import EventStatus, IntakeCode
from signals.models import WebhookEvent
from signals.selectors import events_unfinished
from signals.services import webhook_event_finish
from signals.strict_json import parse_object

logger = logging.getLogger(__name__)

RECOVER_AFTER_SECONDS = 10
_SENDER_ID_CONSTRAINT = "webhook_events_sender_event_id"


def event_process(event_id: UUID, *, at: datetime, started: float | None = None) -> Answer:
    """Give a stored event its effect and its end in one transaction, once, and return the sender's answer.

    An event that has its end already gives the answer it gave then. Age and duplicates count from the event's arrival,
    not from `at`. `started` is the `perf_counter` at which the request came in.

    :raises Transient: if the database failed; the event stays `received`.
    """
    started = time.perf_counter() if started is None else started
    try:
        try:
            return _event_take(event_id, at=at, started=started)
        except IntegrityError as error:
            # the same sender's id has been accepted between our look and our mark: the second look finds it
            if _SENDER_ID_CONSTRAINT not in str(error):
                raise
            return _event_take(event_id, at=at, started=started)
    except (OperationalError, InterfaceError) as error:
        connection_renew()
        raise Transient(f"event {event_id} is left for recovery: {error}") from error
    except Exception:  # noqa: BLE001 - whatever went wrong, the event must say so and the sender be answered
        return _event_fail(event_id, trace=traceback.format_exc(), at=at, started=started)


def _event_take(event_id: UUID, *, at: datetime, started: float) -> Answer:
    with transaction.atomic():
        event = WebhookEvent.objects.select_for_update().get(pk=event_id)
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
    arrival = Arrival(
        at=event.created_at,
        allow_delayed_feed=settings.ALLOW_DELAYED_FEED,
        max_age_seconds=settings.SIGNAL_MAX_AGE_SECONDS,
        header_id=event.headers.get("webhook-id", ""),
    )
    return effect_write(event, adapter.read(body, arrival), body)


def _event_fail(event_id: UUID, *, trace: str, at: datetime, started: float) -> Answer:
    logger.error("webhook event %s failed; its row holds the trace", event_id)
    answer = answer_failed(event_id)
    try:
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
    except (OperationalError, InterfaceError) as error:
        connection_renew()
        raise Transient(f"event {event_id} is left for recovery: {error}") from error
    return answer


def events_recover(*, at: datetime) -> StageReport:
    """Finish the events that a crash left between their two commits, and give up on what kills its worker each time."""
    report = StageReport()
    unfinished = events_unfinished(at=at, older_than_seconds=RECOVER_AFTER_SECONDS)
    for event_id, _ in lease_claims(unfinished, at=at):
        report.claimed += 1
        if WebhookEvent.objects.values_list("attempts", flat=True).get(pk=event_id) > MAX_ATTEMPTS:
            trace = f"no worker finished it in {MAX_ATTEMPTS} attempts"
            _event_fail(event_id, trace=trace, at=at, started=time.perf_counter())
            report.failed += 1
            continue
        try:
            answer = event_process(event_id, at=at)
        except Transient:
            report.deferred += 1
            continue
        if answer.http >= 500:
            report.failed += 1
        elif answer.http >= 400:
            report.refused += 1
        else:
            report.done += 1
    return report


def connection_renew() -> None:
    """Drop a connection that has failed, so that the next request opens a fresh one."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def elapsed_ms(started: float) -> float:
    """Return the milliseconds since `started`, a `perf_counter` reading."""
    return round((time.perf_counter() - started) * 1000, 3)
