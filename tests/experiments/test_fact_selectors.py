"""What senders and feeds told, as a decision freezes it."""

from datetime import timedelta
from decimal import Decimal

import pytest

from experiments.fact_selectors import flow_facts_get, gamma_told_get
from experiments.facts import FlowFacts, GammaFacts
from optionsengine.core import ids
from optionsengine.core.enums import Side
from optionsengine.market.analysis_enums import GexState
from optionsengine.market.enums import FeedKind
from optionsengine.market.services import feed_tick_save
from tests.factories import AT, gamma_snapshot

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def told(at=AT):
    return gamma_told_get(symbol="SPY", at=at)


def test_a_senders_gamma_is_taken_over_with_its_levels():
    gamma_snapshot(flip_level=500.25, call_wall=510.0, put_wall=None, volatility_bias="EXPANSION_LIKELY")
    assert told() == GammaFacts(
        net_gex=250_000_000.0,
        state=GexState.POSITIVE_LOW,
        zero_gamma=Decimal("500.25"),
        call_wall=Decimal("510.0"),
        put_wall=None,
        volatility_bias="EXPANSION_LIKELY",
        source="event",
        at=AT,
    )


@pytest.mark.parametrize(
    ("net_gex", "state"),
    [
        (1e9, GexState.POSITIVE_LOW),
        (1.0000001e9, GexState.POSITIVE_HIGH),
        (0.01, GexState.POSITIVE_LOW),
        (0.0, GexState.NEUTRAL),
        (-0.01, GexState.NEGATIVE_LOW),
        (-1e9, GexState.NEGATIVE_LOW),
        (-1.0000001e9, GexState.NEGATIVE_HIGH),
    ],
)
def test_its_state_is_by_the_thresholds_of_a_chain(net_gex, state):
    gamma_snapshot(net_gex=net_gex)
    assert told().state == state


@pytest.mark.parametrize(
    ("age", "counts"),
    [(HOUR, False), (HOUR - SECOND, True), (-60 * SECOND, True), (-61 * SECOND, False)],
)
def test_it_counts_within_the_hour_before(age, counts):
    gamma_snapshot(as_of_at=AT - age)
    assert (told() is not None) == counts


def test_the_newest_of_the_symbol_counts():
    for minutes, net_gex in ((30, 3.0), (10, 1.0), (20, 2.0)):
        gamma_snapshot(as_of_at=AT - minutes * 60 * SECOND, net_gex=net_gex)
    gamma_snapshot(symbol="QQQ", net_gex=9.0)
    assert told().net_gex == 1.0
    assert gamma_told_get(symbol="DIA", at=AT) is None


@pytest.mark.parametrize("level", [0.0, -1.0])
def test_a_level_that_is_no_price_is_none(level):
    gamma_snapshot(flip_level=level)
    assert told().zero_gamma is None


def prints(option_type, premium, size, sentiment="NEUTRAL", age=SECOND):
    feed_tick_save(
        event_id=ids.new_id(),
        kind=FeedKind.FLOW,
        symbol="SPY",
        observed_at=AT - age,
        data={},
        at=AT - age,
        option_type=option_type,
        strike=Decimal(500),
        premium=Decimal(premium),
        size=Decimal(size),
        sentiment=sentiment,
    )


TURNED = {"CALL": "PUT", "PUT": "CALL", "BULLISH": "BEARISH", "BEARISH": "BULLISH"}


@pytest.mark.parametrize("side", Side)
def test_each_of_three_readings_of_the_prints_has_its_own_side(side):
    told = (("CALL", "900", "2", "BEARISH"), ("PUT", "500", "9", "BULLISH"))
    for option_type, premium, size, sentiment in told:
        turned = side == Side.SHORT
        prints(
            TURNED[option_type] if turned else option_type, premium, size, TURNED[sentiment] if turned else sentiment
        )
    amounts = (Decimal(900), Decimal(500)), (Decimal(2), Decimal(9))
    premiums, volumes = amounts if side == Side.LONG else (each[::-1] for each in amounts)
    assert flow_facts_get(symbol="SPY", at=AT) == FlowFacts(
        2, *premiums, *volumes, side, side.opposite, side.opposite, 57.156819, AT - SECOND
    )


def test_equal_prints_have_no_side_and_no_prints_are_no_facts():
    assert flow_facts_get(symbol="SPY", at=AT) is None
    prints("CALL", "100", "5")
    prints("PUT", "100", "5")
    found = flow_facts_get(symbol="SPY", at=AT)
    assert (found.premium_side, found.volume_side, found.sentiment_side) == (None, None, None)
    assert flow_facts_get(symbol="SPY", at=AT + HOUR) is None
