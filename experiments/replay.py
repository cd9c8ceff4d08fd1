"""Deciding again from the frozen row alone, and comparing byte for byte with what was stored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn
from uuid import UUID

from django.db import connection

from experiments.decide import RULES_VERSION, decide
from experiments.freeze import inputs_from_json
from experiments.models import AgentDecision, DecisionRound, GateResult, Recommendation
from experiments.rows import gate_rows, recommendation_rows, vote_rows
from optionsengine.core import clock
from optionsengine.core.canonical import canonical_hash, canonical_json

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """Whether the decision came out the same; each difference names what it is in, what was stored and what came."""

    id: UUID
    is_same: bool
    differences: list[str]


class ReplayTouchedDatabaseError(RuntimeError):
    """Raised when a decision asks the database for anything: only frozen inputs may decide."""


def _refuse_query(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> NoReturn:
    raise ReplayTouchedDatabaseError(f"the decision ran a query: {sql[:80]}")


def _key(row: Mapping[str, Any], names: Sequence[str]) -> str:
    return " ".join(str(row[name]) for name in names if row[name]) or "row"


def _compare(what: str, names: Sequence[str], stored: Rows, replayed: Rows) -> list[str]:
    """Name every column of every row that differs, and the rows only one side has."""
    before = {_key(row, names): row for row in stored}
    after = {_key(row, names): row for row in replayed}
    found = [f"{what} {key}: only stored" for key in before.keys() - after.keys()]
    found += [f"{what} {key}: only replayed" for key in after.keys() - before.keys()]
    for key in before.keys() & after.keys():
        for column, value in after[key].items():
            was, now = canonical_json(before[key][column]), canonical_json(value)
            if was != now:
                found.append(f"{what} {key}, {column}: stored {was}, replayed {now}")
    return sorted(found)


def decision_replay(decision: DecisionRound) -> ReplayResult:
    """Decide again from the stored inputs, with the database and the clock made to raise, and compare everything."""
    gates = list(GateResult.objects.filter(decision=decision).values())
    votes = list(AgentDecision.objects.filter(decision=decision).values())
    recommendations = list(Recommendation.objects.filter(decision=decision).values())
    differences = []
    replayed_hash = canonical_hash(decision.inputs)
    if replayed_hash != decision.context_hash:
        differences.append(f"context hash: stored {decision.context_hash}, replayed {replayed_hash}")
    try:
        with connection.execute_wrapper(_refuse_query), clock.forbidden():
            inputs = inputs_from_json(decision.inputs)
            outcome = decide(inputs)
            again = gate_rows(outcome), vote_rows(outcome), recommendation_rows(inputs, outcome)
    except ValueError as error:
        return ReplayResult(decision.id, False, [*differences, f"inputs: cannot be read back: {error}"])
    for name, was, now in (
        ("execution mode", decision.execution_mode, inputs.execution_mode.value),
        ("outcome", decision.outcome, outcome.outcome.value),
        ("code", decision.code, outcome.code),
    ):
        if was != now:
            differences.append(f"{name}: stored {was!r}, replayed {now!r}")
    differences += _compare("gate", ("engine", "gate"), gates, again[0])
    differences += _compare("vote", ("agent",), votes, again[1])
    differences += _compare("recommendation", ("engine",), recommendations, again[2])
    if differences and decision.rules_version != RULES_VERSION:
        differences.append(f"rules version: stored {decision.rules_version}, now {RULES_VERSION}")
    return ReplayResult(decision.id, not differences, differences)
