"""May the engine take new risk at all?"""

from experiments.data import DecisionInputs, GateVerdict
from experiments.enums import Gate, GateCode
from experiments.gates.verdicts import passed, refused
from optionsengine.ops.enums import TradingStatus

CODES = {
    TradingStatus.REDUCING: GateCode.TRADING_REDUCING,
    TradingStatus.HALTED: GateCode.TRADING_HALTED,
}


def judge(inputs: DecisionInputs) -> GateVerdict:
    status = inputs.trading_status
    if status == TradingStatus.ACTIVE:
        return passed(Gate.TRADING_STATE, value=status.value, threshold=TradingStatus.ACTIVE.value)
    return refused(
        Gate.TRADING_STATE,
        CODES[status],
        f"trading is {status.value}: no new entries; set the trading state to ACTIVE, then run the signal again",
        value=status.value,
        threshold=TradingStatus.ACTIVE.value,
    )
