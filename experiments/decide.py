"""The decision: frozen inputs in, each engine's decision out. Pure; it reads nothing but its argument."""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from experiments.contract import Selection, contract_explain, contract_for
from experiments.data import AgentVote, Decision, DecisionInputs, EngineDecision, GateVerdict
from experiments.engines.a import engine_a
from experiments.engines.adjustments import adjustments_judge
from experiments.engines.b.engine import engine_b
from experiments.engines.b.registry import votes_collect
from experiments.engines.opinion import AdjustmentFinding, Opinion
from experiments.enums import DecisionOutcome, EntryType, GateOutcome
from experiments.gates import contract as contract_gate
from experiments.gates import engine as engine_gate
from experiments.gates import size as size_gate
from experiments.gates.registry import shared_judge
from experiments.policy import is_shadow, real_engine
from experiments.sizing import Sizing, size
from optionsengine.core.enums import Engine
from optionsengine.core.values import OptionContract, cents, right_for

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

RULES_VERSION = "5"  # raised with every change of a rule or a constant, so that a replay can say why it differs

OUTCOMES = {GateOutcome.DEFER: DecisionOutcome.DEFERRED, GateOutcome.REFUSE: DecisionOutcome.REFUSED}


@dataclass(frozen=True, slots=True)
class _Shared:
    """What both engines' decisions are made of alike."""

    gates: tuple[GateVerdict, ...]
    selection: Selection | None
    adjustments: tuple[AdjustmentFinding, ...]
    config_version: str


def _told(record: "DataclassInstance") -> dict[str, Any]:
    """The fields of a flat record; to copy each value deeply takes longer than the whole decision."""
    return {column.name: getattr(record, column.name) for column in fields(record)}


def _explain(inputs: DecisionInputs, opinion: Opinion, shared: _Shared, sizing: Sizing | None) -> dict[str, Any]:
    summary, selection = inputs.chain_summary, shared.selection
    return {
        "config_version": shared.config_version,
        "signal_confidence": {
            "value": inputs.signal.confidence,
            "is_default": inputs.signal.confidence is None,
        },
        "rules": [
            *(_told(finding) for finding in opinion.findings),
            *(_told(finding) for finding in shared.adjustments),
        ],
        "plan": None if opinion.plan is None else _told(opinion.plan),
        "agents": dict(opinion.details),
        "contract": None if selection is None or summary is None else contract_explain(selection, summary),
        "size": None if sizing is None else _told(sizing),
    }


def _decisive(gates: tuple[GateVerdict, ...]) -> GateVerdict | None:
    """The first REFUSE or DEFER; it decides."""
    return next((verdict for verdict in gates if verdict.outcome in OUTCOMES), None)


def contract_of(inputs: DecisionInputs, decision: EngineDecision) -> OptionContract | None:
    """Return the listed option an engine chose, or None."""
    if decision.contract is None:
        return None
    right = right_for(inputs.signal.side)
    return OptionContract(inputs.signal.symbol, decision.contract.expiration, right, decision.contract.strike)


def _engine_decide(
    inputs: DecisionInputs,
    engine: Engine,
    opinion: Opinion,
    shared: _Shared,
) -> EngineDecision:
    selection = shared.selection
    contract = None if selection is None else selection.contract
    sizing = None if contract is None else size(inputs, contract, engine)
    gates = (
        engine_gate.judge(inputs, opinion),
        contract_gate.judge(inputs, selection),
        size_gate.judge(inputs, sizing),
    )
    stop = _decisive(shared.gates + gates)
    missing = next((verdict for verdict in gates if verdict.outcome == GateOutcome.NOT_EVALUATED), None)
    if stop is None and missing is not None:
        raise RuntimeError(f"nothing stops the signal, yet gate {missing.gate.value} had no input")
    plan = opinion.plan
    is_limit = plan is not None and plan.entry_type == EntryType.LIMIT
    approved = stop is None and contract is not None and sizing is not None
    quantity = sizing.quantity if approved and sizing is not None else 0
    return EngineDecision(
        engine=engine,
        is_shadow=is_shadow(engine, inputs.execution_mode),
        outcome=DecisionOutcome.APPROVED if stop is None else OUTCOMES[stop.outcome],
        code="" if stop is None else stop.code,
        until=None if stop is None else stop.until,
        message="" if stop is None else stop.message,
        gates=gates,
        confidence=opinion.confidence,
        urgency=None if plan is None else plan.urgency,
        entry_type=None if plan is None else plan.entry_type,
        max_wait_minutes=None if plan is None else plan.max_wait_minutes,
        contract=contract,
        quantity=quantity,
        limit_price=cents(contract.mid) if contract is not None and is_limit else None,
        risk_budget=None if sizing is None else sizing.risk_budget,
        explanation=_explain(inputs, opinion, shared, sizing),
    )


def decide(inputs: DecisionInputs) -> Decision:
    """Ask every gate and both engines, and return what each made of it; engine A alone where nothing is orchestrated.

    The first gate that refuses or defers decides; the later ones are still asked where their inputs exist. The contract
    is chosen before anyone is asked, because breakers and engines judge what would be bought.
    """
    selection = contract_for(inputs)
    shared = _Shared(
        gates=shared_judge(inputs, selection),
        selection=selection,
        adjustments=adjustments_judge(inputs),
        config_version=inputs.config.version,
    )
    opinions = {Engine.A: engine_a(inputs, selection)}
    votes: tuple[AgentVote, ...] = ()
    if inputs.config.is_orchestrated:
        votes = votes_collect(inputs, selection)
        opinions[Engine.B] = engine_b(inputs, votes, selection)
    engines = {engine: _engine_decide(inputs, engine, opinion, shared) for engine, opinion in opinions.items()}
    real = engines[real_engine(inputs.variant, is_orchestrated=inputs.config.is_orchestrated)]
    return Decision(
        shared_gates=shared.gates,
        engines=engines,
        votes=votes,
        outcome=real.outcome,
        code=real.code,
        until=real.until,
        message=real.message,
    )
