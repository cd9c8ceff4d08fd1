"""What each kind of draft does: a signal, the state of the bias, a saved context, or nothing."""

from typing import Any

from bias.enums import BiasOutcome
from bias.services import bias_event_apply, gamma_snapshot_save
from experiments.services import experiment_assign
from optionsengine.core.enums import Intent
from optionsengine.market.enums import FeedKind
from optionsengine.market.services import feed_tick_save
from optionsengine.pipeline.answers import Answer
from optionsengine.pipeline.nudges import signal_nudge
from signals.data import BiasDraft, ContextDraft, Draft, FeedDraft, GammaDraft, Ping, SignalDraft
from signals.enums import EventStatus, IntakeCode
from signals.models import WebhookEvent
from signals.services import context_save, signal_receive


def effect_write(event: WebhookEvent, draft: Draft, body: dict[str, Any]) -> tuple[EventStatus, Answer]:
    """Write the one effect of a draft and return the event's end with the sender's answer.

    Call in the transaction that marks the event. What the draft tells of the event is noted on it, unsaved.
    """
    match draft:
        case SignalDraft():
            event.symbol = draft.symbol
            return _signal_effect(event, draft, body)
        case BiasDraft():
            event.symbol = draft.symbol
            return _bias_effect(event, draft)
        case ContextDraft():
            context_save(draft=draft, event=event, payload=body, at=event.created_at)
            return _saved(event, draft.symbol)
        case GammaDraft():
            gamma_snapshot_save(draft=draft, event=event, at=event.created_at)
            return _saved(event, draft.symbol)
        case FeedDraft():
            _feed_save(event, draft, body)
            return _saved(event, draft.symbol)
        case Ping():
            return EventStatus.IGNORED, Answer(200, "OK", event.pk)


def _saved(event: WebhookEvent, symbol: str) -> tuple[EventStatus, Answer]:
    event.symbol = symbol
    return EventStatus.ACCEPTED, Answer(200, "CONTEXT_SAVED", event.pk, {"symbol": symbol})


def _feed_save(event: WebhookEvent, draft: FeedDraft, body: dict[str, Any]) -> None:
    feed_tick_save(
        event_id=event.pk,
        kind=FeedKind(draft.family.value),
        symbol=draft.symbol,
        observed_at=draft.observed_at,
        data=body,
        at=event.created_at,
        price=draft.price,
        option_type=draft.option_type,
        strike=draft.strike,
        expiry=draft.expiry,
        premium=draft.premium,
        size=draft.size,
        sentiment=draft.sentiment,
        is_unusual=draft.is_unusual,
    )


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
