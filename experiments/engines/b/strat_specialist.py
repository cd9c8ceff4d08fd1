"""The Strat specialist: the pattern of the last three bars. Pure.

Bar types against the bar before: 1 inside, 2 breaks one side, 3 breaks both; to touch is not to break. Patterns and
confidences are those of decision-rules §3.2, read of the last three bars in order, and the side is that of the last
bar's own break.
"""

from itertools import pairwise

from experiments.data import AgentVote
from experiments.engines.b.view import AgentView
from experiments.engines.b.votes import abstain, bias_of
from experiments.enums import VoteBias

NAME = "strat_specialist"
WEIGHT = 0.10  # agents.strat_specialist.weight
PATTERNS = {(2, 1, 2): 75.0, (3, 1, 2): 70.0, (3, 2, 2): 65.0}  # agents.strat_specialist.patterns
NO_PATTERN_CONFIDENCE = 25.0  # agents.strat_specialist.none
BARS = 4  # three bars and the one that the first of them is told by

Bar = tuple[float, float]


def bar_type(before: Bar, bar: Bar) -> tuple[int, int]:
    """Return the type (1, 2, 3) of a bar, as (high, low), and the side it broke: +1, −1, or 0 for types 1 and 3."""
    up, down = bar[0] > before[0], bar[1] < before[1]
    return 1 + up + down, int(up) - int(down)


def vote(view: AgentView) -> AgentVote:
    """Vote for the last bar's side when the last three bars make a pattern; abstain with fewer than four bars."""
    frame = view.frame
    bars = [] if frame is None else list(zip(frame.highs[-BARS:], frame.lows[-BARS:], strict=True))
    if frame is None or len(bars) < BARS:
        return abstain(NAME, "fewer than four bars")
    read = [bar_type(before, bar) for before, bar in pairwise(bars)]
    types = (read[0][0], read[1][0], read[2][0])
    name, side = "-".join(map(str, types)), read[-1][1]
    confidence = PATTERNS.get(types)
    saw = {
        "frame": frame.timeframe,
        "at": frame.at,
        "types": name,
        "highs": list(frame.highs[-BARS:]),
        "lows": list(frame.lows[-BARS:]),
    }
    if confidence is None:
        why = (f"{name} is no pattern",)
        return AgentVote(NAME, False, VoteBias.NEUTRAL, NO_PATTERN_CONFIDENCE, WEIGHT, reasons=why, saw=saw)
    why = (f"{name}, the last bar broke {'up' if side > 0 else 'down'}",)
    return AgentVote(NAME, False, bias_of(side), confidence, WEIGHT, reasons=why, saw=saw)
