from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from optionsengine.core.enums import Intent
from optionsengine.core.errors import Permanent
from optionsengine.core.leases import lease_claim
from optionsengine.ops.enums import TradingStatus
from optionsengine.ops.models import Alert
from optionsengine.ops.services import trading_state_set
from orders.data import BrokerReport, Fill
from orders.enums import LIVE, OrderCode, OrderStatus
from orders.models import Order, OrderEvent, Trade
from orders.selectors import orders_claimable
from orders.services import (
    order_apply_report,
    order_cancel_for_settlement,
    order_quarantine,
    orders_expire,
)
from tests import factories
from tests.factories.clock import AT, later

pytestmark = pytest.mark.django_db

S = OrderStatus


def changes(order):
    return list(order.changes.order_by("pk").values_list("from_status", "to_status", "reason"))


def stored(order):
    return Order.objects.values().get(pk=order.pk)


def fill(number=1, quantity=2, price="5.18", **values):
    defaults = {
        "execution_id": f"x-{number}",
        "quantity": quantity,
        "price": Decimal(price),
        "commission": Decimal("0.65") * quantity,
        "executed_at": AT,
        "bid": Decimal("5.00"),
        "ask": Decimal("5.20"),
        "quote_at": AT,
        "source": "board",
    }
    return Fill(**(defaults | values))


def apply(order, status, *fills, code="", message="", at=AT):
    with transaction.atomic():
        return order_apply_report(order=order, report=BrokerReport(status, fills, code, message), broker="paper", at=at)


# --- reports


def test_a_fill_is_booked_with_its_quote():
    order = factories.order(status=S.SUBMITTING)

    trades = apply(order, S.FILLED, fill())

    assert [(t.broker, t.execution_id, t.quantity, t.price, t.commission, t.bid, t.ask) for t in trades] == [
        ("paper", "x-1", 2, Decimal("5.18"), Decimal("1.30"), Decimal("5.00"), Decimal("5.20"))
    ]
    order.refresh_from_db()
    assert (order.status, order.filled_quantity, order.average_price, order.finished_at) == (
        "filled",
        2,
        Decimal("5.18"),
        AT,
    )


def test_the_same_report_again_changes_nothing():
    order = factories.order(status=S.SUBMITTING)
    apply(order, S.FILLED, fill())
    row = stored(order)

    assert apply(order, S.FILLED, fill(), at=later(minutes=1)) == []
    assert (stored(order), Trade.objects.count(), OrderEvent.objects.count()) == (row, 1, 1)


def test_partial_fills_add_up():
    order = factories.order(status=S.SUBMITTING, quantity=5)

    apply(order, S.PARTIALLY_FILLED, fill(1, 2, "5.00"))
    assert (order.status, order.filled_quantity, order.average_price) == ("partially_filled", 2, Decimal("5.00"))

    # a broker repeats what it said before
    new = apply(order, S.FILLED, fill(1, 2, "5.00"), fill(2, 3, "5.10"))
    assert [trade.execution_id for trade in new] == ["x-2"]
    order.refresh_from_db()
    assert (order.status, order.filled_quantity, order.average_price) == ("filled", 5, Decimal("5.06"))


@pytest.mark.parametrize(
    ("reported", "status"),
    [
        (S.SUBMITTED, S.PARTIALLY_FILLED),
        (S.FILLED, S.PARTIALLY_FILLED),
        (S.PARTIALLY_FILLED, S.PARTIALLY_FILLED),
        (S.CANCELLED, S.CANCELLED),
        (S.EXPIRED, S.EXPIRED),
        (S.UNKNOWN, S.UNKNOWN),
        (S.REJECTED, S.CANCELLED),
        (S.FAILED, S.CANCELLED),
    ],
)
def test_a_partly_filled_order_keeps_what_it_bought(reported, status):
    order = factories.order(status=S.SUBMITTING, quantity=5)
    apply(order, S.PARTIALLY_FILLED, fill(1, 2))

    apply(order, reported)

    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == (status, 2)


