"""`manage.py seed_bias`: make up the bias of a symbol, to try the engine out without a sender."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.table import Table

from bias.enums import Bias, MacroClass, Regime
from bias.seeding import Seed
from bias.selectors import bias_config_get, fresh_until_at
from bias.services import bias_seed
from optionsengine.core.clock import now
from optionsengine.core.errors import Refusal
from optionsengine.core.tables import print_table


class Command(BaseCommand):
    help = (
        "Make up the bias of a symbol, to try the engine out: written as an event of now would be, marked SEED. "
        "Example: manage.py seed_bias SPY --bias BULLISH --score 70"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("symbol", help="an American stock or fund, such as SPY")
        parser.add_argument("--bias", required=True, type=str.upper, choices=Bias.values)
        parser.add_argument("--score", type=float, help="-100 to 100, on the bias's side; 60 of it without")
        parser.add_argument("--confidence", type=float, default=0.7, help="0 to 1; 0.7 without")
        parser.add_argument("--regime", type=str.upper, choices=("TREND", "RANGE"), default="TREND")
        macros = [value.removeprefix("MACRO_") for value in MacroClass.values]
        parser.add_argument(
            "--macro", type=str.upper, choices=macros, help="without it the one that goes with the bias"
        )
        parser.add_argument("--timeframe", default="5m", help="of the chart; the state is stale after 1.5 bars of it")
        parser.add_argument("--replace", action="store_true", help="also where a sender's state is fresh")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.APP_MODE == "LIVE":
            raise CommandError("this makes a bias up, and APP_MODE is LIVE: real orders would go by it. Use PAPER.")
        seed = Seed(
            symbol=options["symbol"],
            bias=Bias(options["bias"]),
            score=options["score"],
            confidence=options["confidence"],
            regime=Regime(options["regime"]),
            macro=MacroClass(f"MACRO_{options['macro']}") if options["macro"] else None,
            timeframe=options["timeframe"],
        )
        at = now()
        try:
            state = bias_seed(seed=seed, is_replacing=options["replace"], at=at)
        except Refusal as error:
            raise CommandError(error.message) from error
        until = fresh_until_at(state, at, bias_config_get().staleness)
        document = {
            "symbol": state.symbol,
            "bias": state.bias.value,
            "bias_score": state.bias_score,
            "confidence": state.confidence,
            "regime_type": state.regime_type.value,
            "macro_class": state.macro_class and state.macro_class.value,
            "chart_tf": state.chart_tf,
            "entry_mode_hint": state.entry_mode_hint,
            "long_suppressed": state.effective.long.suppressed,
            "short_suppressed": state.effective.short.suppressed,
            "event_at": state.event_at.isoformat(),
            "fresh_until_at": until.isoformat(),
        }
        if options["json"]:
            self.stdout.write(json.dumps(document, allow_nan=False))
            return
        table = Table(title=f"The bias of {state.symbol} is now")
        table.add_column("what")
        table.add_column("value")
        for name, value in document.items():
            table.add_row(name, str(value))
        print_table(table)
        self.stdout.write(
            f"It is fresh until {until:%Y-%m-%d %H:%M:%S} UTC; run this again after that.\n"
            f"Next: send an alert for {state.symbol} to /webhook, then look at Rounds in the admin, or at the bias "
            f"under /api/v1/bias/state/?symbol={state.symbol}."
            + ("\nBIAS_SOURCE is computed: decisions do not look at it. Set both." if _is_unheard() else "")
        )


def _is_unheard() -> bool:
    return bool(settings.BIAS_SOURCE == "computed")
