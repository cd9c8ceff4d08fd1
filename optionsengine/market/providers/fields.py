"""Reading the fields of a provider's answer: what is not finite, negative, undated or impossible never gets in."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

from optionsengine.core.enums import Right
from optionsengine.core.models import PRICE_LIMIT
from optionsengine.core.values import OptionContract
from optionsengine.market import calendar
from optionsengine.market.data import Bar, MarketError, OptionQuote, Quote
from optionsengine.market.enums import MarketProblem
from optionsengine.market.providers.simulated_symbols import is_symbol
from optionsengine.market.rules import CLOCK_SKEW_SECONDS

_FOURTH = Decimal("0.0001")
_COUNT_LIMIT = 2**53
_SKEW = timedelta(seconds=CLOCK_SKEW_SECONDS)


class Unreadable(ValueError):
    """A field of an answer is missing or is not what it must be; the text names the field and what stands in it."""


def symbol_check(symbol: str) -> str:
    """Return the symbol.

    :raises MarketError: `UNKNOWN_SYMBOL`, if it is none; so nothing else ever becomes part of an address.
    """
    if not is_symbol(symbol):
        raise MarketError(
            MarketProblem.UNKNOWN_SYMBOL, "a symbol is 1 to 10 of A–Z, 0–9 and dot; correct the signal", symbol=symbol
        )
    return symbol


def unsupported(provider: str, what: str) -> MarketError:
    """Build the error of a provider that has no such data."""
    return MarketError(
        MarketProblem.UNSUPPORTED, f"{provider} has no {what}; add a provider that has", provider=provider
    )


def part(answer: Mapping[str, object], name: str) -> Mapping[str, object]:
    """Return the object in that field.

    :raises Unreadable: if there is none.
    """
    value = answer.get(name)
    if not isinstance(value, dict):
        raise Unreadable(f"{name} is not an object")
    return value


def rows(answer: Mapping[str, object], name: str) -> list[object]:
    """Return the array in that field.

    :raises Unreadable: if there is none.
    """
    value = answer.get(name)
    if not isinstance(value, list):
        raise Unreadable(f"{name} is not an array")
    return value


def number(value: object, name: str) -> Decimal:
    """Return a JSON number, or one written as text.

    :raises Unreadable: if it is none, or not finite.
    """
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise Unreadable(f"{name} is no number: {value!r:.40}")
    try:
        found = Decimal(value)
    except InvalidOperation:
        raise Unreadable(f"{name} is no number: {value!r:.40}") from None
    if not found.is_finite():
        raise Unreadable(f"{name} is not finite: {value!r:.40}")
    return found


def side(value: object, name: str) -> Decimal | None:
    """Return one side of a quote, in dollars to four places; zero where nobody quotes it, None where nothing is said.

    :raises Unreadable: if it is negative or no price.
    """
    if value is None:
        return None
    found = number(value, name)
    if not 0 <= found < PRICE_LIMIT:
        raise Unreadable(f"{name} is no price: {found:.12g}")
    exponent = found.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -4:
        found = found.quantize(_FOURTH, rounding=ROUND_HALF_EVEN)
    if found >= PRICE_LIMIT:
        raise Unreadable(f"{name} is no price: {found:.12g}")
    return found


def price(value: object, name: str) -> Decimal:
    """Return a price in dollars, to four places.

    :raises Unreadable: if there is none or it is not positive.
    """
    found = side(value, name)
    if not found:
        raise Unreadable(f"{name} is no price: {value!r:.40}")
    return found


def count(value: object, name: str) -> int | None:
    """Return a number of shares or contracts, without its fraction; None where nothing is said.

    :raises Unreadable: if it is negative or no number.
    """
    if value is None:
        return None
    found = number(value, name)
    if not 0 <= found < _COUNT_LIMIT:
        raise Unreadable(f"{name} is no count: {found:.12g}")
    return int(found)


def moment(value: object, name: str, at: datetime) -> datetime:
    """Return a time given in ISO 8601 with its offset or in epoch seconds, which lies no more than a minute after `at`.

    :raises Unreadable: otherwise.
    """
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
        else:
            found = datetime.fromtimestamp(int(number(value, name)), UTC)
    except (ValueError, OverflowError, OSError):
        raise Unreadable(f"{name} is no time: {value!r:.40}") from None
    if found.tzinfo is None:
        raise Unreadable(f"{name} has no time zone: {value!r:.40}")
    if found > at + _SKEW:
        raise Unreadable(f"{name} is in the future: {value!r:.40}")
    return found.astimezone(UTC)


def bar(source: str, at: datetime, prices: Iterable[object], volume: object) -> Bar:
    """Build a bar from its opening, high, low and close.

    :raises Unreadable: if the high or the low is not beyond the others, or the volume is missing.
    """
    first, high, low, last = (price(value, name) for value, name in zip(prices, ("o", "h", "l", "c"), strict=True))
    if not low <= min(first, last) <= max(first, last) <= high:
        raise Unreadable(f"a bar's prices are out of order at {at:%Y-%m-%d %H:%M}")
    shares = count(volume, "volume")
    if shares is None:
        raise Unreadable("a bar has no volume")
    return Bar(at, first, high, low, last, shares, source)


@dataclass(frozen=True, slots=True)
class Greeks:
    """What a provider says beside an option's quote; None for what it leaves out or what cannot be."""

    iv: float | None
    delta: float | None
    gamma: float | None
    theta: float | None
    vega: float | None

    @classmethod
    def read(cls, right: Right, iv: object, values: Mapping[str, object]) -> "Greeks":
        """Read implied volatility and the Greeks of a contract.

        An impossible value (a call's delta of -0.3, a volatility of zero) is how pricing engines say that they failed,
        so it counts as not said.
        """
        low, high = (0.0, 1.0) if right == Right.CALL else (-1.0, 0.0)
        volatility = _bounded(iv, 0.0, 100.0)
        return cls(
            volatility or None,
            _bounded(values.get("delta"), low, high),
            _bounded(values.get("gamma"), 0.0, math.inf),
            _bounded(values.get("theta"), -math.inf, math.inf),
            _bounded(values.get("vega"), 0.0, math.inf),
        )


