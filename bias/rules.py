"""What a bias event makes of the state before it. Pure; every rule holds for both sides, mirrored."""

from datetime import datetime, timedelta

from bias.config import GatingConfig, StalenessConfig
from bias.data import (
    Acceleration,
    BiasReading,
    BiasState,
    Effective,
    GammaReading,
    GatingView,
    SideEffect,
    Staleness,
    Transitions,
)
from bias.enums import Bias, BiasSource, MacroClass, Regime
from optionsengine.core.enums import Side
from signals.bias_v1 import BiasV1Payload
from signals.bias_v3 import BiasV3Payload, Invalidation, Liquidity
from signals.data import BiasDraft
from signals.timeframe import timeframe_seconds

GATING = GatingConfig()
STALENESS = StalenessConfig()
COMPRESSION_CHOP = 70.0
EXPANSION_CHOP_DROP = 10.0
MACRO_FLIP_DRIFT = 0.15
EVENT_RANKS = {"BIAS_SNAPSHOT": 0, "BIAS_CHANGE": 1, "ORB_UPDATE": 2}  # of two events of one time the greater stays
_ALIGNED = {Side.LONG: MacroClass.TREND_UP, Side.SHORT: MacroClass.TREND_DOWN}


def reading_of(payload: BiasV3Payload | BiasV1Payload) -> BiasReading:
    """Return what a validated event says, in the words of the state."""
    return _reading_v3(payload) if isinstance(payload, BiasV3Payload) else _reading_v1(payload)


def _reading_v3(payload: BiasV3Payload) -> BiasReading:
    consensus, regime, macro, intent = payload.mtf.consensus, payload.mtf.regime, payload.macro.state, payload.intent
    return BiasReading(
        bias=Bias(consensus.bias_consensus),
        bias_score=consensus.bias_score,
        confidence=consensus.confidence_score,
        alignment=consensus.alignment_score,
        conflict=consensus.conflict_score,
        regime_type=Regime(regime.type),
        chop=regime.chop_score,
        adx_15m=regime.adx_15m,
        atr_state_15m=regime.atr_state_15m,
        macro_class=MacroClass(macro.macro_class),
        macro_confidence=macro.macro_confidence,
        macro_support_1=macro.macro_support_1,
        macro_resistance_1=macro.macro_resistance_1,
        macro_measured_move_target=macro.macro_measured_move_target,
        intent_type=intent.type,
        intent_confidence=intent.confidence,
        regime_transition=intent.regime_transition,
        trend_phase=intent.trend_phase,
        levels=payload.levels,
        trigger=payload.trigger,
        liquidity=payload.liquidity,
        space=payload.space,
        invalidation=payload.risk_context.invalidation,
        entry_mode_hint=payload.risk_context.entry_mode_hint,
    )


def _reading_v1(payload: BiasV1Payload) -> BiasReading:
    consensus, regime = payload.mtf.consensus, payload.mtf.regime
    return BiasReading(
        # to hold is to lean to neither side
        bias=Bias.NEUTRAL if consensus.bias_consensus == "HOLD" else Bias(consensus.bias_consensus),
        bias_score=consensus.bias_score,
        confidence=consensus.confidence_score,
        alignment=consensus.alignment_score,
        conflict=consensus.conflict_score,
        regime_type=Regime(regime.type),
        chop=regime.chop_score,
        adx_15m=None,
        atr_state_15m=None,
        macro_class=None,
        macro_confidence=None,
        macro_support_1=None,
        macro_resistance_1=None,
        macro_measured_move_target=None,
        intent_type=None,
        intent_confidence=None,
        regime_transition=False,
        trend_phase="",
        levels=payload.levels,
        trigger=None,
        liquidity=None,
        space=None,
        invalidation=Invalidation(level=payload.risk_context.invalidation.level, method="NA"),
        entry_mode_hint=payload.risk_context.entry_mode_hint,
    )


def _turned_on(liquidity: Liquidity | None) -> tuple[bool, bool, bool]:
    return (False,) * 3 if liquidity is None else (liquidity.reclaim, liquidity.sweep_high, liquidity.sweep_low)


