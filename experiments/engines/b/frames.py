"""Which of the frozen frames an agent reads, and the side that dealers' gamma makes of it. Pure."""

from experiments.data import DecisionInputs
from experiments.engines.b.votes import sign
from experiments.enums import StrategyType
from optionsengine.market.data import TIMEFRAMES
from optionsengine.market.features import FrameFeatures
from signals.timeframe import timeframe_seconds


def signal_frame(inputs: DecisionInputs) -> FrameFeatures | None:
    """Return the longest frame that is not longer than the signal's bar, else the shortest there is."""
    present = [inputs.frames[name] for name in TIMEFRAMES if name in inputs.frames]
    length = timeframe_seconds(inputs.signal.timeframe)
    fitting = [frame for frame in present if timeframe_seconds(frame.timeframe) <= length]
    return fitting[-1] if fitting else (present[0] if present else None)


def strategy_side(strategy: StrategyType, frame: FrameFeatures | None) -> int | None:
    """Return the side a strategy takes of a frame: +1, −1, 0; None without the averages it reads.

    To follow is the side of EMA 8 against EMA 21; to fade is from the close back towards EMA 21. Gamma's own sign is no
    direction.
    """
    if strategy == StrategyType.NEUTRAL:
        return 0
    if frame is None or frame.close is None or frame.ema8 is None or frame.ema21 is None:
        return None
    if strategy == StrategyType.FADE:
        return -sign(frame.close - frame.ema21)
    return sign(frame.ema8 - frame.ema21)
