"""How a vote is put together: sides from signs, confidences within their range, abstentions. Pure."""

from experiments.data import AgentVote
from experiments.enums import VoteBias

DIGITS = 4

AGENT_ERROR = "agent error"  # how the reason of an agent begins that raised


def sign(number: float) -> int:
    """Return +1, −1 or 0."""
    return (number > 0) - (number < 0)


def bias_of(direction: int) -> VoteBias:
    """Return the side of a direction: bullish above zero, bearish below, neutral at zero."""
    return (VoteBias.NEUTRAL, VoteBias.BULLISH, VoteBias.BEARISH)[sign(direction)]


def within(confidence: float, bounds: tuple[float, float]) -> float:
    """Return the confidence held to its bounds (both 0–100), rounded."""
    low, high = bounds
    return round(min(high, max(low, confidence)), DIGITS)


def abstain(agent: str, reason: str) -> AgentVote:
    """Return the vote of an agent that cannot judge: no weight, no seat in the quorum."""
    return AgentVote(agent, True, VoteBias.NEUTRAL, 0.0, 0.0, reasons=(reason,))
