"""The entry tiers at, below and above every threshold."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bias.enums import Bias, Regime
from experiments.contract import Selection, contract_for
from experiments.data import SessionFacts
from experiments.engines.a import engine_a
from experiments.engines.tiers import directional_regime, entry_plan, liquidity_of, tiers_judge
from experiments.enums import (
    ContractSource,
    DirectionalRegime,
    EntryType,
    GateCode,
    GateOutcome,
    LiquidityState,
    RuleOutcome,
    SetupType,
    Urgency,
)
from optionsengine.core.enums import Side
from optionsengine.market.analysis_enums import GexState
from tests.experiments.worlds import CONFIG, NEXT_OPEN, SPOT, bias, candidate, gamma, market, volatility, world

TIMEFRAME = {"SCALP_GUARDED": "5m", "SWING": "1h", "POSITION": "1w", "LEAPS": "1M"}
OPTIONAL = replace(CONFIG, require_bias=False)


def opinion_of(inputs):
    return engine_a(inputs, contract_for(inputs))


def finding(inputs, rule, selection=None):
    return next(each for each in tiers_judge(inputs, selection) if each.rule == rule)


def hit(inputs, rule, selection=None):
    return finding(inputs, rule, selection).outcome == RuleOutcome.HIT


@pytest.mark.parametrize(("setup", "minimum"), [("SCALP_GUARDED", 65), ("SWING", 60), ("POSITION", 55), ("LEAPS", 50)])
def test_signal_confidence_has_a_minimum_per_setup(setup, minimum):
    for confidence, expected in ((minimum - 0.1, True), (minimum, False), (minimum + 0.1, False)):
        inputs = world(signal={"timeframe": TIMEFRAME[setup], "confidence": confidence})
        assert hit(inputs, GateCode.LOW_SIGNAL_CONFIDENCE) is expected


def test_a_confidence_of_zero_to_one_is_not_rescaled():
    opinion = opinion_of(world(signal={"confidence": 0.9}))

    assert (opinion.outcome, opinion.code) == (GateOutcome.REFUSE, GateCode.LOW_SIGNAL_CONFIDENCE)
    assert opinion.value == "0.9"


def test_d30_a_confidence_that_is_not_a_number_is_refused():
    inputs = world()
    broken = replace(inputs, signal=replace(inputs.signal, confidence=float("nan")))

    assert hit(broken, GateCode.LOW_SIGNAL_CONFIDENCE)


def test_d30_a_default_confidence_is_marked_as_one():
    inputs = world(signal={"confidence": None})

    assert finding(inputs, GateCode.LOW_SIGNAL_CONFIDENCE).value == "70 (default)"
    assert opinion_of(inputs).confidence == 70.0


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (None, DirectionalRegime.NEUTRAL),
        (bias(resolved_score=19.9), DirectionalRegime.NEUTRAL),
        (bias(resolved_score=20.0), DirectionalRegime.BULL),
        (bias(resolved_score=20.1), DirectionalRegime.BULL),
        (bias(Side.SHORT, resolved_score=-19.9), DirectionalRegime.NEUTRAL),
        (bias(Side.SHORT, resolved_score=-20.0), DirectionalRegime.BEAR),
        (bias(Side.SHORT, resolved_score=-20.1), DirectionalRegime.BEAR),
        (bias(bias_score=95.0, resolved_score=45.5), DirectionalRegime.BULL),  # gamma weakens it
        (bias(bias_score=5.0, resolved_score=-17.5), DirectionalRegime.NEUTRAL),  # takes it away
        (bias(bias_score=5.0, resolved_score=-40.0), DirectionalRegime.NEUTRAL),  # and never turns it
        (bias(Side.SHORT, bias_score=-5.0, resolved_score=40.0), DirectionalRegime.NEUTRAL),
        (bias(bias=Bias.NEUTRAL), DirectionalRegime.NEUTRAL),
        (bias(regime_type=Regime.RANGE), DirectionalRegime.NEUTRAL),
        (bias(is_stale=True), DirectionalRegime.NEUTRAL),
    ],
)
def test_d03_direction_comes_from_the_bias_state(state, expected):
    assert directional_regime(world(bias=state)) == expected


@pytest.mark.parametrize("side", Side)
def test_a_signal_against_a_trending_market_is_blocked(side):
    assert opinion_of(world(side, bias=bias(side.opposite))).code == GateCode.REGIME_CONFLICT
    assert not hit(world(side, bias=bias(side)), GateCode.REGIME_CONFLICT)
    assert not hit(world(side, bias=None, config=OPTIONAL), GateCode.REGIME_CONFLICT)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(("towards", "is_blocked"), [(19.9, False), (20.0, True), (20.1, True), (-60.0, False)])
def test_a_weak_bias_that_dealers_lean_against_blocks_no_trade_against_it(side, towards, is_blocked):
    other = side.opposite
    state = bias(other, resolved_score=towards if other == Side.LONG else -towards)
    inputs = world(side, bias=state)

    seen = finding(inputs, GateCode.REGIME_CONFLICT)

    assert (seen.outcome == RuleOutcome.HIT) is is_blocked
    assert seen.value.endswith(f"(resolved score {state.resolved_score:g})")
    assert (opinion_of(inputs).code == GateCode.REGIME_CONFLICT) is is_blocked


@pytest.mark.parametrize(
    ("setup", "low", "high"),
    [("SCALP_GUARDED", 25, 80), ("SWING", 20, 85), ("POSITION", 15, 90), ("LEAPS", 10, 95)],
)
def test_iv_percentile_must_lie_in_the_band(setup, low, high):
    cases = ((low - 0.1, True), (low, False), (high, False), (high + 0.1, True))
    for percentile, expected in cases:
        inputs = world(
            signal={"timeframe": TIMEFRAME[setup]}, market=market(volatility=volatility(iv_percentile=percentile))
        )
        assert hit(inputs, GateCode.VOLATILITY_MISMATCH) is expected


def test_d30_an_unknown_iv_percentile_abstains_instead_of_a_default():
    assert finding(world(), GateCode.VOLATILITY_MISMATCH).outcome == RuleOutcome.ABSTAIN


@pytest.mark.parametrize(
    ("spread", "interest", "expected"),
    [
        (8, 200, LiquidityState.NORMAL),
        (8.1, 200, LiquidityState.LOW),
        (8, 199, LiquidityState.LOW),
        (15, 50, LiquidityState.LOW),
        (15.1, 50, LiquidityState.ILLIQUID),
        (15, 49, LiquidityState.ILLIQUID),
    ],
)
def test_liquidity_by_spread_and_open_interest(spread, interest, expected):
    assert liquidity_of(priced(spread, open_interest=interest)) == expected


@pytest.mark.parametrize(
    ("timeframe", "interest", "expected"),
    [("5m", 199, True), ("5m", 200, False), ("1h", 49, True), ("1h", 50, False), ("1w", 49, True), ("1M", 50, False)],
)
def test_scalps_need_normal_liquidity_others_at_least_low(timeframe, interest, expected):
    inputs = world(signal={"timeframe": timeframe})
    only = replace(inputs, candidates=(candidate(open_interest=interest),))

    assert hit(only, GateCode.UNSAFE_LIQUIDITY) is expected


def priced(spread, **values):
    """A candidate with a mid of 10 dollars and this spread in percent of it."""
    half = Decimal(str(spread)) / 20
    return candidate(bid=10 - half, ask=10 + half, **values)


def test_without_a_contract_the_most_liquid_candidate_is_judged():
    inputs = replace(world(), candidates=(priced(16), priced(8), candidate(bid=Decimal(0), ask=Decimal("0.01"))))
    nothing = Selection(None, None, problem="no listed strike lies at or beyond the spot price")

    for selection in (None, nothing):
        assert not hit(inputs, GateCode.UNSAFE_LIQUIDITY, selection)
        assert hit(replace(inputs, candidates=(priced(16),)), GateCode.UNSAFE_LIQUIDITY, selection)


@pytest.mark.parametrize("source", ContractSource)
@pytest.mark.parametrize(
    ("timeframe", "spread", "interest", "expected"),
    [
        ("5m", "7.99", 200, False),
        ("5m", "8", 200, False),
        ("5m", "8.01", 200, True),
        ("5m", "8", 199, True),
        ("5m", "8", 201, False),
        *((longer, "14.99", 50, False) for longer in ("1h", "1w", "1M")),
        *((longer, "15", 50, False) for longer in ("1h", "1w", "1M")),
        *((longer, "15.01", 50, True) for longer in ("1h", "1w", "1M")),
        *((longer, "15", 49, True) for longer in ("1h", "1w", "1M")),
        *((longer, "15", 51, False) for longer in ("1h", "1w", "1M")),
    ],
)
def test_the_contract_to_buy_is_judged_whatever_else_is_listed(source, timeframe, spread, interest, expected):
    inputs = world(signal={"timeframe": timeframe})  # every candidate is liquid
    chosen = Selection(priced(spread, open_interest=interest), source)

    assert hit(inputs, GateCode.UNSAFE_LIQUIDITY, chosen) is expected


def test_a_liquid_contract_is_not_blamed_for_the_others():
    inputs = replace(world(), candidates=(priced(150),))

    assert not hit(inputs, GateCode.UNSAFE_LIQUIDITY, Selection(priced(1), ContractSource.SCORED))


def test_the_finding_names_the_contract_and_what_it_lacks():
    found = finding(world(), GateCode.UNSAFE_LIQUIDITY, Selection(priced(150, open_interest=12), ContractSource.SIGNAL))

    assert found.value == "ILLIQUID (spread 150.00 %, open interest 12)"
    assert found.message == (
        "the liquidity of 2026-02-27 505 is ILLIQUID (spread 150.00 %, open interest 12), "
        "a SCALP_GUARDED entry needs NORMAL or better"
    )


def test_a_crossed_quote_is_no_sign_of_liquidity():
    inputs = replace(world(), candidates=(candidate(bid=Decimal("2.50")),))

    assert finding(inputs, GateCode.UNSAFE_LIQUIDITY).outcome == RuleOutcome.ABSTAIN


def dealt(side, ahead, **values):
    """A world whose dealers' wall lies `ahead` dollars on the side's way; the underlying is at 500."""
    sign = 1 if side == Side.LONG else -1
    wall = {"call_wall" if side == Side.LONG else "put_wall": SPOT + sign * Decimal(ahead)}
    long_of_much = {"net_gex": 5e9, "state": GexState.POSITIVE_HIGH}
    return world(side, market=market(side, gamma=gamma(**(long_of_much | wall | values))))


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("ahead", "expected"), [("-0.01", False), ("0", True), ("2.49", True), ("2.50", True), ("2.51", False)]
)
def test_d03_dealers_hold_the_price_at_the_wall_that_is_next_on_either_sides_way(side, ahead, expected):
    inputs = dealt(side, ahead)

    assert hit(inputs, GateCode.GEX_RESISTANCE) is expected
    assert opinion_of(inputs).outcome == (GateOutcome.DEFER if expected else GateOutcome.PASS)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("state", [each for each in GexState if each != GexState.POSITIVE_HIGH])
def test_d03_no_other_state_of_gamma_holds_either_side_up(side, state):
    assert not hit(dealt(side, "1", state=state), GateCode.GEX_RESISTANCE)


@pytest.mark.parametrize("side", Side)
def test_without_gamma_or_its_wall_nobody_knows_of_resistance(side):
    name = "call_wall" if side == Side.LONG else "put_wall"

    for inputs in (world(side), dealt(side, "1", **{name: None})):
        assert finding(inputs, GateCode.GEX_RESISTANCE).outcome == RuleOutcome.ABSTAIN


def test_d03_the_sign_of_gamma_is_no_direction():
    for net_gex, state in ((9e9, GexState.POSITIVE_HIGH), (-9e9, GexState.NEGATIVE_HIGH)):
        for side in Side:
            inputs = world(side, market=market(side, gamma=gamma(net_gex=net_gex, state=state)))
            assert opinion_of(inputs).outcome == GateOutcome.PASS


def at_minute(opened, left):
    return SessionFacts(is_open=True, next_open_at=NEXT_OPEN, minutes_from_open=opened, minutes_to_close=left)


@pytest.mark.parametrize(
    ("timeframe", "opened", "left", "expected"),
    [
        ("5m", 0, 390, True),
        ("5m", 15, 375, True),
        ("5m", 16, 374, False),
        ("5m", 119, 271, False),
        ("5m", 120, 270, True),
        ("5m", 239, 151, True),
        ("5m", 240, 150, False),
        ("1h", 120, 270, False),
        ("1h", 374, 16, False),
        ("1h", 375, 15, True),
        # a half day of 210 minutes: lunch is minute 65 to 129, the close still its last fifteen
        ("5m", 64, 146, False),
        ("5m", 65, 145, True),
        ("5m", 129, 81, True),
        ("5m", 130, 80, False),
        ("1h", 194, 16, False),
        ("1h", 195, 15, True),
    ],
)
def test_the_open_the_close_and_a_scalps_lunch_are_waited_out(timeframe, opened, left, expected):
    inputs = world(signal={"timeframe": timeframe}, session=at_minute(opened, left))

    assert hit(inputs, GateCode.UNFAVORABLE_TIMING) is expected
    assert opinion_of(inputs).outcome == (GateOutcome.DEFER if expected else GateOutcome.PASS)


def test_timing_abstains_where_no_session_is_in_progress():
    always_open = SessionFacts(is_open=True, next_open_at=NEXT_OPEN, minutes_from_open=None, minutes_to_close=None)

    assert finding(world(session=always_open), GateCode.UNFAVORABLE_TIMING).outcome == RuleOutcome.ABSTAIN


def test_a_pending_confirmation_waits():
    opinion = opinion_of(world(signal={"is_confirmation_pending": True}))

    assert (opinion.outcome, opinion.code) == (GateOutcome.DEFER, GateCode.CONFIRMATION_PENDING)
    assert opinion.plan.max_wait_minutes == 10


def test_a_block_comes_before_a_delay_and_both_are_recorded():
    inputs = world(signal={"confidence": 10.0}, session=at_minute(5, 385))

    opinion = opinion_of(inputs)

    assert (opinion.outcome, opinion.code) == (GateOutcome.REFUSE, GateCode.LOW_SIGNAL_CONFIDENCE)
    assert [each.rule for each in opinion.findings if each.outcome == RuleOutcome.HIT] == [
        GateCode.LOW_SIGNAL_CONFIDENCE,
        GateCode.UNFAVORABLE_TIMING,
    ]


@pytest.mark.parametrize(
    ("setup", "confidence", "entry", "urgency", "wait", "confirm"),
    [
        (SetupType.SCALP_GUARDED, 90, EntryType.LIMIT, Urgency.HIGH, 10, True),
        (SetupType.SWING, 69.9, EntryType.LIMIT, Urgency.LOW, 60, True),
        (SetupType.SWING, 70, EntryType.LIMIT, Urgency.MEDIUM, 60, False),
        (SetupType.SWING, 79.9, EntryType.LIMIT, Urgency.MEDIUM, 60, False),
        (SetupType.SWING, 80, EntryType.MARKET, Urgency.MEDIUM, 60, False),
        (SetupType.SWING, 84.9, EntryType.MARKET, Urgency.MEDIUM, 60, False),
        (SetupType.SWING, 85, EntryType.MARKET, Urgency.HIGH, 60, False),
        (SetupType.POSITION, 95, EntryType.LIMIT, Urgency.HIGH, 240, True),
        (SetupType.LEAPS, 50, EntryType.LIMIT, Urgency.LOW, 1440, False),
    ],
)
def test_tier_three_says_how_to_enter(setup, confidence, entry, urgency, wait, confirm):
    plan = entry_plan(setup, confidence)

    assert (plan.entry_type, plan.urgency) == (entry, urgency)
    assert (plan.max_wait_minutes, plan.confirmation_required) == (wait, confirm)
