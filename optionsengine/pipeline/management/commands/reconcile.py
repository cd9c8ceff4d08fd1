"""`manage.py reconcile`: every invariant, the rows it examined and the rows that break it."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from optionsengine.core import clock
from optionsengine.core.tables import print_table
from optionsengine.pipeline.reconcile import invariants_check
from optionsengine.pipeline.tables import invariants_table


class Command(BaseCommand):
    help = "Check every invariant of the books. Exits 1 if one is broken. Example: manage.py reconcile --json"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        results = invariants_check(at=clock.now(), replay_limit=None)
        broken = sum(result.broken for result in results)
        if options["json"]:
            document = {
                "checked": len(results),
                "broken": broken,
                "rows": sum(result.rows for result in results),
                "invariants": [
                    {
                        "number": result.number,
                        "name": result.name,
                        "rows": result.rows,
                        "broken": result.broken,
                        "examples": [list(example) for example in result.examples],
                    }
                    for result in results
                ],
            }
            self.stdout.write(json.dumps(document))
        else:
            print_table(invariants_table(results))
            self.stdout.write(
                "Number 13, the broker's books against ours, needs a live broker, which this version has not."
            )
            if not broken:
                self.stdout.write(f"Clean: no row breaks any of the {len(results)} invariants.")
        if broken:
            raise CommandError(f"{broken} rows break an invariant; each is named above.")
