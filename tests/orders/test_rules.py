from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders.data import BrokerReport, Fill, OrderRequest
from orders.enums import OrderAction, OrderCode, OrderStatus, OrderType
from orders.rules import paper_fill, paper_price
from tests.factories.clock import AT
from tests.orders.board import CONTRACT, option_quote

BUY, SELL = OrderAction.BUY_TO_OPEN, OrderAction.SELL_TO_CLOSE


def request(action=BUY, quantity=2, limit=None, filled=0) -> OrderRequest:
    return OrderRequest(
        client_order_id="oe-1-A",
        contract=CONTRACT,
        action=action,
        order_type=OrderType.LIMIT if limit else OrderType.MARKET,
        limit_price=Decimal(limit) if limit else None,
        quantity=quantity,
        filled_quantity=filled,
    )


def fill(order=None, quote=None, *, at=AT, market_open=True, cross="0.75", max_age=120) -> BrokerReport:
    return paper_fill(
        order or request(),
        quote,
        at,
        market_open,
        cross=Decimal(cross),
        commission_per_contract=Decimal("0.65"),
        quote_max_age_seconds=max_age,
    )


@pytest.mark.parametrize(
    ("action", "bid", "ask", "price"),
    [
        (BUY, "5.00", "5.20", "5.18"),  # 5.10 + 0.75 × 0.10 = 5.175, up
        (SELL, "5.00", "5.20", "5.02"),  # 5.025, down
        (BUY, "1.00", "1.01", "1.01"),
        (SELL, "1.00", "1.01", "1.00"),
        (BUY, "2.00", "2.00", "2.00"),  # a locked market has no spread to pay
        (SELL, "0.01", "0.02", "0.01"),
        (BUY, "4.00", "4.08", "4.07"),  # exactly 4.07: nothing to round
        (SELL, "4.00", "4.08", "4.01"),
    ],
)
def test_price_is_mid_and_three_quarters_of_the_half_spread_rounded_against_us(action, bid, ask, price):
    quote = option_quote(bid, ask)

    report = fill(request(action), quote)

    assert report == BrokerReport(
        OrderStatus.FILLED,
        (
            Fill(
                execution_id="oe-1-A-1",
                quantity=2,
                price=Decimal(price),
                commission=Decimal("1.30"),
                executed_at=AT,
                bid=quote.bid,
                ask=quote.ask,
                quote_at=AT,
                source="board",
            ),
        ),
    )


@pytest.mark.parametrize(
    ("quantity", "displayed", "buys_at", "sells_at"),
    [
        (10, 10, "5.75", "4.25"),  # mid 5, half-spread 1: within the size
        (11, 10, "5.85", "4.15"),  # one multiple begun
        (20, 10, "5.85", "4.15"),
        (21, 10, "5.95", "4.05"),
        (110, 10, "6.75", "3.25"),  # ten more: the whole impact
        (111, 10, "6.75", "3.25"),  # and no more than that
        (1000, 1, "6.75", "3.25"),
    ],
)
def test_each_further_multiple_of_the_displayed_size_costs_a_tenth_of_the_half_spread(
    quantity, displayed, buys_at, sells_at
):
    def price(action):
        return paper_price(
            action,
            bid=Decimal(4),
            ask=Decimal(6),
            quantity=quantity,
            displayed_size=displayed,
            cross=Decimal("0.75"),
        )

    assert (price(BUY), price(SELL)) == (Decimal(buys_at), Decimal(sells_at))


def test_a_sale_goes_for_one_cent_at_least():
    price = paper_price(
        SELL, bid=Decimal("0.01"), ask=Decimal("0.05"), quantity=100, displayed_size=1, cross=Decimal("0.75")
    )

    assert price == Decimal("0.01")


def test_the_size_that_counts_is_that_of_the_side_it_trades_against():
    quote = option_quote("4.00", "6.00", bid_size=1, ask_size=100)

    assert fill(request(BUY, 11), quote).fills[0].price == Decimal("5.75")
    assert fill(request(SELL, 11), quote).fills[0].price == Decimal("3.25")


