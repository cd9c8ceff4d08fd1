"""The risk agent: a veto while the market is closed or a limit on new risk is reached; never a side. Pure.

It reads the same limits and the same book as the risk-limits gate, so the two cannot contradict each other; test
signals are outside the limits for both.
"""

from collections.abc import Iterator
from decimal import Decimal

from experiments.data import AgentVote, DecisionInputs
from experiments.engines.b.view import AgentView
from experiments.enums import VoteBias

NAME = "risk"
WEIGHT = 0.15  # agents.risk.weight
CONFIDENCE, VETO_CONFIDENCE = 50.0, 0.0  # agents.risk.confidence, veto_confidence


def _limits_reached(inputs: DecisionInputs) -> Iterator[str]:
    book, limits = inputs.exposure, inputs.limits
    share = limits.max_exposure_percent * max(book.equity, Decimal(0)) / 100
    if book.open_positions >= limits.max_open_positions:
        yield f"{book.open_positions} positions are open, the limit is {limits.max_open_positions}"
    if book.symbol_positions >= limits.max_positions_per_symbol:
        yield f"{book.symbol_positions} of this symbol are open, the limit is {limits.max_positions_per_symbol}"
    if book.exposure >= limits.max_exposure:
        yield f"${book.exposure} are exposed, the limit is ${limits.max_exposure}"
    if book.exposure >= share:
        yield f"${book.exposure} are exposed, the limit is {limits.max_exposure_percent} % of equity (${share:.2f})"


def vote(view: AgentView) -> AgentVote:
    """Veto when the market is closed, or a limit on positions or on exposure is reached; neutral otherwise."""
    inputs = view.inputs
    reached = [] if inputs.session.is_open else ["the market is closed"]
    if not inputs.signal.is_test:
        reached += _limits_reached(inputs)
    book = inputs.exposure
    room = "test signals are outside the limits" if inputs.signal.is_test else "there is room under every limit"
    return AgentVote(
        agent=NAME,
        is_abstaining=False,
        bias=VoteBias.NEUTRAL,
        confidence=VETO_CONFIDENCE if reached else CONFIDENCE,
        weight=WEIGHT,
        is_blocking=bool(reached),
        reasons=tuple(reached) or (room,),
        saw={
            "is_open": inputs.session.is_open,
            "is_test": inputs.signal.is_test,
            "open_positions": book.open_positions,
            "symbol_positions": book.symbol_positions,
            "exposure": book.exposure,
            "equity": book.equity,
        },
    )
