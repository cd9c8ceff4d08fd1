"""`manage.py price`: what one option is worth, with its Greeks, or the volatility that a price implies."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.table import Table

from optionsengine.core.tables import print_table
from optionsengine.market.american import implied_volatility_american, value_american
from optionsengine.market.pricing import (
    DAYS_PER_YEAR,
    MAX_VOLATILITY,
    MIN_VOLATILITY,
    implied_volatility,
    value_options,
)

_DIGITS = 8
_LARGEST = 1e7  # dollars; no share costs more
_LONGEST_DAYS = 36_500
_STYLES = {
    "american": (value_american, implied_volatility_american),
    "european": (value_options, implied_volatility),
}
_UNITS = {
    "price": "dollars per share",
    "delta": "dollars per dollar of the stock",
    "gamma": "delta per dollar of the stock",
    "theta": "dollars per calendar day",
    "vega": "dollars per volatility point (0.01)",
    "rho": "dollars per percentage point of the rate (0.01)",
}
# lowest, whether that one is allowed, highest, what to give
_BOUNDS = {
    "spot": (0.0, False, _LARGEST, "the stock's price in dollars"),
    "strike": (0.0, False, _LARGEST, "the strike in dollars"),
    "price": (0.0, False, _LARGEST, "the option's price in dollars per share"),
    "days": (0.0, True, _LONGEST_DAYS, "calendar days to expiry; a part of a day is a fraction"),
    "vol": (0.0, False, MAX_VOLATILITY, "the volatility as a fraction a year: 0.2 is 20%"),
    "rate": (-0.5, True, 1.0, "the interest rate as a fraction a year, continuously compounded: 0.05 is 5%"),
    "dividend": (0.0, True, 1.0, "the dividend yield as a fraction a year, continuously compounded: 0.013 is 1.3%"),
}


class Command(BaseCommand):
    help = (
        "Price one option with its Greeks; with --price instead of --vol, find the volatility that the price implies. "
        "Example: manage.py price --type put --style american --spot 100 --strike 100 --days 30 --vol 0.2 --rate 0.05"
    )
    requires_system_checks: list[str] = []  # arithmetic: it needs neither the database nor a key

    def add_arguments(self, parser: CommandParser) -> None:
        def number(name: str, *, default: float | None = None, is_required: bool = False, note: str = "") -> None:
            meaning = _BOUNDS[name][3].replace("%", "%%") + note
            parser.add_argument(f"--{name}", type=float, required=is_required, default=default, help=meaning)

        parser.add_argument("--type", choices=("call", "put"), required=True)
        parser.add_argument("--style", choices=tuple(_STYLES), default="american", help="american without it")
        number("spot", is_required=True)
        number("strike", is_required=True)
        number("days", is_required=True)
        number("vol")
        number("price", note=", in place of --vol")
        rate = float(settings.RISK_FREE_RATE) / 100
        number("rate", default=rate, note=f"; without it RISK_FREE_RATE, {rate:g}")
        number("dividend", default=0.0, note="; 0 without it")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        given = {name: options[name] for name in ("vol", "price") if options[name] is not None}
        if len(given) != 1:
            raise CommandError("give either --vol, to get the price, or --price, to get the implied volatility")
        names = ("spot", "strike", "days", "rate", "dividend", *given)
        numbers = {name: _number(name, options[name]) for name in names}
        terms = {
            "spot": numbers["spot"],
            "strike": numbers["strike"],
            "years": numbers["days"] / DAYS_PER_YEAR,
            "rate": numbers["rate"],
            "dividend_yield": numbers["dividend"],
            "is_call": options["type"] == "call",
        }
        value, implied = _STYLES[options["style"]]
        volatility = numbers["vol"] if "vol" in numbers else float(implied(price=numbers["price"], **terms))
        if math.isnan(volatility):
            raise CommandError(_unexplained(options["style"], numbers["price"], terms))
        valuation = {
            name: round(float(worth), _DIGITS) + 0.0  # no minus before a zero
            for name, worth in asdict(value(volatility=volatility, **terms)).items()
        }
        document = {
            "type": options["type"],
            "style": options["style"],
            **{name: numbers[name] for name in ("spot", "strike", "days", "rate", "dividend")},
            "volatility": round(volatility, _DIGITS),
            **valuation,
        }
        if options["json"]:
            self.stdout.write(json.dumps(document, allow_nan=False))
        else:
            print_table(_table(document))


def _number(name: str, value: object) -> float:
    lowest, is_allowed, highest, meaning = _BOUNDS[name]
    if isinstance(value, int | float) and (lowest < value <= highest or (is_allowed and value == lowest)):
        return float(value)
    least = f"{'from' if is_allowed else 'above'} {lowest:g}"
    raise CommandError(f"--{name} is {value}; give a number {least} up to {highest:,.0f}: {meaning}")


def _unexplained(style: str, price: float, terms: Mapping[str, Any]) -> str:
    """Say why no volatility explains a price, and which prices one does."""
    if terms["years"] == 0:
        return "an option without time left has no volatility; give --days above 0, such as 0.1"
    value = _STYLES[style][0]
    least, most = (float(value(volatility=sigma, **terms).price) for sigma in (MIN_VOLATILITY, MAX_VOLATILITY))
    return (
        f"no volatility from {MIN_VOLATILITY:.2%} to {MAX_VOLATILITY:,.0%} gives a price of {price:g}: with these "
        f"terms the option is worth more than {least:.4f} and at most {most:.4f}; check --price and the other terms"
    )


def _table(document: Mapping[str, Any]) -> Table:
    table = Table(
        title=f"{document['style'].capitalize()} {document['type']}, strike {document['strike']:g}, "
        f"spot {document['spot']:g}, {document['days']:g} days"
    )
    for heading, justify in (("what", "left"), ("value", "right"), ("unit", "left")):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    rates = "a fraction a year"
    units = {"rate": rates, "dividend": rates, "volatility": rates} | _UNITS
    for name, unit in units.items():
        table.add_row(name, f"{document[name]:.6f}", unit)
    return table
