"""Signals as the API shows them."""

from typing import Any

from rest_framework import serializers

from optionsengine.core.enums import Engine
from signals.models import Signal, SignalEvent, WebhookEvent

SIGNAL_FIELDS = (
    "id",
    "created_at",
    "updated_at",
    "symbol",
    "side",
    "intent",
    "timeframe",
    "bar_at",
    "bar_end_at",
    "confidence",
    "price",
    "quantity",
    "strike",
    "expiration",
    "reported_pnl",
    "pattern",
    "family",
    "source",
    "engine",
    "is_test",
    "status",
    "reason",
    "next_attempt_at",
    "signal_hash",
)


class SignalSerializer(serializers.ModelSerializer[Signal]):
    """One line of the list.

    `engine` is the one it is assigned to, whose decision is real unless engine A trades alone; null for an exit.
    """

    source = serializers.SlugRelatedField[Any](  # type: ignore[assignment]
        slug_field="slug", read_only=True, allow_null=True
    )
    engine = serializers.ChoiceField(
        source="experiment.variant", choices=Engine.choices, default=None, allow_null=True, read_only=True
    )

    class Meta:
        model = Signal
        fields: tuple[str, ...] = SIGNAL_FIELDS
        read_only_fields: tuple[str, ...] = SIGNAL_FIELDS


class SignalDetailSerializer(SignalSerializer):
    """One signal, with the body it was read from, secrets blanked."""

    class Meta(SignalSerializer.Meta):
        fields = (*SIGNAL_FIELDS, "payload")
        read_only_fields = fields


class SignalEventSerializer(serializers.ModelSerializer[SignalEvent]):
    class Meta:
        model = SignalEvent
        fields = ("id", "created_at", "from_status", "to_status", "reason", "message", "actor")
        read_only_fields = fields


class WebhookEventSerializer(serializers.ModelSerializer[WebhookEvent]):
    """The request behind a signal, without its body."""

    class Meta:
        model = WebhookEvent
        fields = (
            "id",
            "created_at",
            "family",
            "status",
            "code",
            "authenticated",
            "source_ip",
            "size",
            "finished_at",
            "processing_ms",
        )
        read_only_fields = fields
