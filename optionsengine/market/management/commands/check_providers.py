"""`manage.py check_providers`: each provider of market data with its configured keys, and what of it works."""

import json
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.table import Table

from optionsengine.core import clock
from optionsengine.core.tables import print_table
from optionsengine.market.selectors import keys_missing, providers_configured, sources_get
from optionsengine.market.trial import Trial, provider_try


class Command(BaseCommand):
    help = (
        "Ask each configured provider of market data for everything it offers. Exits 1 if anything fails. "
        "Example: manage.py check_providers --symbol SPY"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--symbol", default="SPY", help="what is asked for; SPY without it")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        at, symbol = clock.now(), options["symbol"].strip().upper()
        try:
            in_use = providers_configured()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        found = {
            source.name: provider_try(source.provider, offers=source.provider.offers, symbol=symbol, at=at)
            for source in sources_get()
        }
        missing = {name: keys for name in settings.MARKET_DATA_PROVIDERS if (keys := keys_missing(name))}
        if options["json"]:
            self.stdout.write(json.dumps(_document(in_use, found, missing)))
        else:
            print_table(_table(in_use, found, missing))
        failed = [name for name, trials in found.items() if not all(trial.works for trial in trials)]
        if failed:
            raise CommandError(f"{', '.join(failed)}: not everything works; the reasons are above.")


def _document(
    in_use: tuple[str, ...], found: dict[str, list[Trial]], missing: dict[str, tuple[str, ...]]
) -> dict[str, Any]:
    return {
        "in_use": list(in_use),
        "providers": {
            name: {trial.offer: {"works": trial.works, "said": trial.said} for trial in trials}
            for name, trials in found.items()
        },
        "keys_missing": {name: list(keys) for name, keys in missing.items()},
    }


def _table(in_use: tuple[str, ...], found: dict[str, list[Trial]], missing: dict[str, tuple[str, ...]]) -> Table:
    table = Table(title=f"Market data from {', '.join(in_use)}")
    for heading in ("provider", "works", "what it said"):
        table.add_column(heading, overflow="fold")
    for name, trials in found.items():
        works = ", ".join(trial.offer.replace("_", " ") for trial in trials if trial.works) or "nothing"
        said = "; ".join(f"{trial.offer.replace('_', ' ')}: {trial.said}" for trial in trials)
        table.add_row(name, works, said)
    for name, keys in missing.items():
        table.add_row(name, "not asked", f"set {' and '.join(keys)} to use it")
    if not found:
        is_invented = in_use == ("simulated",)
        table.add_row(in_use[0], "always", "invented prices, labelled so everywhere" if is_invented else "asks nobody")
    return table
