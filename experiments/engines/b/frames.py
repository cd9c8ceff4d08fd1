"""Which of the frozen frames an agent reads. Pure."""

from experiments.data import DecisionInputs
from optionsengine.market.data import TIMEFRAMES
from optionsengine.market.features import FrameFeatures
from signals.timeframe import timeframe_seconds


def signal_frame(inputs: DecisionInputs) -> FrameFeatures | None:
    """Return the longest frame that is not longer than the signal's bar, else the shortest there is."""
    present = [inputs.frames[name] for name in TIMEFRAMES if name in inputs.frames]
    length = timeframe_seconds(inputs.signal.timeframe)
    fitting = [frame for frame in present if timeframe_seconds(frame.timeframe) <= length]
    return fitting[-1] if fitting else (present[0] if present else None)
