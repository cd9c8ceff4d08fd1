"""The whole life of one signal, read once: what the review page and the API show."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet, TextField, Window
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce, RowNumber

from experiments.models import AgentDecision, Approval, DecisionRound, Experiment, GateResult, Recommendation
from optionsengine.core.enums import Engine, Mode
from orders.models import Order, OrderEvent, Trade
from positions.data import ReportedPnl
from positions.models import ExitAlert, Position, PositionEvent, PositionMark
from positions.selectors import reported_pnl_get
from signals.enums import SignalStatus
from signals.models import Signal, SignalEvent

ROUNDS_SHOWN = 60
MARKS_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened, for the story told in order; `until` if it then repeated itself up to that moment."""

    at: datetime
    kind: str
    title: str
    detail: str = ""
    actor: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class EngineLife:
    """One engine in one round: its own gates and what it recommended; `is_real` if its word counts."""

    engine: str
    is_real: bool
    recommendation: Recommendation | None
    gates: list[GateResult] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RoundLife:
    """One round, with its `approval` if it was put to a person."""

    decision: DecisionRound
    shared_gates: list[GateResult]
    engines: list[EngineLife]
    votes: list[AgentDecision]
    approval: Approval | None


@dataclass(frozen=True, slots=True)
class OrderLife:
    order: Order
    changes: list[OrderEvent]
    trades: list[Trade]


@dataclass(frozen=True, slots=True)
class PositionLife:
    """`marks` are the newest `MARKS_SHOWN`, newest first."""

    position: Position
    changes: list[PositionEvent]
    marks: list[PositionMark]
    alerts: list[ExitAlert]


def signal_timeline(signal_id: UUID) -> dict[str, Any]:
    """Return the life of one signal in a fixed number of queries, however much happened.

    Keys: `signal` (its event and source loaded), `experiment` or None, `changes`, `rounds` (newest first, at most
    `ROUNDS_SHOWN`) with `rounds_total`, `orders`, `positions`, `exit_signals`, `reported_pnl` (of an exit whose sender
    reports one) and `story`, every `Moment` in order.
    Of an exit signal the orders are those it caused, and the positions those it closed.

    :raises Signal.DoesNotExist: if there is no such signal.
    """
    signal = Signal.objects.select_related("event", "source").defer("event__body").get(pk=signal_id)
    changes = list(signal.changes.order_by("created_at", "id"))
    experiment = Experiment.objects.filter(signal=signal).first()
    rounds = _rounds(experiment)
    orders = _orders(signal)
    positions = _positions(signal, [life.order for life in orders])
    reported = reported_pnl_get(signal)
    exits = {life.order.exit_signal for life in orders if life.order.exit_signal is not None}
    return {
        "signal": signal,
        "experiment": experiment,
        "changes": changes,
        "rounds": rounds,
        "rounds_total": rounds[0].decision.round if rounds else 0,
        "orders": orders,
        "positions": positions,
        "exit_signals": sorted((one for one in exits if one.pk != signal.pk), key=lambda one: one.created_at),
        "reported_pnl": reported,
        "story": _story(signal, changes, rounds, orders, positions, reported),
    }


def _by(rows: Iterable[Any], key: str) -> dict[UUID, list[Any]]:
    grouped: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        grouped[getattr(row, key)].append(row)
    return grouped


def _rounds(experiment: Experiment | None) -> list[RoundLife]:
    if experiment is None:
        return []
    return rounds_read(DecisionRound.objects.filter(experiment=experiment).order_by("-round")[:ROUNDS_SHOWN])


def rounds_read(rounds: QuerySet[DecisionRound]) -> list[RoundLife]:
    """Return the lives of `rounds` in their order, in a fixed number of queries."""
    # the frozen inputs are up to 16 KB a round and have a page of their own
    decided_by = Coalesce(KT("inputs__variant"), F("experiment__variant"), output_field=TextField())
    decisions = list(rounds.defer("inputs").select_related("approval").annotate(decided_by=decided_by))
    ids = [decision.pk for decision in decisions]
    gates = _by(GateResult.objects.filter(decision__in=ids).order_by("position", "engine"), "decision_id")
    votes = _by(AgentDecision.objects.filter(decision__in=ids).order_by("-weight", "agent"), "decision_id")
    advice = _by(Recommendation.objects.filter(decision__in=ids).order_by("engine"), "decision_id")
    return [
        RoundLife(
            decision=decision,
            shared_gates=[gate for gate in gates[decision.pk] if not gate.engine],
            engines=[
                EngineLife(
                    engine=engine,
                    is_real=engine == decision.decided_by,
                    recommendation=next((one for one in advice[decision.pk] if one.engine == engine), None),
                    gates=[gate for gate in gates[decision.pk] if gate.engine == engine],
                )
                for engine in Engine.values
            ],
            votes=votes[decision.pk],
            approval=getattr(decision, "approval", None),
        )
        for decision in decisions
    ]


