"""What a decision needs from the network, fetched with no transaction open."""

from datetime import datetime

from experiments.contract import dte_policy
from experiments.data import MarketSnapshot
from experiments.setup_type import setup_type_for
from optionsengine.core.enums import Side
from optionsengine.core.values import right_for
from optionsengine.market.data import MarketError
from optionsengine.market.features import FrameFeatures, frame_features
from optionsengine.market.providers.base import MarketProvider

FRAMES = ("5m", "15m", "1h", "4h", "1d")
BARS = 200


def market_gather(
    provider: MarketProvider, *, symbol: str, side: Side, timeframe: str, at: datetime
) -> MarketSnapshot:
    """Fetch quote, bars and chain of `symbol`. What a provider cannot give is absent, with the problem in words."""
    frames: dict[str, FrameFeatures] = {}
    policy = dte_policy(setup_type_for(timeframe))
    try:
        quote = provider.quote(symbol, at)
        for frame in FRAMES:
            features = frame_features(provider.bars(symbol, frame, BARS, at), frame)
            if features is not None:
                frames[frame] = features
        chain = provider.chain(symbol, at, policy.minimum, policy.maximum, right_for(side))
    except MarketError as error:
        return MarketSnapshot(quote=None, frames={}, chain=None, problem=str(error))
    return MarketSnapshot(quote=quote, frames=frames, chain=chain, problem="")
