"""The market of somebody who configured none: it never answers, and never guesses."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

from optionsengine.core.enums import Right
from optionsengine.core.values import OptionContract
from optionsengine.market.data import Bar, MarketError, OptionChain, OptionQuote, Quote, Timeframe
from optionsengine.market.enums import MarketProblem


class NullProvider:
    name = "null"
    settles_after = timedelta(0)

    def quote(self, symbol: str, at: datetime) -> Quote:
        raise self._no_provider()

    def quotes(self, symbols: Iterable[str], at: datetime) -> Mapping[str, Quote]:
        raise self._no_provider()

    def bars(self, symbol: str, timeframe: Timeframe, limit: int, at: datetime) -> tuple[Bar, ...]:
        raise self._no_provider()

    def chain(self, symbol: str, at: datetime, min_dte: float, max_dte: float, right: Right) -> OptionChain:
        raise self._no_provider()

    def option_quotes(self, contracts: Iterable[OptionContract], at: datetime) -> Mapping[OptionContract, OptionQuote]:
        raise self._no_provider()

    def official_close(self, symbol: str, day: date) -> Decimal:
        raise self._no_provider()

    @staticmethod
    def _no_provider() -> MarketError:
        return MarketError(
            MarketProblem.NO_PROVIDER,
            "nobody is asked for prices; set the keys of a provider, and look at manage.py check_providers",
        )
