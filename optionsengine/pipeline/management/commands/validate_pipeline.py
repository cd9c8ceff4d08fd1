"""`manage.py validate_pipeline`: unique signals sent to a running server, each followed to filled or rejected."""

import getpass
import json
import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from rest_framework_simplejwt.tokens import AccessToken
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from optionsengine.core import clock
from optionsengine.core.tables import print_table
from optionsengine.pipeline.validation import (
    FILLED,
    REJECTED,
    Followed,
    Sender,
    Server,
    UnreachableError,
    followed_until,
    password_login,
    signal_send,
    signals_make,
)

_MOST = 1000
_EXAMPLES = """examples:
  manage.py validate_pipeline
  manage.py validate_pipeline --send 50 --max 120 --json
  manage.py validate_pipeline --url https://desk.example.com --user ann --source desk
  manage.py validate_pipeline --cron-secret "$CRON_SECRET"

The signals are marked as tests: they trade on paper like others and stay out of limits and statistics. Outside the
exchange's session they are refused, unless the server runs with SIMULATED_MARKET_ALWAYS_OPEN=true. An entry that engine
B wants at a better price rests as a limit order, up to an hour: it is shown, and fails only with --strict.

They are followed over the REST API. On the server's own checkout that needs no password, because the key that signs
tokens is here; elsewhere give --user, and the password when asked or as a line of standard input."""


class Command(BaseCommand):
    help = "Send unique test signals to a running server and follow each to filled or rejected."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(
            prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, epilog=_EXAMPLES, **kwargs
        )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--send", type=int, default=5, metavar="N", help=f"how many signals, 1 to {_MOST} (5)")
        parser.add_argument("--url", default=f"http://127.0.0.1:{settings.PORT}", help="the server (this machine's)")
        parser.add_argument("--poll", type=float, default=0.5, metavar="SECONDS", help="between two looks (0.5)")
        parser.add_argument("--max", type=float, default=60, metavar="SECONDS", help="the longest wait (60)")
        parser.add_argument(
            "--cron-secret", metavar="S", help="drive the stages through the cron address instead of relying on workers"
        )
        parser.add_argument("--user", help="log in with this name; the password is asked for, or a line of stdin")
        parser.add_argument("--source", default="", metavar="SLUG", help="send from this webhook source")
        parser.add_argument(
            "--secret", help="sign with this instead of HMAC_SECRET; whsec_… signs as Standard Webhooks"
        )
        parser.add_argument("--token", default="", help="send this token in the body, for a token source")
        parser.add_argument("--strict", action="store_true", help="a limit order that rests at its price fails as well")
        parser.add_argument("--real", action="store_true", help="not marked as tests: limits and statistics count them")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        server = Server(_url(options["url"]), _login(options["user"]))
        if not 1 <= options["send"] <= _MOST:
            raise CommandError(f"--send must be a whole number from 1 to {_MOST}")
        if options["poll"] <= 0 or options["max"] <= 0:
            raise CommandError("--poll and --max must be more than 0 seconds")
        signed = settings.HMAC_SECRET if options["secret"] is None else options["secret"]
        sender = Sender("" if options["token"] else signed, options["source"], options["token"], not options["real"])
        passes: list[int] = []
        drive = _driver(server, options["cron_secret"], passes)
        try:
            sent = self._run(server, sender, drive, options)
        except UnreachableError as error:
            raise CommandError(str(error)) from error
        self._report(sent, passes, as_json=options["json"])
        self._judge(sent, options["max"], strict=options["strict"])

    def _run(
        self, server: Server, sender: Sender, drive: Callable[[], None], options: dict[str, Any]
    ) -> list[Followed]:
        sent = signals_make(options["send"])
        server.read("/api/v1/signals/?page_size=1")  # a login that fails must fail before anything is traded
        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            bar = progress.add_task("sent", total=len(sent))
            for one in sent:
                signal_send(server, one, sender, at=clock.now())
                progress.advance(bar)
            bar = progress.add_task("ended", total=len(sent))
            for ended in followed_until(
                server, sent, poll=options["poll"], longest=options["max"], strict=options["strict"], before=drive
            ):
                progress.update(bar, completed=len(ended))
        return sent

    def _report(self, sent: list[Followed], passes: list[int], *, as_json: bool) -> None:
        if as_json:
            document = {**_counts(sent), "cron_passes": len(passes), "signals": [asdict(one) for one in sent]}
            self.stdout.write(json.dumps(document))
            return
        print_table(_table(sent))
        counts = _counts(sent)
        self.stdout.write(
            f"{counts['sent']} sent: {counts['filled']} filled, {counts['rejected']} rejected, "
            f"{counts['resting']} resting at a limit, {counts['unfinished']} unfinished, "
            f"{counts['wrong_answers']} answered otherwise than 201 ACCEPTED."
        )
        closed = [one for one in sent if one.reason == "MARKET_CLOSED"]
        if closed:
            self.stdout.write(
                f"{len(closed)} met a closed market; SIMULATED_MARKET_ALWAYS_OPEN=true opens the simulated one."
            )

    @staticmethod
    def _judge(sent: list[Followed], longest: float, *, strict: bool) -> None:
        wrong = [one for one in sent if not one.is_accepted]
        if wrong:
            first = wrong[0]
            raise CommandError(
                f"{len(wrong)} signals were not accepted; the first was answered {first.http} {first.answer} "
                f"{first.reason}. What the code means is in the README; for 401 give --secret, --source or --token."
            )
        late = [one for one in sent if not one.is_ended and (strict or not one.is_resting)]
        if late:
            raise CommandError(
                f"{len(late)} of {len(sent)} signals are neither filled nor rejected after {longest:g} s; the first "
                f"is {late[0].status} {late[0].reason}. Look at its page in the admin, and whether the workers run "
                "(/readyz); a larger --max waits longer."
            )


