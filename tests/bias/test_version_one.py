"""What the legacy event makes of a state: only what it knows; and that states of before read back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bias.config import StalenessConfig
from bias.data import Acceleration, BiasState, Transitions
from bias.rules import state_derive
from experiments.selectors import bias_facts
from tests.bias.payloads import bias_draft
from tests.signals.adapters.bodies import AT, BIAS_V1, TS, changed, read

UNKNOWN = (
    "adx_15m",
    "atr_state_15m",
    "macro_class",
    "macro_confidence",
    "macro_support_1",
    "macro_resistance_1",
    "macro_measured_move_target",
    "intent_type",
    "intent_confidence",
    "trigger",
    "liquidity",
    "space",
)


def draft(**changes):
    return read(changed(BIAS_V1, **changes))


def test_what_it_does_not_know_is_not_made_up():
    state = state_derive(draft(), None)
    assert all(getattr(state, name) is None for name in UNKNOWN)
    assert (state.trend_phase, state.regime_transition, state.source, state.session) == ("", False, "", "")
    assert (state.bias, state.bias_score, state.confidence, state.alignment) == ("BEARISH", -42, 0.66, 70)
    assert (state.regime_type, state.chop, state.conflict, state.entry_mode_hint) == ("TREND", 22, 10, "PULLBACK")
    assert (state.invalidation.level, state.invalidation.method) == (622.5, "NA")
    assert (state.levels.vwap.position, state.levels.orb.state) == ("BELOW", "BREAK_DOWN")
    assert (state.transitions, state.acceleration) == (Transitions(), Acceleration())


def test_to_hold_is_neutral_and_its_regimes_keep_their_words():
    assert state_derive(draft(mtf__consensus__bias_consensus="HOLD"), None).bias == "NEUTRAL"
    for word in ("BREAKOUT", "BREAKDOWN", "RANGE"):
        assert state_derive(draft(mtf__regime__type=word), None).regime_type == word


@pytest.mark.parametrize(("chop", "suppressed", "confidence"), [(74.9, False, 0.66), (75, True, 0.462)])
def test_only_chop_suppresses_and_both_sides_alike(chop, suppressed, confidence):
    effective = state_derive(draft(mtf__regime__chop_score=chop), None).effective
    assert effective.long == effective.short
    assert (effective.long.suppressed, effective.long.confidence) == (suppressed, confidence)
    assert effective.long.risk_multiplier == 1.0


def test_what_one_of_two_events_does_not_know_has_not_changed():
    first = state_derive(bias_draft(), None)
    after = state_derive(draft(event_ts_ms=TS + 1), first)
    assert after.transitions == Transitions(bias_flip=True)
    assert after.acceleration == Acceleration(state_strength_delta=-102)
    back = state_derive(bias_draft(event_ts_ms=TS + 2, liquidity__reclaim=True), after)
    assert back.transitions == Transitions(bias_flip=True, liquidity_event=True)
    assert back.acceleration == Acceleration(state_strength_delta=102)


def test_a_regime_of_its_own_is_a_flip():
    first = state_derive(draft(), None)
    assert state_derive(draft(event_ts_ms=TS + 1, mtf__regime__type="BREAKOUT"), first).transitions.regime_flip


@given(
    st.sampled_from(["TREND", "RANGE", "BREAKOUT", "BREAKDOWN"]),
    st.sampled_from(["BULLISH", "BEARISH", "NEUTRAL", "HOLD"]),
    st.floats(-100, 100),
    st.floats(0, 100),
)
@settings(max_examples=60, deadline=None)
def test_a_stored_state_reads_back_as_it_was(regime, bias, score, chop):
    consensus = {**BIAS_V1["mtf"]["consensus"], "bias_consensus": bias, "bias_score": score}
    made = state_derive(draft(mtf__consensus=consensus, mtf__regime={"type": regime, "chop_score": chop}), None)
    assert BiasState.model_validate(made.model_dump(mode="json")) == made


def test_a_state_of_either_version_keeps_its_own_levels():
    for source in (bias_draft(), draft()):
        made = state_derive(source, None)
        stored = BiasState.model_validate(made.model_dump(mode="json"))
        assert type(stored.levels) is type(made.levels)


def test_a_decision_sees_the_unknown_as_unknown():
    facts = bias_facts(state_derive(draft(), None), at=AT, config=StalenessConfig())
    assert (facts.macro_class, facts.intent_type, facts.trend_phase, facts.atr_state) == (None, "", "", "")
