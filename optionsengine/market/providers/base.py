"""What every market data provider does."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Protocol

from optionsengine.core.enums import Right
from optionsengine.core.values import OptionContract
from optionsengine.market.data import Bar, OptionChain, OptionQuote, Quote, Timeframe

SETTLES_AFTER = timedelta(minutes=20)  # the closing auction has printed, and history is free on every plan


class MarketProvider(Protocol):
    """One source of prices. Nothing it returns was unknown at `at`; no price is invented to fill a hole.

    Every method raises `MarketError` when it has no answer.
    """

    name: str
    settles_after: timedelta  # from a session's close until its official price is known

    def quote(self, symbol: str, at: datetime) -> Quote:
        """Return the best bid and offer; outside the session the last one there was, with its own time."""
        ...

    def quotes(self, symbols: Iterable[str], at: datetime) -> Mapping[str, Quote]:
        """Return the quotes of those symbols that the provider knows, in as few calls as it can."""
        ...

    def bars(self, symbol: str, timeframe: Timeframe, limit: int, at: datetime) -> tuple[Bar, ...]:
        """Return the last `limit` bars that have ended by `at`, oldest first; fewer if there are no more."""
        ...

    def chain(self, symbol: str, at: datetime, min_dte: float, max_dte: float, right: Right) -> OptionChain:
        """Return the listed contracts of one right whose days to expiry lie within the bounds, by expiry and strike."""
        ...

    def option_quotes(self, contracts: Iterable[OptionContract], at: datetime) -> Mapping[OptionContract, OptionQuote]:
        """Return the quotes of those contracts that are listed; one that is not (or has expired) is absent."""
        ...

    def official_close(self, symbol: str, day: date) -> Decimal:
        """Return the closing price of the last session on or before `day`, which options expiring then settle on."""
        ...


class NetworkProvider(MarketProvider, Protocol):
    """A provider that is asked over the network. `offers` names the methods of the protocol that it has data for.

    One that `pays_by_contract` is not asked for long chains: what its plan allows is spent on what a decision needs.
    """

    offers: frozenset[str]
    pays_by_contract: bool
