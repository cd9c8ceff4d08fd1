"""How a paper order fills. Pure: the same request, quote and moment always give the same report.

A market order pays `cross` of the half-spread beyond mid (0.75: trading rules, fills). Beyond the displayed size each
further multiple of it, begun or whole, costs `SIZE_IMPACT` of the half-spread more, up to `MAX_IMPACT`: the price may
then lie outside the quote, as it would for a real order that walks the book. A limit order fills when that same price
is at or better than its limit: an order that rests at the mid of its decision fills once the market has come towards
it by the share of the half-spread that a market order would pay, and always once the far side has reached the limit
(for an order within the displayed size).
"""

from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from optionsengine.core.values import CENT
from optionsengine.market.data import OptionQuote
from optionsengine.market.rules import quote_problem
from orders.data import BrokerReport, Fill, OrderRequest
from orders.enums import OrderAction, OrderCode, OrderStatus, OrderType

SIZE_IMPACT = Decimal("0.10")  # of the half-spread, per further multiple of the displayed size
MAX_IMPACT = Decimal("1.00")  # of the half-spread


def paper_price(
    action: OrderAction, *, bid: Decimal, ask: Decimal, quantity: int, displayed_size: int, cross: Decimal
) -> Decimal:
    """Return the price per share at which `quantity` contracts fill, in whole cents rounded against us.

    A sale never goes for less than one cent, the least price an option trades at.
    """
    further_multiples = -(-quantity // displayed_size) - 1
    impact = min(SIZE_IMPACT * further_multiples, MAX_IMPACT)
    half_spread = (ask - bid) / 2
    distance = half_spread * (cross + impact)
    mid = (bid + ask) / 2
    if action == OrderAction.BUY_TO_OPEN:
        return (mid + distance).quantize(CENT, rounding=ROUND_CEILING)
    return max((mid - distance).quantize(CENT, rounding=ROUND_FLOOR), CENT)


def limit_reached(action: OrderAction, price: Decimal, limit_price: Decimal | None) -> bool:
    """Tell whether `price` is at or better than the limit; an order without one takes any price."""
    if limit_price is None:
        return True
    return price <= limit_price if action == OrderAction.BUY_TO_OPEN else price >= limit_price


def paper_fill(
    request: OrderRequest,
    quote: OptionQuote | None,
    at: datetime,
    market_open: bool,
    *,
    cross: Decimal,
    commission_per_contract: Decimal,
    quote_max_age_seconds: int,
) -> BrokerReport:
    """Fill what is left of the order at once, or say why it waits. No price is ever made up.

    The execution's id is the order's with the number of the first contract it fills, so that a repetition after a
    crash is the same execution.
    """
    if not market_open:
        return _waits(request, OrderCode.MARKET_CLOSED, "the market is closed; it is tried again when it opens")
    if quote is None:
        return _waits(request, OrderCode.NO_QUOTE, f"there is no quote for {request.contract.symbol}")
    problem = quote_problem(quote.bid, quote.ask, quote.at, at, quote_max_age_seconds)
    if problem is not None:
        seen = f"bid {quote.bid}, ask {quote.ask}, quoted {quote.at.isoformat()}"
        return _waits(request, OrderCode.QUOTE_UNUSABLE, f"the quote is {problem.value.replace('_', ' ')}: {seen}")
    is_buy = request.action == OrderAction.BUY_TO_OPEN
    displayed_size = quote.ask_size if is_buy else quote.bid_size
    if not displayed_size:
        side = "ask" if is_buy else "bid"
        return _waits(request, OrderCode.QUOTE_UNUSABLE, f"the {side} of {quote.bid} to {quote.ask} shows no size")
    price = paper_price(
        request.action,
        bid=quote.bid,
        ask=quote.ask,
        quantity=request.open_quantity,
        displayed_size=displayed_size,
        cross=cross,
    )
    limit_price = request.limit_price if request.order_type == OrderType.LIMIT else None
    if not limit_reached(request.action, price, limit_price):
        return _waits(request, OrderCode.LIMIT_NOT_REACHED, f"it would fill at {price}, its limit is {limit_price}")
    fill = Fill(
        execution_id=f"{request.client_order_id}-{request.filled_quantity + 1}",
        quantity=request.open_quantity,
        price=price,
        commission=(commission_per_contract * request.open_quantity).quantize(CENT, rounding=ROUND_CEILING),
        executed_at=at,
        bid=quote.bid,
        ask=quote.ask,
        quote_at=quote.at,
        source=quote.source,
    )
    return BrokerReport(OrderStatus.FILLED, (fill,))


def _waits(request: OrderRequest, code: OrderCode, message: str) -> BrokerReport:
    status = OrderStatus.PARTIALLY_FILLED if request.filled_quantity else OrderStatus.SUBMITTED
    return BrokerReport(status, (), code, message)
