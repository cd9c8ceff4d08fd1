from dataclasses import replace

import pytest

from bias.enums import Regime
from experiments.enums import GateOutcome
from experiments.gates.setup import judge
from optionsengine.core.enums import Side
from tests.experiments.worlds import CONFIG, bias, world

PASS, REFUSE, NOTHING = GateOutcome.PASS, GateOutcome.REFUSE, GateOutcome.NOT_EVALUATED
AHEAD = {Side.LONG: "room_to_resistance", Side.SHORT: "room_to_support"}
SWEPT = {Side.LONG: "sweep_high", Side.SHORT: "sweep_low"}


def code_of(side, **values):
    return judge(world(side, bias=bias(side, **values))).code


@pytest.mark.parametrize("side", Side)
def test_d22_a_no_trade_hint_refuses_either_side(side):
    verdict = judge(world(side, bias=bias(side, entry_mode_hint="NO_TRADE")))

    assert (verdict.outcome, verdict.code, verdict.value) == (REFUSE, "NO_TRADE_HINT", "hint NO_TRADE")


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("intent", "room", "code"),
    [
        ("BREAKOUT", "LOW", "BREAKOUT_WITHOUT_SPACE"),
        ("BREAKOUT", "MEDIUM", ""),
        ("BREAKOUT", "NA", ""),
        ("BREAKOUT", "", ""),
        ("PULLBACK", "LOW", ""),
        ("", "LOW", ""),
    ],
)
def test_d22_a_breakout_needs_room_on_the_signals_own_way(side, intent, room, code):
    assert code_of(side, intent_type=intent, **{AHEAD[side]: room}) == code
    assert code_of(side, intent_type=intent, **{AHEAD[side.opposite]: room}) == ""


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(("fired", "code"), [(False, "NO_TRIGGER_CONFIRMATION"), (True, ""), (None, "")])
def test_a_trigger_that_is_known_must_have_fired(side, fired, code):
    assert code_of(side, is_triggered=fired) == code


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("swept", "reclaim", "code"),
    [
        (True, False, "LIQUIDITY_TRAP_CONTINUATION"),
        (True, None, "LIQUIDITY_TRAP_CONTINUATION"),
        (True, True, ""),
        (False, False, ""),
        (None, None, ""),
    ],
)
def test_d22_swept_highs_trap_longs_and_swept_lows_trap_shorts(side, swept, reclaim, code):
    assert code_of(side, **{SWEPT[side]: swept}, reclaim=reclaim) == code
    assert code_of(side, **{SWEPT[side.opposite]: swept}, reclaim=reclaim) == ""


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("regime", "hint", "code"),
    [
        (Regime.RANGE, "MEAN_REVERT", ""),
        (Regime.RANGE, "", ""),
        (Regime.RANGE, "PULLBACK", "RANGE_NOT_MEAN_REVERT"),
        (Regime.RANGE, "BREAKOUT", "RANGE_NOT_MEAN_REVERT"),
        (Regime.TREND, "PULLBACK", ""),
        (Regime.BREAKOUT, "BREAKOUT", ""),
    ],
)
def test_a_range_is_for_reverting_to_the_mean(side, regime, hint, code):
    assert code_of(side, regime_type=regime, entry_mode_hint=hint) == code


def test_all_reasons_are_named_and_the_first_is_the_code():
    state = bias(
        entry_mode_hint="NO_TRADE",
        intent_type="BREAKOUT",
        room_to_resistance="LOW",
        is_triggered=False,
        sweep_high=True,
        regime_type=Regime.RANGE,
    )

    verdict = judge(world(bias=state))

    assert verdict.code == "NO_TRADE_HINT"
    for code in (
        "BREAKOUT_WITHOUT_SPACE",
        "NO_TRIGGER_CONFIRMATION",
        "LIQUIDITY_TRAP_CONTINUATION",
        "RANGE_NOT_MEAN_REVERT",
    ):
        assert code in verdict.message


@pytest.mark.parametrize("state", [None, bias(is_stale=True, entry_mode_hint="NO_TRADE")])
def test_without_a_usable_bias_nothing_is_judged(state):
    assert judge(world(bias=state)).outcome == NOTHING


def test_d37_the_validator_has_a_switch_of_its_own():
    inputs = world(bias=bias(entry_mode_hint="NO_TRADE"))

    assert judge(replace(inputs, config=replace(CONFIG, has_setup_validator=False))).outcome == NOTHING
    assert judge(replace(inputs, config=replace(CONFIG, require_bias=False))).outcome == REFUSE
