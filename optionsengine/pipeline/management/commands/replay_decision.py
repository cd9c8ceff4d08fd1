"""`manage.py replay_decision`: decide stored decisions again from their frozen inputs; compare, or try out settings."""

import json
from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q, QuerySet
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from experiments.models import DecisionRound
from experiments.replay import ReplayResult, decision_replay, decision_what_if, rounds_to_replay
from experiments.what_if import Changes, NotReplayable, WhatIfInvalid, changes_read
from experiments.what_if_report import Change, Report, plan_trade, plan_word
from optionsengine.core.canonical import canonical_json
from optionsengine.core.tables import print_table

SHOWN = 20

EXAMPLES = """examples:
  manage.py replay_decision --all
  manage.py replay_decision 019c2e51-3d50-7065-82af-50b10f046245 --json
  manage.py replay_decision --all --with RISK_PER_TRADE_PERCENT=0.5
  manage.py replay_decision --since 2026-02-05T14:30 --symbol SPY --with risk_limits.max_open_positions=3
  manage.py replay_decision --limit 500 --with bias.gating.chop_limit=60 --with enable_ttm_specialist=false

A key of --with is a setting of the environment, risk_limits.COLUMN, bias.SECTION.KEY or enable_AGENT; an empty value
is the default. Nothing is changed by trying. Each decision is judged by itself, with the book as it was."""


