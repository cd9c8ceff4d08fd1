"""Engine B: the entry tiers, then the agents' vote. Pure."""

from dataclasses import asdict

from experiments.contract import Selection
from experiments.data import AgentVote, DecisionInputs
from experiments.engines.a import stopped_by
from experiments.engines.adjustments import plan_for
from experiments.engines.b import correlation_risk, liquidity, regime_classifier
from experiments.engines.b.frames import signal_frame
from experiments.engines.b.meta import Circumstances, meta_decide
from experiments.engines.opinion import Opinion
from experiments.engines.tiers import tiers_judge
from experiments.enums import GateOutcome


def circumstances(inputs: DecisionInputs, votes: tuple[AgentVote, ...], selection: Selection | None) -> Circumstances:
    """Return what the agents that voted found besides a side; who abstained, failed or was not asked saw nothing."""
    voted = {vote.agent for vote in votes if vote.saw}
    return Circumstances(
        regime=regime_classifier.regime_read(signal_frame(inputs)) if regime_classifier.NAME in voted else None,
        exposure=correlation_risk.directional_exposure(inputs) if correlation_risk.NAME in voted else None,
        liquidity_score=liquidity.liquidity_score(selection) if liquidity.NAME in voted else None,
    )


def engine_b(inputs: DecisionInputs, votes: tuple[AgentVote, ...], selection: Selection | None) -> Opinion:
    """Enter when no tier objects and the agents win for the signal's side; the confidence is theirs."""
    findings = tiers_judge(inputs, selection)
    stopped = stopped_by(findings, inputs)
    if stopped is not None:
        return stopped
    meta = meta_decide(votes, inputs.signal.side, circumstances(inputs, votes, selection))
    is_won = meta.code is None and meta.confidence is not None
    return Opinion(
        outcome=GateOutcome.PASS if is_won else GateOutcome.REFUSE,
        code=meta.code,
        message=meta.message,
        value=meta.value,
        threshold=meta.threshold,
        confidence=meta.confidence,
        plan=plan_for(inputs, meta.confidence) if meta.code is None and meta.confidence is not None else None,
        findings=findings,
        details={key: value for key, value in asdict(meta).items() if value is not None and key != "message"},
    )
