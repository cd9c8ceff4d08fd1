"""Does the book already lean too far where this trade would lean? It refuses, or makes the trade smaller.

The numbers are those of decision-rules §5.5; its limits on open positions are the risk-limits gate's alone. Without a
usable bias the rules that read it do not apply. Two positions of one symbol and side are its own limit, whatever the
risk-limits row allows of a symbol: another of the same bet is no second idea.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from bias.enums import MacroClass
from experiments.data import DecisionInputs, GateVerdict
from experiments.enums import Gate, GateCode, RiskFactor
from experiments.gates.verdicts import Hit, not_evaluated, passed, refused_by
from experiments.strategy import (
    BREAKOUT,
    CHOPPY_RANGE,
    EXPANDING_ATR,
    MACRO_AGAINST,
    is_choppy_range,
)

MAX_SAME_DIRECTION = 2  # guard.max_same_direction, of one symbol and side
MAX_AGAINST_MACRO = 3  # guard.max_against_macro, positions of one side
MAX_IN_CHOPPY_RANGE = 2  # guard.max_in_choppy_range, positions of one side
MACRO_DRIFT = 0.15  # guard.macro_drift
MACRO_DRIFT_FACTOR = Decimal("0.5")  # guard.macro_drift_factor
EXPANSION_FACTOR = Decimal("0.8")  # guard.expansion_factor
RANGE_CAP_FACTOR = Decimal("0.5")  # guard.range_cap_factor
UNSTEADY_MACRO = (MacroClass.REVERSAL_RISK, MacroClass.RANGE)


@dataclass(frozen=True, slots=True)
class Downgrade:
    """A rule that makes the trade smaller, with what it saw."""

    name: RiskFactor
    factor: Decimal
    saw: str


def _hits(inputs: DecisionInputs) -> Iterator[Hit]:
    side, seen, state = inputs.signal.side, inputs.exposure, inputs.usable_bias
    same, on_side = seen.symbol_by_side.get(side, 0), seen.by_side.get(side, 0)
    if same >= MAX_SAME_DIRECTION:
        yield GateCode.MAX_SAME_DIRECTION, f"{same} {side.value} of {inputs.signal.symbol}", f"{MAX_SAME_DIRECTION}"
    if state is None:
        return
    if state.macro_class in MACRO_AGAINST[side] and on_side >= MAX_AGAINST_MACRO:
        value = f"{on_side} {side.value} in {state.macro_class.value}"
        yield GateCode.MACRO_BIAS_CLUSTER, value, f"{MAX_AGAINST_MACRO}"
    if is_choppy_range(state) and state.entry_mode_hint == BREAKOUT:
        yield GateCode.RANGE_BREAKOUT_BLOCKED, f"chop {state.chop_score:g} in a range", f"{CHOPPY_RANGE:g}"


def downgrades(inputs: DecisionInputs) -> tuple[Downgrade, ...]:
    """Return the rules that make this trade smaller; none for a test signal or while the guard is switched off."""
    state, side = inputs.usable_bias, inputs.signal.side
    if state is None or inputs.signal.is_test or not inputs.config.has_portfolio_guard:
        return ()
    found = []
    if state.macro_drift > MACRO_DRIFT or state.macro_flip:
        saw = "the macro class changed" if state.macro_flip else f"macro drift {state.macro_drift:g}"
        found.append(Downgrade(RiskFactor.MACRO_DRIFT_GUARD, MACRO_DRIFT_FACTOR, saw))
    if state.atr_state == EXPANDING_ATR and state.macro_class in UNSTEADY_MACRO:
        saw = f"ATR {state.atr_state} in {state.macro_class.value}"
        found.append(Downgrade(RiskFactor.VOLATILITY_EXPANSION_GUARD, EXPANSION_FACTOR, saw))
    on_side = inputs.exposure.by_side.get(side, 0)
    if is_choppy_range(state) and on_side >= MAX_IN_CHOPPY_RANGE:
        saw = f"{on_side} {side.value} in a range with chop {state.chop_score:g}"
        found.append(Downgrade(RiskFactor.RANGE_REGIME_DIRECTIONAL_CAP, RANGE_CAP_FACTOR, saw))
    return tuple(found)


def judge(inputs: DecisionInputs) -> GateVerdict:
    if not inputs.config.has_portfolio_guard:
        return not_evaluated(Gate.PORTFOLIO_GUARD, "switched off by ENABLE_PORTFOLIO_GUARD")
    if inputs.signal.is_test:
        return passed(Gate.PORTFOLIO_GUARD, value="test signal", message="test signals are outside the guard")
    hits = list(_hits(inputs))
    if hits:
        advice = "close a position first"
        if hits[0][0] == GateCode.MAX_SAME_DIRECTION:
            advice += f"; the guard keeps {MAX_SAME_DIRECTION} of a symbol and side whatever the risk-limits row allows"
        return refused_by(Gate.PORTFOLIO_GUARD, hits, "the book already leans this way", advice)
    side, seen = inputs.signal.side, inputs.exposure
    return passed(
        Gate.PORTFOLIO_GUARD,
        value=f"{seen.symbol_by_side.get(side, 0)} {side.value} of {inputs.signal.symbol}, "
        f"{seen.by_side.get(side, 0)} {side.value} in all",
        threshold=f"{MAX_SAME_DIRECTION} of a symbol, {MAX_AGAINST_MACRO} against the macro class",
        message="; ".join(f"{each.name.value}: size × {each.factor} ({each.saw})" for each in downgrades(inputs)),
    )
