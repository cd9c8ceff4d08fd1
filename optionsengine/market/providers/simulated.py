"""A whole market made of arithmetic: stateless, and deterministic in (symbol, time, seed).

Every process that asks sees the same market, so it can be traded, replayed and demonstrated without a data feed. All
it says carries the source `simulated`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

from optionsengine.core.enums import Right
from optionsengine.core.values import OptionContract
from optionsengine.market import calendar
from optionsengine.market.data import Bar, OptionChain, OptionQuote, Quote, Timeframe
from optionsengine.market.providers import simulated_options as options
from optionsengine.market.providers import simulated_path as paths
from optionsengine.market.providers.simulated_symbols import is_symbol, profile_for


class SimulatedProvider:
    """The simulated market.

    Its days are the exchange's sessions and outside them it repeats its last quote, which is then stale; with
    `always_open` its days are UTC days, one after the other, and every quote is fresh. Options expire at the exchange's
    close either way. An option's `volume` is a full day's, so that liquidity does not depend on the hour.
    """

    name = paths.SOURCE
    settles_after = timedelta(0)

    def __init__(self, *, seed: int, always_open: bool) -> None:
        self._world = paths.World(seed, always_open)

    def quote(self, symbol: str, at: datetime) -> Quote:
        moment = self._moment(at)
        last = round(paths.price_at(self._world, symbol, moment) * 100)
        spread = profile_for(symbol).stock_spread
        bid = last - spread // 2
        return Quote(symbol, paths.dollars(bid), paths.dollars(bid + spread), moment, self.name, paths.dollars(last))

    def quotes(self, symbols: Iterable[str], at: datetime) -> Mapping[str, Quote]:
        return {symbol: self.quote(symbol, at) for symbol in dict.fromkeys(symbols) if is_symbol(symbol)}

    def bars(self, symbol: str, timeframe: Timeframe, limit: int, at: datetime) -> tuple[Bar, ...]:
        return paths.closed_bars(self._world, symbol, timeframe, limit, at)

    def chain(self, symbol: str, at: datetime, min_dte: float, max_dte: float, right: Right) -> OptionChain:
        spot = paths.to_dollars(paths.price_at(self._world, symbol, at))
        expirations = tuple(
            day for day in calendar.listed_expirations(at, symbol) if min_dte <= calendar.dte(day, at) <= max_dte
        )
        quotes: tuple[OptionQuote, ...] = ()
        if expirations:
            number = paths.span_at(self._world, at).number
            board = options.listed_board(self._world, symbol, number, right, expirations)
            quotes = options.quote_board(self._world, symbol, board, at, self.name)
        return OptionChain(symbol, spot, quotes, self._moment(at), self.name)

    def option_quotes(self, contracts: Iterable[OptionContract], at: datetime) -> Mapping[OptionContract, OptionQuote]:
        groups: dict[tuple[str, Right], list[OptionContract]] = defaultdict(list)
        for contract in dict.fromkeys(contracts):
            if self._is_listed(contract, at):
                groups[contract.underlying, contract.right].append(contract)
        found: dict[OptionContract, OptionQuote] = {}
        number = paths.span_at(self._world, at).number
        for (symbol, _), group in groups.items():
            board = options.board_of(self._world, symbol, number, group)
            quotes = options.quote_board(self._world, symbol, board, at, self.name)
            found.update((quote.contract, quote) for quote in quotes)
        return found

    def official_close(self, symbol: str, day: date) -> Decimal:
        return paths.close_of(self._world, symbol, day)

    def _moment(self, at: datetime) -> datetime:
        return min(at, paths.span_at(self._world, at).close_at)

    @staticmethod
    def _is_listed(contract: OptionContract, at: datetime) -> bool:
        """A contract stays listed until it expires, however far the price has moved since it was."""
        return (
            is_symbol(contract.underlying)
            and calendar.is_expiration(contract.expiration, contract.underlying)
            and at < calendar.expiry_at(contract.expiration)
            and options.strike_on_grid(contract.underlying, contract.strike)
        )
