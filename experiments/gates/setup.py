"""Does the bias state see the setup that the signal claims? What a state does not tell is not held against it.

The reasons are those of decision-rules §5.4, for either side; all that hold are named, the first is the code.
"""

from collections.abc import Iterator

from bias.enums import Regime
from experiments.data import DecisionInputs, GateVerdict
from experiments.enums import Gate, GateCode
from experiments.facts import BiasFacts
from experiments.gates.verdicts import Hit, not_evaluated, passed, refused_by
from experiments.strategy import BREAKOUT, LOW_ROOM, MEAN_REVERT, NO_TRADE, is_trapped, room_ahead
from optionsengine.core.enums import Side


def _hits(state: BiasFacts, side: Side) -> Iterator[Hit]:
    hint, is_long = state.entry_mode_hint, side == Side.LONG
    if hint == NO_TRADE:
        yield GateCode.NO_TRADE_HINT, f"hint {hint}", "a hint to trade"
    if state.intent_type == BREAKOUT and room_ahead(state, side) == LOW_ROOM:
        level = "resistance" if is_long else "support"
        yield GateCode.BREAKOUT_WITHOUT_SPACE, f"breakout with {LOW_ROOM} room to {level}", "more room"
    if state.is_triggered is False:
        yield GateCode.NO_TRIGGER_CONFIRMATION, "trigger not fired", "fired"
    if is_trapped(state, side):
        level = "high" if is_long else "low"
        yield GateCode.LIQUIDITY_TRAP_CONTINUATION, f"{level} swept, not reclaimed", "reclaimed"
    if state.regime_type == Regime.RANGE and hint not in ("", MEAN_REVERT):
        yield GateCode.RANGE_NOT_MEAN_REVERT, f"hint {hint} in a range", MEAN_REVERT


def judge(inputs: DecisionInputs) -> GateVerdict:
    if not inputs.config.has_setup_validator:
        return not_evaluated(Gate.SETUP, "switched off by ENABLE_SETUP_VALIDATOR")
    state, side = inputs.usable_bias, inputs.signal.side
    if state is None:
        return not_evaluated(Gate.SETUP, f"{inputs.signal.symbol} has no bias that may be acted on")
    hits = list(_hits(state, side))
    if hits:
        return refused_by(Gate.SETUP, hits, "the bias does not see the setup", "wait for the next alert")
    return passed(
        Gate.SETUP,
        value=f"{state.regime_type.value}, hint {state.entry_mode_hint or 'not told'}, "
        f"intent {state.intent_type or 'not told'}, room {room_ahead(state, side) or 'not told'}",
        threshold=f"a setup for {side.value}",
    )
