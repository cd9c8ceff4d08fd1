"""What changes the inbox and signals."""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Greatest

from optionsengine.core import ids
from optionsengine.core.announcements import announce, first_change
from optionsengine.core.enums import Intent
from optionsengine.core.errors import Permanent
from optionsengine.core.leases import lease_release
from optionsengine.core.prepared import execute_prepared
from signals.authentication import secret_make, token_hash
from signals.data import ContextDraft, Detail, IntakeRejected, JudgedRequest, SignalDraft
from signals.enums import SIGNAL_TRANSITIONS, EventStatus, IntakeCode, SignalStatus, SourceMode
from signals.models import (
    MarketContextReceived,
    Signal,
    SignalEvent,
    WebhookEvent,
    WebhookSecret,
    WebhookSource,
)
from signals.selectors import exits_newer, signals_alike

ROTATION_OVERLAP = timedelta(hours=24)
DEDUPE_WINDOW = timedelta(seconds=60)

# One statement claims the keys that a relation `asked` names, or leaves each with the signal that holds it; a second
# sender waits for the first to commit. A claim only moves forward, so that it always holds the newest signal; it is
# locked also where it stays. An entry that an exit overtook claims nothing; being looked for here that costs no
# statement of its own, and as a scalar it is looked for by index whatever the planner expects of `asked`.
CLAIM = """
    INSERT INTO signal_dedupe AS held (key, first_at, signal_id)
    SELECT key, at, signal FROM asked WHERE intent <> 'entry' OR (
        SELECT x.id FROM signals x WHERE x.symbol = asked.symbol AND x.created_at > asked.at AND x.intent = 'exit'
        AND x.side IN ('', asked.side) AND x.is_test = asked.is_test AND x.source_id IS NOT DISTINCT FROM asked.source
        AND (x.strike IS NULL OR x.strike = asked.strike)
        AND (x.expiration IS NULL OR x.expiration = asked.expiration) LIMIT 1) IS NULL
    ON CONFLICT (key) DO UPDATE SET first_at = excluded.first_at, signal_id = excluded.signal_id
    WHERE held.first_at < excluded.first_at - %(window)s::interval
    RETURNING signal_id AS signal
"""
_CLAIM_ONE = f"""
    WITH asked AS (
        SELECT %(key)s::text AS key, %(at)s::timestamptz AS at, %(signal)s::uuid AS signal, %(source)s::uuid AS source,
            %(intent)s::text AS intent, %(symbol)s::text AS symbol, %(side)s::text AS side,
            %(is_test)s::boolean AS is_test, %(strike)s::numeric AS strike, %(expiration)s::date AS expiration
    ) {CLAIM}
"""

_STORE = """
    INSERT INTO webhook_events (
        id, created_at, updated_at, source_id, path, content_type, body, headers, source_ip, user_agent, size,
        authenticated, family, sender_event_id, symbol, status, code, error, details, answer, attempts, replays
    ) SELECT id, at, at, (SELECT s.id FROM webhook_sources s WHERE s.id = source), path, content_type,
        decode(body, 'base64'), headers, ip, user_agent, size, authenticated,
        '', '', '', 'received', '', '', '[]', '{}', 0, 0
    FROM jsonb_to_recordset(%(requests)s::jsonb) AS request (
        id uuid, at timestamptz, source uuid, path text, content_type text, body text, headers jsonb, ip inet,
        user_agent text, size int, authenticated boolean
    ) ON CONFLICT (id) DO NOTHING
"""


class TransitionError(Permanent):
    """A status change the table does not allow."""


def _require_transaction() -> None:
    if not connection.in_atomic_block:
        raise RuntimeError("a status change and its event row need one transaction around them")


