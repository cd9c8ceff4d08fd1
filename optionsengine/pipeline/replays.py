"""Stored requests read again, as a person asks for: always safe, because only what had no effect goes back."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from bias.selectors import event_is_recorded
from optionsengine.core.errors import Refusal
from optionsengine.core.retry import database_retry
from optionsengine.pipeline.answers import Answer
from optionsengine.pipeline.enums import ReplayCode
from optionsengine.pipeline.events import event_process
from signals.enums import EventStatus, IntakeCode
from signals.models import WebhookEvent
from signals.services import webhook_event_reopen

logger = logging.getLogger(__name__)


class ReplayRefused(Refusal):
    """A request that is not read again; nothing of it was changed."""

    code: ReplayCode


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of one request: the word and code of its new answer, or the code of the refusal."""

    event_id: UUID
    outcome: str
    code: str
    message: str

    @property
    def is_failure(self) -> bool:
        """Whether a person has to look: the engine failed, or what was asked for could not be done."""
        harmless = (*EventStatus.values, ReplayCode.ALREADY_ACCEPTED.value.lower())
        return self.outcome == EventStatus.FAILED or self.outcome not in harmless


def event_replay(*, event_id: UUID, actor: str, at: datetime) -> Answer:
    """Read a stored request again, by its original arrival, and return the answer its sender would get now.

    One that had its effect, and one in another's hands, stays as it is; so an effect never comes twice.

    :raises ReplayRefused: if it is not read again; `code` and message say why.
    :raises Transient: if the database failed; recovery finishes it.
    """
    database_retry(lambda: _reopen(event_id, actor=actor, at=at))
    return event_process(event_id, at=at)


def events_replay(
    *, event_ids: Iterable[UUID], actor: str, at: datetime, progress: Callable[[], object] = lambda: None
) -> list[Replayed]:
    """Read stored requests again, each by itself, and return what became of each; `progress` is called after each.

    :raises Transient: if the database failed; what was replayed until then stays replayed.
    """
    results = []
    for event_id in event_ids:
        results.append(_replayed(event_id, actor=actor, at=at))
        progress()
    return results


def outcomes_count(results: Iterable[Replayed]) -> dict[str, int]:
    """Return how often each outcome came."""
    return dict(sorted(Counter(result.outcome for result in results).items()))


def _replayed(event_id: UUID, *, actor: str, at: datetime) -> Replayed:
    try:
        answer = event_replay(event_id=event_id, actor=actor, at=at)
    except ReplayRefused as refusal:
        return Replayed(event_id, refusal.code.value.lower(), refusal.code.value, refusal.message)
    status = WebhookEvent.objects.values_list("status", flat=True).get(pk=event_id)
    code = str(answer.extra.get("code") or answer.extra.get("reason") or answer.status)
    return Replayed(event_id, status, code, str(answer.extra.get("error", "")))


def _reopen(event_id: UUID, *, actor: str, at: datetime) -> None:
    with transaction.atomic():
        event = WebhookEvent.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=event_id).first()
        if event is None:
            if WebhookEvent.objects.filter(pk=event_id).exists():
                raise ReplayRefused(ReplayCode.IN_PROGRESS, "it is being read right now; look again in a moment")
            raise ReplayRefused(
                ReplayCode.NO_SUCH_REQUEST, "no request has this id; copy it from Requests in the admin"
            )
        if event.status == EventStatus.RECEIVED:
            return
        _require_replayable(event)
        logger.info(
            "webhook event %s, %s %s at %s, is replayed by %s",
            event.pk,
            event.status,
            event.code or "without a code",
            event.finished_at,
            actor,
        )
        webhook_event_reopen(event=event, at=at)


def _require_replayable(event: WebhookEvent) -> None:
    # an old bias event has its row in the history although it changed nothing
    if event.status == EventStatus.ACCEPTED or event_is_recorded(event.pk):
        raise ReplayRefused(ReplayCode.ALREADY_ACCEPTED, "already accepted: it had its effect, which comes only once")
    if event.code == IntakeCode.UNAUTHORIZED:
        raise ReplayRefused(
            ReplayCode.NOT_AUTHENTICATED,
            "its sender was not known, so nothing of its body was kept; mend the secret and have it sent again",
        )
    if event.size and not event.body:
        raise ReplayRefused(ReplayCode.BODY_NOT_KEPT, "its body is kept no longer; have its sender send it again")
