from decimal import Decimal
from itertools import product

import pytest
from django.db import IntegrityError, transaction
from django.db.models.expressions import RawSQL
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from optionsengine.core.enums import Mode
from optionsengine.core.errors import Permanent, Refusal
from orders.enums import OrderStatus
from orders.models import Order, Trade
from orders.services import exit_order_create, order_transition
from positions.enums import POSITION_TRANSITIONS, PositionCode, PositionStatus
from positions.models import BiasTradePerformance, ExitRule, Position, PositionEvent
from positions.services import position_close_request, position_open, position_reduce, position_transition
from positions.services.lifecycle import performance_source
from tests import factories
from tests.factories.clock import AT, later
from tests.positions.flow import GREEKS, bought, cash, fill_of, sold

pytestmark = pytest.mark.django_db

P = PositionStatus


def stored(position):
    return Position.objects.values().get(pk=position.pk)


def changes(position):
    return list(position.changes.order_by("pk").values_list("from_status", "to_status", "reason"))


def closing(position, at=AT):
    return position_close_request(position_id=position.pk, actor="ann", at=at)


def test_a_fill_opens_a_position():
    position = bought(2, "4.00")

    row = stored(position)
    assert {
        name: row[name] for name in row if name.endswith(("price", "cost", "basis", "risk", "pnl", "commission"))
    } == {
        "entry_price": Decimal("4.00"),
        "cost_basis": Decimal("800.00"),
        "open_cost": Decimal("801.30"),
        "initial_risk": Decimal("400.00"),
        "entry_commission": Decimal("1.30"),
        "exit_commission": Decimal("0.00"),
        "realized_pnl": Decimal("0.00"),
        "unrealized_pnl": Decimal("-21.30"),  # the bid of its fill is 3.90
        "underlying_price": None,
    }
    assert (row["bid"], row["ask"], row["mark"], row["marked_at"]) == (
        Decimal("3.90"),
        Decimal("4.02"),
        Decimal("3.96"),
        AT,
    )
    assert (row["status"], row["quantity"], row["opened_quantity"], row["high_water_mark"]) == (
        "open",
        2,
        2,
        Decimal("4.00"),
    )
    assert (row["side"], row["engine"], row["mode"], row["setup_type"], row["data_source"]) == (
        "long",
        "A",
        "paper",
        "SCALP_GUARDED",
        "board",
    )
    assert (row["entry_greeks"], row["entry_bias"]) == (GREEKS, {"bias": "BULLISH", "bias_score": 62.0})
    assert changes(position) == [("", "open", "ENTRY_FILLED")]


def test_a_later_partial_fill_adds_to_the_position():
    order = factories.order(status="submitting", quantity=3)
    first = bought(1, "1.00", order=order)
    second = bought(2, "1.01", order=Order.objects.get(pk=order.pk))

    assert second.pk == first.pk
    row = stored(second)
    assert (row["quantity"], row["opened_quantity"], row["entry_price"]) == (3, 3, Decimal("1.0067"))
    assert (row["cost_basis"], row["open_cost"], row["entry_commission"]) == (
        Decimal("302.00"),
        Decimal("303.95"),
        Decimal("1.95"),
    )
    assert changes(second) == [("", "open", "ENTRY_FILLED")]
    assert cash() == {"flows": Decimal("-303.95"), "books": Decimal("-303.95")}


def test_a_position_opens_on_fills_only():
    order = factories.order(status="submitting")

    with pytest.raises(ValueError, match="no"):
        position_open(order=order, trades=[], at=AT, bias_snapshot={}, greeks={}, data_source="board")

    assert Position.objects.count() == 0


def test_a_fill_after_the_close_needs_a_person():
    order = factories.order(status="submitting", quantity=3)
    position = bought(1, "1.00", order=order)
    exit_order = closing(position)
    sold(exit_order, fill_of(exit_order, 1, "2.00"))

    with pytest.raises(Permanent, match="by hand"):
        bought(2, "1.01", order=Order.objects.get(pk=order.pk))

    assert (Position.objects.get().quantity, Trade.objects.count()) == (0, 2)


def test_one_r_is_the_stop_in_force_at_entry():
    ExitRule.objects.create(name="tight", scope="symbol", target="SPY", stop_loss_percent=Decimal(15))

    assert bought(2, "4.00").initial_risk == Decimal("120.00")


