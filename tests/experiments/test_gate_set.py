"""The whole set of gates: each refuses just beyond its threshold, no two contradict each other, the first one decides.

An edge is the strictest value a gate lets through, with the value just beyond it that it does not. Whatever two edges
come together, the trade is still made.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bias.config import BiasConfig, GatingConfig, StaleBehavior, StalenessConfig
from bias.enums import MacroClass, Regime
from experiments.config import Limits
from experiments.confluence import confluence_read
from experiments.data import DecisionInputs
from experiments.decide import decide
from experiments.enums import DecisionOutcome, Gate, GateOutcome
from optionsengine.core.enums import Engine, Side
from optionsengine.market.analysis_enums import GexState
from tests.experiments.worlds import (
    AT,
    CONFIG,
    SOON,
    SPOT,
    against,
    bias,
    context,
    exposure,
    flow,
    gamma,
    market,
    mirrored,
    volatility,
    world,
)

APPROVED = DecisionOutcome.APPROVED
STOPS = {GateOutcome.DEFER, GateOutcome.REFUSE}
Change = Callable[[DecisionInputs], DecisionInputs]
# room enough under the limits for edges of other gates that need some
WIDE = Limits(max_daily_loss=Decimal(50_000), max_open_positions=50, max_positions_per_symbol=50, max_daily_trades=10)


def told(side=Side.LONG, **values):
    """A world in which every gate has what it judges; nothing of it is near a threshold."""
    seen = market(side, gamma=gamma(), flow=flow(side), volatility=volatility(iv_percentile=50.0))
    return world(side, **({"market": seen, "context": context(), "limits": WIDE} | values))


def up(inputs):
    return inputs.signal.side == Side.LONG


def of(name: str, **values) -> Change:
    """Change fields of one part of the inputs."""
    return lambda inputs: replace(inputs, **{name: replace(getattr(inputs, name), **values)})


def book(**values) -> Change:
    """Change the book; a mapping given as `{True: n}` counts the signal's own side."""

    def changed(inputs):
        sides = {True: inputs.signal.side, False: inputs.signal.side.opposite}
        turned = {
            name: {sides[key]: count for key, count in value.items()} if name.endswith("by_side") else value
            for name, value in values.items()
        }
        return of("exposure", **turned)(inputs)

    return changed


def leaning(dollars: str) -> Change:
    """A book whose delta leans the signal's way."""
    return lambda inputs: book(dollar_delta=Decimal(dollars) * (1 if up(inputs) else -1))(inputs)


def both(*changes: Change) -> Change:
    def changed(inputs):
        for change in changes:
            inputs = change(inputs)
        return inputs

    return changed


def wall(ahead: str) -> Change:
    """Dealers long of much gamma with a wall so many dollars on the signal's way."""

    def changed(inputs):
        near = {"call_wall": SPOT + Decimal(ahead)} if up(inputs) else {"put_wall": SPOT - Decimal(ahead)}
        return of("gamma", state=GexState.POSITIVE_HIGH, net_gex=5e9, **near)(inputs)

    return changed


def swept(reclaim: bool) -> Change:
    return lambda inputs: of("bias", **{"sweep_high" if up(inputs) else "sweep_low": True}, reclaim=reclaim)(inputs)


def room(ahead: str) -> Change:
    def changed(inputs):
        name = "room_to_resistance" if up(inputs) else "room_to_support"
        return of("bias", intent_type="BREAKOUT", **{name: ahead})(inputs)

    return changed


def market_word(with_side: bool) -> Change:
    return lambda inputs: of("context", market_bias="BULLISH" if up(inputs) == with_side else "BEARISH")(inputs)


def quote_aged(seconds: int) -> Change:
    return of("quote", at=AT - timedelta(seconds=seconds))


def confluence_asked(more: float) -> Change:
    """Ask for the score there is, or for more."""

    def changed(inputs):
        return of("config", confluence_threshold=confluence_read(inputs).score + more)(inputs)

    return changed


@dataclass(frozen=True)
class Edge:
    gate: Gate
    code: str
    within: Change
    beyond: Change

    @property
    def name(self):
        return f"{self.gate.value}-{self.code}"


def expiries(**days):
    return {AT.date() + timedelta(days=int(name[1:])): count for name, count in days.items()}


