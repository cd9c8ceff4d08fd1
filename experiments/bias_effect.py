"""What the bias state means for the signal's side under the configuration that decides. Pure."""

from bias.data import SideEffect
from bias.rules import effective_for
from experiments.data import DecisionInputs


def bias_effect(inputs: DecisionInputs) -> SideEffect | None:
    """Return the effective gating of the signal's side; None without a state that may be acted on."""
    state = inputs.usable_bias
    return None if state is None else effective_for(state.gating, inputs.signal.side, inputs.config.bias.gating)
