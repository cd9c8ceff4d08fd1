from dataclasses import replace
from datetime import timedelta

import pytest

from bias.config import BiasConfig, GatingConfig, StaleBehavior, StalenessConfig
from experiments.enums import GateOutcome
from experiments.gates.bias import judge
from optionsengine.core.enums import Side
from tests.experiments.worlds import AT, CONFIG, against, bias, world

SOON = AT + timedelta(seconds=60)
OPTIONAL = replace(CONFIG, require_bias=False)


@pytest.mark.parametrize(
    ("state", "config", "outcome", "code"),
    [
        (bias(), CONFIG, GateOutcome.PASS, ""),
        (bias(), OPTIONAL, GateOutcome.PASS, ""),
        (None, CONFIG, GateOutcome.DEFER, "BIAS_MISSING"),
        (None, OPTIONAL, GateOutcome.NOT_EVALUATED, ""),
        (bias(is_stale=True), CONFIG, GateOutcome.DEFER, "BIAS_STALE"),
        (bias(is_stale=True), OPTIONAL, GateOutcome.NOT_EVALUATED, ""),
        (against(), CONFIG, GateOutcome.REFUSE, "BIAS_SUPPRESSED"),
        (against(is_stale=True), CONFIG, GateOutcome.DEFER, "BIAS_STALE"),
    ],
)
def test_bias_missing_stale_or_suppressed(state, config, outcome, code):
    verdict = judge(world(bias=state, config=config))

    assert (verdict.outcome, verdict.code) == (outcome, code)
    assert verdict.until == (SOON if outcome == GateOutcome.DEFER else None)


def test_d37_suppression_holds_where_bias_is_not_required():
    verdict = judge(world(bias=bias(chop_score=75.0), config=OPTIONAL))

    assert (verdict.outcome, verdict.code) == (GateOutcome.REFUSE, "BIAS_SUPPRESSED")
    assert verdict.message.endswith("suppresses long trades: chop 75 at or above 75; what does is set under Bias rules")


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(("chop", "code"), [(74.9, ""), (75.0, "BIAS_SUPPRESSED"), (75.1, "BIAS_SUPPRESSED")])
def test_chop_suppresses_either_side(side, chop, code):
    assert judge(world(side, bias=bias(side, chop_score=chop))).code == code


@pytest.mark.parametrize("side", Side)
def test_d22_suppression_is_that_of_the_signals_side(side):
    assert judge(world(side, bias=against(side))).outcome == GateOutcome.REFUSE
    assert judge(world(side, bias=against(side.opposite))).outcome == GateOutcome.PASS


@pytest.mark.parametrize("side", Side)
def test_d37_a_stale_state_that_only_reduces_the_risk_passes_and_says_so(side):
    reducing = replace(CONFIG, bias=BiasConfig(staleness=StalenessConfig(behavior=StaleBehavior.REDUCE_RISK)))

    verdict = judge(world(side, bias=bias(side, is_stale=True), config=reducing))

    assert verdict.outcome == GateOutcome.PASS
    assert verdict.message == "stale: the trade is made smaller"
    assert judge(world(side, bias=against(side, is_stale=True), config=reducing)).code == "BIAS_SUPPRESSED"


@pytest.mark.parametrize("side", Side)
def test_what_suppresses_is_the_configuration_in_force(side):
    open_minded = replace(CONFIG, bias=BiasConfig(gating=GatingConfig(macro_suppress_long=(), macro_suppress_short=())))

    assert judge(world(side, bias=against(side), config=open_minded)).outcome == GateOutcome.PASS
