"""A market whose quotes a test writes: what is not written on the board does not exist."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from optionsengine.core.enums import Right
from optionsengine.core.values import OptionContract
from optionsengine.market.data import Bar, MarketError, OptionChain, OptionQuote, Quote, Timeframe
from optionsengine.market.enums import MarketProblem
from tests.factories.clock import AT

CONTRACT = OptionContract("SPY", date(2026, 3, 20), Right.CALL, Decimal(500))


def option_quote(bid="5.00", ask="5.20", *, contract=CONTRACT, at=AT, **values) -> OptionQuote:
    defaults = {
        "bid_size": 50,
        "ask_size": 50,
        "iv": 0.18,
        "delta": 0.52,
        "gamma": 0.01,
        "theta": -0.11,
        "vega": 0.4,
        "open_interest": 5000,
        "volume": 900,
        "source": "board",
    }
    return OptionQuote(contract=contract, bid=Decimal(bid), ask=Decimal(ask), at=at, **(defaults | values))


class Board:
    """Answers with what it was told, as of the moment it is asked (unless the quote was written as `stale`)."""

    name = "board"
    settles_after = timedelta(0)

    def __init__(self) -> None:
        self.options: dict[OptionContract, OptionQuote] = {}
        self.stale: set[OptionContract] = set()
        self.closes: dict[tuple[str, date], Decimal] = {}
        self.spot: Decimal | None = Decimal("500.50")
        self.is_down = False
        self.calls: list[str] = []

    def write(self, bid, ask, *, contract=CONTRACT, stale=False, **values) -> None:
        self.options[contract] = option_quote(bid, ask, contract=contract, **values)
        (self.stale.add if stale else self.stale.discard)(contract)

    def _answer(self, name: str) -> None:
        self.calls.append(name)
        if self.is_down:
            raise MarketError(MarketProblem.NO_DATA, "the board is down")

    def quote(self, symbol: str, at: datetime) -> Quote:
        self._answer("quote")
        if self.spot is None:
            raise MarketError(MarketProblem.UNKNOWN_SYMBOL, "no spot on the board")
        return Quote(symbol, self.spot, self.spot, at, self.name, self.spot)

    def quotes(self, symbols, at):
        self._answer("quotes")
        if self.spot is None:
            raise MarketError(MarketProblem.UNKNOWN_SYMBOL, "no spot on the board")
        return {symbol: Quote(symbol, self.spot, self.spot, at, self.name, self.spot) for symbol in symbols}

    def bars(self, symbol: str, timeframe: Timeframe, limit: int, at: datetime) -> tuple[Bar, ...]:
        raise MarketError(MarketProblem.NO_DATA, "the board has no bars")

    def chain(self, symbol: str, at: datetime, min_dte: float, max_dte: float, right: Right) -> OptionChain:
        raise MarketError(MarketProblem.NO_DATA, "the board has no chain")

    def option_quotes(self, contracts: Iterable[OptionContract], at: datetime) -> dict[OptionContract, OptionQuote]:
        self._answer("option_quotes")
        return {
            contract: self.options[contract] if contract in self.stale else replace(self.options[contract], at=at)
            for contract in contracts
            if contract in self.options
        }

    def official_close(self, symbol: str, day: date) -> Decimal:
        self._answer("official_close")
        if (symbol, day) not in self.closes:
            raise MarketError(MarketProblem.NO_DATA, "no close on the board")
        return self.closes[symbol, day]
