"""The correlation agent: is the trade one more of a bet the book already holds? A veto, never a side. Pure.

Numbers are those of decision-rules §3.2. Directional exposure is the book's dollar delta over its limit, −1 to 1. Ours:
a position counts as correlated when it lies on the trade's side and its symbol's daily returns go with the signal's; a
pair of one position is one finding, not two. Of a symbol on the trade's side whose pair nobody could work out it is not
known that it does not go with the trade: it counts for the step of one position, and for the veto only what is known
does. Sectors are not known here, so the rule about the largest one is left out.
Whether the trade adds is a property of the trade; the vote stays neutral either way. Test signals add nothing to the
book, so this agent has nothing to say of them.
"""

from collections.abc import Iterator
from decimal import Decimal

from experiments.data import AgentVote, DecisionInputs
from experiments.engines.b.view import AgentView
from experiments.engines.b.votes import DIGITS, abstain, sign, within
from experiments.enums import VoteBias
from experiments.facts import CorrelationFacts
from optionsengine.core.enums import Side

NAME = "correlation_risk"
WEIGHT = 0.08  # agents.correlation_risk.weight
START = 60.0  # agents.correlation_risk.start
VETO_EXPOSURE = 0.70  # agents.correlation_risk.veto_exposure
ADDING_EXPOSURE, ADDING_STEP = 0.50, -15.0  # agents.correlation_risk.adding_exposure, adding_step
REDUCING_EXPOSURE, REDUCING_STEP = 0.30, 5.0  # agents.correlation_risk.reducing_exposure, reducing_step
PAIR_CORRELATION = 0.70  # agents.correlation_risk.pair
VETO_POSITIONS, POSITION_STEP = 2, -10.0  # agents.correlation_risk.veto_positions, position_step
HIGH_BETA, HIGH_BETA_STEP = 3.0, -10.0  # agents.correlation_risk.high_beta, high_beta_step
CONFIDENCE_RANGE = (10.0, 85.0)  # agents.correlation_risk.confidence


def directional_exposure(inputs: DecisionInputs) -> float:
    """Return the book's dollar delta over its limit, −1 (short) to 1 (long); a limit of zero is full with anything."""
    delta, limit = inputs.exposure.dollar_delta, inputs.limits.max_dollar_delta
    if limit <= 0:
        return float(sign(float(delta)))
    return round(float(max(Decimal(-1), min(Decimal(1), delta / limit))), DIGITS)


def _adds(inputs: DecisionInputs, exposure: float) -> bool:
    return sign(exposure) == (1 if inputs.signal.side == Side.LONG else -1)


def correlated_positions(inputs: DecisionInputs, facts: CorrelationFacts) -> dict[str, int]:
    """Return the open positions of other symbols that lie on the trade's side and go with it, by symbol."""
    return {
        held.symbol: held.positions
        for held in inputs.exposure.symbols
        if held.symbol != inputs.signal.symbol
        and held.side == inputs.signal.side
        and facts.pairs.get(held.symbol, 0.0) > PAIR_CORRELATION
    }


def unknown_pairs(inputs: DecisionInputs, facts: CorrelationFacts) -> list[str]:
    """Return the other symbols on the trade's side of which nobody knows whether they go with it."""
    return [
        held.symbol
        for held in inputs.exposure.symbols
        if held.symbol != inputs.signal.symbol and held.side == inputs.signal.side and held.symbol not in facts.pairs
    ]


def _steps(
    exposure: float, adds: bool, positions: int, unknown: list[str], beta: float | None
) -> Iterator[tuple[float, str]]:
    size = abs(exposure)
    if adds and size >= ADDING_EXPOSURE:
        yield ADDING_STEP, f"adds to a directional exposure of {exposure:+.2f}"
    elif not adds and size > REDUCING_EXPOSURE:
        yield REDUCING_STEP, f"reduces a directional exposure of {exposure:+.2f}"
    if positions == 1:
        yield POSITION_STEP, "goes with one open position"
    elif positions == 0 and unknown:
        yield POSITION_STEP, f"whether it goes with {', '.join(unknown)} is not known, taken as one position that does"
    if beta is not None and beta > HIGH_BETA:
        yield HIGH_BETA_STEP, f"beta {beta:.2f}"


def vote(view: AgentView) -> AgentVote:
    """Veto a trade that piles up one bet, else be neutral; abstain without correlations."""
    inputs, facts = view.inputs, view.inputs.correlation
    if inputs.signal.is_test:
        return abstain(NAME, "test signals are outside the limits")
    if facts is None:
        return abstain(NAME, "correlations are not known")
    exposure = directional_exposure(inputs)
    adds, held, unknown = _adds(inputs, exposure), correlated_positions(inputs, facts), unknown_pairs(inputs, facts)
    positions = sum(held.values())
    vetoes = []
    if adds and abs(exposure) >= VETO_EXPOSURE:
        vetoes.append(f"adds to a directional exposure of {exposure:+.2f}, the limit is {VETO_EXPOSURE:g}")
    if positions >= VETO_POSITIONS:
        vetoes.append(f"{positions} open positions go with it ({', '.join(held)}), {VETO_POSITIONS} are too many")
    steps = list(_steps(exposure, adds, positions, unknown, facts.beta))
    return AgentVote(
        agent=NAME,
        is_abstaining=False,
        bias=VoteBias.NEUTRAL,
        confidence=within(START + sum(step for step, _ in steps), CONFIDENCE_RANGE),
        weight=WEIGHT,
        is_blocking=bool(vetoes),
        reasons=tuple(vetoes or [why for _, why in steps]) or ("no bet of the book is piled up",),
        saw={
            "exposure": exposure,
            "adds": adds,
            "correlated": held,
            "unknown": unknown,
            "beta": None if facts.beta is None else round(facts.beta, DIGITS),
        },
    )
