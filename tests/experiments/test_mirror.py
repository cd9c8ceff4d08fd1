"""Long and short are the same trade upside down: mirrored worlds give mirrored decisions, gate by gate, vote by vote.

And the same inputs give the same bytes, also read back from their stored JSON.
"""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from bias.config import BiasConfig, StaleBehavior, StalenessConfig
from bias.enums import Bias, MacroClass, Regime
from experiments.decide import decide
from experiments.enums import VoteBias
from experiments.facts import SymbolRisk
from experiments.freeze import inputs_from_json, inputs_to_json
from experiments.rows import gate_rows, recommendation_rows, vote_rows
from optionsengine.core.canonical import canonical_json
from optionsengine.core.enums import Side
from optionsengine.market.analysis_enums import GexState
from tests.experiments.worlds import (
    AT,
    CONFIG,
    SESSION,
    SOON,
    SPOT,
    TIMEFRAMES,
    bias,
    chain,
    context,
    correlation,
    exposure,
    flow,
    frame,
    gamma,
    market,
    mirrored,
    mirrored_frame,
    opening_range,
    option,
    volatility,
    world,
)

REDUCING = BiasConfig(staleness=StalenessConfig(behavior=StaleBehavior.REDUCE_RISK))
ROOMS = st.sampled_from(["HIGH", "LOW", ""])
KNOWN = st.sampled_from([None, True, False])
SIDES = st.sampled_from([None, Side.LONG, Side.SHORT])
TURNED_VOTE = {VoteBias.BULLISH: VoteBias.BEARISH, VoteBias.BEARISH: VoteBias.BULLISH}

SIGNALS = st.fixed_dictionaries(
    {
        "timeframe": st.sampled_from(["5m", "1h", "1d"]),
        "confidence": st.sampled_from([None, 64.0, 72.0, 86.0]),
        "strike": st.sampled_from([None, None, SPOT + 5]),
        "quantity": st.none() | st.integers(1, 12),
        "is_test": st.sampled_from([False, False, True]),
    }
)
# a confirmed macro breakdown has no mirror image
STATES = st.builds(
    bias,
    st.sampled_from([Side.LONG, Side.LONG, Side.SHORT]),
    bias=st.sampled_from(Bias),
    macro_class=st.sampled_from([None, *(each for each in MacroClass if each != MacroClass.BREAKDOWN_CONFIRMED)]),
    regime_type=st.sampled_from([Regime.TREND, Regime.RANGE]),
    entry_mode_hint=st.sampled_from(["", "PULLBACK", "BREAKOUT", "MEAN_REVERT", "NO_TRADE"]),
    intent_type=st.sampled_from(["", "BREAKOUT", "PULLBACK"]),
    trend_phase=st.sampled_from(["", "MID", "LATE"]),
    atr_state=st.sampled_from(["", "NORMAL", "EXPANDING"]),
    room_to_resistance=ROOMS,
    room_to_support=ROOMS,
    sweep_high=KNOWN,
    sweep_low=KNOWN,
    reclaim=KNOWN,
    is_triggered=st.sampled_from([None, True, True, False]),
    chop_score=st.sampled_from([20.0, 72.0, 80.0]),
    alignment_score=st.sampled_from([50.0, 90.0]),
    strength_delta=st.sampled_from([-30.0, -5.0, 0.0, 5.0, 30.0]),
    macro_drift=st.sampled_from([0.0, 0.3]),
    macro_flip=st.booleans(),
    resolved_score=st.sampled_from([60.0, -75.0, 75.0, 20.0, 19.9]),
    is_stale=st.sampled_from([False, False, True]),
)
BOOKS = st.builds(
    exposure,
    open_positions=st.integers(0, 5),
    daily_pnl=st.sampled_from([Decimal(0), Decimal(-900), Decimal(-3100)]),
    by_side=st.fixed_dictionaries({side: st.sampled_from([0, 2, 3]) for side in Side}),
    symbol_by_side=st.fixed_dictionaries({side: st.sampled_from([0, 0, 0, 2]) for side in Side}),
    expirations=st.sampled_from([{}, {SOON: 2}, {SOON: 3}]),
    dollar_delta=st.sampled_from([Decimal(0), Decimal(600_000), Decimal(-600_000)]),
    symbols=st.sampled_from(
        [(), *((SymbolRisk("QQQ", side, count, Decimal(1000)),) for side in Side for count in (1, 2))]
    ),
    dollar_vega=st.sampled_from([Decimal(0), Decimal(2500)]),
    frozen_until=st.sampled_from([None, None, AT + timedelta(minutes=5)]),
)
DEALERS = st.none() | st.builds(
    gamma,
    net_gex=st.sampled_from([-5e9, -5e8, 0.0, 5e8, 5e9]),
    state=st.sampled_from(GexState),
    call_wall=st.sampled_from([None, SPOT + 1, SPOT + 20]),
    put_wall=st.sampled_from([None, SPOT - 1, SPOT - 20]),
)
PRINTS = st.none() | st.builds(
    flow, st.sampled_from(Side), premium_side=SIDES, strength=st.sampled_from([50.0, 65.0, 80.0])
)
SMILES = st.none() | st.builds(
    volatility,
    iv_percentile=st.sampled_from([None, 22.0, 28.0, 50.0, 79.0]),
    iv_rank=st.sampled_from([None, 10.0, 50.0, 90.0]),
    skew=st.sampled_from([-8.0, 0.0, 8.0]),
    term=st.sampled_from([-2.0, 0.0, 2.0]),
    realized=st.sampled_from([None, 0.1, 0.3]),
)
CONTEXTS = st.none() | st.builds(
    context,
    vix=st.sampled_from([None, 16.0, 50.0]),
    vix_regime=st.sampled_from(["NORMAL", "HIGH_VOL"]),
    market_bias=st.sampled_from(["BULLISH", "BEARISH", "MIXED", ""]),
)
CONFIGS = st.builds(
    replace,
    st.just(CONFIG),
    require_bias=st.booleans(),
    bias=st.sampled_from([CONFIG.bias, REDUCING]),
    has_portfolio_guard=st.sampled_from([True, True, True, False]),
    has_setup_validator=st.sampled_from([True, True, True, False]),
    has_confluence_gate=st.sampled_from([True, True, True, False]),
    is_orchestrated=st.sampled_from([True, True, False]),
)
SESSIONS = st.sampled_from([SESSION, replace(SESSION, minutes_from_open=150, minutes_to_close=240)])
SHAPES = {
    "up": frame(),
    "down": mirrored_frame(frame()),
    "split": frame(ema8=495.0, rsi=50.0, macd_hist=-0.25, adx=15.0, atr_percentile=30.0),
}


