"""Marks every watched position to the market."""

import json
import math
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from optionsengine.core.retry import database_retried
from optionsengine.core.values import OptionContract
from optionsengine.market import calendar
from optionsengine.market.data import MarketError, OptionQuote, Quote
from optionsengine.market.providers.base import MarketProvider
from optionsengine.market.rules import price_problem, quote_problem
from optionsengine.market.selectors import market_open
from optionsengine.ops.data import StageReport
from optionsengine.ops.enums import AlertLevel
from optionsengine.ops.services import alert_raise, alert_resolve
from positions.models import Position, PositionMark
from positions.rules import PolicyBook, pnl_unrealized, trailing_stop_level
from positions.selectors import UNPRICED, exit_policies, position_policy, positions_watched, unpriced_symbols
from positions.services.equity import equity_snapshot_take

WRITE_BATCH = 500
GREEK_DECIMALS = 6
# one statement for all rows of a page: `bulk_update` would build a CASE for each row and column in Python
_MARK = """
    UPDATE positions SET bid = r.bid, ask = r.ask, mark = r.mark, marked_at = r.marked_at,
        underlying_price = r.underlying_price, unrealized_pnl = r.unrealized_pnl,
        high_water_mark = r.high_water_mark, trailing_stop = r.trailing_stop, greeks = r.greeks::jsonb,
        updated_at = r.updated_at
    FROM unnest(
        %s::numeric[], %s::numeric[], %s::numeric[], %s::timestamptz[], %s::numeric[], %s::numeric[], %s::numeric[],
        %s::numeric[], %s::text[], %s::timestamptz[], %s::uuid[]
    ) AS r (bid, ask, mark, marked_at, underlying_price, unrealized_pnl, high_water_mark, trailing_stop, greeks,
        updated_at, id)
    WHERE positions.id = r.id
"""


def positions_refresh(*, provider: MarketProvider, at: datetime) -> StageReport:
    """Mark every watched position: one request for the options of each underlying, one for the underlying itself.

    The network is asked outside any transaction. A missing or unusable quote leaves the last mark as it is, with its
    age; once that exceeds `QUOTE_MAX_AGE_SECONDS` in the session, an alert says so. In the report `done` counts the
    priced positions and `deferred` the others. The first pass of a day writes down what the day begins with.
    """
    equity_snapshot_take(at=at)
    report = StageReport()
    by_underlying: dict[str, dict[OptionContract, list[Position]]] = {}
    for position in positions_watched().order_by("underlying", "pk"):
        report.claimed += 1
        if at < calendar.expiry_at(position.expiration):  # what has expired is settled, not quoted
            by_underlying.setdefault(position.underlying, {}).setdefault(position.contract, []).append(position)
    max_age = timedelta(seconds=settings.QUOTE_MAX_AGE_SECONDS)
    if not (market_open(at) or market_open(at - max_age)):
        report.deferred = report.claimed
        return report
    contracts = [contract for held in by_underlying.values() for contract in held]
    quotes = _quotes(provider, contracts, at) if contracts else {}
    stocks = _stocks(provider, {contract.underlying for contract in quotes}, at)
    held_by_contract = {contract: rows for held in by_underlying.values() for contract, rows in held.items()}
    priced = [row.pk for contract, rows in held_by_contract.items() if contract in quotes for row in rows]
    report.done = len(priced)
    report.deferred = report.claimed - report.done
    policies = exit_policies()
    for start in range(0, len(priced), WRITE_BATCH):
        _marks_write(priced[start : start + WRITE_BATCH], quotes, stocks, policies, at)
    _unpriced_judge(held_by_contract, quotes, at)
    return report


def _unpriced_judge(
    held: Mapping[OptionContract, list[Position]], quotes: Mapping[OptionContract, OptionQuote], at: datetime
) -> None:
    """Alert on what could not be priced for too long, and resolve the alert of what can be again."""
    alerted = unpriced_symbols()
    for contract, positions in held.items():
        if contract not in quotes:
            _unpriced_alert(contract, positions, at)
        elif contract.symbol in alerted:
            alert_resolve(cause=UNPRICED + contract.symbol, at=at)


def _quotes(
    provider: MarketProvider, contracts: Iterable[OptionContract], at: datetime
) -> dict[OptionContract, OptionQuote]:
    """Return the usable quotes; a provider without an answer gives none."""
    max_age = settings.QUOTE_MAX_AGE_SECONDS
    try:
        found = provider.option_quotes(list(contracts), at)
    except MarketError:
        return {}
    return {
        contract: quote
        for contract, quote in found.items()
        if quote_problem(quote.bid, quote.ask, quote.at, at, max_age) is None
    }


