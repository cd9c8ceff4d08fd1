"""Steps of a position's life as the pipeline takes them, for tests."""

from decimal import Decimal

from django.db import transaction

from orders.brokers.paper import PaperBroker
from orders.data import BrokerReport, Fill
from orders.enums import OrderStatus
from orders.models import Order
from orders.selectors import order_request
from orders.services import order_apply_report
from positions.models import Position
from positions.services import position_open, position_reduce
from tests import factories
from tests.factories.clock import AT

GREEKS = {"iv": 0.2, "delta": 0.5, "gamma": 0.01, "theta": -0.1, "vega": 0.3}


def fill_of(order, quantity, price, number=1, *, at=AT, commission=None, **values) -> Fill:
    defaults = {
        "execution_id": f"{order.client_order_id}-{number}",
        "quantity": quantity,
        "price": Decimal(price),
        "commission": Decimal("0.65") * quantity if commission is None else Decimal(commission),
        "executed_at": at,
        "bid": max(Decimal(price) - Decimal("0.10"), Decimal("0.01")),
        "ask": Decimal(price) + Decimal("0.02"),
        "quote_at": at,
        "source": "board",
    }
    return Fill(**(defaults | values))


def bought(quantity=2, price="4.00", *, at=AT, order=None, side="long", symbol="SPY", is_test=False, **values):
    """An open position from a fill, through the services."""
    if order is None:
        signal = factories.signal(side=side, symbol=symbol, is_test=is_test, created_at=at, status="executed")
        decision = factories.decision_round(experiment=factories.experiment(signal=signal), created_at=at)
        advice = factories.recommendation(decision=decision, quantity=quantity, engine=values.pop("engine", "A"))
        order = factories.order(recommendation=advice, status="submitting", quantity=quantity, created_at=at, **values)
        factories.order_event(order=order, to_status="submitting")
    with transaction.atomic():
        report = BrokerReport(
            OrderStatus.SUBMITTED, (fill_of(order, quantity, price, order.filled_quantity + 1, at=at),)
        )
        trades = order_apply_report(order=order, report=report, broker="paper", at=at)
        return position_open(
            order=order,
            trades=trades,
            at=at,
            bias_snapshot={"bias": "BULLISH", "bias_score": 62.0},
            greeks=GREEKS,
            data_source=trades[0].price_source,
        )


def sold(order: Order, *fills: Fill, status=OrderStatus.FILLED, at=AT) -> Position:
    """The position after a report on its exit order."""
    with transaction.atomic():
        order = Order.objects.select_for_update().get(pk=order.pk)
        Order.objects.filter(pk=order.pk, status="pending_execution").update(status="submitting")
        order.refresh_from_db()
        trades = order_apply_report(order=order, report=BrokerReport(status, fills), broker="paper", at=at)
        return position_reduce(exit_order=order, trades=trades, at=at)


def executed(order: Order, provider, at) -> Order:
    """The exit order after the paper broker had it once."""
    report = PaperBroker(provider).submit(order_request(order), at)
    with transaction.atomic():
        order = Order.objects.select_for_update().get(pk=order.pk)
        Order.objects.filter(pk=order.pk, status="pending_execution").update(status="submitting")
        order.refresh_from_db()
        trades = order_apply_report(order=order, report=report, broker="paper", at=at)
        position_reduce(exit_order=order, trades=trades, at=at)
    return order


def cash() -> dict[str, Decimal]:
    """What the trades moved, and what the books say they did: invariant 10."""
    flows = Decimal(0)
    for intent, price, quantity, commission in Order.objects.filter(trades__isnull=False).values_list(
        "intent", "trades__price", "trades__quantity", "trades__commission"
    ):
        flows += (1 if intent == "exit" else -1) * price * quantity * 100 - commission
    books = sum((row.realized_pnl - row.open_cost for row in Position.objects.all()), Decimal(0))
    return {"flows": flows, "books": books}
