"""`manage.py wal status|drain|replay`: what waits for the database, and stored requests read again."""

import json
import math
from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from optionsengine.core import clock
from optionsengine.core.errors import Transient
from optionsengine.core.tables import print_table
from optionsengine.pipeline.replays import Replayed, events_replay, outcomes_count
from optionsengine.pipeline.write_ahead import spool_drain, spool_open
from optionsengine.pipeline.write_ahead_status import WriteAheadStatus, write_ahead_status
from signals.enums import EventStatus
from signals.models import WebhookEvent
from signals.selectors import events_finished

_EXAMPLES = """examples:
  manage.py wal status --json
  manage.py wal drain
  manage.py wal replay --failed --dry-run
  manage.py wal replay --since 2026-02-05T14:30 --until 2026-02-05T15:00 --status rejected
  manage.py wal replay --id 019c2e51-3d50-7065-82af-50b10f046245

A replay is always safe: what had its effect stays as it is, and everything else counts its age and its duplicates
from its first arrival."""
_REPLAYABLE = (EventStatus.DUPLICATE, EventStatus.IGNORED, EventStatus.REJECTED, EventStatus.FAILED)
_SHOWN_ROWS = 50


class Command(BaseCommand):
    help = "Look at what waits for the database, move it into the inbox now, or have stored requests read again."
    requires_system_checks: list[str] = []  # one looks at it when the database is away

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(
            prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, epilog=_EXAMPLES, **kwargs
        )

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True, metavar="status|drain|replay")
        status = acts.add_parser("status", help="what waits in this host's spool and in the inbox")
        drain = acts.add_parser("drain", help="move this host's spool into the inbox now")
        replay = acts.add_parser(
            "replay",
            help="have stored requests read again",
            formatter_class=RawDescriptionHelpFormatter,
            epilog=_EXAMPLES,
        )
        which = replay.add_mutually_exclusive_group(required=True)
        which.add_argument("--failed", action="store_true", help="every request on which the engine failed")
        which.add_argument("--since", type=_moment, metavar="WHEN", help="what arrived from then on; ISO 8601, UTC")
        which.add_argument("--id", type=UUID, nargs="+", metavar="ID", help="these requests")
        replay.add_argument("--until", type=_moment, metavar="WHEN", help="with --since: what arrived before then")
        replay.add_argument(
            "--status",
            nargs="+",
            choices=[status.value for status in _REPLAYABLE],
            help="with --since: what ended so; all four if not given",
        )
        replay.add_argument("--dry-run", action="store_true", help="say what would be replayed and change nothing")
        for act in (status, drain, replay):
            act.add_argument("--json", action="store_true", help="print one JSON object instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            match options["act"]:
                case "status":
                    self._status(as_json=options["json"])
                case "drain":
                    self._drain(as_json=options["json"])
                case "replay":
                    self._replay(options)
        except (Transient, DatabaseError, InterfaceError) as error:
            said = str(error).partition("\n")[0]
            raise CommandError(f"{said}. What was not done stays as it was; try again.") from error

    def _status(self, *, as_json: bool) -> None:
        status = write_ahead_status()
        if as_json:
            self.stdout.write(json.dumps(status.document()))
        else:
            print_table(_status_table(status))

    def _drain(self, *, as_json: bool) -> None:
        at = clock.now()
        with _progress("reading the spool", spool_open().status().records) as step:
            report = spool_drain(at=at, seconds=math.inf, progress=step)
        left = spool_open().status()
        if as_json:
            self.stdout.write(json.dumps({**report.counts(), "left": left.records, "bad_files": left.bad_files}))
        else:
            table = Table(title="This host's spool is drained" if not left.records else "Something is left")
            for heading in (*report.counts(), "left"):
                table.add_column(heading, justify="right")
            table.add_row(*(str(count) for count in report.counts().values()), str(left.records))
            print_table(table)
        if left.records:
            raise CommandError(f"{left.records} requests still wait; another process may be draining. Try again.")
        if report.failed:
            raise CommandError(
                f"{report.failed} requests failed or are damaged; see Requests and Alerts in the admin, and wal status"
            )

    def _replay(self, options: dict[str, Any]) -> None:
        if (options["until"] or options["status"]) and options["since"] is None:
            raise CommandError("--until and --status go with --since")
        ids = _chosen(options)
        if options["dry_run"]:
            self._tell_planned(ids, as_json=options["json"])
            return
        with _progress("reading again", len(ids)) as step:
            results = events_replay(event_ids=ids, actor="manage.py wal", at=clock.now(), progress=step)
        failed = [result for result in results if result.is_failure]
        if options["json"]:
            requests = [_row(result) for result in results]
            counts = outcomes_count(results)
            self.stdout.write(json.dumps({"dry_run": False, "outcomes": counts, "requests": requests}))
        else:
            print_table(_outcomes_table(results), *([_failed_table(failed)] if failed else []))
        if failed:
            raise CommandError(f"{len(failed)} of {len(results)} could not be read again, or failed again")

    def _tell_planned(self, ids: list[UUID], *, as_json: bool) -> None:
        if as_json:
            requests = [{"id": str(event_id)} for event_id in ids]
            self.stdout.write(json.dumps({"dry_run": True, "outcomes": {}, "requests": requests}))
            return
        table = Table(title=f"{len(ids)} requests would be read again")
        for heading in ("request", "arrived", "status", "code", "symbol"):
            table.add_column(heading)
        shown = WebhookEvent.objects.in_bulk(ids[:_SHOWN_ROWS])
        for event_id in ids[:_SHOWN_ROWS]:
            row = shown.get(event_id)
            if row is None:
                table.add_row(str(event_id), "", "unknown", "", "")
            else:
                table.add_row(str(row.pk), f"{row.created_at:%Y-%m-%d %H:%M:%S}", row.status, row.code, row.symbol)
        if len(ids) > _SHOWN_ROWS:
            table.add_row(f"and {len(ids) - _SHOWN_ROWS} more", "", "", "", "")
        print_table(table)


def _moment(text: str) -> datetime:
    """Read ISO 8601; UTC where no offset is given."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no time; write it like 2026-03-10T14:30 or 2026-03-10") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _chosen(options: dict[str, Any]) -> list[UUID]:
    if options["id"]:
        return list(dict.fromkeys(options["id"]))
    statuses: tuple[EventStatus, ...] = _REPLAYABLE
    if options["failed"]:
        statuses = (EventStatus.FAILED,)
    elif options["status"]:
        statuses = tuple(EventStatus(status) for status in options["status"])
    rows = events_finished(statuses=statuses, since=options["since"], until=options["until"])
    return list(rows.values_list("pk", flat=True))


@contextmanager
def _progress(title: str, total: int) -> Iterator[Callable[[], object]]:
    # on the standard error, so that --json stays one object
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda: bar.advance(task)


def _status_table(status: WriteAheadStatus) -> Table:
    table = Table(title="What waits", show_header=False)
    table.add_column("what")
    table.add_column("how much", justify="right")
    spool, inbox = status.spool, status.inbox
    table.add_row("requests in this host's spool", str(spool.records))
    table.add_row("  oldest", _when(status.oldest_at))
    table.add_row("  files", str(spool.files))
    table.add_row("  bytes, of at most", f"{spool.size:,} of {spool.max_size:,} ({spool.fill:.0%})")
    table.add_row("  files of damaged records", str(len(spool.bad_files)))
    for name in spool.bad_files:
        table.add_row(f"    {name}", "")
    if inbox is None:
        table.add_row("[red]the inbox cannot be read[/red]", "")
        table.add_row(f"  {status.said}", "")
    else:
        table.add_row("unfinished requests in the inbox", str(inbox.unfinished))
        table.add_row("  oldest", _when(inbox.oldest_at))
        table.add_row("failed requests in the inbox", str(inbox.failed))
    return table


def _when(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _outcomes_table(results: list[Replayed]) -> Table:
    table = Table(title=f"{len(results)} requests read again")
    table.add_column("now")
    table.add_column("requests", justify="right")
    for outcome, count in outcomes_count(results).items():
        table.add_row(outcome.replace("_", " "), str(count))
    return table


def _failed_table(failed: list[Replayed]) -> Table:
    table = Table(title="To look at")
    for heading in ("request", "code", "why"):
        table.add_column(heading)
    for result in failed[:_SHOWN_ROWS]:
        table.add_row(str(result.event_id), result.code, result.message)
    if len(failed) > _SHOWN_ROWS:
        table.add_row(f"and {len(failed) - _SHOWN_ROWS} more", "", "")
    return table


def _row(result: Replayed) -> dict[str, str]:
    return {
        "id": str(result.event_id),
        "outcome": result.outcome,
        "code": result.code,
        "message": result.message,
    }
