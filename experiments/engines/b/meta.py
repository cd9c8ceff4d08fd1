"""The meta-decision: what the agents' votes come to. Pure; decision-rules §3.3, with the winner held to the signal."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from experiments.data import AgentVote
from experiments.engines.b.regime_classifier import RegimeReading
from experiments.enums import GateCode, MarketRegime, Volatility, VoteBias
from optionsengine.core.enums import Side

# meta.quorum. The reference asks for three of its twelve agents. Of this engine's three, the regime agent is
# directional in trends only, so three would mean "trends only"; two keeps every regime tradable.
QUORUM = 2
BASE_THRESHOLD = 50.0  # meta.base_threshold
HIGH_VOLATILITY_STEP = 10.0  # meta.high_volatility_step
QUIET_COMPRESSION_STEP = 5.0  # meta.quiet_compression_step
TRANSITIONAL_STEP = 5.0  # meta.transitional_step
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


def threshold_for(regime: RegimeReading | None) -> tuple[float, dict[str, float]]:
    """Return the confidence needed in this regime, with each adjustment that made it."""
    steps: dict[str, float] = {}
    if regime is not None:
        if regime.volatility == Volatility.HIGH:
            steps["high_volatility"] = HIGH_VOLATILITY_STEP
        elif regime.volatility == Volatility.LOW and regime.regime == MarketRegime.COMPRESSION:
            steps["quiet_compression"] = QUIET_COMPRESSION_STEP
        if regime.regime == MarketRegime.TRANSITIONAL:
            steps["transitional"] = TRANSITIONAL_STEP
    return min(MAX_THRESHOLD, BASE_THRESHOLD + sum(steps.values())), steps


def meta_decide(votes: Iterable[AgentVote], side: Side, regime: RegimeReading | None) -> MetaDecision:
    """Weigh the votes: a block first, then quorum, tie, the winner's side, confidence, consensus."""
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
    needed, steps = threshold_for(regime)
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