@st.composite
def worlds(draw):
    shapes = draw(st.lists(st.sampled_from(sorted(SHAPES)), min_size=5, max_size=5))
    strikes = draw(st.lists(st.sampled_from([0, 1, 3, 5, 8]), unique=True, max_size=5))
    seen = market(
        frames={name: replace(SHAPES[shape], timeframe=name) for name, shape in zip(TIMEFRAMES, shapes, strict=True)},
        chain=chain(quotes=tuple(option(beyond=each, delta=0.6 - each / 50) for each in strikes)),
        gamma=draw(DEALERS),
        flow=draw(PRINTS),
        volatility=draw(SMILES),
        opening_range=draw(st.sampled_from([None, opening_range(), opening_range(high=503.0, low=501.0)])),
        correlation=draw(st.sampled_from([None, correlation(), correlation(pairs={"QQQ": 0.9})])),
    )
    return world(
        signal=draw(SIGNALS),
        bias=draw(st.none() | STATES),
        exposure=draw(BOOKS),
        context=draw(CONTEXTS),
        config=draw(CONFIGS),
        session=draw(SESSIONS),
        market=seen,
    )


def told(decision, *, turned=False):
    """All that must be the same on both sides; a vote's side is turned back."""
    ledger = [(each.gate, each.outcome, each.code, each.until) for each in decision.shared_gates]
    for name, engine in decision.engines.items():
        size = engine.explanation["size"]
        ledger += [(each.gate, each.outcome, each.code, each.until) for each in engine.gates]
        ledger.append((name, engine.is_shadow, engine.outcome, engine.code, engine.quantity, engine.limit_price))
        ledger.append((engine.confidence, engine.urgency, engine.entry_type, engine.max_wait_minutes))
        ledger.append(None if size is None else (size["multipliers"], size["multiplier"], size["caps"]))
        ledger.append([(rule["rule"], rule["outcome"]) for rule in engine.explanation["rules"]])
    for vote in decision.votes:
        side = TURNED_VOTE.get(vote.bias, vote.bias) if turned else vote.bias
        ledger.append((vote.agent, vote.is_abstaining, side, vote.confidence, vote.weight, vote.is_blocking))
    return ledger


@settings(max_examples=150, deadline=None)
@given(inputs=worlds())
def test_mirrored_worlds_give_mirrored_decisions_gate_by_gate(inputs):
    assert told(decide(mirrored(inputs)), turned=True) == told(decide(inputs))


@settings(max_examples=50, deadline=None)
@given(inputs=worlds())
def test_a_world_mirrored_twice_is_itself(inputs):
    assert mirrored(mirrored(inputs)) == inputs


def rows(inputs):
    decision = decide(inputs)
    found = gate_rows(decision), vote_rows(decision), recommendation_rows(inputs, decision)
    return canonical_json([list(map(dict, each)) for each in found])


@settings(max_examples=50, deadline=None)
@given(inputs=worlds())
def test_equal_inputs_give_equal_bytes_also_when_read_back(inputs):
    stored = inputs_from_json(inputs_to_json(inputs))

    assert rows(inputs) == rows(inputs) == rows(stored)
    assert stored == inputs
