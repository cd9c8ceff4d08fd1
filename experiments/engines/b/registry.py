"""Engine B's agents; a new agent is one file and one line here. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from experiments.contract import Selection
from experiments.data import AgentVote, DecisionInputs
from experiments.engines.b import (
    context,
    correlation_risk,
    gamma_flow,
    liquidity,
    mtf_trend,
    orb_specialist,
    regime_classifier,
    risk,
    strat_specialist,
    technical,
    ttm_specialist,
    volatility,
)
from experiments.engines.b.view import AgentView
from experiments.engines.b.votes import AGENT_ERROR, abstain
from experiments.enums import VoteBias


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent: its default weight, whether it is core or a specialist, which cannot carry a decision alone.

    One that may veto is a guard: while it fails nobody knows that it would not have objected.
    """

    name: str
    weight: float
    vote: Callable[[AgentView], AgentVote]
    is_core: bool = True
    may_veto: bool = False

    @property
    def flag(self) -> str:
        """The feature flag that has it asked at all."""
        return f"enable_{self.name}"


AGENTS: tuple[Agent, ...] = (
    Agent(context.NAME, context.WEIGHT, context.vote),
    Agent(technical.NAME, technical.WEIGHT, technical.vote),
    Agent(risk.NAME, risk.WEIGHT, risk.vote, may_veto=True),
    Agent(regime_classifier.NAME, regime_classifier.WEIGHT, regime_classifier.vote),
    Agent(volatility.NAME, volatility.WEIGHT, volatility.vote),
    Agent(liquidity.NAME, liquidity.WEIGHT, liquidity.vote, may_veto=True),
    Agent(correlation_risk.NAME, correlation_risk.WEIGHT, correlation_risk.vote, may_veto=True),
    Agent(mtf_trend.NAME, mtf_trend.WEIGHT, mtf_trend.vote),
    Agent(gamma_flow.NAME, gamma_flow.WEIGHT, gamma_flow.vote, is_core=False),
    Agent(orb_specialist.NAME, orb_specialist.WEIGHT, orb_specialist.vote, is_core=False),
    Agent(strat_specialist.NAME, strat_specialist.WEIGHT, strat_specialist.vote, is_core=False),
    Agent(ttm_specialist.NAME, ttm_specialist.WEIGHT, ttm_specialist.vote, is_core=False),
)
AGENT_NAMES: tuple[str, ...] = tuple(agent.name for agent in AGENTS)
SPECIALISTS: frozenset[str] = frozenset(agent.name for agent in AGENTS if not agent.is_core)


def _ask(agent: Agent, view: AgentView) -> AgentVote:
    """One agent's vote; one that fails is an opinion less, never a decision less, and blocks if it may veto."""
    try:
        return agent.vote(view)
    except Exception as error:  # noqa: BLE001 - whatever it is, the vote tells it and the others still decide
        reason = f"{AGENT_ERROR}: {type(error).__name__}"
        if not agent.may_veto:
            return abstain(agent.name, reason)
        return AgentVote(agent.name, False, VoteBias.NEUTRAL, 0.0, agent.weight, is_blocking=True, reasons=(reason,))


def votes_collect(
    inputs: DecisionInputs, selection: Selection | None, agents: tuple[Agent, ...] = AGENTS
) -> tuple[AgentVote, ...]:
    """Ask every agent that is not disabled, and return the votes in the order of the registry.

    `selection` is the contract that would be bought. An agent that raises abstains, or blocks if it is one that may
    veto, with the error's name as its reason.
    """
    view = AgentView(inputs, selection)
    return tuple(_ask(agent, view) for agent in agents if agent.name not in inputs.config.disabled_agents)