def webhook_source_create(
    *, slug: str, name: str, mode: SourceMode, at: datetime, secret: str = "", **options: Any
) -> tuple[WebhookSource, str]:
    """Make a source and return it with its secret or token, of which a token is shown this once only.

    Without a `secret` a fresh one is made. `options` are the source's other fields.
    """
    with transaction.atomic():
        source = WebhookSource.objects.create(slug=slug, name=name, mode=mode, created_at=at, updated_at=at, **options)
        return source, webhook_secret_add(source=source, at=at, secret=secret)


def webhook_secret_add(*, source: WebhookSource, at: datetime, secret: str = "") -> str:
    """Give a source one more secret or token that holds from `at`, and return it; a fresh one unless it is given."""
    secret = secret or secret_make(SourceMode(source.mode))
    is_token = source.mode == SourceMode.TOKEN
    WebhookSecret.objects.create(
        source=source,
        secret="" if is_token else secret,
        token_hash=token_hash(secret) if is_token else "",
        not_before=at,
        created_at=at,
    )
    return secret


def webhook_secret_rotate(
    *, source: WebhookSource, at: datetime, overlap: timedelta = ROTATION_OVERLAP, secret: str = ""
) -> str:
    """Give a source a secret or token that holds from `at` and return it; its older ones hold until `at + overlap`.

    One that ends earlier keeps its end. Without an overlap the older ones end at `at`, that moment included.
    """
    ends = at + overlap
    with transaction.atomic():
        # two people at once: one after the other
        locked = WebhookSource.objects.select_for_update().get(pk=source.pk)
        older = locked.secrets.filter(Q(not_after=None) | Q(not_after__gt=ends))
        older.update(not_after=Greatest(F("not_before"), Value(ends)))
        made = webhook_secret_add(source=locked, at=at, secret=secret)
        locked.updated_at = at
        locked.save(update_fields=["updated_at"])
    return made


def webhook_secret_end(*, secret: WebhookSecret, at: datetime) -> bool:
    """Let a secret or token hold until `at` and no longer; return False, and change nothing, if it had ended before."""
    with transaction.atomic():
        row = WebhookSecret.objects.select_for_update().get(pk=secret.pk)
        if row.not_after is not None and row.not_after <= at:
            return False
        row.not_after = max(at, row.not_before)
        row.save(update_fields=["not_after"])
    return True


def webhook_events_store(requests: Sequence[JudgedRequest]) -> None:
    """Store requests as they came, secrets already blanked, but for those that are stored already under their key.

    One whose source is gone is stored without it, because losing it would be worse. One statement, and one commit
    where no transaction is open, because every alert waits for it: all are stored or none.
    """
    rows = [
        {
            "id": str(request.event_id),
            "at": request.received_at.isoformat(),
            "source": None if request.source_id is None else str(request.source_id),
            "path": request.path[:200],
            "content_type": request.content_type[:100],
            "body": base64.b64encode(request.body).decode(),
            "headers": dict(request.headers),
            "ip": request.source_ip,
            "user_agent": request.user_agent[:300],
            "size": request.size,
            "authenticated": request.authenticated,
        }
        for request in requests
    ]
    execute_prepared(_STORE, {"requests": json.dumps(rows)})


def webhook_event_finish(
    *,
    event: WebhookEvent,
    status: EventStatus,
    answer: Mapping[str, Any],
    at: datetime,
    code: str = "",
    error: str = "",
    details: Sequence[Detail] = (),
    processing_ms: float | None = None,
) -> None:
    """Give a received event its end, with what was read of it so far. Call in the transaction of its effect.

    :raises TransitionError: if it has one already.
    """
    _require_transaction()
    if event.status != EventStatus.RECEIVED:
        raise TransitionError(f"event {event.pk} is {event.status} already")
    event.status = status
    event.code = code
    event.error = error
    event.details = list(details)
    event.answer = dict(answer)
    event.finished_at = at
    event.updated_at = at
    event.processing_ms = processing_ms
    fields = ["status", "code", "error", "details", "answer", "finished_at", "updated_at", "processing_ms"]
    event.save(update_fields=[*fields, "family", "symbol", "sender_event_id", *lease_release(event)])


