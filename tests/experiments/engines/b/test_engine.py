"""Engine B as a whole, and the frame its agents read."""

from dataclasses import replace
from decimal import Decimal

import pytest

from experiments.contract import contract_for
from experiments.engines.b.engine import circumstances, engine_b
from experiments.engines.b.frames import signal_frame
from experiments.engines.b.meta import Circumstances
from experiments.engines.b.registry import votes_collect
from experiments.enums import GateCode, GateOutcome
from experiments.facts import SymbolRisk
from optionsengine.core.enums import Side
from tests.experiments.worlds import CONFIG, TIMEFRAMES, correlation, exposure, frame, market, world


def opinion(inputs):
    selection = contract_for(inputs)
    return engine_b(inputs, votes_collect(inputs, selection), selection)


@pytest.mark.parametrize(
    ("timeframe", "expected"),
    [("1m", "5m"), ("5m", "5m"), ("14m", "5m"), ("30m", "15m"), ("1h", "1h"), ("1d", "1d"), ("1w", "1d")],
)
def test_agents_read_the_longest_frame_within_the_signals_bar(timeframe, expected):
    assert signal_frame(world(signal={"timeframe": timeframe})).timeframe == expected


def test_without_a_frame_that_short_the_shortest_is_read():
    inputs = world(signal={"timeframe": "1m"})

    assert signal_frame(replace(inputs, frames={"1h": frame(timeframe="1h")})).timeframe == "1h"
    assert signal_frame(replace(inputs, frames={})) is None


@pytest.mark.parametrize("side", Side)
def test_a_trend_with_the_signal_is_entered_with_the_agents_confidence(side):
    seen = opinion(world(side))

    assert (seen.outcome, seen.code) == (GateOutcome.PASS, None)
    # technical 70 × .18, regime 77.5 × .12, frames 80 × .07, of .37
    assert seen.confidence == 74.3243
    assert seen.plan.urgency == "MEDIUM"


@pytest.mark.parametrize("side", Side)
def test_d04_direction_mismatch_refuses(side):
    against = {name: frame(side.opposite, name) for name in ("5m", "15m", "1h", "4h", "1d")}

    seen = opinion(replace(world(side), frames=against))

    assert (seen.outcome, seen.code) == (GateOutcome.REFUSE, GateCode.DIRECTION_MISMATCH)


def test_without_bars_or_facts_only_the_book_and_the_contract_are_judged_and_there_is_no_quorum():
    inputs = replace(world(), frames={})

    votes = votes_collect(inputs, contract_for(inputs))

    assert [vote.agent for vote in votes if not vote.is_abstaining] == ["risk", "liquidity"]
    assert all(vote.weight == 0 for vote in votes if vote.is_abstaining)
    assert opinion(inputs).code == GateCode.QUORUM_NOT_MET


def test_a_veto_of_one_agent_refuses_whatever_the_others_see():
    # three correlated positions are no matter of any gate before the engine
    held = (SymbolRisk("QQQ", Side.LONG, 2, Decimal(1000)),)
    inputs = world(market=market(correlation=correlation(pairs={"QQQ": 0.9})), exposure=exposure(symbols=held))

    seen = opinion(inputs)

    assert (seen.outcome, seen.code) == (GateOutcome.REFUSE, GateCode.AGENT_BLOCKED)
    assert seen.message == "blocked by correlation_risk: 2 open positions go with it (QQQ), 2 are too many"


def test_what_agents_found_raises_the_confidence_needed():
    # half of the limit of dollar delta is at the bound, a dollar more is beyond it
    quiet, exposed = (
        world(market=market(correlation=correlation()), exposure=exposure(dollar_delta=Decimal(delta)))
        for delta in (250000, 250100)
    )

    assert opinion(quiet).details["needed"] == 50
    assert opinion(exposed).details["needed"] == 55
    assert opinion(exposed).details["adjustments"] == {"exposed": 5}


def test_an_agent_that_was_not_asked_or_abstained_raises_nothing():
    wild = market(frames={name: frame(timeframe=name, atr_percentile=80.0) for name in TIMEFRAMES})
    off = replace(CONFIG, disabled_agents=("regime_classifier",))
    inputs = world(market=wild, exposure=exposure(dollar_delta=Decimal(300000)))

    selection = contract_for(inputs)

    assert circumstances(inputs, votes_collect(inputs, selection), selection).regime.volatility == "high"
    assert circumstances(inputs, votes_collect(inputs, selection), selection).exposure is None
    silent = replace(inputs, config=off)
    assert circumstances(silent, votes_collect(silent, selection), selection).regime is None
    assert circumstances(inputs, (), selection) == Circumstances()


def test_the_entry_tiers_come_first():
    assert opinion(world(signal={"confidence": 10.0})).code == GateCode.LOW_SIGNAL_CONFIDENCE
