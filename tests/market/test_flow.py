"""What the prints of a feed say together: the rules, and the rows they are added up from."""

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from optionsengine.core import ids
from optionsengine.core.canonical import canonical_json
from optionsengine.core.enums import Side
from optionsengine.market.enums import FeedKind
from optionsengine.market.flow import FlowSummary, FlowTotals, flow_strength, flow_summarise
from optionsengine.market.flow_selectors import flow_summary_get
from optionsengine.market.services import feed_tick_save

AT = datetime(2026, 2, 20, 16, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NOTHING = FlowTotals(1, 0, *(Decimal(0),) * 9, AT)


def summarise(**sums) -> FlowSummary:
    totals = replace(NOTHING, **{name: Decimal(value) for name, value in sums.items()})
    return flow_summarise(totals, symbol="SPY", start_at=AT - 60 * MINUTE, end_at=AT, is_capped=False)


@pytest.mark.parametrize(
    ("call", "put", "net", "side"),
    [("100.01", "100", "0.01", Side.LONG), ("100", "100", "0", None), ("100", "100.01", "-0.01", Side.SHORT)],
)
def test_direction_is_that_of_the_larger_premium(call, put, net, side):
    found = summarise(call_premium=call, put_premium=put)
    assert (found.net_premium, found.direction, found.sentiment_direction) == (Decimal(net), side, None)
    found = summarise(long_premium=call, short_premium=put)
    assert (found.net_premium, found.direction, found.sentiment_direction) == (Decimal(0), None, side)


@pytest.mark.parametrize(
    ("prints", "strength"), [(1, 54.515450), (9, 65.0), (98, 79.934528), (99, 80.0), (100, 80.0), (10**6, 80.0)]
)
def test_strength_grows_with_the_prints(prints, strength):
    assert flow_strength(prints) == strength


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_premiums_exchanged_turn_the_direction(call, put):
    turned = {Side.LONG: Side.SHORT, Side.SHORT: Side.LONG, None: None}
    found, swapped = summarise(call_premium=call, put_premium=put), summarise(call_premium=put, put_premium=call)
    assert swapped.direction == turned[found.direction]
    assert swapped.net_premium == -found.net_premium


def store(
    option_type="CALL", premium="1000", size="10", sentiment="BULLISH", age=MINUTE, late=timedelta(0), **values
) -> None:
    feed_tick_save(
        event_id=ids.new_id(),
        kind=values.pop("kind", FeedKind.FLOW),
        symbol=values.pop("symbol", "SPY"),
        observed_at=AT - age,
        data={},
        at=AT - age + late,
        option_type=option_type,
        strike=Decimal(500),
        expiry="2026-02-20",
        premium=Decimal(premium),
        size=Decimal(size),
        sentiment=sentiment,
        **values,
    )


@pytest.mark.django_db
def test_no_prints_are_none_and_not_zeros():
    assert flow_summary_get("SPY", AT) is None
    store(symbol="QQQ")
    store(kind=FeedKind.PRICE, price=Decimal(500))
    assert flow_summary_get("SPY", AT) is None


@pytest.mark.django_db
def test_the_sums_of_real_rows(django_assert_num_queries):
    store("CALL", "100000.50", "50", "BULLISH", is_unusual=True, age=3 * MINUTE)
    store("CALL", "20000", "5", "BEARISH", age=2 * MINUTE)
    store("PUT", "30000.25", "7", "BEARISH", age=5 * MINUTE)
    store("PUT", "400", "1", "NEUTRAL", age=50 * MINUTE)
    with django_assert_num_queries(1):
        found = flow_summary_get("SPY", AT)
    assert found == FlowSummary(
        symbol="SPY",
        start_at=AT - 60 * MINUTE,
        end_at=AT,
        totals=FlowTotals(
            prints=4,
            unusual_prints=1,
            call_premium=Decimal("120000.50"),
            put_premium=Decimal("30400.25"),
            call_volume=Decimal(55),
            put_volume=Decimal(8),
            bullish_premium=Decimal("100000.50"),
            bearish_premium=Decimal("50000.25"),
            neutral_premium=Decimal(400),
            long_premium=Decimal("100000.50"),
            short_premium=Decimal("50000.25"),
            newest_at=AT - 2 * MINUTE,
        ),
        net_premium=Decimal("89600.25"),
        direction=Side.LONG,
        sentiment_direction=Side.LONG,
        strength=flow_strength(4),
        is_capped=False,
        source="feed",
    )
    canonical_json(asdict(found))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "leans"),
    [
        ({"premium": "249999.99", "size": "1999.99"}, False),
        ({"premium": "250000", "size": "1"}, True),
        ({"premium": "1", "size": "2000"}, True),
        ({"premium": "1", "size": "1", "is_unusual": True}, True),
    ],
)
@pytest.mark.parametrize(("option_type", "side"), [("CALL", Side.LONG), ("PUT", Side.SHORT)])
def test_a_neutral_print_leans_to_its_type_only_when_it_is_strong(values, leans, option_type, side):
    store(option_type, sentiment="NEUTRAL", **values)
    assert flow_summary_get("SPY", AT).sentiment_direction == (side if leans else None)


@pytest.mark.django_db
def test_sentiment_overrules_the_type_of_a_strong_print():
    store("CALL", "300000", sentiment="BEARISH")
    found = flow_summary_get("SPY", AT)
    assert (found.direction, found.sentiment_direction) == (Side.LONG, Side.SHORT)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("age", "late", "counts"),
    [
        (timedelta(0), timedelta(0), True),
        (timedelta(microseconds=-1), timedelta(microseconds=-1), False),  # observed after `at`
        (MINUTE, MINUTE, True),
        (MINUTE, MINUTE + timedelta(microseconds=1), False),  # observed before, but not known yet
        (timedelta(minutes=60, microseconds=-1), timedelta(0), True),
        (timedelta(minutes=60), timedelta(0), False),
    ],
)
def test_the_window_and_nothing_after_it(age, late, counts):
    store(age=age, late=late)
    assert (flow_summary_get("SPY", AT) is not None) is counts


@pytest.mark.django_db
def test_a_shorter_window_and_a_limit_take_the_newest():
    for minutes, premium in ((1, "1"), (2, "10"), (3, "100")):
        store(premium=premium, age=minutes * MINUTE)
    assert flow_summary_get("SPY", AT, window=2.5 * MINUTE).totals.call_premium == Decimal(11)
    capped = flow_summary_get("SPY", AT, limit=2)
    assert (capped.totals.call_premium, capped.totals.prints, capped.is_capped) == (Decimal(11), 2, True)
    assert flow_summary_get("SPY", AT, limit=4).is_capped is False
    for wrong in ({"window": timedelta(0)}, {"limit": 0}):
        with pytest.raises(ValueError, match="above zero"):
            flow_summary_get("SPY", AT, **wrong)


@pytest.mark.django_db
def test_the_query_walks_the_index():
    with CaptureQueriesContext(
        connection,
    ) as queries:
        flow_summary_get("SPY", AT)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # so few rows would be scanned whichever index there is
        cursor.execute("EXPLAIN " + queries[0]["sql"])
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "feed_ticks_newest" in plan
    assert "Sort" not in plan
