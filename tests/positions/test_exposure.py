"""What is held as one risk: counts by side, expiry and symbol, and the Greeks in dollars, of positions and entries."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.facts import Exposure, SymbolRisk
from experiments.models import Approval
from experiments.services import drawdown_freeze_record
from optionsengine.core.enums import Right, Side
from optionsengine.core.values import OptionContract
from orders.data import BrokerReport
from orders.enums import OrderStatus
from orders.models import Order
from orders.services import order_apply_report
from positions.books import entries_read
from positions.models import Position
from positions.risk import MOST_EXPIRATIONS, MOST_SYMBOLS, DollarGreeks, Held, dollar_greeks, risk_facts
from positions.selectors import exposure_of, portfolio_get
from positions.services import position_close_request, position_open, positions_refresh
from tests import factories
from tests.factories.clock import AT, later
from tests.factories.decisions import EXPIRATION
from tests.orders.board import Board
from tests.positions.flow import bought, fill_of, sold

GREEKS = {"iv": 0.2, "delta": 0.5, "gamma": 0.01, "theta": -0.1, "vega": 0.3}
# two contracts at an underlying of $500: ½ × 200 × 500; 0.01 × 200 × 500² ÷ 100; 0.3 × 200; −0.1 × 200
DELTA, GAMMA, VEGA, THETA = Decimal("50000.00"), Decimal("5000.00"), Decimal("60.00"), Decimal("-20.00")
COLUMNS = ["expiration", "strike", "bid", "ask", "iv", "delta", "gamma", "theta", "vega"]


def exposure(symbol="SPY", at=AT) -> Exposure:
    return exposure_of(portfolio_get(at), symbol=symbol)


def greeks(found: Exposure) -> tuple[Decimal, ...]:
    return found.dollar_delta, found.dollar_gamma, found.dollar_vega, found.dollar_theta


def held(symbol="SPY", side="long", *, quantity=2, price="500", told=GREEKS, **values) -> Position:
    """A real open position of a filled entry with the Greeks and the price of its last mark."""
    signal = factories.signal(symbol=symbol, side=side)
    decision = factories.decision_round(experiment=factories.experiment(signal=signal))
    advice = factories.recommendation(decision=decision, quantity=quantity)
    order = factories.order(recommendation=advice, status="filled")
    return factories.position(entry_order=order, greeks=told, underlying_price=price, **values)


def frozen(*rows, spot="500"):
    """The inputs of a decision that froze these candidates."""
    return {"candidates": {"columns": COLUMNS, "rows": [list(row) for row in rows]}, "chain_summary": {"spot": spot}}


CANDIDATE = ("2026-03-20", "500", "4.9", "5.1", 0.2, 0.5, 0.01, -0.1, 0.3)
OTHERS = (("2026-03-13", "500", *CANDIDATE[2:5], 9, 9, 9, 9), ("2026-03-20", "505", *CANDIDATE[2:5], 9, 9, 9, 9))


def advised(inputs, *, status="approved", side="long", symbol="SPY", **values):
    signal = factories.signal(status=status, side=side, symbol=symbol)
    decision = factories.decision_round(experiment=factories.experiment(signal=signal), inputs=inputs)
    return factories.recommendation(decision=decision, **values)


# --- the arithmetic


def test_the_greeks_of_two_calls_in_dollars():
    assert dollar_greeks(
        right=Right.CALL,
        contracts=2,
        price=Decimal(500),
        delta=Decimal("0.5"),
        gamma=Decimal("0.01"),
        vega=Decimal("0.3"),
        theta=Decimal("-0.1"),
    ) == DollarGreeks(DELTA, GAMMA, VEGA, THETA)


@pytest.mark.parametrize("delta", ["0.5", "-0.5"])
@pytest.mark.parametrize(("right", "sign"), [(Right.CALL, 1), (Right.PUT, -1)])
def test_the_sign_of_delta_is_the_rights_whatever_a_source_writes(right, sign, delta):
    unknown = dict.fromkeys(("gamma", "vega", "theta"))
    found = dollar_greeks(right=right, contracts=1, price=Decimal(100), delta=Decimal(delta), **unknown)
    assert found == DollarGreeks(delta=Decimal(sign * 5000))


@pytest.mark.parametrize(("right", "sign"), [(Right.CALL, 1), (Right.PUT, -1)])
def test_greeks_that_nobody_told_are_those_of_the_underlying_itself(right, sign):
    unknown = dict.fromkeys(("delta", "gamma", "vega", "theta"))
    found = dollar_greeks(right=right, contracts=3, price=Decimal("99.50"), **unknown)
    assert found == DollarGreeks(delta=Decimal(sign * 29850))


def test_a_move_of_one_percent_changes_dollar_delta_by_dollar_gamma():
    """Gamma's definition: delta grows by gamma a dollar, so 1 % of $500 adds 5 × 0.01 of 200 shares at $500."""
    known = {"right": Right.CALL, "contracts": 2, "vega": None, "theta": None, "gamma": Decimal("0.01")}
    before = dollar_greeks(price=Decimal(500), delta=Decimal("0.50"), **known)
    moved = dollar_greeks(price=Decimal(500), delta=Decimal("0.55"), **known)
    assert moved.delta - before.delta == before.gamma


