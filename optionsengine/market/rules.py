"""When a quote may be traded on. Pure."""

from datetime import datetime
from decimal import Decimal

from optionsengine.market.data import Quote
from optionsengine.market.enums import QuoteProblem

# a pass reads the clock once and may ask much later, and a feed's clock may run ahead of ours
CLOCK_SKEW_SECONDS = 60


def quote_problem(
    bid: Decimal | None, ask: Decimal | None, at_quote: datetime, at: datetime, max_age_seconds: int
) -> QuoteProblem | None:
    """Return the first thing that forbids trading on the quote, or None.

    A locked market (bid equals ask) is tradable. An age of exactly `max_age_seconds` is still fresh.
    """
    if any(side is not None and not side.is_finite() for side in (bid, ask)):
        return QuoteProblem.NOT_FINITE
    has_bid = bid is not None and bid > 0
    has_ask = ask is not None and ask > 0
    if not has_bid and not has_ask:
        return QuoteProblem.ZERO
    if bid is None or ask is None or not has_bid or not has_ask:
        return QuoteProblem.ONE_SIDED
    if bid > ask:
        return QuoteProblem.CROSSED
    return age_problem(at_quote, at, max_age_seconds)


def price_problem(quote: Quote, at: datetime, max_age_seconds: int) -> QuoteProblem | None:
    """Return the first thing that forbids going by a stock's price, or None.

    A source that tells only trades is judged by its last one; one that tells a book, by that.
    """
    if quote.bid is not None or quote.ask is not None:
        return quote_problem(quote.bid, quote.ask, quote.at, at, max_age_seconds)
    if not quote.last.is_finite():
        return QuoteProblem.NOT_FINITE
    return QuoteProblem.ZERO if quote.last <= 0 else age_problem(quote.at, at, max_age_seconds)


def is_jump(known: Decimal, price: Decimal, limit_percent: Decimal) -> bool:
    """Tell whether a price lies further than `limit_percent` from the last good one."""
    return abs(price - known) * 100 > limit_percent * known


def age_problem(at_quote: datetime, at: datetime, max_age_seconds: int) -> QuoteProblem | None:
    """Return whether a quote of that time is too old, or from the future."""
    age = (at - at_quote).total_seconds()
    if age > max_age_seconds:
        return QuoteProblem.STALE
    if age < -CLOCK_SKEW_SECONDS:
        return QuoteProblem.FUTURE
    return None
