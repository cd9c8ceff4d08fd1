"""Deciding again from the frozen row alone: the same, compared byte for byte, or under other settings."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn
from uuid import UUID

from django.db import connection
from django.db.models import Model, QuerySet

from experiments.decide import RULES_VERSION, decide
from experiments.freeze import inputs_from_json
from experiments.models import DecisionRound
from experiments.rows import gate_rows, recommendation_rows, vote_rows
from experiments.what_if import Changes, Comparison, NotReplayable, what_if
from optionsengine.core import clock
from optionsengine.core.canonical import canonical_hash, canonical_json
from optionsengine.core.enums import Engine

Rows = Sequence[Mapping[str, Any]]
CHUNK = 100
PLAIN = str | int | float | None


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """Whether the decision came out the same; each difference names what it is in, what was stored and what came.

    `context_hash` is that of the stored inputs as they are now; it `matches` the one stored with them.
    """

    id: UUID
    is_same: bool
    context_hash: str
    matches: bool
    differences: list[str]


class ReplayTouchedDatabaseError(RuntimeError):
    """Raised when a decision asks the database for anything: only frozen inputs may decide."""


def _refuse_query(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> NoReturn:
    raise ReplayTouchedDatabaseError(f"the decision ran a query: {sql[:80]}")


@contextmanager
def _sealed() -> Iterator[None]:
    """Let nothing decide but values: the database and the clock raise."""
    with connection.execute_wrapper(_refuse_query), clock.forbidden():
        yield


def rounds_to_replay(rounds: QuerySet[DecisionRound]) -> Iterator[DecisionRound]:
    """Read rounds with all that hangs on them, a few at a time, so that any number fits into memory."""
    yield from rounds.prefetch_related("gates", "votes", "recommendations").iterator(chunk_size=CHUNK)


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
            stored_value = before[key][column]
            if type(stored_value) is type(value) and isinstance(value, PLAIN) and stored_value == value != 0.0:
                continue  # equal plain values but zeros have one text, and to write it out is most of the work
            was, now = canonical_json(stored_value), canonical_json(value)
            if was != now:
                found.append(f"{what} {key}, {column}: stored {was}, replayed {now}")
    return sorted(found)


def _columns(rows: Iterable[Model]) -> Rows:
    return [vars(row) for row in rows]


def _other_rules(decision: DecisionRound) -> list[str]:
    if decision.rules_version == RULES_VERSION:
        return []
    return [f"rules version: stored {decision.rules_version}, now {RULES_VERSION}"]


def decision_replay(decision: DecisionRound) -> ReplayResult:
    """Decide again from the stored inputs, with the database and the clock made to raise, and compare everything."""
    gates, votes = _columns(decision.gates.all()), _columns(decision.votes.all())
    recommendations = _columns(decision.recommendations.all())
    differences = []
    context_hash = canonical_hash(decision.inputs)
    matches = context_hash == decision.context_hash
    if not matches:
        differences.append(f"context hash: stored {decision.context_hash}, replayed {context_hash}")
    try:
        with _sealed():
            inputs = inputs_from_json(decision.inputs)
            outcome = decide(inputs)
            again = gate_rows(outcome), vote_rows(outcome), recommendation_rows(inputs, outcome)
    except ValueError as error:
        differences += [f"inputs: cannot be read back: {error}", *_other_rules(decision)]
        return ReplayResult(decision.id, False, context_hash, matches, differences)
    for name, was, now in (
        ("execution mode", decision.execution_mode, inputs.execution_mode.value),
        ("outcome", decision.outcome, outcome.outcome.value),
        ("code", decision.code, outcome.code),
        ("config version", decision.config_version, inputs.config.version),
    ):
        if was != now:
            differences.append(f"{name}: stored {was!r}, replayed {now!r}")
    differences += _compare("gate", ("engine", "gate"), gates, again[0])
    differences += _compare("vote", ("agent",), votes, again[1])
    differences += _compare("recommendation", ("engine",), recommendations, again[2])
    if differences:
        differences += _other_rules(decision)
    return ReplayResult(decision.id, not differences, context_hash, matches, differences)


def decision_what_if(decision: DecisionRound, changes: Changes) -> Comparison:
    """Return what the stored decision would be with `changes`, with the database and the clock made to raise.

    :raises NotReplayable: if the stored inputs cannot be read back.
    :raises WhatIfInvalid: if the changes contradict the frozen settings.
    """
    assigned = Engine(decision.experiment.variant)
    with _sealed():
        try:
            inputs = inputs_from_json(decision.inputs)
        except ValueError:
            raise NotReplayable({"inputs": "they were stored by other rules, in a form that is not read"}) from None
        return what_if(inputs, changes, assigned=assigned)
