"""The funnel from alert to trade, as counts: what the demo prints and a person reads first."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q, Sum

from experiments.enums import ExecutionMode, GateOutcome
from experiments.models import DecisionRound, GateResult
from experiments.policy import PRIMARY
from optionsengine.core.enums import Intent
from orders.models import Order
from positions.enums import PositionStatus
from positions.models import Position
from signals.enums import EventStatus, SignalStatus
from signals.models import Signal, WebhookEvent


@dataclass(frozen=True, slots=True)
class Funnel:
    """Counts by name; every mapping is sorted, so that equal runs print equal tables."""

    intake: dict[str, Any]
    gates: dict[str, Any]
    orders: dict[str, Any]
    positions: dict[str, Any]
    pnl: list[dict[str, Any]]


def _counts(rows: Iterable[tuple[str, int]]) -> dict[str, int]:
    return dict(sorted((str(name), count) for name, count in rows))


def funnel_get() -> Funnel:
    """Count everything in the database, from requests to closed positions, in a fixed number of queries."""
    return Funnel(intake=_intake(), gates=_gates(), orders=_orders(), positions=_positions(), pnl=_pnl())


def _intake() -> dict[str, Any]:
    statuses = _counts(WebhookEvent.objects.values_list("status").annotate(n=Count("id")).order_by())
    return {
        "received": sum(statuses.values()),
        **{status.value: statuses.get(status.value, 0) for status in EventStatus if status != EventStatus.RECEIVED},
        "unfinished": statuses.get(EventStatus.RECEIVED, 0),
        "rejected_by_code": _counts(
            WebhookEvent.objects.filter(status=EventStatus.REJECTED).values_list("code").annotate(n=Count("id"))
        ),
        "by_family": _counts(
            WebhookEvent.objects.exclude(family="").values_list("family").annotate(n=Count("id")).order_by()
        ),
        "entry_signals": Signal.objects.filter(intent=Intent.ENTRY).count(),
        "exit_signals": Signal.objects.filter(intent=Intent.EXIT).count(),
    }


# who trades is its round's mode; where nobody does, the variant's engine sets the signal's status
_REAL = Q(decision__execution_mode=ExecutionMode.SHADOW_ONLY, engine=F("decision__experiment__variant")) | Q(
    *[Q(decision__execution_mode=mode, engine=engine) for engine, mode in PRIMARY.items()], _connector=Q.OR
)


def _gates() -> dict[str, Any]:
    """`refused` and `deferred` count the gate that decided for the real engine, once a round."""
    deciding = (
        GateResult.objects.filter(Q(engine="") | _REAL)
        .filter(outcome__in=[GateOutcome.REFUSE, GateOutcome.DEFER])
        .order_by("decision_id", "position")
        .distinct("decision_id")
        .values_list("gate", "code", "outcome")
    )
    stopped: dict[str, dict[str, int]] = {GateOutcome.REFUSE: {}, GateOutcome.DEFER: {}}
    for gate, code, outcome in deciding:
        name = f"{gate}: {code}"
        stopped[outcome][name] = stopped[outcome].get(name, 0) + 1
    return {
        "signals_decided": Signal.objects.filter(experiment__rounds__isnull=False).distinct().count(),
        "rounds": DecisionRound.objects.count(),
        "rounds_by_outcome": _counts(DecisionRound.objects.values_list("outcome").annotate(n=Count("id"))),
        "refused": dict(sorted(stopped[GateOutcome.REFUSE].items())),
        "deferred": dict(sorted(stopped[GateOutcome.DEFER].items())),
        "signals_by_status": _counts(
            Signal.objects.filter(intent=Intent.ENTRY).values_list("status").annotate(n=Count("id")).order_by()
        ),
        "exit_signals_executed": Signal.objects.filter(intent=Intent.EXIT, status=SignalStatus.EXECUTED).count(),
    }


def _orders() -> dict[str, Any]:
    rows = Order.objects.values("intent", "mode", "status").annotate(n=Count("id"), filled=Sum("filled_quantity"))
    result: dict[str, Any] = {}
    for row in sorted(rows, key=lambda row: (row["intent"], row["mode"], row["status"])):
        group = result.setdefault(f"{row['intent']} {row['mode']}", {"made": 0, "contracts": 0})
        group["made"] += row["n"]
        group["contracts"] += row["filled"] or 0
        group[row["status"]] = row["n"]
    return result


def _positions() -> dict[str, Any]:
    closed = Position.objects.filter(status=PositionStatus.CLOSED)
    return {
        "opened": Position.objects.count(),
        "open": Position.objects.exclude(status=PositionStatus.CLOSED).count(),
        "closed": closed.count(),
        "closed_by_reason": _counts(closed.values_list("exit_reason").annotate(n=Count("id")).order_by()),
    }


def _pnl() -> list[dict[str, Any]]:
    """Realised and unrealised P&L per engine and mode, in dollars as text."""
    rows = (
        Position.objects.values("engine", "mode")
        .annotate(
            closed=Count("id", filter=Q(status=PositionStatus.CLOSED)),
            open=Count("id", filter=~Q(status=PositionStatus.CLOSED)),
            wins=Count("id", filter=Q(status=PositionStatus.CLOSED, realized_pnl__gt=0)),
            realized=Sum("realized_pnl"),
            unrealized=Sum("unrealized_pnl", filter=~Q(status=PositionStatus.CLOSED)),
            commissions=Sum(F("entry_commission") + F("exit_commission")),
        )
        .order_by("engine", "mode")
    )
    return [
        {
            "engine": row["engine"],
            "mode": row["mode"],
            "closed": row["closed"],
            "wins": row["wins"],
            "open": row["open"],
            "realized": str(row["realized"] or Decimal("0.00")),
            "unrealized": str(row["unrealized"] or Decimal("0.00")),
            "commissions": str(row["commissions"] or Decimal("0.00")),
        }
        for row in rows
    ]
