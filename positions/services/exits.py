"""Closes what should be closed: by rule, by a person, by an exit signal."""

import logging
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from experiments.services import drawdown_alert_end
from optionsengine.core.enums import Intent
from optionsengine.core.errors import Refusal
from optionsengine.core.retry import database_retried, database_retry
from optionsengine.ops.data import StageReport
from optionsengine.ops.enums import AlertLevel, TradingStatus
from optionsengine.ops.selectors import trading_status_get
from optionsengine.ops.services import alert_raise, alert_resolve
from orders.models import Order
from orders.selectors import order_exit_live
from orders.services import exit_order_create, exit_order_take_over
from positions.data import ExitHit, ExitPolicy
from positions.enums import BY_PERSON, ExitAction, ExitReason, PositionCode, PositionStatus
from positions.models import ExitAlert, Position
from positions.rules import PolicyBook, is_requested
from positions.selectors import (
    exit_policies,
    position_hits,
    position_policy,
    positions_pages,
    positions_watched,
)
from positions.services.equity import equity_snapshot_take
from positions.services.lifecycle import position_lock, position_transition
from signals.models import Signal

logger = logging.getLogger(__name__)
HALTED_CAUSE = "halted_with_open_positions"


def exits_monitor(*, at: datetime) -> StageReport:
    """Judge every open position by its exit policy and write the exit orders that follow.

    Positions are paged through as they are; only a hit locks its row, is judged again there, and writes exit order,
    status and alerts in one transaction, so that two monitors at once make one exit order. A rule whose action is
    `alert` only alerts. In HALTED nothing is sent; a critical alert says what waits. REDUCING stops no exit. What has
    expired is left to `positions_settle`. In the report `done` counts the exits begun, `deferred` those held back.
    """
    equity_snapshot_take(at=at)
    report = StageReport()
    policies = exit_policies()
    is_halted = trading_status_get() == TradingStatus.HALTED
    for page in positions_pages(positions_watched().filter(status=PositionStatus.OPEN)):
        alerted = _alerted(page)
        for position in page:
            report.claimed += 1
            try:
                hits = position_hits(position, position_policy(policies, position), at)
                if not hits and position.pk not in alerted:
                    continue
                begun, is_due = _position_judge(position.pk, policies, is_halted=is_halted, at=at)
            except Exception:  # noqa: BLE001 - logged by `exit_failed`
                # one position that cannot be judged must not keep the others open
                exit_failed(position, at=at)
                report.failed += 1
                continue
            report.done += begun
            report.deferred += is_due and not begun
    _halted_alert(is_halted, at)
    drawdown_alert_end(at=at)
    return report


def _alerted(page: list[Position]) -> set[UUID]:
    open_alerts = ExitAlert.objects.filter(position__in=page, resolved_at=None)
    return set(open_alerts.values_list("position_id", flat=True))


@database_retried
def _position_judge(pk: UUID, policies: PolicyBook, *, is_halted: bool, at: datetime) -> tuple[bool, bool]:
    """Judge one position under its lock; tell whether an exit was begun, and whether one is due."""
    with transaction.atomic():
        position = position_lock(pk)
        if position is None or position.status != PositionStatus.OPEN:
            return False, False
        policy = position_policy(policies, position)
        hits = position_hits(position, policy, at)
        _alerts_write(position, policy, hits, at)
        closing = [hit for hit in hits if is_requested(hit) or policy.action == ExitAction.CLOSE]
        if not closing or hits[0].reason == ExitReason.EXPIRED:
            return False, False
        if is_halted:
            return False, True
        _exit_begin(position, reason=closing[0].reason, at=at, message=_said(closing[0]))
        return True, True


def _said(hit: ExitHit) -> str:
    return f"{hit.value}, threshold {hit.threshold}" if hit.threshold else hit.value


