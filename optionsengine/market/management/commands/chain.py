"""`manage.py chain SPY`: the listed contracts of a symbol with quotes and Greeks, as a decision would see them."""

import json
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.table import Table

from optionsengine.core import clock
from optionsengine.core.enums import Right
from optionsengine.core.tables import print_table
from optionsengine.market.data import MarketError, OptionChain, OptionQuote
from optionsengine.market.selectors import provider_get

_RIGHTS = {"call": Right.CALL, "put": Right.PUT}
_COLUMNS = ("expires", "strike", "bid", "ask", "IV %", "delta", "theta", "vega", "interest", "volume", "age")


class Command(BaseCommand):
    help = "Show the option chain of a symbol, nearest to the money. Example: manage.py chain SPY --right put --json"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("symbol")
        parser.add_argument("--right", choices=tuple(_RIGHTS), default="call")
        parser.add_argument("--min-dte", type=float, default=0.0, help="days to expiry at least; 0 without it")
        parser.add_argument("--max-dte", type=float, default=45.0, help="days to expiry at most; 45 without it")
        parser.add_argument("--strikes", type=int, default=8, help="of each expiry, nearest to the money; 8 without it")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 <= options["min_dte"] <= options["max_dte"] or options["strikes"] < 1:
            raise CommandError("give 0 <= --min-dte <= --max-dte and --strikes of at least 1")
        at, symbol = clock.now(), options["symbol"].strip().upper()
        try:
            chain = provider_get().chain(symbol, at, options["min_dte"], options["max_dte"], _RIGHTS[options["right"]])
        except MarketError as error:
            raise CommandError(f"no chain of {symbol}: {error.message}. See manage.py check_providers.") from error
        rows = _nearest(chain, options["strikes"])
        if options["json"]:
            self.stdout.write(json.dumps(_document(chain, rows)))
            return
        table = Table(title=f"{symbol} {options['right']}s, {symbol} at {chain.spot}, prices by {chain.source}")
        for heading in _COLUMNS:
            table.add_column(heading, justify="right")
        for quote in rows:
            table.add_row(*_cells(quote, at))
        print_table(table)
        self.stdout.write(f"{len(rows)} of {len(chain.quotes)} listed within {options['max_dte']:g} days.")


def _nearest(chain: OptionChain, strikes: int) -> list[OptionQuote]:
    by_expiry: dict[Any, list[OptionQuote]] = {}
    for quote in sorted(chain.quotes, key=lambda each: abs(each.contract.strike - chain.spot)):
        found = by_expiry.setdefault(quote.contract.expiration, [])
        if len(found) < strikes:
            found.append(quote)
    chosen = [quote for found in by_expiry.values() for quote in found]
    return sorted(chosen, key=lambda each: (each.contract.expiration, each.contract.strike))


def _cells(quote: OptionQuote, at: datetime) -> list[str]:
    greeks = (None if quote.iv is None else quote.iv * 100, quote.delta, quote.theta, quote.vega)
    counts = (quote.open_interest, quote.volume)
    return [
        quote.contract.expiration.isoformat(),
        str(quote.contract.strike),
        str(quote.bid),
        str(quote.ask),
        *("?" if number is None else f"{number:.2f}" for number in greeks),
        *("?" if count is None else str(count) for count in counts),
        _age(max((at - quote.at).total_seconds(), 0)),
    ]


def _age(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def _document(chain: OptionChain, rows: list[OptionQuote]) -> dict[str, Any]:
    return {
        "underlying": chain.underlying,
        "spot": str(chain.spot),
        "source": chain.source,
        "at": chain.at.isoformat(),
        "listed": len(chain.quotes),
        "contracts": [
            {
                "symbol": quote.contract.symbol,
                "expiration": quote.contract.expiration.isoformat(),
                "strike": str(quote.contract.strike),
                "right": quote.contract.right.name.lower(),
                "occ_symbol": quote.contract.occ_symbol,
                "bid": str(quote.bid),
                "ask": str(quote.ask),
                "iv": quote.iv,
                "delta": quote.delta,
                "gamma": quote.gamma,
                "theta": quote.theta,
                "vega": quote.vega,
                "open_interest": quote.open_interest,
                "volume": quote.volume,
                "at": quote.at.isoformat(),
                "source": quote.source,
                "greeks_source": quote.greeks_source,
            }
            for quote in rows
        ],
    }
