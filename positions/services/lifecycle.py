"""A position's life: opened by fills, reduced by fills, closed when empty, with its result booked beside it."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from optionsengine.core.enums import Mode
from optionsengine.core.errors import Permanent, Refusal
from optionsengine.core.values import MULTIPLIER
from optionsengine.market import calendar
from optionsengine.ops.services import alert_resolve
from orders.enums import FINAL
from orders.models import Order, Trade
from positions.enums import POSITION_TRANSITIONS, ExitReason, PositionCode, PositionStatus
from positions.models import BiasTradePerformance, ExitAlert, Position, PositionEvent
from positions.rules import (
    cost_released,
    initial_risk,
    pnl_percent,
    pnl_r,
    pnl_realized,
    pnl_unrealized,
    premium,
)
from positions.selectors import UNPRICED, exit_policies, position_policy
from positions.services.reported import position_reported_compare
from signals.models import Signal

SIMULATED_SOURCE = "simulated"
_PRICE_STEP = Decimal("0.0001")


def position_open(
    *,
    order: Order,
    trades: Sequence[Trade],
    at: datetime,
    bias_snapshot: dict[str, Any],
    greeks: dict[str, Any],
    data_source: str,
    underlying_price: Decimal | None = None,
) -> Position:
    """Open the position of a locked entry order from its new fills, or add a later partial fill to it.

    Call it in the transaction that booked the fills. `greeks` and `bias_snapshot` are kept as they were at entry, and
    `underlying_price`, that of the decision, until the first mark.

    :raises ValueError: without fills.
    :raises Permanent: if the position was closed before this late fill came.
    """
    require_transaction()
    if not trades:
        raise ValueError("a position opens on fills; there are none")
    if order.recommendation is None:
        raise ValueError(f"order {order.client_order_id} is no entry: it has no recommendation")
    quantity = sum(trade.quantity for trade in trades)
    cost = sum((premium(trade.price, trade.quantity) for trade in trades), Decimal(0))
    commission = sum((trade.commission for trade in trades), Decimal(0))
    position = Position.objects.select_for_update(no_key=True).filter(entry_order=order).first()
    is_new = position is None
    if position is None:
        position = Position(
            entry_order=order,
            signal_id=order.signal_id,
            engine=order.engine,
            mode=order.mode,
            is_test=order.is_test,
            side=order.recommendation.side,
            setup_type=order.recommendation.setup_type,
            quantity=0,
            opened_quantity=0,
            cost_basis=Decimal(0),
            open_cost=Decimal(0),
            entry_commission=Decimal(0),
            high_water_mark=Decimal(0),
            data_source=data_source,
            underlying_price=underlying_price,
            greeks=greeks,
            entry_greeks=greeks,
            entry_bias=bias_snapshot,
            created_at=at,
            **Position.contract_columns(order.contract),
        )
    elif position.status == PositionStatus.CLOSED:
        raise Permanent(
            f"entry order {order.client_order_id} filled {quantity} more after its position was closed; "
            "close them at the broker by hand"
        )
    position.quantity += quantity
    position.opened_quantity += quantity
    position.cost_basis += cost
    position.open_cost += cost + commission
    position.entry_commission += commission
    position.entry_price = (position.cost_basis / (position.opened_quantity * MULTIPLIER)).quantize(_PRICE_STEP)
    position.initial_risk = initial_risk(position_policy(exit_policies(), position), position.cost_basis)
    _mark_from_fill(position, trades[-1])
    position.high_water_mark = max(position.high_water_mark, position.entry_price, position.bid or Decimal(0))
    position.updated_at = at
    position.save(force_insert=is_new)
    if is_new:
        _event_write(position, "", "ENTRY_FILLED", "", "engine", at)
    return position


def _mark_from_fill(position: Position, trade: Trade) -> None:
    """The quote a fill was made against is the position's first mark; a fill without one marks nothing."""
    if trade.bid is None or trade.ask is None:
        return
    position.bid, position.ask, position.mark = trade.bid, trade.ask, (trade.bid + trade.ask) / 2
    position.marked_at = trade.quote_at
    position.unrealized_pnl = pnl_unrealized(trade.bid, quantity=position.quantity, open_cost=position.open_cost)


