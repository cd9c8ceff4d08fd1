"""The decision: the ledger's order, what decides, and that long and short, and every pair of limits, are fair."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bias.enums import Bias, Regime
from experiments.config import Limits
from experiments.decide import decide
from experiments.enums import ContractSource, DecisionOutcome, EntryType, ExecutionMode, Gate, GateOutcome
from optionsengine.core.enums import Engine, Side
from optionsengine.ops.enums import TradingStatus
from tests.experiments.worlds import (
    AT,
    CLOSED,
    CONFIG,
    EXPOSURE,
    LATER,
    LIMITS,
    NEXT_OPEN,
    SOON,
    STOPS,
    TIMEFRAMES,
    against,
    bias,
    candidate,
    chain,
    context,
    flow,
    frame,
    gamma,
    market,
    mirrored,
    mirrored_frame,
    option,
    volatility,
    world,
)

OWN = [Gate.ENGINE, Gate.CONTRACT, Gate.SIZE]
SHARED = [gate for gate in Gate if gate not in OWN]
APPROVED, DEFERRED, REFUSED = DecisionOutcome.APPROVED, DecisionOutcome.DEFERRED, DecisionOutcome.REFUSED
OPTIONAL = replace(CONFIG, require_bias=False)


def outcomes(decision):
    """All that must mirror: every gate's verdict and each engine's trade."""
    gates = [(each.gate, each.outcome, each.code) for each in decision.shared_gates]
    for engine in decision.engines.values():
        gates += [(each.gate, each.outcome, each.code) for each in engine.gates]
        gates.append((engine.outcome, engine.code, engine.quantity, engine.limit_price, engine.confidence))
    return gates


def full(side=Side.LONG, **values):
    """A world in which every gate has what it judges."""
    told = market(side, gamma=gamma(), flow=flow(side), volatility=volatility())
    return world(side, **({"market": told, "context": context()} | values))


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("timeframe", ["5m", "1h"])
def test_there_is_an_input_that_passes_every_gate(side, timeframe):
    decision = decide(full(side, signal={"timeframe": timeframe}))

    assert (decision.outcome, decision.code, decision.until) == (APPROVED, "", None)
    assert [verdict.gate for verdict in decision.shared_gates] == SHARED
    for engine in Engine:
        assert [verdict.gate for verdict in decision.engines[engine].gates] == OWN
        assert decision.engines[engine].outcome == APPROVED
        assert decision.engines[engine].quantity == 9  # $1000 × 1.15 over $122.50
    assert {verdict.outcome for verdict in decision.shared_gates} == {GateOutcome.PASS}


def test_a_limit_entry_rests_at_the_frozen_mid_and_a_market_entry_has_no_limit():
    scalp, swing = decide(world()), decide(world(signal={"timeframe": "1h"}))

    assert (scalp.engines[Engine.A].entry_type, scalp.engines[Engine.A].limit_price) == (
        EntryType.LIMIT,
        Decimal("2.40"),
    )
    assert (swing.engines[Engine.A].entry_type, swing.engines[Engine.A].limit_price) == (EntryType.MARKET, None)
    assert swing.engines[Engine.B].limit_price == Decimal("2.40")


@pytest.mark.parametrize(("bid", "limit"), [("2.34", "2.40"), ("2.35", "2.40"), ("2.33", "2.39"), ("2.32", "2.38")])
def test_the_mid_is_rounded_to_whole_cents(bid, limit):
    quotes = (option(bid=Decimal(bid)),)

    assert decide(world(market=market(chain=chain(quotes=quotes)))).engines[Engine.A].limit_price == Decimal(limit)


REFUSALS = [
    ({"trading_status": TradingStatus.HALTED}, REFUSED, "TRADING_HALTED", None),
    ({"signal": {"bar_end_at": AT - timedelta(seconds=1801)}}, REFUSED, "SIGNAL_TOO_OLD", None),
    ({"session": CLOSED}, REFUSED, "MARKET_CLOSED", None),
    ({"session": CLOSED, "signal": {"timeframe": "1d"}}, DEFERRED, "MARKET_CLOSED", NEXT_OPEN),
    ({"market": market(quote=None)}, DEFERRED, "MARKET_DATA_UNAVAILABLE", AT + timedelta(seconds=60)),
    ({"exposure": replace(EXPOSURE, open_positions=5)}, DEFERRED, "MAX_OPEN_POSITIONS", AT + timedelta(seconds=60)),
    ({"bias": None}, DEFERRED, "BIAS_MISSING", AT + timedelta(seconds=60)),
    ({"bias": against()}, REFUSED, "BIAS_SUPPRESSED", None),
    ({"context": context(vix=50.0)}, REFUSED, "VIX_TOO_HIGH", None),
    ({"exposure": replace(EXPOSURE, symbol_by_side={Side.LONG: 2})}, REFUSED, "MAX_SAME_DIRECTION", None),
    ({"exposure": replace(EXPOSURE, expirations={SOON: 3})}, REFUSED, "DTE_CONCENTRATION", None),
    ({"bias": bias(is_triggered=False)}, REFUSED, "NO_TRIGGER_CONFIRMATION", None),
    (
        {"market": market(flow=flow(Side.SHORT, strength=50.0)), "bias": bias(bias=Bias.NEUTRAL)},
        REFUSED,
        "CONFLUENCE_BELOW_THRESHOLD",
        None,
    ),
    ({"signal": {"confidence": 64.0}}, REFUSED, "LOW_SIGNAL_CONFIDENCE", None),
    ({"signal": {"is_confirmation_pending": True}}, DEFERRED, "CONFIRMATION_PENDING", AT + timedelta(seconds=60)),
    ({"market": market(chain=chain(quotes=()))}, REFUSED, "NO_VALID_CONTRACT", None),
    ({"exposure": replace(EXPOSURE, exposure=Decimal("19999.99"))}, REFUSED, "ZERO_SIZE", None),
]


@pytest.mark.parametrize(("change", "outcome", "code", "until"), REFUSALS)
def test_each_gate_can_stop_the_signal(change, outcome, code, until):
    decision = decide(world(**change))

    assert (decision.outcome, decision.code, decision.until) == (outcome, code, until)
    assert decision.message
    for engine in decision.engines.values():
        assert engine.outcome == outcome
        assert engine.quantity == 0


def test_the_first_stop_decides_and_the_later_gates_are_still_asked():
    broken = world(
        trading_status=TradingStatus.REDUCING,
        exposure=replace(EXPOSURE, open_positions=5),
        bias=against(),
        signal={"confidence": 1.0},
    )

    decision = decide(broken)

    assert (decision.outcome, decision.code) == (REFUSED, "TRADING_REDUCING")
    assert [verdict.code for verdict in decision.shared_gates if verdict.code] == [
        "TRADING_REDUCING",
        "MAX_OPEN_POSITIONS",
        "BIAS_SUPPRESSED",
    ]
    assert [verdict.code for verdict in decision.engines[Engine.A].gates] == ["LOW_SIGNAL_CONFIDENCE", "", ""]


def test_a_gate_without_its_input_is_not_evaluated():
    decision = decide(world(market=market(chain=None)))

    assert [verdict.outcome for verdict in decision.engines[Engine.A].gates] == [
        GateOutcome.PASS,
        GateOutcome.NOT_EVALUATED,
        GateOutcome.NOT_EVALUATED,
    ]


@pytest.mark.parametrize("variant", Engine)
def test_the_variants_engine_decides_the_signal(variant):
    against = market(frames={name: frame(Side.SHORT, name) for name in TIMEFRAMES})

    decision = decide(world(variant=variant, market=against))

    expected = (APPROVED, "") if variant == Engine.A else (REFUSED, "DIRECTION_MISMATCH")
    assert (decision.outcome, decision.code) == expected
    assert decision.engines[variant].is_shadow is False
    assert decision.engines[variant.other].is_shadow is True


def test_live_without_a_broker_both_engines_are_shadows():
    decision = decide(world(execution_mode=ExecutionMode.SHADOW_ONLY))

    assert all(engine.is_shadow for engine in decision.engines.values())


def test_d12_default_limits_do_not_reject_everything():
    assert decide(world(limits=Limits())).outcome == APPROVED


# bid, ask and open interest of a swing's contract: spreads are of a mid of 10 dollars
AT_THE_BOUND = [
    ("9.26", "10.74", 50, APPROVED),
    ("9.25", "10.75", 50, APPROVED),
    ("9.25", "10.75", 49, REFUSED),
    ("9.24", "10.76", 50, REFUSED),
    ("6.65", "13.35", 4000, REFUSED),
    ("2.50", "17.50", 4000, REFUSED),
]


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(("bid", "ask", "interest", "outcome"), AT_THE_BOUND)
def test_own_strike_illiquid_is_refused_though_liquid_ones_are_listed(side, bid, ask, interest, outcome):
    own = option(side, beyond=30, expiration=LATER, bid=Decimal(bid), ask=Decimal(ask), open_interest=interest)
    signal = {"timeframe": "1h", "strike": own.contract.strike}

    decision = decide(world(side, signal=signal, market=market(side, chain=chain(side, (*chain(side).quotes, own)))))

    assert (decision.outcome, decision.code) == (outcome, "" if outcome == APPROVED else "UNSAFE_LIQUIDITY")
    assert decision.engines[Engine.A].outcome == outcome  # the agents of B ask for more
    for engine in decision.engines.values():
        assert engine.contract.strike == own.contract.strike
        assert [verdict.gate for verdict in engine.gates] == OWN


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(("bid", "ask", "interest", "outcome"), AT_THE_BOUND)
def test_fallback_illiquid_is_refused_though_liquid_ones_are_listed(side, bid, ask, interest, outcome):
    nearest = option(side, beyond=1, expiration=LATER, bid=Decimal(bid), ask=Decimal(ask), open_interest=interest)
    untraded = option(side, beyond=5, expiration=LATER, delta=0.3, volume=0)  # tight, and no filter lets it through

    decision = decide(
        world(side, signal={"timeframe": "1h"}, market=market(side, chain=chain(side, (nearest, untraded))))
    )

    assert (decision.outcome, decision.code) == (outcome, "" if outcome == APPROVED else "UNSAFE_LIQUIDITY")
    for engine in decision.engines.values():
        assert engine.contract.strike == nearest.contract.strike
        assert engine.explanation["contract"]["source"] == ContractSource.FALLBACK


def test_each_engine_is_sized_and_explained_by_its_own_stop():
    decision = decide(world(stop_loss_percent={Engine.A: Decimal("25.50"), Engine.B: Decimal(100)}))

    a, b = decision.engines[Engine.A], decision.engines[Engine.B]
    # asked 2.45: $1150 over $62.475 is 18, capped at 10; over $245 it is 4
    assert (a.quantity, b.quantity) == (10, 4)
    assert a.gates[-1].threshold == "$1150.00 at $62.48 a contract (25.5 % stop)"
    assert b.gates[-1].threshold == "$1150.00 at $245.00 a contract (100 % stop)"
    assert b.explanation["size"]["stop_loss_percent"] == 100


def test_d14_a_zero_size_is_a_refusal_not_one_contract():
    dear = chain(quotes=(option(bid=Decimal("23.50"), ask=Decimal("23.60"), theta=-0.5),))

    decision = decide(world(market=market(chain=dear)))

    assert (decision.outcome, decision.code, decision.engines[Engine.A].quantity) == (REFUSED, "ZERO_SIZE", 0)


def test_no_valid_contract_says_what_each_filter_removed():
    quotes = (option(beyond=-5, volume=0), option(beyond=-6, delta=0.1), option(expiration=AT.date()))

    decision = decide(world(market=market(chain=chain(quotes=quotes))))

    assert decision.code == "NO_VALID_CONTRACT"
    assert "of 3 listed, removed by dte 1, liquidity 1, greeks 1" in decision.message


def test_the_explanation_records_the_default_confidence_and_every_rule():
    explanation = decide(world(signal={"confidence": None})).engines[Engine.A].explanation

    assert explanation["signal_confidence"] == {"value": None, "is_default": True}
    assert [rule["rule"].value for rule in explanation["rules"]] == [
        "LOW_SIGNAL_CONFIDENCE",
        "REGIME_CONFLICT",
        "VOLATILITY_MISMATCH",
        "UNSAFE_LIQUIDITY",
        "CONFIRMATION_PENDING",
        "UNFAVORABLE_TIMING",
        "GEX_RESISTANCE",
        "LATE_TREND_PHASE",
        "LUNCH_HOUR",
        "IV_NEAR_BAND",
        "GAMMA_AGAINST_STRATEGY",
    ]
    assert explanation["config_version"] == CONFIG.version


def test_the_configs_version_tells_its_values_apart():
    assert CONFIG.version == replace(CONFIG).version
    assert CONFIG.version != replace(CONFIG, max_contracts_per_trade=11).version


def test_equal_inputs_give_equal_decisions():
    assert decide(world()) == decide(world())


LIMIT_PAIRS = st.builds(
    Limits,
    max_open_positions=st.integers(1, 50),
    max_positions_per_symbol=st.integers(1, 50),
    max_daily_loss=st.integers(1, 10**6).map(Decimal),
    max_daily_trades=st.none() | st.integers(1, 1000),
    max_exposure=st.integers(1000, 10**6).map(Decimal),
    max_exposure_percent=st.integers(1, 100).map(Decimal),
    max_open_risk_percent=st.integers(1, 100).map(Decimal),
)


@settings(max_examples=60, deadline=None)
@given(
    limits=LIMIT_PAIRS,
    side=st.sampled_from(Side),
    timeframe=st.sampled_from(["5m", "1h"]),
    stop=st.integers(1, 100).map(Decimal),
)
def test_d03_whatever_the_limits_some_input_passes_all_gates(limits, side, timeframe, stop):
    inputs = world(side, signal={"timeframe": timeframe}, limits=limits, stop_loss_percent=dict.fromkeys(Engine, stop))

    assert decide(inputs).outcome == APPROVED


WORLDS = st.fixed_dictionaries(
    {
        "signal": st.fixed_dictionaries(
            {
                "timeframe": st.sampled_from(["5m", "1h", "1d"]),
                "confidence": st.sampled_from([None, 40.0, 64.0, 72.0, 86.0]),
                "strike": st.sampled_from([None, Decimal(505), Decimal(777)]),
                "quantity": st.none() | st.integers(1, 12),
                "is_test": st.booleans(),
            }
        ),
        "bias": st.sampled_from(
            [
                None,
                bias(),
                bias(Side.SHORT),
                bias(bias=Bias.NEUTRAL),
                bias(regime_type=Regime.RANGE, entry_mode_hint="MEAN_REVERT"),
                against(),
                bias(is_stale=True),
                bias(bias_score=75.0),
            ]
        ),
        "config": st.sampled_from([CONFIG, OPTIONAL]),
        "exposure": st.sampled_from(
            [EXPOSURE, replace(EXPOSURE, exposure=Decimal(19000)), replace(EXPOSURE, open_positions=5)]
        ),
        "frames": st.lists(st.sampled_from(["up", "down", "split"]), min_size=5, max_size=5),
        "quotes": st.lists(st.sampled_from([0, 1, 3, 5, 8]), unique=True, max_size=5),
        "volume": st.sampled_from([100, 1500]),
        "ask": st.sampled_from(["2.45", "2.60", "2.80"]),
        "stops": st.sampled_from([STOPS, {Engine.A: Decimal(15), Engine.B: Decimal(100)}]),
    }
)


@settings(max_examples=120, deadline=None)
@given(drawn=WORLDS)
def test_mirrored_inputs_give_mirrored_outcomes(drawn):
    shapes = {"up": frame(), "down": mirrored_frame(frame()), "split": frame(ema8=495.0, rsi=50.0, macd_hist=-0.25)}
    frames = {name: replace(shapes[drawn["frames"][place]], timeframe=name) for place, name in enumerate(TIMEFRAMES)}
    quotes = tuple(
        option(beyond=each, delta=0.6 - each / 50, volume=drawn["volume"], ask=Decimal(drawn["ask"]))
        for each in drawn["quotes"]
    )
    values = {key: drawn[key] for key in ("signal", "bias", "config", "exposure")}
    inputs = world(
        market=market(frames=frames, chain=chain(quotes=quotes)),
        limits=LIMITS,
        stop_loss_percent=drawn["stops"],
        **values,
    )

    assert outcomes(decide(mirrored(inputs))) == outcomes(decide(inputs))


def test_a_changed_candidate_changes_the_decision():
    inputs = world()
    better = candidate(strike=inputs.candidates[0].strike, delta=0.55, theta=-0.01)

    changed = decide(replace(inputs, candidates=(better,)))

    assert changed.engines[Engine.A].contract == better