@pytest.mark.parametrize(
    ("bid", "ask", "limit", "fills_at"),
    [
        ("5.00", "5.20", "5.17", None),
        ("5.00", "5.20", "5.18", "5.18"),
        ("5.00", "5.20", "5.19", "5.18"),  # never at the limit when the market is better
        ("5.00", "5.20", "5.10", None),  # rests at the mid of its decision
        ("4.92", "5.12", "5.10", "5.10"),  # and fills once the market came 8 cents towards it: 5.02 + 0.075, up
        ("4.93", "5.13", "5.10", None),
        ("4.90", "5.10", "5.10", "5.08"),  # the ask reached the limit
    ],
)
def test_a_limit_buy_fills_at_its_limit_or_better(bid, ask, limit, fills_at):
    report = fill(request(BUY, limit=limit), option_quote(bid, ask))

    if fills_at is None:
        assert (report.status, report.fills, report.code) == (OrderStatus.SUBMITTED, (), OrderCode.LIMIT_NOT_REACHED)
    else:
        assert [one.price for one in report.fills] == [Decimal(fills_at)]


@pytest.mark.parametrize(("limit", "filled"), [("5.01", True), ("5.02", True), ("5.03", False)])
def test_a_limit_sale_fills_at_its_limit_or_better(limit, filled):
    report = fill(request(SELL, limit=limit), option_quote("5.00", "5.20"))

    assert [one.price for one in report.fills] == ([Decimal("5.02")] if filled else [])


@pytest.mark.parametrize(
    ("quote", "code"),
    [
        (None, OrderCode.NO_QUOTE),
        (option_quote("5.20", "5.00"), OrderCode.QUOTE_UNUSABLE),
        (option_quote("0", "5.00"), OrderCode.QUOTE_UNUSABLE),
        (option_quote("5.00", "0"), OrderCode.QUOTE_UNUSABLE),
        (option_quote("0", "0"), OrderCode.QUOTE_UNUSABLE),
        (option_quote("-1", "5.00"), OrderCode.QUOTE_UNUSABLE),
        (option_quote("NaN", "5.00"), OrderCode.QUOTE_UNUSABLE),
        (option_quote("5.00", "Infinity"), OrderCode.QUOTE_UNUSABLE),
        (option_quote(at=AT - timedelta(seconds=120.5)), OrderCode.QUOTE_UNUSABLE),
        (option_quote(at=AT + timedelta(seconds=60.5)), OrderCode.QUOTE_UNUSABLE),
        (option_quote(ask_size=0), OrderCode.QUOTE_UNUSABLE),
    ],
)
def test_d34_without_a_usable_quote_an_order_waits(quote, code):
    report = fill(request(), quote)

    assert (report.status, report.fills, report.code) == (OrderStatus.SUBMITTED, (), code)
    assert report.message


def test_a_quote_of_exactly_the_age_limit_fills():
    assert fill(request(), option_quote(at=AT - timedelta(seconds=120))).status == OrderStatus.FILLED


def test_d34_a_closed_market_fills_nothing():
    report = fill(request(), option_quote(), market_open=False)

    assert (report.status, report.fills, report.code) == (OrderStatus.SUBMITTED, (), OrderCode.MARKET_CLOSED)


def test_the_rest_of_a_partly_filled_order_is_another_execution():
    partly = request(quantity=5, filled=3)

    report = fill(partly, option_quote())

    assert [(one.execution_id, one.quantity, one.commission) for one in report.fills] == [
        ("oe-1-A-4", 2, Decimal("1.30"))
    ]
    assert fill(partly, None).status == OrderStatus.PARTIALLY_FILLED


def test_commission_is_whole_cents_rounded_against_us():
    report = paper_fill(
        request(quantity=3),
        option_quote(),
        AT,
        True,
        cross=Decimal("0.75"),
        commission_per_contract=Decimal("0.333"),
        quote_max_age_seconds=120,
    )

    assert report.fills[0].commission == Decimal("1.00")


@settings(max_examples=60)
@given(
    bid=st.integers(1, 100_000),
    spread=st.integers(0, 2_000),
    quantity=st.integers(1, 1000),
    size=st.integers(1, 200),
    cross=st.decimals(0, 1, places=2),
)
def test_buying_and_selling_at_once_never_pays(bid, spread, quantity, size, cross):
    quote = option_quote(Decimal(bid) / 100, Decimal(bid + spread) / 100, bid_size=size, ask_size=size)

    bought = fill(request(BUY, quantity), quote, cross=cross).fills[0].price
    sold = fill(request(SELL, quantity), quote, cross=cross).fills[0].price

    assert bought >= quote.mid >= sold > 0
    if quantity <= size:
        assert quote.bid <= sold
        assert bought <= quote.ask