HELD = st.builds(
    Held,
    symbol=st.sampled_from([f"S{number}" for number in range(20)]),
    side=st.sampled_from(Side),
    expiration=st.dates(date(2026, 1, 1), date(2026, 4, 1)),
    positions=st.integers(0, 3),
    greeks=st.builds(
        DollarGreeks, *(st.decimals(-(10**6), 10**6, places=4, allow_nan=False, allow_infinity=False) for _ in range(4))
    ),
    without_greeks=st.integers(0, 1),
)


@settings(max_examples=60)
@given(st.lists(HELD, max_size=60), st.randoms(use_true_random=False))
def test_the_facts_add_up_in_any_order(rows, order):
    facts = risk_facts(rows, symbol="S1")
    shuffled = list(rows)
    order.shuffle(shuffled)
    assert risk_facts(shuffled, symbol="S1") == facts
    assert sum(facts["by_side"].values()) == sum(row.positions for row in rows)
    assert sum(facts["symbol_by_side"].values()) == sum(row.positions for row in rows if row.symbol == "S1")
    assert abs(facts["dollar_vega"] - sum((row.greeks.vega for row in rows), Decimal(0))) <= Decimal("0.005")
    dates = list(facts["expirations"])
    assert dates == sorted({row.expiration for row in rows if row.positions})[:MOST_EXPIRATIONS]
    sizes = [abs(risk.dollar_delta) for risk in facts["symbols"]]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == min(MOST_SYMBOLS, len({(row.symbol, row.side) for row in rows}))


def test_the_largest_twelve_symbols_and_the_nearest_forty_expirations_are_named():
    rows = [
        Held(f"S{n}", Side.LONG, date(2026, 3, 1) + timedelta(days=n), 1, DollarGreeks(delta=Decimal(-n)), 0)
        for n in range(45)
    ]
    facts = risk_facts(rows, symbol="S0")
    assert [risk.symbol for risk in facts["symbols"]] == [f"S{n}" for n in range(44, 32, -1)]
    assert list(facts["expirations"]) == [date(2026, 3, 1) + timedelta(days=n) for n in range(40)]
    assert (facts["dollar_delta"], sum(facts["by_side"].values())) == (Decimal(-990), 45)


# --- from the books


@pytest.mark.django_db
def test_d01_the_greeks_have_one_store_and_count_contracts_times_100():
    """The statement reads the columns that exist and the keys that a fill and a mark write, in dollars."""
    position = bought(2, "4.00")  # from the Greeks of its fill, priced where no mark has come yet
    board = Board()
    board.spot = Decimal(500)
    board.write("4.00", "4.10", delta=0.52, gamma=0.01, theta=-0.11, vega=0.4)
    positions_refresh(provider=board, at=later(minutes=1))

    with connection.cursor() as cursor:
        names = {column.name for column in connection.introspection.get_table_description(cursor, "positions")}
    assert {"greeks", "underlying_price", "quantity", "opened_quantity", "right"} <= names
    position.refresh_from_db()
    assert position.greeks == {"iv": 0.18, "delta": 0.52, "gamma": 0.01, "theta": -0.11, "vega": 0.4}
    found = exposure(at=later(minutes=1))
    assert greeks(found) == (Decimal("52000.00"), GAMMA, Decimal("80.00"), Decimal("-22.00"))
    assert found.without_greeks == 0


