"""The border: whatever a field holds, a finite number in its bounds comes in, or nothing."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optionsengine.core.enums import Right
from optionsengine.core.models import PRICE_LIMIT
from optionsengine.market.providers.fields import Greeks, Unreadable, bar, count, expiry_days, moment, price, side

AT = datetime(2026, 2, 18, 15, 30, 20, tzinfo=UTC)
anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.decimals(),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=1),
    st.sampled_from(["NaN", "-Infinity", "1e999", "sNaN", " 7 ", "1_000", "0x10", "٣"]),
)


@settings(max_examples=300)
@given(anything)
def test_a_price_is_finite_and_in_bounds_or_unreadable(value):
    try:
        found = price(value, "p")
    except Unreadable as error:
        said = str(error)
    else:
        said = "p is fine"
        assert found.is_finite()
        assert 0 < found < PRICE_LIMIT
        assert found.as_tuple().exponent >= -4
    assert said.startswith("p ")
    assert len(said) < 100


@settings(max_examples=300)
@given(anything)
def test_a_count_is_whole_and_in_bounds_or_unreadable(value):
    try:
        found = count(value, "n")
    except Unreadable:
        return
    assert found is None or 0 <= found < 2**53


@settings(max_examples=300)
@given(anything)
def test_a_time_is_aware_and_not_in_the_future_or_unreadable(value):
    try:
        found = moment(value, "t", AT)
    except Unreadable:
        return
    assert found.tzinfo == UTC
    assert found <= AT + timedelta(seconds=60)


@settings(max_examples=200)
@given(st.sampled_from(Right), anything, anything)
def test_greeks_are_possible_or_not_said(right, iv, value):
    found = Greeks.read(right, iv, dict.fromkeys(("delta", "gamma", "theta", "vega"), value))
    assert found.iv is None or 0 < found.iv <= 100
    assert found.delta is None or (0 <= found.delta <= 1 if right == Right.CALL else -1 <= found.delta <= 0)
    assert all(each is None or 0 <= each < float("inf") for each in (found.gamma, found.vega))
    assert found.theta is None or abs(found.theta) < float("inf")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, None),
        (0, Decimal(0)),
        (Decimal("0.01"), Decimal("0.01")),
        ("412.41999", Decimal("412.4200")),
        (Decimal("0.00005"), Decimal("0.0000")),
        (Decimal("99999999.9999"), Decimal("99999999.9999")),
    ],
)
def test_a_side_of_a_quote(value, found):
    assert side(value, "bid") == found


@pytest.mark.parametrize("value", [Decimal("-0.0001"), 10**8, True, "", "a", [], {}, "NaN", Decimal("99999999.99999")])
def test_what_is_no_side_of_a_quote(value):
    with pytest.raises(Unreadable):
        side(value, "bid")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("2026-02-18T15:30:19.046330624Z", datetime(2026, 2, 18, 15, 30, 19, 46330, UTC)),
        ("2026-02-18T10:30:19-05:00", datetime(2026, 2, 18, 15, 30, 19, tzinfo=UTC)),
        (1771428619, datetime(2026, 2, 18, 15, 30, 19, tzinfo=UTC)),
        (1771428680, AT + timedelta(seconds=60)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_times(value, found):
    assert moment(value, "t", AT) == found


@pytest.mark.parametrize(
    "value",
    [1771428681, "2026-02-18T15:31:20.000001Z", "2026-02-18T15:30:19", "2026-02-18", None, 10**30, 1771428619000],
)
def test_what_is_no_time(value):
    with pytest.raises(Unreadable):
        moment(value, "t", AT)


@pytest.mark.parametrize(
    "prices", [(100, 99, 98, 100), (100, 101, 100.5, 100), (100, 101, 99, 102), (0, 1, 0, 1), (1, 1, 1, None)], ids=str
)
def test_a_bar_whose_prices_are_out_of_order(prices):
    with pytest.raises(Unreadable):
        bar("x", AT, [None if each is None else Decimal(str(each)) for each in prices], 1)


def test_a_bar_that_stands_still():
    assert bar("x", AT, (1, 1, 1, 1), 0).volume == 0


@settings(max_examples=100)
@given(st.floats(-10, 1e12), st.floats(-10, 1e12))
def test_the_days_asked_for_never_overflow(least, most):
    days = expiry_days(AT, least, most)
    if days is not None:
        assert AT.date() <= days[0] <= days[1]
        assert least <= most
