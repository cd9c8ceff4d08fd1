"""Engine B's agents; a new agent is one file and one line here."""

from collections.abc import Callable

from experiments.data import AgentVote, DecisionInputs
from experiments.engines.b import mtf_trend, regime_classifier, technical

AGENTS: tuple[Callable[[DecisionInputs], AgentVote], ...] = (technical.vote, regime_classifier.vote, mtf_trend.vote)


def votes_collect(inputs: DecisionInputs) -> tuple[AgentVote, ...]:
    """Return every agent's vote, in the order of the registry."""
    return tuple(agent(inputs) for agent in AGENTS)
