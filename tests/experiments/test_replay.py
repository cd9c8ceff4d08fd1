"""Replay: the same decision from the frozen row alone, and a difference for every decisive change."""

from copy import deepcopy
from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import connection, transaction

from experiments import replay
from experiments.contract_terms import chain_window
from experiments.data import MarketSnapshot
from experiments.decide import RULES_VERSION, decide
from experiments.facts import SymbolRisk
from experiments.freeze import inputs_from_json, inputs_to_json
from experiments.models import AgentDecision, DecisionRound, Experiment, GateResult, Recommendation
from experiments.replay import ReplayTouchedDatabaseError, decision_replay
from experiments.services import decision_record
from optionsengine.core import clock
from optionsengine.core.canonical import canonical_hash
from optionsengine.core.enums import Engine, Side
from optionsengine.core.values import right_for
from optionsengine.market.data import TIMEFRAMES
from optionsengine.market.features import frame_features
from optionsengine.market.providers.simulated import SimulatedProvider
from tests.experiments.worlds import (
    AT,
    CONFIG,
    EXPOSURE,
    LATER,
    context,
    correlation,
    flow,
    frame,
    gamma,
    market,
    opening_range,
    volatility,
    world,
)
from tests.factories import experiment, signal

pytestmark = pytest.mark.django_db


def record(inputs):
    assigned = experiment(signal=signal(side=inputs.signal.side), variant=inputs.variant)
    with transaction.atomic():
        stored = decision_record(experiment=assigned, inputs=inputs, decision=decide(inputs), at=AT)
    return DecisionRound.objects.get(pk=stored.pk)


@pytest.mark.parametrize(
    "inputs",
    [
        world(),
        world(Side.SHORT, variant=Engine.B, signal={"timeframe": "1h"}),
        world(signal={"expiration": LATER, "confidence": None, "quantity": 3}),
        world(market=market(quote=None, chain=None, frames={}, problem="no_data")),
        world(bias=None),
        world(exposure=replace(EXPOSURE, open_positions=9)),
        world(signal={"confidence": 1.0}),
        world(bias=None, config=replace(CONFIG, require_bias=False), context=context(vix=31.0)),
    ],
)
def test_a_stored_decision_replays_the_same(inputs):
    stored = record(inputs)

    result = decision_replay(stored)

    assert (result.id, result.is_same, result.differences) == (stored.id, True, [])


# a world in which every fact is known, so that each can be altered; `where` begins a difference that must be found
FULL = {
    "context": context(),
    "market": market(
        gamma=gamma(),
        flow=flow(),
        volatility=volatility(),
        opening_range=opening_range(),
        correlation=correlation(pairs={"QQQ": 0.5}),
    ),
    "exposure": replace(
        EXPOSURE, symbols=(SymbolRisk("QQQ", Side.LONG, 1, Decimal(5000)),), open_positions=1, by_side={Side.LONG: 1}
    ),
}
AGAINST = {name: frame(Side.SHORT, name) for name in TIMEFRAMES}
CHANGES = [
    ("signal.confidence", 60.0, "gate A engine, outcome"),
    ("signal.quantity", 1, "recommendation A, quantity"),
    ("signal.side", "short", "recommendation A, side"),
    ("signal.is_test", True, "gate risk_limits, value"),
    ("signal.is_confirmation_pending", True, "gate A engine, code"),
    ("signal.timeframe", "1h", "recommendation A, setup_type"),
    ("signal.strike", "505", "recommendation A, option_symbol"),
    ("signal_age_seconds", 4000, "gate signal_age, code"),
    ("trading_status", "HALTED", "gate trading_state, outcome"),
    ("session.is_open", False, "gate market_session, outcome"),
    ("session.minutes_from_open", 5, "gate A engine, code"),
    ("quote.bid", "0", "gate market_data, outcome"),
    ("quote.at", "2026-02-17T12:00:00Z", "gate market_data, code"),
    ("market_problem", "no bars", "gate market_data, outcome"),
    ("chain_summary.spot", "400", "recommendation A, explanation"),
    ("exposure.open_positions", 5, "gate risk_limits, outcome"),
    ("exposure.daily_pnl", "-1000", "gate risk_limits, outcome"),
    ("exposure.daily_pnl", "-4000", "gate portfolio_breakers, outcome"),
    ("exposure.dollar_delta", "900000", "gate portfolio_breakers, outcome"),
    ("exposure.frozen_until", "2026-02-17T16:20:00Z", "gate portfolio_breakers, outcome"),
    ("exposure.symbol_by_side", {"long": 2}, "gate portfolio_guard, outcome"),
    ("exposure.equity", "50000", "recommendation A, quantity"),
    ("limits.max_daily_loss", "0", "gate risk_limits, code"),
    ("limits.max_dollar_delta", "0", "gate portfolio_breakers, outcome"),
    ("stop_loss_percent.A", "100", "recommendation A, quantity"),
    ("stop_loss_percent.B", "100", "recommendation B, quantity"),
    ("context.vix", 60.0, "gate market_context, outcome"),
    ("context.market_bias", "BEARISH", "gate market_context, outcome"),
    ("bias.bias", "BEARISH", "gate confluence, value"),
    ("bias.resolved_score", 19.0, "recommendation A, explanation"),
    ("bias.confidence", 0.2, "recommendation A, explanation"),
    ("bias.is_stale", True, "gate bias, outcome"),
    ("bias.chop_score", 80.0, "gate bias, outcome"),
    ("bias.macro_class", "MACRO_TREND_DOWN", "gate bias, outcome"),
    ("bias.entry_mode_hint", "NO_TRADE", "gate setup, outcome"),
    ("flow.premium_side", "short", "gate confluence, value"),
    ("gamma.net_gex", 5e9, "vote gamma_flow, "),
    ("gamma.state", "POSITIVE_HIGH", "recommendation A, explanation"),
    ("volatility.iv_percentile", 99.0, "gate A engine, code"),
    ("volatility.atm_iv", 0.9, "vote volatility, "),
    ("opening_range.high", 501.0, "vote orb_specialist, "),
    ("correlation.pairs", {"QQQ": 0.99}, "vote correlation_risk, "),
    ("config.max_contracts_per_trade", 2, "recommendation A, quantity"),
    ("config.risk_per_trade_percent", "0.3", "recommendation A, quantity"),
    ("config.signal_max_age_seconds", 20, "gate signal_age, outcome"),
    ("config.has_setup_validator", False, "gate setup, outcome"),
    ("config.confluence_threshold", 85.0, "gate confluence, threshold"),
    ("config.disabled_agents", ["technical"], "vote technical: only stored"),
    ("config.bias.gating.chop_limit", 10.0, "gate bias, outcome"),
    ("config.bias.risk.macro_aligned", 0.2, "recommendation A, quantity"),
    ("execution_mode", "SHADOW_ONLY", "recommendation A, is_shadow"),
    ("candidates", {"columns": [], "rows": []}, "gate A contract, outcome"),
    ("frames", {"columns": [], "rows": []}, "vote technical, is_abstaining"),
]


