"""The meta-decision: what the agents' votes come to. Pure.

Order and numbers are those of decision-rules §3.3. Ours: the winner must be the signal's own side, and only an agent
that voted can raise the confidence needed by what it found.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from experiments.data import AgentVote
from experiments.engines.b.regime_classifier import RegimeReading
from experiments.engines.b.registry import SPECIALISTS
from experiments.enums import GateCode, MarketRegime, Volatility, VoteBias
from optionsengine.core.enums import Side

QUORUM = 3  # meta.quorum: agents that see a direction
BASE_THRESHOLD = 50.0  # meta.base_threshold
HIGH_VOLATILITY_STEP = 10.0  # meta.high_volatility_step
QUIET_COMPRESSION_STEP = 5.0  # meta.quiet_compression_step
TRANSITIONAL_STEP = 5.0  # meta.transitional_step
EXPOSED, EXPOSED_STEP = 0.5, 5.0  # meta.exposed, exposed_step: directional exposure of the book
ILLIQUID_SCORE, ILLIQUID_STEP = 40, 5.0  # meta.illiquid_score, illiquid_step
MAX_THRESHOLD = 80.0  # meta.max_threshold
MIN_CONSENSUS = 20.0  # meta.min_consensus

SIDES = {VoteBias.BULLISH: Side.LONG, VoteBias.BEARISH: Side.SHORT}


@dataclass(frozen=True, slots=True)
class MetaDecision:
    """The verdict over the votes: `code` is None when it wins for the signal's side. Figures are 0–100."""

    code: GateCode | None
    message: str
    value: str
    threshold: str
    winner: Side | None = None
    confidence: float | None = None
    consensus: float | None = None
    needed: float | None = None
    adjustments: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What agents that voted found besides a side; None where none of them told.

    `exposure` is the book's directional exposure (−1 to 1), `liquidity_score` that of the contract (0–100).
    """

    regime: RegimeReading | None = None
    exposure: float | None = None
    liquidity_score: int | None = None


def threshold_for(found: Circumstances) -> tuple[float, dict[str, float]]:
    """Return the confidence needed in these circumstances, with each adjustment that made it."""
    steps: dict[str, float] = {}
    regime = found.regime
    if regime is not None:
        if regime.volatility == Volatility.HIGH:
            steps["high_volatility"] = HIGH_VOLATILITY_STEP
        elif regime.volatility == Volatility.LOW and regime.regime == MarketRegime.COMPRESSION:
            steps["quiet_compression"] = QUIET_COMPRESSION_STEP
        if regime.regime == MarketRegime.TRANSITIONAL:
            steps["transitional"] = TRANSITIONAL_STEP
    if found.exposure is not None and abs(found.exposure) > EXPOSED:
        steps["exposed"] = EXPOSED_STEP
    if found.liquidity_score is not None and found.liquidity_score < ILLIQUID_SCORE:
        steps["illiquid"] = ILLIQUID_STEP
    return min(MAX_THRESHOLD, BASE_THRESHOLD + sum(steps.values())), steps


def meta_decide(votes: Iterable[AgentVote], side: Side, found: Circumstances) -> MetaDecision:
    """Weigh the votes: a block first, then quorum, a core agent, tie, the winner's side, confidence, consensus."""
    present = [vote for vote in votes if not vote.is_abstaining]
    blocking = [vote for vote in present if vote.is_blocking]
    if blocking:
        names = ", ".join(vote.agent for vote in blocking)
        why = "; ".join(reason for vote in blocking for reason in vote.reasons)
        return MetaDecision(GateCode.AGENT_BLOCKED, f"blocked by {names}: {why}", names, "no agent blocks")
    directional = [vote for vote in present if vote.bias in SIDES]
    if len(directional) < QUORUM:
        return MetaDecision(
            GateCode.QUORUM_NOT_MET,
            f"{len(directional)} of {len(present)} agents see a direction, {QUORUM} are needed",
            str(len(directional)),
            str(QUORUM),
        )
    if all(vote.agent in SPECIALISTS for vote in directional):
        names = ", ".join(vote.agent for vote in directional)
        return MetaDecision(
            GateCode.NO_CORE_AGENT,
            f"only specialists see a direction ({names}); one core agent at least is needed",
            names,
            "a core agent with a direction",
        )
    scores = {Side.LONG: 0.0, Side.SHORT: 0.0}
    weights = {Side.LONG: 0.0, Side.SHORT: 0.0}
    for vote in directional:
        scores[SIDES[vote.bias]] += vote.weight * vote.confidence
        weights[SIDES[vote.bias]] += vote.weight
    long, short = round(scores[Side.LONG], 6), round(scores[Side.SHORT], 6)
    if long == short:
        return MetaDecision(GateCode.DIRECTIONAL_TIE, "the agents are evenly split", f"{long:g}", f"not {short:g}")
    winner = Side.LONG if long > short else Side.SHORT
    confidence = round(scores[winner] / weights[winner], 4)
    consensus = round(abs(long - short) / (long + short) * 100, 4)
    needed, steps = threshold_for(found)
    won = MetaDecision(
        code=None,
        message=f"the agents agree on {winner.value}: confidence {confidence:g}, consensus {consensus:g}",
        value=f"{confidence:g}",
        threshold=f"{needed:g}",
        winner=winner,
        confidence=confidence,
        consensus=consensus,
        needed=needed,
        adjustments=steps,
    )
    if winner != side:
        message = f"the agents' winner is {winner.value} ({confidence:g}), the signal is {side.value}"
        mismatch = GateCode.DIRECTION_MISMATCH
        return replace(won, code=mismatch, message=message, value=winner.value, threshold=side.value)
    if confidence < needed:
        message = f"the agents' confidence {confidence:g} is below {needed:g}"
        return replace(won, code=GateCode.LOW_CONFIDENCE, message=message)
    if consensus < MIN_CONSENSUS:
        message = f"the agents' consensus {consensus:g} is below {MIN_CONSENSUS:g}"
        value, threshold = f"{consensus:g}", f"{MIN_CONSENSUS:g}"
        return replace(won, code=GateCode.LOW_CONSENSUS, message=message, value=value, threshold=threshold)
    return won
