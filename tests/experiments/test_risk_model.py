"""The risk model: each factor at, below and above its threshold, for both sides, once; the bounds of the product."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bias.config import BiasConfig, RiskConfig, StaleBehavior, StalenessConfig
from bias.enums import MacroClass, Regime
from experiments.decide import decide
from experiments.enums import DecisionOutcome
from experiments.risk_model import risk_factors, risk_multiplier
from optionsengine.core.enums import Engine, Side
from tests.experiments.worlds import CONFIG, against, bias, context, exposure, flow, gamma, market, world

PLAIN = {"macro_class": None}


def factors(side, **values):
    found = risk_factors(world(side, bias=bias(side, **(PLAIN | values))))
    return {name: float(factor) for name, factor in found.items()}


def sign(side):
    return 1 if side == Side.LONG else -1


@pytest.mark.parametrize("side", Side)
def test_a_plain_state_changes_nothing(side):
    assert factors(side) == {}


def test_without_a_usable_state_nothing_of_it_counts():
    assert risk_factors(world(bias=None)) == {}
    assert risk_factors(world(bias=bias(is_stale=True, macro_drift=0.5))) == {}


@pytest.mark.parametrize(
    ("side", "macro", "expected"),
    [
        (Side.LONG, MacroClass.TREND_UP, {"macro_aligned": 1.15}),
        (Side.SHORT, MacroClass.TREND_DOWN, {"macro_aligned": 1.15}),
        (Side.LONG, MacroClass.TREND_DOWN, {"macro_against": 0.5}),
        (Side.SHORT, MacroClass.TREND_UP, {"macro_against": 0.5}),
        (Side.LONG, MacroClass.BREAKDOWN_CONFIRMED, {"macro_breakdown_long": 0.5}),
        (Side.SHORT, MacroClass.BREAKDOWN_CONFIRMED, {}),
        (Side.LONG, MacroClass.RANGE, {}),
        (Side.SHORT, MacroClass.REVERSAL_RISK, {}),
    ],
)
def test_d23_the_macro_class_counts_alike_for_both_sides(side, macro, expected):
    config = CONFIG.bias.gating
    found = risk_factors(world(side, bias=bias(side, macro_class=macro)))
    suppressed = macro in (config.macro_suppress_long if side == Side.LONG else config.macro_suppress_short)

    assert found.pop("bias_confidence", 1) == Decimal("0.6" if suppressed else "1")
    assert {name: float(factor) for name, factor in found.items()} == expected


def test_d23_short_with_the_trend_is_not_penalised():
    decision = decide(world(Side.SHORT))

    # $1000 × 1.15 over $122.50 is 9.4
    assert decision.engines[Engine.A].explanation["size"]["multiplier"] == Decimal("1.15")
    assert decision.engines[Engine.A].quantity == decide(world(Side.LONG)).engines[Engine.A].quantity == 9


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"regime_type": Regime.RANGE, "entry_mode_hint": "BREAKOUT"}, {"range_breakout": 0.7}),
        ({"regime_type": Regime.RANGE, "entry_mode_hint": "MEAN_REVERT", "alignment_score": 90.0}, {}),
        ({"entry_mode_hint": "BREAKOUT"}, {}),
        ({"alignment_score": 75.0}, {}),
        ({"alignment_score": 75.1}, {"trend_alignment": 1.1}),
        ({"macro_drift": 0.15}, {}),
        ({"trend_phase": "LATE", "strength_delta": 0.0}, {"LATE_TREND_PHASE": 0.75}),
    ],
)
def test_the_regime_counts(side, values, expected):
    assert factors(side, **values) == expected


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("towards", "expected"),
    [
        (15.0, {}),
        (15.1, {"strength_up": 1.1}),
        (-20.0, {}),
        (-20.1, {"strength_down": 0.8}),
        (0.0, {}),
    ],
)
def test_the_strength_counts_towards_the_trades_side(side, towards, expected):
    assert factors(side, strength_delta=towards * sign(side)) == expected


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("phase", "towards", "expected"),
    [
        ("LATE", -0.1, {"late_phase": 0.75}),
        ("LATE", 0.0, {"LATE_TREND_PHASE": 0.75}),
        ("LATE", 0.1, {"LATE_TREND_PHASE": 0.75}),
        ("MID", -0.1, {}),
        ("", -0.1, {}),
    ],
)
def test_a_late_trend_counts_once_whoever_counts_it(side, phase, towards, expected):
    assert factors(side, trend_phase=phase, strength_delta=towards * sign(side)) == expected


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("changes", "drift", "expected"),
    [
        ({}, 0.15, {}),
        ({}, 0.16, {"MACRO_DRIFT_GUARD": 0.5}),
        ({"has_portfolio_guard": False}, 0.15, {}),
        ({"has_portfolio_guard": False}, 0.16, {"macro_drift": 0.85}),
        # a limit of one's own below the guard's: what the guard does not count is counted by the model
        ({"bias": BiasConfig(risk=RiskConfig(drift_limit=0.1))}, 0.12, {"macro_drift": 0.85}),
        ({"bias": BiasConfig(risk=RiskConfig(drift_limit=0.1))}, 0.16, {"MACRO_DRIFT_GUARD": 0.5}),
    ],
)
def test_macro_drift_counts_once_whoever_counts_it(side, changes, drift, expected):
    found = risk_factors(world(side, bias=bias(side, macro_drift=drift, **PLAIN), config=replace(CONFIG, **changes)))

    assert {name: float(factor) for name, factor in found.items()} == expected


@pytest.mark.parametrize("side", Side)
def test_the_drift_of_a_test_signal_is_the_models(side):
    inputs = world(side, bias=bias(side, macro_drift=0.16, **PLAIN), signal={"is_test": True})

    assert risk_factors(inputs) == {"macro_drift": Decimal("0.85")}


TIGHT = {"intent_type": "BREAKOUT", "room_to_resistance": "LOW", "room_to_support": "LOW"}


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("told", "values", "expected"),
    [
        (0.7, {}, None),
        (0.7, TIGHT, "0.642857"),  # .45 of .7
        (0.7, {"reclaim": True}, "1.114286"),  # .78 of .7
        (0.7, {"regime_transition": True}, "1.071429"),  # .75 of .7
        (0.7, {"reclaim": True, **TIGHT}, "0.757143"),  # .53 of .7
        (1.0, {"reclaim": True}, None),  # nothing is surer than sure
        (0.51, TIGHT, "0.509804"),
        (0.5, TIGHT, "0.5"),
        (0.49, TIGHT, "0.5"),  # .489796, held to its bound
        (0.1, TIGHT, "0.5"),
        (0.33, {"reclaim": True}, "1.242424"),
        (0.32, {"reclaim": True}, "1.25"),
        (0.31, {"reclaim": True}, "1.25"),  # 1.258065, held to its bound
        (0.0, {"reclaim": True}, None),  # there is nothing to take a part of
    ],
)
def test_d22_the_effective_confidence_of_the_trades_side_sizes_it(side, told, values, expected):
    found = risk_factors(world(side, bias=bias(side, confidence=told, **PLAIN, **values)))

    assert found == ({} if expected is None else {"bias_confidence": Decimal(expected)})


@pytest.mark.parametrize("side", Side)
def test_d22_only_the_room_on_the_trades_own_way_counts(side):
    ahead, behind = ("room_to_resistance", "room_to_support")[:: 1 if side == Side.LONG else -1]

    assert "bias_confidence" in factors(side, intent_type="BREAKOUT", **{ahead: "LOW", behind: "HIGH"})
    assert factors(side, intent_type="BREAKOUT", **{ahead: "HIGH", behind: "LOW"}) == {}


@pytest.mark.parametrize("side", Side)
def test_d22_room_and_reclaim_reach_the_quantity(side):
    """Without the validator, which refuses a breakout with little room before its size is asked."""
    config = replace(CONFIG, has_setup_validator=False)
    plain, tight, reclaimed = (
        decide(world(side, bias=bias(side, **PLAIN, **values), config=config)).engines[Engine.A].quantity
        for values in ({}, TIGHT, {"reclaim": True})
    )

    # $1000, $642.86 and $1114.29 over $122.50
    assert (plain, tight, reclaimed) == (8, 5, 9)


@pytest.mark.parametrize("side", Side)
def test_a_stale_state_that_may_be_used_reduces_the_risk(side):
    staleness = StalenessConfig(behavior=StaleBehavior.REDUCE_RISK, risk_multiplier=0.65)
    config = replace(CONFIG, bias=BiasConfig(staleness=staleness))
    stale = bias(side, is_stale=True, **PLAIN)

    assert risk_factors(world(side, bias=stale, config=config)) == {"stale_bias": Decimal("0.65")}
    assert risk_factors(world(side, bias=replace(stale, is_stale=False), config=config)) == {}


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(("word", "expected"), [("HIGH_VOL", {"high_volatility": 0.5}), ("NORMAL", {}), ("", {})])
def test_a_volatile_market_halves_the_size(side, word, expected):
    found = risk_factors(world(side, bias=None, context=context(vix_regime=word)))

    assert {name: float(factor) for name, factor in found.items()} == expected


def test_the_configuration_in_force_gives_the_numbers():
    risk = RiskConfig(macro_aligned=1.4, strength_up=1.2, strength_up_delta=5.0, alignment_limit=60.0)
    config = replace(CONFIG, bias=BiasConfig(risk=risk))

    found = risk_factors(world(bias=bias(strength_delta=6.0), config=config))

    assert {name: float(each) for name, each in found.items()} == {
        "macro_aligned": 1.4,
        "trend_alignment": 1.1,
        "strength_up": 1.2,
    }


@pytest.mark.parametrize(
    ("product", "expected"),
    [("0.24", "0.25"), ("0.25", "0.25"), ("0.26", "0.26"), ("1.49", "1.49"), ("1.5", "1.5"), ("1.51", "1.5")],
)
def test_the_product_is_held_to_its_bounds(product, expected):
    assert risk_multiplier({"macro_aligned": Decimal(product)}) == Decimal(expected)


def test_no_factor_is_one():
    assert risk_multiplier({}) == 1


def test_d14_a_zero_survives_the_bounds():
    assert risk_multiplier({"macro_aligned": Decimal("1.4"), "confluence": Decimal(0)}) == 0


@pytest.mark.parametrize("side", Side)
def test_d14_a_trade_without_confluence_has_no_size(side):
    """The gate is switched off, so that only the size speaks."""
    weak = flow(side, premium_side=side.opposite, strength=50.0)
    config = replace(CONFIG, has_confluence_gate=False)
    inputs = world(
        side,
        market=market(side, flow=weak, gamma=gamma(net_gex=5e8)),
        bias=bias(side.opposite, regime_type=Regime.RANGE, entry_mode_hint="", macro_class=None),
        config=config,
    )

    decision = decide(inputs)

    assert decision.engines[Engine.A].explanation["size"]["multiplier"] == 0
    assert (decision.outcome, decision.code) == (DecisionOutcome.REFUSED, "ZERO_SIZE")
    assert "confluence leaves no part of the risk budget" in decision.message


def test_d13_every_downgrade_reaches_the_size():
    state = bias(macro_class=MacroClass.RANGE, macro_flip=True, atr_state="EXPANDING")

    size = decide(world(bias=state)).engines[Engine.A].explanation["size"]

    assert size["multipliers"] == {
        "MACRO_DRIFT_GUARD": Decimal("0.5"),
        "VOLATILITY_EXPANSION_GUARD": Decimal("0.8"),
    }
    assert (size["multiplier"], size["risk_budget"]) == (Decimal("0.4"), Decimal("400.00"))


STATES = st.builds(
    bias,
    macro_class=st.sampled_from([None, MacroClass.RANGE, MacroClass.TREND_UP, MacroClass.TREND_DOWN]),
    regime_type=st.sampled_from([Regime.TREND, Regime.RANGE]),
    entry_mode_hint=st.sampled_from(["", "BREAKOUT", "MEAN_REVERT"]),
    alignment_score=st.sampled_from([50.0, 80.0]),
    strength_delta=st.sampled_from([-30.0, -5.0, 0.0, 30.0]),
    macro_drift=st.sampled_from([0.0, 0.3]),
    macro_flip=st.booleans(),
    trend_phase=st.sampled_from(["MID", "LATE"]),
    confidence=st.sampled_from([0.0, 0.2, 0.7, 1.0]),
    reclaim=st.booleans(),
    intent_type=st.sampled_from(["", "BREAKOUT"]),
    room_to_resistance=st.sampled_from(["LOW", "HIGH"]),
    chop_score=st.sampled_from([20.0, 72.0, 80.0]),
)


@settings(max_examples=100, deadline=None)
@given(state=STATES, crowd=st.integers(0, 4), side=st.sampled_from(Side))
def test_each_factor_is_named_once_and_the_multiplier_is_their_product(state, crowd, side):
    inputs = world(side, bias=state, exposure=exposure(by_side={side: crowd}), market=market(side, flow=flow()))

    found = risk_factors(inputs)
    product = Decimal(1)
    for factor in found.values():
        assert 0 <= factor <= 3
        product *= factor

    assert risk_multiplier(found) == (min(Decimal("1.5"), max(Decimal("0.25"), product)) if product else 0)


@pytest.mark.parametrize("side", Side)
def test_what_the_bias_suppresses_loses_its_confidence(side):
    """It is refused, and a what-if that lifts the suppression shows the size it would have had."""
    assert risk_factors(world(side, bias=against(side)))["bias_confidence"] == Decimal("0.6")
