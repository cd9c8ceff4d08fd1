"""Replay: the same decision from the frozen row alone, and a difference for every decisive change."""

from copy import deepcopy
from dataclasses import replace

import pytest
from django.db import connection, transaction

from experiments import replay
from experiments.contract_terms import chain_window
from experiments.data import MarketSnapshot
from experiments.decide import decide
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
from tests.experiments.worlds import AT, CONFIG, EXPOSURE, LATER, market, world
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
        world(bias=None, config=replace(CONFIG, require_bias=False), context={"vix": 31}),
    ],
)
def test_a_stored_decision_replays_the_same(inputs):
    stored = record(inputs)

    result = decision_replay(stored)

    assert (result.id, result.is_same, result.differences) == (stored.id, True, [])


CHANGES = [
    ("signal.confidence", 60.0, "gate A engine, outcome"),
    ("signal.quantity", 1, "recommendation A, quantity"),
    ("signal.side", "short", "recommendation A, side"),
    ("signal_age_seconds", 4000, "gate signal_age, code"),
    ("trading_status", "HALTED", "gate trading_state, outcome"),
    ("session.is_open", False, "gate market_session, outcome"),
    ("quote.bid", "0", "gate market_data, outcome"),
    ("quote.at", "2026-02-17T12:00:00Z", "gate market_data, code"),
    ("exposure.open_positions", 5, "gate risk_limits, outcome"),
    ("exposure.equity", "50000", "recommendation A, quantity"),
    ("limits.max_daily_loss", "0", "gate risk_limits, code"),
    ("stop_loss_percent.A", "100", "recommendation A, quantity"),
    ("stop_loss_percent.B", "100", "recommendation B, quantity"),
    ("bias.suppressed", True, "gate bias, outcome"),
    ("bias.risk_multiplier", "0.5", "recommendation B, quantity"),
    ("config.max_contracts_per_trade", 2, "recommendation A, quantity"),
    ("execution_mode", "SHADOW_ONLY", "recommendation A, is_shadow"),
    ("candidates", {"columns": [], "rows": []}, "gate A contract, outcome"),
    ("frames", {"columns": [], "rows": []}, "vote technical, is_abstaining"),
    ("iv_percentile", 99.0, "gate A engine, code"),
]


def tampered(inputs, path, value):
    data = deepcopy(inputs)
    *parents, last = path.split(".")
    place = data
    for parent in parents:
        place = place[parent]
    place[last] = value
    return data


@pytest.mark.parametrize(("path", "value", "where"), CHANGES)
def test_changing_a_decisive_input_makes_it_differ(path, value, where):
    stored = record(world())
    DecisionRound.objects.filter(pk=stored.pk).update(inputs=tampered(stored.inputs, path, value))

    result = decision_replay(DecisionRound.objects.get(pk=stored.pk))

    assert not result.is_same
    assert result.differences[0].startswith("context hash: ")
    assert any(difference.startswith(f"{where}: stored ") for difference in result.differences)


def test_a_forged_hash_does_not_hide_a_changed_decision():
    stored = record(world())
    forged = tampered(stored.inputs, "exposure.equity", "50000")
    DecisionRound.objects.filter(pk=stored.pk).update(inputs=forged, context_hash=canonical_hash(forged))

    result = decision_replay(DecisionRound.objects.get(pk=stored.pk))

    assert not result.is_same
    assert not any(difference.startswith("context hash") for difference in result.differences)


@pytest.mark.parametrize(
    ("model", "key", "change", "where"),
    [
        (GateResult, {"gate": "bias"}, {"message": "forged"}, "gate bias, message"),
        (GateResult, {"gate": "size", "engine": "B"}, {"value": "9"}, "gate B size, value"),
        (AgentDecision, {"agent": "technical"}, {"confidence": 71.0}, "vote technical, confidence"),
        (AgentDecision, {"agent": "mtf_trend"}, {"saw": {"5m": -1}}, "vote mtf_trend, saw"),
        (Recommendation, {"engine": "A"}, {"quantity": 9}, "recommendation A, quantity"),
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
    assert decision_replay(stored).differences[-1].startswith("rules version: stored 0")


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
