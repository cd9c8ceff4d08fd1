"""One small market that all fake providers tell of, each in its own words, so that one suite can compare them."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from optionsengine.core.enums import Right
from optionsengine.core.values import OptionContract
from optionsengine.market import calendar

AT = datetime(2026, 2, 18, 15, 30, 20, tzinfo=UTC)  # a Wednesday, 10:30:20 in New York
TOLD_AT = AT - timedelta(seconds=1)
MINUTE = datetime(2026, 2, 18, 15, 29, tzinfo=UTC)  # the last whole minute with trades
SESSIONS = [date(2026, 2, day) for day in (10, 11, 12, 13, 17, 18)]  # the 16th is a holiday
NEAR, FAR = date(2026, 3, 20), date(2026, 4, 17)


@dataclass(frozen=True)
class Stock:
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal
    at: datetime = TOLD_AT
    minute: datetime = MINUTE


@dataclass(frozen=True)
class Listed:
    """One contract as the market quotes it; None is what a provider would leave out."""

    bid: Decimal | None
    ask: Decimal | None
    bid_size: int = 11
    ask_size: int = 7
    iv: Decimal | None = Decimal("0.1834")
    delta: Decimal | None = Decimal("0.5125")
    gamma: Decimal | None = Decimal("0.0131")
    theta: Decimal | None = Decimal("-0.2105")
    vega: Decimal | None = Decimal("0.6512")
    open_interest: int | None = 1234
    volume: int | None = 321
    at: datetime = TOLD_AT


@dataclass(frozen=True)
class FiveMinutes:
    at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int


def _stocks() -> dict[str, Stock]:
    return {
        "SPY": Stock(Decimal("600.1"), Decimal("600.12"), Decimal("600.11")),
        "AAPL": Stock(Decimal("230.05"), Decimal("230.09"), Decimal("230.07")),
        "BRK.B": Stock(Decimal("498.2"), Decimal("498.4"), Decimal("498.33")),
    }


def _options() -> dict[OptionContract, Listed]:
    found = {}
    for number, expiration in enumerate((NEAR, FAR)):
        for strike in (Decimal(595), Decimal("602.5")):
            for right in Right:
                bid = Decimal("9.15") + number + strike / 1000
                delta = Decimal("0.5125") if right == Right.CALL else Decimal("-0.4875")
                contract = OptionContract("SPY", expiration, right, strike)
                found[contract] = Listed(bid, bid + Decimal("0.05"), delta=delta)
    found[OptionContract("BRK.B", NEAR, Right.CALL, Decimal(500))] = Listed(Decimal("8.4"), Decimal("8.6"))
    return found


def five_minutes(day: date) -> list[FiveMinutes]:
    """Return the session's bars, with trades before and after it that must never be seen in a bar of the session.

    The k-th bar of the n-th session opens at 600 + n + k cents, closes a cent higher, and reaches five cents beyond.
    """
    open_at, close_at = calendar.session_bounds(day)
    found = []
    start = open_at - timedelta(minutes=60)
    while start < close_at + timedelta(minutes=60):
        if open_at <= start < close_at:
            number = (start - open_at) // timedelta(minutes=5)
            first = Decimal(600 + SESSIONS.index(day)) + Decimal(number) / 100
            last = first + Decimal("0.01")
            found.append(FiveMinutes(start, first, last + Decimal("0.05"), first - Decimal("0.05"), last, 100 + number))
        else:
            found.append(FiveMinutes(start, Decimal(1), Decimal(9999), Decimal(1), Decimal(1), 10**6))
        start += timedelta(minutes=5)
    return found


def joined(bars: list[FiveMinutes], at: datetime) -> FiveMinutes:
    """Return one bar over several."""
    return FiveMinutes(
        at,
        bars[0].open,
        max(bar.high for bar in bars),
        min(bar.low for bar in bars),
        bars[-1].close,
        sum(bar.volume for bar in bars),
    )


@dataclass(frozen=True)
class Market:
    stocks: dict[str, Stock] = field(default_factory=_stocks)
    options: dict[OptionContract, Listed] = field(default_factory=_options)
    now: datetime = AT

    def with_stock(self, symbol: str, **changes: object) -> "Market":
        return replace(self, stocks={**self.stocks, symbol: replace(self.stocks[symbol], **changes)})

    def with_option(self, contract: OptionContract, **changes: object) -> "Market":
        return replace(self, options={**self.options, contract: replace(self.options[contract], **changes)})

    def traded(self) -> list[FiveMinutes]:
        """Return all bars that have begun, of SPY, which alone has any; the one in progress as it stands."""
        return [bar for day in SESSIONS for bar in five_minutes(day) if bar.at <= self.now]

    def day_bars(self) -> dict[date, FiveMinutes]:
        """Return each session's bar, today's as it stands."""
        found = {}
        for day in SESSIONS:
            open_at, close_at = calendar.session_bounds(day)
            inside = [bar for bar in self.traded() if open_at <= bar.at < close_at]
            if inside:
                found[day] = joined(inside, open_at)
        return found
