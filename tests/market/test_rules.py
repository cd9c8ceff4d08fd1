"""Which quotes may be traded on."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from optionsengine.market.enums import QuoteProblem
from optionsengine.market.rules import quote_problem

AT = datetime(2026, 2, 20, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("bid", "ask", "problem"),
    [
        ("1.00", "1.05", None),
        ("1.00", "1.00", None),  # locked
        ("1.01", "1.00", QuoteProblem.CROSSED),
        ("0", "1.00", QuoteProblem.ONE_SIDED),
        ("1.00", "0", QuoteProblem.ONE_SIDED),
        (None, "1.00", QuoteProblem.ONE_SIDED),
        ("1.00", None, QuoteProblem.ONE_SIDED),
        ("-1.00", "1.00", QuoteProblem.ONE_SIDED),
        ("0", "0", QuoteProblem.ZERO),
        (None, None, QuoteProblem.ZERO),
        ("-2", "-1", QuoteProblem.ZERO),
        ("NaN", "1.00", QuoteProblem.NOT_FINITE),
        ("1.00", "Infinity", QuoteProblem.NOT_FINITE),
        ("1.00", "-Infinity", QuoteProblem.NOT_FINITE),
        ("sNaN", None, QuoteProblem.NOT_FINITE),
    ],
)
def test_prices(bid, ask, problem):
    sides = [None if side is None else Decimal(side) for side in (bid, ask)]
    assert quote_problem(*sides, AT, AT, 120) == problem


@pytest.mark.parametrize(
    ("age", "problem"),
    [(0, None), (119.9, None), (120, None), (120.1, QuoteProblem.STALE), (-60, None), (-60.1, QuoteProblem.FUTURE)],
)
def test_age(age, problem):
    at_quote = AT - timedelta(seconds=age)
    assert quote_problem(Decimal(1), Decimal(2), at_quote, AT, 120) == problem


def test_a_bad_price_is_named_before_a_bad_age():
    old = AT - timedelta(days=1)
    assert quote_problem(Decimal(2), Decimal(1), old, AT, 120) == QuoteProblem.CROSSED
