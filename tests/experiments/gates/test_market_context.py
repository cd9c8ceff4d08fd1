from dataclasses import replace

import pytest

from experiments.enums import GateOutcome
from experiments.gates.market_context import judge
from optionsengine.core.enums import Side
from tests.experiments.worlds import CONFIG, context, world

PASS, REFUSE, NOTHING = GateOutcome.PASS, GateOutcome.REFUSE, GateOutcome.NOT_EVALUATED
WITH = {Side.LONG: "BULLISH", Side.SHORT: "BEARISH"}


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("vix", "limit", "outcome"),
    [(49.9, 50.0, PASS), (50.0, 50.0, REFUSE), (50.1, 50.0, REFUSE), (20.0, 20.5, PASS), (20.5, 20.5, REFUSE)],
)
def test_a_vix_at_the_limit_refuses_either_side(side, vix, limit, outcome):
    verdict = judge(world(side, context=context(vix=vix), config=replace(CONFIG, max_vix=limit)))

    assert (verdict.outcome, verdict.code) == (outcome, "VIX_TOO_HIGH" if outcome == REFUSE else "")
    if outcome == REFUSE:
        assert (verdict.value, verdict.threshold) == (f"VIX {vix:g}", f"below {limit:g}")


@pytest.mark.parametrize("side", Side)
def test_only_a_market_against_the_side_refuses(side):
    for word in (WITH[side], "MIXED", "", "SOMETHING"):
        assert judge(world(side, context=context(market_bias=word))).outcome == PASS

    verdict = judge(world(side, context=context(market_bias=WITH[side.opposite])))

    assert (verdict.outcome, verdict.code) == (REFUSE, "MARKET_BIAS_AGAINST")
    assert (verdict.value, verdict.threshold) == (WITH[side.opposite], f"not {WITH[side.opposite]}")


@pytest.mark.parametrize("seen", [None, context(vix=None, market_bias="")])
def test_what_nobody_told_is_not_judged(seen):
    verdict = judge(world(context=seen))

    assert verdict.outcome == NOTHING
    assert verdict.message


@pytest.mark.parametrize(
    ("values", "value"),
    [({"vix": None}, "VIX not told, market MIXED"), ({"market_bias": ""}, "VIX 16, market not told")],
)
def test_one_half_of_a_context_is_judged_alone(values, value):
    verdict = judge(world(context=context(**values)))

    assert (verdict.outcome, verdict.value) == (PASS, value)
