"""`manage.py sessions`: the exchange's sessions and half days."""

import argparse
import json
from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.table import Table

from optionsengine.core import clock
from optionsengine.core.tables import print_table
from optionsengine.market import calendar

DEFAULT_DAYS = 30


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date; write it like 2026-11-27") from None


class Command(BaseCommand):
    help = (
        "List the sessions of the New York Stock Exchange with their opening and close. "
        "Example: manage.py sessions --from 2026-01-01 --to 2026-12-31 --json"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", dest="first", type=_day, metavar="DATE", help="first day; today without it")
        parser.add_argument(
            "--to", dest="last", type=_day, metavar="DATE", help=f"last day; {DEFAULT_DAYS} days on without it"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON list instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        first = options["first"] or calendar.new_york_day(clock.now())
        last = options["last"] or first + min(timedelta(days=DEFAULT_DAYS), date.max - first)
        if last < first:
            raise CommandError(f"--from {first} lies after --to {last}; swap them")
        try:
            days = calendar.sessions_between(first, last)
        except calendar.CalendarRangeError as error:
            raise CommandError(str(error)) from error
        bounds = [
            (day, *(moment.astimezone(calendar.NEW_YORK) for moment in calendar.session_bounds(day))) for day in days
        ]
        if options["json"]:
            document = [
                {
                    "date": day.isoformat(),
                    "open": open_at.isoformat(),
                    "close": close_at.isoformat(),
                    "half_day": calendar.is_half_day(day),
                }
                for day, open_at, close_at in bounds
            ]
            self.stdout.write(json.dumps(document))
            return
        table = Table(title=f"Sessions from {first} to {last}")
        for heading in ("date", "day", "open (New York)", "close", ""):
            table.add_column(heading)
        for day, open_at, close_at in bounds:
            half = "half day" if calendar.is_half_day(day) else ""
            table.add_row(str(day), f"{day:%a}", f"{open_at:%H:%M}", f"{close_at:%H:%M}", half)
        print_table(table)
        half_days = sum(calendar.is_half_day(day) for day in days)
        self.stdout.write(f"{len(days)} sessions, {half_days} of them half days.")
