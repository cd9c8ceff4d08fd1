"""The way of one request: judged, blanked, stored and committed; then parsed, read and given its one effect.

What follows the first commit is `event_process`: the view calls it at once, recovery calls it for whatever a crash
left behind, and both give the same result.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from django.conf import settings
from django.db import DatabaseError, InterfaceError, transaction

from optionsengine.core import ids
from optionsengine.core.announcements import Announcements
from optionsengine.core.deadline import deadline
from optionsengine.core.errors import Transient
from optionsengine.core.locks import failures_lock
from optionsengine.core.retry import connection_renew
from optionsengine.pipeline.acceptance import Stored, events_accept
from optionsengine.pipeline.answers import Answer, answer_queued, answer_refused, answer_unavailable
from optionsengine.pipeline.events import event_process
from optionsengine.pipeline.storing import STORE_SECONDS, Kept, breaker, database_is_away, requests_keep
from signals.authentication import FAILURES_PER_MINUTE, STANDARD_PREFIX, Credentials, authenticate
from signals.data import IntakeRejected, JudgedRequest, SourceFacts
from signals.enums import EventStatus, IntakeCode
from signals.models import WebhookEvent
from signals.redaction import body_redact, texts_redact, tokens_read
from signals.selectors import failures_count
from signals.services import webhook_event_finish, webhook_events_store
from signals.source_snapshot import SourcesUnknown, sources_known, sources_reread

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 128 * 1024
ANSWER_SECONDS = 2.0  # senders give up after 3 s
_LEAST_SECONDS = 0.25  # to store in, however long a request has waited for its turn


@dataclass(frozen=True, slots=True)
class Incoming:
    """One request as the web server gave it, at `perf_counter` `started`.

    `path` has no token in it; `headers` are safe to store.
    """

    body: bytes
    path: str
    slug: str = ""
    path_token: str = ""
    signature: str = ""
    timestamp: str = ""
    standard_id: str = ""
    standard_timestamp: str = ""
    standard_signature: str = ""
    content_type: str = ""
    user_agent: str = ""
    ip: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)


def request_receive(incoming: Incoming, *, at: datetime) -> Answer:
    """Take one request through the whole intake and return its answer, within `ANSWER_SECONDS` whatever hangs."""
    if len(incoming.body) > MAX_BODY_BYTES:
        return answer_refused(too_large())
    may_ask = breaker.allows()
    try:
        judged = _judge_newly(incoming, may_ask=may_ask, at=at)
    except IntakeRejected as refusal:
        return _unauthorized(incoming, refusal, may_ask=may_ask, at=at)
    except SourcesUnknown as error:
        logger.error("a request could not be judged: %s", error)
        return answer_unavailable()
    announcements = Announcements()
    [result] = _take([judged], may_ask=may_ask, at=at, announcements=announcements)
    announcements.say()
    return result if isinstance(result, Answer) else result()


def requests_receive(
    arrivals: Sequence[tuple[Incoming, datetime]], *, announcements: Announcements
) -> list[Answer | Callable[[], Answer]]:
    """Take requests that came together, each with when it came, through the intake: two commits for all of them.

    Returns the answers of those that are ordinary. For each other one the rest of the way, to be called on a thread of
    its own so that nobody waits for it: the whole way of one whose sender is unknown or of all while the database is
    away, the effect of what is stored and no new signal. It gives the answer `request_receive` would have given.
    What is to be announced is left in `announcements`, so that it is said once for many groups.
    """
    results: list[Answer | Callable[[], Answer]] = [partial(request_receive, one, at=at) for one, at in arrivals]
    judged: dict[int, Stored] = {}
    for index, (incoming, at) in enumerate(() if database_is_away() else arrivals):
        try:
            judged[index] = _judge(incoming, may_ask=True, at=at)
        except Exception:  # noqa: BLE001, S112 - a refusal, or what the request's own way will tell
            continue
    if judged:
        taken = _take(list(judged.values()), may_ask=True, at=arrivals[-1][1], announcements=announcements)
        for index, result in zip(judged, taken, strict=True):
            results[index] = result
    return results


def _take(
    judged: Sequence[Stored], *, may_ask: bool, at: datetime, announcements: Announcements
) -> list[Answer | Callable[[], Answer]]:
    """Keep judged requests and accept what is ordinary among them; return answers, or what is left to do for one.

    Those that waited for their turn, behind some that hung, have less time left.
    """
    oldest = min(one.started for one in judged)
    within = min(STORE_SECONDS, max(_seconds_left(oldest), _LEAST_SECONDS))
    kept = requests_keep([one.request for one in judged], may_ask=may_ask, within=within)
    stored = [one for one, where in zip(judged, kept, strict=True) if where is Kept.INBOX]
    accepted: list[Answer | None] = [None] * len(stored)
    if stored and (left := _seconds_left(oldest)):
        with deadline(left):
            accepted = events_accept(stored, at=at, announcements=announcements)
    answers = iter(accepted)
    results: list[Answer | Callable[[], Answer]] = []
    for one, where in zip(judged, kept, strict=True):
        if where is Kept.INBOX:
            results.append(next(answers) or partial(_finish, one, at=at))
        elif where is Kept.SPOOL:
            results.append(answer_queued(one.request.event_id))
        else:
            results.append(answer_unavailable())
    return results


def _seconds_left(started: float) -> float:
    return max(ANSWER_SECONDS - (time.perf_counter() - started), 0.0)


def _finish(stored: Stored, *, at: datetime) -> Answer:
    """Give a stored request its effect, or leave it to recovery if its sender cannot wait for it."""
    event_id = stored.request.event_id
    if left := _seconds_left(stored.started):
        try:
            with deadline(left):
                return event_process(event_id, at=at, started=stored.started)
        except Transient:
            pass
    logger.warning("webhook event %s is stored and waits for recovery", event_id)
    return answer_queued(event_id)


def too_large() -> IntakeRejected:
    """Return the refusal of a body over the cap."""
    return IntakeRejected(IntakeCode.PAYLOAD_TOO_LARGE, f"send at most {MAX_BODY_BYTES // 1024} KiB")


def _known_secrets(incoming: Incoming, sources: Sequence[SourceFacts]) -> list[str]:
    held = [row.secret for source in sources for row in source.secrets]
    # the key of a Standard Webhooks secret is as secret without its prefix
    keys = [secret.removeprefix(STANDARD_PREFIX) for secret in held]
    return [incoming.path_token, settings.HMAC_SECRET, *held, *keys]


def _judge_newly(incoming: Incoming, *, may_ask: bool, at: datetime) -> Stored:
    """Judge by the sources as this process knows them; whom they refuse, by the table as it is now.

    So a secret holds from the moment it is made, in every process. Raises what `_judge` raises.
    """
    asked = time.monotonic()
    try:
        return _judge(incoming, may_ask=may_ask, at=at)
    except IntakeRejected:
        with deadline(STORE_SECONDS):
            is_new = may_ask and sources_reread(since=asked)
        if not is_new:
            raise
    return _judge(incoming, may_ask=may_ask, at=at)


def _judge(incoming: Incoming, *, may_ask: bool, at: datetime) -> Stored:
    """Return the request as it is to be stored, secrets blanked, with its sender; None is the environment's, or nobody.

    :raises IntakeRejected: `UNAUTHORIZED`.
    :raises SourcesUnknown: if it could not be judged, because the sources cannot be read and never were.
    """
    cause: SourcesUnknown | None = None
    try:
        with deadline(STORE_SECONDS):
            sources = sources_known(fresh=may_ask)
    except SourcesUnknown as error:
        sources, cause = (), error
    try:
        verdict = authenticate(
            Credentials(
                body=incoming.body,
                tokens=tokens_read(incoming.body),
                slug=incoming.slug,
                path_token=incoming.path_token,
                signature=incoming.signature,
                timestamp=incoming.timestamp,
                standard_id=incoming.standard_id,
                standard_timestamp=incoming.standard_timestamp,
                standard_signature=incoming.standard_signature,
                ip=incoming.ip,
            ),
            sources=sources,
            default_secret=settings.HMAC_SECRET,
            unsigned_allowed=settings.DEBUG and cause is None,
            at=at,
        )
    except IntakeRejected as refusal:
        if cause is None:
            raise
        # only the environment's source could be judged; the request may be good for one that is not known yet
        raise cause from refusal
    # whoever is refused leaves nothing to blank, and has no claim to the work
    known = _known_secrets(incoming, sources)
    redacted = body_redact(incoming.body, known)
    content_type, user_agent, *headers = texts_redact(
        [incoming.content_type, incoming.user_agent, *incoming.headers.values()], known
    )
    request = JudgedRequest(
        event_id=ids.new_id(),
        received_at=at,
        source_id=None if verdict.source is None else verdict.source.pk,
        authenticated=verdict.authenticated,
        path=incoming.path,
        content_type=content_type,
        body=redacted.body,
        headers=dict(zip(incoming.headers, headers, strict=True)),
        source_ip=incoming.ip,
        user_agent=user_agent,
        size=len(incoming.body),
    )
    return Stored(request, verdict.source, redacted.parsed, incoming.started)


def _unauthorized(incoming: Incoming, refusal: IntakeRejected, *, may_ask: bool, at: datetime) -> Answer:
    """Refuse a request, keeping a row without a body of it while its sender is not over the limit.

    The rows are what is counted, so that every process of every host counts the same. While the database is away
    nothing is kept: the refusal itself needs nobody. `may_ask` is what the breaker said. It is told of success only: a
    flood of these waits for its own lock, which says nothing against the database.
    """
    if may_ask:
        try:
            with deadline(STORE_SECONDS):
                answer = _failure_record(incoming, refusal, at=at)
        except (DatabaseError, InterfaceError, Transient) as error:
            connection_renew()
            logger.warning("a failed authentication was not recorded: %s", str(error).partition("\n")[0])
        else:
            breaker.succeeded()
            return answer
    return answer_refused(refusal)


def _failure_record(incoming: Incoming, refusal: IntakeRejected, *, at: datetime) -> Answer:
    # whoever takes one address for the other puts the token where the source's name belongs
    is_named = not incoming.slug or any(source.slug == incoming.slug for source in sources_known())
    with transaction.atomic():
        failures_lock(incoming.ip or "unknown")
        if failures_count(ip=incoming.ip, at=at, limit=FAILURES_PER_MINUTE) >= FAILURES_PER_MINUTE:
            return answer_refused(IntakeRejected(IntakeCode.THROTTLED, "too many failures; wait a minute"))
        event_id = ids.new_id()
        refused = JudgedRequest(
            event_id=event_id,
            received_at=at,
            source_id=None,
            authenticated=False,
            path=incoming.path if is_named else "/webhook/s/…",
            content_type="",
            body=b"",
            headers={},
            source_ip=incoming.ip,
            user_agent="",
            size=len(incoming.body),
        )
        webhook_events_store([refused])
        answer = answer_refused(refusal, event_id)
        webhook_event_finish(
            event=WebhookEvent.objects.get(pk=event_id),
            status=EventStatus.REJECTED,
            code=refusal.code.value,
            error=refusal.private,
            answer=answer.stored(),
            at=at,
        )
    return answer