def _differ(now: object, before: object) -> bool:
    """What one of two events does not know has not changed."""
    return now is not None and before is not None and now != before


def transitions_of(reading: BiasReading, previous: BiasReading | None) -> Transitions:
    """Return what changed; before the first event nothing has, but a liquidity event that is on counts as turned on.

    Moves through NEUTRAL are no flip.
    """
    on = _turned_on(reading.liquidity)
    if previous is None:
        return Transitions(liquidity_event=any(on))
    return Transitions(
        bias_flip={reading.bias, previous.bias} == {Bias.BULLISH, Bias.BEARISH},
        regime_flip=reading.regime_type != previous.regime_type,
        macro_flip=_differ(reading.macro_class, previous.macro_class),
        intent_change=_differ(reading.intent_type, previous.intent_type),
        liquidity_event=any(
            is_on and not was_on for is_on, was_on in zip(on, _turned_on(previous.liquidity), strict=True)
        ),
        expansion_event=reading.regime_transition
        and reading.chop < previous.chop - EXPANSION_CHOP_DROP
        and reading.atr_state_15m in (None, "EXPANDING"),
        compression_event=reading.intent_type == "COMPRESSION" and reading.chop >= COMPRESSION_CHOP,
    )


def _delta(now: float | None, before: float | None) -> float:
    return 0.0 if now is None or before is None else now - before


def acceleration_of(reading: BiasReading, previous: BiasReading | None, *, macro_flip: bool) -> Acceleration:
    """Return the change since the previous state; zeros without one, and for what either does not know."""
    if previous is None:
        return Acceleration()
    drift = _delta(reading.macro_confidence, previous.macro_confidence) + (MACRO_FLIP_DRIFT if macro_flip else 0.0)
    return Acceleration(
        state_strength_delta=round(reading.bias_score - previous.bias_score, 6),
        intent_momentum_delta=round(_delta(reading.intent_confidence, previous.intent_confidence), 6),
        macro_drift_score=round(drift, 6),
    )


def gating_view(reading: BiasReading) -> GatingView:
    """Return what the gating reads of an event."""
    liquidity, space = reading.liquidity, reading.space
    return GatingView(
        confidence=reading.confidence,
        macro_class=reading.macro_class,
        intent_type=reading.intent_type or "",
        room_to_resistance="" if space is None else space.room_to_resistance,
        room_to_support="" if space is None else space.room_to_support,
        reclaim=liquidity is not None and liquidity.reclaim,
        regime_transition=reading.regime_transition,
        chop=reading.chop,
    )


def effective_for(view: GatingView, side: Side, config: GatingConfig = GATING) -> SideEffect:
    """Return what a state means for trades of `side`: suppressed or not, and at what confidence and risk.

    A rule over what the event does not know does not apply.
    """
    macro = view.macro_class
    is_long = side == Side.LONG
    room = view.room_to_resistance if is_long else view.room_to_support
    confidence, multiplier = view.confidence, 1.0
    is_suppressed = False
    notes: list[str] = []
    if macro is not None and macro in (config.macro_suppress_long if is_long else config.macro_suppress_short):
        is_suppressed = True
        confidence *= config.macro_multiplier
        multiplier = config.macro_multiplier
        notes.append(f"{macro.value} suppresses {side.value}")
    if view.intent_type == "BREAKOUT" and room == "LOW":
        confidence -= config.low_space_penalty
        notes.append(f"breakout with low room to {'resistance' if is_long else 'support'}")
    if view.reclaim:
        confidence = min(1.0, confidence + config.reclaim_bonus)
        notes.append("level reclaimed")
    if view.regime_transition:
        confidence = min(1.0, confidence + config.transition_bonus)
        notes.append("regime in transition")
    if view.chop >= config.chop_limit and not (view.reclaim and macro == _ALIGNED[side]):
        is_suppressed = True
        confidence *= config.chop_multiplier
        notes.append(f"chop {view.chop:g} at or above {config.chop_limit:g}")
    return SideEffect(
        suppressed=is_suppressed,
        confidence=round(min(1.0, max(0.0, confidence)), 6),
        risk_multiplier=multiplier,
        notes=tuple(notes),
    )


