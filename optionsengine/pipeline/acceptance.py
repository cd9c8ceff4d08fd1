"""The ordinary alert in one statement: a new signal that nothing speaks against, with all that belongs to it.

Whatever is not that (a repeat, a refusal, an entry that an exit overtook, an error) leaves nothing behind here and is
told by `event_process`, which knows every case. Both write the same rows; this one costs a tenth.
"""

import json
import logging
from contextlib import nullcontext
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction

from experiments.services import bucket_for, variant_for
from optionsengine.core import ids
from optionsengine.core.enums import Intent
from optionsengine.core.prepared import execute_prepared
from optionsengine.core.retry import connection_renew
from optionsengine.pipeline.answers import Answer
from optionsengine.pipeline.events import elapsed_ms, event_read
from optionsengine.pipeline.nudges import signal_task
from signals.data import IntakeRejected, JudgedRequest, SignalDraft, SourceFacts
from signals.services import CLAIM, claim_values

logger = logging.getLogger(__name__)

_ACCEPT = f"""
    WITH claim AS ({CLAIM}), taken AS (
        UPDATE webhook_events SET status = 'accepted', family = %(family)s, symbol = %(symbol)s,
            sender_event_id = %(sender_event_id)s, answer = %(answer)s::jsonb, finished_at = %(finished_at)s,
            updated_at = %(finished_at)s, processing_ms = %(processing_ms)s
        WHERE id = %(event)s AND status = 'received' AND EXISTS (SELECT 1 FROM claim) RETURNING id
    ), made AS (
        INSERT INTO signals (
            id, created_at, updated_at, event_id, source_id, family, symbol, side, intent, timeframe, bar_at,
            bar_end_at, signal_hash, is_test, confidence, price, quantity, strike, expiration, reported_pnl, pattern,
            payload, status, reason, attempts
        ) SELECT %(signal)s::uuid, %(at)s::timestamptz, %(at)s::timestamptz, id, %(source)s::uuid, %(family)s,
            %(symbol)s, %(side)s, %(intent)s, %(timeframe)s, %(bar_at)s::timestamptz, %(bar_end_at)s::timestamptz,
            %(signal_hash)s, %(is_test)s::boolean, %(confidence)s::float8, %(price)s::numeric, %(quantity)s::int,
            %(strike)s::numeric, %(expiration)s::date, %(reported_pnl)s::numeric, %(pattern)s, %(payload)s::jsonb,
            'pending', '', 0
        FROM taken RETURNING id
    ), changed AS (
        INSERT INTO signal_events (id, created_at, signal_id, from_status, to_status, reason, message, actor)
        SELECT %(change)s::uuid, %(at)s::timestamptz, id, '', 'pending', '', '', 'engine' FROM made
    ), assigned AS (
        INSERT INTO experiments (id, created_at, signal_id, variant, bucket, split_percentage)
        SELECT %(experiment)s::uuid, %(at)s::timestamptz, id, %(variant)s, %(bucket)s::int, %(split)s::int
        FROM made WHERE %(intent)s = 'entry'
    ), queued AS (
        INSERT INTO django_q_ormq (key, payload, lock) SELECT %(queue)s, %(task)s, now() FROM made
    ) SELECT pg_notify(%(channel)s, '') FROM made
"""  # noqa: S608 - put together from constants


def event_accept(request: JudgedRequest, source: SourceFacts | None, *, at: datetime, started: float) -> Answer | None:
    """Accept a stored request's signal and return the sender's answer; None if it is not that simple.

    None also where the outcome is unknown: `event_process` reads it by the event's key.
    """
    if source is not None and source.ids_only:
        return None
    try:
        return _accept(request, source, at=at, started=started)
    except IntakeRejected:
        return None
    except (DatabaseError, InterfaceError):
        # its sender's id has been accepted before, another finishes the event, or the database fails
        connection_renew()
        return None
    except Exception:
        logger.exception("event %s goes the ordinary way", request.event_id)
        return None


def _accept(request: JudgedRequest, source: SourceFacts | None, *, at: datetime, started: float) -> Answer | None:
    family, draft, payload = event_read(
        request.body,
        path=request.path,
        header_id=request.headers.get("webhook-id", ""),
        reads_id=source is None or source.reads_id,
        at=request.received_at,
    )
    if not isinstance(draft, SignalDraft):
        return None
    answer, values = _values(request, draft, payload, at=at, started=started)
    with transaction.atomic() if connection.in_atomic_block else nullcontext():
        rows = execute_prepared(_ACCEPT, values | {"family": family.value})
    return answer if rows else None


def _values(
    request: JudgedRequest, draft: SignalDraft, payload: dict[str, Any], *, at: datetime, started: float
) -> tuple[Answer, dict[str, Any]]:
    signal_id = ids.new_id()
    extra: dict[str, Any] = {"signal_id": str(signal_id), "is_test": draft.is_test, "intent": str(draft.intent)}
    experiment_id = ids.new_id()
    signal_hash = draft.signal_hash
    bucket, split = bucket_for(signal_hash), settings.AB_SPLIT_PERCENTAGE
    variant = variant_for(bucket, split)
    if draft.intent == Intent.ENTRY:
        extra |= {"experiment_id": str(experiment_id), "variant": str(variant)}
    if not request.authenticated:
        extra["authenticated"] = False
    answer = Answer(201, "ACCEPTED", request.event_id, extra)
    queue, channel, task = signal_task(signal_id, draft.intent)
    return answer, claim_values(draft, signal_id=signal_id, source_id=request.source_id, at=request.received_at) | {
        "event": request.event_id,
        "sender_event_id": draft.sender_event_id,
        "answer": json.dumps(answer.stored()),
        "finished_at": at,
        "processing_ms": elapsed_ms(started),
        "timeframe": draft.timeframe,
        "bar_at": draft.bar_at,
        "bar_end_at": draft.bar_end_at,
        "signal_hash": signal_hash,
        "confidence": draft.confidence,
        "price": draft.price,
        "quantity": draft.quantity,
        "reported_pnl": draft.reported_pnl,
        "pattern": draft.pattern,
        "payload": json.dumps(payload),
        "change": ids.new_id(),
        "experiment": experiment_id,
        "variant": variant.value,
        "bucket": bucket,
        "split": split,
        "queue": queue,
        "task": task,
        "channel": channel,
    }
