"""The configured providers as one: asked in their order, within their limits, and believed only as far as they may be.

A provider whose answer is missing, broken, too old or crossed is passed over for the next. Where none has a better one,
what is known is returned with its own time and source, and whoever would trade on it refuses it by that.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar

from django.core.cache import caches

from optionsengine.core.enums import Right
from optionsengine.core.values import OptionContract
from optionsengine.market import calendar
from optionsengine.market.asking import Source, source_ask, sources_ask
from optionsengine.market.belief import QuoteBelief, chain_fault
from optionsengine.market.computed import greeks_fill
from optionsengine.market.data import Bar, MarketError, OptionChain, OptionQuote, Quote, Timeframe
from optionsengine.market.enums import MarketProblem, QuoteProblem
from optionsengine.market.providers.base import SETTLES_AFTER, NetworkProvider
from optionsengine.market.rules import quote_problem
from optionsengine.market.services import bars_store
from optionsengine.market.single_flight import CACHE, fetch_once

QUOTE_SECONDS = 30.0
BARS_SECONDS = 60.0
OPTION_SECONDS = 30.0
CHAIN_SECONDS = 60.0
CLOSE_SECONDS = 3600.0
LAST_GOOD_SECONDS = 3600  # after it a price may be anything: an overnight gap is no broken quote

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Trust:
    """How far an answer is believed: `jump_percent` from the last good price, `rate` for the Greeks we work out."""

    max_age_seconds: int
    jump_percent: Decimal
    rate: float


class MarketGateway:
    """Several providers behind the protocol of one, with answers shared by all processes for a short while."""

    name = "gateway"
    settles_after = SETTLES_AFTER

    def __init__(self, sources: Sequence[Source], trust: Trust) -> None:
        self._sources = tuple(sources)
        self._trust = trust

    def quote(self, symbol: str, at: datetime) -> Quote:
        return fetch_once(
            "quote", symbol, at=at, lifetime=QUOTE_SECONDS, fetch=lambda: self._fetch_quotes((symbol,), at)[symbol]
        )

    def quotes(self, symbols: Iterable[str], at: datetime) -> Mapping[str, Quote]:
        asked = tuple(sorted(set(symbols)))
        if not asked:
            return {}
        return fetch_once("quotes", *asked, at=at, lifetime=QUOTE_SECONDS, fetch=lambda: self._fetch_quotes(asked, at))

    def bars(self, symbol: str, timeframe: Timeframe, limit: int, at: datetime) -> tuple[Bar, ...]:
        def fetch() -> tuple[Bar, ...]:
            bars = self._first("bars", at, lambda provider: provider.bars(symbol, timeframe, limit, at))
            bars_store(symbol=symbol, timeframe=timeframe, bars=bars, at=at)
            return bars

        return fetch_once("bars", symbol, timeframe, limit, at=at, lifetime=BARS_SECONDS, fetch=fetch)

    def chain(self, symbol: str, at: datetime, min_dte: float, max_dte: float, right: Right) -> OptionChain:
        def fetch() -> OptionChain:
            return self._chain(self._offering("chain"), symbol, at, min_dte, max_dte, right)

        return fetch_once("chain", symbol, min_dte, max_dte, right.value, at=at, lifetime=CHAIN_SECONDS, fetch=fetch)

    def near_chain(self, symbol: str, at: datetime, min_dte: float, max_dte: float, right: Right) -> OptionChain:
        """Return a long chain, from providers that do not charge for each contract; asked anew every time."""
        sources = [source for source in self._offering("chain") if not source.provider.pays_by_contract]
        return self._chain(sources, symbol, at, min_dte, max_dte, right)

    def option_quotes(self, contracts: Iterable[OptionContract], at: datetime) -> Mapping[OptionContract, OptionQuote]:
        asked = tuple(sorted(set(contracts)))
        if not asked:
            return {}
        symbols = [contract.symbol for contract in asked]
        return fetch_once(
            "options", *symbols, at=at, lifetime=OPTION_SECONDS, fetch=lambda: self._fetch_options(asked, at)
        )

    def official_close(self, symbol: str, day: date) -> Decimal:
        at = calendar.session_bounds(day if calendar.is_session(day) else calendar.previous_session(day))[1]
        return fetch_once(
            "close",
            symbol,
            day,
            at=at,
            lifetime=CLOSE_SECONDS,
            fetch=lambda: self._first("official_close", at, lambda provider: provider.official_close(symbol, day)),
        )

    def _chain(
        self, sources: list[Source], symbol: str, at: datetime, min_dte: float, max_dte: float, right: Right
    ) -> OptionChain:
        known = caches[CACHE].get(_good_key(symbol))

        def believed(provider: NetworkProvider) -> OptionChain:
            chain = provider.chain(symbol, at, min_dte, max_dte, right)
            fault = chain_fault(
                chain,
                at=at,
                is_open=calendar.is_open(at),
                known=known,
                max_age_seconds=self._trust.max_age_seconds,
                jump_percent=self._trust.jump_percent,
            )
            if fault:
                raise MarketError(MarketProblem.UNAVAILABLE, f"{provider.name}: {fault}")
            return chain

        return greeks_fill(self._first("chain", at, believed, sources), at=at, rate=self._trust.rate)

    def _first(
        self, offer: str, at: datetime, ask: Callable[[NetworkProvider], Answer], sources: list[Source] | None = None
    ) -> Answer:
        """Return the first answer there is, of `sources` or of all that have what is asked for.

        :raises MarketError: `UNAVAILABLE`, with what each provider said.
        """
        said: list[str] = []
        found: list[Answer] = []

        def one(source: Source) -> bool:
            try:
                found.append(source_ask(source, ask, at=at))
            except MarketError as error:
                said.append(error.message)
                raise
            return True

        sources_ask(self._offering(offer) if sources is None else sources, one)
        if found:
            return found[0]
        raise _unavailable(offer, said)

    def _offering(self, offer: str) -> list[Source]:
        return [source for source in self._sources if offer in source.provider.offers]

    def _fetch_quotes(self, symbols: tuple[str, ...], at: datetime) -> dict[str, Quote]:
        """Return the quotes of all symbols that any provider knows.

        :raises MarketError: if there is none at all.
        """
        cache = caches[CACHE]
        keys = {_good_key(symbol): symbol for symbol in symbols}
        belief = QuoteBelief(
            symbols,
            known={keys[key]: price for key, price in cache.get_many(list(keys)).items()},
            at=at,
            is_open=calendar.is_open(at),
            max_age_seconds=self._trust.max_age_seconds,
            jump_percent=self._trust.jump_percent,
        )

        def one(source: Source) -> bool:
            missing = belief.missing
            try:
                belief.hear(source.name, source_ask(source, lambda provider: provider.quotes(missing, at), at=at))
            except MarketError as error:
                belief.said.append(error.message)
                raise
            return not belief.missing

        sources_ask(self._offering("quotes"), one)
        if calendar.is_open(at):  # yesterday's price says nothing against today's
            cache.set_many({_good_key(symbol): quote.mid for symbol, quote in belief.good.items()}, LAST_GOOD_SECONDS)
        found = belief.result()
        if found:
            return found
        if belief.has_jumped:
            raise MarketError(MarketProblem.PRICE_JUMP, "; ".join(belief.said))
        raise _unavailable("quotes", belief.said)

    def _fetch_options(self, contracts: tuple[OptionContract, ...], at: datetime) -> dict[OptionContract, OptionQuote]:
        """Return the quotes of all contracts that any provider lists, each from the first that has a good one.

        :raises MarketError: if no provider answered.
        """
        good: dict[OptionContract, OptionQuote] = {}
        doubtful: dict[OptionContract, OptionQuote] = {}
        said: list[str] = []
        has_answer = False

        def one(source: Source) -> bool:
            nonlocal has_answer
            missing = [contract for contract in contracts if contract not in good]
            try:
                found = source_ask(source, lambda provider: provider.option_quotes(missing, at), at=at)
            except MarketError as error:
                said.append(error.message)
                raise
            has_answer = True
            for contract, quote in found.items():
                problem = quote_problem(quote.bid, quote.ask, quote.at, at, self._trust.max_age_seconds)
                if problem is None:
                    good[contract] = quote
                elif problem != QuoteProblem.NOT_FINITE:
                    doubtful.setdefault(contract, quote)
            return len(good) == len(contracts)

        sources_ask(self._offering("option_quotes"), one)
        if not has_answer:
            raise _unavailable("option quotes", said)
        return doubtful | good


def _good_key(symbol: str) -> str:
    return f"good:{symbol}"


def _unavailable(what: str, said: Sequence[str]) -> MarketError:
    told = "; ".join(said) or "no provider has any; check the symbol, and manage.py check_providers"
    return MarketError(MarketProblem.UNAVAILABLE, f"no {what.replace('_', ' ')}: {told}")