@pytest.mark.parametrize("reported", [S.FILLED, S.PARTIALLY_FILLED])
def test_filled_without_an_execution_is_unknown(reported):
    order = factories.order(status=S.SUBMITTING)

    apply(order, reported)

    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == ("unknown", 0)


@pytest.mark.parametrize("status", [S.CANCELLED, S.EXPIRED])
def test_a_late_fill_is_booked(status):
    order = factories.order(status=status)

    apply(order, S.FILLED, fill())

    assert (order.status, order.filled_quantity) == ("filled", 2)


def test_more_filled_than_asked_for_is_refused_whole():
    order = factories.order(status=S.SUBMITTING)
    row = stored(order)

    with pytest.raises(Permanent, match="3 contracts filled"):
        apply(order, S.FILLED, fill(1, 3))

    assert (stored(order), Trade.objects.count(), OrderEvent.objects.count()) == (row, 0, 0)


def test_an_execution_belongs_to_one_order():
    apply(factories.order(status=S.SUBMITTING), S.FILLED, fill())
    other = factories.order(status=S.SUBMITTING)

    with pytest.raises(IntegrityError, match="trades_one_per_execution"):
        apply(other, S.FILLED, fill())


def test_a_waiting_order_says_why():
    order = factories.order(status=S.SUBMITTING)

    apply(order, S.SUBMITTED, code=OrderCode.LIMIT_NOT_REACHED)
    apply(order, S.SUBMITTED, code=OrderCode.MARKET_CLOSED)

    order.refresh_from_db()
    assert (order.status, order.reason) == ("submitted", "MARKET_CLOSED")
    assert changes(order) == [("submitting", "submitted", "LIMIT_NOT_REACHED")]


@pytest.mark.parametrize("code", [OrderCode.NO_QUOTE, OrderCode.QUOTE_UNUSABLE])
def test_d11_an_exit_without_a_price_alerts_and_waits_until_it_fills(code):
    entry = factories.order(status="filled")
    order = factories.exit_order(entry_order=entry, status=S.SUBMITTING)

    for minute in range(3):
        apply(order, S.SUBMITTED, code=code, message="no bid", at=later(hours=2, minutes=minute))

    alert = Alert.objects.get()
    assert (order.status, alert.level, alert.count, alert.resolved_at) == ("submitted", "critical", 3, None)
    assert "no bid" in alert.message

    apply(order, S.FILLED, fill(), at=later(hours=3))
    alert.refresh_from_db()
    assert (order.status, alert.resolved_at) == ("filled", later(hours=3))


@pytest.mark.parametrize(
    ("intent", "code"), [("exit", OrderCode.MARKET_CLOSED), ("entry", OrderCode.NO_QUOTE), ("entry", "")]
)
def test_an_ordinary_wait_alerts_nobody(intent, code):
    order = factories.order(status=S.SUBMITTING) if intent == "entry" else factories.exit_order(status=S.SUBMITTING)

    apply(order, S.SUBMITTED, code=code)

    assert Alert.objects.count() == 0


# --- the end of an entry


@pytest.mark.parametrize(("seconds", "status"), [(-1, S.SUBMITTED), (0, S.EXPIRED), (1, S.EXPIRED)])
def test_an_entry_expires_when_its_time_is_over(seconds, status):
    order = factories.order(status=S.SUBMITTED)

    ended = orders_expire(at=order.expires_at + timedelta(seconds=seconds))

    order.refresh_from_db()
    assert (order.status, len(ended)) == (status, status == S.EXPIRED)
    assert order.reason == ("ENTRY_EXPIRED" if ended else "")


@pytest.mark.parametrize("status", list(S))
def test_only_waiting_entries_expire(status):
    order = factories.order(status=status)

    ended = orders_expire(at=later(days=1))

    assert [one.pk for one in ended] == (
        [order.pk] if status in (S.PENDING_EXECUTION, S.SUBMITTED, S.PARTIALLY_FILLED) else []
    )


