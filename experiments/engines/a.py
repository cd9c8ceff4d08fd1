"""Engine A: the entry tiers decide. Pure."""

from experiments.contract import Selection
from experiments.data import DecisionInputs
from experiments.engines.adjustments import plan_for
from experiments.engines.opinion import Opinion, RuleFinding
from experiments.engines.tiers import signal_confidence, tiers_judge
from experiments.enums import GateOutcome, RuleOutcome

BLOCK_TIER = 1


def stopped_by(findings: tuple[RuleFinding, ...], inputs: DecisionInputs) -> Opinion | None:
    """Return the opinion of the first rule that fired, naming all that did; None if none fired."""
    hits = [finding for finding in findings if finding.outcome == RuleOutcome.HIT]
    if not hits:
        return None
    first = hits[0]
    is_block = first.tier == BLOCK_TIER
    return Opinion(
        outcome=GateOutcome.REFUSE if is_block else GateOutcome.DEFER,
        code=first.rule,
        message="; ".join(hit.message for hit in hits),
        value=first.value,
        threshold=first.threshold,
        confidence=signal_confidence(inputs),
        plan=None if is_block else plan_for(inputs, signal_confidence(inputs)),
        findings=findings,
    )


def engine_a(inputs: DecisionInputs, selection: Selection | None) -> Opinion:
    """Enter unless a block (REFUSE) or a delay (DEFER) fires; the confidence is the signal's own."""
    findings = tiers_judge(inputs, selection)
    stopped = stopped_by(findings, inputs)
    if stopped is not None:
        return stopped
    confidence = signal_confidence(inputs)
    plan = plan_for(inputs, confidence)
    return Opinion(
        outcome=GateOutcome.PASS,
        code=None,
        message=f"no tier objects; {plan.entry_type.value} entry, urgency {plan.urgency.value}",
        value=f"confidence {confidence:g}",
        threshold="no block, no delay",
        confidence=confidence,
        plan=plan,
        findings=findings,
    )