def webhook_event_reopen(*, event: WebhookEvent, at: datetime) -> None:
    """Give a finished event that had no effect back to be read again, as if it had just come. Call under its lock.

    :raises TransitionError: if it has no end yet, or was accepted.
    """
    _require_transaction()
    if event.status in (EventStatus.RECEIVED, EventStatus.ACCEPTED):
        raise TransitionError(f"event {event.pk} is {event.status} and cannot be read again")
    cleared: dict[str, Any] = {
        "status": EventStatus.RECEIVED,
        "family": "",
        "symbol": "",
        "sender_event_id": "",
        "code": "",
        "error": "",
        "details": [],
        "answer": {},
        "finished_at": None,
        "processing_ms": None,
        "replays": event.replays + 1,
        "updated_at": at,
    }
    for name, value in cleared.items():
        setattr(event, name, value)
    event.save(update_fields=[*cleared, *lease_release(event)])


def _held_by_sender_id(event: WebhookEvent, sender_event_id: str) -> Signal | None:
    if not sender_event_id:
        return None
    return Signal.objects.filter(
        event__source_id=event.source_id,
        event__sender_event_id=sender_event_id,
        event__status=EventStatus.ACCEPTED,
    ).first()


def claim_values(draft: SignalDraft, *, signal_id: UUID, source_id: UUID | None, at: datetime) -> dict[str, Any]:
    """Return a row of what `CLAIM` asks for. It returns the signal's key if the signal is the first of its kind."""
    return {
        "key": draft.dedupe_key,
        "at": at,
        "signal": signal_id,
        "source": source_id,
        "intent": draft.intent.value,
        "symbol": draft.symbol,
        "side": draft.side.value if draft.side else "",
        "is_test": draft.is_test,
        "strike": draft.strike,
        "expiration": draft.expiration,
    }


def _claim(draft: SignalDraft, *, signal_id: UUID, source_id: UUID | None, at: datetime) -> bool:
    values = claim_values(draft, signal_id=signal_id, source_id=source_id, at=at)
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM_ONE, values | {"window": DEDUPE_WINDOW})
        return cursor.fetchone() is not None


def _repeated(draft: SignalDraft, *, event: WebhookEvent, signal_id: UUID, at: datetime) -> Signal | None:
    """Return the signal the draft repeats; None if it is the first, which holds the claim of its key then.

    :raises IntakeRejected: `SUPERSEDED`, if it repeats none and is an entry that an exit overtook.
    """
    first = _held_by_sender_id(event, draft.sender_event_id)
    if first is not None:
        return first
    if event.source is None or not event.source.ids_only:
        if _claim(draft, signal_id=signal_id, source_id=event.source_id, at=at):
            return None
        # It repeats what holds the claim, or it comes late: then signals on either side of it are stored already.
        first = signals_alike(draft, since=at - DEDUPE_WINDOW, until=at + DEDUPE_WINDOW).first()
        if first is not None:
            return first
    if draft.intent == Intent.ENTRY and exits_newer(draft, source_id=event.source_id, at=at).exists():
        raise IntakeRejected(
            IntakeCode.SUPERSEDED,
            f"an exit of {draft.symbol} that came after this entry has been seen already",
        )
    return None


