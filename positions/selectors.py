"""What reads positions: the watched ones, the policies that watch them, and the risk they are."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet

from experiments.enums import SetupType
from experiments.facts import MAX_BOOK_SYMBOLS, Exposure
from experiments.selectors import drawdown_freeze_get
from optionsengine.core.enums import Engine, Mode
from optionsengine.core.values import cents
from optionsengine.market import calendar
from optionsengine.ops.models import Alert
from orders.models import Order
from positions.books import Books, PendingEntry, books_read, entries_read
from positions.data import ExitHit, ExitPolicy, HoldFacts, PositionView, ReportedPnl
from positions.enums import AlertPriority, ExitAction, ExitReason, PositionStatus, RuleScope
from positions.models import EquitySnapshot, ExitRule, Position
from positions.risk import risk_facts
from positions.rules import PolicyBook, exit_hits, exit_policy_for, expiry_notice, pnl_differs, stop_percent
from signals.models import Signal

PAGE_SIZE = 500
UNPRICED = "unpriced:"  # the cause of the alert, before the option's symbol
_TIME_STOPS = (ExitReason.EXPIRED, ExitReason.MIN_DTE)


def positions_watched() -> "QuerySet[Position]":
    """Return every position that is not closed, shadow and test ones included."""
    return Position.objects.exclude(status=PositionStatus.CLOSED)


def positions_real() -> "QuerySet[Position]":
    """Return the open positions that are real: paper and live ones, tests left out."""
    return positions_watched().filter(_real())


def reported_pnl_get(signal: Signal) -> ReportedPnl | None:
    """Return the profit the sender reports of an exit beside ours; None if it reports none or closed nothing real.

    Ours is that of the whole positions, shadow ones apart, and None while one of them is not closed.
    """
    if signal.reported_pnl is None:
        return None
    entries = Order.objects.filter(exit_signal=signal).values("entry_order")
    closed = Position.objects.filter(entry_order__in=entries).exclude(mode=Mode.SHADOW)
    results = list(closed.values_list("status", "realized_pnl"))
    if not results:
        return None
    if any(status != PositionStatus.CLOSED for status, _ in results):
        return ReportedPnl(signal.reported_pnl, None, False)
    ours = sum((pnl for _, pnl in results), Decimal(0))
    return ReportedPnl(signal.reported_pnl, ours, pnl_differs(signal.reported_pnl, ours))


def positions_pages(positions: "QuerySet[Position]") -> Iterator[list[Position]]:
    """Yield the positions in pages by primary key, each read when it is asked for."""
    last: UUID | None = None
    while True:
        page = list((positions.filter(pk__gt=last) if last else positions).order_by("pk")[:PAGE_SIZE])
        if not page:
            return
        yield page
        last = page[-1].pk


def exit_policies() -> dict[tuple[RuleScope, str], ExitPolicy]:
    """Return the enabled exit rules by scope and target, for `rules.exit_policy_for`. One query."""
    return {
        (RuleScope(rule.scope), rule.target): ExitPolicy(
            name=rule.name,
            action=ExitAction(rule.action),
            profit_target_percent=rule.profit_target_percent,
            stop_loss_percent=rule.stop_loss_percent,
            trailing_activation_percent=rule.trailing_activation_percent,
            trailing_distance_percent=rule.trailing_distance_percent,
            max_hold_sessions=rule.max_hold_sessions,
            min_dte=rule.min_dte,
        )
        for rule in ExitRule.objects.filter(is_enabled=True)
    }


def is_uuid(text: str) -> bool:
    """Tell whether `text` can be the id of a row."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def rule_target_problem(scope: str, target: str) -> str:
    """Return what is wrong with an exit rule's target in words, or "" if its scope knows it."""
    if scope == RuleScope.GLOBAL:
        return "Leave this empty: a global rule speaks for every position." if target else ""
    if scope == RuleScope.ENGINE and target not in Engine.values:
        return f"Write one of {', '.join(Engine.values)}."
    if scope == RuleScope.SETUP and target not in SetupType.values:
        return f"Write one of {', '.join(SetupType.values)}."
    if scope == RuleScope.SYMBOL and not target:
        return "Write the underlying's symbol, such as SPY."
    if scope == RuleScope.POSITION and (not is_uuid(target) or not Position.objects.filter(pk=target).exists()):
        return "Copy the id of an existing position."
    return ""


