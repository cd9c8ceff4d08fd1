"""The contract every broker keeps, and what is particular to each."""

from decimal import Decimal

import pytest
from django.db import transaction

from optionsengine.core.enums import Mode
from orders.brokers.null import NullBroker
from orders.brokers.paper import PaperBroker
from orders.enums import OrderCode, OrderStatus
from orders.selectors import broker_get, order_request
from orders.services import order_apply_report, order_transition
from tests import factories
from tests.factories.clock import AT, later
from tests.orders.board import Board

pytestmark = pytest.mark.django_db


@pytest.fixture
def board():
    board = Board()
    board.write("5.00", "5.20")
    return board


@pytest.fixture(params=["paper", "null"])
def broker(request, board):
    return PaperBroker(board) if request.param == "paper" else NullBroker()


def test_contract_an_order_never_sent_is_unknown_to_it(broker):
    assert broker.lookup(order_request(factories.order()), AT) is None


def test_contract_fills_are_within_what_is_asked_and_named_after_the_order(broker):
    request = order_request(factories.order())

    report = broker.submit(request, AT)

    assert sum(fill.quantity for fill in report.fills) <= request.open_quantity
    assert all(fill.execution_id.startswith(request.client_order_id) for fill in report.fills)
    assert (report.status == OrderStatus.FILLED) == bool(report.fills)


def test_contract_the_same_order_at_the_same_moment_is_the_same_report(broker):
    request = order_request(factories.order())

    assert broker.submit(request, AT) == broker.submit(request, AT) == broker.poll(request, AT)


def test_contract_a_report_without_fills_says_why(broker, board):
    board.options.clear()

    report = broker.submit(order_request(factories.order()), AT)

    assert (report.fills, bool(report.code), bool(report.message)) == ((), True, True)


def test_paper_fills_from_the_providers_quote(board):
    report = PaperBroker(board).submit(order_request(factories.order()), AT)

    assert [(fill.quantity, fill.price, fill.commission, fill.source) for fill in report.fills] == [
        (2, Decimal("5.18"), Decimal("1.30"), "board")
    ]


def test_paper_waits_while_the_provider_is_down(board):
    board.is_down = True

    report = PaperBroker(board).submit(order_request(factories.order()), AT)

    assert (report.status, report.code, report.message) == (
        OrderStatus.SUBMITTED,
        OrderCode.NO_QUOTE,
        "the board is down",
    )


@pytest.mark.parametrize(("hours", "code"), [(-0.6, OrderCode.MARKET_CLOSED), (6, OrderCode.MARKET_CLOSED), (-0.5, "")])
def test_paper_asks_for_no_quote_while_the_market_is_closed(board, hours, code):
    report = PaperBroker(board).submit(order_request(factories.order()), later(hours=hours))

    assert report.code == code
    assert board.calls == ([] if code else ["option_quotes"])


def test_paper_always_open_market_fills_at_night(board, settings):
    settings.SIMULATED_MARKET_ALWAYS_OPEN = True

    assert PaperBroker(board).submit(order_request(factories.order()), later(hours=12)).status == OrderStatus.FILLED


def test_paper_looks_its_fills_up_in_our_trades(board):
    order = factories.order(status="submitting")
    broker = PaperBroker(board)
    report = broker.submit(order_request(order), AT)
    with transaction.atomic():
        order_apply_report(order=order, report=report, broker=broker.name, at=AT)

    assert broker.lookup(order_request(order), later(minutes=1)) == report


def test_paper_lookup_of_a_partly_filled_order(board):
    order = factories.order(status="submitting")
    with transaction.atomic():
        order_transition(order=order, to=OrderStatus.SUBMITTED, reason="", at=AT)
    factories.trade(order=order, quantity=1, commission=Decimal("0.65"))

    report = PaperBroker(board).lookup(order_request(order), AT)

    assert (report.status, sum(fill.quantity for fill in report.fills)) == (OrderStatus.PARTIALLY_FILLED, 1)


def test_null_refuses_and_says_what_to_set():
    report = NullBroker().submit(order_request(factories.order()), AT)

    assert (report.status, report.code) == (OrderStatus.REJECTED, OrderCode.BROKER_NOT_CONFIGURED)
    assert "APP_MODE=PAPER" in report.message


@pytest.mark.parametrize(("mode", "name"), [(Mode.PAPER, "paper"), (Mode.SHADOW, "paper"), (Mode.LIVE, "null")])
def test_each_mode_has_its_broker(board, mode, name):
    assert broker_get(mode=mode, provider=board).name == name
