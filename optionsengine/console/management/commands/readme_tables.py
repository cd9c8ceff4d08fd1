"""`manage.py readme_tables`: write the tables of the README that are made from the code."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from optionsengine.console.readme import README, demo_lines, part_replace, readme_render


class Command(BaseCommand):
    help = "Rewrite the generated tables of README.md. Example: manage.py readme_tables --demo demo.txt"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", type=Path, metavar="FILE", help="also show what `manage.py demo > FILE` printed")

    def handle(self, *args: Any, **options: Any) -> None:
        text = README.read_text(encoding="utf-8")
        try:
            made = readme_render(text)
            if options["demo"]:
                made = part_replace(made, "demo", demo_lines(options["demo"].read_text(encoding="utf-8")))
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from error
        README.write_text(made, encoding="utf-8")
        self.stdout.write("README.md is up to date" if made == text else "README.md was rewritten")
