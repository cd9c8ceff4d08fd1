"""What an agent is shown: the frozen inputs and the contract that would be bought. Pure."""

from dataclasses import dataclass

from experiments.contract import Selection
from experiments.data import Candidate, DecisionInputs
from experiments.engines.b.frames import signal_frame
from optionsengine.market.features import FrameFeatures


@dataclass(frozen=True, slots=True)
class AgentView:
    """One decision as every agent sees it; `selection` is None when there was no chain to choose from."""

    inputs: DecisionInputs
    selection: Selection | None

    @property
    def frame(self) -> FrameFeatures | None:
        """The frame of the signal's own bars."""
        return signal_frame(self.inputs)

    @property
    def contract(self) -> Candidate | None:
        """The contract that would be bought."""
        return None if self.selection is None else self.selection.contract

    @property
    def entry_mode(self) -> str:
        """How the bias state says to enter (BREAKOUT, PULLBACK, MEAN_REVERT); empty while it may not be used."""
        state = self.inputs.usable_bias
        return "" if state is None else state.entry_mode_hint
