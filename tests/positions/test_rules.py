from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from positions.data import ExitPolicy, HoldFacts, PositionView
from positions.enums import ExitReason, RuleScope
from positions.rules import (
    DEFAULT_POLICY,
    cost_released,
    exit_hits,
    exit_policy_for,
    expiry_notice,
    initial_risk,
    is_requested,
    pnl_percent,
    pnl_r,
    pnl_realized,
    pnl_unrealized,
    premium,
    trailing_stop_level,
)
from tests.factories.clock import AT
from tests.orders.board import CONTRACT

R = ExitReason
OFF = ExitPolicy(
    profit_target_percent=None,
    stop_loss_percent=None,
    trailing_activation_percent=None,
    trailing_distance_percent=None,
    max_hold_sessions=None,
    min_dte=None,
)
ID = UUID(int=7)


def view(**values) -> PositionView:
    defaults = {
        "id": ID,
        "contract": CONTRACT,
        "engine": "A",
        "setup_type": "SWING",
        "status": "open",
        "quantity": 2,
        "entry_price": Decimal("4.00"),
        "bid": Decimal("4.00"),
        "marked_at": AT,
        "trailing_stop": None,
        "opened_at": AT,
        "close_requested": "",
    }
    return PositionView(**(defaults | values))


def facts(**values) -> HoldFacts:
    defaults = {"dte": 30.0, "entry_dte": 31.0, "expires_in_days": 30, "minutes_to_close": 200.0, "sessions_held": 1}
    return HoldFacts(**(defaults | values))


def reasons(position=None, policy=DEFAULT_POLICY, held=None, *, at=AT, max_age=120):
    hits = exit_hits(position or view(), policy, held or facts(), at=at, quote_max_age_seconds=max_age)
    return [hit.reason for hit in hits]


def test_an_ordinary_position_is_left_alone():
    assert reasons() == []


@pytest.mark.parametrize(("bid", "hits"), [("2.01", []), ("2.00", [R.STOP_LOSS]), ("1.99", [R.STOP_LOSS])])
def test_stop_loss_at_half_the_premium(bid, hits):
    assert reasons(view(bid=Decimal(bid))) == hits


@pytest.mark.parametrize(
    ("bid", "hits"), [("5.99", []), ("6.00", [R.PROFIT_TARGET]), ("6.01", [R.PROFIT_TARGET]), ("60", [R.PROFIT_TARGET])]
)
def test_profit_target_at_half_more(bid, hits):
    assert reasons(view(bid=Decimal(bid))) == hits


@pytest.mark.parametrize(("bid", "hits"), [("4.51", []), ("4.50", [R.TRAILING_STOP]), ("4.49", [R.TRAILING_STOP])])
def test_trailing_stop_at_its_level(bid, hits):
    assert reasons(view(bid=Decimal(bid), trailing_stop=Decimal("4.50"))) == hits


@pytest.mark.parametrize(("sessions", "hits"), [(4, []), (5, [R.MAX_HOLD]), (6, [R.MAX_HOLD])])
def test_d33_max_hold_counts_sessions(sessions, hits):
    assert reasons(held=facts(sessions_held=sessions)) == hits


@pytest.mark.parametrize(("dte", "hits"), [(1.01, []), (1.0, []), (0.99, [R.MIN_DTE])])
def test_min_dte(dte, hits):
    assert reasons(held=facts(dte=dte, expires_in_days=1)) == hits


@pytest.mark.parametrize(("entry_dte", "hits"), [(1.0, [R.MIN_DTE]), (0.99, [])])
def test_what_was_bought_shorter_than_min_dte_is_not_closed_on_sight(entry_dte, hits):
    assert reasons(held=facts(dte=0.2, entry_dte=entry_dte, expires_in_days=0)) == hits


@pytest.mark.parametrize(
    ("minutes", "days", "hits"),
    [(30.5, 0, []), (30.0, 0, [R.MIN_DTE]), (1.0, 0, [R.MIN_DTE]), (30.0, 1, []), (None, 0, [])],
)
def test_the_guardian_closes_half_an_hour_before_the_close_of_the_expiry_day(minutes, days, hits):
    held = facts(dte=0.02, entry_dte=0.3, expires_in_days=days, minutes_to_close=minutes)

    assert reasons(policy=OFF, held=held) == hits


@pytest.mark.parametrize(("dte", "hits"), [(0.0001, []), (0.0, [R.EXPIRED]), (-3.0, [R.EXPIRED])])
def test_d08_d09_expired_at_the_moment_of_expiry(dte, hits):
    assert reasons(policy=OFF, held=facts(dte=dte, entry_dte=9, expires_in_days=1, minutes_to_close=None)) == hits


@pytest.mark.parametrize("reason", [R.EXIT_SIGNAL, R.MANUAL])
def test_an_exit_asked_for_needs_no_rule(reason):
    assert reasons(view(close_requested=reason), OFF) == [reason]


