"""The multi-timeframe agent: on which side of its average the close of each frame stands. Pure.

Weights and thresholds are those of decision-rules §3.2. It does not look at the signal's side, so a trend against the
signal keeps its full confidence.
"""

from experiments.data import AgentVote
from experiments.engines.b.view import AgentView
from experiments.engines.b.votes import abstain, bias_of, within
from experiments.enums import VoteBias
from experiments.strategy import frame_lean

NAME = "mtf_trend"
WEIGHT = 0.07  # agents.mtf_trend.weight
FRAME_WEIGHTS = {"5m": 0.10, "15m": 0.15, "1h": 0.25, "4h": 0.25, "1d": 0.25}  # agents.mtf_trend.frames
MIN_FRAMES = 2  # agents.mtf_trend.min_frames: one frame is no agreement of several
LEAN_THRESHOLD = 0.3  # agents.mtf_trend.lean
ALL_AGREE_CONFIDENCE = 80.0  # agents.mtf_trend.all_agree
LEAN_CONFIDENCE, LEAN_SLOPE = 55.0, 25.0  # agents.mtf_trend.lean_confidence, lean_slope
NEUTRAL_CONFIDENCE = 40.0  # agents.mtf_trend.neutral
SPLIT_CAP = 55.0  # agents.mtf_trend.split_cap
CONFIDENCE_RANGE = (15.0, 90.0)  # agents.mtf_trend.confidence


def vote(view: AgentView) -> AgentVote:
    """Vote for the side most frames agree on; abstain with fewer than two frames."""
    frames = view.inputs.frames
    found = {name: frame_lean(frames[name]) for name in FRAME_WEIGHTS if name in frames}
    sides = {name: side for name, side in found.items() if side is not None}
    if len(sides) < MIN_FRAMES:
        return abstain(NAME, "fewer than two frames have bars")
    total = sum(FRAME_WEIGHTS[name] for name in sides)
    lean = round(sum(FRAME_WEIGHTS[name] * side for name, side in sides.items()) / total, 6)
    directions = set(sides.values())
    bias, confidence = VoteBias.NEUTRAL, NEUTRAL_CONFIDENCE
    if abs(lean) > LEAN_THRESHOLD:
        bias = bias_of(1 if lean > 0 else -1)
        agree = directions in ({1}, {-1})
        confidence = ALL_AGREE_CONFIDENCE if agree else LEAN_CONFIDENCE + round(abs(lean) * LEAN_SLOPE)
    if {1, -1} <= directions:
        confidence = min(confidence, SPLIT_CAP)
    return AgentVote(
        agent=NAME,
        is_abstaining=False,
        bias=bias,
        confidence=within(confidence, CONFIDENCE_RANGE),
        weight=WEIGHT,
        reasons=(f"lean {lean:+.2f} over {len(sides)} frames",),
        saw=dict(sides),
    )
