"""MarketData.app: stock quotes, option chains and option quotes. https://www.marketdata.app/docs/api

Answers are columns: one array per field. Stock quotes are a quarter of an hour old, and say so.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from urllib.parse import quote as quoted

from optionsengine.core.enums import Right
from optionsengine.core.values import OptionContract
from optionsengine.market.data import Bar, MarketError, OptionChain, OptionQuote, Quote, Timeframe
from optionsengine.market.enums import ProviderFault
from optionsengine.market.patience import patience
from optionsengine.market.providers.base import SETTLES_AFTER
from optionsengine.market.providers.fields import (
    Book,
    Greeks,
    Unreadable,
    expires_within,
    expiry_days,
    moment,
    rows,
    side,
    stock_quote,
    symbol_check,
    unsupported,
)
from optionsengine.market.providers.http import HttpSource, ProviderError, RateHeaders, RateNote, Timeouts

logger = logging.getLogger(__name__)

_SIDES = {Right.CALL: "call", Right.PUT: "put"}
_SYMBOLS_A_CALL = 100
_CONTRACTS_SECONDS = 10.0
_STOCK_FIELDS = ("symbol", "bid", "ask", "last", "updated")
_OPTION_FIELDS = (
    "optionSymbol",
    "bid",
    "ask",
    "bidSize",
    "askSize",
    "openInterest",
    "volume",
    "updated",
    "underlyingPrice",
    "iv",
    "delta",
    "gamma",
    "theta",
    "vega",
)
_GREEKS = frozenset({"iv", "delta", "gamma", "theta", "vega"})

Row = Mapping[str, object]


class MarketDataProvider:
    """MarketData.app's quotes; each contract of a chain costs a credit."""

    name = "marketdata"
    settles_after = SETTLES_AFTER
    offers = frozenset({"quote", "quotes", "chain", "option_quotes"})
    pays_by_contract = True

    def __init__(
        self,
        *,
        key: str,
        url: str,
        timeouts: Timeouts | None = None,
        before_call: Callable[[int], None] | None = None,
        on_answer: Callable[[RateNote], None] | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._http = HttpSource(
            self.name,
            keys="MARKETDATA_API_KEY",
            headers={"Authorization": f"Bearer {key}"},
            secrets=(key,),
            rate_headers=RateHeaders(
                "x-api-ratelimit-remaining", limit="x-api-ratelimit-limit", reset="x-api-ratelimit-reset"
            ),
            timeouts=timeouts or Timeouts(),
            before_call=before_call,
            on_answer=on_answer,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def quote(self, symbol: str, at: datetime) -> Quote:
        found = self._rows(f"stocks/quotes/{quoted(symbol_check(symbol), safe='')}/", {}, _STOCK_FIELDS)
        try:
            for row in found:
                if row["symbol"] == symbol:
                    return self._stock_quote(symbol, row, at)
        except Unreadable as error:
            raise self._http.error(ProviderFault.GARBAGE, f"{symbol}: {error}") from None
        raise self._http.error(ProviderFault.NO_DATA, symbol)

    def quotes(self, symbols: Iterable[str], at: datetime) -> Mapping[str, Quote]:
        asked = tuple(dict.fromkeys(symbol_check(symbol) for symbol in symbols))
        quotes: dict[str, Quote] = {}
        for start in range(0, len(asked), _SYMBOLS_A_CALL):
            names = asked[start : start + _SYMBOLS_A_CALL]
            for row in self._known_rows("stocks/quotes/", {"symbols": ",".join(names)}, _STOCK_FIELDS):
                symbol = str(row["symbol"])
                if symbol in names:
                    try:
                        quotes[symbol] = self._stock_quote(symbol, row, at)
                    except Unreadable as error:
                        logger.warning("%s: the quote of %s was dropped: %s", self.name, symbol, error)
        return quotes

    def bars(self, symbol: str, timeframe: Timeframe, limit: int, at: datetime) -> tuple[Bar, ...]:
        raise unsupported(self.name, "bars here")

    def chain(self, symbol: str, at: datetime, min_dte: float, max_dte: float, right: Right) -> OptionChain:
        """Return the chain; `spot` is the newest price of the underlying that its quotes were made against."""
        symbol_check(symbol)
        days = expiry_days(at, min_dte, max_dte)
        found: list[Row] = []
        if days is not None:
            # whether the last day is part of the span depends on the plan; what is too much is left out below
            until = days[1] + timedelta(days=1)
            params = {"from": days[0].isoformat(), "to": until.isoformat(), "side": _SIDES[right]}
            found = self._known_rows(f"options/chain/{quoted(symbol, safe='')}/", params, _OPTION_FIELDS)
        quotes: list[OptionQuote] = []
        spot: tuple[datetime, Decimal] | None = None
        dropped = 0
        for row in found:
            try:
                contract = OptionContract.from_occ(str(row["optionSymbol"]), symbol)
            except ValueError:
                continue  # adjusted by a corporate action
            if contract.right != right or not expires_within(contract, at, min_dte, max_dte):
                continue
            try:
                quote = self._option_quote(contract, row, at)
                underlying = side(row["underlyingPrice"], "underlyingPrice")
            except Unreadable:
                dropped += 1
                continue
            quotes.append(quote)
            if underlying and (spot is None or quote.at >= spot[0]):
                spot = (quote.at, underlying)
        if dropped:
            logger.warning("%s: %d option quotes could not be read and were dropped", self.name, dropped)
        if dropped and not quotes:
            raise self._http.error(ProviderFault.GARBAGE, f"no contract of {symbol} can be read")
        if spot is None:
            stock = self.quote(symbol, at)
            spot = (stock.at, stock.last)
        ordered = tuple(sorted(quotes, key=lambda quote: quote.contract))
        return OptionChain(symbol, spot[1], ordered, spot[0], self.name)

    def option_quotes(self, contracts: Iterable[OptionContract], at: datetime) -> Mapping[OptionContract, OptionQuote]:
        """Return the quotes, one question for each contract, all within ten seconds."""
        quotes: dict[OptionContract, OptionQuote] = {}
        with patience(_CONTRACTS_SECONDS):
            for contract in dict.fromkeys(contracts):
                if not expires_within(contract, at, 0.0, float("inf")):
                    continue
                try:
                    asked = self._known_rows(f"options/quotes/{contract.occ_symbol}/", {}, _OPTION_FIELDS)
                except MarketError as error:
                    if not quotes:
                        raise
                    # what has been paid for is kept
                    logger.warning("%s: asked for some contracts only: %s", self.name, error.message)
                    break
                for row in asked:
                    try:
                        quotes[contract] = self._option_quote(contract, row, at)
                    except Unreadable as error:
                        logger.warning("%s: the quote of %s was dropped: %s", self.name, contract.symbol, error)
        return quotes

    def official_close(self, symbol: str, day: date) -> Decimal:
        raise unsupported(self.name, "official closes here")

    def _stock_quote(self, symbol: str, row: Row, at: datetime) -> Quote:
        quoted_at = moment(row["updated"], "updated", at)
        return stock_quote(symbol, row["bid"], row["ask"], row["last"], quoted_at, self.name)

    def _option_quote(self, contract: OptionContract, row: Row, at: datetime) -> OptionQuote:
        if row["optionSymbol"] != contract.occ_symbol:
            raise Unreadable("the answer is about another contract")
        quoted_at = moment(row["updated"], "updated", at)
        sides = Book(row["bid"], row["ask"], row["bidSize"], row["askSize"], row["openInterest"], row["volume"])
        return sides.option_quote(contract, Greeks.read(contract.right, row["iv"], row), quoted_at, self.name)

    def _known_rows(self, path: str, params: Mapping[str, str], fields: tuple[str, ...]) -> list[Row]:
        """Return the rows, none if the provider says that it has none."""
        try:
            return self._rows(path, params, fields)
        except ProviderError as error:
            if error.kind == ProviderFault.NO_DATA:
                return []
            raise

    def _rows(self, path: str, params: Mapping[str, str], fields: tuple[str, ...]) -> list[Row]:
        body = self._http.get(f"{self._url}/v1/{path}", params).body
        said = body.get("s")
        if said == "no_data":
            raise self._http.error(ProviderFault.NO_DATA)
        if said != "ok":
            message = body.get("errmsg")
            raise self._http.error(ProviderFault.GARBAGE, message if isinstance(message, str) else "no status")
        try:
            return list(_transposed(body, fields))
        except Unreadable as error:
            raise self._http.error(ProviderFault.GARBAGE, str(error)) from None


def _transposed(body: Row, fields: tuple[str, ...]) -> Iterator[Row]:
    """Turn columns into rows. Greeks may be left out as a whole.

    :raises Unreadable: if another column is missing or they differ in length.
    """
    columns = [rows(body, name) for name in fields if name in body or name not in _GREEKS]
    names = [name for name in fields if name in body or name not in _GREEKS]
    if len({len(column) for column in columns}) != 1:
        raise Unreadable("columns of different lengths")
    absent = dict.fromkeys(_GREEKS)
    for values in zip(*columns, strict=True):
        yield {**absent, **dict(zip(names, values, strict=True))}