def _orders(signal: Signal) -> list[OrderLife]:
    orders = list(
        Order.objects.filter(Q(signal=signal) | Q(exit_signal=signal))
        .select_related("exit_signal")
        .order_by("created_at", "id")
    )
    changes = _by(OrderEvent.objects.filter(order__in=orders).order_by("created_at", "id"), "order_id")
    trades = _by(Trade.objects.filter(order__in=orders).order_by("created_at", "id"), "order_id")
    return [OrderLife(order, changes[order.pk], trades[order.pk]) for order in orders]


def _positions(signal: Signal, orders: list[Order]) -> list[PositionLife]:
    entries = {order.entry_order_id for order in orders if order.entry_order_id}
    positions = list(
        Position.objects.filter(Q(signal=signal) | Q(entry_order__in=entries))
        .select_related("performance")
        .order_by("created_at", "id")
    )
    changes = _by(PositionEvent.objects.filter(position__in=positions).order_by("created_at", "id"), "position_id")
    newest = Window(RowNumber(), partition_by="position_id", order_by=F("created_at").desc())
    marks = _by(
        PositionMark.objects.filter(position__in=positions)
        .alias(place=newest)
        .filter(place__lte=MARKS_SHOWN)
        .order_by("-created_at"),
        "position_id",
    )
    alerts = _by(ExitAlert.objects.filter(position__in=positions).order_by("created_at", "id"), "position_id")
    return [PositionLife(one, changes[one.pk], marks[one.pk], alerts[one.pk]) for one in positions]


def _story(
    signal: Signal,
    changes: list[SignalEvent],
    rounds: list[RoundLife],
    orders: list[OrderLife],
    positions: list[PositionLife],
    reported: ReportedPnl | None,
) -> list[Moment]:
    """Merge everything that happened, oldest first; what happened at one moment keeps the order of the stages."""
    event = signal.event
    told = [Moment(event.created_at, "event", f"alert received ({event.family or 'unread'})", event.status)]
    decided_at = {life.decision.created_at for life in rounds}
    # a deferral is told by its round
    before: list[Moment] = []
    after: list[Moment] = []
    for change in changes:
        if change.from_status == change.to_status and change.created_at in decided_at:
            continue
        (after if change.to_status == SignalStatus.EXECUTED else before).append(_change("signal", "signal", change))
    created, decided = before[:1], before[1:]
    told += created + _decisions(changes, rounds) + decided
    for held in orders:
        name = f"{held.order.mode} {held.order.intent} order {held.order.engine}"
        told += [_change("order", name, change) for change in held.changes]
        told += [
            Moment(
                trade.created_at, "trade", f"fill of {name}", f"{trade.quantity} at {trade.price}, {trade.price_source}"
            )
            for trade in held.trades
        ]
    for watched in positions:
        name = f"{watched.position.mode} position {watched.position.engine}"
        told += [_change("position", name, change) for change in watched.changes]
        told += [
            Moment(alert.created_at, "alert", f"{name} alert", f"{alert.priority} {alert.reason}")
            for alert in watched.alerts
        ]
    closed = [life.position.closed_at for life in positions if life.position.mode != Mode.SHADOW]
    if reported is not None and reported.ours is not None:
        title = "reported P&L differs from ours" if reported.differs else "reported P&L agrees with ours"
        at = max(moment for moment in closed if moment is not None)
        after.append(Moment(at, "pnl", title, f"reported {reported.reported}, ours {reported.ours}"))
    return sorted(told + after, key=lambda moment: moment.at)


def _decisions(changes: list[SignalEvent], rounds: list[RoundLife]) -> list[Moment]:
    """Tell each round, and rounds in a row that ended alike as one."""
    messages = {change.created_at: change.message for change in changes if change.from_status == change.to_status}
    told: list[Moment] = []
    for (outcome, code), run in groupby(reversed(rounds), key=lambda life: (life.decision.outcome, life.decision.code)):
        first, *rest = [life.decision for life in run]
        numbers = f"round {first.round}" if not rest else f"rounds {first.round}–{rest[-1].round}"
        said = " · ".join(part for part in (code, messages.get(first.created_at, "")) if part)
        until = rest[-1].created_at if rest else None
        told.append(Moment(first.created_at, "decision", f"{numbers} {outcome}", said, until=until))
    return told


def _change(kind: str, name: str, change: SignalEvent | OrderEvent | PositionEvent) -> Moment:
    same = change.from_status == change.to_status
    title = f"{name} stays {change.to_status}" if same else f"{name} {change.to_status}"
    if change.to_status == SignalStatus.AWAITING_APPROVAL:
        title = f"{name} waits for approval"
    detail = " · ".join(part for part in (change.reason, change.message) if part)
    return Moment(change.created_at, kind, title.replace("_", " "), detail, change.actor)
