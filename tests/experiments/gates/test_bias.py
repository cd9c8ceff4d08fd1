from dataclasses import replace
from datetime import timedelta

import pytest

from experiments.enums import GateOutcome
from experiments.gates.bias import judge
from optionsengine.core.enums import Side
from tests.experiments.worlds import AT, CONFIG, bias, world

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
        (bias(suppressed=True), CONFIG, GateOutcome.REFUSE, "BIAS_SUPPRESSED"),
        (bias(is_stale=True, suppressed=True), CONFIG, GateOutcome.DEFER, "BIAS_STALE"),
    ],
)
def test_bias_missing_stale_or_suppressed(state, config, outcome, code):
    verdict = judge(world(bias=state, config=config))

    assert (verdict.outcome, verdict.code) == (outcome, code)
    assert verdict.until == (SOON if outcome == GateOutcome.DEFER else None)


def test_d37_suppression_holds_where_bias_is_not_required():
    verdict = judge(world(bias=bias(suppressed=True, notes=("chop",)), config=OPTIONAL))

    assert (verdict.outcome, verdict.code) == (GateOutcome.REFUSE, "BIAS_SUPPRESSED")
    assert verdict.message.endswith("suppresses long trades: chop")


@pytest.mark.parametrize("side", Side)
def test_d22_a_no_trade_hint_refuses_either_side(side):
    verdict = judge(world(side, bias=bias(side, entry_mode_hint="NO_TRADE")))

    assert (verdict.outcome, verdict.code) == (GateOutcome.REFUSE, "BIAS_SUPPRESSED")


@pytest.mark.parametrize("side", Side)
def test_d22_suppression_is_that_of_the_signals_side(side):
    assert judge(world(side, bias=bias(side, suppressed=True))).outcome == GateOutcome.REFUSE
    assert judge(world(side, bias=bias(side, suppressed=False))).outcome == GateOutcome.PASS
