"""What the engine itself says: its tiers, and for B the agents' vote."""

from experiments.data import DecisionInputs, GateVerdict
from experiments.engines.opinion import Opinion
from experiments.enums import Gate, GateOutcome
from experiments.gates.verdicts import deferred, passed, refused, soon


def judge(inputs: DecisionInputs, opinion: Opinion) -> GateVerdict:
    if opinion.code is None:
        return passed(Gate.ENGINE, value=opinion.value, threshold=opinion.threshold, message=opinion.message)
    if opinion.outcome == GateOutcome.DEFER:
        return deferred(
            Gate.ENGINE,
            opinion.code,
            opinion.message,
            soon(inputs),
            value=opinion.value,
            threshold=opinion.threshold,
        )
    return refused(Gate.ENGINE, opinion.code, opinion.message, value=opinion.value, threshold=opinion.threshold)