def test_d11_an_exit_never_expires():
    order = factories.exit_order(status=S.SUBMITTED)
    row = stored(order)

    assert orders_expire(at=later(days=30)) == []
    assert stored(order) == row


def test_an_order_that_a_worker_holds_is_left_alone():
    order = factories.order(status=S.SUBMITTED)
    lease_claim(orders_claimable(Intent.ENTRY), at=AT)

    assert orders_expire(at=later(days=1)) == []

    Order.objects.update(claimed_until=F("claimed_until") - timedelta(hours=1))
    assert [one.pk for one in orders_expire(at=later(days=1))] == [order.pk]


@pytest.mark.parametrize(
    ("state", "status", "reason"),
    [
        (TradingStatus.ACTIVE, S.SUBMITTED, ""),
        (TradingStatus.REDUCING, S.CANCELLED, "TRADING_STATE"),
        (TradingStatus.HALTED, S.SUBMITTED, ""),
    ],
)
def test_reducing_cancels_working_entries_and_no_exit(state, status, reason):
    trading_state_set(status=state, reason="a test", at=AT)
    entry = factories.order(status=S.SUBMITTED)
    closing = factories.exit_order(status=S.SUBMITTED)

    orders_expire(at=later(minutes=1))

    entry.refresh_from_db()
    closing.refresh_from_db()
    assert (entry.status, entry.reason, closing.status) == (status, reason, "submitted")


# --- claims and quarantine


@pytest.mark.parametrize("status", list(S))
def test_workers_claim_live_orders_of_their_intent(status):
    entry, closing = factories.order(status=status), factories.exit_order(status=status)

    is_live = status in LIVE
    assert list(orders_claimable(Intent.ENTRY)) == ([entry] if is_live else [])
    assert list(orders_claimable(Intent.EXIT)) == ([closing] if is_live else [])


@pytest.mark.parametrize(
    ("status", "filled", "ends"),
    [
        (S.PENDING_EXECUTION, 0, S.FAILED),
        (S.SUBMITTING, 0, S.FAILED),
        (S.SUBMITTED, 0, S.FAILED),
        (S.PARTIALLY_FILLED, 1, S.CANCELLED),
    ],
)
def test_an_entry_that_never_ends_is_given_up_loudly(status, filled, ends):
    order = factories.order(status=status, filled_quantity=filled, attempts=6)

    assert order_quarantine(order=order, at=AT) is True

    order.refresh_from_db()
    assert (order.status, order.reason, order.attempts) == (ends, "QUARANTINED", 0)
    assert Alert.objects.get().level == "critical"


@pytest.mark.parametrize("status", LIVE)
def test_d11_an_exit_is_never_given_up(status):
    order = factories.exit_order(status=status, attempts=6)

    assert order_quarantine(order=order, at=AT) is False

    order.refresh_from_db()
    assert (order.status, order.attempts, Alert.objects.get().level) == (status, 0, "critical")


def test_an_entry_of_unknown_outcome_is_not_given_up():
    order = factories.order(status=S.UNKNOWN, attempts=6)

    assert order_quarantine(order=order, at=AT) is False
    assert Order.objects.get().status == "unknown"


def test_a_finished_order_is_not_quarantined():
    order = factories.order(status="filled")

    assert (order_quarantine(order=order, at=AT), Alert.objects.count()) == (False, 0)


def test_settlement_takes_the_order_from_its_worker():
    order = factories.exit_order(status=S.SUBMITTED)
    lease_claim(orders_claimable(Intent.EXIT), at=AT)
    order.refresh_from_db()

    order_cancel_for_settlement(order=order, at=AT)

    order.refresh_from_db()
    assert (order.status, order.reason, order.claimed_by) == ("cancelled", "CONTRACT_EXPIRED", None)
