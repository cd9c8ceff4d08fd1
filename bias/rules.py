"""What a bias event makes of the state before it. Pure; every rule holds for both sides, mirrored."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bias.data import Acceleration, BiasState, Effective, SideEffect, Staleness, Transitions
from bias.enums import Bias, MacroClass, Regime
from optionsengine.core.enums import Side
from signals.bias_v3 import BiasV3Payload
from signals.data import BiasDraft
from signals.timeframe import timeframe_seconds


@dataclass(frozen=True, slots=True)
class GatingConfig:
    """Thresholds of the effective gating; each is the key of the same name in the configuration `gating`."""

    macro_suppress_long: frozenset[MacroClass] = frozenset({MacroClass.BREAKDOWN_CONFIRMED, MacroClass.TREND_DOWN})
    macro_suppress_short: frozenset[MacroClass] = frozenset({MacroClass.TREND_UP})
    macro_multiplier: float = 0.6
    low_space_penalty: float = 0.25
    reclaim_bonus: float = 0.08
    transition_bonus: float = 0.05
    chop_limit: float = 75.0
    chop_multiplier: float = 0.7


GATING = GatingConfig()
COMPRESSION_CHOP = 70.0
EXPANSION_CHOP_DROP = 10.0
MACRO_FLIP_DRIFT = 0.15
STALE_AFTER_BARS = 1.5
STALE_MINUTES_IN_SESSION = 10
STALE_MINUTES_OUTSIDE = 60
_ALIGNED = {Side.LONG: MacroClass.TREND_UP, Side.SHORT: MacroClass.TREND_DOWN}


def transitions_of(payload: BiasV3Payload, previous: BiasState | None) -> Transitions:
    """Return what changed; before the first event nothing has, but a liquidity event that is on counts as turned on.

    Moves through NEUTRAL are no flip.
    """
    now, liquidity, regime = payload.intent, payload.liquidity, payload.mtf.regime
    on = (liquidity.reclaim, liquidity.sweep_high, liquidity.sweep_low)
    if previous is None:
        return Transitions(liquidity_event=any(on))
    before = (previous.liquidity.reclaim, previous.liquidity.sweep_high, previous.liquidity.sweep_low)
    return Transitions(
        bias_flip={Bias(payload.mtf.consensus.bias_consensus), previous.bias} == {Bias.BULLISH, Bias.BEARISH},
        regime_flip=regime.type != previous.regime_type,
        macro_flip=payload.macro.state.macro_class != previous.macro_class,
        intent_change=now.type != previous.intent_type,
        liquidity_event=any(is_on and not was_on for is_on, was_on in zip(on, before, strict=True)),
        expansion_event=now.regime_transition
        and regime.chop_score < previous.chop - EXPANSION_CHOP_DROP
        and regime.atr_state_15m in (None, "EXPANDING"),
        compression_event=now.type == "COMPRESSION" and regime.chop_score >= COMPRESSION_CHOP,
    )


def acceleration_of(payload: BiasV3Payload, previous: BiasState | None, *, macro_flip: bool) -> Acceleration:
    """Return the change since the previous state; zeros without one."""
    if previous is None:
        return Acceleration()
    drift = payload.macro.state.macro_confidence - previous.macro_confidence
    return Acceleration(
        state_strength_delta=round(payload.mtf.consensus.bias_score - previous.bias_score, 6),
        intent_momentum_delta=round(payload.intent.confidence - previous.intent_confidence, 6),
        macro_drift_score=round(drift + (MACRO_FLIP_DRIFT if macro_flip else 0.0), 6),
    )


def effective_for(payload: BiasV3Payload, side: Side, config: GatingConfig = GATING) -> SideEffect:
    """Return what the event means for trades of `side`: suppressed or not, and at what confidence and risk."""
    macro = MacroClass(payload.macro.state.macro_class)
    reclaim = payload.liquidity.reclaim
    is_long = side == Side.LONG
    confidence, multiplier = payload.mtf.consensus.confidence_score, 1.0
    is_suppressed = False
    notes: list[str] = []
    if macro in (config.macro_suppress_long if is_long else config.macro_suppress_short):
        is_suppressed = True
        confidence *= config.macro_multiplier
        multiplier = config.macro_multiplier
        notes.append(f"{macro.value} suppresses {side.value}")
    room = payload.space.room_to_resistance if is_long else payload.space.room_to_support
    if payload.intent.type == "BREAKOUT" and room == "LOW":
        confidence -= config.low_space_penalty
        notes.append(f"breakout with low room to {'resistance' if is_long else 'support'}")
    if reclaim:
        confidence = min(1.0, confidence + config.reclaim_bonus)
        notes.append("level reclaimed")
    if payload.intent.regime_transition:
        confidence = min(1.0, confidence + config.transition_bonus)
        notes.append("regime in transition")
    if payload.mtf.regime.chop_score >= config.chop_limit and not (reclaim and macro == _ALIGNED[side]):
        is_suppressed = True
        confidence *= config.chop_multiplier
        notes.append(f"chop {payload.mtf.regime.chop_score:g} at or above {config.chop_limit:g}")
    return SideEffect(
        suppressed=is_suppressed,
        confidence=round(min(1.0, max(0.0, confidence)), 6),
        risk_multiplier=multiplier,
        notes=tuple(notes),
    )


def state_derive(draft: BiasDraft, previous: BiasState | None, config: GatingConfig = GATING) -> BiasState:
    """Return the state after `draft`, given the one before it."""
    payload = draft.payload
    consensus, regime, macro, intent = payload.mtf.consensus, payload.mtf.regime, payload.macro.state, payload.intent
    transitions = transitions_of(payload, previous)
    return BiasState(
        symbol=draft.symbol,
        event_at=draft.event_at,
        event_type=payload.event_type,
        sender_event_hash=draft.event_id,
        source=payload.source,
        chart_tf=draft.chart_timeframe,
        session=payload.session,
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
        transitions=transitions,
        acceleration=acceleration_of(payload, previous, macro_flip=transitions.macro_flip),
        effective=Effective(
            long=effective_for(payload, Side.LONG, config), short=effective_for(payload, Side.SHORT, config)
        ),
    )


def staleness(state: BiasState, at: datetime, *, in_session: bool) -> Staleness:
    """Return how old `state` is at `at`: stale beyond 1.5 bars of its chart, at least 10 min in session, 60 outside.

    `in_session` is the exchange calendar's word, not the sender's.
    """
    age = at - state.event_at
    floor = timedelta(minutes=STALE_MINUTES_IN_SESSION if in_session else STALE_MINUTES_OUTSIDE)
    threshold = max(floor, timedelta(seconds=STALE_AFTER_BARS * timeframe_seconds(state.chart_tf)))
    return Staleness(
        is_stale=age > threshold,
        age_minutes=round(age.total_seconds() / 60, 1),
        threshold_minutes=round(threshold.total_seconds() / 60, 1),
    )
