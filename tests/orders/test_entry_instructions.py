"""An order does what its decision says of how to enter: a limit rests at the frozen mid until its wait is over."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from experiments.decide import decide
from experiments.services import decision_record
from optionsengine.core.enums import Side
from orders.services import entry_order_create, orders_expire
from tests.experiments.worlds import AT, LATER, SOON, chain, market, option, world
from tests.factories import experiment, signal

pytestmark = pytest.mark.django_db

QUARTER, YEAR = date(2026, 6, 18), date(2027, 1, 15)


def ordered(timeframe, confidence, expiration, delta):
    quotes = (option(beyond=10, expiration=expiration, delta=delta, theta=-0.01),)
    inputs = world(signal={"timeframe": timeframe, "confidence": confidence}, market=market(chain=chain(quotes=quotes)))
    assigned = experiment(signal=signal(side=Side.LONG))
    with transaction.atomic():
        stored = decision_record(experiment=assigned, inputs=inputs, decision=decide(inputs), at=AT)
    return entry_order_create(recommendation=stored.recommendations.get(engine="A"), at=AT)


@pytest.mark.parametrize(
    ("timeframe", "confidence", "expiration", "delta", "kind", "limit", "minutes"),
    [
        ("5m", 90.0, SOON, 0.5, "limit", Decimal("2.40"), 10),
        ("1h", 79.9, LATER, 0.3, "limit", Decimal("2.40"), 60),
        ("1h", 80.0, LATER, 0.3, "market", None, 30),
        ("1w", 90.0, QUARTER, 0.3, "limit", Decimal("2.40"), 240),
        ("1M", 90.0, YEAR, 0.2, "limit", Decimal("2.40"), 1440),
    ],
)
def test_an_entry_rests_as_long_as_its_setup_waits(timeframe, confidence, expiration, delta, kind, limit, minutes):
    order = ordered(timeframe, confidence, expiration, delta)
    ends = AT + timedelta(minutes=minutes)

    assert (order.order_type, order.limit_price, order.expires_at) == (kind, limit, ends)
    assert orders_expire(at=ends - timedelta(seconds=1)) == []
    assert [ended.pk for ended in orders_expire(at=ends)] == [order.pk]
