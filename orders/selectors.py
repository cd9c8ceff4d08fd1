"""What reads orders."""

from datetime import datetime

from django.db.models import Q, QuerySet

from optionsengine.core.enums import Intent, Mode
from optionsengine.market.providers.base import MarketProvider
from orders.brokers.base import Broker
from orders.brokers.null import NullBroker
from orders.brokers.paper import PaperBroker
from orders.data import OrderRequest
from orders.enums import LIVE, OrderAction, OrderStatus, OrderType
from orders.models import Order


def orders_claimable(intent: Intent, at: datetime) -> "QuerySet[Order]":
    """Return the orders of that intent that a worker may carry on with; `core.leases.lease_claim` picks the due ones.

    An entry past its expiry is left to `orders_expire`, unless it was on its way when its worker died: that one has
    to be looked up first.
    """
    orders = Order.objects.filter(intent=intent, status__in=LIVE)
    if intent == Intent.EXIT:
        return orders
    on_its_way = Q(status__in=[OrderStatus.SUBMITTING, OrderStatus.UNKNOWN])
    return orders.filter(on_its_way | Q(expires_at__gt=at))


def order_request(order: Order) -> OrderRequest:
    """Return what a broker is asked for by this order."""
    return OrderRequest(
        client_order_id=order.client_order_id,
        contract=order.contract,
        action=OrderAction(order.action),
        order_type=OrderType(order.order_type),
        limit_price=order.limit_price,
        quantity=order.quantity,
        filled_quantity=order.filled_quantity,
    )


def order_exit_live(entry_order: Order) -> Order | None:
    """Return the exit order that is working on this entry order's position, if there is one."""
    return Order.objects.filter(entry_order=entry_order, intent=Intent.EXIT, status__in=LIVE).first()


def broker_get(*, mode: Mode, provider: MarketProvider) -> Broker:
    """Return the broker of that mode: paper and shadow orders fill from the provider's quotes."""
    return NullBroker() if mode == Mode.LIVE else PaperBroker(provider)