def position_policy(policies: PolicyBook, position: Position) -> ExitPolicy:
    """Return the policy that watches this position."""
    return exit_policy_for(
        policies,
        position_id=position.pk,
        symbol=position.underlying,
        setup_type=position.setup_type,
        engine=position.engine,
    )


def stop_percents(policies: PolicyBook, *, symbol: str, setup_type: str) -> dict[Engine, Decimal]:
    """Return for each engine how much of its premium (percent) a new position would lose at its stop."""
    return {
        engine: stop_percent(
            exit_policy_for(policies, position_id=None, symbol=symbol, setup_type=setup_type, engine=engine)
        )
        for engine in Engine
    }


def position_view(position: Position) -> PositionView:
    """Freeze what the exit rules may know of the row."""
    return PositionView(
        id=position.pk,
        contract=position.contract,
        engine=position.engine,
        setup_type=position.setup_type,
        status=PositionStatus(position.status),
        quantity=position.quantity,
        entry_price=position.entry_price,
        bid=position.bid,
        marked_at=position.marked_at,
        trailing_stop=position.trailing_stop,
        opened_at=position.created_at,
        close_requested=position.close_requested,
    )


def hold_facts(view: PositionView, at: datetime) -> HoldFacts:
    """Return what the calendar says of the position at `at`."""
    expires_at = calendar.expiry_at(view.contract.expiration)
    held_since = calendar.session_number(calendar.last_session(view.opened_at))
    return HoldFacts(
        dte=calendar.dte(view.contract.expiration, at),
        entry_dte=calendar.dte(view.contract.expiration, view.opened_at),
        expires_in_days=(calendar.new_york_day(expires_at) - calendar.new_york_day(at)).days,
        minutes_to_close=calendar.minutes_to_close(at),
        sessions_held=calendar.session_number(calendar.last_session(at)) - held_since,
    )


def position_hits(position: Position, policy: ExitPolicy, at: datetime) -> tuple[ExitHit, ...]:
    """Return every exit rule that hits the row as it is, the deciding one first."""
    view = position_view(position)
    return exit_hits(view, policy, hold_facts(view, at), at=at, quote_max_age_seconds=settings.QUOTE_MAX_AGE_SECONDS)


def unpriced_symbols() -> set[str]:
    """Return the option symbols an open alert says have no usable quote."""
    causes = Alert.objects.filter(resolved_at=None, cause__startswith=UNPRICED).values_list("cause", flat=True)
    return {cause.removeprefix(UNPRICED) for cause in causes}


@dataclass(frozen=True, slots=True)
class Portfolio:
    """What is real on the books as of one moment, read once for all signals that are decided together."""

    books: Books
    entries: list[PendingEntry]
    policies: PolicyBook
    frozen_until: datetime | None
    day_start_equity: Decimal | None


def portfolio_get(at: datetime) -> Portfolio:
    """Read the books (paper and live, no tests). Five queries."""
    return Portfolio(
        books=books_read(day_start=day_began_at(at)),
        entries=entries_read(),
        policies=exit_policies(),
        frozen_until=drawdown_freeze_get(at),
        day_start_equity=day_start_equity_get(at),
    )


def day_began_at(at: datetime) -> datetime:
    """Return midnight in New York of the date there at `at`."""
    return datetime.combine(calendar.new_york_day(at), datetime.min.time(), calendar.NEW_YORK)


def day_start_equity_get(at: datetime) -> Decimal | None:
    """Return the equity that the date in New York began with, None if no pass has written it down yet."""
    of_day = EquitySnapshot.objects.filter(new_york_date=calendar.new_york_day(at))
    return of_day.values_list("equity", flat=True).first()


