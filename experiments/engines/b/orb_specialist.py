"""The opening-range specialist: has the price left the range of the session's first minutes? Pure.

Confidences are those of decision-rules §3.2. Ours: the range is that of this session's own first bars, and the window
counts from the open of the calendar (shorter on a half day), so neither the clock of another season nor the oldest bar
at hand can move it. The close is that of the five-minute bars the range is made of.
"""

from experiments.data import AgentVote
from experiments.engines.b.view import AgentView
from experiments.engines.b.votes import abstain, bias_of

NAME = "orb_specialist"
WEIGHT = 0.10  # agents.orb_specialist.weight
SYMBOLS = ("SPY", "QQQ", "SPX")  # agents.orb_specialist.symbols
FRAME = "5m"
WINDOW_MINUTES, FULL_SESSION_MINUTES = 120, 390  # agents.orb_specialist.window: after the open of a full session
OUTSIDE_CONFIDENCE, INSIDE_CONFIDENCE = 80.0, 40.0  # agents.orb_specialist.outside, inside


def vote(view: AgentView) -> AgentVote:
    """Vote for the side on which the price left the range; abstain beyond its symbols, its window or without data."""
    inputs, found, session = view.inputs, view.inputs.opening_range, view.inputs.session
    frame = inputs.frames.get(FRAME)
    if inputs.signal.symbol not in SYMBOLS:
        return abstain(NAME, f"judges {', '.join(SYMBOLS)} only")
    if session.minutes_from_open is None or session.session_minutes is None:
        return abstain(NAME, "no regular session is in progress")
    if found is None or frame is None or frame.close is None:
        return abstain(NAME, "the opening range or the price since is not known")
    last = WINDOW_MINUTES * session.session_minutes / FULL_SESSION_MINUTES
    if not found.minutes <= session.minutes_from_open <= last:
        return abstain(NAME, f"active from {found.minutes} to {last:.0f} min after the open")
    side = (frame.close > found.high) - (frame.close < found.low)
    where = {1: "above", -1: "below", 0: "within"}[side]
    return AgentVote(
        agent=NAME,
        is_abstaining=False,
        bias=bias_of(side),
        confidence=OUTSIDE_CONFIDENCE if side else INSIDE_CONFIDENCE,
        weight=WEIGHT,
        reasons=(f"{frame.close:g} is {where} the opening range of {found.low:g} to {found.high:g}",),
        saw={
            "at": frame.at,
            "close": frame.close,
            "high": found.high,
            "low": found.low,
            "minutes": found.minutes,
            "minutes_from_open": session.minutes_from_open,
        },
    )