EDGES = [
    Edge(
        Gate.SIGNAL_AGE,
        "SIGNAL_TOO_OLD",
        lambda seen: replace(seen, signal_age_seconds=1800),
        lambda seen: replace(seen, signal_age_seconds=1801),
    ),
    Edge(Gate.MARKET_DATA, "MARKET_DATA_STALE", quote_aged(120), quote_aged(121)),
    Edge(
        Gate.RISK_LIMITS,
        "DAILY_LOSS_LIMIT",
        both(of("limits", max_daily_loss=Decimal(1000)), book(daily_pnl=Decimal("-999.99"))),
        both(of("limits", max_daily_loss=Decimal(1000)), book(daily_pnl=Decimal(-1000))),
    ),
    Edge(Gate.RISK_LIMITS, "DAILY_TRADES_LIMIT", book(daily_trades=9), book(daily_trades=10)),
    Edge(Gate.RISK_LIMITS, "MAX_OPEN_POSITIONS", book(open_positions=49), book(open_positions=50)),
    Edge(Gate.RISK_LIMITS, "MAX_POSITIONS_PER_SYMBOL", book(symbol_positions=49), book(symbol_positions=50)),
    # what is left pays for one contract exactly: 245 dollars, of which the stop would lose 122.50
    Edge(Gate.SIZE, "ZERO_SIZE", book(exposure=Decimal(19755)), book(exposure=Decimal("19755.01"))),
    Edge(Gate.SIZE, "ZERO_SIZE", book(open_risk=Decimal("5877.5")), book(open_risk=Decimal("5877.51"))),
    Edge(Gate.MARKET_CONTEXT, "VIX_TOO_HIGH", of("context", vix=49.9), of("context", vix=50.0)),
    Edge(Gate.MARKET_CONTEXT, "MARKET_BIAS_AGAINST", market_word(True), market_word(False)),
    Edge(Gate.BIAS, "BIAS_SUPPRESSED", of("bias", chop_score=74.9), of("bias", chop_score=75.0)),
    Edge(
        Gate.PORTFOLIO_GUARD,
        "MAX_SAME_DIRECTION",
        book(symbol_by_side={True: 1, False: 9}),
        book(symbol_by_side={True: 2, False: 9}),
    ),
    Edge(Gate.PORTFOLIO_BREAKERS, "DRAWDOWN_BREAKER", book(frozen_until=AT), book(frozen_until=AT + timedelta(0, 1))),
    Edge(Gate.PORTFOLIO_BREAKERS, "GREEKS_LIMIT", leaning("499999.99"), leaning("500000")),
    Edge(
        Gate.PORTFOLIO_BREAKERS,
        "GREEKS_LIMIT",
        book(dollar_gamma=Decimal("99999.99")),
        book(dollar_gamma=Decimal(100000)),
    ),
    Edge(
        Gate.PORTFOLIO_BREAKERS, "GREEKS_LIMIT", book(dollar_vega=Decimal("1999.99")), book(dollar_vega=Decimal(2000))
    ),
    Edge(
        Gate.PORTFOLIO_BREAKERS,
        "DTE_CONCENTRATION",
        book(expirations={SOON: 2, **expiries(d200=2)}),
        book(expirations={SOON: 3, **expiries(d200=5)}),
    ),
    # with this entry three fifths of the fifty positions allowed, and one more
    Edge(
        Gate.PORTFOLIO_BREAKERS,
        "DTE_CONCENTRATION",
        book(expirations=expiries(d20=29)),
        book(expirations=expiries(d20=30)),
    ),
    Edge(Gate.SETUP, "BREAKOUT_WITHOUT_SPACE", room("MEDIUM"), room("LOW")),
    Edge(Gate.SETUP, "NO_TRIGGER_CONFIRMATION", of("bias", is_triggered=None), of("bias", is_triggered=False)),
    Edge(Gate.SETUP, "LIQUIDITY_TRAP_CONTINUATION", swept(True), swept(False)),
    Edge(
        Gate.SETUP,
        "RANGE_NOT_MEAN_REVERT",
        of("bias", regime_type=Regime.RANGE, entry_mode_hint="MEAN_REVERT"),
        of("bias", regime_type=Regime.RANGE, entry_mode_hint="PULLBACK"),
    ),
    Edge(Gate.ENGINE, "LOW_SIGNAL_CONFIDENCE", of("signal", confidence=65.0), of("signal", confidence=64.9)),
    Edge(
        Gate.ENGINE, "VOLATILITY_MISMATCH", of("volatility", iv_percentile=80.0), of("volatility", iv_percentile=80.1)
    ),
    Edge(
        Gate.ENGINE,
        "UNFAVORABLE_TIMING",
        of("session", minutes_from_open=16, minutes_to_close=374),
        of("session", minutes_from_open=15, minutes_to_close=375),
    ),
    Edge(Gate.ENGINE, "GEX_RESISTANCE", wall("2.51"), wall("2.50")),
    Edge(Gate.CONFLUENCE, "CONFLUENCE_BELOW_THRESHOLD", confluence_asked(0), confluence_asked(0.0001)),
]
SWITCHED = [replace(CONFIG, **{name: False}) for name in ("has_portfolio_guard", "has_setup_validator")]


