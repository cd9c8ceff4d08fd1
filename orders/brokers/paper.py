"""The paper broker: real quotes, no money."""

from datetime import datetime

from django.conf import settings

from optionsengine.market.data import MarketError
from optionsengine.market.providers.base import MarketProvider
from optionsengine.market.selectors import market_open
from orders.data import BrokerReport, Fill, OrderRequest
from orders.enums import OrderCode, OrderStatus
from orders.models import Trade
from orders.rules import paper_fill


class PaperBroker:
    """Fills paper and shadow orders from the provider's quotes by `orders.rules.paper_fill`.

    Its book is our own trades: an order without trades is one it never received, so a worker that died between the
    fill and its saving has done nothing.
    """

    name = "paper"

    def __init__(self, provider: MarketProvider) -> None:
        self._provider = provider

    def submit(self, request: OrderRequest, at: datetime) -> BrokerReport:
        """Fill the order now if the market allows it; else it waits with the reason."""
        is_open = market_open(at)
        try:
            quotes = self._provider.option_quotes([request.contract], at) if is_open else {}
        except MarketError as error:
            return BrokerReport(OrderStatus.SUBMITTED, (), OrderCode.NO_QUOTE, error.message)
        return paper_fill(
            request,
            quotes.get(request.contract),
            at,
            is_open,
            cross=settings.PAPER_FILL_CROSS,
            commission_per_contract=settings.COMMISSION_PER_CONTRACT,
            quote_max_age_seconds=settings.QUOTE_MAX_AGE_SECONDS,
        )

    def poll(self, request: OrderRequest, at: datetime) -> BrokerReport:
        """Try the waiting order again: nobody else holds it."""
        return self.submit(request, at)

    def lookup(self, request: OrderRequest, at: datetime) -> BrokerReport | None:
        """Return the order's saved executions, or None if there are none."""
        trades = list(
            Trade.objects.filter(broker=self.name, order__client_order_id=request.client_order_id).order_by(
                "created_at", "pk"
            )
        )
        if not trades:
            return None
        filled = sum(trade.quantity for trade in trades)
        is_whole = filled == request.quantity
        status = OrderStatus.FILLED if is_whole else OrderStatus.PARTIALLY_FILLED
        return BrokerReport(status, tuple(_fill(trade) for trade in trades))


def _fill(trade: Trade) -> Fill:
    return Fill(
        execution_id=trade.execution_id,
        quantity=trade.quantity,
        price=trade.price,
        commission=trade.commission,
        executed_at=trade.created_at,
        bid=trade.bid,
        ask=trade.ask,
        quote_at=trade.quote_at,
        source=trade.price_source,
    )
