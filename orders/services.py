"""What changes orders: they are made, sent, filled and ended here and nowhere else."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from experiments.enums import DecisionOutcome, EntryType
from experiments.models import Recommendation
from optionsengine.core.enums import Engine, Intent, Mode, Right
from optionsengine.core.errors import Permanent, Refusal
from optionsengine.core.leases import MAX_ATTEMPTS, lease_release
from optionsengine.core.retry import database_retried
from optionsengine.core.values import OptionContract
from optionsengine.ops.enums import AlertLevel, TradingStatus
from optionsengine.ops.selectors import trading_status_get
from optionsengine.ops.services import alert_raise, alert_resolve
from orders.data import BrokerReport, Fill
from orders.enums import FINAL, LIVE, ORDER_TRANSITIONS, OrderAction, OrderCode, OrderStatus, OrderType
from orders.models import Order, OrderEvent, Trade
from orders.selectors import order_exit_live
from signals.models import Signal

MARKET_ENTRY_EXPIRES = timedelta(minutes=30)
EXPIRE_BATCH = 500
AVERAGE_PRICE_STEP = Decimal("0.0001")
_UNPRICED = (OrderCode.NO_QUOTE, OrderCode.QUOTE_UNUSABLE)


def entry_order_create(*, recommendation: Recommendation, at: datetime) -> Order:
    """Make the entry order of an approved recommendation, once: a second call returns the first order.

    A market entry expires after 30 minutes, a limit entry after the decision's longest wait. When the signal's engine
    already has an entry that works or was filled (a later round decided again), the new order is stored as rejected,
    so that each recommendation is consumed exactly once and the books show why it did nothing.

    :raises Refusal: NOT_APPROVED if the recommendation is none.
    """
    with transaction.atomic():
        locked = Recommendation.objects.select_for_update(no_key=True, of=("self",)).select_related(
            "signal", "decision"
        )
        recommendation = locked.get(pk=recommendation.pk)
        existing = Order.objects.filter(recommendation=recommendation).first()
        if existing is not None:
            return existing
        earlier = list(
            Order.objects.filter(
                signal=recommendation.signal_id, engine=recommendation.engine, intent=Intent.ENTRY
            ).values_list("status", "filled_quantity")
        )
        is_taken = any(status in LIVE or filled > 0 for status, filled in earlier)
        order = _entry_order(recommendation, at)
        if earlier:
            order.client_order_id += f"-r{recommendation.decision.round}"
        if is_taken:
            order.status = OrderStatus.REJECTED
            order.reason = OrderCode.ALREADY_ORDERED
            order.finished_at = at
        order.save(force_insert=True)
        message = "an earlier round's entry of this signal and engine works or was filled" if is_taken else ""
        _event_write(order, "", order.reason, message, "engine", at)
    return order


def _entry_order(recommendation: Recommendation, at: datetime) -> Order:
    strike, expiration = recommendation.strike, recommendation.expiration
    if recommendation.outcome != DecisionOutcome.APPROVED or strike is None or expiration is None:
        raise Refusal(
            OrderCode.NOT_APPROVED,
            "only an approved recommendation becomes an order; decide the signal again",
            recommendation=str(recommendation.pk),
            outcome=recommendation.outcome,
        )
    signal = recommendation.signal
    # a shadow is filled at once from the quote its decision froze: it cannot rest
    may_rest = recommendation.entry_type == EntryType.LIMIT and not recommendation.is_shadow
    is_limit = may_rest and recommendation.limit_price is not None
    wait = timedelta(minutes=recommendation.max_wait_minutes or 0)
    contract = OptionContract(recommendation.underlying, expiration, Right(recommendation.right), strike)
    return Order(
        client_order_id=f"oe-{signal.pk.hex}-{Engine(recommendation.engine).value}",
        signal=signal,
        recommendation=recommendation,
        engine=recommendation.engine,
        mode=_mode(is_shadow=recommendation.is_shadow),
        is_test=signal.is_test,
        intent=Intent.ENTRY,
        action=OrderAction.BUY_TO_OPEN,
        order_type=OrderType.LIMIT if is_limit else OrderType.MARKET,
        limit_price=recommendation.limit_price if is_limit else None,
        quantity=recommendation.quantity,
        expires_at=at + (wait if is_limit and wait else MARKET_ENTRY_EXPIRES),
        created_at=at,
        updated_at=at,
        **Order.contract_columns(contract),
    )


def _mode(*, is_shadow: bool) -> Mode:
    if is_shadow:
        return Mode.SHADOW
    return Mode.LIVE if settings.APP_MODE == "LIVE" else Mode.PAPER


def exit_order_create(
    *, entry_order: Order, quantity: int, exit_reason: str, at: datetime, exit_signal: Signal | None = None
) -> Order:
    """Make the market order that closes `quantity` contracts of this entry, or return the live one there already is.

    Call it inside the transaction that has locked the position: the exit order and the position's change are one.
    """
    _require_transaction()
    live = order_exit_live(entry_order)
    if live is not None:
        return live
    number = Order.objects.filter(entry_order=entry_order, intent=Intent.EXIT).count() + 1
    order = Order.objects.create(
        client_order_id=f"oe-{entry_order.pk.hex}-x{number}",
        signal_id=entry_order.signal_id,
        entry_order=entry_order,
        exit_signal=exit_signal,
        engine=entry_order.engine,
        mode=entry_order.mode,
        is_test=entry_order.is_test,
        intent=Intent.EXIT,
        action=OrderAction.SELL_TO_CLOSE,
        order_type=OrderType.MARKET,
        quantity=quantity,
        exit_reason=exit_reason,
        created_at=at,
        updated_at=at,
        **Order.contract_columns(entry_order.contract),
    )
    _event_write(order, "", exit_reason, "", "engine", at)
    return order


def order_transition(
    *, order: Order, to: OrderStatus, reason: str, at: datetime, message: str = "", actor: str = "engine"
) -> None:
    """Change the order's status and write the event, in the caller's transaction.

    The change is a compare-and-set, so that it holds the row's lock and fails if the order moved meanwhile.

    :raises Refusal: TRANSITION_NOT_ALLOWED if the table forbids it or the stored status is another one.
    """
    _require_transaction()
    before = OrderStatus(order.status)
    refusal = Refusal(
        OrderCode.TRANSITION_NOT_ALLOWED,
        f"order {order.client_order_id} cannot go from {before.value} to {to.value}; read it again",
        order=str(order.pk),
    )
    if to not in ORDER_TRANSITIONS[before]:
        raise refusal
    finished_at = at if to in FINAL else None
    columns = {"status": to, "reason": reason, "updated_at": at, "finished_at": finished_at}
    if to in FINAL:
        columns |= {"claimed_by": None, "claimed_until": None}  # fences out a worker that slept past its lease
    changed = Order.objects.filter(pk=order.pk, status=before).update(**columns)
    if changed != 1:
        raise refusal
    order.status, order.reason, order.updated_at, order.finished_at = to, reason, at, finished_at
    _event_write(order, before, reason, message, actor, at)


def order_apply_report(*, order: Order, report: BrokerReport, broker: str, at: datetime) -> list[Trade]:
    """Book what the broker says of a locked order, and return the trades that are new.

    An execution booked before is skipped, so a report may come any number of times. An exit that waits for a usable
    quote raises an alert, which its fill resolves.

    :raises Permanent: if the executions exceed the order's quantity: the broker and we disagree about what it is.
    """
    _require_transaction()
    trades = _trades_book(order, report.fills, broker)
    if trades:
        booked = list(order.trades.values_list("quantity", "price"))
        order.filled_quantity = sum(quantity for quantity, _ in booked)
        cost = sum((quantity * price for quantity, price in booked), Decimal(0))
        order.average_price = (cost / order.filled_quantity).quantize(AVERAGE_PRICE_STEP)
        order.updated_at = at
        order.save(update_fields=["filled_quantity", "average_price", "updated_at"])
    status = _status_after(order, report.status)
    if status != order.status:
        order_transition(order=order, to=status, reason=report.code, at=at, message=report.message)
    elif order.reason != report.code:
        order.reason, order.updated_at = report.code, at
        order.save(update_fields=["reason", "updated_at"])
    if order.intent == Intent.EXIT:
        _exit_alert(order, report, at)
    return trades


def _trades_book(order: Order, fills: tuple[Fill, ...], broker: str) -> list[Trade]:
    if not fills:
        return []
    known = set(order.trades.filter(broker=broker).values_list("execution_id", flat=True))
    new = {fill.execution_id: fill for fill in fills if fill.execution_id not in known}
    filled = order.filled_quantity + sum(fill.quantity for fill in new.values())
    if filled > order.quantity:
        raise Permanent(
            f"{broker} reports {filled} contracts filled of order {order.client_order_id}, which asks for "
            f"{order.quantity}; compare the order with the broker's own record"
        )
    return Trade.objects.bulk_create(
        Trade(
            order=order,
            broker=broker,
            execution_id=fill.execution_id,
            quantity=fill.quantity,
            price=fill.price,
            commission=fill.commission,
            bid=fill.bid,
            ask=fill.ask,
            quote_at=fill.quote_at,
            price_source=fill.source,
            created_at=fill.executed_at,
        )
        for fill in new.values()
    )


def _status_after(order: Order, reported: OrderStatus) -> OrderStatus:
    """What the order's own fills say goes before the broker's word for it."""
    if order.filled_quantity == order.quantity:
        return OrderStatus.FILLED
    if order.filled_quantity == 0:
        # filled without an execution: what was bought is not known and has to be looked up
        says_filled = reported in (OrderStatus.FILLED, OrderStatus.PARTIALLY_FILLED)
        return OrderStatus.UNKNOWN if says_filled else reported
    if reported in (OrderStatus.REJECTED, OrderStatus.FAILED):
        return OrderStatus.CANCELLED  # the rest of a partly filled order: it can no longer have been refused
    ends = (OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.UNKNOWN)
    return reported if reported in ends else OrderStatus.PARTIALLY_FILLED


def _exit_alert(order: Order, report: BrokerReport, at: datetime) -> None:
    cause = f"exit_unpriced:{order.client_order_id}"
    if order.status == OrderStatus.FILLED:
        alert_resolve(cause=cause, at=at)
    elif report.code in _UNPRICED:
        alert_raise(
            cause=cause,
            level=AlertLevel.CRITICAL,
            message=f"the exit {order} ({order.exit_reason}) has no usable quote and waits: {report.message}; "
            "check the market data provider",
            at=at,
        )


@database_retried
def orders_expire(*, at: datetime, flattened_by: str = "") -> list[Order]:
    """End the entries whose time is over, and in REDUCING or for a person who flattens every working entry; return
    them, at most 500.

    What filled before stays filled. An order that a worker holds or that is on its way is left for the next pass:
    its outcome comes first. Exits never expire.
    """
    waiting = (OrderStatus.PENDING_EXECUTION, OrderStatus.SUBMITTED, OrderStatus.PARTIALLY_FILLED)
    entries = Order.objects.filter(intent=Intent.ENTRY, status__in=waiting)
    if not flattened_by and trading_status_get() != TradingStatus.REDUCING:
        entries = entries.filter(expires_at__lte=at)
    with transaction.atomic():
        ended = list(
            entries.filter(Q(claimed_until__isnull=True) | Q(claimed_until__lt=Now()))
            .order_by("pk")
            .select_for_update(skip_locked=True, no_key=True, of=("self",))[:EXPIRE_BATCH]
        )
        for order in ended:
            if order.expires_at is not None and order.expires_at <= at:
                message = f"its time was over at {order.expires_at.isoformat()}"
                order_transition(
                    order=order, to=OrderStatus.EXPIRED, reason=OrderCode.ENTRY_EXPIRED, at=at, message=message
                )
            elif flattened_by:
                order_transition(
                    order=order,
                    to=OrderStatus.CANCELLED,
                    reason=OrderCode.FLATTENED,
                    at=at,
                    message="a person closes everything",
                    actor=flattened_by,
                )
            else:
                message = "the trading state is REDUCING: no new entries"
                order_transition(
                    order=order, to=OrderStatus.CANCELLED, reason=OrderCode.TRADING_STATE, at=at, message=message
                )
    return ended


def order_quarantine(*, order: Order, at: datetime) -> bool:
    """Give up a locked entry that `MAX_ATTEMPTS` claims brought to no end; tell whether it was given up.

    An exit is never given up, and an entry of unknown outcome must be looked up first: both raise the alert, keep
    their lease and start counting anew. A partly filled entry is cancelled: it keeps what it bought.
    """
    _require_transaction()
    if order.status in FINAL:
        return False
    keeps_trying = order.intent == Intent.EXIT or order.status == OrderStatus.UNKNOWN
    consequence = "it keeps being tried" if keeps_trying else "it was given up"
    message = f"order {order.client_order_id} came to no end in {MAX_ATTEMPTS} attempts; {consequence}"
    if keeps_trying:
        order.attempts = 0
        order.save(update_fields=["attempts"])
    else:
        to = OrderStatus.CANCELLED if order.filled_quantity else OrderStatus.FAILED
        order_transition(order=order, to=to, reason=OrderCode.QUARANTINED, at=at, message=message)
        order.save(update_fields=lease_release(order))
    alert_raise(
        cause=f"order_quarantined:{order.client_order_id}",
        level=AlertLevel.CRITICAL,
        message=f"{message}; read the worker's log",
        at=at,
    )
    return not keeps_trying


def exit_order_take_over(*, order: Order, exit_reason: str, actor: str, at: datetime) -> bool:
    """Make a waiting exit order a person's own, so that no trading state holds it back; tell whether it was waiting.

    An order that a worker is sending right now is left alone: its outcome comes first.
    """
    _require_transaction()
    locked = Order.objects.select_for_update(no_key=True).get(pk=order.pk)
    if locked.status not in (OrderStatus.PENDING_EXECUTION, OrderStatus.SUBMITTED):
        return False
    said = f"{locked.exit_reason} waited; a person closes it now"
    locked.exit_reason, locked.next_attempt_at, locked.updated_at = exit_reason, None, at
    locked.save(update_fields=["exit_reason", "next_attempt_at", "updated_at"])
    _event_write(locked, locked.status, exit_reason, said, actor, at)
    return True


def order_cancel_for_settlement(*, order: Order, at: datetime) -> None:
    """End a locked exit order whose contract has expired, and take it from the worker that may hold it."""
    order_transition(
        order=order,
        to=OrderStatus.CANCELLED,
        reason=OrderCode.CONTRACT_EXPIRED,
        at=at,
        message="the contract expired before the order filled; it is settled",
    )
    order.save(update_fields=lease_release(order))


def _require_transaction() -> None:
    if not connection.in_atomic_block:
        raise RuntimeError("an order changes only inside the caller's transaction")


def _event_write(order: Order, before: str, reason: str, message: str, actor: str, at: datetime) -> None:
    OrderEvent.objects.create(
        order=order,
        from_status=before,
        to_status=order.status,
        reason=reason,
        message=message,
        actor=actor,
        created_at=at,
    )