def _bounded(value: object, low: float, high: float) -> float | None:
    if value is None:
        return None
    try:
        found = float(number(value, "Greek"))
    except (Unreadable, OverflowError):
        return None
    return found if math.isfinite(found) and low <= found <= high else None


@dataclass(frozen=True, slots=True)
class Book:
    """The two sides of an option's quote with their sizes and the rest that is counted."""

    bid: object
    ask: object
    bid_size: object
    ask_size: object
    open_interest: object
    volume: object

    def option_quote(self, contract: OptionContract, greeks: Greeks, at: datetime, source: str) -> OptionQuote:
        """Build the quote.

        :raises Unreadable: if nothing is said of either side, or a number is impossible.
        """
        bid, ask = side(self.bid, "bid"), side(self.ask, "ask")
        if bid is None and ask is None:
            raise Unreadable(f"{contract.occ_symbol} has neither bid nor ask")
        return OptionQuote(
            contract=contract,
            bid=bid or Decimal(0),
            ask=ask or Decimal(0),
            bid_size=count(self.bid_size, "bid size"),
            ask_size=count(self.ask_size, "ask size"),
            iv=greeks.iv,
            delta=greeks.delta,
            gamma=greeks.gamma,
            theta=greeks.theta,
            vega=greeks.vega,
            open_interest=count(self.open_interest, "open interest"),
            volume=count(self.volume, "volume"),
            at=at,
            source=source,
            greeks_source=source if greeks.delta is not None else "",
        )


def stock_quote(symbol: str, bid: object, ask: object, last: object, at: datetime, source: str) -> Quote:
    """Build a stock's quote; one-sided and crossed ones pass, whoever trades on it judges them.

    :raises Unreadable: if there is no last price, or a number is impossible.
    """
    return Quote(symbol, side(bid, "bid"), side(ask, "ask"), at, source, price(last, "last"))


def expiry_days(at: datetime, min_dte: float, max_dte: float) -> tuple[date, date] | None:
    """Return the first and last date on which contracts with that many days left may expire; None if there is none."""
    first = calendar.new_york_day(at + timedelta(days=min(max(min_dte, 0.0), 36500.0) - 1))
    last = min(calendar.new_york_day(at) + timedelta(days=math.ceil(min(max_dte, 36500.0)) + 1), calendar.LAST_DAY)
    first = max(first, calendar.new_york_day(at))
    return (first, last) if max_dte >= min_dte and first <= last else None


def expires_within(contract: OptionContract, at: datetime, min_dte: float, max_dte: float) -> bool:
    """Tell whether the contract is alive at `at` and its days to expiry lie within the bounds."""
    if not calendar.FIRST_DAY < contract.expiration <= calendar.LAST_DAY:
        return False
    return at < calendar.expiry_at(contract.expiration) and min_dte <= calendar.dte(contract.expiration, at) <= max_dte
