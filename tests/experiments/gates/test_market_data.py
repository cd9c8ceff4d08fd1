from datetime import timedelta
from decimal import Decimal

import pytest

from experiments.enums import GateOutcome
from experiments.gates.market_data import judge
from tests.experiments.worlds import AT, market, quote, world

SOON = AT + timedelta(seconds=60)


@pytest.mark.parametrize(
    ("age", "outcome", "code"),
    [
        (119, GateOutcome.PASS, ""),
        (120, GateOutcome.PASS, ""),
        (121, GateOutcome.DEFER, "MARKET_DATA_STALE"),
    ],
)
def test_the_quote_must_be_fresh(age, outcome, code):
    verdict = judge(world(market=market(quote=quote(at=AT - timedelta(seconds=age)))))

    assert (verdict.outcome, verdict.code, verdict.value) == (outcome, code, f"{age} s old")
    assert verdict.until == (SOON if code else None)


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ({"quote": None}, "no quote"),
        ({"chain": None}, "no option chain"),
        (
            {"quote": None, "chain": None, "problem": "no_data: the provider is silent"},
            "no_data: the provider is silent",
        ),
        ({"problem": "bars are missing"}, "bars are missing"),
        ({"quote": quote(bid=Decimal("500.02"))}, "crossed"),
        ({"quote": quote(bid=Decimal(0))}, "one_sided"),
        ({"quote": quote(bid=Decimal(0), ask=Decimal(0))}, "zero"),
        ({"quote": quote(ask=Decimal("NaN"))}, "the quote of SPY is not a number"),
    ],
)
def test_what_is_missing_or_unusable_is_asked_for_again(change, value):
    verdict = judge(world(market=market(**change)))

    assert (verdict.outcome, verdict.code) == (GateOutcome.DEFER, "MARKET_DATA_UNAVAILABLE")
    assert (verdict.value, verdict.until) == (value, SOON)


def test_d30_no_price_is_made_up_when_there_is_none():
    inputs = world(market=market(quote=None))

    assert inputs.quote is None
    assert judge(inputs).outcome == GateOutcome.DEFER
