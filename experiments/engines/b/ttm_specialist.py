"""The TTM specialist: once a squeeze is off, the side of its momentum. Pure.

Confidences are those of decision-rules §3.2. Ours: the side is that of the momentum, never the signal's; a squeeze that
is not known is no squeeze that is off; and one that has just been released counts for more.
"""

from experiments.data import AgentVote
from experiments.engines.b.view import AgentView
from experiments.engines.b.votes import abstain, bias_of, sign
from experiments.enums import VoteBias

NAME = "ttm_specialist"
WEIGHT = 0.10  # agents.ttm_specialist.weight
CONFIDENCE, JUST_FIRED_CONFIDENCE = 70.0, 80.0  # agents.ttm_specialist.confidence, just_fired
NO_SIDE_CONFIDENCE = 20.0  # agents.ttm_specialist.no_side


def vote(view: AgentView) -> AgentVote:
    """Vote for the momentum's side while the squeeze is off, neutral while it is on; abstain where it is not known."""
    frame = view.frame
    if frame is None or frame.squeeze_on is None or frame.squeeze_momentum is None:
        return abstain(NAME, "too few bars to tell the squeeze")
    momentum = frame.squeeze_momentum
    saw = {
        "frame": frame.timeframe,
        "at": frame.at,
        "squeeze_on": frame.squeeze_on,
        "squeeze_on_before": frame.squeeze_on_before,
        "momentum": momentum,
    }
    side = 0 if frame.squeeze_on else sign(momentum)
    if side == 0:
        why = ("the squeeze is on" if frame.squeeze_on else "the squeeze is off, without momentum",)
        return AgentVote(NAME, False, VoteBias.NEUTRAL, NO_SIDE_CONFIDENCE, WEIGHT, reasons=why, saw=saw)
    has_fired = frame.squeeze_on_before is True
    confidence = JUST_FIRED_CONFIDENCE if has_fired else CONFIDENCE
    why = (f"the squeeze {'has just fired' if has_fired else 'is off'}, momentum {momentum:+g}",)
    return AgentVote(NAME, False, bias_of(side), confidence, WEIGHT, reasons=why, saw=saw)
