"""The agents as a whole: which there are, who is asked, and what becomes of one that fails."""

from dataclasses import replace

import pytest

from experiments.contract import contract_for
from experiments.decide import decide
from experiments.engines.b.engine import circumstances, engine_b
from experiments.engines.b.registry import AGENT_NAMES, AGENTS, SPECIALISTS, votes_collect
from experiments.enums import GateCode, GateOutcome, VoteBias
from experiments.rows import vote_rows
from optionsengine.core.canonical import canonical_json
from tests.experiments.engines.b.views import WORLD
from tests.experiments.random_worlds import random_world
from tests.experiments.worlds import CONFIG, correlation

WEIGHTS = {
    "context": 0.12,
    "technical": 0.18,
    "risk": 0.15,
    "regime_classifier": 0.12,
    "volatility": 0.10,
    "liquidity": 0.08,
    "correlation_risk": 0.08,
    "mtf_trend": 0.07,
    "gamma_flow": 0.10,
    "orb_specialist": 0.10,
    "strat_specialist": 0.10,
    "ttm_specialist": 0.10,
}


def asked(inputs, agents=AGENTS):
    return [vote.agent for vote in votes_collect(inputs, contract_for(inputs), agents)]


def test_the_twelve_agents_and_their_weights():
    assert {agent.name: agent.weight for agent in AGENTS} == WEIGHTS
    assert tuple(WEIGHTS) == AGENT_NAMES
    assert {"gamma_flow", "orb_specialist", "strat_specialist", "ttm_specialist"} == SPECIALISTS


def test_every_agent_has_a_flag_of_its_own():
    assert [agent.flag for agent in AGENTS] == [f"enable_{name}" for name in WEIGHTS]


def test_every_agent_votes_once_under_its_own_name():
    votes = votes_collect(WORLD, contract_for(WORLD))

    assert [vote.agent for vote in votes] == list(AGENT_NAMES)
    for vote in votes:
        assert vote.weight == (0 if vote.is_abstaining else WEIGHTS[vote.agent])


@pytest.mark.parametrize("name", AGENT_NAMES)
def test_a_disabled_agent_is_not_asked(name):
    silent = replace(WORLD, config=replace(CONFIG, disabled_agents=(name,)))

    assert asked(silent) == [each for each in AGENT_NAMES if each != name]
    assert name not in {vote.agent for vote in decide(silent).votes}


def test_with_every_agent_disabled_there_are_no_votes():
    assert asked(replace(WORLD, config=replace(CONFIG, disabled_agents=AGENT_NAMES))) == []


def _raises(view):
    raise ZeroDivisionError(view.inputs.signal.symbol)


def test_an_agent_that_raises_abstains_and_the_others_still_vote():
    broken = tuple(replace(agent, vote=_raises) if agent.name == "technical" else agent for agent in AGENTS)

    votes = votes_collect(WORLD, contract_for(WORLD), broken)

    assert votes == votes_collect(WORLD, contract_for(WORLD), broken)
    assert [vote.agent for vote in votes] == list(AGENT_NAMES)
    failed = votes[AGENT_NAMES.index("technical")]
    assert (failed.is_abstaining, failed.weight, failed.reasons) == (True, 0, ("agent error: ZeroDivisionError",))
    others = [vote for vote in votes if vote.agent != "technical"]
    assert others == [vote for vote in votes_collect(WORLD, contract_for(WORLD)) if vote.agent != "technical"]


@pytest.mark.parametrize("name", AGENT_NAMES)
def test_an_agent_that_may_veto_and_raises_blocks_and_every_other_abstains(name):
    guards = {"risk", "liquidity", "correlation_risk"}
    inputs = replace(WORLD, correlation=correlation())
    broken = tuple(replace(agent, vote=_raises) if agent.name == name else agent for agent in AGENTS)

    votes = votes_collect(inputs, contract_for(inputs), broken)
    failed = next(vote for vote in votes if vote.agent == name)

    assert {agent.name for agent in AGENTS if agent.may_veto} == guards
    assert failed.reasons == ("agent error: ZeroDivisionError",)
    assert (failed.bias, failed.confidence) == (VoteBias.NEUTRAL, 0)
    if name in guards:
        assert (failed.is_blocking, failed.is_abstaining, failed.weight) == (True, False, WEIGHTS[name])
        opinion = engine_b(inputs, votes, contract_for(inputs))
        assert (opinion.outcome, opinion.code) == (GateOutcome.REFUSE, GateCode.AGENT_BLOCKED)
        assert opinion.message == f"blocked by {name}: agent error: ZeroDivisionError"
    else:
        assert (failed.is_blocking, failed.is_abstaining, failed.weight) == (False, True, 0)


def test_who_may_veto_is_every_agent_that_ever_blocks():
    blocked = {vote.agent for number in range(60) for vote in decide(random_world(number)).votes if vote.is_blocking}

    assert blocked <= {agent.name for agent in AGENTS if agent.may_veto}
    assert "risk" in blocked


def test_what_a_failed_guard_would_have_found_raises_nothing():
    broken = tuple(replace(agent, vote=_raises) if agent.may_veto else agent for agent in AGENTS)
    inputs = replace(WORLD, correlation=correlation())
    selection = contract_for(inputs)

    found = circumstances(inputs, votes_collect(inputs, selection, broken), selection)

    assert (found.exposure, found.liquidity_score) == (None, None)


def test_a_decision_outlives_an_agent_that_its_data_break():
    # bars of which an agent cannot make sense: a high without its low
    broken = replace(WORLD.frames["5m"], highs=(1.0, 2.0, 3.0, 4.0), lows=(1.0,))

    decision = decide(replace(WORLD, frames={**WORLD.frames, "5m": broken}))

    reasons = {vote.agent: vote.reasons for vote in decision.votes if vote.is_abstaining}
    assert reasons["strat_specialist"] == ("agent error: ValueError",)
    assert set(decision.engines) == {"A", "B"}


def test_what_an_agent_saw_can_be_stored():
    for row in vote_rows(decide(WORLD)):
        assert canonical_json(row["saw"])
        assert row["reasons"]
