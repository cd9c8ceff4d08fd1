"""The ordinary alerts in one statement: new signals that nothing speaks against, with all that belongs to them.

Whatever is not that (a repeat, a refusal, an entry that an exit overtook, an error) leaves nothing behind here and is
told by `event_process`, which knows every case. Both write the same rows; this one costs a tenth.
"""

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction
from pydantic_core import to_json

from experiments.services import bucket_for, variant_for
from optionsengine.core import ids
from optionsengine.core.announcements import Announcements
from optionsengine.core.enums import Intent
from optionsengine.core.prepared import execute_prepared
from optionsengine.core.retry import connection_renew
from optionsengine.pipeline.answers import Answer
from optionsengine.pipeline.events import elapsed_ms, event_read
from optionsengine.pipeline.nudges import signal_task
from signals.data import IntakeRejected, JudgedRequest, SignalDraft, SourceFacts
from signals.enums import Family
from signals.services import CLAIM, DEDUPE_WINDOW, claim_values, signal_first_change

logger = logging.getLogger(__name__)

# Two hints keep the planner at the keys that are asked for while it knows nothing of the tables: `split BETWEEN`, true
# of every row, has it expect few; and a status compared in a CASE does not promise that few events are unfinished,
# which would tempt it to read the whole index of those, with every version that vacuum has not removed.
_ACCEPT = f"""
    WITH asked AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(%(asked)s::jsonb) AS alert (
            event uuid, signal uuid, at timestamptz, source uuid, family text, symbol text, sender_event_id text,
            answer jsonb, processing_ms float8, key text, side text, intent text, timeframe text, bar_at timestamptz,
            bar_end_at timestamptz, signal_hash text, is_test boolean, confidence float8, price numeric, quantity int,
            strike numeric, expiration date, reported_pnl numeric, pattern text, payload jsonb, change uuid,
            experiment uuid, variant text, bucket int, split int, queue text, task text
        ) WHERE split BETWEEN 0 AND 100
    ), claim AS ({CLAIM}), taken AS (
        UPDATE webhook_events SET status = 'accepted', family = asked.family, symbol = asked.symbol,
            sender_event_id = asked.sender_event_id, answer = asked.answer, finished_at = %(finished_at)s,
            updated_at = %(finished_at)s, processing_ms = asked.processing_ms
        FROM asked JOIN claim USING (signal)
        WHERE webhook_events.id = asked.event
            AND CASE webhook_events.status WHEN 'received' THEN true ELSE false END
        RETURNING asked.*
    ), made AS (
        INSERT INTO signals (
            id, created_at, updated_at, event_id, source_id, family, symbol, side, intent, timeframe, bar_at,
            bar_end_at, signal_hash, is_test, confidence, price, quantity, strike, expiration, reported_pnl, pattern,
            payload, status, reason, attempts
        ) SELECT signal, at, at, event, source, family, symbol, side, intent, timeframe, bar_at,
            bar_end_at, signal_hash, is_test, confidence, price, quantity, strike, expiration, reported_pnl, pattern,
            payload, 'pending', '', 0
        FROM taken
    ), changed AS (
        INSERT INTO signal_events (id, created_at, signal_id, from_status, to_status, reason, message, actor)
        SELECT change, at, signal, '', 'pending', '', '', 'engine' FROM taken
    ), assigned AS (
        INSERT INTO experiments (id, created_at, signal_id, variant, bucket, split_percentage)
        SELECT experiment, at, signal, variant, bucket, split FROM taken WHERE intent = 'entry'
    ), queued AS (
        INSERT INTO django_q_ormq (key, payload, lock) SELECT queue, task, now() FROM taken
    ) SELECT event FROM taken
"""  # noqa: S608 - put together from constants


@dataclass(frozen=True, slots=True)
class Stored:
    """A request that stands in the inbox, its source, and what its body says (None if that is no JSON object).

    `started` is the `perf_counter` at which it came in.
    """

    request: JudgedRequest
    source: SourceFacts | None
    payload: dict[str, Any] | None
    started: float


