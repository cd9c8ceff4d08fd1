from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bias.data import Acceleration, BiasState, Transitions
from bias.rules import effective_for, gating_view, reading_of, staleness, state_derive
from optionsengine.core.enums import Side
from tests.bias.payloads import bias_draft

T0 = datetime(2026, 2, 5, 15, 0, tzinfo=UTC)


def state(**changes):
    return state_derive(bias_draft(**changes), None)


def after(first, **changes):
    """The state that follows `first` five minutes later."""
    return state_derive(bias_draft(event_ts_ms=1770303600000 + 1, **changes), first)


def effect(side, **changes):
    return effective_for(gating_view(reading_of(bias_draft(**changes).payload)), side)


def test_every_field_comes_from_its_place_in_the_payload():
    made = state()
    assert made.model_dump(
        include={
            "symbol",
            "event_at",
            "event_type",
            "source",
            "chart_tf",
            "session",
            "bias",
            "bias_score",
            "confidence",
            "alignment",
            "conflict",
            "regime_type",
            "chop",
            "adx_15m",
            "atr_state_15m",
            "macro_class",
            "macro_confidence",
            "macro_support_1",
            "macro_resistance_1",
            "macro_measured_move_target",
            "intent_type",
            "intent_confidence",
            "regime_transition",
            "trend_phase",
            "entry_mode_hint",
        }
    ) == {
        "symbol": "QQQ",
        "event_at": T0,
        "event_type": "BIAS_SNAPSHOT",
        "source": "MTF_BIAS_ENGINE_V3",
        "chart_tf": "5m",
        "session": "RTH",
        "bias": "BULLISH",
        "bias_score": 60.0,
        "confidence": 0.7,
        "alignment": 80.0,
        "conflict": 5.0,
        "regime_type": "TREND",
        "chop": 30.0,
        "adx_15m": 27.5,
        "atr_state_15m": "NORMAL",
        "macro_class": "MACRO_RANGE",
        "macro_confidence": 0.5,
        "macro_support_1": 610.0,
        "macro_resistance_1": 630.0,
        "macro_measured_move_target": None,
        "intent_type": "PULLBACK",
        "intent_confidence": 0.6,
        "regime_transition": False,
        "trend_phase": "MID",
        "entry_mode_hint": "PULLBACK",
    }
    assert (made.invalidation.level, made.invalidation.method) == (618.5, "M15_PIVOT_LOW")
    assert (made.levels.orb.high, made.levels.swings.dist_to_res_atr) == (621.5, None)


def test_a_stored_state_reads_back_as_it_was():
    made = state()
    assert BiasState.model_validate(made.model_dump(mode="json")) == made


def test_the_first_event_moves_nothing():
    assert state().transitions == Transitions()
    assert state().acceleration == Acceleration()
    compression = state(intent__type="COMPRESSION", mtf__regime__chop_score=80)
    assert compression.transitions == Transitions()


@pytest.mark.parametrize("flag", ["reclaim", "sweep_high", "sweep_low"])
def test_a_liquidity_event_is_one_that_turned_on(flag):
    on = {f"liquidity__{flag}": True}
    assert state(**on).transitions == Transitions(liquidity_event=True)
    assert after(state(), **on).transitions == Transitions(liquidity_event=True)
    assert after(state(**on), **on).transitions == Transitions()
    assert after(state(**on)).transitions == Transitions()


def test_equal_clusters_are_no_liquidity_event():
    assert state(liquidity__equal_high_cluster=True, liquidity__equal_low_cluster=True).transitions == Transitions()


@pytest.mark.parametrize(
    ("before", "now", "is_flip"),
    [
        ("BULLISH", "BEARISH", True),
        ("BEARISH", "BULLISH", True),
        ("BULLISH", "NEUTRAL", False),
        ("NEUTRAL", "BEARISH", False),
        ("BULLISH", "BULLISH", False),
    ],
)
def test_a_bias_flip_goes_from_one_side_to_the_other(before, now, is_flip):
    first = state(mtf__consensus__bias_consensus=before)
    assert after(first, mtf__consensus__bias_consensus=now).transitions == Transitions(bias_flip=is_flip)


