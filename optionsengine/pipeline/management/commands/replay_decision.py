"""`manage.py replay_decision`: decide stored decisions again from their frozen inputs and compare."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q
from rich.table import Table

from experiments.models import DecisionRound
from experiments.replay import decision_replay
from optionsengine.core.tables import print_table


class Command(BaseCommand):
    help = (
        "Decide stored decisions again, with the database and the clock shut off, and compare byte for byte. "
        "ID is a decision's or a signal's. Example: manage.py replay_decision --all --json"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", nargs="?", type=UUID, help="a decision's id, or a signal's for all its rounds")
        parser.add_argument("--all", action="store_true", help="every stored decision")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["id"]) == options["all"]:
            raise CommandError("give either one ID or --all")
        results = [decision_replay(decision) for decision in self._decisions(options["id"])]
        if not results:
            raise CommandError("no decision found; ids are shown on the signal's page in the admin")
        differing = [result for result in results if not result.is_same]
        if options["json"]:
            document = {
                "replayed": len(results),
                "differing": len(differing),
                "differences": {str(result.id): result.differences for result in differing},
            }
            self.stdout.write(json.dumps(document))
        else:
            table = Table(title=f"{len(results)} replayed, {len(differing)} differing")
            table.add_column("decision")
            table.add_column("difference")
            for result in differing:
                for difference in result.differences:
                    table.add_row(str(result.id), difference)
            if differing:
                print_table(table)
            else:
                self.stdout.write(f"Clean: {len(results)} decisions replayed, each the same to the byte.")
        if differing:
            raise CommandError(f"{len(differing)} of {len(results)} decisions differ")

    @staticmethod
    def _decisions(id: UUID | None) -> Iterator[DecisionRound]:
        rounds = DecisionRound.objects.order_by("created_at", "id")
        if id is not None:
            rounds = rounds.filter(Q(pk=id) | Q(experiment__signal_id=id))
        return rounds.iterator(chunk_size=100)
