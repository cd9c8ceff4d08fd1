"""A decision as column values. Pure: what `decision_record` writes and what a replay compares come from here."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from experiments.data import AgentVote, Decision, DecisionInputs, EngineDecision, GateVerdict
from experiments.decide import contract_of
from experiments.freeze import inputs_to_json
from experiments.setup_type import setup_type_for
from optionsengine.core.canonical import canonical_hash, canonical_json
from optionsengine.core.values import CENT

PRICE = Decimal("0.0001")


def _json(value: Any) -> Any:
    """The value as a JSON column gives it back."""
    return json.loads(canonical_json(value))


def _price(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else amount.quantize(PRICE)


def _gate_row(position: int, engine: str, verdict: GateVerdict) -> dict[str, Any]:
    return {
        "position": position,
        "engine": engine,
        "gate": verdict.gate.value,
        "outcome": verdict.outcome.value,
        "code": verdict.code,
        "value": verdict.value,
        "threshold": verdict.threshold,
        "message": verdict.message,
        "until_at": verdict.until,
    }


def gate_rows(decision: Decision) -> list[dict[str, Any]]:
    """Return the ledger: the shared gates, then each engine's own, in the order that decides."""
    rows = [_gate_row(place, "", verdict) for place, verdict in enumerate(decision.shared_gates, start=1)]
    first_own = len(rows) + 1
    for engine, decided in decision.engines.items():
        gates = decided.gates
        rows += [_gate_row(place, engine.value, verdict) for place, verdict in enumerate(gates, start=first_own)]
    return rows


def _vote_row(vote: AgentVote, saw: Any) -> dict[str, Any]:
    return {
        "agent": vote.agent,
        "is_abstaining": vote.is_abstaining,
        "bias": vote.bias.value,
        "confidence": vote.confidence,
        "weight": vote.weight,
        "is_blocking": vote.is_blocking,
        "reasons": list(vote.reasons),
        "saw": saw,
    }


def vote_rows(decision: Decision) -> list[dict[str, Any]]:
    """Return one row per agent, abstentions included."""
    seen = _json([dict(vote.saw) for vote in decision.votes])
    return [_vote_row(vote, saw) for vote, saw in zip(decision.votes, seen, strict=True)]


def _recommendation_row(inputs: DecisionInputs, decision: EngineDecision) -> dict[str, Any]:
    contract, quote, summary = contract_of(inputs, decision), decision.contract, inputs.chain_summary
    return {
        "engine": decision.engine.value,
        "is_shadow": decision.is_shadow,
        "outcome": decision.outcome.value,
        "code": decision.code,
        "side": inputs.signal.side.value,
        "setup_type": setup_type_for(inputs.signal.timeframe).value,
        "confidence": decision.confidence,
        "urgency": "" if decision.urgency is None else decision.urgency.value,
        "entry_type": "" if decision.entry_type is None else decision.entry_type.value,
        "max_wait_minutes": decision.max_wait_minutes,
        "underlying": inputs.signal.symbol,
        "expiration": None if contract is None else contract.expiration,
        "right": "" if contract is None else contract.right.value,
        "strike": None if contract is None else _price(contract.strike),
        "option_symbol": "" if contract is None else contract.symbol,
        "bid": None if quote is None else _price(quote.bid),
        "ask": None if quote is None else _price(quote.ask),
        "bid_size": None if quote is None else quote.bid_size,
        "ask_size": None if quote is None else quote.ask_size,
        "quote_at": None if quote is None else quote.at,
        "quote_source": "" if quote is None or summary is None else summary.source,
        "limit_price": _price(decision.limit_price),
        "quantity": decision.quantity,
        "risk_budget": None if decision.risk_budget is None else decision.risk_budget.quantize(CENT),
        "explanation": _json({"message": decision.message, **decision.explanation}),
    }


def recommendation_rows(inputs: DecisionInputs, decision: Decision) -> list[dict[str, Any]]:
    """Return the recommendation of each engine that was asked."""
    return [_recommendation_row(inputs, decided) for decided in decision.engines.values()]


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision ready to be written: its inputs as JSON with their hash, and the rows of all that came of them."""

    inputs: DecisionInputs
    decision: Decision
    frozen: dict[str, Any]
    context_hash: str
    gates: list[dict[str, Any]]
    votes: list[dict[str, Any]]
    recommendations: list[dict[str, Any]]


def decided(inputs: DecisionInputs, decision: Decision) -> Decided:
    """Work out what is written of a decision."""
    frozen = inputs_to_json(inputs)
    return Decided(
        inputs=inputs,
        decision=decision,
        frozen=frozen,
        context_hash=canonical_hash(frozen),
        gates=gate_rows(decision),
        votes=vote_rows(decision),
        recommendations=recommendation_rows(inputs, decision),
    )
