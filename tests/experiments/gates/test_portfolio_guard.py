from dataclasses import replace
from decimal import Decimal

import pytest

from bias.enums import MacroClass, Regime
from experiments.enums import GateOutcome, RiskFactor
from experiments.gates.portfolio_guard import downgrades, judge
from optionsengine.core.enums import Side
from tests.experiments.worlds import CONFIG, EXPOSURE, against, bias, exposure, world

PASS, REFUSE, NOTHING = GateOutcome.PASS, GateOutcome.REFUSE, GateOutcome.NOT_EVALUATED
RANGE = {"regime_type": Regime.RANGE, "entry_mode_hint": "MEAN_REVERT"}
OFF = replace(CONFIG, has_portfolio_guard=False)


def factors(inputs):
    return {each.name: each.factor for each in downgrades(inputs)}


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(("count", "code"), [(1, ""), (2, "MAX_SAME_DIRECTION"), (3, "MAX_SAME_DIRECTION")])
def test_two_of_one_symbol_and_side_are_enough(side, count, code):
    same, other = exposure(symbol_by_side={side: count}), exposure(symbol_by_side={side.opposite: count})

    verdict = judge(world(side, exposure=same))

    assert verdict.code == code
    assert judge(world(side, exposure=same, bias=None)).code == code  # needs no bias
    assert judge(world(side, exposure=other)).outcome == PASS
    if code:
        assert (verdict.outcome, verdict.value, verdict.threshold) == (REFUSE, f"{count} {side.value} of SPY", "2")
        assert "the guard keeps 2 of a symbol and side whatever the risk-limits row allows" in verdict.message


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(("count", "code"), [(2, ""), (3, "MACRO_BIAS_CLUSTER"), (4, "MACRO_BIAS_CLUSTER")])
def test_a_cluster_against_the_macro_class_grows_no_further(side, count, code):
    verdict = judge(world(side, bias=against(side), exposure=exposure(by_side={side: count})))

    assert (verdict.code, verdict.outcome) == (code, REFUSE if code else PASS)


def test_a_confirmed_breakdown_is_against_longs_only():
    state = {"macro_class": MacroClass.BREAKDOWN_CONFIRMED}
    full = exposure(by_side={Side.LONG: 3, Side.SHORT: 3})

    assert judge(world(Side.LONG, bias=bias(**state), exposure=full)).code == "MACRO_BIAS_CLUSTER"
    assert judge(world(Side.SHORT, bias=bias(Side.SHORT, **state), exposure=full)).outcome == PASS