@pytest.mark.django_db
def test_a_fill_knows_its_underlyings_price_before_the_first_mark():
    order = factories.order(status="submitting")
    with transaction.atomic():
        report = BrokerReport(OrderStatus.FILLED, (fill_of(order, 2, "4.00"),))
        position_open(
            order=order,
            trades=order_apply_report(order=order, report=report, broker="paper", at=AT),
            at=AT,
            bias_snapshot={},
            greeks=GREEKS,
            data_source="board",
            underlying_price=Decimal(500),
        )
    assert (greeks(exposure()), exposure().without_greeks) == ((DELTA, GAMMA, VEGA, THETA), 0)


@pytest.mark.django_db
def test_a_position_counts_by_side_symbol_and_expiry():
    held()
    held(quantity=1)
    held(side="short", price="400")
    held("QQQ", "short", told=GREEKS | {"delta": -0.25}, expiration=date(2026, 2, 20))

    found = exposure()
    assert found.by_side == {Side.LONG: 2, Side.SHORT: 2}
    assert found.symbol_by_side == {Side.LONG: 2, Side.SHORT: 1}
    assert found.expirations == {date(2026, 2, 20): 1, EXPIRATION: 3}
    assert found.symbols == (
        SymbolRisk("SPY", Side.LONG, 2, Decimal("75000.00")),
        SymbolRisk("SPY", Side.SHORT, 1, Decimal("-40000.00")),
        SymbolRisk("QQQ", Side.SHORT, 1, Decimal("-25000.00")),
    )
    assert found.dollar_delta == Decimal("10000.00")
    assert exposure("QQQ").symbol_by_side == {Side.SHORT: 1}
    assert (found.open_positions, found.symbol_positions) == (4, 3)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("told", "price", "expected"),
    [
        ({}, "500", (2 * DELTA, 0, 0, 0)),
        ({}, None, (2 * DELTA, 0, 0, 0)),
        ({}, "400", (Decimal(80000), 0, 0, 0)),
        (GREEKS, None, (DELTA, GAMMA, VEGA, THETA)),
        (GREEKS | {"delta": None}, "400", (Decimal(80000), Decimal(3200), VEGA, THETA)),
        ({"delta": 0.5, "gamma": 0.01, "vega": 0.3}, "500", (DELTA, GAMMA, VEGA, 0)),
        (GREEKS | {"theta": None}, "500", (DELTA, GAMMA, VEGA, 0)),
    ],
)
@pytest.mark.parametrize(("side", "sign"), [("long", 1), ("short", -1)])
def test_a_delta_that_nobody_told_counts_in_full_the_other_greeks_as_nothing(told, price, expected, side, sign):
    """Two contracts at a strike of $500: 200 shares, worth $100,000 at the strike."""
    held(side=side, told=told, price=price)

    found = exposure()
    assert greeks(found) == (sign * expected[0], *expected[1:])
    assert (found.without_greeks, found.by_side) == (1, {Side(side): 1})
    assert found.symbols == (SymbolRisk("SPY", Side(side), 1, Decimal(sign * expected[0])),)


@pytest.mark.django_db
def test_what_is_closed_or_not_real_holds_nothing():
    held(status="closed")
    for change in ({"mode": "shadow"}, {"is_test": True}):
        Position.objects.filter(pk=held().pk).update(**change)

    found = exposure()
    assert (greeks(found), found.by_side, found.expirations, found.symbols) == ((0, 0, 0, 0), {}, {}, ())


@pytest.mark.django_db
def test_half_a_position_has_half_the_greeks():
    position = bought(4, "4.00")
    Position.objects.filter(pk=position.pk).update(greeks=GREEKS, underlying_price=500)
    order = position_close_request(position_id=position.pk, actor="ann", at=AT)
    assert greeks(exposure()) == (2 * DELTA, 2 * GAMMA, 2 * VEGA, 2 * THETA)
    sold(order, fill_of(order, 2, "5.00"), status="partially_filled")
    assert greeks(exposure()) == (DELTA, GAMMA, VEGA, THETA)