def signal_receive(
    *, draft: SignalDraft, event: WebhookEvent, payload: Mapping[str, Any], at: datetime
) -> tuple[Signal, bool]:
    """Make the draft's signal and return it with True, or the signal it repeats with False.

    It repeats one that came from the same source with the same id, ever; or, unless the source goes by ids only, one
    with the same symbol, side, intent, timeframe and test flag whose arrival is at most 60 s from `at`, before or
    after. `at` may lie in the past, in any order: accepted signals of a key are always more than 60 s apart. Call in
    the transaction that marks the event.

    :raises IntakeRejected: `SUPERSEDED` for an entry that arrived before an exit of its source, symbol, side and
        test flag (and of its own contract, where the exit names one); nothing is written then.
    """
    _require_transaction()
    signal_id = ids.new_id()
    first = _repeated(draft, event=event, signal_id=signal_id, at=at)
    if first is not None:
        return first, False
    signal = Signal.objects.create(
        id=signal_id,
        created_at=at,
        updated_at=at,
        event=event,
        source_id=event.source_id,
        family=draft.family,
        symbol=draft.symbol,
        side=draft.side or "",
        intent=draft.intent,
        timeframe=draft.timeframe,
        bar_at=draft.bar_at,
        bar_end_at=draft.bar_end_at,
        signal_hash=draft.signal_hash,
        is_test=draft.is_test,
        confidence=draft.confidence,
        price=draft.price,
        quantity=draft.quantity,
        strike=draft.strike,
        expiration=draft.expiration,
        reported_pnl=draft.reported_pnl,
        pattern=draft.pattern,
        payload=dict(payload),
    )
    change = _change_record(signal, from_status="", reason="", message="", actor="engine", at=at)
    announce([], [signal_first_change(change_id=change.pk, signal_id=signal_id, at=at)])
    return signal, True


def signal_first_change(*, change_id: UUID, signal_id: UUID, at: datetime) -> dict[str, Any]:
    """Return what is announced of a new signal; the database announces its later changes itself."""
    return first_change(
        SignalEvent._meta.db_table, change_id=change_id, entity_id=signal_id, to_status=SignalStatus.PENDING, at=at
    )


def _change_record(
    signal: Signal, *, from_status: str, reason: str, message: str, actor: str, at: datetime
) -> SignalEvent:
    return SignalEvent.objects.create(
        signal=signal,
        from_status=from_status,
        to_status=signal.status,
        reason=reason[:60],
        message=message,
        actor=actor,
        created_at=at,
    )


def signal_transition(
    *,
    signal: Signal,
    to: SignalStatus,
    reason: StrEnum | str,
    message: str,
    at: datetime,
    actor: str = "engine",
    changed: Sequence[str] = (),
) -> None:
    """Move a locked signal to another status and write its event row; `changed` are further columns to save with it.

    :raises TransitionError: if the table does not allow the change; nothing is changed then.
    """
    _require_transaction()
    before = SignalStatus(signal.status)
    if to not in SIGNAL_TRANSITIONS[before]:
        raise TransitionError(f"signal {signal.pk} is {before.value} and cannot become {to.value}")
    signal.status = to
    signal.reason = str(reason)[:60]
    signal.updated_at = at
    signal.save(update_fields=["status", "reason", "updated_at", *changed])
    _change_record(signal, from_status=before, reason=str(reason), message=message, actor=actor, at=at)


def signal_defer(*, signal: Signal, until: datetime, reason: StrEnum | str, message: str, at: datetime) -> None:
    """Put a locked pending signal off until `until`, release its lease and write an event row.

    :raises TransitionError: if it is not pending.
    """
    _require_transaction()
    if signal.status != SignalStatus.PENDING:
        raise TransitionError(f"signal {signal.pk} is {signal.status}: only a pending one can be put off")
    signal.reason = str(reason)[:60]
    signal.updated_at = at
    signal.save(update_fields=["reason", "updated_at", *lease_release(signal, next_attempt_at=until)])
    _change_record(signal, from_status=signal.status, reason=str(reason), message=message, actor="engine", at=at)


def context_save(*, draft: ContextDraft, event: WebhookEvent, payload: Mapping[str, Any], at: datetime) -> None:
    """Store what a context alert said."""
    MarketContextReceived.objects.create(
        created_at=at,
        event=event,
        symbol=draft.symbol,
        price=draft.price,
        observed_at=draft.observed_at,
        data=dict(payload),
    )