def test_other_flips():
    first = state()
    assert after(first, mtf__regime__type="RANGE").transitions == Transitions(regime_flip=True)
    assert after(first, macro__state__macro_class="MACRO_TREND_UP").transitions == Transitions(macro_flip=True)
    assert after(first, intent__type="REVERSAL").transitions == Transitions(intent_change=True)


@pytest.mark.parametrize(
    ("chop", "transition", "atr", "is_event"),
    [
        (19.9, True, "EXPANDING", True),
        (20, True, "EXPANDING", False),
        (20.1, True, "EXPANDING", False),
        (19.9, True, None, True),
        (19.9, True, "NORMAL", False),
        (19.9, False, "EXPANDING", False),
    ],
)
def test_an_expansion_needs_chop_to_fall_by_more_than_ten(chop, transition, atr, is_event):
    moved = after(
        state(), mtf__regime__chop_score=chop, intent__regime_transition=transition, mtf__regime__atr_state_15m=atr
    )
    assert moved.transitions.expansion_event is is_event


@pytest.mark.parametrize(("chop", "is_event"), [(69.9, False), (70, True), (70.1, True)])
def test_a_compression_needs_chop_of_seventy(chop, is_event):
    first = state(intent__type="COMPRESSION", mtf__regime__chop_score=90)
    moved = after(first, intent__type="COMPRESSION", mtf__regime__chop_score=chop)
    assert moved.transitions == Transitions(compression_event=is_event)


def test_acceleration_is_the_change_since_the_state_before():
    moved = after(
        state(), mtf__consensus__bias_score=85.5, intent__confidence=0.45, macro__state__macro_confidence=0.62
    )
    assert moved.acceleration == Acceleration(
        state_strength_delta=25.5, intent_momentum_delta=-0.15, macro_drift_score=0.12
    )


def test_a_macro_flip_adds_to_the_drift():
    moved = after(state(), macro__state__macro_class="MACRO_TREND_UP", macro__state__macro_confidence=0.6)
    assert moved.acceleration.macro_drift_score == 0.25


@pytest.mark.parametrize(
    ("macro", "suppressed"),
    [
        ("MACRO_BREAKDOWN_CONFIRMED", {Side.LONG}),
        ("MACRO_TREND_DOWN", {Side.LONG}),
        ("MACRO_TREND_UP", {Side.SHORT}),
        ("MACRO_RANGE", set()),
        ("MACRO_REVERSAL_RISK", set()),
    ],
)
@pytest.mark.parametrize("bias", ["BULLISH", "BEARISH", "NEUTRAL"])
def test_macro_suppresses_the_side_against_it_whatever_the_bias(macro, suppressed, bias):
    for side in Side:
        made = effect(side, macro__state__macro_class=macro, mtf__consensus__bias_consensus=bias)
        is_hit = side in suppressed
        assert (made.suppressed, made.confidence, made.risk_multiplier) == (
            is_hit,
            0.42 if is_hit else 0.7,
            0.6 if is_hit else 1.0,
        )
        assert made.notes == ((f"{macro} suppresses {side.value}",) if is_hit else ())


@pytest.mark.parametrize(("side", "room"), [(Side.LONG, "resistance"), (Side.SHORT, "support")])
def test_a_breakout_into_low_space_costs_its_own_side_confidence(side, room):
    low = {"intent__type": "BREAKOUT", f"space__room_to_{room}": "LOW"}
    assert effect(side, **low).confidence == 0.45
    assert effect(side, **low).notes == (f"breakout with low room to {room}",)
    assert effect(side.opposite, **low).confidence == 0.7
    assert effect(side, **{**low, "intent__type": "PULLBACK"}).confidence == 0.7


def test_bonuses_are_capped_at_one():
    assert effect(Side.LONG, liquidity__reclaim=True).confidence == 0.78
    assert effect(Side.SHORT, intent__regime_transition=True).confidence == 0.75
    both = {"liquidity__reclaim": True, "intent__regime_transition": True, "mtf__consensus__confidence_score": 0.99}
    assert effect(Side.LONG, **both).confidence == 1.0


