"""`manage.py expiries`: the option expirations ahead."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.table import Table

from optionsengine.core import clock
from optionsengine.core.tables import print_table
from optionsengine.market import calendar
from optionsengine.market.expiries import MAX_WEEKS, Expiry, expiries_ahead, option_close

DEFAULT_WEEKS = 8


class Command(BaseCommand):
    help = (
        "List the weekly and monthly option expirations ahead, moved for holidays; with a symbol its daily ones, too. "
        "Example: manage.py expiries --weeks 8 --symbol SPY"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--weeks", type=int, default=DEFAULT_WEEKS, help=f"how far to look, 1 to {MAX_WEEKS}; {DEFAULT_WEEKS}"
        )
        parser.add_argument("--symbol", default="", help="a stock, fund or index, e.g. SPY")
        parser.add_argument("--json", action="store_true", help="print one JSON list instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        symbol = options["symbol"].strip().upper()
        at = clock.now()
        try:
            found = expiries_ahead(at, weeks=options["weeks"], symbol=symbol)
        except ValueError as error:
            raise CommandError(f"{error}; say --weeks {DEFAULT_WEEKS}") from error
        except calendar.CalendarRangeError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps([_document(each) for each in found]))
            return
        table = Table(title=f"Expirations of {symbol or 'any symbol'} in {options['weeks']} weeks")
        for heading in ("date", "day", "kind", "dies (New York)", "days left", ""):
            table.add_column(heading, justify="right" if heading == "days left" else "left")
        for each in found:
            table.add_row(
                str(each.day),
                f"{each.day:%a}",
                each.kind.value,
                f"{each.expires_at.astimezone(calendar.NEW_YORK):%H:%M}",
                f"{calendar.dte(each.day, at):.1f}",
                f"{each.moved_from} is a holiday" if each.moved_from else "",
            )
        print_table(table)
        if symbol:
            day = calendar.new_york_day(calendar.next_close(at))
            until = option_close(day, symbol=symbol, expiration=found[-1].day).astimezone(calendar.NEW_YORK)
            self.stdout.write(f"Those that outlive {day} trade until {until:%H:%M} that day.")


def _document(each: Expiry) -> dict[str, Any]:
    return {
        "date": each.day.isoformat(),
        "kind": each.kind.value,
        "expires_at": each.expires_at.astimezone(calendar.NEW_YORK).isoformat(),
        "moved_from": None if each.moved_from is None else each.moved_from.isoformat(),
    }