def _url(given: str) -> str:
    if not given.startswith(("http://", "https://")):
        raise CommandError(f"--url must begin with http:// or https://; it is {given!r}")
    return given.rstrip("/")


def _login(user: str | None) -> Callable[[Server], str]:
    if user:
        password = getpass.getpass(f"Password of {user}: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        return password_login(user, password)
    return _own_token


def _own_token(server: Server) -> str:
    """A token for the first superuser: whoever can read this checkout's key and database could make it anyway."""
    people = get_user_model()._default_manager.filter(is_superuser=True, is_active=True).order_by("pk")
    try:
        person = people.first()
    except DatabaseError as error:
        raise UnreachableError(f"the database of this checkout does not answer ({error}): give --user.") from error
    if person is None:
        raise UnreachableError("nobody can log in yet: make the first admin with `manage.py createsuperuser`.")
    return str(AccessToken.for_user(person))


def _driver(server: Server, secret: str | None, passes: list[int]) -> Callable[[], None]:
    """What is done before each look: with a secret one pass of every stage, else nothing."""

    def drive() -> None:
        if secret is None:
            return
        status, shown = server.ask("POST", "/api/v1/cron/process-queue/", b"{}", Authorization=f"Bearer {secret}")
        if status != 200:
            said = shown.get("error") if isinstance(shown, dict) else "ENABLE_CRON_PROCESSING may be off"
            raise UnreachableError(f"the cron address answered {status}: {said}")
        passes.append(status)

    return drive


def _counts(sent: list[Followed]) -> dict[str, int]:
    return {
        "sent": len(sent),
        "filled": sum(one.status == FILLED for one in sent),
        "rejected": sum(one.status == REJECTED for one in sent),
        "resting": sum(one.is_resting and not one.is_ended for one in sent),
        "unfinished": sum(one.is_accepted and not one.is_ended and not one.is_resting for one in sent),
        "wrong_answers": sum(not one.is_accepted for one in sent),
    }


def _table(sent: list[Followed]) -> Table:
    table = Table(title="Signals followed; times in seconds after the signal was stored")
    for heading in ("signal", "answer", "decision", "order and fill", "decided", "ordered", "filled", "seen"):
        is_time = heading in ("decided", "ordered", "filled", "seen")
        table.add_column(heading, justify="right" if is_time else "left", overflow="fold")
    for one in sent:
        decided = " ".join(part for part in (one.engine, one.decision or one.status, one.reason) if part)
        times = (one.decided_after, one.ordered_after, one.filled_after, one.ended_after)
        table.add_row(
            f"{one.symbol} {one.side} {one.timeframe}",
            f"{one.http} {one.answer} {one.answered_ms:g} ms",
            "\n".join(part for part in (decided, one.gate) if part),
            "\n".join(part for part in (one.order, one.fill) if part),
            *("" if seconds is None else f"{seconds:g}" for seconds in times),
        )
    return table
