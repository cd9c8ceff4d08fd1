"""Does the risk budget buy at least one contract? Zero is a refusal, never rounded up."""

from experiments.data import DecisionInputs, GateVerdict
from experiments.enums import Gate, GateCode
from experiments.gates.verdicts import not_evaluated, passed, refused
from experiments.sizing import Sizing


def judge(inputs: DecisionInputs, sizing: Sizing | None) -> GateVerdict:
    if sizing is None:
        return not_evaluated(Gate.SIZE, "there is no contract to size")
    value = f"{sizing.quantity} contracts by {sizing.binding.value}"
    stop = f"{sizing.stop_loss_percent.normalize():f} % stop"
    threshold = f"${sizing.risk_budget} at ${sizing.risk_per_contract:.2f} a contract ({stop})"
    if sizing.quantity > 0:
        return passed(Gate.SIZE, value=value, threshold=threshold)
    zeros = ", ".join(name for name, factor in sizing.multipliers.items() if factor == 0)
    if zeros:
        return refused(
            Gate.SIZE,
            GateCode.ZERO_SIZE,
            f"{zeros} leaves no part of the risk budget: the trade has no size",
            value=value,
            threshold=threshold,
        )
    return refused(
        Gate.SIZE,
        GateCode.ZERO_SIZE,
        f"not even one contract of {inputs.signal.symbol} fits: {sizing.binding.value} allows none "
        f"(premium ${sizing.premium}, {stop}, risk budget ${sizing.risk_budget})",
        value=value,
        threshold=threshold,
    )
