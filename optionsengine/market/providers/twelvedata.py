"""Twelve Data: last prices of stocks, and bars. https://twelvedata.com/docs

It tells no bid and ask and has no options. An error comes with its code in the body, whatever the HTTP status.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from optionsengine.core.enums import Right
from optionsengine.core.values import OptionContract
from optionsengine.market import calendar
from optionsengine.market.data import Bar, OptionChain, OptionQuote, Quote, Timeframe
from optionsengine.market.enums import ProviderFault
from optionsengine.market.providers.base import SETTLES_AFTER
from optionsengine.market.providers.fields import (
    Unreadable,
    bar,
    moment,
    part,
    rows,
    stock_quote,
    symbol_check,
    unsupported,
)
from optionsengine.market.providers.http import Answer, HttpSource, ProviderError, RateHeaders, RateNote, Timeouts
from optionsengine.market.providers.session_bars import ASKED_MINUTES, day_bars, first_session, session_bars

logger = logging.getLogger(__name__)

# a ticker is listed in many countries, in as many currencies
_LISTING: dict[str, str | int] = {"country": "United States"}
_CURRENCY = "USD"
_SYMBOLS_A_CALL = 100
_MOST_ROWS = 5000
_NOTHING = "No data is available"  # comes with the code of a wrong question
_DATE = len("2026-02-18")


class TwelveDataProvider:
    """Twelve Data's last prices and bars; each symbol asked for costs a credit."""

    name = "twelvedata"
    settles_after = SETTLES_AFTER
    offers = frozenset({"quote", "quotes", "bars", "official_close"})
    pays_by_contract = False

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
            keys="TWELVE_DATA_API_KEY",
            headers={"Authorization": f"apikey {key}"},
            secrets=(key,),
            rate_headers=RateHeaders("api-credits-left", used="api-credits-used"),
            timeouts=timeouts or Timeouts(),
            wait=_wait,
            before_call=before_call,
            on_answer=on_answer,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def quote(self, symbol: str, at: datetime) -> Quote:
        answer = self._ask("quote", {"symbol": symbol_check(symbol)})
        try:
            return self._quote(symbol, answer.body, at)
        except Unreadable as error:
            raise self._http.error(ProviderFault.GARBAGE, f"{symbol}: {error}") from None

    def quotes(self, symbols: Iterable[str], at: datetime) -> Mapping[str, Quote]:
        """Return the quotes of those symbols that are known, of as many as there are credits for."""
        asked = tuple(dict.fromkeys(symbol_check(symbol) for symbol in symbols))[:_SYMBOLS_A_CALL]
        if not asked:
            return {}
        asked = asked[: self._http.permitted(len(asked))]
        quotes: dict[str, Quote] = {}
        for symbol, body in self._batch(asked).items():
            try:
                quotes[symbol] = self._quote(symbol, body, at)
            except Unreadable as error:
                logger.warning("%s: the quote of %s was dropped: %s", self.name, symbol, error)
        return quotes

    def bars(self, symbol: str, timeframe: Timeframe, limit: int, at: datetime) -> tuple[Bar, ...]:
        symbol_check(symbol)
        if limit <= 0:
            return ()
        start = first_session(timeframe, limit, at)
        if timeframe == "1d":
            found = self._series(symbol, "1day", start, at, {})
            bars = day_bars(((each.at.date(), each) for each in found), limit, at)
        else:
            found = self._series(symbol, f"{ASKED_MINUTES[timeframe]}min", start, at, {})
            bars = session_bars(timeframe, found, limit, at)
        if not bars:
            raise self._http.error(ProviderFault.NO_DATA, symbol)
        return bars

    def chain(self, symbol: str, at: datetime, min_dte: float, max_dte: float, right: Right) -> OptionChain:
        raise unsupported(self.name, "options")

    def option_quotes(self, contracts: Iterable[OptionContract], at: datetime) -> Mapping[OptionContract, OptionQuote]:
        raise unsupported(self.name, "options")

    def official_close(self, symbol: str, day: date) -> Decimal:
        """Return the session's close, not adjusted for later splits."""
        symbol_check(symbol)
        session = day if calendar.is_session(day) else calendar.previous_session(day)
        close_at = calendar.session_bounds(session)[1]
        for found in self._series(symbol, "1day", session, close_at, {"adjust": "none"}):
            if found.at.date() == session:
                return found.close
        raise self._http.error(ProviderFault.NO_DATA, f"{symbol} on {session}")

    def _batch(self, symbols: tuple[str, ...]) -> dict[str, Mapping[str, Any]]:
        """Return what is said of each known symbol; of a single one the answer is not keyed by symbol."""
        try:
            answer = self._ask("quote", {"symbol": ",".join(symbols)}, has_leave=True)
        except ProviderError as error:
            if error.kind == ProviderFault.NO_DATA:
                return {}
            raise
        found: dict[str, Any] = {symbols[0]: answer.body} if len(symbols) == 1 else answer.body
        known: dict[str, Mapping[str, Any]] = {}
        for symbol in symbols:
            body = found.get(symbol)
            if isinstance(body, dict):
                error_found = self._error_in(body, answer)
                if error_found is None:
                    known[symbol] = body
                elif error_found.kind not in (ProviderFault.NO_DATA, ProviderFault.REJECTED):
                    raise error_found
        return known

    def _quote(self, symbol: str, body: Mapping[str, Any], at: datetime) -> Quote:
        if body.get("symbol") != symbol or body.get("currency", _CURRENCY) != _CURRENCY:
            raise Unreadable(f"this is {body.get('symbol')!r:.20} in {body.get('currency')!r:.10}")
        # the opening of the last minute that had a trade, so the price is at most a minute younger than it says
        said = body.get("last_quote_at")
        quoted_at = moment(body.get("timestamp") if said is None else said, "timestamp", at)
        return stock_quote(symbol, None, None, body.get("close"), quoted_at, self.name)

    def _series(
        self, symbol: str, interval: str, start: date, end: datetime, more: Mapping[str, str | int]
    ) -> list[Bar]:
        params: dict[str, str | int] = {
            "symbol": symbol,
            "interval": interval,
            "start_date": f"{start} 00:00:00",
            "end_date": f"{end.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
            "outputsize": _MOST_ROWS,
            "timezone": "UTC",
            "order": "asc",
            **more,
        }
        body = self._ask("time_series", params).body
        try:
            told = part(body, "meta").get("currency", _CURRENCY)
            if told != _CURRENCY:
                raise Unreadable(f"prices in {told!r:.10}")
            return [self._bar(row, end) for row in rows(body, "values")]
        except Unreadable as error:
            raise self._http.error(ProviderFault.GARBAGE, f"{symbol}: {error}") from None

    def _bar(self, row: object, at: datetime) -> Bar:
        if not isinstance(row, dict):
            raise Unreadable("a bar is not an object")
        # asked for in UTC; a day's bar bears its date alone
        opened = str(row.get("datetime"))
        opened_at = moment(f"{opened}+00:00" if len(opened) > _DATE else f"{opened} 00:00:00+00:00", "datetime", at)
        prices = (row.get(name) for name in ("open", "high", "low", "close"))
        return bar(self.name, opened_at, prices, row.get("volume"))

    def _ask(self, path: str, params: Mapping[str, str | int], *, has_leave: bool = False) -> Answer:
        answer = self._http.get(f"{self._url}/{path}", {**params, **_LISTING}, has_leave=has_leave)
        error = self._error_in(answer.body, answer)
        if error is not None:
            raise error
        return answer

    def _error_in(self, body: Mapping[str, Any], answer: Answer) -> ProviderError | None:
        if body.get("status") != "error":
            return None
        code, said = body.get("code"), body.get("message")
        if not isinstance(code, int):
            return self._http.error(ProviderFault.GARBAGE, "an error without a code", status=answer.status)
        if isinstance(said, str) and said.startswith(_NOTHING):
            return self._http.error(ProviderFault.NO_DATA, said)
        return self._http.status_error(code, said if isinstance(said, str) else "", answer.sent_at)


def _wait(said: str, sent_at: datetime) -> float:
    """Credits come back with the next minute, those of the day with the next day in UTC."""
    if "for the day" in said:
        midnight = datetime.combine(sent_at.astimezone(UTC).date() + timedelta(days=1), datetime.min.time(), UTC)
        return (midnight - sent_at).total_seconds()
    return 60.0 - sent_at.second
