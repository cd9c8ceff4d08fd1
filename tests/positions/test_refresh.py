from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from optionsengine.core.enums import Right
from optionsengine.core.values import OptionContract
from optionsengine.ops.data import StageReport
from optionsengine.ops.models import Alert
from positions.models import Position, PositionMark
from positions.services import greeks_of, positions_refresh
from tests import factories
from tests.factories.clock import AT, later
from tests.orders.board import CONTRACT, Board, option_quote
from tests.positions.flow import bought

pytestmark = pytest.mark.django_db


@pytest.fixture
def board():
    board = Board()
    board.write("4.40", "4.60")
    return board


def refresh(board, at):
    return positions_refresh(provider=board, at=at)


def stored(position):
    return Position.objects.values().get(pk=position.pk)


def test_a_position_is_marked_at_mid_and_valued_at_the_bid(board):
    position = bought(2, "4.00")

    report = refresh(board, later(minutes=1))

    assert report == StageReport(claimed=1, done=1)
    row = stored(position)
    assert (row["bid"], row["ask"], row["mark"], row["underlying_price"]) == (
        Decimal("4.40"),
        Decimal("4.60"),
        Decimal("4.50"),
        Decimal("500.50"),
    )
    assert (row["unrealized_pnl"], row["high_water_mark"], row["trailing_stop"], row["marked_at"]) == (
        Decimal("78.70"),
        Decimal("4.40"),
        None,
        later(minutes=1),
    )
    assert row["greeks"] == {"iv": 0.18, "delta": 0.52, "gamma": 0.01, "theta": -0.11, "vega": 0.4}
    mark = PositionMark.objects.values().get()
    del mark["id"]
    assert mark == {
        "created_at": later(minutes=1),
        "position_id": position.pk,
        "mark": Decimal("4.50"),
        "bid": Decimal("4.40"),
        "ask": Decimal("4.60"),
        "underlying_price": Decimal("500.50"),
        "unrealized_pnl": Decimal("78.70"),
        "trailing_stop": None,
        "iv": 0.18,
        "delta": 0.52,
        "source": "board",
        "quote_at": later(minutes=1),
    }


def test_the_stop_trails_the_best_bid_and_only_rises(board):
    position = bought(2, "4.00")
    seen = []

    for minute, bid in enumerate(["4.79", "4.80", "6.00", "5.20", "6.10"], start=1):
        board.write(bid, "9.00")
        refresh(board, later(minutes=minute))
        row = stored(position)
        seen.append((row["high_water_mark"], row["trailing_stop"]))

    assert seen == [
        (Decimal("4.79"), None),
        (Decimal("4.80"), Decimal("4.08")),
        (Decimal("6.00"), Decimal("5.10")),
        (Decimal("6.00"), Decimal("5.10")),
        (Decimal("6.10"), Decimal("5.185")),
    ]


def test_one_request_for_all_options_and_one_for_their_underlyings(board):
    other = OptionContract("QQQ", date(2026, 3, 20), Right.CALL, Decimal(500))
    board.write("3.00", "3.10", contract=other)
    for _ in range(3):
        bought(1, "4.00")
    bought(1, "3.00", symbol="QQQ")

    assert refresh(board, later(minutes=1)).done == 4
    assert sorted(board.calls) == ["option_quotes", "quotes"]


def test_the_number_of_statements_does_not_grow_with_the_positions(board):
    bought(1, "4.00")
    refresh(board, later(minutes=1))
    with CaptureQueriesContext(
        connection,
    ) as one:
        refresh(board, later(minutes=2))
    for _ in range(4):
        bought(1, "4.00")

    with CaptureQueriesContext(connection) as five:
        refresh(board, later(minutes=3))

    assert len(five) == len(one)


def test_a_second_refresh_at_the_same_moment_adds_nothing(board):
    position = bought(2, "4.00")
    refresh(board, later(minutes=1))
    row = stored(position)

    assert refresh(board, later(minutes=1)) == StageReport(claimed=1, done=1)

    assert (stored(position), PositionMark.objects.count()) == (row, 1)


def test_an_older_quote_never_replaces_a_newer_one(board):
    position = bought(2, "4.00")
    refresh(board, later(minutes=2))
    row = stored(position)
    board.write("1.00", "1.10")

    refresh(board, later(minutes=1))

    assert (stored(position), PositionMark.objects.count()) == (row, 1)


