"""The selection bench measures what it says: 500 contracts that all fit, and the best of them chosen."""

from dataclasses import replace

from tests.bench.selection import COUNT, board, choose, fault


def test_all_five_hundred_fit_and_the_best_is_chosen():
    contracts = board()
    assert len({(each.expiration, each.strike) for each in contracts}) == COUNT
    assert fault(contracts) == ""
    assert len(choose(contracts).best) == 5


def test_a_contract_that_does_not_fit_is_noticed():
    first, *others = board()
    assert "not every contract" in fault((replace(first, volume=0), *others))
