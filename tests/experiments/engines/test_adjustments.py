"""Tier 4: each adjustment at, below and above its threshold, for both sides, and what it does to urgency."""

from decimal import Decimal

import pytest

from bias.enums import Bias
from experiments.data import SessionFacts
from experiments.decide import decide
from experiments.engines.adjustments import adjustments_judge, plan_for
from experiments.enums import Adjustment, RuleOutcome, Urgency
from experiments.risk_model import risk_factors
from optionsengine.core.enums import Engine, Side
from optionsengine.market.analysis_enums import GexState
from tests.experiments.worlds import NEXT_OPEN, bias, gamma, market, volatility, world

HIT, PASS, ABSTAIN = RuleOutcome.HIT, RuleOutcome.PASS, RuleOutcome.ABSTAIN
LATE, LUNCH, IV, GAMMA = (
    Adjustment.LATE_TREND_PHASE,
    Adjustment.LUNCH_HOUR,
    Adjustment.IV_NEAR_BAND,
    Adjustment.GAMMA_AGAINST_STRATEGY,
)


def finding(inputs, rule):
    return next(each for each in adjustments_judge(inputs) if each.rule == rule)


def at_minute(opened, length=390):
    return SessionFacts(
        is_open=True, next_open_at=NEXT_OPEN, minutes_from_open=opened, minutes_to_close=length - opened
    )


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ({"trend_phase": "LATE"}, HIT),
        ({"trend_phase": "MID"}, PASS),
        ({"trend_phase": "LATE", "bias": Bias.NEUTRAL}, PASS),
        ({"trend_phase": ""}, ABSTAIN),
    ],
)
def test_a_late_trend_on_the_signals_side(side, state, outcome):
    assert finding(world(side, bias=bias(side, **state)), LATE).outcome == outcome


@pytest.mark.parametrize("side", Side)
def test_a_late_trend_against_the_signal_is_no_hit(side):
    assert finding(world(side, bias=bias(side.opposite, trend_phase="LATE")), LATE).outcome == PASS


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("towards", "factor", "says"),
    [
        (1.0, "0.75", "size × 0.75"),
        (0.0, "0.75", "size × 0.75"),
        (-0.1, "1", "the risk model makes it smaller"),
        (-30.0, "1", "the risk model makes it smaller"),
    ],
)
def test_a_late_trend_that_weakens_is_sized_once_and_no_more_urgent_than_a_healthy_one(side, towards, factor, says):
    delta = towards if side == Side.LONG else -towards
    inputs = world(side, bias=bias(side, trend_phase="LATE", strength_delta=delta))

    seen = finding(inputs, LATE)

    assert (seen.outcome, seen.factor, seen.urgency_steps) == (HIT, Decimal(factor), 1)
    assert seen.message == f"the trend that the trade goes with is late: {says}, urgency down by 1"
    assert plan_for(inputs, 90.0).urgency == Urgency.MEDIUM
    names = {"late_phase", LATE.value} & risk_factors(inputs).keys()
    assert names == ({LATE.value} if towards >= 0 else {"late_phase"})


@pytest.mark.parametrize(
    ("timeframe", "opened", "length", "outcome"),
    [
        ("1h", 119, 390, PASS),
        ("1h", 120, 390, HIT),
        ("1h", 239, 390, HIT),
        ("1h", 240, 390, PASS),
        ("1h", 64, 210, PASS),
        ("1h", 65, 210, HIT),
        ("1h", 130, 210, PASS),
        ("5m", 120, 390, PASS),  # a scalp waits instead
    ],
)
def test_lunch_makes_what_is_no_scalp_smaller(timeframe, opened, length, outcome):
    inputs = world(signal={"timeframe": timeframe}, session=at_minute(opened, length))

    assert finding(inputs, LUNCH).outcome == outcome


def test_lunch_abstains_where_no_session_is_in_progress():
    always_open = SessionFacts(is_open=True, next_open_at=NEXT_OPEN, minutes_from_open=None, minutes_to_close=None)

    assert finding(world(session=always_open), LUNCH).outcome == ABSTAIN