def _stocks(provider: MarketProvider, symbols: Collection[str], at: datetime) -> dict[str, Quote]:
    """Return the usable quotes of the underlyings, all asked for at once."""
    try:
        found = provider.quotes(symbols, at) if symbols else {}
    except MarketError:
        return {}
    max_age = settings.QUOTE_MAX_AGE_SECONDS
    return {symbol: quote for symbol, quote in found.items() if price_problem(quote, at, max_age) is None}


@database_retried
def _marks_write(
    rows: list[UUID],
    quotes: Mapping[OptionContract, OptionQuote],
    stocks: Mapping[str, Quote],
    policies: PolicyBook,
    at: datetime,
) -> None:
    with transaction.atomic():
        locked = positions_watched().filter(pk__in=rows).select_for_update(no_key=True).order_by("pk")
        changed = [
            position
            for position in locked
            if _mark(position, quotes[position.contract], stocks.get(position.underlying), policies, at)
        ]
        if not changed:
            return
        with connection.cursor() as cursor:
            # one statement with arrays: the audit library breaks `executemany` where a person asks for the refresh
            rows_of = zip(*(_marked(position) for position in changed), strict=True)
            cursor.execute(_MARK, [list(column) for column in rows_of])
        # a second refresh at the same moment has nothing to add
        PositionMark.objects.bulk_create(
            (_mark_row(position, quotes[position.contract], at) for position in changed), ignore_conflicts=True
        )


def _mark(position: Position, quote: OptionQuote, stock: Quote | None, policies: PolicyBook, at: datetime) -> bool:
    """Mark the locked row; tell whether the quote brought anything newer than what it has."""
    if position.marked_at is not None and quote.at <= position.marked_at:
        return False
    position.bid, position.ask, position.mark = quote.bid, quote.ask, quote.mid
    position.marked_at = quote.at
    position.underlying_price = stock.mid if stock else position.underlying_price
    position.unrealized_pnl = pnl_unrealized(quote.bid, quantity=position.quantity, open_cost=position.open_cost)
    position.high_water_mark = max(position.high_water_mark, quote.bid)
    position.trailing_stop = trailing_stop_level(
        position_policy(policies, position),
        entry_price=position.entry_price,
        high_water_mark=position.high_water_mark,
        current=position.trailing_stop,
    )
    position.greeks = greeks_of(quote)
    position.updated_at = at
    return True


def _marked(position: Position) -> tuple[Any, ...]:
    """Return the values of `_MARK` for one row."""
    return (
        position.bid,
        position.ask,
        position.mark,
        position.marked_at,
        position.underlying_price,
        position.unrealized_pnl,
        position.high_water_mark,
        position.trailing_stop,
        json.dumps(position.greeks),
        position.updated_at,
        position.pk,
    )


def _mark_row(position: Position, quote: OptionQuote, at: datetime) -> PositionMark:
    return PositionMark(
        position=position,
        mark=quote.mid,
        bid=quote.bid,
        ask=quote.ask,
        underlying_price=position.underlying_price,
        unrealized_pnl=position.unrealized_pnl,
        trailing_stop=position.trailing_stop,
        iv=position.greeks.get("iv"),
        delta=position.greeks.get("delta"),
        source=quote.source,
        quote_at=quote.at,
        created_at=at,
    )


def greeks_of(quote: OptionQuote) -> dict[str, float]:
    """Return the quote's volatility and Greeks as they are stored; one not told or not finite is left out."""
    known = ((name, getattr(quote, name)) for name in ("iv", "delta", "gamma", "theta", "vega"))
    return {name: round(value, GREEK_DECIMALS) for name, value in known if value is not None and math.isfinite(value)}


def _unpriced_alert(contract: OptionContract, positions: list[Position], at: datetime) -> None:
    last = max(position.marked_at or position.created_at for position in positions)
    age = (at - last).total_seconds()
    if age <= settings.QUOTE_MAX_AGE_SECONDS or not market_open(at):
        return
    alert_raise(
        cause=UNPRICED + contract.symbol,
        level=AlertLevel.WARNING,
        message=f"{contract.symbol} has had no usable quote for {age:.0f} s and {len(positions)} open positions hold "
        "it: its price rules cannot act; check the market data provider",
        at=at,
    )
