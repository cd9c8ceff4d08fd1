"""What changes the experiment's tables: the A/B assignment and the record of each decision."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max

from experiments.config import DecisionConfig
from experiments.data import Decision, DecisionInputs
from experiments.decide import RULES_VERSION
from experiments.models import (
    AgentDecision,
    ConfigVersion,
    DecisionRound,
    DrawdownFreeze,
    Experiment,
    GateResult,
    Recommendation,
)
from experiments.rows import Decided, decided
from experiments.selectors import drawdown_freeze_get
from optionsengine.core import ids
from optionsengine.core.bulk import rows_insert
from optionsengine.core.canonical import canonical_json
from optionsengine.core.enums import Engine
from optionsengine.core.locks import portfolio_lock
from optionsengine.core.values import CENT
from optionsengine.ops.enums import AlertLevel
from optionsengine.ops.services import alert_raise, alert_resolve
from signals.models import Signal

BUCKETS = 10_000
DRAWDOWN_CAUSE = "drawdown_pause"
DRAWDOWN_PAUSE = timedelta(minutes=30)
MOST_DRAWDOWN = Decimal("99999.99")


def bucket_for(signal_hash: str) -> int:
    """Return the signal's place on the split, 0–9999: the first 16 hex digits of SHA-256(`signal_hash`) mod 10000."""
    return int(hashlib.sha256(signal_hash.encode()).hexdigest()[:16], 16) % BUCKETS


def variant_for(bucket: int, split_percentage: int) -> Engine:
    """Return the engine of `bucket` when B gets `split_percentage` percent of the signals."""
    return Engine.A if bucket < (100 - split_percentage) * (BUCKETS // 100) else Engine.B


def experiment_assign(*, signal: Signal, at: datetime) -> Experiment:
    """Assign the signal to an engine by its hash, once: a second call returns the first assignment unchanged."""
    bucket = bucket_for(signal.signal_hash)
    split = settings.AB_SPLIT_PERCENTAGE
    experiment, _ = Experiment.objects.get_or_create(
        signal=signal,
        defaults={
            "variant": variant_for(bucket, split),
            "bucket": bucket,
            "split_percentage": split,
            "created_at": at,
        },
    )
    return experiment


def config_version_record(config: DecisionConfig, *, at: datetime) -> str:
    """Return the version of `config`, whose values are kept the first time that it decides."""
    version = config.version
    values = json.loads(canonical_json(asdict(config)))
    ConfigVersion.objects.bulk_create(
        [ConfigVersion(version=version, first_used_at=at, values=values)], ignore_conflicts=True
    )
    return version


def decision_record(
    *, experiment: Experiment, inputs: DecisionInputs, decision: Decision, at: datetime
) -> DecisionRound:
    """Write one decision; see `decisions_record`."""
    return decisions_record([(experiment, decided(inputs, decision))], at=at)[0]


def decisions_record(made: Sequence[tuple[Experiment, Decided]], *, at: datetime) -> list[DecisionRound]:
    """Write each decision as its experiment's next round: frozen inputs, every gate, vote and recommendation.

    The experiments must differ. Five statements and one for each configuration, however many decisions there are.

    :raises RuntimeError: outside a transaction: a decision is written whole or not at all.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("a decision is written in one transaction; open transaction.atomic() around it")
    rounds = DecisionRound.objects.filter(experiment__in=[experiment.pk for experiment, _ in made])
    last = dict(rounds.values_list("experiment").annotate(last=Max("round")).order_by())
    versions: dict[DecisionConfig, str] = {}
    stored: list[DecisionRound] = []
    gates: list[dict[str, Any]] = []
    votes: list[dict[str, Any]] = []
    recommendations: list[dict[str, Any]] = []
    for experiment, one in made:
        config = one.inputs.config
        if config not in versions:
            versions[config] = config_version_record(config, at=at)
        round_ = DecisionRound(
            experiment=experiment,
            round=last.get(experiment.pk, 0) + 1,
            inputs=one.frozen,
            context_hash=one.context_hash,
            rules_version=RULES_VERSION,
            config_version=versions[config],
            execution_mode=one.inputs.execution_mode,
            outcome=one.decision.outcome,
            code=one.decision.code,
            created_at=at,
        )
        stored.append(round_)
        of_round = {"created_at": at, "decision_id": round_.pk}
        gates += [{"id": ids.new_id(), **of_round, **row} for row in one.gates]
        votes += [{"id": ids.new_id(), **of_round, **row} for row in one.votes]
        recommendations += [
            {"id": ids.new_id(), **of_round, "updated_at": at, "signal_id": experiment.signal_id, **row}
            for row in one.recommendations
        ]
    columns = [field.attname for field in DecisionRound._meta.concrete_fields]
    rows_insert(DecisionRound, [{name: getattr(round_, name) for name in columns} for round_ in stored])
    rows_insert(GateResult, gates)
    rows_insert(AgentDecision, votes)
    rows_insert(Recommendation, recommendations)
    return stored


def drawdown_freeze_record(*, drawdown_percent: Decimal, at: datetime) -> datetime:
    """Pause new entries for 30 minutes because of the day's loss, and return when the pause ends.

    While one is in force it stays as it is: a loss that goes on is judged again when it is over. An alert says so
    until `drawdown_alert_end`.
    """
    with transaction.atomic():
        portfolio_lock()  # two decisions at once make one pause
        until = drawdown_freeze_get(at)
        if until is not None:
            return until
        until = at + DRAWDOWN_PAUSE
        percent = min(drawdown_percent, MOST_DRAWDOWN).quantize(CENT)
        DrawdownFreeze.objects.create(until_at=until, drawdown_percent=percent, created_at=at)
        alert_raise(
            cause=DRAWDOWN_CAUSE,
            level=AlertLevel.WARNING,
            message=f"the day has lost {percent} % of its first equity: no new entries until {until:%H:%M} UTC, exits "
            "run; look at the day's trades, or set the trading state to REDUCING to end the day here",
            at=at,
        )
    return until


def drawdown_alert_end(*, at: datetime) -> None:
    """Resolve the alert of a pause that is over."""
    if drawdown_freeze_get(at) is None:
        alert_resolve(cause=DRAWDOWN_CAUSE, at=at)
