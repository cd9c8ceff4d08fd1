"""The demo: a recorded trading day through the whole house, in a database of its own, with seeded ids."""

import gc
import hashlib
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client
from django.test.utils import override_settings

from experiments.models import RiskLimit
from optionsengine.core import clock, ids
from optionsengine.market import calendar
from optionsengine.market.iv_services import iv_days_backfill
from optionsengine.market.providers.simulated import SimulatedProvider
from optionsengine.market.selectors import provider_get
from optionsengine.pipeline.funnel import Funnel, funnel_get
from optionsengine.pipeline.reconcile import InvariantResult, invariants_check
from optionsengine.pipeline.recording import Credentials, RecordedRequest, recording_read, request_send
from optionsengine.pipeline.stages import pipeline_run
from signals.enums import SourceMode
from signals.services import webhook_source_create

DAY = Path(__file__).resolve().parent.parent / "samples" / "day.jsonl"
SEED = 20260310
RECORDED = ("NVDA", "SPY")  # the other symbols have no history yet
RECORDED_SESSIONS = 30
MAX_DOLLAR_DELTA = Decimal(100000)
# the demo's senders exist in its throw-away database only
CREDENTIALS = Credentials(
    hmac_secret=hashlib.sha256(b"demo hmac").hexdigest(), token=hashlib.sha256(b"demo").hexdigest()
)
SETTINGS: dict[str, Any] = {
    "DEBUG": False,  # in DEBUG Django keeps the text of every query
    "APP_MODE": "PAPER",
    "HMAC_SECRET": "",
    "MARKET_DATA_PROVIDERS": ["simulated"],
    "SIMULATED_MARKET_SEED": 7,
    "SIMULATED_MARKET_ALWAYS_OPEN": False,
    "AB_SPLIT_PERCENTAGE": 50,
    "SIGNAL_MAX_AGE_SECONDS": 1800,
    "EXIT_WAIT_SECONDS": 60,
    "ALLOW_DELAYED_FEED": False,
    "APPROVAL": "auto",
    "ENABLE_ORCHESTRATOR": True,
    "ENABLE_PORTFOLIO_GUARD": True,
    "ENABLE_SETUP_VALIDATOR": True,
    "ENABLE_CONFLUENCE_GATE": True,
    "CONFLUENCE_MIN_THRESHOLD": Decimal("50"),
    "MAX_VIX_FOR_ENTRY": Decimal("50"),
    "REQUIRE_MTF_BIAS_FOR_ENTRY": True,
    "BIAS_SOURCE": "both",
    "PAPER_STARTING_EQUITY": Decimal("100000"),
    "RISK_PER_TRADE_PERCENT": Decimal("1"),
    "RISK_PER_TRADE_MAX_PERCENT": Decimal("2"),
    "MAX_CONTRACTS_PER_TRADE": 10,
    "QUOTE_MAX_AGE_SECONDS": 120,
    "PAPER_FILL_CROSS": Decimal("0.75"),
    "COMMISSION_PER_CONTRACT": Decimal("0.65"),
    "ALLOWED_HOSTS": ["testserver"],
    "SECURE_SSL_REDIRECT": False,
    "EXECUTOR_INTERVAL": 10,
}


class DemoRunningError(RuntimeError):
    """Two demos at once would play into one database."""


@dataclass(frozen=True, slots=True)
class DemoResult:
    funnel: Funnel
    invariants: list[InvariantResult]
    duration_s: float

    @property
    def broken(self) -> int:
        return sum(result.broken for result in self.invariants)

    @property
    def unexamined(self) -> list[str]:
        """Invariants that looked at nothing: a demo that proves nothing of them has failed."""
        return [result.name for result in self.invariants if not result.rows]

    def document(self) -> dict[str, Any]:
        """The one JSON object of `manage.py demo --json`."""
        return {
            "intake": self.funnel.intake,
            "gates": self.funnel.gates,
            "orders": self.funnel.orders,
            "positions": self.funnel.positions,
            "pnl": self.funnel.pnl,
            "invariants": {
                "checked": len(self.invariants),
                "broken": self.broken,
                "rows": sum(result.rows for result in self.invariants),
            },
            "duration_s": round(self.duration_s, 1),
        }