def test_closing_books_the_result():
    position = bought(2, "4.00")
    order = closing(position, later(minutes=30))
    position = sold(order, fill_of(order, 2, "6.00"), at=later(minutes=45))

    row = stored(position)
    assert (row["status"], row["quantity"], row["closed_at"], row["exit_reason"]) == (
        "closed",
        0,
        later(minutes=45),
        "MANUAL",
    )
    assert (row["realized_pnl"], row["open_cost"], row["exit_commission"], row["unrealized_pnl"]) == (
        Decimal("397.40"),
        Decimal("0.00"),
        Decimal("1.30"),
        Decimal("0.00"),
    )
    assert changes(position) == [
        ("", "open", "ENTRY_FILLED"),
        ("open", "closing", "MANUAL"),
        ("closing", "closed", "MANUAL"),
    ]
    performance = BiasTradePerformance.objects.values().get()
    del performance["id"]
    assert performance == {
        "created_at": later(minutes=45),
        "position_id": position.pk,
        "symbol": "SPY",
        "side": "long",
        "engine": "A",
        "setup_type": "SCALP_GUARDED",
        "source": "paper",
        "is_test": False,
        "pnl": Decimal("397.40"),
        "pnl_percent": 49.675,
        "pnl_r": 0.9935,
        "session_minutes": 45,
        "entry_bias": {"bias": "BULLISH", "bias_score": 62.0},
        "exit_codes": ["MANUAL"],
    }


def test_d06_partial_exit_keeps_contracts():
    position = bought(5, "4.00")
    order = closing(position)
    position.refresh_from_db()
    assert (position.status, position.quantity) == ("closing", 5)  # contracts leave on fill, not on order

    position = sold(order, fill_of(order, 2, "5.00", 1), status=OrderStatus.PARTIALLY_FILLED)
    assert (position.status, position.quantity, position.realized_pnl) == ("closing", 3, Decimal("197.40"))
    assert BiasTradePerformance.objects.count() == 0

    position = sold(order, fill_of(order, 3, "5.00", 3))
    assert (position.status, position.quantity, position.realized_pnl) == ("closed", 0, Decimal("493.50"))
    assert BiasTradePerformance.objects.get().pnl == Decimal("493.50")
    assert cash() == {"flows": Decimal("493.50"), "books": Decimal("493.50")}


def test_d06_an_exit_that_ends_partly_filled_gives_the_rest_back_to_the_rules():
    position = bought(5, "4.00")
    order = closing(position)

    position = sold(order, fill_of(order, 2, "5.00"), status=OrderStatus.CANCELLED)

    position.refresh_from_db()
    assert (position.status, position.quantity, position.exit_reason, position.close_requested) == (
        "open",
        3,
        "",
        "MANUAL",
    )
    assert position.unrealized_pnl == Decimal("-31.95")  # 3 at the bid of 3.90 against 1201.95
    assert changes(position)[-1] == ("closing", "open", "EXIT_ENDED")


def test_an_exit_that_ends_without_a_fill_gives_everything_back():
    position = bought(5, "4.00")
    order = closing(position)

    position = sold(order, status=OrderStatus.REJECTED)

    position.refresh_from_db()
    assert (position.status, position.quantity, position.realized_pnl) == ("open", 5, 0)


def test_a_report_without_news_changes_nothing():
    position = bought(5, "4.00")
    order = closing(position)
    row = stored(position)

    sold(order, status=OrderStatus.SUBMITTED, at=later(minutes=5))

    assert stored(position) == row


def test_more_sold_than_held_is_refused_whole():
    position = bought(2, "4.00")
    with transaction.atomic():
        order = exit_order_create(entry_order=position.entry_order, quantity=3, exit_reason="MANUAL", at=AT)
    row = stored(position)

    with pytest.raises(Permanent, match="sold 3"):
        sold(order, fill_of(order, 3, "5.00"))

    assert (stored(position), Trade.objects.count()) == (row, 1)


def test_d07_an_entry_of_a_contract_that_is_closing_opens_a_position_of_its_own():
    first = bought(2, "4.00")
    order = closing(first)

    second = bought(1, "4.10")

    first.refresh_from_db()
    assert (first.status, first.quantity, second.status, second.quantity) == ("closing", 2, "open", 1)
    sold(order, fill_of(order, 2, "5.00"))
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status, second.quantity) == ("closed", "open", 1)


@pytest.mark.parametrize(
    ("mode", "data_source", "source"),
    [
        (Mode.PAPER, "board", "paper"),
        (Mode.PAPER, "simulated", "simulated"),
        (Mode.SHADOW, "simulated", "shadow"),
        (Mode.LIVE, "board", "live"),
    ],
)
def test_the_tuner_is_told_where_a_result_comes_from(mode, data_source, source):
    assert performance_source(mode, data_source) == source