@pytest.mark.parametrize("side", Side)
def test_d13_a_trade_that_lessens_a_misaligned_cluster_passes(side):
    state = against(side)  # a cluster of `side` stands against it; the other side goes with it
    full = exposure(by_side={side: 5, side.opposite: 0})

    assert judge(world(side.opposite, bias=state, exposure=full)).outcome == PASS
    assert judge(world(side, bias=bias(side, macro_class=None), exposure=full)).outcome == PASS


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("regime", "chop", "hint", "code"),
    [
        (Regime.RANGE, 70.0, "BREAKOUT", ""),
        (Regime.RANGE, 70.1, "BREAKOUT", "RANGE_BREAKOUT_BLOCKED"),
        (Regime.RANGE, 70.1, "MEAN_REVERT", ""),
        (Regime.RANGE, 70.1, "", ""),
        (Regime.TREND, 70.1, "BREAKOUT", ""),
    ],
)
def test_no_breakout_in_a_choppy_range(side, regime, chop, hint, code):
    state = bias(side, regime_type=regime, chop_score=chop, entry_mode_hint=hint)

    assert judge(world(side, bias=state)).code == code


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("values", "count", "name", "factor"),
    [
        ({"macro_drift": 0.15}, 0, None, None),
        ({"macro_drift": 0.16}, 0, RiskFactor.MACRO_DRIFT_GUARD, "0.5"),
        ({"macro_drift": -0.5}, 0, None, None),
        ({"macro_flip": True}, 0, RiskFactor.MACRO_DRIFT_GUARD, "0.5"),
        ({"macro_flip": True, "macro_drift": 0.2}, 0, RiskFactor.MACRO_DRIFT_GUARD, "0.5"),
        ({"atr_state": "EXPANDING"}, 0, None, None),
        ({"atr_state": "NORMAL", "macro_class": MacroClass.RANGE}, 0, None, None),
        ({"atr_state": "EXPANDING", "macro_class": MacroClass.RANGE}, 0, RiskFactor.VOLATILITY_EXPANSION_GUARD, "0.8"),
        (
            {"atr_state": "EXPANDING", "macro_class": MacroClass.REVERSAL_RISK},
            0,
            RiskFactor.VOLATILITY_EXPANSION_GUARD,
            "0.8",
        ),
        ({**RANGE, "chop_score": 70.1}, 1, None, None),
        ({**RANGE, "chop_score": 70.0}, 2, None, None),
        ({**RANGE, "chop_score": 70.1}, 2, RiskFactor.RANGE_REGIME_DIRECTIONAL_CAP, "0.5"),
        ({**RANGE, "chop_score": 70.1}, 3, RiskFactor.RANGE_REGIME_DIRECTIONAL_CAP, "0.5"),
    ],
)
def test_d13_a_downgrade_multiplies_the_size_and_is_named(side, values, count, name, factor):
    inputs = world(side, bias=bias(side, **values), exposure=exposure(by_side={side: count}))

    assert factors(inputs) == ({} if name is None else {name: Decimal(factor)})
    verdict = judge(inputs)
    assert verdict.outcome == PASS
    assert verdict.message.startswith("" if name is None else f"{name.value}: size × {factor} (")
    other_side = exposure(by_side={side.opposite: count})
    if name == RiskFactor.RANGE_REGIME_DIRECTIONAL_CAP:
        assert factors(replace(inputs, exposure=other_side)) == {}


def test_all_reasons_are_named_and_the_first_is_the_code():
    state = against(regime_type=Regime.RANGE, chop_score=71.0, entry_mode_hint="BREAKOUT")
    seen = exposure(symbol_by_side={Side.LONG: 2}, by_side={Side.LONG: 4})

    verdict = judge(world(bias=state, exposure=seen))

    assert verdict.code == "MAX_SAME_DIRECTION"
    assert "MACRO_BIAS_CLUSTER 4 long in MACRO_TREND_DOWN against 3" in verdict.message
    assert "RANGE_BREAKOUT_BLOCKED chop 71 in a range against 70" in verdict.message


def test_d35_test_signals_are_outside_the_guard():
    seen = exposure(symbol_by_side={Side.LONG: 9})
    inputs = world(exposure=seen, bias=bias(macro_flip=True), signal={"is_test": True})

    assert judge(inputs).outcome == PASS
    assert downgrades(inputs) == ()


def test_d37_the_guard_has_a_switch_of_its_own():
    inputs = world(exposure=exposure(symbol_by_side={Side.LONG: 9}), bias=bias(macro_flip=True), config=OFF)

    assert judge(inputs).outcome == NOTHING
    assert downgrades(inputs) == ()
    assert judge(replace(inputs, config=replace(CONFIG, require_bias=False))).outcome == REFUSE


def test_a_stale_state_guards_nothing():
    inputs = world(bias=against(is_stale=True, macro_flip=True), exposure=exposure(by_side={Side.LONG: 5}))

    assert judge(inputs).outcome == PASS
    assert downgrades(inputs) == ()


def test_d40_the_limits_on_open_positions_are_the_risk_limits_gates_alone():
    crowded = replace(EXPOSURE, open_positions=50, symbol_positions=50, by_side={Side.SHORT: 50})

    assert judge(world(exposure=crowded)).outcome == PASS
