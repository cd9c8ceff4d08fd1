"""Do flow, trend and dealers' gamma together speak for the signal?

Without option prints it is not evaluated: a third of the score and its strength would be missing, what is left of it is
the bias and its hint, which other gates judge, and a feed that is down would refuse every trade. Switched off, it
refuses nothing, and the score still sizes the trade, as the rules of the size say: to none below 45.
"""

from experiments.confluence import confluence_read
from experiments.data import DecisionInputs, GateVerdict
from experiments.enums import Gate, GateCode
from experiments.gates.verdicts import not_evaluated, passed, refused


def judge(inputs: DecisionInputs) -> GateVerdict:
    seen, threshold = confluence_read(inputs), inputs.config.confluence_threshold
    if seen is None:
        return not_evaluated(Gate.CONFLUENCE, f"no option prints of {inputs.signal.symbol} are known")
    parts = ", ".join(f"{name} {points:g}" for name, points in seen.points.items())
    value = f"{seen.score:g} ({parts})"
    if not inputs.config.has_confluence_gate:
        left = "leaves no size" if seen.factor == 0 else f"makes the size × {seen.factor}"
        return not_evaluated(
            Gate.CONFLUENCE, f"switched off by ENABLE_CONFLUENCE_GATE, so it refuses nothing; the score {value} {left}"
        )
    if seen.score >= threshold:
        return passed(Gate.CONFLUENCE, value=value, threshold=f"{threshold:g}", message=f"size × {seen.factor}")
    return refused(
        Gate.CONFLUENCE,
        GateCode.CONFLUENCE_BELOW_THRESHOLD,
        f"flow, trend and dealers' gamma speak too weakly for {inputs.signal.side.value}: {value} is below "
        f"{threshold:g}; wait for the next alert",
        value=value,
        threshold=f"{threshold:g}",
    )
