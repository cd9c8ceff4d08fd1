"""Engine B: the entry tiers, then the agents' vote. Pure."""

from dataclasses import asdict

from experiments.contract import Selection
from experiments.data import AgentVote, DecisionInputs
from experiments.engines.a import stopped_by
from experiments.engines.b.frames import signal_frame
from experiments.engines.b.meta import meta_decide
from experiments.engines.b.regime_classifier import regime_read
from experiments.engines.opinion import Opinion
from experiments.engines.tiers import entry_plan, tiers_judge
from experiments.enums import GateOutcome
from experiments.setup_type import setup_type_for


def engine_b(inputs: DecisionInputs, votes: tuple[AgentVote, ...], selection: Selection | None) -> Opinion:
    """Enter when no tier objects and the agents win for the signal's side; the confidence is theirs."""
    findings = tiers_judge(inputs, selection)
    stopped = stopped_by(findings, inputs)
    if stopped is not None:
        return stopped
    meta = meta_decide(votes, inputs.signal.side, regime_read(signal_frame(inputs)))
    is_won = meta.code is None and meta.confidence is not None
    return Opinion(
        outcome=GateOutcome.PASS if is_won else GateOutcome.REFUSE,
        code=meta.code,
        message=meta.message,
        value=meta.value,
        threshold=meta.threshold,
        confidence=meta.confidence,
        plan=entry_plan(setup_type_for(inputs.signal.timeframe), meta.confidence)
        if meta.code is None and meta.confidence is not None
        else None,
        findings=findings,
        details={key: value for key, value in asdict(meta).items() if value is not None and key != "message"},
    )
