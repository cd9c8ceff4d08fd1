from dataclasses import fields
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from experiments.facts import Exposure
from optionsengine.core.enums import Engine
from positions.data import HoldFacts
from positions.models import ExitRule
from positions.selectors import (
    exit_policies,
    exit_signals_payload,
    exposure_of,
    hold_facts,
    portfolio_get,
    position_view,
    positions_watched,
    stop_percents,
)
from positions.services import position_close_request, positions_refresh
from tests import factories
from tests.factories.clock import AT, later
from tests.orders.board import Board
from tests.positions.flow import bought, fill_of, sold

pytestmark = pytest.mark.django_db

EMPTY = Exposure(
    equity=Decimal(100000),
    open_positions=0,
    symbol_positions=0,
    daily_pnl=Decimal(0),
    daily_trades=0,
    exposure=Decimal(0),
    open_risk=Decimal(0),
)


def exposure(symbol="SPY", at=AT):
    """The counts and sums alone; `test_exposure` holds what is held of which side, expiry and Greek."""
    found = exposure_of(portfolio_get(at), symbol=symbol)
    return Exposure(*(getattr(found, field.name) for field in fields(EMPTY)[:7]))


def close(position, price, at):
    order = position_close_request(position_id=position.pk, actor="ann", at=at)
    return sold(order, fill_of(order, position.quantity, price), at=at)


# --- exposure


def test_empty_books():
    assert exposure() == EMPTY


def test_an_open_position_counts_with_its_cost_its_risk_and_its_result_so_far():
    bought(2, "4.00")  # marked at its fill's bid of 3.90

    assert exposure() == Exposure(
        equity=Decimal("99978.70"),
        open_positions=1,
        symbol_positions=1,
        daily_pnl=Decimal("-21.30"),
        daily_trades=1,
        exposure=Decimal("801.30"),
        open_risk=Decimal("400.00"),
    )
    assert exposure("QQQ").symbol_positions == 0


@pytest.mark.parametrize("values", [{"engine": "B"}, {"is_test": True}])
def test_d35_shadow_and_test_positions_count_nowhere(values):
    close(bought(2, "4.00", **values), "1.00", later(minutes=1))
    bought(2, "4.00", **values)
    order = factories.order(status="submitted")
    for change in ({"mode": "shadow"}, {"is_test": True}):
        type(order).objects.filter(pk=order.pk).update(**({"mode": "paper", "is_test": False} | change))
        assert exposure() == EMPTY


def test_a_closed_position_counts_in_equity_and_todays_result_only():
    close(bought(2, "4.00"), "6.00", later(minutes=5))

    assert exposure(at=later(hours=1)) == Exposure(
        equity=Decimal("100397.40"),
        open_positions=0,
        symbol_positions=0,
        daily_pnl=Decimal("397.40"),
        daily_trades=1,
        exposure=Decimal("0.00"),
        open_risk=Decimal(0),
    )


def test_half_a_position_is_half_the_risk():
    position = bought(4, "4.00")
    order = position_close_request(position_id=position.pk, actor="ann", at=AT)
    sold(order, fill_of(order, 1, "5.00"), status="partially_filled")

    found = exposure()
    assert (found.open_risk, found.exposure, found.equity) == (
        Decimal("600.00"),
        Decimal("1201.95"),
        # 98.70 realised; three left, 3.90 bid, paid 1201.95
        Decimal("100066.75"),
    )


def test_d38_the_day_is_new_yorks_and_leaves_older_unrealised_results_out():
    yesterday = AT.replace(day=13)
    bought(2, "4.00", at=yesterday)
    late = bought(1, "4.00", at=AT.replace(day=17, hour=4, minute=59))  # 23:59 in New York, the day before
    early = bought(1, "4.00", at=AT.replace(day=17, hour=5, minute=0))  # midnight in New York

    found = exposure()
    assert (found.daily_trades, found.daily_pnl, found.open_positions) == (1, early.unrealized_pnl, 3)

    close(late, "3.00", AT)  # what is closed today counts whole
    assert exposure().daily_pnl == early.unrealized_pnl + Decimal("-101.30")


@pytest.mark.parametrize("status", ["pending_execution", "submitting", "submitted", "unknown"])
def test_a_working_entry_counts_like_a_position_at_the_ask(status):
    factories.order(status=status)  # two contracts, ask 5.10

    assert exposure() == Exposure(
        equity=Decimal(100000),
        open_positions=1,
        symbol_positions=1,
        daily_pnl=Decimal(0),
        daily_trades=1,
        exposure=Decimal("1020.00"),
        open_risk=Decimal("510.00"),
    )


def test_a_working_limit_entry_counts_at_its_limit():
    factories.order(status="submitted", order_type="limit", limit_price=Decimal("5.00"))

    assert exposure().exposure == Decimal("1000.00")


@pytest.mark.parametrize("status", ["cancelled", "expired", "rejected", "failed"])
def test_an_entry_that_ended_counts_nowhere(status):
    factories.order(status=status)

    assert exposure() == EMPTY