@pytest.mark.parametrize(
    ("timeframe", "percentile", "outcome"),
    [
        ("5m", 25.0, HIT),
        ("5m", 30.0, HIT),
        ("5m", 30.1, PASS),
        ("5m", 74.9, PASS),
        ("5m", 75.0, HIT),
        ("5m", 80.0, HIT),
        ("1h", 25.1, PASS),
        ("1h", 25.0, HIT),
        ("1h", 80.0, HIT),
        ("1h", 79.9, PASS),
    ],
)
def test_an_iv_percentile_within_five_points_of_the_bands_ends(timeframe, percentile, outcome):
    told = market(volatility=volatility(iv_percentile=percentile))

    assert finding(world(signal={"timeframe": timeframe}, market=told), IV).outcome == outcome


def test_d30_an_unknown_iv_percentile_abstains():
    assert finding(world(), IV).outcome == ABSTAIN


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("hint", "net_gex", "outcome"),
    [
        ("PULLBACK", 5e8, HIT),
        ("BREAKOUT", 5e8, HIT),
        ("BREAKOUT", -5e8, PASS),
        ("BREAKOUT", 0.0, PASS),
        ("MEAN_REVERT", -5e8, HIT),
        ("MEAN_REVERT", 5e8, PASS),
        ("", -5e8, ABSTAIN),
        ("BREAKOUT", None, ABSTAIN),
    ],
)
def test_d03_dealers_gamma_against_the_kind_of_setup(side, hint, net_gex, outcome):
    dealers = None if net_gex is None else gamma(net_gex=net_gex)
    inputs = world(side, bias=bias(side, entry_mode_hint=hint), market=market(side, gamma=dealers))

    assert finding(inputs, GAMMA).outcome == outcome


def test_a_hit_is_recorded_with_its_factor_and_what_it_does_to_urgency():
    inputs = world(bias=bias(trend_phase="LATE"), market=market(gamma=gamma(net_gex=5e8, state=GexState.POSITIVE_LOW)))

    engine = decide(inputs).engines[Engine.A]

    hits = [each for each in engine.explanation["rules"] if each["tier"] == 4 and each["outcome"] == HIT]
    assert [(each["rule"], each["factor"], each["urgency_steps"]) for each in hits] == [
        (LATE, Decimal("0.75"), 1),
        (GAMMA, Decimal("0.75"), 1),
    ]
    assert hits[0]["message"] == "the trend that the trade goes with is late: size × 0.75, urgency down by 1"
    assert engine.explanation["size"]["multipliers"] == {
        "macro_aligned": Decimal("1.15"),
        "LATE_TREND_PHASE": Decimal("0.75"),
        "GAMMA_AGAINST_STRATEGY": Decimal("0.75"),
    }
    assert engine.urgency == Urgency.LOW


@pytest.mark.parametrize(
    ("state", "dealers", "percentile", "expected"),
    [
        ({}, -5e8, 50.0, Urgency.HIGH),
        ({}, -5e8, 26.0, Urgency.HIGH),  # a dear option is no matter of time
        ({"trend_phase": "LATE"}, -5e8, 50.0, Urgency.MEDIUM),
        ({"trend_phase": "LATE"}, 5e8, 50.0, Urgency.LOW),
    ],
)
def test_urgency_falls_a_step_for_each_that_says_to_take_ones_time(state, dealers, percentile, expected):
    told = market(gamma=gamma(net_gex=dealers), volatility=volatility(iv_percentile=percentile))

    assert plan_for(world(bias=bias(**state), market=told), 90.0).urgency == expected


def test_urgency_never_falls_below_low():
    inputs = world(bias=bias(trend_phase="LATE"), market=market(gamma=gamma(net_gex=5e8)))

    assert plan_for(inputs, 65.0).urgency == Urgency.LOW


@pytest.mark.parametrize("engine", Engine)
def test_both_engines_are_adjusted(engine):
    late, mid = (decide(world(bias=bias(trend_phase=phase))).engines[engine] for phase in ("LATE", "MID"))

    assert late.explanation["size"]["multipliers"]["LATE_TREND_PHASE"] == Decimal("0.75")
    assert list(Urgency).index(late.urgency) < list(Urgency).index(mid.urgency)
