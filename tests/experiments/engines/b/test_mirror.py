"""Every agent over random worlds: the mirror, and that no signal's side is evidence."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.contract import contract_for
from experiments.data import SessionFacts
from experiments.engines.b.registry import AGENTS
from experiments.engines.b.view import AgentView
from experiments.enums import VoteBias
from experiments.facts import OpeningRange, SymbolRisk
from optionsengine.core.canonical import canonical_json
from optionsengine.core.enums import Side
from tests.experiments.engines.b.views import OPPOSITE, WORLD, view
from tests.experiments.worlds import NEXT_OPEN, bias, correlation, exposure, flow, frame, gamma, mirrored, volatility

PRICES = st.integers(min_value=-640, max_value=640).map(lambda sixtyfourths: 500 + sixtyfourths / 64)
POINTS = st.integers(min_value=-40, max_value=40).map(lambda quarters: quarters / 4)
PERCENTS = st.integers(min_value=0, max_value=400).map(lambda quarters: quarters / 4)
SHARES = st.integers(min_value=-2, max_value=6).map(lambda quarters: quarters / 4)
SIDES = st.sampled_from(Side)
FOUR = st.tuples(PRICES, PRICES, PRICES, PRICES)

FRAMES = st.builds(
    frame,
    ema8=st.none() | PRICES,
    ema21=PRICES,
    ema48=st.none() | PRICES,
    ema21_seeded=st.none() | PRICES,
    rsi=st.none() | PERCENTS,
    macd_hist=POINTS,
    macd_hist_prev=POINTS,
    vwap=st.none() | PRICES,
    bb_position=SHARES,
    bb_width_percentile=PERCENTS,
    adx=PERCENTS,
    plus_di=PERCENTS,
    minus_di=PERCENTS,
    atr=st.sampled_from([1.0, 7.5, 8.0, 12.5, 16.0]),
    atr_percentile=PERCENTS,
    highs=FOUR.map(lambda prices: tuple(price + 10 for price in prices)),
    lows=FOUR.map(lambda prices: tuple(price - 10 for price in prices)),
    squeeze_on=st.sampled_from([True, False, False, None]),
    squeeze_on_before=st.sampled_from([True, False, None]),
    squeeze_momentum=st.none() | POINTS,
)
SESSIONS = st.integers(min_value=0, max_value=390).map(
    lambda minutes: SessionFacts(True, NEXT_OPEN, minutes, 390 - minutes)
)
GAMMA = st.builds(
    gamma,
    net_gex=st.sampled_from([-2e9, -5e8, 0.0, 5e8, 2e9]),
    zero_gamma=st.none() | PRICES.map(lambda price: Decimal(str(price))),
    volatility_bias=st.sampled_from(["", "COMPRESSION_LIKELY", "EXPANSION_LIKELY"]),
)
FLOW = st.builds(flow, SIDES, premium_side=st.none() | SIDES, volume_side=st.none() | SIDES)
VOLATILITY = st.builds(
    volatility,
    iv_rank=st.none() | PERCENTS,
    realized=st.none() | st.sampled_from([0.1, 0.2, 0.3]),
    skew=st.none() | POINTS,
    term=st.none() | POINTS,
)
RANGES = st.tuples(PRICES, PRICES).map(lambda ends: OpeningRange(max(ends), min(ends), 30))
HELD = st.builds(SymbolRisk, st.sampled_from(["QQQ", "SPY"]), SIDES, st.integers(1, 2), st.just(Decimal(0)))
BOOKS = st.builds(
    exposure,
    dollar_delta=st.integers(-6, 6).map(lambda tenths: Decimal(tenths) * 100000),
    symbols=st.lists(HELD, max_size=2).map(tuple),
    open_positions=st.integers(0, 5),
    exposure=st.sampled_from([Decimal(0), Decimal(20000)]),
)
CORRELATION = st.builds(
    correlation,
    pairs=st.sampled_from([{}, {"QQQ": 0.7}, {"QQQ": 0.9}]),
    beta=st.none() | st.sampled_from([1.0, 3.5]),
)
QUOTES = st.tuples(st.sampled_from(["2.20", "2.05", "1.50"]), st.none() | st.sampled_from([5, 40, 4000]))


@st.composite
def worlds(draw):
    bid, interest = draw(QUOTES)
    changes = {
        "signal": replace(WORLD.signal, side=draw(SIDES)),
        "frames": {name: draw(FRAMES) for name in ("5m", "1h")},
        "session": draw(SESSIONS),
        "bias": bias(entry_mode_hint=draw(st.sampled_from(["BREAKOUT", "PULLBACK", "MEAN_REVERT"]))),
        "gamma": draw(st.none() | GAMMA),
        "flow": draw(st.none() | FLOW),
        "volatility": draw(st.none() | VOLATILITY),
        "opening_range": draw(st.none() | RANGES),
        "correlation": draw(st.none() | CORRELATION),
        "exposure": draw(BOOKS),
        "candidates": tuple(replace(each, bid=Decimal(bid), open_interest=interest) for each in WORLD.candidates),
    }
    return replace(WORLD, **changes)


@settings(max_examples=120, deadline=None)
@given(inputs=worlds())
def test_d05_mirrored_worlds_give_every_agents_mirrored_vote_with_equal_confidence(inputs):
    shown, mirror = view(inputs), view(mirrored(inputs))

    for agent in AGENTS:
        seen, turned = agent.vote(shown), agent.vote(mirror)
        assert turned.bias == OPPOSITE.get(seen.bias, seen.bias), agent.name
        assert turned.confidence == pytest.approx(seen.confidence, abs=1e-3), agent.name
        assert (turned.is_abstaining, turned.is_blocking) == (seen.is_abstaining, seen.is_blocking), agent.name


@settings(max_examples=80, deadline=None)
@given(inputs=worlds())
def test_d15_no_agent_takes_the_signals_side_for_evidence(inputs):
    selection = contract_for(inputs)
    long, short = (AgentView(replace(inputs, signal=replace(inputs.signal, side=side)), selection) for side in Side)

    for agent in AGENTS:
        if agent.name == "correlation_risk":  # it judges whether the trade adds to the book, and stays neutral
            assert {agent.vote(long).bias, agent.vote(short).bias} == {VoteBias.NEUTRAL}
        else:
            assert agent.vote(long) == agent.vote(short)


@settings(max_examples=80, deadline=None)
@given(inputs=worlds())
def test_every_vote_is_whole(inputs):
    shown, again = view(inputs), view(inputs)

    for agent in AGENTS:
        vote = agent.vote(shown)
        assert vote == agent.vote(again)
        assert vote.agent == agent.name
        assert 0 <= vote.confidence <= 100
        assert vote.reasons
        assert canonical_json(vote.saw)
        assert vote.weight == (0 if vote.is_abstaining else agent.weight)
        if vote.is_abstaining:
            assert (vote.bias, vote.confidence, vote.is_blocking) == (VoteBias.NEUTRAL, 0, False)
        if vote.is_blocking:
            assert agent.name in {"risk", "liquidity", "correlation_risk"}
