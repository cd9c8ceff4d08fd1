"""Engine B as a whole, and the frame its agents read."""

from dataclasses import replace

import pytest

from experiments.contract import contract_for
from experiments.engines.b.engine import engine_b
from experiments.engines.b.frames import signal_frame
from experiments.engines.b.registry import votes_collect
from experiments.enums import GateCode, GateOutcome
from optionsengine.core.enums import Side
from tests.experiments.worlds import frame, world


def opinion(inputs):
    return engine_b(inputs, votes_collect(inputs), contract_for(inputs))


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


def test_without_bars_every_agent_abstains_and_there_is_no_quorum():
    inputs = replace(world(), frames={})

    assert all(vote.is_abstaining and vote.weight == 0 for vote in votes_collect(inputs))
    assert opinion(inputs).code == GateCode.QUORUM_NOT_MET


def test_the_entry_tiers_come_first():
    assert opinion(world(signal={"confidence": 10.0})).code == GateCode.LOW_SIGNAL_CONFIDENCE
