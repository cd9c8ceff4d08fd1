"""What reads orders."""

from django.db.models import QuerySet

from optionsengine.core.enums import Intent, Mode
from optionsengine.market.providers.base import MarketProvider
from orders.brokers.base import Broker
from orders.brokers.null import NullBroker
from orders.brokers.paper import PaperBroker
from orders.data import OrderRequest
from orders.enums import LIVE, OrderAction, OrderType
from orders.models import Order


def orders_claimable(intent: Intent) -> "QuerySet[Order]":
    """Return the orders of that intent that a worker may carry on with; `core.leases.lease_claim` picks the due ones.

    Call `orders_expire` first, so that no entry is sent after its time.
    """
    return Order.objects.filter(intent=intent, status__in=LIVE)


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
