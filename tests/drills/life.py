"""One signal's life, from its webhook to its closed positions, as a sender and an operator see it from outside."""

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.test import Client

from experiments.selectors import recommendations_unordered
from optionsengine.core import clock
from optionsengine.core.enums import Intent, Mode
from optionsengine.pipeline.reconcile import invariants_check
from optionsengine.pipeline.stages import pipeline_run
from orders.enums import LIVE, OrderStatus
from orders.models import Order, Trade
from positions.enums import ExitReason, PositionStatus
from positions.models import BiasTradePerformance, Position
from signals.enums import EventStatus, SignalStatus, SourceMode
from signals.models import Signal, WebhookEvent
from signals.services import webhook_source_create
from signals.source_snapshot import sources_forget

SECRET = "the drill's own shared secret"
# at this moment both engines approve this signal on the simulated market of seed 1
ENTRY_AT = datetime(2026, 3, 10, 16, 0, 2, tzinfo=UTC)
EXIT_AT = ENTRY_AT + timedelta(minutes=3)
LATER = ENTRY_AT + timedelta(minutes=30)
WRITTEN = [
    *("exit_alerts", "bias_trade_performance", "equity_snapshots", "position_marks", "position_events", "positions"),
    *("trades", "order_events", "orders"),
    *("approvals", "agent_decisions", "gate_results", "decision_recommendations", "market_contexts", "experiments"),
    *("signal_dedupe", "signal_events", "signals", "webhook_events"),
    *("bias_state_current", "iv_days", "config_versions", "drawdown_freezes"),
    *("job_runs", "alerts", "django_q_ormq"),
]


@dataclass(frozen=True)
class Message:
    at: datetime
    body: dict[str, Any]


MESSAGES = (
    Message(
        ENTRY_AT,
        {
            "signal_id": "drill-entry",
            "symbol": "AMD",
            "direction": "long",
            "timeframe": "1h",
            "timestamp": (ENTRY_AT - timedelta(hours=1, seconds=2)).isoformat(),
            "confidence": 85,
        },
    ),
    Message(EXIT_AT, {"signal_id": "drill-exit", "symbol": "AMD", "action": "CLOSE", "timeframe": "1h"}),
)

SWEEPS = 3  # that many bring everything to its end, or nothing will
SENT = 0  # sent, not answered
Ledger = Callable[[int, int], None]  # message number, HTTP status: what the sender saw


def source_create() -> None:
    webhook_source_create(
        slug="drill",
        name="Drill",
        mode=SourceMode.HMAC,
        at=datetime(2026, 1, 1, tzinfo=UTC),
        secret=SECRET,
        is_default=True,
    )


def rows_clear() -> None:
    """Empty the tables a life writes, leaf tables first: for a few rows that is much faster than TRUNCATE."""
    with connection.cursor() as cursor:
        cursor.execute(";".join(f"DELETE FROM {table}" for table in WRITTEN))


def message_send(message: Message, at: datetime) -> int:
    body = json.dumps(message.body).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    sources_forget()  # whether the sources are read again must not hang on how long the life has taken
    with clock.frozen(at):
        response = Client(raise_request_exception=False).post(
            "/webhook", body, content_type="application/json", headers={"x-webhook-signature": signature}
        )
    return response.status_code


def stages_run(at: datetime) -> None:
    with clock.frozen(at):
        pipeline_run(at=at)


def life_play(ledger: Ledger) -> None:
    """Send both messages, running every stage after each, and note each answer in the sender's ledger."""
    for number, message in enumerate(MESSAGES):
        ledger(number, SENT)
        leases_run_out()  # minutes pass between two messages
        answer = message_send(message, message.at)
        if answer >= 500:  # TradingView repeats after five seconds
            answer = message_send(message, message.at + timedelta(seconds=5))
        ledger(number, answer)
        stages_run(message.at + timedelta(seconds=5))


def leases_run_out() -> None:
    """Let the database's clock pass every lease."""
    with connection.cursor() as cursor:
        for table in ("webhook_events", "signals", "orders"):
            cursor.execute(
                f"UPDATE {table} SET claimed_until = now() - interval '1 second' WHERE claimed_until > now()"
            )


def is_unfinished() -> bool:
    """Tell whether anything is left that a sweep would carry on with."""
    return (
        WebhookEvent.objects.filter(status=EventStatus.RECEIVED).exists()
        or Signal.objects.filter(status__in=(SignalStatus.PENDING, SignalStatus.APPROVED)).exists()
        or Order.objects.filter(status__in=LIVE).exists()
        or recommendations_unordered().exists()
    )


def heal(seen: dict[int, int]) -> None:
    """What follows a crash: leases run out, the sweeps come round, and the sender repeats what was not acknowledged."""
    at = MESSAGES[max(seen)].at + timedelta(seconds=15)
    for number, message in enumerate(MESSAGES):
        if number not in seen:
            at = max(at, message.at)
        if not 200 <= seen.get(number, SENT) < 300:
            seen[number] = message_send(message, at)
        for _ in range(SWEEPS):
            leases_run_out()
            at += timedelta(seconds=40)
            stages_run(at)
            if not is_unfinished():
                break


def life_check(seen: dict[int, int]) -> None:
    """The one right end: everything once, all of it booked, every invariant examined and whole."""
    assert all(200 <= seen[number] < 300 for number in range(len(MESSAGES))), seen
    ids = [message.body["signal_id"] for message in MESSAGES]
    accepted = WebhookEvent.objects.filter(status=EventStatus.ACCEPTED).values_list("sender_event_id", flat=True)
    assert sorted(accepted) == sorted(ids)
    assert not WebhookEvent.objects.filter(status=EventStatus.RECEIVED).exists()
    assert sorted(Signal.objects.values_list("intent", "status")) == [
        (Intent.ENTRY, SignalStatus.EXECUTED),
        (Intent.EXIT, SignalStatus.EXECUTED),
    ]
    assert sorted(Order.objects.values_list("intent", "mode", "status")) == [
        (intent, mode, OrderStatus.FILLED)
        for intent in (Intent.ENTRY, Intent.EXIT)
        for mode in (Mode.PAPER, Mode.SHADOW)
    ]
    assert Trade.objects.count() == 4
    assert sorted(Position.objects.values_list("mode", "status", "quantity", "exit_reason")) == [
        (mode, PositionStatus.CLOSED, 0, ExitReason.EXIT_SIGNAL) for mode in (Mode.PAPER, Mode.SHADOW)
    ]
    assert BiasTradePerformance.objects.count() == 2
    for result in invariants_check(at=LATER, replay_limit=None):
        assert result.rows > 0, f"invariant {result.number} examined nothing"
        assert result.broken == 0, (result.number, result.name, result.examples)
