"""The market as it was: prices out of the bars that were stored when they were new."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

from optionsengine.core.enums import Right
from optionsengine.core.values import OptionContract
from optionsengine.market import calendar
from optionsengine.market.data import TIMEFRAMES, Bar, MarketError, OptionChain, OptionQuote, Quote, Timeframe
from optionsengine.market.enums import MarketProblem
from optionsengine.market.models import StoredBar
from optionsengine.market.providers.fields import symbol_check, unsupported
from optionsengine.market.providers.simulated_path import FRAME_MINUTES


class ReplayProvider:
    """Stored bars as a market: it tells last prices and bars, neither bid and ask nor options.

    A bar keeps the source it was read from. A quote is the close of the bar that ended last by `at`, dated when it
    ended, so it is as old as its bar.
    """

    name = "replay"
    settles_after = timedelta(0)
    offers = frozenset({"quote", "quotes", "bars", "official_close"})

    def quote(self, symbol: str, at: datetime) -> Quote:
        symbol_check(symbol)
        newest: tuple[datetime, Bar] | None = None
        for timeframe in TIMEFRAMES:
            for bar in self._ended(symbol, timeframe, 1, at):
                ended_at = _end_of(bar.at, timeframe)
                if newest is None or ended_at > newest[0]:
                    newest = (ended_at, bar)
        if newest is None:
            raise _no_data(symbol)
        return Quote(symbol, None, None, newest[0], self.name, newest[1].close)

    def quotes(self, symbols: Iterable[str], at: datetime) -> Mapping[str, Quote]:
        asked = dict.fromkeys(symbol_check(symbol) for symbol in symbols)
        stored = set(StoredBar.objects.filter(symbol__in=asked, at__lt=at).values_list("symbol", flat=True).distinct())
        quotes: dict[str, Quote] = {}
        for symbol in asked:
            if symbol in stored:
                try:
                    quotes[symbol] = self.quote(symbol, at)
                except MarketError:
                    continue  # its first bar has not ended yet
        return quotes

    def bars(self, symbol: str, timeframe: Timeframe, limit: int, at: datetime) -> tuple[Bar, ...]:
        symbol_check(symbol)
        if limit <= 0:
            return ()
        bars = self._ended(symbol, timeframe, limit, at)
        if not bars:
            raise _no_data(symbol)
        return bars

    def chain(self, symbol: str, at: datetime, min_dte: float, max_dte: float, right: Right) -> OptionChain:
        raise unsupported(self.name, "options")

    def option_quotes(self, contracts: Iterable[OptionContract], at: datetime) -> Mapping[OptionContract, OptionQuote]:
        raise unsupported(self.name, "options")

    def official_close(self, symbol: str, day: date) -> Decimal:
        symbol_check(symbol)
        session = day if calendar.is_session(day) else calendar.previous_session(day)
        open_at = calendar.session_bounds(session)[0]
        stored = StoredBar.objects.filter(symbol=symbol, timeframe="1d", at=open_at).first()
        if stored is None:
            raise _no_data(symbol)
        close: Decimal = stored.close
        return close

    def _ended(self, symbol: str, timeframe: Timeframe, limit: int, at: datetime) -> tuple[Bar, ...]:
        series = StoredBar.objects.filter(symbol=symbol, timeframe=timeframe, at__lt=at).order_by("-at")
        # at most one bar has opened and not ended
        found = [row for row in series[: limit + 1] if _end_of(row.at, timeframe) <= at]
        return tuple(_bar(row) for row in reversed(found[:limit]))


def _end_of(opened_at: datetime, timeframe: Timeframe) -> datetime:
    """When a bar ended: the session's close cuts the last one; bars of a market that never closes go on."""
    end = opened_at + timedelta(minutes=FRAME_MINUTES[timeframe])
    day = calendar.session_of(opened_at)
    return end if day is None else min(end, calendar.session_bounds(day)[1])


def _bar(row: StoredBar) -> Bar:
    return Bar(row.at, row.open, row.high, row.low, row.close, row.volume, row.source)


def _no_data(symbol: str) -> MarketError:
    return MarketError(
        MarketProblem.NO_DATA, "no such bars are stored; run a provider for that time first", symbol=symbol
    )