def _alerts_write(position: Position, policy: ExitPolicy, hits: Sequence[ExitHit], at: datetime) -> None:
    """Keep one open alert for each rule that hits now: new ones are written, those that no longer hit are resolved."""
    current = ExitAlert.objects.filter(position=position, resolved_at=None)
    reasons = [hit.reason for hit in hits]
    current.exclude(reason__in=reasons).update(resolved_at=at, updated_at=at)
    known = set(current.values_list("reason", flat=True))
    ExitAlert.objects.bulk_create(
        ExitAlert(
            position=position,
            reason=hit.reason,
            priority=hit.priority,
            urgency=hit.urgency,
            recommended_action=hit.recommended_action,
            details={"value": hit.value, "threshold": hit.threshold, "rule": policy.name, "action": policy.action},
            created_at=at,
            updated_at=at,
        )
        for hit in hits
        if hit.reason not in known
    )


def _exit_begin(
    position: Position,
    *,
    reason: ExitReason,
    at: datetime,
    message: str = "",
    actor: str = "engine",
    exit_signal: Signal | None = None,
) -> Order:
    """Write the exit order of a locked open position and mark it closing. Its quantity stays until the fill."""
    order = exit_order_create(
        entry_order=position.entry_order,
        quantity=position.quantity,
        exit_reason=reason,
        at=at,
        exit_signal=exit_signal,
    )
    position.exit_reason = reason
    position_transition(
        position=position,
        to=PositionStatus.CLOSING,
        reason=reason,
        at=at,
        message=message,
        actor=actor,
        changed=["exit_reason", "close_requested"],
    )
    return order


def exit_failed(position: Position, *, at: datetime) -> None:
    """Say that the exit of one position failed, with the trace in the log; call it while handling the error."""
    logger.exception("the exit of position %s failed", position.pk)
    alert_raise(
        cause=f"exit_failed:{position.pk}",
        level=AlertLevel.CRITICAL,
        message=f"{position} could not be judged or closed; it is tried again. Read the log; close it by hand if it "
        "cannot wait.",
        at=at,
    )


def _halted_alert(is_halted: bool, at: datetime) -> None:
    held = positions_watched().count() if is_halted else 0
    if not held:
        alert_resolve(cause=HALTED_CAUSE, at=at)
        return
    alert_raise(
        cause=HALTED_CAUSE,
        level=AlertLevel.CRITICAL,
        message=f"trading is HALTED with {held} positions not closed: nothing is sent; close them by hand or set the "
        "trading state to REDUCING",
        at=at,
    )


def position_close_request(
    *, position_id: UUID, reason: ExitReason = ExitReason.MANUAL, actor: str, at: datetime
) -> Order:
    """Close a position because a person says so, and return the exit order. Works in every trading state.

    In HALTED an exit order that the engine wrote waits; the person's word takes it over and it is sent.

    :raises Refusal: POSITION_NOT_FOUND, POSITION_CLOSED, or EXIT_IN_PROGRESS if an exit order is working already.
    """
    written = Order.objects.filter(
        entry_order__position=position_id, intent=Intent.EXIT, exit_reason=reason, created_at=at
    )
    return database_retry(
        lambda: _close_request(position_id, reason=reason, actor=actor, at=at), known=lambda: written.first()
    )


def _close_request(position_id: UUID, *, reason: ExitReason, actor: str, at: datetime) -> Order:
    with transaction.atomic():
        position = position_lock(position_id)
        if position is None:
            raise Refusal(
                PositionCode.POSITION_NOT_FOUND,
                "there is no such position; look it up in the list",
                id=str(position_id),
            )
        if position.status == PositionStatus.CLOSED:
            raise Refusal(
                PositionCode.POSITION_CLOSED, f"{position.option_symbol} is closed already; there is nothing to do"
            )
        live = order_exit_live(position.entry_order)
        if live is not None:
            is_halted = trading_status_get() == TradingStatus.HALTED
            if is_halted and exit_order_take_over(order=live, exit_reason=reason, actor=actor, at=at):
                position.exit_reason = position.close_requested = reason
                position.updated_at = at
                position.save(update_fields=["exit_reason", "close_requested", "updated_at"])
                return live
            raise Refusal(
                PositionCode.EXIT_IN_PROGRESS,
                f"exit order {live.client_order_id} ({live.exit_reason}) is working already; wait for its fill",
                order=str(live.pk),
            )
        position.close_requested = reason
        return _exit_begin(position, reason=reason, at=at, message=f"asked for by {actor}", actor=actor)