class Command(BaseCommand):
    help = (
        "Decide stored decisions again, with the database and the clock shut off, and compare byte for byte. "
        "With --with, show instead which of them other settings would change."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.epilog, parser.formatter_class = EXAMPLES, RawDescriptionHelpFormatter
        parser.add_argument("id", nargs="?", type=UUID, help="a decision's id, or a signal's for all its rounds")
        parser.add_argument("--all", action="store_true", help="every stored decision")
        parser.add_argument("--since", type=_moment, metavar="WHEN", help="those made from then on; ISO 8601, UTC")
        parser.add_argument("--symbol", help="those of one underlying")
        parser.add_argument("--limit", type=_count, metavar="N", help="the newest so many")
        parser.add_argument(
            "--with",
            dest="changes",
            action="append",
            default=[],
            type=_assignment,
            metavar="KEY=VALUE",
            help="decide with this setting instead of the frozen one; may be given several times",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        changes = _changes(options["changes"])
        rounds = _chosen(options)
        total = rounds.count()
        if not total:
            raise CommandError("no decision found; ids are shown on the signal's page in the admin")
        if changes is None:
            self._compare(rounds, total, as_json=options["json"])
        else:
            self._try_out(rounds, total, changes, dict(options["changes"]), as_json=options["json"])

    def _compare(self, rounds: QuerySet[DecisionRound], total: int, *, as_json: bool) -> None:
        replayed = 0
        differing: list[ReplayResult] = []
        for decision in _counted("replaying", rounds_to_replay(rounds), total):
            replayed += 1
            result = decision_replay(decision)
            if not result.is_same:
                differing.append(result)
        if as_json:
            document = {
                "replayed": replayed,
                "differing": len(differing),
                "differences": {str(result.id): result.differences for result in differing},
            }
            self.stdout.write(json.dumps(document))
        elif differing:
            table = Table(title=f"{replayed} replayed, {len(differing)} differing")
            table.add_column("decision")
            table.add_column("difference")
            for result in differing[:SHOWN]:
                for difference in result.differences:
                    table.add_row(str(result.id), difference)
            print_table(table)
            if len(differing) > SHOWN:
                self.stdout.write(f"The first {SHOWN} are shown; --json has all.")
        else:
            self.stdout.write(f"Clean: {replayed} decisions replayed, each the same to the byte.")
        if differing:
            raise CommandError(f"{len(differing)} of {replayed} decisions differ")

    def _try_out(
        self,
        rounds: QuerySet[DecisionRound],
        total: int,
        changes: Changes,
        given: dict[str, str],
        *,
        as_json: bool,
    ) -> None:
        report = Report()
        for decision in _counted("deciding again", _inputs_only(rounds), total):
            try:
                compared = decision_what_if(decision, changes)
            except WhatIfInvalid as error:
                raise CommandError(str(error)) from None
            except NotReplayable:
                report.unreadable += 1
                continue
            signal_id = decision.experiment.signal_id
            report.add(Change(decision.id, signal_id, compared), stored=(decision.outcome, decision.code))
        if as_json:
            self.stdout.write(canonical_json({"with": given, **report.as_json()}))
            return
        if report.changed:
            print_table(_outcomes_table(report), _changes_table(report))
        for sentence in report.told():
            self.stdout.write(sentence)
        if report.changed > SHOWN:
            self.stdout.write(f"The newest {SHOWN} changes are shown; --json has all.")


def _outcomes_table(report: Report) -> Table:
    table = Table(title="what would change")
    for name in ("now", "then"):
        table.add_column(name)
    table.add_column("decisions", justify="right")
    for (before, after), count in report.outcomes.most_common():
        table.add_row(before, after, str(count))
    return table


def _changes_table(report: Report) -> Table:
    table = Table(title=f"{min(SHOWN, report.changed)} of {report.changed} changed decisions")
    for name in ("signal", "at (UTC)", "now", "then", "decided by"):
        table.add_column(name)
    for change in report.changes[:SHOWN]:
        seen = change.compared
        before, after = seen.before, seen.after
        table.add_row(
            f"{seen.symbol} {seen.side} ({after.engine.value})",
            f"{seen.at:%Y-%m-%d %H:%M:%S}",
            plan_trade(before) or plan_word(before),
            plan_trade(after) or plan_word(after),
            after.gate or "no gate objects",
        )
    return table


def _changes(given: list[tuple[str, str]]) -> Changes | None:
    if not given:
        return None
    if len({key.lower() for key, _ in given}) < len(given):
        raise CommandError("a key of --with is given twice; give it once")
    try:
        return changes_read(dict(given))
    except (NotReplayable, WhatIfInvalid) as error:
        raise CommandError(str(error)) from None


def _chosen(options: dict[str, Any]) -> QuerySet[DecisionRound]:
    """Return the rounds asked for, newest first."""
    id, since, symbol, limit = (options[name] for name in ("id", "since", "symbol", "limit"))
    is_narrowed = since is not None or bool(symbol) or limit is not None
    if id is not None and (options["all"] or is_narrowed):
        raise CommandError("give either one ID or which decisions: --all, --since, --symbol, --limit")
    if id is None and not options["all"] and not is_narrowed:
        raise CommandError("give one ID, or which decisions: --all, --since, --symbol, --limit")
    rounds = DecisionRound.objects.order_by("-created_at", "-id")
    if id is not None:
        return rounds.filter(Q(pk=id) | Q(experiment__signal_id=id))
    if since is not None:
        rounds = rounds.filter(created_at__gte=since)
    if symbol:
        rounds = rounds.filter(experiment__signal__symbol=symbol.strip().upper())
    return rounds if limit is None else rounds[:limit]


def _inputs_only(rounds: QuerySet[DecisionRound]) -> Iterator[DecisionRound]:
    return rounds.select_related("experiment").iterator(chunk_size=100)


def _counted(title: str, rounds: Iterator[DecisionRound], total: int) -> Iterator[DecisionRound]:
    # on the standard error, so that --json stays one object
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield from bar.track(rounds, total=total, description=title)


def _assignment(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key.strip():
        raise ArgumentTypeError(f"give KEY=VALUE, for example RISK_PER_TRADE_PERCENT=0.5, instead of {text!r}")
    return key.strip(), value.strip()


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError(f"give a whole number from 1 instead of {text!r}")
    return int(text)


def _moment(text: str) -> datetime:
    """Read ISO 8601; UTC where no offset is given."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no time; write it like 2026-03-10T14:30 or 2026-03-10") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