def test_a_partly_filled_entry_is_its_position_and_the_dollars_it_may_still_buy():
    order = factories.order(status="submitting", quantity=3)
    bought(1, "5.00", order=order)

    found = exposure()
    assert (found.open_positions, found.daily_trades, found.exposure) == (1, 1, Decimal("500.65") + Decimal("1020.00"))


def test_an_approved_recommendation_without_an_order_counts():
    signal = factories.signal(status="approved")
    decision = factories.decision_round(experiment=factories.experiment(signal=signal))
    factories.recommendation(decision=decision)
    factories.recommendation(decision=decision, engine="B")

    found = exposure()
    assert (found.open_positions, found.symbol_positions, found.exposure, found.open_risk, found.daily_trades) == (
        1,
        1,
        Decimal("1020.00"),
        Decimal("510.00"),
        1,
    )


@pytest.mark.parametrize(("status", "is_test"), [("rejected", False), ("failed", False), ("approved", True)])
def test_a_recommendation_that_will_never_trade_counts_nowhere(status, is_test):
    signal = factories.signal(status=status, is_test=is_test)
    factories.recommendation(decision=factories.decision_round(experiment=factories.experiment(signal=signal)))

    assert exposure() == EMPTY


STOPS = [
    ([], "510.00"),
    ([("global", "", None)], "1020.00"),  # no stop: the whole premium
    ([("global", "", "30")], "306.00"),
    ([("global", "", None), ("engine", "A", "40")], "408.00"),
    ([("engine", "A", None), ("setup", "SCALP_GUARDED", "15")], "153.00"),
    ([("setup", "SCALP_GUARDED", "15"), ("symbol", "SPY", "12.34")], "125.87"),
    ([("engine", "B", None), ("setup", "SWING", None), ("symbol", "QQQ", None)], "510.00"),
]


def rules(*wanted):
    """Replace the enabled exit rules by (scope, target, stop) ones."""
    ExitRule.objects.update(is_enabled=False)
    for scope, target, stop in wanted:
        loss = None if stop is None else Decimal(stop)
        ExitRule.objects.create(name=f"{scope} {target}", scope=scope, target=target, stop_loss_percent=loss)


@pytest.mark.parametrize(("wanted", "risk"), STOPS)
def test_a_working_entry_is_at_risk_to_the_stop_its_position_will_have(wanted, risk):
    rules(*wanted)
    factories.order(status="submitted")

    assert (exposure().open_risk, exposure().exposure) == (Decimal(risk), Decimal("1020.00"))


@pytest.mark.parametrize(("wanted", "risk"), STOPS)
def test_an_approved_entry_is_at_risk_to_the_stop_its_position_will_have(wanted, risk):
    rules(*wanted)
    signal = factories.signal(status="approved")
    factories.recommendation(decision=factories.decision_round(experiment=factories.experiment(signal=signal)))

    assert (exposure().open_risk, exposure().exposure) == (Decimal(risk), Decimal("1020.00"))


def test_entries_of_one_book_are_each_at_risk_to_their_own_stop():
    rules(("global", "", "10"), ("setup", "SWING", None))
    for setup in ("SCALP_GUARDED", "SWING"):
        factories.order(recommendation=factories.recommendation(setup_type=setup), status="submitted")

    assert exposure().open_risk == Decimal("102.00") + Decimal("1020.00")


def test_the_rest_of_a_partly_filled_entry_follows_the_rule_of_its_position():
    position = bought(1, "5.00", order=factories.order(status="submitting", quantity=3))
    rules(("global", "", "20"), ("position", str(position.pk), None))

    found = exposure()
    # the filled contract keeps the 1 R of its entry, half of $500; the two still wanted have no stop
    assert (found.exposure, found.open_risk) == (Decimal("1520.65"), Decimal("250.00") + Decimal("1020.00"))


def test_exposure_takes_five_statements_however_much_is_open():
    def statements():
        with CaptureQueriesContext(connection) as captured:
            exposure()
        return len(captured)

    bought(1, "4.00")
    assert statements() == 5
    for _ in range(3):
        bought(1, "4.00")
        factories.order(status="submitted")
    assert statements() == 5


# --- policies and facts


def test_a_new_installation_has_the_global_rule_and_disabled_profiles():
    rules = ExitRule.objects.order_by("pk").values_list(
        "scope", "target", "is_enabled", "stop_loss_percent", "profit_target_percent", "max_hold_sessions"
    )

    assert list(rules) == [
        ("global", "", True, 50, 50, 5),
        ("setup", "SCALP_GUARDED", False, 15, 30, 1),
        ("setup", "SWING", False, 25, 80, 10),
        ("setup", "POSITION", False, 30, 100, 41),
        ("setup", "LEAPS", False, 40, 150, 252),
    ]
    assert list(exit_policies()) == [("global", "")]


