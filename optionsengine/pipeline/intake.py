"""The way of one request: judged, blanked, stored and committed; then parsed, read and given its one effect.

What follows the first commit is `event_process`: the view calls it at once, recovery calls it for whatever a crash
left behind, and both give the same result.
"""

import logging
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction

from bias.enums import BiasOutcome
from bias.services import bias_event_apply
from experiments.services import experiment_assign
from optionsengine.core.enums import Intent
from optionsengine.core.errors import Transient
from optionsengine.core.leases import MAX_ATTEMPTS, lease_claims
from optionsengine.core.locks import failures_lock
from optionsengine.ops.data import StageReport
from optionsengine.pipeline.answers import Answer, answer_failed, answer_queued, answer_refused
from optionsengine.pipeline.nudges import signal_nudge
from signals.adapters.registry import adapter_find
from signals.authentication import FAILURES_PER_MINUTE, Credentials, authenticate
from signals.data import Arrival, BiasDraft, ContextDraft, Detail, Draft, IntakeRejected, Ping, SignalDraft
from signals.enums import EventStatus, IntakeCode
from signals.models import WebhookEvent, WebhookSource
from signals.redaction import body_redact
from signals.selectors import events_unfinished, failures_count, webhook_sources
from signals.services import (
    context_save,
    signal_receive,
    webhook_event_finish,
    webhook_event_store,
)
from signals.strict_json import parse_object

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 128 * 1024
RECOVER_AFTER_SECONDS = 10
_SENDER_ID_CONSTRAINT = "webhook_events_sender_event_id"


@dataclass(frozen=True, slots=True)
class Incoming:
    """One request as the web server gave it. `path` has no token in it; `headers` are safe to store."""

    body: bytes
    path: str
    slug: str = ""
    path_token: str = ""
    signature: str = ""
    timestamp: str = ""
    content_type: str = ""
    user_agent: str = ""
    ip: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


def request_receive(incoming: Incoming, *, at: datetime) -> Answer:
    """Take one request through the whole intake and return its answer.

    :raises Transient: if the request could not be stored; nothing of it is kept.
    """
    started = time.perf_counter()
    if len(incoming.body) > MAX_BODY_BYTES:
        return answer_refused(too_large())
    try:
        try:
            event = _judge_and_store(incoming, at=at)
        except IntakeRejected as refusal:
            return _unauthorized(incoming, refusal, at=at)
    except (OperationalError, InterfaceError) as error:
        _connection_renew()
        raise Transient(f"the request could not be stored: {error}") from error
    try:
        return event_process(event.pk, at=at, started=started)
    except Transient:
        logger.warning("webhook event %s is stored and waits for recovery", event.pk)
        return answer_queued(event.pk)


def too_large() -> IntakeRejected:
    """Return the refusal of a body over the cap."""
    return IntakeRejected(IntakeCode.PAYLOAD_TOO_LARGE, f"send at most {MAX_BODY_BYTES // 1024} KiB")


def _known_secrets(incoming: Incoming, sources: Sequence[WebhookSource]) -> list[str]:
    return [incoming.path_token, settings.HMAC_SECRET, *(source.secret for source in sources)]


def _judge_and_store(incoming: Incoming, *, at: datetime) -> WebhookEvent:
    sources = webhook_sources()
    redacted = body_redact(incoming.body, _known_secrets(incoming, sources))
    verdict = authenticate(
        Credentials(
            body=incoming.body,
            tokens=redacted.tokens,
            slug=incoming.slug,
            path_token=incoming.path_token,
            signature=incoming.signature,
            timestamp=incoming.timestamp,
        ),
        sources=sources,
        default_secret=settings.HMAC_SECRET,
        unsigned_allowed=settings.DEBUG,
        at=at,
    )
    return webhook_event_store(
        at=at,
        source=verdict.source,
        authenticated=verdict.authenticated,
        path=incoming.path,
        content_type=incoming.content_type,
        body=redacted.body,
        headers=incoming.headers,
        source_ip=incoming.ip,
        user_agent=incoming.user_agent,
        size=len(incoming.body),
    )