def stopped(decision):
    """Every gate that stops engine A, in the order that decides."""
    ledger = (*decision.shared_gates, *decision.engines[Engine.A].gates)
    return [(verdict.gate, verdict.code) for verdict in ledger if verdict.outcome in STOPS]


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.name)
def test_each_gate_lets_its_threshold_through_and_stops_what_is_beyond(side, edge):
    assert stopped(decide(edge.within(told(side)))) == []

    beyond = decide(edge.beyond(told(side)))

    assert stopped(beyond) == [(edge.gate, edge.code)]
    assert beyond.code == edge.code


@pytest.mark.parametrize("side", Side)
def test_d03_no_two_gates_contradict_each_other(side):
    """Also with what every pair of edges makes of the confluence: it is asked for last."""
    for first, second in combinations(EDGES, 2):
        decision = decide(second.within(first.within(told(side))))
        assert (first.name, second.name, stopped(decision)) == (first.name, second.name, [])
        assert decision.engines[Engine.A].quantity >= 1


@pytest.mark.parametrize("side", Side)
def test_d03_all_thresholds_at_once_still_admit_a_trade(side):
    inputs = told(side)
    for edge in EDGES:
        inputs = edge.within(inputs)

    decision = decide(inputs)

    assert stopped(decision) == []
    assert decision.engines[Engine.A].quantity == 1


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("threshold", [50.0, 75.0])
@pytest.mark.parametrize(
    ("net_gex", "state", "hint"),
    [
        (-5e9, GexState.NEGATIVE_HIGH, "BREAKOUT"),
        (-5e8, GexState.NEGATIVE_LOW, "PULLBACK"),
        (5e8, GexState.POSITIVE_LOW, "MEAN_REVERT"),
        (5e9, GexState.POSITIVE_HIGH, "MEAN_REVERT"),
    ],
)
def test_d03_the_best_confluence_is_never_what_the_tiers_block(side, threshold, net_gex, state, hint):
    """Of old the one pairing of side and gamma that passed confluence at 75 was the one the entry rules blocked."""
    inputs = told(
        side,
        market=market(side, gamma=gamma(net_gex=net_gex, state=state), flow=flow(side)),
        bias=bias(side, entry_mode_hint=hint),
        config=replace(CONFIG, confluence_threshold=threshold),
    )

    decision = decide(inputs)

    assert (decision.outcome, stopped(decision)) == (APPROVED, [])
    assert confluence_read(inputs).score >= 75


THRESHOLDS = st.builds(
    replace,
    st.just(CONFIG),
    require_bias=st.booleans(),
    signal_max_age_seconds=st.integers(60, 86_400),
    quote_max_age_seconds=st.integers(5, 3600),
    max_contracts_per_trade=st.integers(1, 1000),
    confluence_threshold=st.floats(0, 85),
    max_vix=st.floats(1, 1000),
    has_portfolio_guard=st.booleans(),
    has_setup_validator=st.booleans(),
    has_confluence_gate=st.booleans(),
    bias=st.builds(
        BiasConfig,
        gating=st.builds(GatingConfig, chop_limit=st.floats(0, 100)),
        staleness=st.builds(StalenessConfig, behavior=st.sampled_from(StaleBehavior)),
    ),
)
LIMITS = st.builds(
    Limits,
    max_open_positions=st.integers(1, 50),
    max_positions_per_symbol=st.integers(1, 50),
    max_daily_loss=st.integers(1, 10**6).map(Decimal),
    max_daily_trades=st.none() | st.integers(1, 1000),
    max_exposure=st.integers(1000, 10**6).map(Decimal),
    max_exposure_percent=st.integers(1, 100).map(Decimal),
    max_open_risk_percent=st.integers(1, 100).map(Decimal),
    max_drawdown_percent=st.integers(1, 100).map(Decimal),
    max_dollar_delta=st.integers(1, 10**7).map(Decimal),
    max_dollar_gamma=st.integers(1, 10**7).map(Decimal),
    max_dollar_vega=st.integers(1, 10**5).map(Decimal),
)


