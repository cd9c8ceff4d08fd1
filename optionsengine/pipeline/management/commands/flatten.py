"""`manage.py flatten`: take no new risk and close every real position at the market."""

import getpass
import json
from dataclasses import asdict
from typing import Any

import pghistory
from django.core.management.base import BaseCommand, CommandError, CommandParser

from optionsengine.core import clock
from optionsengine.core.migrate import migrations_missing
from optionsengine.pipeline.flatten import flatten
from positions.selectors import positions_real


class Command(BaseCommand):
    help = "Close everything: entries are cancelled, each open position gets an exit order. Asks first, unless --yes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--reason", default="by command", help="why, for whoever looks next")
        parser.add_argument("--with-shadow", action="store_true", help="close shadow positions, too")
        parser.add_argument("--json", action="store_true", help="print one JSON object; needs --yes")

    def handle(self, *args: Any, **options: Any) -> None:
        if migrations_missing():
            raise CommandError("migrations are missing: run `manage.py migrate`, then this again.")
        if not options["yes"]:
            if options["json"]:
                raise CommandError("--json asks nothing: add --yes to close everything.")
            self._ask()
        actor = f"command ({getpass.getuser()})"
        with pghistory.context(actor=actor, reason=options["reason"]):
            report = flatten(actor=actor, reason=options["reason"], with_shadow=options["with_shadow"], at=clock.now())
        if options["json"]:
            answer = {"success": report.is_whole, **asdict(report), "message": report.message}
            self.stdout.write(json.dumps(answer, default=str))
        else:
            for title, rows in (("ordered", report.ordered), ("in progress", report.in_progress)):
                for row in rows:
                    self.stdout.write(f"{title:12} {row.quantity:>4} {row.option_symbol:24} {row.client_order_id}")
            for row in report.failed:
                self.stdout.write(f"{'FAILED':12} {row.quantity:>4} {row.option_symbol:24} {row.error}")
            self.stdout.write(report.message)
        if not report.is_whole:
            raise CommandError("not everything could be asked to close: flatten again; the log names what failed.")

    def _ask(self) -> None:
        held = list(positions_real().order_by("underlying", "pk"))
        for position in held:
            self.stdout.write(f"{position.quantity:>4} {position.option_symbol:24} {position.mode}")
        if input(f"Close these {len(held)} positions at the market? Type yes: ").strip().lower() != "yes":
            raise CommandError("nothing was done.")
