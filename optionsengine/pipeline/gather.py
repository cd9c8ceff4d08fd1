"""What a decision needs from the network, fetched with no transaction open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from experiments.contract_terms import chain_window
from experiments.data import MarketSnapshot, SignalFacts
from optionsengine.core.values import right_for
from optionsengine.market.data import TIMEFRAMES, Bar, MarketError, OptionChain, Quote, Timeframe
from optionsengine.market.features import FrameFeatures, frame_features
from optionsengine.market.mtf import MtfReading, mtf_read
from optionsengine.market.patience import patience
from optionsengine.market.providers.base import MarketProvider
from optionsengine.pipeline.gather_facts import facts_gather
from optionsengine.pipeline.market_memory import MarketMemory

BARS = 200
GATHER_SECONDS = 12.0  # a task ends after 20, its statements included


@dataclass(frozen=True, slots=True)
class _Prices:
    """The part that every decision on a symbol shares."""

    quote: Quote
    bars: Mapping[Timeframe, Sequence[Bar]]
    frames: Mapping[str, FrameFeatures]
    reading: MtfReading | None


def market_gather(
    provider: MarketProvider,
    *,
    signal: SignalFacts,
    at: datetime,
    book: Sequence[str] = (),
    memory: MarketMemory | None = None,
) -> MarketSnapshot:
    """Fetch quote, bars and chain of the symbol, then the further facts. Call it with no transaction open.

    Without one of the first three there is no snapshot, with the problem in words; a fact that cannot be had is None
    and named in `missing`. `book` are the symbols that are open now. What `memory` keeps is not asked again.
    """
    kept = MarketMemory() if memory is None else memory
    symbol = signal.symbol
    with patience(GATHER_SECONDS):
        try:
            prices = kept.once("prices", symbol, at=at, ask=lambda: _prices(provider, symbol, at))
        except MarketError as error:
            return MarketSnapshot(quote=None, frames={}, chain=None, problem=str(error))
        try:
            chain = _own_chain(provider, signal, at=at, memory=kept)
        except MarketError as error:
            # what the bars say holds all the same, for this signal's bias and for others of its symbol
            return MarketSnapshot(quote=None, frames={}, chain=None, problem=str(error), reading=prices.reading)
        facts = facts_gather(provider, symbol=symbol, bars=prices.bars, chain=chain, book=book, at=at, memory=kept)
    return MarketSnapshot(
        quote=prices.quote,
        frames=prices.frames,
        chain=chain,
        problem="",
        reading=prices.reading,
        gamma=facts.gamma,
        flow=facts.flow,
        volatility=facts.volatility,
        opening_range=facts.opening_range,
        correlation=facts.correlation,
        missing=facts.missing,
    )


def _prices(provider: MarketProvider, symbol: str, at: datetime) -> _Prices:
    quote = provider.quote(symbol, at)
    bars = {frame: provider.bars(symbol, frame, BARS, at) for frame in TIMEFRAMES}
    frames: dict[str, FrameFeatures] = {frame: frame_features(bars[frame], frame) for frame in TIMEFRAMES}
    return _Prices(quote, bars, frames, mtf_read(bars))


def _own_chain(provider: MarketProvider, signal: SignalFacts, *, at: datetime, memory: MarketMemory) -> OptionChain:
    window = chain_window(timeframe=signal.timeframe, expiration=signal.expiration, at=at)
    bounds, right = (window.minimum, window.maximum), right_for(signal.side)
    return memory.once(
        "chain", signal.symbol, *bounds, right, at=at, ask=lambda: provider.chain(signal.symbol, at, *bounds, right)
    )
