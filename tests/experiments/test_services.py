"""Recording a decision: rounds, rows, and that it is whole or not at all."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from experiments.decide import RULES_VERSION, decide
from experiments.freeze import inputs_from_json, inputs_to_json
from experiments.models import AgentDecision, DecisionRound, GateResult, Recommendation
from experiments.policy import execution_mode
from experiments.services import decision_record
from optionsengine.core.canonical import canonical_hash
from optionsengine.core.enums import Engine, Side
from tests.experiments.worlds import AT, CONFIG, EXPOSURE, LATER, bias, market, world
from tests.factories import experiment, signal

pytestmark = pytest.mark.django_db
GATES_STORED = 17  # the eleven that both engines share, and three of each engine


def record(inputs, assigned=None, at=AT):
    assigned = assigned or experiment(signal=signal(side=inputs.signal.side))
    with transaction.atomic():
        return decision_record(experiment=assigned, inputs=inputs, decision=decide(inputs), at=at)


def test_an_approved_decision_is_stored_whole():
    inputs = world()

    stored = record(inputs)

    stored = DecisionRound.objects.get(pk=stored.pk)
    assert (stored.round, stored.outcome, stored.code) == (1, "approved", "")
    assert (stored.execution_mode, stored.rules_version) == ("ENGINE_A_PRIMARY", RULES_VERSION)
    assert stored.created_at == AT
    assert inputs_from_json(stored.inputs) == inputs
    assert stored.gates.count() == GATES_STORED
    assert set(stored.votes.values_list("agent", flat=True)) == {vote.agent for vote in decide(inputs).votes}
    assert {(each.engine, each.is_shadow) for each in stored.recommendations.all()} == {("A", False), ("B", True)}


@pytest.mark.parametrize("variant", Engine)
def test_the_plain_signal_processor_stores_the_gates_and_engine_a(variant):
    plain = replace(CONFIG, is_orchestrated=False)

    stored = record(world(variant=variant, config=plain, execution_mode=execution_mode("PAPER", Engine.A)))

    assert (stored.outcome, stored.votes.count()) == ("approved", 0)
    assert set(stored.gates.values_list("engine", flat=True)) == {"", "A"}
    assert list(stored.recommendations.values_list("engine", "is_shadow", "outcome")) == [("A", False, "approved")]


def test_d31_the_hash_can_be_recomputed_from_the_stored_row():
    inputs = world(Side.SHORT, signal={"timeframe": "1h"})

    stored = DecisionRound.objects.get(pk=record(inputs).pk)

    assert stored.context_hash == canonical_hash(inputs_to_json(inputs)) == canonical_hash(stored.inputs)


def test_the_ledger_keeps_the_order_that_decides():
    stored = record(world(exposure=replace(EXPOSURE, open_positions=5)))

    ledger = stored.gates.order_by("engine", "position").values_list("position", "engine", "gate", "outcome", "code")
    assert list(ledger) == [
        (1, "", "trading_state", "pass", ""),
        (2, "", "signal_age", "pass", ""),
        (3, "", "market_session", "pass", ""),
        (4, "", "market_data", "pass", ""),
        (5, "", "risk_limits", "defer", "MAX_OPEN_POSITIONS"),
        (6, "", "market_context", "not_evaluated", ""),
        (7, "", "bias", "pass", ""),
        (8, "", "portfolio_guard", "pass", ""),
        (9, "", "portfolio_breakers", "pass", ""),
        (10, "", "setup", "pass", ""),
        (11, "", "confluence", "not_evaluated", ""),
        (12, "A", "engine", "pass", ""),
        (13, "A", "contract", "pass", ""),
        (14, "A", "size", "pass", ""),
        (12, "B", "engine", "refuse", "AGENT_BLOCKED"),  # its risk agent has the same veto
        (13, "B", "contract", "pass", ""),
        (14, "B", "size", "pass", ""),
    ]
    assert stored.gates.get(gate="risk_limits").until_at == AT + timedelta(seconds=60)


@pytest.mark.parametrize(("side", "right", "strike"), [(Side.LONG, "C", 503), (Side.SHORT, "P", 497)])
def test_d36_a_recommendation_carries_its_contract_and_quantity(side, right, strike):
    advice = record(world(side, bias=bias(side, confidence=0.6))).recommendations.get(engine="A")

    advice.refresh_from_db()
    assert (advice.side, advice.setup_type, advice.confidence) == (side.value, "SCALP_GUARDED", 82.0)
    assert (advice.underlying, advice.right, advice.strike) == ("SPY", right, Decimal(strike))
    assert advice.option_symbol == f"SPY-20260227-{right}-{strike}"
    assert (advice.bid, advice.ask, advice.bid_size, advice.ask_size) == (Decimal("2.35"), Decimal("2.45"), 20, 25)
    assert (advice.quote_at, advice.quote_source) == (AT - timedelta(seconds=5), "simulated")
    assert (advice.entry_type, advice.urgency, advice.max_wait_minutes) == ("LIMIT", "MEDIUM", 10)
    assert (advice.limit_price, advice.quantity, advice.risk_budget) == (Decimal("2.40"), 9, Decimal("1150.00"))
    assert advice.explanation["contract"]["source"] == "scored"
    assert advice.explanation["size"]["binding"] == "risk_budget"


def test_a_refused_recommendation_has_a_reason_and_no_quantity():
    advice = record(world(signal={"confidence": 5.0})).recommendations.get(engine="A")

    assert (advice.outcome, advice.code, advice.quantity) == ("refused", "LOW_SIGNAL_CONFIDENCE", 0)


def test_every_outcome_fits_the_tables():
    worlds = (
        world(market=market(quote=None, chain=None, frames={}, problem="p" * 500)),
        world(signal={"timeframe": "1h", "strike": Decimal("510"), "expiration": LATER}),
        world(bias=None),
    )
    for inputs in worlds:
        assert record(inputs).gates.count() == GATES_STORED


def test_a_signal_decided_again_is_the_next_round():
    assigned = experiment()

    rounds = [record(world(bias=None), assigned).round, record(world(), assigned, AT + timedelta(minutes=1)).round]

    assert rounds == [1, 2]
    assert list(assigned.rounds.order_by("round").values_list("outcome", flat=True)) == ["deferred", "approved"]


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_nothing_is_written():
    inputs = world()
    assigned = experiment()

    with pytest.raises(RuntimeError, match="one transaction"):
        decision_record(experiment=assigned, inputs=inputs, decision=decide(inputs), at=AT)

    for model in (DecisionRound, GateResult, AgentDecision, Recommendation):
        assert model.objects.count() == 0


def test_writing_a_decision_takes_five_statements_and_one_for_its_configuration(django_assert_num_queries):
    inputs = world()
    decision, assigned = decide(inputs), experiment()

    with transaction.atomic(), django_assert_num_queries(6):
        decision_record(experiment=assigned, inputs=inputs, decision=decision, at=AT)