def test_every_rule_that_is_off_stays_silent():
    worst = facts(dte=0.5, entry_dte=40, expires_in_days=0, minutes_to_close=60, sessions_held=99)

    assert reasons(view(bid=Decimal("0.01"), trailing_stop=Decimal(9)), OFF, worst) == []
    assert reasons(view(bid=Decimal(999)), OFF, worst) == []


def test_all_hits_are_recorded_in_the_order_of_precedence():
    everything = facts(dte=-1, entry_dte=20, expires_in_days=-1, minutes_to_close=None, sessions_held=9)
    position = view(bid=Decimal("1.00"), trailing_stop=Decimal("4.50"), close_requested=R.MANUAL)

    assert reasons(position, held=everything) == [
        R.EXPIRED,
        R.MANUAL,
        R.MIN_DTE,
        R.STOP_LOSS,
        R.TRAILING_STOP,
        R.MAX_HOLD,
    ]
    high = view(bid=Decimal("9.00"), trailing_stop=Decimal("9.50"))
    assert reasons(high, held=facts(sessions_held=5)) == [R.TRAILING_STOP, R.PROFIT_TARGET, R.MAX_HOLD]


@pytest.mark.parametrize(("age", "hits"), [(119, [R.STOP_LOSS]), (120, [R.STOP_LOSS]), (121, [])])
def test_d32_a_price_too_old_decides_nothing(age, hits):
    assert reasons(view(bid=Decimal(1), marked_at=AT - timedelta(seconds=age))) == hits


@pytest.mark.parametrize("missing", [{"bid": None}, {"marked_at": None}, {"marked_at": AT - timedelta(days=2)}])
def test_d11_a_missing_price_never_drops_the_other_exits(missing):
    held = facts(dte=0.9, entry_dte=20, expires_in_days=1, sessions_held=5)

    assert reasons(view(**missing, close_requested=R.EXIT_SIGNAL), held=held) == [
        R.EXIT_SIGNAL,
        R.MIN_DTE,
        R.MAX_HOLD,
    ]


@pytest.mark.parametrize(
    ("position", "held", "said"),
    [
        (view(bid=Decimal("1.00")), facts(), ("bid 1.00", "2.0000", "CRITICAL", "IMMEDIATE")),
        (view(bid=Decimal("6.00")), facts(), ("bid 6.00", "6.0000", "HIGH", "HIGH")),
        (
            view(bid=Decimal("4.40"), trailing_stop=Decimal("4.50")),
            facts(),
            ("bid 4.40", "4.50", "HIGH", "HIGH"),
        ),
        (view(), facts(sessions_held=5), ("5 sessions", "5 sessions", "MEDIUM", "NORMAL")),
        (view(), facts(dte=0.9, expires_in_days=1), ("0.90 days", "1 days", "HIGH", "HIGH")),
        (view(), facts(dte=0.2, expires_in_days=0), ("0.20 days", "1 days", "CRITICAL", "IMMEDIATE")),
        (
            view(),
            facts(dte=0.01, expires_in_days=0, minutes_to_close=14.4),
            ("14 minutes to expiry", "30 minutes", "CRITICAL", "IMMEDIATE"),
        ),
        (view(), facts(dte=-0.5, expires_in_days=0), ("-0.50 days", "0.00 days", "CRITICAL", "IMMEDIATE")),
        (view(close_requested=R.MANUAL), facts(), ("requested", "", "HIGH", "HIGH")),
    ],
)
def test_a_hit_names_its_value_its_threshold_and_its_priority(position, held, said):
    hit = exit_hits(position, DEFAULT_POLICY, held, at=AT, quote_max_age_seconds=120)[0]

    assert (hit.value, hit.threshold, hit.priority, hit.urgency) == said


@pytest.mark.parametrize(("days", "priority"), [(-1, "CRITICAL"), (0, "CRITICAL"), (1, "HIGH"), (2, None)])
def test_expiry_is_announced_today_and_tomorrow(days, priority):
    notice = expiry_notice(facts(expires_in_days=days))

    assert (notice and (notice.priority, notice.recommended_action)) == (priority and (priority, "REVIEW"))


@pytest.mark.parametrize("reason", list(R))
def test_only_a_person_or_a_signal_asks(reason):
    hit = exit_hits(view(bid=Decimal(1)), DEFAULT_POLICY, facts(), at=AT, quote_max_age_seconds=120)[0]

    assert is_requested(type(hit)(reason, "", "", hit.priority, hit.urgency, hit.recommended_action)) is (
        reason in (R.EXIT_SIGNAL, R.MANUAL, R.FLATTEN)
    )


# --- policies


def test_d08_without_any_rule_the_built_in_default_watches():
    policy = exit_policy_for({}, position_id=ID, symbol="SPY", setup_type="SWING", engine="A")

    assert policy == ExitPolicy()
    assert (policy.profit_target_percent, policy.stop_loss_percent, policy.max_hold_sessions, policy.min_dte) == (
        50,
        50,
        5,
        1,
    )
    assert (policy.trailing_activation_percent, policy.trailing_distance_percent) == (20, 15)


