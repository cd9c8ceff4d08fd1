from decimal import Decimal
from itertools import product

import pytest
from django.db import transaction

from optionsengine.core.errors import Refusal
from orders.enums import FINAL, LIVE, ORDER_TRANSITIONS, OrderCode, OrderStatus
from orders.models import Order, OrderEvent
from orders.services import (
    entry_order_create,
    exit_order_create,
    order_transition,
)
from tests import factories
from tests.factories.clock import AT, later

pytestmark = pytest.mark.django_db

S = OrderStatus


def changes(order):
    return list(order.changes.order_by("pk").values_list("from_status", "to_status", "reason"))


def stored(order):
    return Order.objects.values().get(pk=order.pk)


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