@contextmanager
def demo_database() -> Iterator[str]:
    """Point the default connection at a fresh database `<name>_demo`, migrated; it is kept for looking around."""
    original = connection.settings_dict["NAME"]
    name = f"{original}_demo"
    with connection._nodb_cursor() as cursor:
        quoted = connection.ops.quote_name(name)
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [name])
        if not cursor.fetchone()[0]:
            raise DemoRunningError(f"another demo is using the database {name}: wait until it ends")
        cursor.execute(f"DROP DATABASE IF EXISTS {quoted} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {quoted}")
        connections.close_all()
        settings.DATABASES["default"]["NAME"] = name
        connection.settings_dict["NAME"] = name
        try:
            call_command("migrate", verbosity=0, interactive=False)
            with connection.cursor() as own:
                own.execute("SET synchronous_commit = off")  # a crash of the demo loses nothing anybody needs
            yield name
        finally:
            connections.close_all()
            settings.DATABASES["default"]["NAME"] = original
            connection.settings_dict["NAME"] = original


def demo_run(progress: Callable[[datetime, int, int], None], *, recording: Path = DAY) -> DemoResult:
    """Play the recorded day minute by minute to the close and return what became of it.

    Each request goes through the real URL, middleware and view at its own clock, and every stage runs after it; then
    the market clock steps on, every stage once a minute. `progress` gets the clock, the steps done and their number.
    """
    started = time.perf_counter()
    requests = list(recording_read(recording))
    with ExitStack() as stack:
        stack.enter_context(override_settings(**SETTINGS))
        logging.disable(logging.WARNING)  # the day's rejects are its subject, not the terminal's
        stack.callback(logging.disable, logging.NOTSET)
        gc.disable()  # a short process that makes no cycles worth a tenth of its time
        stack.callback(gc.enable)
        stack.enter_context(demo_database())
        stack.enter_context(ids.seeded(SEED))
        stack.enter_context(clock.frozen(requests[0].at))
        _world_create(requests[0].at)
        close = calendar.session_bounds(calendar.new_york_day(requests[0].at))[1]
        end = max(close, requests[-1].at) + timedelta(minutes=1)
        steps = list(_steps(requests, end))
        client = Client(raise_request_exception=False)
        for number, (at, request) in enumerate(steps, 1):
            with clock.frozen(at):
                if request is not None:
                    request_send(client, request, CREDENTIALS)
                pipeline_run(at=at)
            progress(at, number, len(steps))
        results = invariants_check(at=end, replay_limit=None)
        return DemoResult(funnel_get(), results, time.perf_counter() - started)


def _world_create(at: datetime) -> None:
    """Make what a day finds: senders, limits, and the volatilities of the sessions before it."""
    _sources_create(at)
    # a fifth of the documented limit, so that one day comes near it
    RiskLimit.objects.create(name="demo", max_dollar_delta=MAX_DOLLAR_DELTA, created_at=at, updated_at=at)
    provider = provider_get()
    assert isinstance(provider, SimulatedProvider)
    for symbol in RECORDED:
        iv_days_backfill(symbol=symbol, provider=provider, at=at, days=RECORDED_SESSIONS)


def _sources_create(at: datetime) -> None:
    webhook_source_create(
        slug="signer",
        name="Signing sender",
        mode=SourceMode.HMAC,
        at=at,
        secret=CREDENTIALS.hmac_secret,
        is_default=True,
    )
    webhook_source_create(
        slug="tradingview", name="TradingView", mode=SourceMode.TOKEN, at=at, secret=CREDENTIALS.token
    )


def _steps(requests: list[RecordedRequest], end: datetime) -> Iterator[tuple[datetime, RecordedRequest | None]]:
    """Yield each request at its own time, and every minute up to `end` in which none comes."""
    busy = {request.at.replace(second=0, microsecond=0) for request in requests}
    minute = min(busy)
    pending = deque(requests)
    while minute <= end:
        following = minute + timedelta(minutes=1)
        while pending and pending[0].at < following:
            request = pending.popleft()
            yield request.at, request
        if minute not in busy:
            yield minute, None
        minute = following
