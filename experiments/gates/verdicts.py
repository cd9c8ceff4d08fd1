"""How a gate says yes, not now, no, or nothing."""

from datetime import datetime, timedelta

from experiments.data import DecisionInputs, GateVerdict
from experiments.enums import Gate, GateCode, GateOutcome

MAX_TEXT = 200  # the ledger's columns


def passed(gate: Gate, *, value: object = "", threshold: object = "", message: str = "") -> GateVerdict:
    return GateVerdict(gate, GateOutcome.PASS, "", _text(value), _text(threshold), message)


def not_evaluated(gate: Gate, message: str) -> GateVerdict:
    """The gate's input does not exist; `message` says which."""
    return GateVerdict(gate, GateOutcome.NOT_EVALUATED, message=message)


def refused(gate: Gate, code: GateCode, message: str, *, value: object = "", threshold: object = "") -> GateVerdict:
    return GateVerdict(gate, GateOutcome.REFUSE, code.value, _text(value), _text(threshold), message)


def deferred(
    gate: Gate, code: GateCode, message: str, until: datetime, *, value: object = "", threshold: object = ""
) -> GateVerdict:
    return GateVerdict(gate, GateOutcome.DEFER, code.value, _text(value), _text(threshold), message, until)


def soon(inputs: DecisionInputs) -> datetime:
    """When a deferred signal is tried again; its age ends the trying."""
    return inputs.at + timedelta(seconds=inputs.config.defer_seconds)


def _text(value: object) -> str:
    return str(value)[:MAX_TEXT]
