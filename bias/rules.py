"""What a bias event makes of the state before it. Pure; every rule holds for both sides, mirrored."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bias.data import Acceleration, BiasReading, BiasState, Effective, SideEffect, Staleness, Transitions
from bias.enums import Bias, MacroClass, Regime
from optionsengine.core.enums import Side
from signals.bias_v1 import BiasV1Payload
from signals.bias_v3 import BiasV3Payload, Invalidation, Liquidity, Space
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


def effective_for(reading: BiasReading, side: Side, config: GatingConfig = GATING) -> SideEffect:
    """Return what the event means for trades of `side`: suppressed or not, and at what confidence and risk.

    A rule over what the event does not know does not apply.
    """
    macro = reading.macro_class
    reclaim = reading.liquidity is not None and reading.liquidity.reclaim
    is_long = side == Side.LONG
    confidence, multiplier = reading.confidence, 1.0
    is_suppressed = False
    notes: list[str] = []
    if macro is not None and macro in (config.macro_suppress_long if is_long else config.macro_suppress_short):
        is_suppressed = True
        confidence *= config.macro_multiplier
        multiplier = config.macro_multiplier
        notes.append(f"{macro.value} suppresses {side.value}")
    if reading.intent_type == "BREAKOUT" and _room(reading.space, side) == "LOW":
        confidence -= config.low_space_penalty
        notes.append(f"breakout with low room to {'resistance' if is_long else 'support'}")
    if reclaim:
        confidence = min(1.0, confidence + config.reclaim_bonus)
        notes.append("level reclaimed")
    if reading.regime_transition:
        confidence = min(1.0, confidence + config.transition_bonus)
        notes.append("regime in transition")
    if reading.chop >= config.chop_limit and not (reclaim and macro == _ALIGNED[side]):
        is_suppressed = True
        confidence *= config.chop_multiplier
        notes.append(f"chop {reading.chop:g} at or above {config.chop_limit:g}")
    return SideEffect(
        suppressed=is_suppressed,
        confidence=round(min(1.0, max(0.0, confidence)), 6),
        risk_multiplier=multiplier,
        notes=tuple(notes),
    )


def _room(space: Space | None, side: Side) -> str:
    if space is None:
        return ""
    return space.room_to_resistance if side == Side.LONG else space.room_to_support


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
        effective=Effective(
            long=effective_for(reading, Side.LONG, config), short=effective_for(reading, Side.SHORT, config)
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
