"""What a decision needs from the network, fetched with no transaction open."""

from datetime import datetime

from experiments.contract_terms import chain_window
from experiments.data import MarketSnapshot, SignalFacts
from optionsengine.core.values import right_for
from optionsengine.market.data import TIMEFRAMES, MarketError
from optionsengine.market.features import FrameFeatures, frame_features
from optionsengine.market.patience import patience
from optionsengine.market.providers.base import MarketProvider

BARS = 200
GATHER_SECONDS = 12.0  # a task ends after 20, its statements included


def market_gather(provider: MarketProvider, *, signal: SignalFacts, at: datetime) -> MarketSnapshot:
    """Fetch quote, bars and chain of the symbol. What a provider cannot give is absent, with the problem in words."""
    frames: dict[str, FrameFeatures] = {}
    symbol = signal.symbol
    window = chain_window(timeframe=signal.timeframe, expiration=signal.expiration, at=at)
    try:
        with patience(GATHER_SECONDS):
            quote = provider.quote(symbol, at)
            for frame in TIMEFRAMES:
                features = frame_features(provider.bars(symbol, frame, BARS, at), frame)
                if features is not None:
                    frames[frame] = features
            chain = provider.chain(symbol, at, window.minimum, window.maximum, right_for(signal.side))
    except MarketError as error:
        return MarketSnapshot(quote=None, frames={}, chain=None, problem=str(error))
    return MarketSnapshot(quote=quote, frames=frames, chain=chain, problem="")
