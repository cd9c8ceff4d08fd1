"""How a gate says yes, not now, no, or nothing."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from experiments.data import DecisionInputs, GateVerdict
from experiments.enums import Gate, GateCode, GateOutcome

MAX_TEXT = 200  # the ledger's columns

Hit = tuple[GateCode, str, str]  # a rule that holds: its code, what it saw, its threshold


def passed(gate: Gate, *, value: object = "", threshold: object = "", message: str = "") -> GateVerdict:
    return GateVerdict(gate, GateOutcome.PASS, "", _text(value), _text(threshold), message)


def not_evaluated(gate: Gate, message: str) -> GateVerdict:
    """The gate's input does not exist; `message` says which."""
    return GateVerdict(gate, GateOutcome.NOT_EVALUATED, message=message)


def refused(gate: Gate, code: GateCode, message: str, *, value: object = "", threshold: object = "") -> GateVerdict:
    return GateVerdict(gate, GateOutcome.REFUSE, code.value, _text(value), _text(threshold), message)


def named(hits: Sequence[Hit]) -> str:
    """Return every rule that holds, in words."""
    return "; ".join(f"{code.value} {saw} against {limit}" for code, saw, limit in hits)


def refused_by(gate: Gate, hits: Sequence[Hit], why: str, advice: str) -> GateVerdict:
    """Refuse by the first of `hits`, naming all."""
    code, value, threshold = hits[0]
    return refused(gate, code, f"{why}: {named(hits)}; {advice}", value=value, threshold=threshold)


def deferred(
    gate: Gate, code: GateCode, message: str, until: datetime, *, value: object = "", threshold: object = ""
) -> GateVerdict:
    return GateVerdict(gate, GateOutcome.DEFER, code.value, _text(value), _text(threshold), message, until)


def soon(inputs: DecisionInputs) -> datetime:
    """When a deferred signal is tried again; its age ends the trying."""
    return inputs.at + timedelta(seconds=inputs.config.defer_seconds)


def _text(value: object) -> str:
    return str(value)[:MAX_TEXT]