def tampered(inputs, path, value):
    data = deepcopy(inputs)
    *parents, last = path.split(".")
    place = data
    for parent in parents:
        place = place[parent]
    place[last] = value
    return data


@pytest.mark.parametrize(("path", "value", "where"), CHANGES, ids=lambda each: each if isinstance(each, str) else "")
def test_changing_a_decisive_input_makes_it_differ(path, value, where):
    stored = record(world(**FULL))
    forged = tampered(stored.inputs, path, value)
    DecisionRound.objects.filter(pk=stored.pk).update(inputs=forged)

    result = decision_replay(DecisionRound.objects.get(pk=stored.pk))

    assert (result.is_same, result.matches, result.context_hash) == (False, False, canonical_hash(forged))
    assert result.differences[0].startswith("context hash: ")
    assert any(difference.startswith(where) for difference in result.differences[1:]), result.differences


@pytest.mark.parametrize(("path", "value", "where"), CHANGES, ids=lambda each: each if isinstance(each, str) else "")
def test_a_forged_hash_does_not_hide_it(path, value, where):
    stored = record(world(**FULL))
    forged = tampered(stored.inputs, path, value)
    DecisionRound.objects.filter(pk=stored.pk).update(inputs=forged, context_hash=canonical_hash(forged))

    result = decision_replay(DecisionRound.objects.get(pk=stored.pk))

    assert (result.is_same, result.matches) == (False, True)
    assert any(difference.startswith(where) for difference in result.differences), result.differences


@pytest.mark.parametrize(
    ("model", "key", "change", "where"),
    [
        (GateResult, {"gate": "bias"}, {"message": "forged"}, "gate bias, message"),
        (GateResult, {"gate": "size", "engine": "B"}, {"value": "9"}, "gate B size, value"),
        (AgentDecision, {"agent": "technical"}, {"confidence": 71.0}, "vote technical, confidence"),
        (AgentDecision, {"agent": "mtf_trend"}, {"saw": {"5m": -1}}, "vote mtf_trend, saw"),
        (Recommendation, {"engine": "A"}, {"quantity": 7}, "recommendation A, quantity"),
        (Recommendation, {"engine": "B"}, {"limit_price": "2.4100"}, "recommendation B, limit_price"),
    ],
)
def test_a_stored_row_that_was_changed_is_found(model, key, change, where):
    stored = record(world())
    model.objects.filter(decision=stored, **key).update(**change)

    result = decision_replay(stored)

    assert not result.is_same
    assert [difference.split(":")[0] for difference in result.differences] == [where]


def test_a_row_that_is_missing_is_found():
    stored = record(world())
    AgentDecision.objects.filter(decision=stored, agent="technical").delete()

    assert decision_replay(stored).differences == ["vote technical: only replayed"]


