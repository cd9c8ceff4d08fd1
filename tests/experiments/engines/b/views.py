"""What an agent is shown in these tests, and what a mirrored vote must look like."""

from dataclasses import replace

from experiments.contract import Selection, contract_for
from experiments.engines.b.view import AgentView
from experiments.enums import VoteBias
from tests.experiments.worlds import world

OPPOSITE = {VoteBias.BULLISH: VoteBias.BEARISH, VoteBias.BEARISH: VoteBias.BULLISH}
WORLD = world()


def view(inputs=WORLD, **values):
    """These inputs, with the values changed, as an agent sees them: the contract is the one they lead to."""
    changed = replace(inputs, **values)
    return AgentView(changed, contract_for(changed))


def bought(contract, **scores):
    """The view of a decision that would buy this contract."""
    return AgentView(WORLD, Selection(contract, None, scores=scores))


def said(vote):
    """The parts of a vote that rules decide."""
    return vote.bias, vote.confidence, vote.is_blocking, vote.is_abstaining
