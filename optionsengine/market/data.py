"""What the market tells us, as frozen values. Prices are dollars; every value names its source and its time."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from optionsengine.core.errors import Transient
from optionsengine.core.values import OptionContract
from optionsengine.market.enums import MarketProblem

Timeframe = Literal["5m", "15m", "1h", "4h", "1d"]
TIMEFRAMES: tuple[Timeframe, ...] = ("5m", "15m", "1h", "4h", "1d")

_BASIS_POINT_OF_PERCENT = Decimal("0.0001")


class MarketError(Transient):
    """A provider has no answer for now. `message` says what to do next, `context` holds the values seen."""

    def __init__(self, code: MarketProblem, message: str, **context: Any) -> None:
        super().__init__(f"{code.value}: {message}")
        self.code = code
        self.message = message
        self.context = context


@dataclass(frozen=True, slots=True)
class Quote:
    """The best bid and offer of a stock or fund; `at` is when the market last said so, not when we asked.

    A source that tells only trades gives neither bid nor ask: such a price can be looked at and not traded on.
    """

    symbol: str
    bid: Decimal | None
    ask: Decimal | None
    at: datetime
    source: str
    last: Decimal

    @property
    def mid(self) -> Decimal:
        """Halfway between bid and ask; the last trade of a source that tells neither."""
        return self.last if self.bid is None or self.ask is None else (self.bid + self.ask) / 2


@dataclass(frozen=True, slots=True)
class Bar:
    """Prices over one interval that has ended; `at` is the interval's opening."""

    at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int
    source: str


@dataclass(frozen=True, slots=True)
class OptionQuote:
    """One listed contract's market; what its source does not say is None, but a side that nobody quotes is zero.

    `iv` is annual, as a fraction (0.2 is 20 %); `delta` is negative for puts; `theta` is dollars per share and calendar
    day (negative); `vega` is dollars per share and volatility point; sizes, volume and interest are contracts.
    `greeks_source` names who worked out `iv` and the Greeks: the source itself, or `computed` for our own pricing.
    """

    contract: OptionContract
    bid: Decimal
    ask: Decimal
    bid_size: int | None
    ask_size: int | None
    iv: float | None
    delta: float | None
    gamma: float | None
    theta: float | None
    vega: float | None
    open_interest: int | None
    volume: int | None
    at: datetime
    source: str
    greeks_source: str = ""

    @property
    def mid(self) -> Decimal:
        """Halfway between bid and ask."""
        return (self.bid + self.ask) / 2

    @property
    def spread_percent(self) -> Decimal:
        """The spread in percent of mid, to four places; 100 when mid is zero."""
        if self.mid == 0:
            return Decimal(100)
        return ((self.ask - self.bid) / self.mid * 100).quantize(_BASIS_POINT_OF_PERCENT)


@dataclass(frozen=True, slots=True)
class OptionChain:
    """The listed contracts of one underlying that were asked for, with the spot they were quoted against."""

    underlying: str
    spot: Decimal
    quotes: tuple[OptionQuote, ...]
    at: datetime
    source: str