def position_reduce(*, exit_order: Order, trades: Sequence[Trade], at: datetime) -> Position:
    """Take the new fills of a locked exit order off its position, and close it when nothing is left.

    Contracts leave on fill, never before. When the exit order ended and something is left, the position goes back to
    its rules. The result is booked in the same transaction as the close.

    :raises Permanent: if more was sold than the position held.
    """
    require_transaction()
    position = Position.objects.select_for_update(no_key=True).get(entry_order=exit_order.entry_order_id)
    for trade in trades:
        if trade.quantity > position.quantity:
            raise Permanent(
                f"exit order {exit_order.client_order_id} sold {trade.quantity} contracts of a position that holds "
                f"{position.quantity}; compare the position with the broker's own record"
            )
        released = cost_released(position.open_cost, quantity=position.quantity, closed=trade.quantity)
        proceeds = premium(trade.price, trade.quantity)
        position.realized_pnl += pnl_realized(proceeds, trade.commission, released)
        position.exit_commission += trade.commission
        position.open_cost -= released
        position.quantity -= trade.quantity
    changed = ["realized_pnl", "exit_commission", "open_cost", "quantity", "unrealized_pnl", "exit_reason", "closed_at"]
    if position.quantity == 0 and position.status != PositionStatus.CLOSED:
        position.unrealized_pnl = Decimal(0)
        position.exit_reason = exit_order.exit_reason
        position.closed_at = at
        position_transition(
            position=position, to=PositionStatus.CLOSED, reason=exit_order.exit_reason, at=at, changed=changed
        )
        _close_book(position, at)
        return position
    if position.bid is not None:
        position.unrealized_pnl = pnl_unrealized(position.bid, quantity=position.quantity, open_cost=position.open_cost)
    if exit_order.status in FINAL and position.status == PositionStatus.CLOSING:
        position.exit_reason = ""
        position_transition(
            position=position,
            to=PositionStatus.OPEN,
            reason="EXIT_ENDED",
            at=at,
            message=f"{exit_order.client_order_id} ended {exit_order.status} with {position.quantity} contracts left",
            changed=changed,
        )
    elif trades:
        position.updated_at = at
        position.save(update_fields=[*changed, "updated_at"])
    return position


def _close_book(position: Position, at: datetime) -> None:
    """Write the one performance row of a position that just closed, and end its alerts."""
    alerts = ExitAlert.objects.filter(position=position, resolved_at=None)
    precedence = list(ExitReason.values)
    also_hit = sorted(set(alerts.values_list("reason", flat=True)) - {position.exit_reason}, key=precedence.index)
    alerts.update(resolved_at=at, updated_at=at)
    held_until = min(at, calendar.expiry_at(position.expiration))
    minutes = calendar.session_minutes_between(position.created_at, held_until)
    BiasTradePerformance.objects.create(
        position=position,
        symbol=position.underlying,
        side=position.side,
        engine=position.engine,
        setup_type=position.setup_type,
        source=performance_source(Mode(position.mode), position.data_source),
        is_test=position.is_test,
        pnl=position.realized_pnl,
        pnl_percent=pnl_percent(position.realized_pnl, position.cost_basis),
        pnl_r=pnl_r(position.realized_pnl, position.initial_risk),
        session_minutes=max(0, round(minutes)),
        entry_bias=position.entry_bias,
        exit_codes=[position.exit_reason, *also_hit],
        created_at=at,
    )
    alert_resolve(cause=UNPRICED + position.option_symbol, at=at)
    position_reported_compare(position=position, at=at)


def performance_source(mode: Mode, data_source: str) -> str:
    """Return `live`, `paper` or `shadow`; `simulated` for paper trades on simulated prices, which teach nothing."""
    return SIMULATED_SOURCE if mode == Mode.PAPER and data_source == SIMULATED_SOURCE else mode.value


def position_transition(
    *,
    position: Position,
    to: PositionStatus,
    reason: str,
    at: datetime,
    message: str = "",
    actor: str = "engine",
    changed: Sequence[str] = (),
) -> None:
    """Change the position's status, save the `changed` columns with it and write the event, in one transaction.

    :raises Refusal: TRANSITION_NOT_ALLOWED if the table forbids it or the stored status is another one.
    """
    require_transaction()
    before = PositionStatus(position.status)
    refusal = Refusal(
        PositionCode.TRANSITION_NOT_ALLOWED,
        f"position {position.option_symbol} cannot go from {before.value} to {to.value}; read it again",
        position=str(position.pk),
    )
    if to not in POSITION_TRANSITIONS[before]:
        raise refusal
    columns = {name: getattr(position, name) for name in changed}
    updated = Position.objects.filter(pk=position.pk, status=before).update(status=to, updated_at=at, **columns)
    if updated != 1:
        raise refusal
    position.status, position.updated_at = to, at
    _event_write(position, before, reason, message, actor, at)


def position_lock(position_id: UUID) -> Position | None:
    """Lock a position to be closed, its signal first; None if there is no such position.

    An exit order refers to the signal, and whoever books a fill holds the signal before it wants the position: taken
    in another order the two would wait for each other.
    """
    require_transaction()
    list(Signal.objects.select_for_update(no_key=True, of=("self",)).filter(positions=position_id))
    locked = Position.objects.select_for_update(no_key=True, of=("self",)).select_related("entry_order")
    return locked.filter(pk=position_id).first()


def require_transaction() -> None:
    """Refuse to run where a lock would be released at once."""
    if not connection.in_atomic_block:
        raise RuntimeError("a position changes only inside the caller's transaction")


def _event_write(position: Position, before: str, reason: str, message: str, actor: str, at: datetime) -> None:
    PositionEvent.objects.create(
        position=position,
        from_status=before,
        to_status=position.status,
        reason=reason,
        message=message,
        actor=actor,
        created_at=at,
    )
