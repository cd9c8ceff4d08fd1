"""`manage.py run_pipeline`: one pass of every stage, or of one, in this process."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from optionsengine.core import clock
from optionsengine.core.migrate import migrations_missing
from optionsengine.core.tables import print_table
from optionsengine.pipeline.enums import Stage
from optionsengine.pipeline.stages import pipeline_run, stage_run
from optionsengine.pipeline.tables import stages_table


class Command(BaseCommand):
    help = "Run one pass of every stage, or of one. Example: manage.py run_pipeline --stage exits --json"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--stage", choices=[stage.value for stage in Stage], help="run only this stage")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        if migrations_missing():
            raise CommandError("migrations are missing: run `manage.py migrate`, then this again.")
        at = clock.now()
        if options["stage"]:
            stage = Stage(options["stage"])
            reports = {stage: stage_run(stage, at=at)}
        else:
            try:
                reports = pipeline_run(at=at)
            except ExceptionGroup as group:
                raise CommandError(f"{group.message}; the first: {group.exceptions[0]}") from group
        if options["json"]:
            self.stdout.write(json.dumps({stage.value: report.counts() for stage, report in reports.items()}))
        else:
            print_table(stages_table(reports))
        failed = sum(report.failed for report in reports.values())
        if failed:
            raise CommandError(f"{failed} rows failed; the log names each. They are tried again when their lease ends.")
