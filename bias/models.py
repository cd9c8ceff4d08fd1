"""The bias of each symbol: its current state and every event that made it; and what gamma events said."""

import pghistory
from django.db import models

from bias.enums import Bias, BiasOrigin, ConfigSection, GammaEnvironment, GammaMagnitude
from optionsengine.core.models import MutableRow, Row, bounded, one_of
from signals.models import WebhookEvent

FLOAT_LIMIT = 1e60  # beyond any number that a body can hold


class BiasStateCurrent(MutableRow):
    """The newest state of one symbol and origin; `state` holds every field of it (see `bias.data.BiasState`)."""

    symbol = models.CharField(max_length=16)
    origin = models.CharField(max_length=10, choices=BiasOrigin.choices, default=BiasOrigin.WEBHOOK)
    event_at = models.DateTimeField(help_text="The sender's time of the newest event, or the end of the newest bar.")
    event_type = models.CharField(max_length=30)
    bias = models.CharField(max_length=10, choices=Bias.choices)
    bias_score = models.FloatField()
    state = models.JSONField()
    before = models.JSONField(
        null=True, blank=True, help_text="The last state of an earlier time, from which the changes are counted."
    )

    class Meta:
        db_table = "bias_state_current"
        constraints = [
            models.UniqueConstraint(fields=["symbol", "origin"], name="bias_state_current_symbol_origin"),
            one_of("bias_state_current_bias", "bias", Bias.values),
            one_of("bias_state_current_origin", "origin", BiasOrigin.values),
            bounded("bias_state_current_score_bounds", minimum=-100, maximum=100.0001, bias_score=None),
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.bias} {self.bias_score:g}"


class BiasStateHistory(Row):
    """One row per bias event, also for those that came out of order and changed nothing."""

    event = models.OneToOneField(WebhookEvent, on_delete=models.PROTECT, related_name="bias_history")
    symbol = models.CharField(max_length=16)
    sender_event_hash = models.CharField(max_length=64, help_text="SHA-256 of the sender's event_id_raw.")
    event_at = models.DateTimeField()
    event_type = models.CharField(max_length=30)
    is_applied = models.BooleanField()
    state = models.JSONField()

    class Meta:
        db_table = "bias_state_history"
        indexes = [models.Index(fields=["symbol", "-event_at"], name="bias_state_history_newest")]
        constraints = [models.UniqueConstraint(fields=["sender_event_hash"], name="bias_state_history_sender_event")]

    def __str__(self) -> str:
        return f"{self.symbol} {self.event_type}"


@pghistory.track()
class BiasConfigSection(models.Model):
    """The keys of one section of the bias configuration that differ from the documented defaults."""

    name = models.CharField(max_length=10, primary_key=True, choices=ConfigSection.choices)
    values = models.JSONField(default=dict, blank=True)
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "bias_config"
        verbose_name = "bias configuration"
        verbose_name_plural = "bias configuration"
        constraints = [one_of("bias_config_name", "name", ConfigSection.values)]

    def __str__(self) -> str:
        return self.name


class GammaSnapshot(Row):
    """One gamma context as it came; exposures in dollars per percent move, levels in dollars of the underlying."""

    event = models.OneToOneField(WebhookEvent, on_delete=models.PROTECT, related_name="gamma_snapshot")
    symbol = models.CharField(max_length=16)
    as_of_at = models.DateTimeField(help_text="The sender's time.")
    net_gex = models.FloatField()
    total_gex = models.FloatField()
    environment = models.CharField(max_length=10, choices=GammaEnvironment.choices)
    magnitude = models.CharField(max_length=10, choices=GammaMagnitude.choices)
    flip_level = models.FloatField(null=True, blank=True)
    distance_to_flip = models.FloatField(null=True, blank=True, help_text="Flip level less spot.")
    call_wall = models.FloatField(null=True, blank=True)
    put_wall = models.FloatField(null=True, blank=True)
    wall_method = models.CharField(max_length=20, blank=True)
    zero_dte_ratio = models.FloatField(null=True, blank=True)
    volatility_bias = models.CharField(max_length=20)

    class Meta:
        db_table = "gamma_snapshots"
        indexes = [models.Index(fields=["symbol", "-as_of_at"], name="gamma_snapshots_newest")]
        constraints = [
            one_of("gamma_snapshots_environment", "environment", GammaEnvironment.values),
            one_of("gamma_snapshots_magnitude", "magnitude", GammaMagnitude.values),
            bounded("gamma_snapshots_total_bounds", maximum=FLOAT_LIMIT, total_gex=None),
            bounded(
                "gamma_snapshots_finite",
                minimum=-FLOAT_LIMIT,
                maximum=FLOAT_LIMIT,
                net_gex=None,
                flip_level=None,
                distance_to_flip=None,
                call_wall=None,
                put_wall=None,
            ),
            bounded("gamma_snapshots_ratio_bounds", maximum=1.0001, zero_dte_ratio=None),
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.environment} {self.magnitude}"
