"""A/B assignments, rounds with their gates and votes, and recommendations."""

import hashlib
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from experiments.models import AgentDecision, Approval, DecisionRound, Experiment, GateResult, Recommendation
from optionsengine.core.enums import Right, Side
from optionsengine.core.values import OptionContract, right_for
from tests.factories.clock import AT
from tests.factories.inbox import signal

SIZE = {
    "quantity": 2,
    "risk_budget": "1000.00",
    "premium": "5.10",
    "stop_loss_percent": "50",
    "risk_per_contract": "255.00",
    "multipliers": {"bias": "1"},
    "multiplier": "1",
    "caps": {"risk_budget": 3, "max_contracts": 10, "signal_quantity": 2},
    "binding": "signal_quantity",
}
EXPIRATION = date(2026, 3, 20)
STRIKE = Decimal(500)


def contract_of(underlying: str, side: str) -> OptionContract:
    return OptionContract(underlying, EXPIRATION, Right(right_for(Side(side))), STRIKE)


def experiment(**values: Any) -> Experiment:
    """Engine A is real, at a split of 50 %."""
    if "signal" not in values:
        values["signal"] = signal()
    defaults = {"variant": "A", "bucket": 1234, "split_percentage": 50, "created_at": values["signal"].created_at}
    return Experiment.objects.create(**(defaults | values))


def decision_round(**values: Any) -> DecisionRound:
    """An approved first round of engine A's experiment, without gates."""
    if "experiment" not in values:
        values["experiment"] = experiment()
    number = values.setdefault("round", values["experiment"].rounds.count() + 1)
    defaults = {
        "inputs": {"signal": {"symbol": values["experiment"].signal.symbol}, "round": number},
        "context_hash": hashlib.sha256(f"round {number}".encode()).hexdigest(),
        "rules_version": "1",
        "execution_mode": f"ENGINE_{values['experiment'].variant}_PRIMARY",
        "outcome": "approved",
        "created_at": AT,
    }
    return DecisionRound.objects.create(**(defaults | values))


def gate_result(**values: Any) -> GateResult:
    if "decision" not in values:
        values["decision"] = decision_round()
    defaults = {
        "position": values["decision"].gates.count(),
        "gate": "signal_age",
        "outcome": "pass",
        "value": "12 s",
        "threshold": "1800 s",
        "created_at": values["decision"].created_at,
    }
    return GateResult.objects.create(**(defaults | values))


def agent_decision(**values: Any) -> AgentDecision:
    if "decision" not in values:
        values["decision"] = decision_round()
    defaults = {
        "agent": "technical",
        "is_abstaining": False,
        "bias": "bullish",
        "confidence": 71.5,
        "weight": 0.4,
        "reasons": ["EMA8 above EMA21"],
        "saw": {"rsi": 58.2},
        "created_at": values["decision"].created_at,
    }
    return AgentDecision.objects.create(**(defaults | values))


def recommendation(**values: Any) -> Recommendation:
    """An approved market entry of two contracts by the real engine; `outcome` refused or deferred carries none."""
    if "decision" not in values:
        values["decision"] = decision_round()
    decision = values["decision"]
    entry = decision.experiment.signal
    engine = values.setdefault("engine", decision.experiment.variant)
    defaults: dict[str, Any] = {
        "signal": entry,
        "is_shadow": engine != decision.experiment.variant,
        "outcome": "approved",
        "side": entry.side,
        "setup_type": "SCALP_GUARDED",
        "confidence": 74.0,
        "urgency": "MEDIUM",
        "entry_type": "MARKET",
        "created_at": decision.created_at,
        "updated_at": decision.created_at,
    }
    if values.get("outcome", "approved") == "approved":
        contract = contract_of(entry.symbol, entry.side)
        defaults |= {
            "underlying": contract.underlying,
            "expiration": contract.expiration,
            "right": contract.right,
            "strike": contract.strike,
            "option_symbol": contract.symbol,
            "bid": Decimal("4.90"),
            "ask": Decimal("5.10"),
            "bid_size": 40,
            "ask_size": 35,
            "quote_at": decision.created_at,
            "quote_source": "simulated",
            "quantity": 2,
            "risk_budget": Decimal("1000.00"),
            "max_wait_minutes": 30,
        }
    else:
        defaults |= {"code": "LOW_CONFIDENCE"}
    return Recommendation.objects.create(**(defaults | values))


def approval(**values: Any) -> Approval:
    """An approved round, both recommendations, put to a person who has five minutes; its signal waits."""
    status = values.setdefault("status", "awaiting")
    if "decision" not in values:
        entry = values.pop("signal", None)
        if entry is None:
            entry = signal(**values.pop("signal_values", {}))
        if status == "awaiting":
            entry.status, entry.reason = "awaiting_approval", "AWAITING_APPROVAL"
            entry.save(update_fields=["status", "reason"])
        assigned = getattr(entry, "experiment", None) or experiment(signal=entry)
        values["decision"] = decision_round(experiment=assigned, created_at=values.get("created_at", AT))
        explained = {"size": SIZE}
        for engine in ("A", "B"):
            recommendation(decision=values["decision"], engine=engine, explanation=explained)
    created_at = values["decision"].created_at
    defaults: dict[str, Any] = {
        "signal": values["decision"].experiment.signal,
        "lapses_at": created_at + timedelta(seconds=300),
        "created_at": created_at,
        "updated_at": created_at,
    }
    if status != "awaiting":
        defaults |= {"decided_at": created_at + timedelta(seconds=60), "decided_by": "ann"}
    return Approval.objects.create(**(defaults | values))