@pytest.mark.django_db
@pytest.mark.parametrize("side", Side)
def test_an_entry_has_the_greeks_that_its_decision_froze_as_its_position_will_have(side):
    sign = 1 if side == Side.LONG else -1
    told = [*CANDIDATE[:5], sign * 0.5, *CANDIDATE[6:]]
    advice = advised(frozen(*OTHERS, told), side=side)
    expected = (sign * DELTA, GAMMA, VEGA, THETA)

    approved = exposure()
    assert (greeks(approved), approved.without_greeks) == (expected, 0)
    assert (approved.by_side, approved.symbol_by_side, approved.expirations) == ({side: 1}, {side: 1}, {EXPIRATION: 1})
    assert approved.symbols == (SymbolRisk("SPY", side, 1, sign * DELTA),)

    order = factories.order(recommendation=advice, status="submitted")
    assert exposure() == approved
    Order.objects.filter(pk=order.pk).update(status="filled", filled_quantity=2, average_price=5)
    order.refresh_from_db()
    factories.position(entry_order=order, greeks=GREEKS | {"delta": sign * 0.5}, underlying_price=500)
    position = exposure()
    assert (greeks(position), position.symbols) == (expected, approved.symbols)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({}, (2 * DELTA, 0, 0, 0)),
        (frozen(*OTHERS), (2 * DELTA, 0, 0, 0)),
        (frozen(*OTHERS, spot="400"), (Decimal(80000), 0, 0, 0)),
        (frozen([*CANDIDATE[:5], None, 0.01, -0.1, 0.3]), (2 * DELTA, GAMMA, VEGA, THETA)),
        (frozen(CANDIDATE, spot=None), (DELTA, GAMMA, VEGA, THETA)),
    ],
    ids=["an older form", "another contract", "another spot", "no delta", "no spot"],
)
@pytest.mark.parametrize("is_ordered", [False, True])
def test_an_entry_whose_greeks_are_not_known_counts_as_its_position_would(inputs, expected, is_ordered):
    advice = advised(inputs)
    if is_ordered:
        factories.order(recommendation=advice, status="submitted")

    found = exposure()
    assert (greeks(found), found.without_greeks, found.by_side) == (expected, 1, {Side.LONG: 1})


@pytest.mark.django_db
def test_the_rest_of_a_partly_filled_entry_adds_its_greeks_and_no_position():
    advice = advised(frozen(CANDIDATE), status="executed", quantity=3)
    order = factories.order(recommendation=advice, status="submitting")
    position = bought(1, "5.00", order=order)
    Position.objects.filter(pk=position.pk).update(greeks=GREEKS, underlying_price=500)

    found = exposure()
    assert greeks(found) == tuple(amount / 2 * 3 for amount in (DELTA, GAMMA, VEGA, THETA))
    assert (found.by_side, found.expirations, found.without_greeks) == ({Side.LONG: 1}, {EXPIRATION: 1}, 0)


@pytest.mark.django_db
def test_a_round_that_a_person_was_asked_about_never_trades_and_counts_nowhere():
    advice = advised(frozen(CANDIDATE))
    assert exposure().by_side == {Side.LONG: 1}
    Approval.objects.create(
        decision=advice.decision, signal=advice.signal, status="approved", lapses_at=AT, decided_at=AT
    )
    assert exposure().by_side == {}


@pytest.mark.django_db
def test_a_strike_is_found_however_it_is_written():
    advised(frozen([CANDIDATE[0], "502.5", *CANDIDATE[2:]]), strike=Decimal("502.5000"))

    assert [entry.held.greeks.delta for entry in entries_read()] == [DELTA]


@pytest.mark.django_db
def test_the_pause_of_a_drawdown_is_part_of_the_exposure():
    assert exposure().frozen_until is None
    until = drawdown_freeze_record(drawdown_percent=Decimal("3.5"), at=AT)
    assert exposure().frozen_until == until
    assert exposure(at=until).frozen_until is None


@pytest.mark.django_db
def test_a_position_of_a_contract_is_that_contract():
    """The grouping loses no side: what a short signal holds are puts."""
    position = held(side="short")
    assert position.contract == OptionContract("SPY", EXPIRATION, Right.PUT, Decimal(500))
    assert exposure().dollar_delta == -DELTA
