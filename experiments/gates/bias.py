"""Does the bias of the symbol allow this side? Where bias is not required, a missing or stale one counts as none."""

from experiments.bias_effect import bias_effect
from experiments.data import DecisionInputs, GateVerdict
from experiments.enums import Gate, GateCode
from experiments.gates.verdicts import deferred, not_evaluated, passed, refused, soon


def judge(inputs: DecisionInputs) -> GateVerdict:
    state, symbol, side = inputs.bias, inputs.signal.symbol, inputs.signal.side
    if state is None:
        if not inputs.config.require_bias:
            return not_evaluated(Gate.BIAS, f"{symbol} has no bias and none is required")
        return deferred(
            Gate.BIAS,
            GateCode.BIAS_MISSING,
            f"{symbol} has no bias yet; send a bias event, or set REQUIRE_MTF_BIAS_FOR_ENTRY=false",
            soon(inputs),
            value="none",
            threshold="required",
        )
    age = f"{state.age_minutes:g} min old"
    effect = bias_effect(inputs)
    if effect is None:
        if not inputs.config.require_bias:
            return not_evaluated(Gate.BIAS, f"the bias of {symbol} is stale ({age}) and none is required")
        return deferred(
            Gate.BIAS,
            GateCode.BIAS_STALE,
            f"the bias of {symbol} is stale ({age}); send a newer bias event",
            soon(inputs),
            value=age,
            threshold="fresh",
        )
    saw = f"{state.bias.value} {state.bias_score:g}, {age}"
    if effect.suppressed:
        why = ", ".join(effect.notes)
        return refused(
            Gate.BIAS,
            GateCode.BIAS_SUPPRESSED,
            f"the bias of {symbol} suppresses {side.value} trades: {why}; what does is set under Bias rules",
            value=saw,
            threshold=f"{side.value} not suppressed",
        )
    message = "stale: the trade is made smaller" if state.is_stale else ""
    return passed(Gate.BIAS, value=saw, threshold=f"{side.value} not suppressed", message=message)
