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
    """The best bid and offer of a stock or fund; `at` is when the market last said so, not when we asked."""

    symbol: str
    bid: Decimal
    ask: Decimal
    at: datetime
    source: str
    last: Decimal

    @property
    def mid(self) -> Decimal:
        """Halfway between bid and ask."""
        return (self.bid + self.ask) / 2


@dataclass(frozen=True, slots=True)
class Bar:
    """Prices over one interval that has ended; `at` is the interval's opening."""

    at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int


@dataclass(frozen=True, slots=True)
class OptionQuote:
    """One listed contract's market.

    `iv` is annual, as a fraction (0.2 is 20 %); `delta` is negative for puts; `theta` is dollars per share and calendar
    day (negative); `vega` is dollars per share and volatility point; sizes, volume and interest are contracts.
    """

    contract: OptionContract
    bid: Decimal
    ask: Decimal
    bid_size: int
    ask_size: int
    iv: float
    delta: float
    gamma: float
    theta: float
    vega: float
    open_interest: int
    volume: int
    at: datetime
    source: str

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
