"""Alpaca: stock quotes and bars, option chains with Greeks, option quotes. https://docs.alpaca.markets/reference

Prices come from the market data API, the list of contracts and their open interest from the trading API.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote as quoted

from optionsengine.core.enums import Right
from optionsengine.core.values import MULTIPLIER, OptionContract
from optionsengine.market import calendar
from optionsengine.market.data import Bar, OptionChain, OptionQuote, Quote, Timeframe
from optionsengine.market.enums import ProviderFault
from optionsengine.market.patience import patience
from optionsengine.market.providers.base import SETTLES_AFTER
from optionsengine.market.providers.fields import (
    Book,
    Greeks,
    Unreadable,
    bar,
    count,
    expires_within,
    expiry_days,
    moment,
    number,
    part,
    rows,
    stock_quote,
    symbol_check,
)
from optionsengine.market.providers.http import HttpSource, RateHeaders, RateNote, Timeouts
from optionsengine.market.providers.session_bars import ASKED_MINUTES, day_bars, first_session, session_bars

logger = logging.getLogger(__name__)

_SNAPSHOTS = "/v1beta1/options/snapshots"
_TYPES = {Right.CALL: "call", Right.PUT: "put"}
_SYMBOLS_A_CALL = 100
_PAGE = 1000
_BARS_A_PAGE = 10_000
_CONTRACTS_A_PAGE = 10_000
_MOST_PAGES = 25
_PAGES_SECONDS = 10.0
_DELAY = timedelta(minutes=16)  # the consolidated feed is free when it is older than 15 minutes


class AlpacaProvider:
    """Alpaca's market data.

    With the stock feed `iex` quotes and bars are those of one exchange, with `sip` those of all; `delayed_sip` are all
    exchanges' a quarter of an hour ago, so bars end earlier by as much. The option feed `indicative` is free, its
    quotes are derived; `opra` is the market's own.
    """

    name = "alpaca"
    settles_after = SETTLES_AFTER
    offers = frozenset({"quote", "quotes", "bars", "chain", "option_quotes", "official_close"})
    pays_by_contract = False

    def __init__(
        self,
        *,
        key: str,
        secret: str,
        data_url: str,
        trading_url: str,
        stock_feed: str,
        option_feed: str,
        timeouts: Timeouts | None = None,
        before_call: Callable[[int], None] | None = None,
        on_answer: Callable[[RateNote], None] | None = None,
    ) -> None:
        self._data_url = data_url.rstrip("/")
        self._trading_url = trading_url.rstrip("/")
        self._stock_feed = stock_feed
        self._option_feed = option_feed
        self._http = HttpSource(
            self.name,
            keys="ALPACA_API_KEY and ALPACA_SECRET_KEY",
            headers={"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret},
            secrets=(key, secret),
            rate_headers=RateHeaders("x-ratelimit-remaining", limit="x-ratelimit-limit", reset="x-ratelimit-reset"),
            timeouts=timeouts or Timeouts(),
            before_call=before_call,
            on_answer=on_answer,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def quote(self, symbol: str, at: datetime) -> Quote:
        found = self._snapshots((symbol_check(symbol),))
        if not _has_traded(found.get(symbol)):
            raise self._http.error(ProviderFault.NO_DATA, symbol)
        try:
            return self._stock_quote(symbol, found[symbol], at)
        except Unreadable as error:
            raise self._http.error(ProviderFault.GARBAGE, f"{symbol}: {error}") from None

    def quotes(self, symbols: Iterable[str], at: datetime) -> Mapping[str, Quote]:
        asked = tuple(dict.fromkeys(symbol_check(symbol) for symbol in symbols))
        quotes: dict[str, Quote] = {}
        for start in range(0, len(asked), _SYMBOLS_A_CALL):
            found = self._snapshots(asked[start : start + _SYMBOLS_A_CALL])
            for symbol in asked:
                if _has_traded(found.get(symbol)):
                    try:
                        quotes[symbol] = self._stock_quote(symbol, found[symbol], at)
                    except Unreadable as error:
                        logger.warning("%s: the quote of %s was dropped: %s", self.name, symbol, error)
        return quotes

    def bars(self, symbol: str, timeframe: Timeframe, limit: int, at: datetime) -> tuple[Bar, ...]:
        symbol_check(symbol)
        if limit <= 0:
            return ()
        known_at = at - _DELAY if self._stock_feed == "delayed_sip" else at
        start = first_session(timeframe, limit, known_at)
        name = "1Day" if timeframe == "1d" else f"{ASKED_MINUTES[timeframe]}Min"
        found = self._bars(symbol, name, start, known_at, adjustment="split")
        if timeframe == "1d":
            bars = day_bars(((calendar.new_york_day(each.at), each) for each in found), limit, known_at)
        else:
            bars = session_bars(timeframe, found, limit, known_at)
        if not bars:
            raise self._http.error(ProviderFault.NO_DATA, symbol)
        return bars

    def chain(self, symbol: str, at: datetime, min_dte: float, max_dte: float, right: Right) -> OptionChain:
        spot = self.quote(symbol, at)
        days = expiry_days(at, min_dte, max_dte)
        interest = {} if days is None else self._listed(symbol, right, days)
        interest = {
            contract: known for contract, known in interest.items() if expires_within(contract, at, min_dte, max_dte)
        }
        quotes: dict[OptionContract, OptionQuote] = {}
        if interest:
            days_listed = [contract.expiration for contract in interest]
            params = self._expiry_params(right, (min(days_listed), max(days_listed)))
            url = f"{self._data_url}{_SNAPSHOTS}/{quoted(symbol, safe='')}"
            contracts = {contract.occ_symbol: contract for contract in interest}
            quotes = self._option_quotes(url, {**params, "limit": _PAGE}, contracts, interest, at)
        newest = max((quote.at for quote in quotes.values()), default=spot.at)
        return OptionChain(symbol, spot.mid, tuple(quotes[each] for each in sorted(quotes)), newest, self.name)

    def option_quotes(self, contracts: Iterable[OptionContract], at: datetime) -> Mapping[OptionContract, OptionQuote]:
        alive = {each.occ_symbol: each for each in contracts if expires_within(each, at, 0.0, float("inf"))}
        names = list(alive)
        quotes: dict[OptionContract, OptionQuote] = {}
        for start in range(0, len(names), _SYMBOLS_A_CALL):
            asked = names[start : start + _SYMBOLS_A_CALL]
            params: dict[str, str | int] = {"symbols": ",".join(asked), "limit": _PAGE}
            quotes |= self._option_quotes(f"{self._data_url}{_SNAPSHOTS}", params, alive, {}, at)
        return quotes

    def official_close(self, symbol: str, day: date) -> Decimal:
        """Return the session's close on all exchanges, not adjusted for later splits.

        It is asked for later than a quarter of an hour after the close, when every plan may have it.
        """
        symbol_check(symbol)
        session = day if calendar.is_session(day) else calendar.previous_session(day)
        close_at = calendar.session_bounds(session)[1]
        for found in self._bars(symbol, "1Day", session, close_at, adjustment="raw", feed="sip"):
            if calendar.new_york_day(found.at) == session:
                return found.close
        raise self._http.error(ProviderFault.NO_DATA, f"{symbol} on {session}")

    def _snapshots(self, symbols: tuple[str, ...]) -> Mapping[str, Any]:
        params = {"symbols": ",".join(symbols), "feed": self._stock_feed}
        return self._http.get(f"{self._data_url}/v2/stocks/snapshots", params).body

    def _stock_quote(self, symbol: str, snapshot: Mapping[str, object], at: datetime) -> Quote:
        trade = part(snapshot, "latestTrade")
        traded_at = moment(trade.get("t"), "trade time", at)
        if snapshot.get("latestQuote") is None:
            return stock_quote(symbol, None, None, trade.get("p"), traded_at, self.name)
        book = part(snapshot, "latestQuote")
        quoted_at = moment(book.get("t"), "quote time", at)
        return stock_quote(symbol, book.get("bp"), book.get("ap"), trade.get("p"), quoted_at, self.name)

    def _bars(
        self, symbol: str, timeframe: str, start: date, end: datetime, *, adjustment: str, feed: str = ""
    ) -> list[Bar]:
        params: dict[str, str | int] = {
            "symbols": symbol,
            "timeframe": timeframe,
            "start": f"{start}T00:00:00Z",
            "end": end.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "limit": _BARS_A_PAGE,
            "adjustment": adjustment,
            "feed": feed or ("sip" if self._stock_feed == "delayed_sip" else self._stock_feed),
            "sort": "asc",
        }
        found: list[Bar] = []
        try:
            for page in self._pages(f"{self._data_url}/v2/stocks/bars", params):
                # a symbol without a trade in the whole span is left out
                found += [self._bar(row, end) for row in rows({symbol: [], **part(page, "bars")}, symbol)]
        except Unreadable as error:
            raise self._http.error(ProviderFault.GARBAGE, f"{symbol}: {error}") from None
        return found

    def _bar(self, row: object, at: datetime) -> Bar:
        if not isinstance(row, dict):
            raise Unreadable("a bar is not an object")
        prices = (row.get(name) for name in ("o", "h", "l", "c"))
        return bar(self.name, moment(row.get("t"), "bar time", at), prices, row.get("v"))

    def _expiry_params(self, right: Right, days: tuple[date, date]) -> dict[str, str | int]:
        return {
            "type": _TYPES[right],
            "expiration_date_gte": days[0].isoformat(),
            "expiration_date_lte": days[1].isoformat(),
        }

    def _listed(self, symbol: str, right: Right, days: tuple[date, date]) -> dict[OptionContract, int | None]:
        """Return the contracts that are listed, with their open interest where it is known."""
        params = {
            **self._expiry_params(right, days),
            "underlying_symbols": symbol,
            "status": "active",
            "limit": _CONTRACTS_A_PAGE,
        }
        found: dict[OptionContract, int | None] = {}
        dropped = 0
        for page in self._pages(f"{self._trading_url}/v2/options/contracts", params):
            try:
                contracts = rows(page, "option_contracts")
            except Unreadable as error:
                raise self._http.error(ProviderFault.GARBAGE, str(error)) from None
            for row in contracts:
                try:
                    known = _contract(row, symbol, right)
                except (Unreadable, ValueError):
                    dropped += 1
                    continue
                if known is not None:
                    found[known[0]] = known[1]
        self._tell_dropped(dropped, "contracts")
        return found

    def _option_quotes(
        self,
        url: str,
        params: Mapping[str, str | int],
        contracts: Mapping[str, OptionContract],
        interest: Mapping[OptionContract, int | None],
        at: datetime,
    ) -> dict[OptionContract, OptionQuote]:
        """Read all pages of snapshots; of contracts that nobody quotes yet there is no snapshot."""
        quotes: dict[OptionContract, OptionQuote] = {}
        dropped = 0
        for page in self._pages(url, {**params, "feed": self._option_feed}):
            try:
                snapshots = part(page, "snapshots")
            except Unreadable as error:
                raise self._http.error(ProviderFault.GARBAGE, str(error)) from None
            for name in snapshots.keys() & contracts.keys():
                contract = contracts[name]
                try:
                    quotes[contract] = self._option_quote(contract, part(snapshots, name), interest.get(contract), at)
                except Unreadable:
                    dropped += 1
        self._tell_dropped(dropped, "option quotes")
        return quotes

    def _option_quote(
        self, contract: OptionContract, snapshot: Mapping[str, object], interest: int | None, at: datetime
    ) -> OptionQuote:
        book = part(snapshot, "latestQuote")
        quoted_at = moment(book.get("t"), "quote time", at)
        values, day = snapshot.get("greeks"), snapshot.get("dailyBar")
        greeks = Greeks.read(
            contract.right, snapshot.get("impliedVolatility"), values if isinstance(values, dict) else {}
        )
        volume = _volume_of(day, at) if isinstance(day, dict) else None
        sides = Book(book.get("bp"), book.get("ap"), book.get("bs"), book.get("as"), interest, volume)
        return sides.option_quote(contract, greeks, quoted_at, self.name)

    def _pages(self, url: str, params: Mapping[str, str | int]) -> list[Mapping[str, object]]:
        """Ask for one page after the other; all together within ten seconds."""
        pages: list[Mapping[str, object]] = []
        tokens: set[str] = set()
        token = ""
        with patience(_PAGES_SECONDS):
            while len(pages) < _MOST_PAGES:
                body = self._http.get(url, {**params, "page_token": token} if token else params).body
                pages.append(body)
                following = body.get("next_page_token")
                if not following:
                    return pages
                if not isinstance(following, str) or following in tokens:
                    break
                tokens.add(following)
                token = following
        raise self._http.error(ProviderFault.GARBAGE, "pages without an end")

    def _tell_dropped(self, dropped: int, what: str) -> None:
        if dropped:
            logger.warning("%s: %d %s could not be read and were dropped", self.name, dropped, what)


def _has_traded(snapshot: object) -> bool:
    """Tell whether the feed has ever seen a trade; of other symbols it has null, {}, or nothing."""
    return isinstance(snapshot, dict) and snapshot.get("latestTrade") is not None


def _contract(row: object, symbol: str, right: Right) -> tuple[OptionContract, int | None] | None:
    """Return a contract with its open interest; None for one that was adjusted or may not be traded.

    :raises ValueError: if it cannot be read.
    """
    if not isinstance(row, dict):
        raise Unreadable("a contract is not an object")
    standard = row.get("root_symbol") == symbol.replace(".", "") and number(row.get("size"), "size") == MULTIPLIER
    if not standard or row.get("tradable") is not True:
        return None
    contract = OptionContract.from_occ(str(row.get("symbol")), symbol)
    told = (row.get("expiration_date"), number(row.get("strike_price"), "strike"), row.get("type"))
    if told != (contract.expiration.isoformat(), contract.strike, _TYPES[right]):
        raise Unreadable("a contract contradicts its own symbol")
    return contract, count(row.get("open_interest"), "open interest")


def _volume_of(day: Mapping[str, object], at: datetime) -> object:
    """The contracts traded in the latest session; an older day's bar says nothing of it."""
    opened_at = moment(day.get("t"), "day", at)
    return day.get("v") if calendar.new_york_day(opened_at) == calendar.last_session(at) else None
