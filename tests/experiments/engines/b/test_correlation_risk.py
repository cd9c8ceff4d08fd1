"""The correlation agent: one bet too many, at each threshold, for either side."""

from dataclasses import replace
from decimal import Decimal

import pytest

from experiments.config import Limits
from experiments.engines.b.correlation_risk import directional_exposure, vote
from experiments.enums import VoteBias
from experiments.facts import SymbolRisk
from optionsengine.core.enums import Side
from tests.experiments.engines.b.views import WORLD, view
from tests.experiments.worlds import correlation, exposure

LIMIT = Limits().max_dollar_delta


def cast(share="0", side=Side.LONG, held=(), pairs=None, beta=1.0):
    book = exposure(dollar_delta=Decimal(share) * LIMIT, symbols=tuple(held))
    signal = replace(WORLD.signal, side=side)
    return vote(view(signal=signal, exposure=book, correlation=correlation(pairs=pairs or {}, beta=beta)))


def position(symbol="QQQ", side=Side.LONG, count=1):
    return SymbolRisk(symbol, side, count, Decimal(0))


@pytest.mark.parametrize(("side", "sign"), [(Side.LONG, 1), (Side.SHORT, -1)])
@pytest.mark.parametrize(
    ("share", "confidence", "is_veto"),
    [
        ("0", 60, False),
        ("0.49", 60, False),
        ("0.5", 45, False),
        ("0.51", 45, False),
        ("0.69", 45, False),
        ("0.7", 45, True),
        ("0.71", 45, True),
        ("-0.29", 60, False),
        ("-0.3", 60, False),
        ("-0.31", 65, False),
        ("-0.7", 65, False),
        ("-2", 65, False),
    ],
)
def test_a_trade_that_adds_to_the_books_direction_is_held_back(share, confidence, is_veto, side, sign):
    seen = cast(str(sign * Decimal(share)), side)

    assert (seen.bias, seen.confidence, seen.is_blocking) == (VoteBias.NEUTRAL, confidence, is_veto)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("count", "pair", "confidence", "is_veto"),
    [
        (1, 0.69, 60, False),
        (1, 0.70, 60, False),
        (1, 0.71, 50, False),
        (2, 0.70, 60, False),
        (2, 0.71, 60, True),
        (3, 0.71, 60, True),
        (2, -0.9, 60, False),
    ],
)
def test_positions_that_go_with_the_trade_are_counted(count, pair, confidence, is_veto, side):
    seen = cast(side=side, held=[position(side=side, count=count)], pairs={"QQQ": pair})

    assert (seen.confidence, seen.is_blocking) == (confidence, is_veto)


def test_positions_of_several_symbols_add_up():
    held = [position("QQQ"), position("DIA")]

    assert cast(held=held, pairs={"QQQ": 0.9, "DIA": 0.5}).confidence == 50
    assert cast(held=held, pairs={"QQQ": 0.9, "DIA": 0.8}).is_blocking
    assert not cast(held=held, pairs={"QQQ": 0.9}).is_blocking


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("counts", "pairs", "confidence", "unknown"),
    [
        ({"QQQ": 1}, {}, 50, ["QQQ"]),
        ({"QQQ": 3, "DIA": 2}, {}, 50, ["QQQ", "DIA"]),  # as one position, and no veto however many
        ({"QQQ": 3}, {"QQQ": 0.0}, 60, []),
        ({"QQQ": 3, "DIA": 1}, {"QQQ": 0.1}, 50, ["DIA"]),
        ({"QQQ": 1, "DIA": 3}, {"QQQ": 0.9}, 50, ["DIA"]),  # one is known to go with it: one step
        ({"SPY": 3}, {}, 60, []),
    ],
)
def test_a_symbol_whose_pair_is_not_known_counts_as_one_position_and_never_for_the_veto(
    side, counts, pairs, confidence, unknown
):
    seen = cast(side=side, held=[position(symbol, side, count) for symbol, count in counts.items()], pairs=pairs)

    assert (seen.confidence, seen.is_blocking, seen.saw["unknown"]) == (confidence, False, unknown)


def test_what_is_not_known_is_told():
    seen = cast(held=[position("QQQ"), position("DIA"), position("IWM", Side.SHORT)])

    assert seen.reasons == ("whether it goes with QQQ, DIA is not known, taken as one position that does",)


def test_the_other_side_and_the_symbol_itself_are_no_correlated_positions():
    assert cast(held=[position(side=Side.SHORT)]).confidence == 60
    assert cast(held=[position(side=Side.SHORT, count=2)], pairs={"QQQ": 0.9}).confidence == 60
    assert cast(held=[position("SPY", count=2)], pairs={"SPY": 1.0}).confidence == 60


@pytest.mark.parametrize(("beta", "confidence"), [(2.9, 60), (3.0, 60), (3.1, 50), (None, 60)])
def test_a_symbol_that_outruns_the_market_is_riskier(beta, confidence):
    assert cast(beta=beta).confidence == confidence


def test_the_steps_add_up_and_are_told():
    seen = cast("0.6", held=[position()], pairs={"QQQ": 0.8}, beta=4.0)

    assert seen.confidence == 25
    assert seen.reasons == ("adds to a directional exposure of +0.60", "goes with one open position", "beta 4.00")
    assert cast("-0.6").reasons == ("reduces a directional exposure of -0.60",)
    assert cast().reasons == ("no bet of the book is piled up",)
    assert cast("0.8").reasons == ("adds to a directional exposure of +0.80, the limit is 0.7",)


def test_d16_it_abstains_without_correlations_and_is_neutral_with_an_empty_book():
    assert vote(view(correlation=None, exposure=exposure(dollar_delta=LIMIT))).is_abstaining
    assert not cast().is_abstaining


def test_d35_test_signals_add_nothing_to_the_book():
    full = exposure(dollar_delta=LIMIT)
    probe = replace(WORLD.signal, is_test=True)

    assert vote(view(exposure=full, correlation=correlation())).is_blocking
    assert vote(view(exposure=full, correlation=correlation(), signal=probe)).is_abstaining


@pytest.mark.parametrize(
    ("delta", "limit", "expected"),
    [("250000", "500000", 0.5), ("-600000", "500000", -1), ("1", "0", 1), ("-1", "0", -1), ("0", "0", 0)],
)
def test_directional_exposure_is_the_books_delta_over_its_limit(delta, limit, expected):
    inputs = replace(
        WORLD, exposure=exposure(dollar_delta=Decimal(delta)), limits=Limits(max_dollar_delta=Decimal(limit))
    )

    assert directional_exposure(inputs) == expected
