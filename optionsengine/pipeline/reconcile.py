"""Runs every invariant over the books and says how many rows each examined."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from experiments.decide import RULES_VERSION
from experiments.models import DecisionRound
from experiments.replay import decision_replay
from optionsengine.core.leases import LEASE_SECONDS
from optionsengine.core.retry import database_retried
from optionsengine.ops.data import StageReport
from optionsengine.ops.enums import AlertLevel
from optionsengine.ops.services import alert_raise, alert_resolve
from optionsengine.pipeline.invariants import INVARIANTS
from optionsengine.pipeline.secrets import secrets_find

CAUSE = "reconcile"
REPLAY_SAMPLE = 200
SHOWN = 5


@dataclass(frozen=True, slots=True)
class InvariantResult:
    """`rows` were examined; `broken` of them break it, the first few shown as (key, what is wrong)."""

    number: int
    name: str
    rows: int
    broken: int
    examples: tuple[tuple[str, str], ...]


@database_retried
def invariants_check(*, at: datetime, replay_limit: int | None = REPLAY_SAMPLE) -> list[InvariantResult]:
    """Check every invariant; `replay_limit` bounds how many of the newest decisions are decided again (None: all).

    Of the decisions only those made by the rules of today can be examined: older rules decided otherwise, on purpose.
    """
    # one sweep after the last lease ran out, whatever is unfinished has been forgotten
    sweep = max(settings.ORCHESTRATOR_INTERVAL, settings.EXECUTOR_INTERVAL, settings.INBOX_RECOVERY_INTERVAL)
    late = at - timedelta(seconds=LEASE_SECONDS + 2 * sweep)
    results = []
    with connection.cursor() as cursor:
        for invariant in INVARIANTS:
            cursor.execute(invariant.examined)
            rows = int(cursor.fetchone()[0] or 0)
            cursor.execute(invariant.broken, {"late": late})
            broken = [(str(key), str(what)) for key, what in cursor.fetchall()]
            results.append(InvariantResult(invariant.number, invariant.name, rows, len(broken), tuple(broken[:SHOWN])))
    results.append(_secrets())
    results.append(_replay(replay_limit))
    return sorted(results, key=lambda result: result.number)


def _secrets() -> InvariantResult:
    rows, broken = secrets_find()
    return InvariantResult(14, "no secret is stored in a table", rows, len(broken), tuple(broken[:SHOWN]))


def _replay(limit: int | None) -> InvariantResult:
    rounds = DecisionRound.objects.filter(rules_version=RULES_VERSION).order_by("-created_at", "-id")
    broken: list[tuple[str, str]] = []
    rows = 0
    for decision in rounds[:limit] if limit is not None else rounds.iterator(chunk_size=100):
        rows += 1
        result = decision_replay(decision)
        if not result.is_same:
            broken.append((str(decision.id), "; ".join(result.differences)))
    name = f"a decision stored under today's rules (version {RULES_VERSION}) replays to itself"
    return InvariantResult(15, name, rows, len(broken), tuple(broken[:SHOWN]))


def reconcile_run(*, at: datetime) -> StageReport:
    """Check the invariants and keep one alert open while any is broken."""
    results = invariants_check(at=at)
    broken = [result for result in results if result.broken]
    if broken:
        alert_raise(
            cause=CAUSE,
            level=AlertLevel.CRITICAL,
            message="Invariants broken: "
            + "; ".join(f"{result.number} {result.name}: {result.examples[0][1]}" for result in broken)
            + ". Run `manage.py reconcile` for the rows.",
            at=at,
        )
    else:
        alert_resolve(cause=CAUSE, at=at)
    return StageReport(claimed=len(results), done=len(results) - len(broken), failed=len(broken))