@settings(max_examples=80, deadline=None)
@given(config=THRESHOLDS, limits=LIMITS, side=st.sampled_from(Side))
def test_d03_whatever_the_thresholds_some_input_passes_all_gates(config, limits, side):
    """Every gate that is switched on judges it: nothing passes for want of an input."""
    calm = min(config.bias.gating.chop_limit / 2, 20.0)
    state = bias(side, chop_score=calm, reclaim=config.bias.gating.chop_limit == 0)
    inputs = told(side, config=config, limits=limits, bias=state, context=context(vix=0.5))

    decision = decide(inputs)

    assert (decision.outcome, stopped(decision)) == (APPROVED, [])
    off = {
        Gate.PORTFOLIO_GUARD: config.has_portfolio_guard,
        Gate.SETUP: config.has_setup_validator,
        Gate.CONFLUENCE: config.has_confluence_gate,
    }
    silent = {verdict.gate for verdict in decision.shared_gates if verdict.outcome == GateOutcome.NOT_EVALUATED}
    assert silent == {gate for gate, is_on in off.items() if not is_on}


@settings(max_examples=80, deadline=None)
@given(chosen=st.sets(st.sampled_from(range(len(EDGES))), max_size=6), side=st.sampled_from(Side))
def test_the_first_that_stops_decides_and_the_later_are_still_asked(chosen, side):
    inputs = told(side)
    for place in sorted(chosen):
        inputs = EDGES[place].beyond(inputs)

    decision = decide(inputs)
    found = stopped(decision)

    assert decision.code == (found[0][1] if found else "")
    assert {EDGES[place].gate for place in chosen} - {Gate.ENGINE, Gate.SIZE} <= {gate for gate, _ in found}
    assert [verdict.gate for verdict in decision.shared_gates] == list(Gate)[: len(decision.shared_gates)]
    order = [list(Gate).index(gate) for gate, _ in found]
    assert order == sorted(order)


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.name)
def test_every_edge_is_the_mirror_image_of_the_other_sides(edge):
    for change in (edge.within, edge.beyond):
        long, short = decide(change(told(Side.LONG))), decide(change(mirrored(told(Side.LONG))))
        assert stopped(long) == stopped(short)
        assert long.engines[Engine.A].quantity == short.engines[Engine.A].quantity


@pytest.mark.parametrize("side", Side)
def test_d41_what_is_not_known_is_said_and_neither_passes_nor_fails_in_silence(side):
    unknown = decide(world(side, bias=None, config=replace(CONFIG, require_bias=False)))

    silent = {each.gate: each.message for each in unknown.shared_gates if each.outcome == GateOutcome.NOT_EVALUATED}
    assert set(silent) == {Gate.MARKET_CONTEXT, Gate.BIAS, Gate.SETUP, Gate.CONFLUENCE}
    assert all(silent.values())
    assert unknown.outcome == APPROVED


@pytest.mark.parametrize("config", SWITCHED)
def test_d37_one_switch_turns_off_one_gate(config):
    gates = {each.gate: each.outcome for each in decide(told(config=config)).shared_gates}

    assert list(gates.values()).count(GateOutcome.NOT_EVALUATED) == 1
    assert gates[Gate.BIAS] == GateOutcome.PASS


def test_d22_only_trades_of_the_suppressed_side_are_suppressed():
    for side in Side:
        state = against(side)
        assert decide(told(side, bias=state)).code == "BIAS_SUPPRESSED"
        assert state.macro_class in (MacroClass.TREND_UP, MacroClass.TREND_DOWN)


def test_d39_every_rule_and_gate_is_stored_by_its_name():
    decision = decide(told(signal={"confidence": 10.0}))

    for engine in decision.engines.values():
        names = [rule["rule"].value for rule in engine.explanation["rules"]]
        assert len(names) == len(set(names)) == 11
        assert "LOW_SIGNAL_CONFIDENCE" in names
        assert engine.code == "LOW_SIGNAL_CONFIDENCE"


def test_d13_the_book_counts_in_dollars_not_in_contracts():
    many_small = told(exposure=exposure(by_side={Side.LONG: 40}, dollar_delta=Decimal(1000)))
    few_large = told(exposure=exposure(by_side={Side.LONG: 1}, dollar_delta=Decimal(600_000)))

    assert decide(many_small).outcome == APPROVED
    assert decide(few_large).code == "GREEKS_LIMIT"
