"""Is there a listed contract that can be bought?"""

from experiments.contract import Selection
from experiments.data import DecisionInputs, GateVerdict
from experiments.enums import Gate, GateCode
from experiments.gates.verdicts import not_evaluated, passed, refused
from experiments.setup_type import setup_type_for


def judge(inputs: DecisionInputs, selection: Selection | None) -> GateVerdict:
    summary = inputs.chain_summary
    if selection is None or summary is None:
        return not_evaluated(Gate.CONTRACT, "there is no option chain to choose from")
    chosen = selection.contract
    if chosen is not None and selection.source is not None:
        return passed(
            Gate.CONTRACT,
            value=f"{chosen.expiration} {chosen.strike} ({selection.source.value})",
            threshold="a listed contract with a usable quote",
            message=f"outside the policy by {'; '.join(selection.violations)}" if selection.violations else "",
        )
    removed = ", ".join(f"{name} {count}" for name, count in summary.removed.items() if count)
    return refused(
        Gate.CONTRACT,
        GateCode.NO_VALID_CONTRACT,
        f"no contract fits a {setup_type_for(inputs.signal.timeframe).value} trade: {selection.problem}; "
        f"of {summary.listed} listed, removed by {removed or 'nothing'}",
        value=f"{summary.listed} listed, removed: {removed or 'none'}",
        threshold="a listed contract with a usable quote",
    )
