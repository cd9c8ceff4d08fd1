"""The meta-decision: veto, quorum, core, tie, winner, confidence, consensus, in that order."""

import pytest

from experiments.data import AgentVote
from experiments.engines.b.meta import Circumstances, meta_decide, threshold_for
from experiments.engines.b.regime_classifier import RegimeReading
from experiments.enums import GateCode, MarketRegime, Volatility, VoteBias
from optionsengine.core.enums import Side

UP, DOWN, FLAT = VoteBias.BULLISH, VoteBias.BEARISH, VoteBias.NEUTRAL


def cast(bias, confidence, weight=0.1, **values):
    name = values.pop("agent", f"{bias.value} {confidence} {weight}")
    return AgentVote(name, values.pop("is_abstaining", False), bias, confidence, weight, **values)


def found(regime=MarketRegime.TREND, volatility=Volatility.NORMAL, **values):
    return Circumstances(RegimeReading(regime, volatility, 60.0), **values)


PLAIN = found()


def test_three_that_agree_win():
    meta = meta_decide([cast(UP, 60), cast(UP, 70), cast(UP, 80, 0.4), cast(FLAT, 90)], Side.LONG, PLAIN)

    assert (meta.code, meta.winner, meta.confidence, meta.consensus, meta.needed) == (None, Side.LONG, 75, 100, 50)


@pytest.mark.parametrize(
    ("votes", "code"),
    [
        ([], GateCode.QUORUM_NOT_MET),
        ([cast(UP, 90), cast(UP, 90)], GateCode.QUORUM_NOT_MET),
        ([cast(UP, 90), cast(UP, 90), cast(FLAT, 90), cast(FLAT, 90)], GateCode.QUORUM_NOT_MET),
        ([cast(UP, 90), cast(UP, 90), cast(UP, 90, is_abstaining=True)], GateCode.QUORUM_NOT_MET),
        ([cast(UP, 90), cast(UP, 90), cast(UP, 90)], None),
        ([cast(UP, 90), cast(UP, 90), cast(DOWN, 50)], None),  # a side is a side, the signal's or the other
    ],
)
def test_fewer_than_three_directions_are_no_quorum(votes, code):
    assert meta_decide(votes, Side.LONG, PLAIN).code == code


SPECIALISTS = [cast(UP, 80, agent=name) for name in ("gamma_flow", "orb_specialist", "strat_specialist")]


@pytest.mark.parametrize(
    ("core", "code"),
    [
        ([], GateCode.NO_CORE_AGENT),
        ([cast(FLAT, 80, agent="technical")], GateCode.NO_CORE_AGENT),
        ([cast(UP, 80, agent="technical", is_abstaining=True)], GateCode.NO_CORE_AGENT),
        ([cast(UP, 80, agent="technical")], None),
        ([cast(DOWN, 50, agent="technical")], None),
    ],
)
def test_specialists_alone_carry_no_decision(core, code):
    assert meta_decide([*SPECIALISTS, *core], Side.LONG, PLAIN).code == code


def test_equal_scores_are_a_tie():
    votes = [cast(UP, 60, 0.1), cast(UP, 60, 0.1), cast(DOWN, 80, 0.15)]

    assert meta_decide(votes, Side.LONG, PLAIN).code == GateCode.DIRECTIONAL_TIE


def test_votes_without_any_confidence_are_a_tie():
    assert meta_decide([cast(UP, 0), cast(UP, 0), cast(DOWN, 0)], Side.LONG, PLAIN).code == GateCode.DIRECTIONAL_TIE


@pytest.mark.parametrize("side", Side)
def test_d04_direction_mismatch_refuses(side):
    against = DOWN if side == Side.LONG else UP

    meta = meta_decide([cast(against, 80), cast(against, 70), cast(against, 60)], side, PLAIN)

    assert (meta.code, meta.winner) == (GateCode.DIRECTION_MISMATCH, side.opposite)


@pytest.mark.parametrize(("confidence", "code"), [(49.9, GateCode.LOW_CONFIDENCE), (50.0, None), (50.1, None)])
def test_the_winner_must_be_confident(confidence, code):
    votes = [cast(UP, confidence) for _ in range(3)]

    assert meta_decide(votes, Side.LONG, PLAIN).code == code


@pytest.mark.parametrize(
    ("loser", "code"),
    [(40.1, GateCode.LOW_CONSENSUS), (40.0, None), (39.9, None)],
)
def test_the_winner_must_win_clearly(loser, code):
    # 60 against 40 is a consensus of exactly 20
    votes = [cast(UP, 60, 0.05), cast(UP, 60, 0.05), cast(DOWN, loser)]

    assert meta_decide(votes, Side.LONG, PLAIN).code == code


def test_a_block_comes_first_and_names_its_agent():
    votes = [cast(UP, 90) for _ in range(3)]
    block = cast(FLAT, 0, agent="liquidity", is_blocking=True, reasons=("no bid",))

    for others in ([], votes):
        meta = meta_decide([*others, block], Side.LONG, PLAIN)
        assert (meta.code, meta.message) == (GateCode.AGENT_BLOCKED, "blocked by liquidity: no bid")


QUIET, WILD = Volatility.LOW, Volatility.HIGH


@pytest.mark.parametrize(
    ("seen", "needed"),
    [
        (Circumstances(), 50),
        (found(), 50),
        (found(volatility=WILD), 60),
        (found(volatility=QUIET), 50),
        (found(MarketRegime.COMPRESSION), 50),
        (found(MarketRegime.COMPRESSION, QUIET), 55),
        (found(MarketRegime.COMPRESSION, WILD), 60),
        (found(MarketRegime.TRANSITIONAL), 55),
        (found(MarketRegime.TRANSITIONAL, WILD), 65),
        (found(exposure=0.49), 50),
        (found(exposure=0.5), 50),
        (found(exposure=0.51), 55),
        (found(exposure=-0.5), 50),
        (found(exposure=-0.51), 55),
        (found(liquidity_score=39), 55),
        (found(liquidity_score=40), 50),
        (found(liquidity_score=41), 50),
        (found(MarketRegime.TRANSITIONAL, WILD, exposure=-0.6, liquidity_score=30), 75),
    ],
)
def test_circumstances_raise_the_confidence_needed(seen, needed):
    assert threshold_for(seen)[0] == needed


def test_the_raised_threshold_decides():
    votes = [cast(UP, 57) for _ in range(3)]

    assert meta_decide(votes, Side.LONG, found(MarketRegime.TRANSITIONAL)).code is None
    assert meta_decide(votes, Side.LONG, found(volatility=WILD)).code == GateCode.LOW_CONFIDENCE


def test_mirrored_votes_give_the_mirrored_winner():
    up = [cast(UP, 60, 0.18), cast(DOWN, 55, 0.07), cast(UP, 71, 0.12)]
    down = [cast(DOWN if vote.bias == UP else UP, vote.confidence, vote.weight) for vote in up]

    long, short = meta_decide(up, Side.LONG, PLAIN), meta_decide(down, Side.SHORT, PLAIN)

    assert (long.code, long.confidence, long.consensus) == (short.code, short.confidence, short.consensus)


def test_d19_what_an_agent_weighs_counts_for_its_own_side_only():
    votes = [cast(UP, 60, 0.2), cast(UP, 60, 0.1), cast(DOWN, 30, 0.1), cast(FLAT, 90, 0.15)]

    meta = meta_decide(votes, Side.LONG, PLAIN)

    # 18 against 3: neither the neutral vote nor the other side's dilutes the winner's confidence
    assert (meta.confidence, meta.consensus) == (60, pytest.approx(100 * 15 / 21, abs=1e-4))