def position_flatten(*, position_id: UUID, actor: str, reason: str, at: datetime) -> tuple[Order, bool] | None:
    """Close a position because a person closes everything; return its exit order and whether this call wrote it.

    Works in every trading state, and any number of times: an exit order that is working stays, and the position
    remembers to be closed should that one end early; in HALTED a waiting one becomes the person's own. None if there
    is nothing to close.
    """
    written = Order.objects.filter(
        entry_order__position=position_id, intent=Intent.EXIT, exit_reason=ExitReason.FLATTEN, created_at=at
    )
    return database_retry(
        lambda: _flatten(position_id, actor=actor, reason=reason, at=at),
        known=lambda: (order, True) if (order := written.first()) is not None else None,
    )


def _flatten(position_id: UUID, *, actor: str, reason: str, at: datetime) -> tuple[Order, bool] | None:
    with transaction.atomic():
        position = position_lock(position_id)
        if position is None or position.status == PositionStatus.CLOSED:
            return None
        live = order_exit_live(position.entry_order)
        position.close_requested = ExitReason.FLATTEN
        if live is None:
            said = f"everything is closed by {actor}: {reason}"
            return _exit_begin(position, reason=ExitReason.FLATTEN, at=at, message=said, actor=actor), True
        is_taken = (
            trading_status_get() == TradingStatus.HALTED
            and live.exit_reason not in BY_PERSON
            and exit_order_take_over(order=live, exit_reason=ExitReason.FLATTEN, actor=actor, at=at)
        )
        if is_taken:
            live.refresh_from_db()
            position.exit_reason = ExitReason.FLATTEN
        position.updated_at = at
        position.save(update_fields=["exit_reason", "close_requested", "updated_at"])
        return live, is_taken


def exit_signal_apply(*, signal: Signal, at: datetime) -> int:
    """Begin the exit of every position the exit signal names, in one transaction; return how many it names.

    It names the open positions of its symbol and test flag whose entry signal came before it, of its side (of both
    when it has none), and only its own strike and expiration when it gives them. Shadow positions follow. A position
    that is closing already keeps its exit order and remembers the signal, in case that order ends early.
    """
    with transaction.atomic():
        count = 0
        named = _positions_named(signal)
        # signals before positions, like everywhere
        signals = Signal.objects.filter(pk__in=named.values("signal_id"))
        list(signals.select_for_update(no_key=True).order_by("pk"))
        for position in named.select_for_update(no_key=True, of=("self",)).order_by("pk"):
            count += 1
            position.close_requested = position.close_requested or ExitReason.EXIT_SIGNAL
            if position.status == PositionStatus.OPEN:
                _exit_begin(position, reason=ExitReason.EXIT_SIGNAL, at=at, exit_signal=signal)
            else:
                position.updated_at = at
                position.save(update_fields=["close_requested", "updated_at"])
    return count


def _positions_named(signal: Signal) -> "QuerySet[Position]":
    named = positions_watched().filter(
        underlying=signal.symbol, is_test=signal.is_test, signal__created_at__lte=signal.created_at
    )
    if signal.side:
        named = named.filter(side=signal.side)
    if signal.strike is not None:
        named = named.filter(strike=signal.strike)
    if signal.expiration is not None:
        named = named.filter(expiration=signal.expiration)
    return named.select_related("entry_order")