@pytest.mark.parametrize(("chop", "is_suppressed"), [(74.9, False), (75, True), (75.1, True)])
@pytest.mark.parametrize("side", list(Side))
def test_chop_of_seventy_five_suppresses_both_sides(chop, is_suppressed, side):
    made = effect(side, mtf__regime__chop_score=chop)
    assert (made.suppressed, made.confidence) == (is_suppressed, 0.49 if is_suppressed else 0.7)


@pytest.mark.parametrize(("side", "macro"), [(Side.LONG, "MACRO_TREND_UP"), (Side.SHORT, "MACRO_TREND_DOWN")])
def test_a_reclaim_with_the_macro_trend_escapes_the_chop(side, macro):
    chop = {"mtf__regime__chop_score": 90}
    escaping = effect(side, liquidity__reclaim=True, macro__state__macro_class=macro, **chop)
    assert (escaping.suppressed, escaping.confidence) == (False, 0.78)
    assert effect(side, macro__state__macro_class=macro, **chop).suppressed
    assert effect(side, liquidity__reclaim=True, **chop).suppressed
    assert effect(side.opposite, liquidity__reclaim=True, macro__state__macro_class=macro, **chop).suppressed


_MIRROR = {
    "MACRO_TREND_UP": "MACRO_TREND_DOWN",
    "MACRO_TREND_DOWN": "MACRO_TREND_UP",
    "MACRO_RANGE": "MACRO_RANGE",
    "MACRO_REVERSAL_RISK": "MACRO_REVERSAL_RISK",
}


@settings(max_examples=100)
@given(
    macro=st.sampled_from(list(_MIRROR)),
    intent=st.sampled_from(["BREAKOUT", "PULLBACK"]),
    rooms=st.tuples(st.sampled_from(["HIGH", "LOW"]), st.sampled_from(["HIGH", "LOW"])),
    chop=st.sampled_from([0, 74.9, 75, 100]),
    reclaim=st.booleans(),
    transition=st.booleans(),
    confidence=st.floats(0, 1),
)
def test_mirrored_markets_mean_the_same_for_mirrored_sides(macro, intent, rooms, chop, reclaim, transition, confidence):
    shared = {
        "intent__type": intent,
        "mtf__regime__chop_score": chop,
        "liquidity__reclaim": reclaim,
        "intent__regime_transition": transition,
        "mtf__consensus__confidence_score": confidence,
    }
    here = effect(
        Side.LONG,
        macro__state__macro_class=macro,
        space__room_to_resistance=rooms[0],
        space__room_to_support=rooms[1],
        **shared,
    )
    there = effect(
        Side.SHORT,
        macro__state__macro_class=_MIRROR[macro],
        space__room_to_support=rooms[0],
        space__room_to_resistance=rooms[1],
        **shared,
    )
    assert (here.suppressed, here.confidence, here.risk_multiplier, len(here.notes)) == (
        there.suppressed,
        there.confidence,
        there.risk_multiplier,
        len(there.notes),
    )
    assert 0 <= here.confidence <= 1


@pytest.mark.parametrize(
    ("chart_tf", "in_session", "minutes"),
    [("1", True, 10), ("5", True, 10), ("15", True, 22.5), ("60", True, 90), ("5", False, 60), ("60", False, 90)],
)
def test_a_state_is_stale_beyond_its_threshold(chart_tf, in_session, minutes):
    made = state(chart_tf=chart_tf)
    edge = T0 + timedelta(minutes=minutes)
    at_edge = staleness(made, edge, in_session=in_session)
    assert (at_edge.is_stale, at_edge.age_minutes, at_edge.threshold_minutes) == (False, minutes, minutes)
    assert staleness(made, edge - timedelta(seconds=1), in_session=in_session).is_stale is False
    assert staleness(made, edge + timedelta(seconds=1), in_session=in_session).is_stale is True