def events_accept(stored: Sequence[Stored], *, at: datetime, announcements: Announcements) -> list[Answer | None]:
    """Accept the signals of stored requests and return the senders' answers; None for each that is not that simple.

    What is to be announced of them is left in `announcements`, to be said after the commit.
    None also where the outcome is unknown: `event_process` reads it by the event's key. Of one symbol, and of one
    sender's id, only the first is accepted, since the next may repeat or overtake it.
    """
    read: list[tuple[Answer, dict[str, Any]]] = []
    seen: set[tuple[object, ...]] = set()
    for one in stored:
        accepted = _read(one)
        if accepted is None:
            continue
        row = accepted[1]
        marks = {("symbol", row["symbol"])} | (
            {(row["source"], row["sender_event_id"])} if row["sender_event_id"] else set()
        )
        if not marks & seen:
            read.append(accepted)
        seen |= marks
    events = _write([row for _, row in read], at=at) if read else set()
    answers = {answer.event_id: answer for answer, row in read if row["event"] in events}
    for _, row in read:
        if row["event"] in events:
            change = signal_first_change(change_id=row["change"], signal_id=row["signal"], at=row["at"])
            announcements.add([row["channel"]], [change])
    return [answers.get(one.request.event_id) for one in stored]


def _read(stored: Stored) -> tuple[Answer, dict[str, Any]] | None:
    """Return the answer to a request that asks for a signal, and its row for the statement."""
    request, source, payload = stored.request, stored.source, stored.payload
    if payload is None or (source is not None and source.ids_only):
        return None
    try:
        family, draft = event_read(
            payload,
            path=request.path,
            header_id=request.headers.get("webhook-id", ""),
            reads_id=source is None or source.reads_id,
            at=request.received_at,
        )
        return _row(stored, family, draft, payload) if isinstance(draft, SignalDraft) else None
    except IntakeRejected:
        return None
    except Exception:
        logger.exception("event %s goes the ordinary way", request.event_id)
        return None


def _write(rows: Sequence[dict[str, Any]], *, at: datetime) -> set[UUID]:
    """Write what the rows ask for and return the events that were taken, all that could be or none."""
    # whoever claims several keys claims them in one order, so that two cannot wait for each other
    asked = to_json(sorted(rows, key=lambda row: row["key"])).decode()
    try:
        with transaction.atomic() if connection.in_atomic_block else nullcontext():
            taken = execute_prepared(_ACCEPT, {"asked": asked, "window": DEDUPE_WINDOW, "finished_at": at})
    except (DatabaseError, InterfaceError):
        # a sender's id has been accepted before, another finishes an event, or the database fails
        connection_renew()
        return set()
    except Exception:
        logger.exception("%d alerts go the ordinary way", len(rows))
        return set()
    return {event for (event,) in taken}


def _row(stored: Stored, family: Family, draft: SignalDraft, payload: dict[str, Any]) -> tuple[Answer, dict[str, Any]]:
    request = stored.request
    signal_id, experiment_id = ids.new_id(), ids.new_id()
    extra: dict[str, Any] = {"signal_id": str(signal_id), "is_test": draft.is_test, "intent": str(draft.intent)}
    signal_hash = draft.signal_hash
    bucket, split = bucket_for(signal_hash), settings.AB_SPLIT_PERCENTAGE
    variant = variant_for(bucket, split)
    if draft.intent == Intent.ENTRY:
        extra |= {"experiment_id": str(experiment_id), "variant": str(variant)}
    if not request.authenticated:
        extra["authenticated"] = False
    answer = Answer(201, "ACCEPTED", request.event_id, extra)
    queue, channel, task = signal_task(signal_id, draft.intent, at=request.received_at)
    return answer, claim_values(draft, signal_id=signal_id, source_id=request.source_id, at=request.received_at) | {
        "event": request.event_id,
        "family": family.value,
        "sender_event_id": draft.sender_event_id,
        "answer": answer.stored(),
        "processing_ms": elapsed_ms(stored.started),
        "timeframe": draft.timeframe,
        "bar_at": draft.bar_at,
        "bar_end_at": draft.bar_end_at,
        "signal_hash": signal_hash,
        "confidence": draft.confidence,
        "price": draft.price,
        "quantity": draft.quantity,
        "reported_pnl": draft.reported_pnl,
        "pattern": draft.pattern,
        "payload": payload,
        "change": ids.new_id(),
        "experiment": experiment_id,
        "variant": variant.value,
        "bucket": bucket,
        "split": split,
        "queue": queue,
        "task": task,
        "channel": channel,
    }
