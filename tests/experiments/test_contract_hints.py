"""The bias's hint: how strong, where it points in each setup, and that it never leaves the policy."""

from datetime import date
from decimal import Decimal

import pytest

from bias.enums import Bias, Regime
from experiments.contract import contract_for, contract_select
from experiments.contract_terms import CONTRACT_RULES, Hint, hint_for, hint_window, terms_build
from experiments.enums import ContractSource, HintStrength, SetupType
from optionsengine.core.enums import Side
from tests.experiments.worlds import (
    AT,
    CONFIG,
    LATER,
    LIMITS,
    SOON,
    SPOT,
    bias,
    candidate,
    chain,
    market,
    option,
    signal_facts,
    world,
)

SCALP = SetupType.SCALP_GUARDED
WEEK_OUT = date(2026, 2, 20)


@pytest.mark.parametrize(
    ("values", "strength"),
    [
        ({"confidence": 0.7}, HintStrength.STRONG),
        ({"confidence": 0.6999}, HintStrength.FAIR),
        ({"confidence": 0.9, "regime_type": Regime.RANGE}, HintStrength.FAIR),
        ({"confidence": 0.55}, HintStrength.FAIR),
        ({"confidence": 0.5499}, HintStrength.CAUTIOUS),
        ({"confidence": 0.0}, HintStrength.CAUTIOUS),
        ({"confidence": 0.9, "bias": Bias.NEUTRAL}, HintStrength.CAUTIOUS),
    ],
)
@pytest.mark.parametrize("side", Side)
def test_the_surer_the_bias_the_stronger_the_hint(side, values, strength):
    assert hint_for(bias(side, **values), side=side, setup=SCALP).strength == strength


@pytest.mark.parametrize("side", Side)
def test_a_bias_against_the_side_is_no_reason_to_be_sure(side):
    assert hint_for(bias(side.opposite), side=side, setup=SCALP).strength == HintStrength.CAUTIOUS


def test_without_a_fresh_bias_there_is_no_hint():
    assert hint_for(None, side=Side.LONG, setup=SCALP) is None
    assert hint_for(bias(is_stale=True), side=Side.LONG, setup=SCALP) is None


@pytest.mark.parametrize(
    ("strength", "setup", "deltas", "days"),
    [
        # the reference's own windows, cut off at the ends of the scalp's
        (HintStrength.STRONG, SCALP, (0.60, 0.65), (7, 14)),
        (HintStrength.FAIR, SCALP, (0.45, 0.55), (7, 14)),
        (HintStrength.CAUTIOUS, SCALP, (0.45, 0.50), (3, 14)),
        # and the same parts of the other setups' windows
        (HintStrength.STRONG, SetupType.SWING, (0.3625, 0.40), (46.0909, 90)),
        (HintStrength.FAIR, SetupType.SWING, (0.25, 0.325), (46.0909, 90)),
        (HintStrength.CAUTIOUS, SetupType.SWING, (0.25, 0.2875), (21, 90)),
        (HintStrength.STRONG, SetupType.POSITION, (0.3125, 0.35), (122.7273, 180)),
        (HintStrength.STRONG, SetupType.LEAPS, (0.2625, 0.30), (376.3636, 720)),
    ],
)
def test_where_a_hint_points(strength, setup, deltas, days):
    low, high, policy = hint_window(strength, setup)

    assert (low, high, policy.minimum, policy.maximum) == (*deltas, *days)


@pytest.mark.parametrize("strength", HintStrength)
@pytest.mark.parametrize("setup", SetupType)
def test_d28_every_hint_meets_every_setup_and_never_leaves_its_policy(strength, setup):
    rules = CONTRACT_RULES[setup]

    low, high, policy = hint_window(strength, setup)

    assert rules.min_delta <= low < high <= rules.max_delta
    assert rules.dte.minimum <= policy.minimum < policy.maximum <= rules.dte.maximum
    assert high - low < rules.max_delta - rules.min_delta


def test_a_hint_includes_its_ends():
    hint = Hint(HintStrength.STRONG, *hint_window(HintStrength.STRONG, SCALP), "")

    assert [hint.allows(candidate(delta=delta, dte=10.0)) for delta in (0.5999, 0.6, -0.65, 0.6501, None)] == [
        False,
        True,
        True,
        False,
        False,
    ]
    assert [hint.allows(candidate(delta=0.6, dte=days)) for days in (6.9999, 7.0, 14.0, 14.0001)] == [
        False,
        True,
        True,
        False,
    ]


def choose(contracts, state, side=Side.LONG, **signal):
    terms = terms_build(
        signal=signal_facts(side, **signal), at=AT, limits=LIMITS, config=CONFIG, iv_percentile=None, bias=state
    )
    return contract_select(tuple(contracts), terms, SPOT)


BEST = candidate(strike=Decimal(503), delta=0.55)
DEEP = candidate(strike=Decimal(500), delta=0.62)


def test_what_the_hint_prefers_is_chosen_before_a_better_score():
    sure, unsure = choose([BEST, DEEP], bias()), choose([BEST, DEEP], None)

    assert (sure.contract, sure.source) == (DEEP, ContractSource.SCORED)
    assert unsure.contract == BEST
    assert sure.overall < unsure.overall
    assert "where the strong hint of the bias points" in sure.reason
    assert [each.is_hinted for each in sure.best] == [True, False]


def test_a_hint_that_nothing_survives_is_not_applied_and_says_so():
    selection = choose([BEST, candidate(strike=Decimal(504), delta=0.5)], bias())

    assert selection.contract == BEST
    assert "none lies where the strong hint" in selection.reason


def test_a_hint_never_saves_what_a_filter_removed():
    too_wide = candidate(strike=Decimal(500), delta=0.62, bid=Decimal("2.00"))

    assert choose([BEST, too_wide], bias()).contract == BEST


def test_the_signals_own_word_outweighs_the_hint():
    own = [candidate(strike=Decimal(505), expiration=LATER, delta=0.55)]
    own.append(candidate(strike=Decimal(500), expiration=LATER, delta=0.62))

    assert choose(own, bias(), expiration=LATER).contract == own[0]


def test_the_frozen_forty_hold_what_the_hint_prefers():
    # fifty contracts score better than the only one that the strong hint prefers
    crowd = tuple(option(beyond=5 + number, delta=0.55) for number in range(50))
    deep = option(beyond=0, delta=0.62, volume=500)

    inputs = world(market=market(chain=chain(quotes=(*crowd, deep))))

    assert len(inputs.candidates) == 40
    assert inputs.chain_summary.hinted == 1
    assert contract_for(inputs).contract.strike == 500


@pytest.mark.parametrize("side", Side)
def test_the_decision_uses_the_hint_of_its_frozen_bias(side):
    strong = contract_for(world(side))
    fair = contract_for(world(side, bias=bias(side, confidence=0.6)))

    assert (strong.hint.strength, abs(strong.contract.delta)) == (HintStrength.STRONG, 0.6)
    assert (fair.hint.strength, abs(fair.contract.delta)) == (HintStrength.FAIR, 0.54)
    assert strong.contract.expiration == fair.contract.expiration == SOON
