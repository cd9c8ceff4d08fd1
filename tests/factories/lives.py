"""Whole lives of signals."""

from datetime import timedelta

from signals.models import Signal
from tests.factories.clock import AT
from tests.factories.decisions import agent_decision, decision_round, experiment, gate_result, recommendation
from tests.factories.inbox import signal, signal_event
from tests.factories.orders import exit_order, order, order_event, trade
from tests.factories.positions import exit_alert, performance, position, position_event, position_mark

SHARED = ("trading_state", "signal_age", "market_session", "market_data", "risk_limits", "bias")
OWN = ("engine", "contract", "size")
AGENTS = (("technical", 0.4, 71.5), ("regime_classifier", 0.3, 66.0), ("mtf_trend", 0.3, 80.25))
LEDGER = {
    "trading_state": ("ACTIVE", "ACTIVE"),
    "signal_age": ("12 s", "at most 1800 s"),
    "market_session": ("open", "open"),
    "market_data": ("1.4 s old", "at most 120 s"),
    "risk_limits": ("2 open", "below 5"),
    "bias": ("BULLISH 62", "not suppressed for long"),
    "engine": ("74", "at least 60"),
    "contract": ("SPY-20260320-C-500", "1 listed"),
    "size": ("2", "above 0"),
}


def full_life(*, rounds: int = 1, marks: int = 3, closed: bool = True, is_test: bool = False) -> Signal:
    """A signal that was deferred `rounds - 1` times, then approved, filled by both engines, marked and closed."""
    entry = signal(status="executed", is_test=is_test)
    signal_event(signal=entry)
    assigned = experiment(signal=entry)
    for number in range(1, rounds + 1):
        at = AT + timedelta(minutes=number - 1, seconds=1)
        is_last = number == rounds
        decided = decision_round(
            experiment=assigned,
            round=number,
            outcome="approved" if is_last else "deferred",
            code="" if is_last else "BIAS_STALE",
            created_at=at,
        )
        for gate in SHARED:
            stops = gate == "bias" and not is_last
            gate_result(
                decision=decided,
                gate=gate,
                outcome="defer" if stops else "pass",
                code="BIAS_STALE" if stops else "",
                value="22 min old" if stops else LEDGER[gate][0],
                threshold="at most 10 min" if stops else LEDGER[gate][1],
                until_at=at + timedelta(minutes=1) if stops else None,
            )
        for engine in ("A", "B"):
            for gate in OWN:
                value, threshold = LEDGER[gate]
                gate_result(decision=decided, gate=gate, engine=engine, value=value, threshold=threshold)
        for agent, weight, confidence in AGENTS:
            agent_decision(decision=decided, agent=agent, weight=weight, confidence=confidence)
        if not is_last:
            for engine in ("A", "B"):
                recommendation(decision=decided, engine=engine, outcome="deferred", code="BIAS_STALE")
            signal_event(
                signal=entry,
                from_status="pending",
                to_status="pending",
                reason="BIAS_STALE",
                message="deferred for a minute",
                created_at=at,
            )
    signal_event(signal=entry, from_status="pending", to_status="approved", created_at=at)
    for engine in ("A", "B"):
        advice = recommendation(decision=decided, engine=engine)
        bought = order(recommendation=advice, status="filled", created_at=at + timedelta(seconds=1))
        order_event(order=bought)
        order_event(order=bought, from_status="pending_execution", to_status="filled")
        trade(order=bought)
        held = position(entry_order=bought, status="closed" if closed else "open")
        position_event(position=held)
        for minute in range(1, marks + 1):
            position_mark(position=held, created_at=held.created_at + timedelta(minutes=minute))
        if closed:
            sold = exit_order(entry_order=bought, status="filled")
            order_event(order=sold)
            order_event(order=sold, from_status="pending_execution", to_status="filled")
            trade(order=sold)
            position_event(
                position=held,
                from_status="open",
                to_status="closed",
                reason="PROFIT_TARGET",
                created_at=held.closed_at,
            )
            performance(position=held)
        else:
            exit_alert(position=held)
    signal_event(
        signal=entry,
        from_status="approved",
        to_status="executed",
        reason="FILLED",
        created_at=at + timedelta(seconds=1),
    )
    return entry
