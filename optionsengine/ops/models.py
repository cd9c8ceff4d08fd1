"""What runs and how it fares: job runs, heartbeats, alerts, the trading state and the feature flags."""

import pghistory
from django.db import models
from django.db.models import Q

from optionsengine.core.models import MutableRow, Row, one_of
from optionsengine.ops.enums import AlertLevel, Flag, TradingStatus


class JobRun(Row):
    """One run of one job, with what it did. `created_at` is its start."""

    job = models.CharField(max_length=40)
    claimed = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    deferred = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    duration_ms = models.FloatField()

    class Meta:
        db_table = "job_runs"
        indexes = [models.Index(fields=["job", "-created_at"], name="job_runs_newest")]

    def __str__(self) -> str:
        return self.job


class Heartbeat(models.Model):
    """The last sign of life that came all the way through one cluster's queue."""

    name = models.CharField(max_length=40, primary_key=True)
    beat_at = models.DateTimeField()

    class Meta:
        db_table = "heartbeats"

    def __str__(self) -> str:
        return self.name


class Alert(MutableRow):
    """Something a person should know; one open row per cause."""

    cause = models.CharField(max_length=120)
    level = models.CharField(max_length=10, choices=AlertLevel.choices)
    message = models.TextField()
    count = models.PositiveIntegerField(default=1)
    last_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "alerts"
        indexes = [models.Index(fields=["-created_at"], name="alerts_newest")]
        constraints = [
            models.UniqueConstraint(fields=["cause"], condition=Q(resolved_at=None), name="alerts_one_open_per_cause"),
            one_of("alerts_level", "level", AlertLevel.values),
        ]

    def __str__(self) -> str:
        return self.cause


class CircuitBreaker(models.Model):
    """Whether an outside service is asked at all. All processes share the row; its times are the database's."""

    name = models.CharField(max_length=40, primary_key=True)
    failures = models.PositiveIntegerField(default=0, help_text="In a row, since the last success.")
    retry_at = models.DateTimeField(
        null=True, blank=True, help_text="Open until then; one call may try afterwards. Empty: closed."
    )
    probe_until = models.DateTimeField(null=True, blank=True, help_text="Until then one caller is trying.")
    opened_at = models.DateTimeField(null=True, blank=True)
    last_failure_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "circuit_breakers"
        constraints = [
            models.CheckConstraint(
                name="circuit_breakers_open_or_not",
                condition=Q(retry_at=None, opened_at=None, probe_until=None)
                | Q(retry_at__isnull=False, opened_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class TradingState(models.Model):
    """The one row that says whether the engine may trade."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    status = models.CharField(max_length=10, choices=TradingStatus.choices, default=TradingStatus.ACTIVE)
    reason = models.CharField(max_length=200, blank=True)
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "trading_state"
        verbose_name_plural = "trading state"
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="trading_state_one_row"),
            one_of("trading_state_status", "status", TradingStatus.values),
        ]

    def __str__(self) -> str:
        return self.status


@pghistory.track()
class FeatureFlag(models.Model):
    """One part of the engine, on or off. A row that is absent means on."""

    name = models.CharField(max_length=40, primary_key=True, choices=Flag.choices)
    is_enabled = models.BooleanField(default=True)
    description = models.CharField(max_length=200)
    switched_at = models.DateTimeField(null=True, blank=True, help_text="When a person last switched it.")

    class Meta:
        db_table = "feature_flags"
        constraints = [one_of("feature_flags_name", "name", Flag.values)]

    def __str__(self) -> str:
        return self.name
