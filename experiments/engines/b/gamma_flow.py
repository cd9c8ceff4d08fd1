"""The gamma-and-flow agent: where option money goes, and what dealers' gamma makes of the trend. Pure.

Confidence is that of decision-rules §3.2. Ours: the sign of dealers' gamma is no direction. Where they drive a move on,
gamma's part is the side of EMA 8 against EMA 21; where they lean against it, back towards EMA 21. Flow's part is the
side of the larger volume and of the larger premium; where the two contradict each other it has none.
"""

from experiments.data import AgentVote
from experiments.engines.b.frames import strategy_side
from experiments.engines.b.view import AgentView
from experiments.engines.b.votes import DIGITS, abstain, bias_of, sign
from experiments.facts import FlowFacts
from optionsengine.core.enums import Side

NAME = "gamma_flow"
WEIGHT = 0.10  # agents.gamma_flow.weight
BASE, STEP, CAP = 45.0, 20.0, 90.0  # agents.gamma_flow.base, step, cap
SIGNS = {Side.LONG: 1, Side.SHORT: -1, None: 0}


def flow_side(flow: FlowFacts | None) -> int | None:
    """Return +1, −1, or 0 when volume and premium are even or contradict each other; None without prints."""
    if flow is None or flow.prints <= 0:
        return None
    return sign(SIGNS[flow.volume_side] + SIGNS[flow.premium_side])


def vote(view: AgentView) -> AgentVote:
    """Vote for the side of flow and gamma together; abstain when neither is known."""
    gamma, flow = view.inputs.gamma, view.inputs.flow
    by_flow = flow_side(flow)
    by_gamma = None if gamma is None else strategy_side(gamma.strategy_type, view.frame)
    if by_flow is None and by_gamma is None:
        return abstain(NAME, "neither option flow nor dealers' gamma is known")
    total = (by_flow or 0) + (by_gamma or 0)
    strategy = None if gamma is None else gamma.strategy_type.value
    words = {1: "bullish", -1: "bearish", 0: "neither side", None: "not known"}
    return AgentVote(
        agent=NAME,
        is_abstaining=False,
        bias=bias_of(total),
        confidence=min(CAP, BASE + STEP * abs(total)),
        weight=WEIGHT,
        reasons=(
            f"option flow: {words[by_flow]}",
            f"dealers' gamma{'' if strategy is None else f' ({strategy})'}: {words[by_gamma]}",
        ),
        saw={
            "strategy": strategy,
            "gamma_side": by_gamma,
            "flow_side": by_flow,
            "prints": 0 if flow is None else flow.prints,
            "strength": None if flow is None else round(flow.strength, DIGITS),
        },
    )
