"""What the near options of an underlying say together: dealers' gamma and the smile.

Near is up to 45 days to expiry: most of the gamma there is, and the month that volatility is told for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar

from optionsengine.core.enums import Right
from optionsengine.market.analysis_enums import GexState
from optionsengine.market.correlation import Closes, daily_closes
from optionsengine.market.data import MarketError, OptionChain, OptionQuote
from optionsengine.market.enums import MarketProblem
from optionsengine.market.gateway import MarketGateway
from optionsengine.market.gex import gex_of
from optionsengine.market.providers.base import MarketProvider
from optionsengine.market.single_flight import fetch_once
from optionsengine.market.smile import Smile, smile_of

NEAR_DAYS = 45.0
MIN_TOLD = 0.5  # of a right's contracts must tell gamma and open interest
CLOSES = 62  # daily bars: 61 closes make 60 returns, and a symbol may lack a day
NEAR_SECONDS = 300.0
CLOSES_SECONDS = 3600.0

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class NearGamma:
    """Dealers' net gamma in dollars per 1 % move, its flip level and walls in dollars; see `gex.GexReading`."""

    net_gex: float
    state: GexState
    zero_gamma: float | None
    call_wall: Decimal | None
    put_wall: Decimal | None


@dataclass(frozen=True, slots=True)
class NearReading:
    """Read off the chain that `source` told at `at`. `problem` says in words why there is no gamma."""

    gamma: NearGamma | None
    problem: str
    smile: Smile
    at: datetime
    source: str


_SHAPE = tuple(tuple(field.name for field in fields(kind)) for kind in (NearReading, NearGamma, Smile))


def _told(chain: OptionChain) -> dict[date, list[OptionQuote]]:
    told: dict[date, list[OptionQuote]] = {}
    for quote in chain.quotes:
        if quote.gamma is not None and quote.open_interest is not None:
            told.setdefault(quote.contract.expiration, []).append(quote)
    return told


def _half_told(chains: Sequence[tuple[str, OptionChain]]) -> str:
    """Say why the chains are not both sides of one market; empty if they are."""
    told = {name: _told(chain) for name, chain in chains}
    for name, chain in chains:
        count = sum(map(len, told[name].values()))
        if not chain.quotes:
            return f"no {name} are listed"
        if count < MIN_TOLD * len(chain.quotes):
            return f"{count} of {len(chain.quotes)} {name} tell gamma and open interest"
    days = [set(each) for each in told.values()]
    return "" if days[0] == days[1] else "calls and puts are told for different expirations"


def near_read(calls: OptionChain, puts: OptionChain, *, at: datetime, rate: float) -> NearReading:
    """Read the near calls and puts; `rate` is a fraction a year. Half a market gives no gamma."""
    quotes = (*calls.quotes, *puts.quotes)
    smile = smile_of(quotes, spot=calls.spot, at=at)
    at_chain = min(calls.at, puts.at)
    problem = _half_told((("calls", calls), ("puts", puts)))
    found = None if problem else gex_of(quotes, spot=calls.spot, at=at, rate=rate, dividend_yield=0.0)
    if found is None:
        return NearReading(None, problem or "every contract has expired", smile, at_chain, calls.source)
    gamma = NearGamma(found.net_gex, found.state, found.zero_gamma, found.call_wall, found.put_wall)
    return NearReading(gamma, "", smile, at_chain, calls.source)


def near_get(provider: MarketProvider, symbol: str, *, at: datetime, rate: float) -> NearReading:
    """Fetch and read the near chain; of network providers at most every five minutes for all processes together.

    Call it with no transaction open.

    :raises MarketError: if either right cannot be had.
    """
    ask = provider.near_chain if isinstance(provider, MarketGateway) else provider.chain

    def fetch() -> NearReading:
        calls, puts = (ask(symbol, at, 0.0, NEAR_DAYS, right) for right in (Right.CALL, Right.PUT))
        return near_read(calls, puts, at=at, rate=rate)

    return _shared(provider, "near", symbol, rate, _SHAPE, at=at, lifetime=NEAR_SECONDS, fetch=fetch)


def closes_get(provider: MarketProvider, symbol: str, *, at: datetime) -> Closes:
    """Fetch the last daily closes; of network providers at most once an hour for all processes together.

    :raises MarketError: if there are none.
    """

    def fetch() -> Closes:
        closes = daily_closes(provider.bars(symbol, "1d", CLOSES, at))
        if not closes:
            raise MarketError(MarketProblem.NO_DATA, f"no daily bars of {symbol}")
        return closes

    return _shared(provider, "closes", symbol, CLOSES, at=at, lifetime=CLOSES_SECONDS, fetch=fetch)


def _shared(
    provider: MarketProvider, kind: str, *parts: object, at: datetime, lifetime: float, fetch: Callable[[], Value]
) -> Value:
    """Share what a network market says between processes; one that is computed answers faster than any cache."""
    if isinstance(provider, MarketGateway):
        return fetch_once(kind, *parts, at=at, lifetime=lifetime, fetch=fetch)
    return fetch()