def exposure_of(portfolio: Portfolio, *, symbol: str) -> Exposure:
    """Return the real risk on the books as a decision about `symbol` sees it.

    Working entry orders and approved recommendations that have no order yet count like positions, at their limit or
    the ask and with the stop their position will have, so that decisions made in a row cannot overshoot a limit
    together. An entry that is partly filled counts as its position plus the dollars it may still buy. Its Greeks are
    those that its decision froze of the contract; a position has them of its last mark.

    `daily_pnl` is what today (the date in New York) added: the whole result of positions closed today, and the result
    so far of positions opened today. What older positions gain or lose while they stay open is left out: it is in what
    equity lost since `day_start_equity`.
    """
    books, entries, policies = portfolio.books, portfolio.entries, portfolio.policies
    pending = sum((entry.cost for entry in entries), Decimal(0))
    at_stop = sum((entry.cost * stop_percent(_entry_policy(policies, entry)) / 100 for entry in entries), Decimal(0))
    facts = risk_facts((*books.held, *(entry.held for entry in entries)), symbol=symbol)
    return Exposure(
        equity=settings.PAPER_STARTING_EQUITY + books.realized + books.unrealized,
        open_positions=sum(facts["by_side"].values()),
        symbol_positions=sum(facts["symbol_by_side"].values()),
        daily_pnl=books.daily,
        daily_trades=books.opened_today + sum(entry.is_new for entry in entries),
        exposure=books.open_cost + pending,
        open_risk=cents(books.risk + at_stop),
        frozen_until=portfolio.frozen_until,
        day_start_equity=portfolio.day_start_equity,
        **facts,
    )


def symbols_held() -> list[str]:
    """Return the symbols of real open positions and entries, at most as many as a decision looks at, by name."""
    held = Position.objects.filter(mode__in=Mode.real(), is_test=False).exclude(status=PositionStatus.CLOSED)
    names = {*held.values_list("underlying", flat=True), *(entry.held.symbol for entry in entries_read())}
    return sorted(names)[:MAX_BOOK_SYMBOLS]


def _entry_policy(policies: PolicyBook, entry: PendingEntry) -> ExitPolicy:
    return exit_policy_for(
        policies,
        position_id=entry.position_id,
        symbol=entry.held.symbol,
        setup_type=entry.setup_type,
        engine=entry.engine,
    )


def _real() -> Q:
    return Q(mode__in=Mode.real(), is_test=False)


def exit_signals_payload(at: datetime) -> dict[str, Any]:
    """Return the answer of `GET exit-signals`: every exit rule that hits a real open position, the first one deciding.

    A position that expires today or tomorrow is named even when no rule hits. The engine's two reasons of time are
    both `TIME_STOP` to the outside.
    """
    started = time.perf_counter()
    policies = exit_policies()
    alerts: list[dict[str, Any]] = []
    total = 0
    for page in positions_pages(positions_watched().filter(_real())):
        total += len(page)
        for position in page:
            alerts += [_alert(position, hit) for hit in _shown_hits(position, position_policy(policies, position), at)]
    priorities = Counter(alert["priority"] for alert in alerts)
    return {
        "alerts": alerts,
        "summary": {
            "total_positions": total,
            "positions_with_alerts": len({alert["position_id"] for alert in alerts}),
            "critical_alerts": priorities[AlertPriority.CRITICAL],
            "high_alerts": priorities[AlertPriority.HIGH],
            "medium_alerts": priorities[AlertPriority.MEDIUM],
        },
        "duration_ms": round((time.perf_counter() - started) * 1000, 3),
        "timestamp": at,
    }


def _shown_hits(position: Position, policy: ExitPolicy, at: datetime) -> list[ExitHit]:
    """Return the hits, of the reasons of time only the first, and the notice of a near expiry when there is none."""
    hits = list(position_hits(position, policy, at))
    of_time = [hit for hit in hits if hit.reason in _TIME_STOPS]
    notice = expiry_notice(hold_facts(position_view(position), at))
    if not of_time:
        return hits if notice is None else [*hits, notice]
    return [hit for hit in hits if hit not in of_time[1:]]


def _alert(position: Position, hit: ExitHit) -> dict[str, Any]:
    return {
        "position_id": str(position.pk),
        "symbol": position.underlying,
        "priority": hit.priority.value,
        "reason": "TIME_STOP" if hit.reason in _TIME_STOPS else hit.reason.value,
        "details": {
            "option_symbol": position.option_symbol,
            "quantity": position.quantity,
            "value": hit.value,
            "threshold": hit.threshold,
        },
        "recommended_action": hit.recommended_action.value,
        "urgency": hit.urgency.value,
    }