def test_the_most_specific_rule_wins():
    keys = [
        (RuleScope.GLOBAL, ""),
        (RuleScope.ENGINE, "A"),
        (RuleScope.SETUP, "SWING"),
        (RuleScope.SYMBOL, "SPY"),
        (RuleScope.POSITION, str(ID)),
    ]
    others = {
        (RuleScope.ENGINE, "B"): ExitPolicy("B"),
        (RuleScope.SETUP, "LEAPS"): ExitPolicy("LEAPS"),
        (RuleScope.SYMBOL, "QQQ"): ExitPolicy("QQQ"),
        (RuleScope.POSITION, str(UUID(int=8))): ExitPolicy("8"),
    }
    for number in range(1, len(keys) + 1):
        policies = others | {key: ExitPolicy(key[0].value) for key in keys[:number]}
        found = exit_policy_for(policies, position_id=ID, symbol="SPY", setup_type="SWING", engine="A")
        assert found.name == keys[number - 1][0].value


# --- trailing


@pytest.mark.parametrize(
    ("high", "current", "level"),
    [
        ("4.79", None, None),
        ("4.80", None, "4.0800"),  # +20 %: 15 % below the high
        ("6.00", None, "5.1000"),
        ("6.00", "5.2000", "5.2000"),  # it only rises
        ("6.00", "5.0000", "5.1000"),
        ("4.00", "5.0000", "5.0000"),
    ],
)
def test_the_trailing_level(high, current, level):
    found = trailing_stop_level(
        DEFAULT_POLICY,
        entry_price=Decimal("4.00"),
        high_water_mark=Decimal(high),
        current=current and Decimal(current),
    )

    assert found == (level and Decimal(level))


def test_without_the_rule_the_stop_stays_where_it_was():
    assert trailing_stop_level(OFF, entry_price=Decimal(4), high_water_mark=Decimal(9), current=Decimal(5)) == 5


@settings(max_examples=50)
@given(st.lists(st.decimals("0.01", "50", places=2), min_size=1, max_size=20))
def test_the_trailing_level_never_falls(bids):
    high, level = Decimal("4.00"), None
    for bid in bids:
        high = max(high, bid)
        before = level
        level = trailing_stop_level(DEFAULT_POLICY, entry_price=Decimal("4.00"), high_water_mark=high, current=level)
        assert before is None or (level is not None and level >= before)
        assert level is None or level < high


# --- money


def test_what_a_trade_makes_to_the_cent():
    # 3 contracts bought at 4.12 with 1.95 commission, one sold at 5.00, two at 4.50
    open_cost = premium(Decimal("4.12"), 3) + Decimal("1.95")
    assert open_cost == Decimal("1237.95")

    first = cost_released(open_cost, quantity=3, closed=1)
    assert first == Decimal("412.65")
    assert pnl_realized(premium(Decimal("5.00"), 1), Decimal("0.65"), first) == Decimal("86.70")

    rest = cost_released(open_cost - first, quantity=2, closed=2)
    assert rest == Decimal("825.30")
    assert pnl_realized(premium(Decimal("4.50"), 2), Decimal("1.30"), rest) == Decimal("73.40")


def test_unrealized_is_what_the_bid_would_pay_less_what_was_paid():
    assert pnl_unrealized(Decimal("4.00"), quantity=2, open_cost=Decimal("801.30")) == Decimal("-1.30")


@pytest.mark.parametrize(("stop", "risk"), [("50", "400.00"), ("15", "120.00"), (None, "800.00")])
def test_d25_one_r_is_the_premium_lost_at_the_stop(stop, risk):
    policy = ExitPolicy(stop_loss_percent=stop and Decimal(stop))

    assert initial_risk(policy, Decimal("800.00")) == Decimal(risk)


def test_d25_r_is_not_percent():
    assert (pnl_r(Decimal(-400), Decimal(400)), pnl_percent(Decimal(-400), Decimal(800))) == (-1.0, -50.0)
    assert (pnl_r(Decimal(100), Decimal(400)), pnl_percent(Decimal(100), Decimal(800))) == (0.25, 12.5)
    assert (pnl_r(Decimal(1), Decimal(0)), pnl_percent(Decimal(1), Decimal(0))) == (0.0, 0.0)


@settings(max_examples=80)
@given(
    cost=st.decimals("0.01", "99999.99", places=2),
    parts=st.lists(st.integers(1, 9), min_size=1, max_size=8),
)
def test_the_parts_of_a_cost_add_up_to_it(cost, parts):
    left, quantity, released = cost, sum(parts), Decimal(0)
    for part in parts:
        piece = cost_released(left, quantity=quantity, closed=part)
        assert piece >= 0
        left, quantity, released = left - piece, quantity - part, released + piece

    assert (released, left) == (cost, 0)
