"""The liquidity agent: vetoes and steps of the contract that would be bought, at each threshold."""

from dataclasses import replace
from decimal import Decimal

import pytest

from experiments.contract_terms import CONTRACT_RULES
from experiments.engines.b.liquidity import slippage_percent, vote
from experiments.engines.b.view import AgentView
from experiments.enums import VoteBias
from tests.experiments.engines.b.views import WORLD, bought, view
from tests.experiments.worlds import candidate


def quoted(spread, **values):
    """A contract of a mid of 10 dollars with this spread in percent; its numbers are otherwise of no note."""
    half = Decimal(str(spread)) / 20
    return candidate(**{"bid": 10 - half, "ask": 10 + half, "open_interest": 200, "volume": 50} | values)


def cast(contract, score=None):
    return vote(bought(contract, liquidity=score))


PLAIN = quoted(4)


@pytest.mark.parametrize(
    ("contract", "score", "is_veto"),
    [
        (PLAIN, None, False),
        (quoted("13.4"), None, False),
        (quoted("14.99"), None, False),  # slippage 4.9967 %
        (quoted("15"), None, True),
        (quoted("15.01"), None, True),
        (quoted(4, open_interest=9), None, True),
        (quoted(4, open_interest=10), None, False),
        (quoted(4, open_interest=11), None, False),
        (quoted(4, open_interest=None), None, False),
        (PLAIN, 19, True),
        (PLAIN, 20, False),
        (PLAIN, 21, False),
    ],
)
def test_d16_a_contract_that_cannot_be_traded_fairly_is_vetoed(contract, score, is_veto):
    seen = cast(contract, score)

    assert (seen.is_blocking, seen.bias, seen.is_abstaining) == (is_veto, VoteBias.NEUTRAL, False)


@pytest.mark.parametrize(
    ("spread", "vetoes"),
    [("14.99", 0), ("15", 1), ("15.01", 2)],
)
def test_spread_and_slippage_object_from_the_same_spread_on(spread, vetoes):
    seen = cast(quoted(spread))

    assert (seen.is_blocking, len([each for each in seen.reasons if " is " in each])) == (vetoes > 0, vetoes)


def test_the_widest_spread_that_a_setup_allows_is_not_always_vetoed():
    widest = max(rules.max_spread_percent for rules in CONTRACT_RULES.values())

    assert not cast(quoted(widest - Decimal("0.01"))).is_blocking


@pytest.mark.parametrize(
    ("contract", "score", "confidence"),
    [
        (PLAIN, None, 60),
        (quoted("7.99"), None, 50),  # slippage 2.6633 %
        (quoted("8"), None, 35),
        (quoted("8.01"), None, 35),
        (quoted("3.01"), None, 60),
        (quoted("3"), None, 60),
        (quoted("2.99"), None, 65),
        (quoted("5.99"), None, 60),  # slippage 1.9967 %
        (quoted("6"), None, 60),  # 2 %
        (quoted("6.01"), None, 50),  # 2.0033 %
        (quoted(4, open_interest=49), None, 40),
        (quoted(4, open_interest=50), None, 60),
        (quoted(4, open_interest=500), None, 60),
        (quoted(4, open_interest=501), None, 65),
        (quoted(4, open_interest=None), None, 60),
        (quoted(4, volume=9), None, 45),
        (quoted(4, volume=10), None, 60),
        (quoted(4, volume=100), None, 60),
        (quoted(4, volume=101), None, 65),
        (quoted(4, volume=None), None, 60),
        (PLAIN, 39, 50),
        (PLAIN, 40, 60),
        (PLAIN, 70, 60),
        (PLAIN, 71, 65),
        (quoted(1, open_interest=4000, volume=1500), 95, 80),
        (quoted(9, open_interest=20, volume=1), 30, 10),
    ],
)
def test_each_step_moves_the_confidence(contract, score, confidence):
    assert cast(contract, score).confidence == confidence


def test_slippage_is_a_third_of_the_spread():
    assert slippage_percent(PLAIN) == 1.3333


def test_it_abstains_where_nothing_would_be_bought():
    assert vote(AgentView(WORLD, None)).is_abstaining
    assert cast(None).is_abstaining
    assert vote(view(candidates=())).is_abstaining


def test_it_judges_the_chosen_contract_with_its_own_score():
    chosen = view()

    assert vote(chosen).saw["strike"] == chosen.selection.contract.strike
    assert vote(chosen).saw["score"] == chosen.selection.scores["liquidity"]
    thin = tuple(replace(each, open_interest=5) for each in WORLD.candidates)
    assert vote(view(candidates=thin)).is_blocking
