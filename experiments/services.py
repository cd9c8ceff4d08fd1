"""What changes the experiment's tables: the A/B assignment and the record of each decision."""

import hashlib
import json
from dataclasses import asdict
from datetime import datetime

from django.conf import settings
from django.db import connection
from django.db.models import Max

from experiments.config import DecisionConfig
from experiments.data import Decision, DecisionInputs
from experiments.decide import RULES_VERSION
from experiments.freeze import inputs_hash, inputs_to_json
from experiments.models import AgentDecision, ConfigVersion, DecisionRound, Experiment, GateResult, Recommendation
from experiments.rows import gate_rows, recommendation_rows, vote_rows
from optionsengine.core.canonical import canonical_json
from optionsengine.core.enums import Engine
from signals.models import Signal

BUCKETS = 10_000


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
    """Write the decision as the experiment's next round: frozen inputs, every gate, vote and both recommendations.

    :raises RuntimeError: outside a transaction: a decision is written whole or not at all.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("a decision is written in one transaction; open transaction.atomic() around it")
    last = DecisionRound.objects.filter(experiment=experiment).aggregate(last=Max("round"))["last"] or 0
    stored = DecisionRound.objects.create(
        experiment=experiment,
        round=last + 1,
        inputs=inputs_to_json(inputs),
        context_hash=inputs_hash(inputs),
        rules_version=RULES_VERSION,
        config_version=config_version_record(inputs.config, at=at),
        execution_mode=inputs.execution_mode,
        outcome=decision.outcome,
        code=decision.code,
        created_at=at,
    )
    GateResult.objects.bulk_create(GateResult(decision=stored, created_at=at, **row) for row in gate_rows(decision))
    AgentDecision.objects.bulk_create(
        AgentDecision(decision=stored, created_at=at, **row) for row in vote_rows(decision)
    )
    Recommendation.objects.bulk_create(
        Recommendation(decision=stored, signal_id=experiment.signal_id, created_at=at, updated_at=at, **row)
        for row in recommendation_rows(inputs, decision)
    )
    return stored
