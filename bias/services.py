"""What changes the bias."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from bias.computed import reading_event_at, state_computed
from bias.config import BiasConfig, GatingConfig
from bias.config_reading import AnySection, section_plain, section_read
from bias.data import BiasState
from bias.enums import BiasOrigin, BiasOutcome, BiasSource, ConfigSection, SeedRefusal
from bias.models import BiasConfigSection, BiasStateCurrent, BiasStateHistory, GammaSnapshot
from bias.rules import event_order, state_derive
from bias.seeding import PATH as SEED_PATH
from bias.seeding import SOURCE as SEED_SOURCE
from bias.seeding import Seed, seed_body, seed_faults
from bias.selectors import bias_config_get, fresh_until_at, gammas_get, staleness_at, state_chosen, states_stored
from optionsengine.core.canonical import canonical_json
from optionsengine.core.errors import Refusal
from optionsengine.core.ids import new_id
from optionsengine.core.prepared import execute_prepared
from optionsengine.market import calendar
from optionsengine.market.mtf import MtfReading
from signals.adapters.bias_v3 import BiasV3Adapter
from signals.data import Arrival, BiasDraft, GammaDraft, IntakeRejected
from signals.enums import EventStatus, Family
from signals.models import WebhookEvent


def bias_event_apply(*, draft: BiasDraft, event: WebhookEvent, at: datetime) -> BiasOutcome:
    """Apply one bias event to its symbol's state and record it. Call in the transaction that marks the event.

    An event already recorded is a `DUPLICATE`; one of an earlier time than the state is recorded as `OUT_OF_ORDER` and
    changes nothing. Every other one is applied: its reading is compared with the last state of an earlier time, and
    its own state, with what that comparison says has changed, is recorded. Where several events have one time, all of
    them are applied so, and the state that stays current is that of the greatest by `event_order`. Which reading stays
    after any number of events does therefore not depend on the order in which they came.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("a bias event needs one transaction around its effect and its mark")
    config = bias_config_get().gating
    row, made = _lock_or_create(draft, config, at)
    is_later, is_applied = draft.event_at > row.event_at, draft.event_at >= row.event_at
    before = row.state if is_later else row.before
    previous = BiasState.model_validate(before) if is_applied and before is not None else None
    state = made or state_derive(draft, previous, config)
    # before the state is written: of two equal events at once, of whatever symbols, the second waits here for the first
    if not _history_save(state, event, at, is_applied=is_applied):
        if made:
            row.delete()
        return BiasOutcome.DUPLICATE
    current = event_order(row.event_at, row.event_type, row.state["sender_event_hash"])
    if event_order(state.event_at, state.event_type, state.sender_event_hash) > current:
        row.before = before
        _write(row, state, at)
        row.save()
    return BiasOutcome.ACCEPTED if is_applied else BiasOutcome.OUT_OF_ORDER


def _history_save(state: BiasState, event: WebhookEvent, at: datetime, *, is_applied: bool) -> bool:
    """Record an event; False if it, or the request that brought it, is recorded already."""
    row = BiasStateHistory(
        created_at=at,
        event=event,
        symbol=state.symbol,
        sender_event_hash=state.sender_event_hash,
        event_at=state.event_at,
        event_type=state.event_type,
        is_applied=is_applied,
        state=state.model_dump(mode="json"),
    )
    BiasStateHistory.objects.bulk_create([row], ignore_conflicts=True)
    return BiasStateHistory.objects.filter(pk=row.pk).exists()


def _write(row: BiasStateCurrent, state: BiasState, at: datetime) -> None:
    for name, value in _columns(state, at).items():
        setattr(row, name, value)


def _columns(state: BiasState, at: datetime) -> dict[str, Any]:
    return {
        "event_at": state.event_at,
        "event_type": state.event_type,
        "bias": state.bias,
        "bias_score": state.bias_score,
        "state": state.model_dump(mode="json"),
        "updated_at": at,
    }


def _lock_or_create(draft: BiasDraft, config: GatingConfig, at: datetime) -> tuple[BiasStateCurrent, BiasState | None]:
    """Return the symbol's locked row, and the state that this event has just made it with; None if it was there."""
    rows = BiasStateCurrent.objects.select_for_update().filter(symbol=draft.symbol, origin=BiasOrigin.WEBHOOK)
    row = rows.first()
    if row is not None:
        return row, None
    first = state_derive(draft, None, config)
    made = BiasStateCurrent(symbol=draft.symbol, origin=BiasOrigin.WEBHOOK, created_at=at)
    _write(made, first, at)
    # of two first events at once one inserts, the other waits for it here and then finds its row
    BiasStateCurrent.objects.bulk_create([made], ignore_conflicts=True)
    row = rows.get()
    return row, first if row.pk == made.pk else None


# one statement for a symbol's first bar and for every newer one: of several at once the newest bar's stays
_COMPUTED_SAVE = """
    INSERT INTO bias_state_current AS held
        (id, created_at, updated_at, symbol, origin, event_at, event_type, bias, bias_score, state)
    VALUES (
        %(id)s, %(updated_at)s, %(updated_at)s, %(symbol)s, %(origin)s, %(event_at)s, %(event_type)s, %(bias)s,
        %(bias_score)s, %(state)s
    )
    ON CONFLICT (symbol, origin) DO UPDATE SET
        updated_at = excluded.updated_at, event_at = excluded.event_at, event_type = excluded.event_type,
        bias = excluded.bias, bias_score = excluded.bias_score, state = excluded.state
    WHERE held.event_at < excluded.event_at
"""


