"""What the newest context alert says of the market: is its fear too great, does it go against the signal?

A context counts for five minutes; an older one is never frozen with a decision.
"""

from experiments.data import DecisionInputs, GateVerdict
from experiments.enums import Gate, GateCode
from experiments.gates.verdicts import not_evaluated, passed, refused
from optionsengine.core.enums import Side

MARKET_AGAINST = {Side.LONG: "BEARISH", Side.SHORT: "BULLISH"}


def judge(inputs: DecisionInputs) -> GateVerdict:
    context, side, limit = inputs.context, inputs.signal.side, inputs.config.max_vix
    if context is None:
        return not_evaluated(Gate.MARKET_CONTEXT, "no context alert of the last five minutes")
    if context.vix is None and not context.market_bias:
        return not_evaluated(Gate.MARKET_CONTEXT, "the context alert tells neither VIX nor market bias")
    if context.vix is not None and context.vix >= limit:
        return refused(
            Gate.MARKET_CONTEXT,
            GateCode.VIX_TOO_HIGH,
            f"the VIX is {context.vix:g}, entries end at {limit:g}; wait for a calmer market or raise "
            "MAX_VIX_FOR_ENTRY",
            value=f"VIX {context.vix:g}",
            threshold=f"below {limit:g}",
        )
    if context.market_bias == MARKET_AGAINST[side]:
        return refused(
            Gate.MARKET_CONTEXT,
            GateCode.MARKET_BIAS_AGAINST,
            f"the market is {context.market_bias}, the signal is {side.value}; wait for a market that goes with it",
            value=context.market_bias,
            threshold=f"not {MARKET_AGAINST[side]}",
        )
    vix = "not told" if context.vix is None else f"{context.vix:g}"
    return passed(
        Gate.MARKET_CONTEXT,
        value=f"VIX {vix}, market {context.market_bias or 'not told'}",
        threshold=f"VIX below {limit:g}, market not {MARKET_AGAINST[side]}",
    )
