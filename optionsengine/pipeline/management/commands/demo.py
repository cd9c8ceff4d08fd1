"""`manage.py demo`: one recorded trading day, from alerts to booked trades."""

import json
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from optionsengine.core.tables import print_table
from optionsengine.pipeline.demo import DemoResult, DemoRunningError, demo_run
from optionsengine.pipeline.tables import funnel_tables, invariants_table


class Command(BaseCommand):
    help = (
        "Play a recorded trading day through the whole engine, in a database of its own, and print what became of it. "
        "Example: manage.py demo --json"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = self._run()
        except DemoRunningError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(result.document()))
        else:
            print_table(*funnel_tables(result.funnel), invariants_table(result.invariants))
            self.stdout.write(
                f"Done in {result.duration_s:.1f} s. All prices are simulated; nothing was sent anywhere."
            )
        if result.unexamined:
            raise CommandError("these invariants examined no rows: " + "; ".join(result.unexamined))
        if result.broken:
            raise CommandError(f"{result.broken} rows break an invariant")

    def _run(self) -> DemoResult:
        # progress goes to the standard error, so that --json stays one object
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("preparing a database of its own")
            last_printed: list[int] = []

            def progress(at: datetime, done: int, total: int) -> None:
                bar.update(task, description=f"{at:%H:%M} UTC", completed=done, total=total)
                if not console.is_terminal and at.minute == 0 and at.hour not in last_printed:
                    last_printed.append(at.hour)
                    console.print(f"{at:%H:%M} UTC: step {done} of {total}")

            return demo_run(progress)
