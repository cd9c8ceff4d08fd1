from datetime import timedelta
from decimal import Decimal
from itertools import product

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from optionsengine.core.enums import Intent
from optionsengine.core.errors import Permanent, Refusal
from optionsengine.core.leases import lease_claim
from optionsengine.ops.enums import TradingStatus
from optionsengine.ops.models import Alert
from optionsengine.ops.services import trading_state_set
from orders.data import BrokerReport, Fill
from orders.enums import FINAL, LIVE, ORDER_TRANSITIONS, OrderCode, OrderStatus
from orders.models import Order, OrderEvent, Trade
from orders.selectors import orders_claimable
from orders.services import (
    entry_order_create,
    exit_order_create,
    order_apply_report,
    order_cancel_for_settlement,
    order_quarantine,
    order_transition,
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


# --- creation


def test_a_market_entry_carries_the_recommendation_out():
    recommendation = factories.recommendation()

    order = entry_order_create(recommendation=recommendation, at=later(seconds=5))

    assert order.client_order_id == f"oe-{recommendation.signal_id.hex}-A"
    assert (order.intent, order.action, order.order_type, order.limit_price) == ("entry", "buy_to_open", "market", None)
    assert (order.mode, order.is_test, order.quantity, order.status) == ("paper", False, 2, "pending_execution")
    assert (order.option_symbol, order.occ_symbol) == ("SPY-20260320-C-500", "SPY260320C00500000")
    assert (order.created_at, order.expires_at) == (later(seconds=5), later(seconds=5, minutes=30))
    assert changes(order) == [("", "pending_execution", "")]


def test_a_limit_entry_waits_as_long_as_its_decision_says():
    recommendation = factories.recommendation(entry_type="LIMIT", limit_price=Decimal("5.00"), max_wait_minutes=7)

    order = entry_order_create(recommendation=recommendation, at=AT)

    assert (order.order_type, order.limit_price, order.expires_at) == ("limit", Decimal("5.00"), later(minutes=7))


def test_a_second_creation_returns_the_first_order():
    recommendation = factories.recommendation()
    first = entry_order_create(recommendation=recommendation, at=AT)

    second = entry_order_create(recommendation=recommendation, at=later(minutes=1))

    assert second.pk == first.pk
    assert (Order.objects.count(), OrderEvent.objects.count()) == (1, 1)


def test_the_other_engines_order_is_shadow():
    order = entry_order_create(recommendation=factories.recommendation(engine="B"), at=AT)

    assert (order.mode, order.client_order_id[-2:]) == ("shadow", "-B")


@pytest.mark.parametrize(("app_mode", "mode"), [("PAPER", "paper"), ("LIVE", "live")])
def test_the_real_order_has_the_mode_of_the_engine(settings, app_mode, mode):
    settings.APP_MODE = app_mode

    assert entry_order_create(recommendation=factories.recommendation(), at=AT).mode == mode


def test_d35_an_order_of_a_test_signal_is_a_test():
    decision = factories.decision_round(
        experiment=factories.experiment(signal=factories.signal(is_test=True)),
    )

    assert entry_order_create(recommendation=factories.recommendation(decision=decision), at=AT).is_test is True


@pytest.mark.parametrize("outcome", ["refused", "deferred"])
def test_what_was_not_approved_becomes_no_order(outcome):
    recommendation = factories.recommendation(outcome=outcome)

    with pytest.raises(Refusal) as refusal:
        entry_order_create(recommendation=recommendation, at=AT)

    assert refusal.value.code == OrderCode.NOT_APPROVED
    assert Order.objects.count() == 0


@pytest.mark.parametrize("status", [*LIVE, S.FILLED])
def test_a_later_round_of_an_engine_that_works_or_filled_already_is_stored_as_rejected(status):
    first = factories.order(status=status)
    again = factories.decision_round(experiment=first.recommendation.decision.experiment)

    order = entry_order_create(recommendation=factories.recommendation(decision=again), at=later(minutes=1))

    assert (order.status, order.reason, order.client_order_id) == (
        "rejected",
        OrderCode.ALREADY_ORDERED,
        f"{first.client_order_id}-r2",
    )
    assert changes(order) == [("", "rejected", "ALREADY_ORDERED")]


@pytest.mark.parametrize("status", [status for status in FINAL if status != S.FILLED])
def test_a_later_round_after_an_order_that_bought_nothing_trades(status):
    first = factories.order(status=status)
    again = factories.decision_round(experiment=first.recommendation.decision.experiment)

    order = entry_order_create(recommendation=factories.recommendation(decision=again), at=later(minutes=1))

    assert (order.status, order.client_order_id) == ("pending_execution", f"{first.client_order_id}-r2")


def test_an_exit_is_a_market_order_that_never_expires():
    entry = factories.order(status="filled", is_test=True)

    with transaction.atomic():
        order = exit_order_create(entry_order=entry, quantity=2, exit_reason="STOP_LOSS", at=later(hours=1))

    assert order.client_order_id == f"oe-{entry.pk.hex}-x1"
    assert (order.intent, order.action, order.order_type, order.limit_price, order.expires_at) == (
        "exit",
        "sell_to_close",
        "market",
        None,
        None,
    )
    assert (order.entry_order_id, order.signal_id, order.engine, order.mode, order.is_test, order.quantity) == (
        entry.pk,
        entry.signal_id,
        "A",
        "paper",
        True,
        2,
    )
    assert changes(order) == [("", "pending_execution", "STOP_LOSS")]


@pytest.mark.parametrize("status", LIVE)
def test_there_is_one_live_exit_order(status):
    entry = factories.order(status="filled")
    live = factories.exit_order(entry_order=entry, status=status)

    with transaction.atomic():
        order = exit_order_create(entry_order=entry, quantity=1, exit_reason="MANUAL", at=AT)

    assert (order.pk, order.exit_reason, Order.objects.filter(intent="exit").count()) == (live.pk, "PROFIT_TARGET", 1)


def test_exits_are_numbered():
    entry = factories.order(status="filled")
    factories.exit_order(entry_order=entry, status="cancelled")

    with transaction.atomic():
        order = exit_order_create(entry_order=entry, quantity=1, exit_reason="MANUAL", at=AT)

    assert order.client_order_id == f"oe-{entry.pk.hex}-x2"


# --- transitions


@pytest.mark.parametrize(("before", "to"), list(product(S, S)))
def test_the_status_follows_the_table(before, to):
    order = factories.order(status=before, filled_quantity=0)
    row = stored(order)

    if to in ORDER_TRANSITIONS[before]:
        order_transition(order=order, to=to, reason="why", at=later(minutes=1), message="because", actor="ann")

        assert stored(order) == row | {
            "status": to,
            "reason": "why",
            "updated_at": later(minutes=1),
            "finished_at": later(minutes=1) if to in FINAL else None,
        }
        event = order.changes.get()
        assert (event.from_status, event.to_status, event.reason, event.message, event.actor, event.created_at) == (
            before,
            to,
            "why",
            "because",
            "ann",
            later(minutes=1),
        )
    else:
        with pytest.raises(Refusal) as refusal:
            order_transition(order=order, to=to, reason="why", at=later(minutes=1))

        assert refusal.value.code == OrderCode.TRANSITION_NOT_ALLOWED
        assert (stored(order), order.changes.count()) == (row, 0)


def test_a_transition_from_a_status_read_too_early_is_refused():
    order = factories.order()
    Order.objects.filter(pk=order.pk).update(status=S.CANCELLED)
    row = stored(order)

    with pytest.raises(Refusal):
        order_transition(order=order, to=S.SUBMITTING, reason="", at=AT)

    assert (stored(order), order.status, OrderEvent.objects.count()) == (row, "pending_execution", 0)


@pytest.mark.django_db(transaction=True)
def test_an_order_changes_only_inside_a_transaction():
    order = factories.order()

    with pytest.raises(RuntimeError, match="transaction"):
        order_transition(order=order, to=S.SUBMITTING, reason="", at=AT)

    assert (Order.objects.get().status, OrderEvent.objects.count()) == ("pending_execution", 0)


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
    lease_claim(orders_claimable(Intent.ENTRY), at=AT, limit=1)

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
    lease_claim(orders_claimable(Intent.EXIT), at=AT, limit=1)
    order.refresh_from_db()

    order_cancel_for_settlement(order=order, at=AT)

    order.refresh_from_db()
    assert (order.status, order.reason, order.claimed_by) == ("cancelled", "CONTRACT_EXPIRED", None)
