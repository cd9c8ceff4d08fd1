"""What changes the bias."""

from datetime import datetime

from django.db import connection

from bias.data import BiasState
from bias.enums import BiasOutcome
from bias.models import BiasStateCurrent, BiasStateHistory, GammaSnapshot
from bias.rules import state_derive
from signals.data import BiasDraft, GammaDraft
from signals.models import WebhookEvent


def bias_event_apply(*, draft: BiasDraft, event: WebhookEvent, at: datetime) -> BiasOutcome:
    """Apply one bias event to its symbol's state and record it. Call in the transaction that marks the event.

    An event already recorded is a `DUPLICATE`; one older than the state is recorded as `OUT_OF_ORDER` and changes
    nothing. Two events of one time are both applied, in the order in which they came.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("a bias event needs one transaction around its effect and its mark")
    current, previous = _lock_or_create(draft, at)
    # under the lock, so that of two equal events at once the second sees the first
    if BiasStateHistory.objects.filter(sender_event_hash=draft.event_id).exists():
        if previous is None:
            current.delete()
        return BiasOutcome.DUPLICATE
    is_applied = previous is None or draft.event_at >= previous.event_at
    state = state_derive(draft, previous if is_applied else None)
    if is_applied and previous is not None:
        _write(current, state, at)
        current.save()
    BiasStateHistory.objects.create(
        created_at=at,
        event=event,
        symbol=draft.symbol,
        sender_event_hash=draft.event_id,
        event_at=draft.event_at,
        event_type=state.event_type,
        is_applied=is_applied,
        state=state.model_dump(mode="json"),
    )
    return BiasOutcome.ACCEPTED if is_applied else BiasOutcome.OUT_OF_ORDER


def _write(current: BiasStateCurrent, state: BiasState, at: datetime) -> None:
    current.event_at = state.event_at
    current.event_type = state.event_type
    current.bias = state.bias
    current.bias_score = state.bias_score
    current.state = state.model_dump(mode="json")
    current.updated_at = at


def _lock_or_create(draft: BiasDraft, at: datetime) -> tuple[BiasStateCurrent, BiasState | None]:
    """Return the symbol's locked row and the state it held; None if this event has just made it."""
    rows = BiasStateCurrent.objects.select_for_update().filter(symbol=draft.symbol)
    current = rows.first()
    if current is None:
        fresh = BiasStateCurrent(symbol=draft.symbol, created_at=at)
        _write(fresh, state_derive(draft, None), at)
        # of two first events at once one inserts, the other waits for it here and then finds its row
        BiasStateCurrent.objects.bulk_create([fresh], ignore_conflicts=True)
        current = rows.get()
        if current.pk == fresh.pk:
            return current, None
    return current, BiasState.model_validate(current.state)


def gamma_snapshot_save(*, draft: GammaDraft, event: WebhookEvent, at: datetime) -> None:
    """Store what a gamma context said."""
    payload = draft.payload
    GammaSnapshot.objects.create(
        created_at=at,
        event=event,
        symbol=draft.symbol,
        as_of_at=draft.observed_at,
        net_gex=payload.net_gex,
        total_gex=payload.total_gex,
        environment=payload.gamma_environment,
        magnitude=payload.gamma_magnitude,
        flip_level=payload.gamma_flip_level,
        distance_to_flip=payload.distance_to_flip,
        call_wall=payload.call_wall,
        put_wall=payload.put_wall,
        wall_method=payload.wall_method or "",
        zero_dte_ratio=payload.zero_dte_gamma_ratio,
        volatility_bias=payload.vol_regime_bias,
    )
