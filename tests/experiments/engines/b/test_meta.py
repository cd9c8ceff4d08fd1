"""The meta-decision: quorum, tie, winner, confidence, consensus, in that order."""

import pytest

from experiments.data import AgentVote
from experiments.engines.b.meta import meta_decide, threshold_for
from experiments.engines.b.regime_classifier import RegimeReading
from experiments.enums import GateCode, MarketRegime, Volatility, VoteBias
from optionsengine.core.enums import Side

UP, DOWN, FLAT = VoteBias.BULLISH, VoteBias.BEARISH, VoteBias.NEUTRAL


def cast(bias, confidence, weight=0.1, **values):
    name = values.pop("agent", f"{bias.value} {confidence} {weight}")
    return AgentVote(name, values.pop("is_abstaining", False), bias, confidence, weight, **values)


def reading(regime=MarketRegime.TREND, volatility=Volatility.NORMAL):
    return RegimeReading(regime, volatility, 60.0)


def test_two_that_agree_win():
    meta = meta_decide([cast(UP, 60), cast(UP, 80, 0.3), cast(FLAT, 90)], Side.LONG, reading())

    assert (meta.code, meta.winner, meta.confidence, meta.consensus, meta.needed) == (None, Side.LONG, 75, 100, 50)


@pytest.mark.parametrize("votes", [[], [cast(UP, 90)], [cast(UP, 90), cast(FLAT, 90)]])
def test_fewer_than_two_directions_are_no_quorum(votes):
    assert meta_decide(votes, Side.LONG, reading()).code == GateCode.QUORUM_NOT_MET


def test_an_abstaining_agent_has_no_seat_in_the_quorum():
    votes = [cast(UP, 90), cast(UP, 90, is_abstaining=True)]

    assert meta_decide(votes, Side.LONG, reading()).code == GateCode.QUORUM_NOT_MET


def test_equal_scores_are_a_tie():
    votes = [cast(UP, 60, 0.2), cast(DOWN, 80, 0.15)]

    assert meta_decide(votes, Side.LONG, reading()).code == GateCode.DIRECTIONAL_TIE


@pytest.mark.parametrize("side", Side)
def test_d04_direction_mismatch_refuses(side):
    against = DOWN if side == Side.LONG else UP

    meta = meta_decide([cast(against, 80), cast(against, 70)], side, reading())

    assert (meta.code, meta.winner) == (GateCode.DIRECTION_MISMATCH, side.opposite)


@pytest.mark.parametrize(("confidence", "code"), [(49.9, GateCode.LOW_CONFIDENCE), (50.0, None), (50.1, None)])
def test_the_winner_must_be_confident(confidence, code):
    assert meta_decide([cast(UP, confidence), cast(UP, confidence)], Side.LONG, reading()).code == code


@pytest.mark.parametrize(
    ("loser", "code"),
    [(40.1, GateCode.LOW_CONSENSUS), (40.0, None), (39.9, None)],
)
def test_the_winner_must_win_clearly(loser, code):
    # 60 against 40 is a consensus of exactly 20
    assert meta_decide([cast(UP, 60), cast(DOWN, loser)], Side.LONG, reading()).code == code


def test_a_block_comes_first_and_names_its_agent():
    votes = [cast(UP, 90), cast(UP, 90), cast(FLAT, 0, agent="liquidity", is_blocking=True, reasons=("no bid",))]

    meta = meta_decide(votes, Side.LONG, reading())

    assert (meta.code, meta.message) == (GateCode.AGENT_BLOCKED, "blocked by liquidity: no bid")


@pytest.mark.parametrize(
    ("regime", "needed"),
    [
        (None, 50),
        (reading(), 50),
        (reading(volatility=Volatility.HIGH), 60),
        (reading(volatility=Volatility.LOW), 50),
        (reading(MarketRegime.COMPRESSION, Volatility.LOW), 55),
        (reading(MarketRegime.COMPRESSION, Volatility.HIGH), 60),
        (reading(MarketRegime.TRANSITIONAL), 55),
        (reading(MarketRegime.TRANSITIONAL, Volatility.HIGH), 65),
    ],
)
def test_the_regime_raises_the_confidence_needed(regime, needed):
    assert threshold_for(regime)[0] == needed


def test_mirrored_votes_give_the_mirrored_winner():
    up = [cast(UP, 60, 0.18), cast(DOWN, 55, 0.07), cast(UP, 71, 0.12)]
    down = [cast(DOWN if vote.bias == UP else UP, vote.confidence, vote.weight) for vote in up]

    long, short = meta_decide(up, Side.LONG, reading()), meta_decide(down, Side.SHORT, reading())

    assert (long.code, long.confidence, long.consensus) == (short.code, short.confidence, short.consensus)