def bias_computed_save(*, state: BiasState, at: datetime) -> None:
    """Store a computed state where its bar is newer than that of the stored one, if any. No sender's is touched."""
    columns = _columns(state, at) | {"state": state.model_dump_json(), "bias": state.bias.value}
    key = {"id": new_id(), "symbol": state.symbol, "origin": BiasOrigin.COMPUTED.value}
    execute_prepared(_COMPUTED_SAVE, columns | key)


def bias_for_decisions(
    *, readings: Mapping[str, MtfReading | None], at: datetime, source: BiasSource, config: BiasConfig
) -> dict[str, BiasState | None]:
    """Return for each symbol of `readings` the state that a decision at `at` goes by, its gamma merged in.

    It is None if there is none. A reading is what the symbol's bars say, None where there are too few of them; no
    `source` that shuts computed states out looks at it. Where it is of a newer bar than the stored computed state, the
    state it makes is stored. Two queries, and one for each symbol with a new bar, by name.
    """
    stored = states_stored(readings)
    gammas = gammas_get(list(readings), at)
    for symbol, reading in sorted(readings.items()):
        if reading is not None and source != BiasSource.WEBHOOK:
            _computed_renew(stored[symbol], symbol=symbol, reading=reading, at=at, config=config)
    return {
        symbol: state_chosen(states, symbol, at, source=source, config=config, gammas=gammas)
        for symbol, states in stored.items()
    }


def _computed_renew(
    states: dict[str, BiasState], *, symbol: str, reading: MtfReading, at: datetime, config: BiasConfig
) -> None:
    previous = states.get(BiasOrigin.COMPUTED)
    if previous is not None and min(reading_event_at(reading), at) <= previous.event_at:
        return
    made = state_computed(symbol=symbol, reading=reading, previous=previous, at=at, config=config)
    states[BiasOrigin.COMPUTED.value] = made
    bias_computed_save(state=made, at=at)


def bias_seed(*, seed: Seed, is_replacing: bool, at: datetime) -> BiasState:
    """Write a state that a person made up, as an event would: a request in the inbox, its history row, the state.

    The request is marked as this command's and the state's source is `SEED`. Without `is_replacing`, a sender's state
    that is still fresh is not replaced.

    :raises Refusal: saying what to give, or do, instead; nothing is written then.
    """
    faults = seed_faults(seed)
    if faults:
        raise Refusal(SeedRefusal.INVALID_SEED, "; ".join(faults))
    body = seed_body(seed, key=str(new_id()), in_session=calendar.is_open(at), at=at)
    try:
        draft = BiasV3Adapter().read(body, Arrival(at, allow_delayed_feed=True, max_age_seconds=0))
    except IntakeRejected as error:
        raise Refusal(SeedRefusal.INVALID_SEED, error.message) from error
    draft = replace(draft, payload=draft.payload.model_copy(update={"source": SEED_SOURCE}))
    with transaction.atomic():
        config = bias_config_get()
        known = states_stored([draft.symbol])[draft.symbol].get(BiasOrigin.WEBHOOK)
        is_senders = known is not None and known.source != SEED_SOURCE
        if known and is_senders and not is_replacing and not staleness_at(known, at, config.staleness).is_stale:
            raise Refusal(
                SeedRefusal.FRESH_STATE,
                f"{draft.symbol} has a fresh state from {known.source}, {known.bias} at {known.bias_score:g}; "
                f"wait until {fresh_until_at(known, at, config.staleness):%Y-%m-%d %H:%M:%S} UTC, or add --replace",
            )
        event = WebhookEvent.objects.create(
            created_at=at,
            updated_at=at,
            path=SEED_PATH,
            content_type="application/json",
            body=(raw := canonical_json(body).encode()),
            size=len(raw),
            authenticated=True,
            family=Family.BIAS_V3,
            sender_event_id=draft.event_id,
            symbol=draft.symbol,
            status=EventStatus.ACCEPTED,
            finished_at=at,
        )
        bias_event_apply(draft=draft, event=event, at=at)
        state = states_stored([draft.symbol])[draft.symbol][BiasOrigin.WEBHOOK]
        if state.sender_event_hash != draft.event_id:
            raise Refusal(
                SeedRefusal.LATER_STATE,
                f"{draft.symbol} has a state of {state.event_at:%Y-%m-%d %H:%M:%S} UTC, later than this one; "
                "check the clock of this machine and of that sender, then try again",
            )
    return state


def bias_config_set(*, section: ConfigSection, values: Mapping[str, Any], at: datetime) -> AnySection:
    """Store `values` as the keys of a section that differ from the defaults, and return the section as it is now.

    Keys that are left out, and those given as their default, have the default again.

    :raises ConfigInvalid: naming every key that cannot be; nothing is stored then.
    """
    read = section_read(section, values)
    BiasConfigSection.objects.update_or_create(
        name=section.value, defaults={"values": section_plain(read), "updated_at": at}
    )
    return read


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