def _unauthorized(incoming: Incoming, refusal: IntakeRejected, *, at: datetime) -> Answer:
    """Refuse a request, keeping a row without a body of it while its sender is not over the limit.

    The rows are what is counted, so that every process of every host counts the same.
    """
    with transaction.atomic():
        failures_lock(incoming.ip or "unknown")
        if failures_count(ip=incoming.ip, at=at, limit=FAILURES_PER_MINUTE) >= FAILURES_PER_MINUTE:
            return answer_refused(IntakeRejected(IntakeCode.THROTTLED, "too many failures; wait a minute"))
        event = webhook_event_store(
            at=at,
            source=None,
            authenticated=False,
            path=incoming.path,
            content_type="",
            body=b"",
            headers={},
            source_ip=incoming.ip,
            user_agent="",
            size=len(incoming.body),
        )
        answer = answer_refused(refusal, event.pk)
        webhook_event_finish(
            event=event, status=EventStatus.REJECTED, code=refusal.code.value, answer=answer.stored(), at=at
        )
    return answer


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
        _connection_renew()
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
    return _effect(event, adapter.read(body, arrival), body)


def _effect(event: WebhookEvent, draft: Draft, body: dict[str, Any]) -> tuple[EventStatus, Answer]:
    match draft:
        case SignalDraft():
            event.symbol = draft.symbol
            return _signal_effect(event, draft, body)
        case BiasDraft():
            event.symbol = draft.symbol
            return _bias_effect(event, draft)
        case ContextDraft():
            event.symbol = draft.symbol
            context_save(draft=draft, event=event, payload=body, at=event.created_at)
            return EventStatus.ACCEPTED, Answer(200, "CONTEXT_SAVED", event.pk, {"symbol": draft.symbol})
        case Ping():
            return EventStatus.IGNORED, Answer(200, "OK", event.pk)


def _signal_effect(event: WebhookEvent, draft: SignalDraft, body: dict[str, Any]) -> tuple[EventStatus, Answer]:
    event.sender_event_id = draft.sender_event_id
    at = event.created_at
    signal, is_created = signal_receive(draft=draft, event=event, payload=body, at=at)
    if not is_created:
        return EventStatus.DUPLICATE, Answer(200, "DUPLICATE", event.pk, {"signal_id": str(signal.pk)})
    extra: dict[str, Any] = {"signal_id": str(signal.pk), "is_test": signal.is_test, "intent": str(signal.intent)}
    if draft.intent == Intent.ENTRY:
        experiment = experiment_assign(signal=signal, at=at)
        extra |= {"experiment_id": str(experiment.pk), "variant": str(experiment.variant)}
    signal_nudge(signal.pk, draft.intent)
    return EventStatus.ACCEPTED, Answer(201, "ACCEPTED", event.pk, extra)


def _bias_effect(event: WebhookEvent, draft: BiasDraft) -> tuple[EventStatus, Answer]:
    outcome = bias_event_apply(draft=draft, event=event, at=event.created_at)
    extra = {"event_id": draft.event_id, "symbol": draft.symbol}
    match outcome:
        case BiasOutcome.ACCEPTED:
            event.sender_event_id = draft.event_id
            status = EventStatus.ACCEPTED
        case BiasOutcome.DUPLICATE:
            status = EventStatus.DUPLICATE
        case BiasOutcome.OUT_OF_ORDER:
            status = EventStatus.IGNORED
            extra["reason"] = IntakeCode.OUT_OF_ORDER.value
    return status, Answer(200, outcome.value, event.pk, extra)


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
        _connection_renew()
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


def _connection_renew() -> None:
    """Drop a connection that has failed, so that the next request opens a fresh one."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def elapsed_ms(started: float) -> float:
    """Return the milliseconds since `started`, a `perf_counter` reading."""
    return round((time.perf_counter() - started) * 1000, 3)