@pytest.mark.parametrize(
    ("bid", "ask"), [("0", "0.05"), ("4.60", "4.40"), ("0", "0"), ("NaN", "4.60"), ("4.40", "Infinity")]
)
def test_an_unusable_quote_leaves_the_last_mark(board, bid, ask):
    position = bought(2, "4.00")
    row = stored(position)
    board.write(bid, ask)

    assert refresh(board, later(minutes=1)) == StageReport(claimed=1, deferred=1)

    assert (stored(position), PositionMark.objects.count()) == (row, 0)


@pytest.mark.parametrize("broken", ["missing", "down", "stale"])
def test_no_mark_is_invented_and_an_alert_says_so(board, broken):
    position = bought(2, "4.00")
    row = stored(position)
    if broken == "missing":
        board.options.clear()
    elif broken == "down":
        board.is_down = True
    else:
        board.write("4.40", "4.60", stale=True, at=AT - timedelta(minutes=5))

    refresh(board, later(seconds=120))
    assert Alert.objects.count() == 0
    refresh(board, later(seconds=121))

    alert = Alert.objects.get()
    assert (alert.cause, alert.level, alert.resolved_at) == ("unpriced:SPY-20260320-C-500", "warning", None)
    assert stored(position) == row


def test_the_alert_is_resolved_by_the_next_price(board):
    bought(2, "4.00")
    board.is_down = True
    refresh(board, later(minutes=5))
    board.is_down = False

    refresh(board, later(minutes=6))

    assert Alert.objects.get().resolved_at == later(minutes=6)


def test_after_the_close_nothing_is_asked_and_nobody_alerted(board):
    bought(2, "4.00")

    refresh(board, later(hours=6, seconds=119))  # the last quotes of the session are still fresh
    assert board.calls == ["option_quotes", "quotes"]
    board.calls.clear()
    board.is_down = True

    assert refresh(board, later(hours=9)) == StageReport(claimed=1, deferred=1)
    assert (board.calls, Alert.objects.count()) == ([], 0)


def test_a_missing_underlying_keeps_the_option_priced(board):
    position = bought(2, "4.00")
    board.spot = None

    assert refresh(board, later(minutes=1)).done == 1

    assert (stored(position)["bid"], stored(position)["underlying_price"]) == (Decimal("4.40"), None)
    assert PositionMark.objects.get().underlying_price is None


def test_a_greek_that_is_no_number_is_left_out(board):
    position = bought(2, "4.00")
    board.write("4.40", "4.60", delta=float("nan"), iv=float("inf"))

    assert refresh(board, later(minutes=1)).done == 1

    assert stored(position)["greeks"] == {"gamma": 0.01, "theta": -0.11, "vega": 0.4}
    assert (PositionMark.objects.get().iv, PositionMark.objects.get().delta) == (None, None)
    assert greeks_of(option_quote(gamma=0.12345678))["gamma"] == 0.123457


def test_shadow_and_closing_positions_are_marked_closed_and_expired_ones_not(board):
    shadow = bought(1, "4.00", engine="B")
    closing = bought(1, "4.00")
    Position.objects.filter(pk=closing.pk).update(status="closing")
    factories.position(status="closed")

    assert refresh(board, later(minutes=1)) == StageReport(claimed=2, done=2)
    assert {stored(shadow)["bid"], stored(closing)["bid"]} == {Decimal("4.40")}

    at_expiry = AT.replace(month=3, day=20, hour=20)
    assert refresh(board, at_expiry) == StageReport(claimed=2, deferred=2)
    assert refresh(board, at_expiry - timedelta(seconds=1)).done == 2


def test_the_contract_of_the_board_is_the_one_that_was_bought():
    assert bought(1, "4.00").contract == CONTRACT


def test_a_quote_that_tells_no_greeks_marks_the_position_all_the_same(board):
    position = bought(1, "4.00")
    board.write("4.40", "4.60", delta=None, gamma=None, theta=None, vega=None)

    assert refresh(board, later(minutes=1)).done == 1
    assert (stored(position)["bid"], stored(position)["greeks"]) == (Decimal("4.40"), {"iv": 0.18})