@pytest.mark.parametrize(
    ("wanted", "a", "b"),
    [
        ([], "50", "50"),
        ([("global", "", "30")], "30", "30"),
        ([("global", "", None)], "100", "100"),
        ([("global", "", None), ("engine", "B", "40")], "100", "40"),
        ([("engine", "A", "35"), ("engine", "B", None)], "35", "100"),
        ([("engine", "A", "35"), ("setup", "SWING", "25")], "25", "25"),
        ([("setup", "SWING", "25"), ("symbol", "SPY", None)], "100", "100"),
        ([("setup", "LEAPS", "25"), ("symbol", "QQQ", "20")], "50", "50"),
    ],
)
def test_a_new_position_will_have_the_stop_of_the_most_specific_rule(django_assert_num_queries, wanted, a, b):
    rules(*wanted)

    with django_assert_num_queries(1):
        found = stop_percents(exit_policies(), symbol="SPY", setup_type="SWING")

    assert found == {Engine.A: Decimal(a), Engine.B: Decimal(b)}


def test_a_disabled_rule_and_another_positions_rule_stop_nothing():
    rules(("position", str(factories.position().pk), "10"))
    ExitRule.objects.create(name="off", scope="symbol", target="SPY", stop_loss_percent=None, is_enabled=False)

    found = stop_percents(exit_policies(), symbol="SPY", setup_type="SWING")
    assert found == {Engine.A: Decimal(50), Engine.B: Decimal(50)}


def test_the_calendars_facts():
    position = bought(1, "4.00")  # Tuesday 17 February 2026, 10:00 in New York

    assert hold_facts(position_view(position), AT.replace(day=18, hour=20, minute=30)) == HoldFacts(
        dte=pytest.approx(30 - 0.5 / 24),
        entry_dte=pytest.approx(31 + 5 / 24),
        expires_in_days=30,
        minutes_to_close=30.0,
        sessions_held=1,
    )
    night = hold_facts(position_view(position), AT.replace(day=19, hour=3))
    assert (night.minutes_to_close, night.sessions_held, night.expires_in_days) == (None, 1, 30)


def test_watched_is_everything_not_closed():
    for status in ("open", "closing", "closed"):
        factories.position(status=status)

    assert sorted(positions_watched().values_list("status", flat=True)) == ["closing", "open"]


# --- GET exit-signals


def test_exit_signals_of_quiet_books():
    bought(2, "4.00")

    payload = exit_signals_payload(AT)

    assert payload.pop("duration_ms") >= 0
    assert payload == {
        "alerts": [],
        "summary": {
            "total_positions": 1,
            "positions_with_alerts": 0,
            "critical_alerts": 0,
            "high_alerts": 0,
            "medium_alerts": 0,
        },
        "timestamp": AT,
    }


def test_exit_signals_name_every_hit_the_deciding_one_first():
    board = Board()
    position = bought(2, "4.00")
    bought(1, "4.00", engine="B")
    bought(1, "4.00", is_test=True)
    at = later(days=7)
    board.write("1.50", "1.60")
    positions_refresh(provider=board, at=at)

    payload = exit_signals_payload(at)

    assert payload["alerts"] == [
        {
            "position_id": str(position.pk),
            "symbol": "SPY",
            "priority": "CRITICAL",
            "reason": "STOP_LOSS",
            "details": {
                "option_symbol": "SPY-20260320-C-500",
                "quantity": 2,
                "value": "bid 1.5000",
                "threshold": "2.0000",
            },
            "recommended_action": "CLOSE_POSITION_IMMEDIATELY",
            "urgency": "IMMEDIATE",
        },
        {
            "position_id": str(position.pk),
            "symbol": "SPY",
            "priority": "MEDIUM",
            "reason": "MAX_HOLD",
            "details": {
                "option_symbol": "SPY-20260320-C-500",
                "quantity": 2,
                "value": "5 sessions",
                "threshold": "5 sessions",
            },
            "recommended_action": "REVIEW",
            "urgency": "NORMAL",
        },
    ]
    assert payload["summary"] == {
        "total_positions": 1,
        "positions_with_alerts": 1,
        "critical_alerts": 1,
        "high_alerts": 0,
        "medium_alerts": 1,
    }


@pytest.mark.parametrize(
    ("day", "hour", "alert"),
    [
        (18, 15, None),
        (19, 15, ("TIME_STOP", "HIGH", "REVIEW")),  # tomorrow, more than a day away
        (19, 21, ("TIME_STOP", "HIGH", "CLOSE_POSITION")),  # less than the rule's day
        (20, 15, ("TIME_STOP", "CRITICAL", "CLOSE_POSITION_IMMEDIATELY")),
        (23, 15, ("TIME_STOP", "CRITICAL", "CLOSE_POSITION_IMMEDIATELY")),  # expired and not settled yet
    ],
)
def test_exit_signals_announce_the_expiry(day, hour, alert):
    bought(2, "4.00", at=AT.replace(month=3, day=17))

    alerts = exit_signals_payload(AT.replace(month=3, day=day, hour=hour))["alerts"]

    found = [(one["reason"], one["priority"], one["recommended_action"]) for one in alerts]
    assert found == ([alert] if alert else [])


def test_a_closed_position_is_not_named():
    position = bought(2, "4.00")
    close(position, "1.00", later(minutes=1))

    payload = exit_signals_payload(later(minutes=2))

    assert (payload["alerts"], payload["summary"]["total_positions"]) == ([], 0)