def test_minutes_held_count_the_session_only():
    position = bought(1, "4.00", at=later(hours=5, minutes=50))  # ten minutes before the close
    order = closing(position, later(hours=5, minutes=55))
    sold(order, fill_of(order, 1, "4.00"), at=later(hours=23, minutes=35))  # five after the next open

    assert BiasTradePerformance.objects.get().session_minutes == 15


def test_exit_codes_name_the_deciding_rule_first_and_every_other_that_hit():
    position = bought(1, "4.00")
    for reason in ("MAX_HOLD", "TRAILING_STOP"):
        factories.exit_alert(position=position, reason=reason)
    factories.exit_alert(position=position, reason="PROFIT_TARGET", resolved_at=AT)
    order = closing(position)

    sold(order, fill_of(order, 1, "4.00"), at=later(minutes=1))

    assert BiasTradePerformance.objects.get().exit_codes == ["MANUAL", "TRAILING_STOP", "MAX_HOLD"]
    assert position.alerts.filter(resolved_at=None).count() == 0


@pytest.mark.parametrize(("before", "to"), list(product(P, P)))
def test_the_status_follows_the_table(before, to):
    values = {"status": before}
    position = factories.position(**values)
    row = stored(position)
    if to == P.CLOSED:
        position.quantity, position.closed_at, position.exit_reason = 0, AT, "MANUAL"

    def change():
        position_transition(
            position=position, to=to, reason="why", at=AT, changed=["quantity", "closed_at", "exit_reason"], actor="ann"
        )

    if to in POSITION_TRANSITIONS[before]:
        change()
        assert stored(position)["status"] == to
        event = position.changes.get()
        assert (event.from_status, event.to_status, event.reason, event.actor) == (before, to, "why", "ann")
    else:
        with pytest.raises(Refusal) as refusal:
            change()
        assert refusal.value.code == PositionCode.TRANSITION_NOT_ALLOWED
        assert (stored(position), PositionEvent.objects.count()) == (row, 0)


def test_a_transition_from_a_status_read_too_early_is_refused():
    position = factories.position()
    Position.objects.update(status="closing")

    with pytest.raises(Refusal):
        position_transition(position=position, to=P.CLOSING, reason="", at=AT)

    assert PositionEvent.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_position_changes_only_inside_a_transaction():
    position = factories.position()
    order = factories.exit_order(entry_order=position.entry_order)

    with pytest.raises(RuntimeError, match="transaction"):
        position_reduce(exit_order=order, trades=[], at=AT)
    with pytest.raises(RuntimeError, match="transaction"):
        position_transition(position=position, to=P.CLOSING, reason="", at=AT)


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"status": "closed", "closed_at": None}, "positions_closed_when_empty"),
        ({"quantity": 0}, "positions_closed_when_empty"),
        ({"quantity": 3}, "positions_quantity_bounds"),
        ({"open_cost": Decimal("-0.01")}, "positions_money_bounds"),
        ({"bid": RawSQL("'NaN'::numeric", [])}, "positions_price_bounds"),
        ({"mode": "demo"}, "positions_mode"),
    ],
)
def test_the_database_refuses_a_broken_row(values, constraint):
    position = factories.position()

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Position.objects.filter(pk=position.pk).update(**values)


@hypothesis_settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    price=st.decimals("0.01", "99.99", places=2),
    exits=st.lists(st.tuples(st.integers(1, 4), st.decimals("0.01", "99.99", places=2)), min_size=1, max_size=5),
    rest=st.integers(0, 3),
    commission=st.decimals("0", "3.33", places=2),
)
def test_cash_and_contracts_are_conserved_over_any_partial_exits(price, exits, rest, commission):
    savepoint = transaction.savepoint()
    try:
        quantity = sum(part for part, _ in exits) + rest
        position = bought(quantity, price)
        order = closing(position)
        done = 0
        for part, at_price in exits:
            done += part
            status = OrderStatus.FILLED if done == quantity else OrderStatus.PARTIALLY_FILLED
            position = sold(order, fill_of(order, part, at_price, done, commission=commission), status=status)
            assert position.quantity == quantity - done
            totals = cash()
            assert totals["flows"] == totals["books"]
        assert (position.status == "closed") == (rest == 0)
        assert (position.open_cost == 0) == (rest == 0)
    finally:
        transaction.savepoint_rollback(savepoint)


def test_an_unfilled_exit_never_touches_the_position_before_its_fill():
    position = bought(2, "4.00")
    with transaction.atomic():
        order = exit_order_create(entry_order=position.entry_order, quantity=2, exit_reason="STOP_LOSS", at=AT)
        order_transition(order=order, to=OrderStatus.SUBMITTING, reason="", at=AT)
    row = stored(position)

    sold(order, status=OrderStatus.SUBMITTED)

    assert stored(position) == row
