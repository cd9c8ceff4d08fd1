"""The bias of each symbol: its current state and every event that made it."""

from django.db import models

from bias.enums import Bias
from optionsengine.core.models import MutableRow, Row, bounded, one_of
from signals.models import WebhookEvent


class BiasStateCurrent(MutableRow):
    """The newest state of one symbol; `state` holds every field of it (see `bias.data.BiasState`)."""

    symbol = models.CharField(max_length=16)
    event_at = models.DateTimeField(help_text="The sender's time of the newest event.")
    event_type = models.CharField(max_length=30)
    bias = models.CharField(max_length=10, choices=Bias.choices)
    bias_score = models.FloatField()
    state = models.JSONField()

    class Meta:
        db_table = "bias_state_current"
        constraints = [
            models.UniqueConstraint(fields=["symbol"], name="bias_state_current_symbol"),
            one_of("bias_state_current_bias", "bias", Bias.values),
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
