"""The risk agent: what it vetoes, at, below and above each limit."""

from dataclasses import replace
from decimal import Decimal

import pytest

from experiments.config import Limits
from experiments.engines.b.risk import vote
from experiments.enums import VoteBias
from tests.experiments.engines.b.views import WORLD, said, view
from tests.experiments.worlds import CLOSED, exposure

FREE, VETO = (VoteBias.NEUTRAL, 50, False, False), (VoteBias.NEUTRAL, 0, True, False)
LIMITS = Limits(max_exposure=Decimal(20000), max_exposure_percent=Decimal(20))
WIDE = replace(LIMITS, max_exposure=Decimal(10**9))


@pytest.mark.parametrize(
    ("book", "limits", "expected"),
    [
        ({}, LIMITS, FREE),
        ({"open_positions": 4}, LIMITS, FREE),
        ({"open_positions": 5}, LIMITS, VETO),
        ({"open_positions": 6}, LIMITS, VETO),
        ({"symbol_positions": 1}, LIMITS, FREE),
        ({"symbol_positions": 2}, LIMITS, VETO),
        ({"symbol_positions": 3}, LIMITS, VETO),
        ({"exposure": Decimal("19999.99"), "equity": Decimal(10**6)}, LIMITS, FREE),
        ({"exposure": Decimal(20000), "equity": Decimal(10**6)}, LIMITS, VETO),
        ({"exposure": Decimal("20000.01"), "equity": Decimal(10**6)}, LIMITS, VETO),
        ({"exposure": Decimal("9999.99"), "equity": Decimal(50000)}, WIDE, FREE),
        ({"exposure": Decimal(10000), "equity": Decimal(50000)}, WIDE, VETO),
        ({"exposure": Decimal("10000.01"), "equity": Decimal(50000)}, WIDE, VETO),
        ({"equity": Decimal(-1)}, WIDE, VETO),
    ],
)
def test_d13_limits_on_positions_and_on_exposure_veto(book, limits, expected):
    assert said(vote(view(exposure=exposure(**book), limits=limits))) == expected


def test_d12_the_documented_limits_veto_no_empty_book():
    assert said(vote(view(limits=Limits()))) == FREE


def test_a_closed_market_vetoes():
    seen = vote(view(session=CLOSED))

    assert (said(seen), seen.reasons) == (VETO, ("the market is closed",))


def test_d35_test_signals_are_outside_the_limits_though_not_outside_the_session():
    full = exposure(open_positions=9, symbol_positions=9, exposure=Decimal(10**6))
    probe = replace(WORLD.signal, is_test=True)

    assert said(vote(view(exposure=full))) == VETO
    assert said(vote(view(exposure=full, signal=probe))) == FREE
    assert said(vote(view(session=CLOSED, signal=probe))) == VETO


def test_every_limit_reached_is_told_with_its_value():
    full = exposure(open_positions=5, symbol_positions=2, exposure=Decimal(20000))

    assert vote(view(exposure=full)).reasons == (
        "5 positions are open, the limit is 5",
        "2 of this symbol are open, the limit is 2",
        "$20000 are exposed, the limit is $20000",
        "$20000 are exposed, the limit is 20 % of equity ($20000.00)",
    )