def effective_of(view: GatingView, config: GatingConfig) -> Effective:
    """Return what a state means for either side."""
    return Effective(long=effective_for(view, Side.LONG, config), short=effective_for(view, Side.SHORT, config))


def event_order(event_at: datetime, event_type: str, event_hash: str) -> tuple[datetime, int, str]:
    """Return what the events of a symbol are ordered by: their time, the rank of their type, their hash.

    No two events share it, so that whatever order they come in, one and the same is the greatest. Types of which only
    the legacy event knows rank lowest.
    """
    return event_at, EVENT_RANKS.get(event_type, -1), event_hash


def state_derive(draft: BiasDraft, previous: BiasState | None, config: GatingConfig = GATING) -> BiasState:
    """Return the state after `draft`, given the one before it."""
    payload = draft.payload
    reading = reading_of(payload)
    transitions = transitions_of(reading, previous)
    return BiasState(
        **{name: getattr(reading, name) for name in BiasReading.model_fields},
        symbol=draft.symbol,
        event_at=draft.event_at,
        event_type=payload.event_type,
        sender_event_hash=draft.event_id,
        source=payload.source,
        chart_tf=draft.chart_timeframe,
        session=payload.session,
        transitions=transitions,
        acceleration=acceleration_of(reading, previous, macro_flip=transitions.macro_flip),
        effective=effective_of(gating_view(reading), config),
    )


def state_in_force(state: BiasState, config: GatingConfig, gamma: GammaReading | None = None) -> BiasState:
    """Return a stored state as it counts now: its effect under `config`, with `gamma` merged in."""
    return state.model_copy(update={"effective": effective_of(gating_view(state), config), "gamma": gamma})


def state_select(
    webhook: BiasState | None,
    computed: BiasState | None,
    at: datetime,
    *,
    source: BiasSource,
    in_session: bool,
    config: StalenessConfig = STALENESS,
) -> BiasState | None:
    """Return the state that counts: the sender's while it is fresh, else the computed one.

    Of two stale ones the newer counts, the sender's if they are equally old; `source` may shut out either.
    """
    if source == BiasSource.WEBHOOK or (source == BiasSource.BOTH and computed is None):
        return webhook
    if source == BiasSource.COMPUTED or webhook is None or computed is None:
        return computed
    if not staleness(webhook, at, in_session=in_session, config=config).is_stale:
        return webhook
    is_computed_fresh = not staleness(computed, at, in_session=in_session, config=config).is_stale
    return computed if is_computed_fresh or computed.event_at > webhook.event_at else webhook


def _threshold(state: BiasState, config: StalenessConfig, *, in_session: bool) -> timedelta:
    floor = timedelta(minutes=config.session_minutes if in_session else config.outside_minutes)
    return max(floor, timedelta(seconds=config.bars * timeframe_seconds(state.chart_tf)))


def staleness(state: BiasState, at: datetime, *, in_session: bool, config: StalenessConfig = STALENESS) -> Staleness:
    """Return how old `state` is at `at`: stale beyond the configured bars of its chart, at least the least minutes.

    `in_session` is the exchange calendar's word, not the sender's.
    """
    age, threshold = at - state.event_at, _threshold(state, config, in_session=in_session)
    return Staleness(
        is_stale=age > threshold,
        age_minutes=round(age.total_seconds() / 60, 1),
        threshold_minutes=round(threshold.total_seconds() / 60, 1),
    )


def fresh_until(
    state: BiasState, *, in_session: bool, turns_at: datetime, config: StalenessConfig = STALENESS
) -> datetime:
    """Return when a state that is fresh now becomes stale.

    `turns_at` is when the session ends, or the next one begins: the threshold is another one from then on.
    """
    now_until = state.event_at + _threshold(state, config, in_session=in_session)
    if now_until < turns_at:
        return now_until
    return max(turns_at, state.event_at + _threshold(state, config, in_session=not in_session))
