"""What changes the experiment's tables: the A/B assignment and the record of each decision."""

import hashlib
from datetime import datetime

from django.conf import settings

from experiments.models import Experiment
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