def test_d31_an_added_field_changes_the_hash():
    stored = record(world())
    stored.inputs = {**stored.inputs, "surprise": 1}

    assert [difference.split(":")[0] for difference in decision_replay(stored).differences] == ["context hash"]


@pytest.mark.parametrize(
    "path",
    [
        *("gamma.net_gex", "flow.strength", "bias.bias_score", "bias.event_at", "quote.bid", "correlation.beta"),
        *("context.vix", "volatility.skew", "opening_range.low", "exposure.equity", "limits.max_exposure"),
        *("config.max_vix", "stop_loss_percent.A", "session.minutes_to_close", "at"),
    ],
)
def test_d31_the_hash_covers_every_fact_and_is_recomputed_from_the_row(path):
    stored = record(world(**FULL))
    assert canonical_hash(stored.inputs) == stored.context_hash
    assert canonical_hash(inputs_to_json(inputs_from_json(stored.inputs))) == stored.context_hash

    assert canonical_hash(tampered(stored.inputs, path, "0.123")) != stored.context_hash


def test_d31_identical_inputs_decide_identically():
    first, second = record(world(**FULL)), record(world(**FULL))

    assert first.context_hash == second.context_hash
    for model in (GateResult, AgentDecision, Recommendation):
        theirs = {"id", "decision_id", "signal_id", "created_at", "updated_at"}
        rows = [
            [{name: value for name, value in row.items() if name not in theirs} for row in found]
            for found in (model.objects.filter(decision=one).order_by("pk").values() for one in (first, second))
        ]
        assert rows[0]
        assert rows[0] == rows[1]


def test_d39_rules_are_told_by_name_for_both_engines_and_the_direction_is_the_engines():
    stored = record(world(signal={"confidence": 41.0}))
    for told in Recommendation.objects.filter(decision=stored):
        rules = told.explanation["rules"]
        assert {rule["rule"] for rule in rules} >= {"LOW_SIGNAL_CONFIDENCE", "REGIME_CONFLICT", "UNFAVORABLE_TIMING"}
        assert all(set(rule["rule"]) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ_") for rule in rules)
        assert told.code == "LOW_SIGNAL_CONFIDENCE"
        assert told.explanation["message"].startswith("confidence 41 is below")

    against = record(world(market=market(frames=AGAINST)))
    ours = Recommendation.objects.get(decision=against, engine="B")
    assert (ours.code, ours.outcome) == ("DIRECTION_MISMATCH", "refused")
    assert ours.explanation["agents"]["winner"] == "short"


@pytest.mark.parametrize("missing", [("stop_loss_percent",), ("config", "limits"), ("frames",)])
def test_inputs_that_cannot_be_read_back_differ(missing):
    stored = record(world())
    stored.inputs = {key: value for key, value in stored.inputs.items() if key not in missing}

    result = decision_replay(stored)

    assert not result.is_same
    assert result.differences[-1].startswith("inputs: cannot be read back")


def test_other_rules_are_named_beside_a_difference():
    stored = record(world())
    stored.rules_version = "0"

    assert decision_replay(stored).is_same
    GateResult.objects.filter(decision=stored, gate="bias").update(message="of old")
    assert decision_replay(stored).differences[-1] == f"rules version: stored 0, now {RULES_VERSION}"
    stored.inputs.pop("frames")
    *_, unread, why = decision_replay(stored).differences
    assert unread.startswith("inputs: cannot be read back")
    assert why == f"rules version: stored 0, now {RULES_VERSION}"


def test_a_decision_that_asks_the_database_fails_loudly(monkeypatch):
    stored = record(world())
    monkeypatch.setattr(replay, "decide", lambda inputs: Experiment.objects.count())

    with pytest.raises(ReplayTouchedDatabaseError):
        decision_replay(stored)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")  # the guard is gone again


def test_a_decision_that_reads_the_clock_fails_loudly(monkeypatch):
    stored = record(world())
    monkeypatch.setattr(replay, "decide", lambda inputs: clock.now())

    with pytest.raises(clock.ClockForbiddenError):
        decision_replay(stored)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(("symbol", "timeframe"), [("SPY", "5m"), ("NVDA", "1h"), ("AAPL", "1w"), ("QQQ", "1M")])
def test_decisions_on_the_simulated_market_replay_the_same(symbol, timeframe, side):
    provider = SimulatedProvider(seed=7, always_open=False)
    window = chain_window(timeframe=timeframe, expiration=None, at=AT)
    snapshot = MarketSnapshot(
        quote=provider.quote(symbol, AT),
        frames={name: frame_features(provider.bars(symbol, name, 200, AT), name) for name in TIMEFRAMES},
        chain=provider.chain(symbol, AT, window.minimum, window.maximum, right_for(side)),
        problem="",
    )
    inputs = world(side, signal={"symbol": symbol, "timeframe": timeframe}, market=snapshot)

    stored = record(inputs)

    assert len(inputs.candidates) == 40
    assert decision_replay(stored).differences == []
