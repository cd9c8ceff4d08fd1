"""Which of several providers' quotes is believed. Pure."""

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal

from optionsengine.market.data import OptionChain, Quote
from optionsengine.market.enums import QuoteProblem
from optionsengine.market.rules import is_jump, price_problem, quote_problem


def chain_fault(
    chain: OptionChain,
    *,
    at: datetime,
    is_open: bool,
    known: Decimal | None,
    max_age_seconds: int,
    jump_percent: Decimal,
) -> str:
    """Return what speaks against a chain; empty if nothing does. `known` is the last good price of its underlying.

    While the market is open one of its contracts must have a fresh two-sided quote; a chain that lists nothing is none.
    """
    if not chain.quotes:
        return f"it lists no contract of {chain.underlying} within these days"
    if known is not None and is_jump(known, chain.spot, jump_percent):
        return f"its {chain.underlying} at {chain.spot} is more than {jump_percent} % from {known}, the last good price"
    if is_open and not any(
        quote_problem(quote.bid, quote.ask, quote.at, at, max_age_seconds) is None for quote in chain.quotes
    ):
        return f"no contract of {chain.underlying} has a fresh two-sided quote"
    return ""


class QuoteBelief:
    """Hears the quotes of one provider after the other and believes the first good one of each symbol.

    A price further than `jump_percent` from the last good one is believed when a second provider has it too. One that
    is old or crossed is kept for whoever has no better one, since it says so itself; one that jumped alone is not.
    `said` are the reasons against what was not believed at once. While the market is closed, no price is too old.
    """

    def __init__(
        self,
        symbols: Collection[str],
        *,
        known: Mapping[str, Decimal],
        at: datetime,
        is_open: bool,
        max_age_seconds: int,
        jump_percent: Decimal,
    ) -> None:
        self._symbols = tuple(symbols)
        self._known = known
        self._at = at
        self._is_open = is_open
        self._max_age_seconds = max_age_seconds
        self._jump_percent = jump_percent
        self._doubtful: dict[str, Quote] = {}
        self._jumped: dict[str, Quote] = {}
        self.good: dict[str, Quote] = {}
        self.said: list[str] = []

    @property
    def missing(self) -> tuple[str, ...]:
        """The symbols that have no good quote yet."""
        return tuple(symbol for symbol in self._symbols if symbol not in self.good)

    @property
    def has_jumped(self) -> bool:
        """Whether a price lies too far from the last good one and nobody has confirmed it."""
        return any(symbol not in self.good for symbol in self._jumped)

    def hear(self, provider: str, quotes: Mapping[str, Quote]) -> None:
        """Judge what one provider says."""
        for symbol, quote in quotes.items():
            problem = price_problem(quote, self._at, self._max_age_seconds)
            if problem is not None and (self._is_open or problem != QuoteProblem.STALE):
                if problem != QuoteProblem.NOT_FINITE:
                    self._doubtful.setdefault(symbol, quote)
                self.said.append(f"{provider}: the quote of {symbol} is {problem.value.replace('_', ' ')}")
            else:
                self._hear_price(provider, symbol, quote)

    def _hear_price(self, provider: str, symbol: str, quote: Quote) -> None:
        known, jumped = self._known.get(symbol), self._jumped.get(symbol)
        if known is None or not is_jump(known, quote.mid, self._jump_percent):
            self.good[symbol] = quote
        elif jumped is not None and not is_jump(jumped.mid, quote.mid, self._jump_percent):
            self.good[symbol] = jumped
        else:
            self._jumped.setdefault(symbol, quote)
            self.said.append(
                f"{provider}: {symbol} at {quote.mid} is more than {self._jump_percent} % from {known}, the last good "
                "price, and no second provider confirms it"
            )

    def result(self) -> dict[str, Quote]:
        """Return the quote of every symbol that has one, a doubtful one where there is no good one."""
        doubtful = {symbol: quote for symbol, quote in self._doubtful.items() if symbol not in self._jumped}
        return doubtful | self.good
