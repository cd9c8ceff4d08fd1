"""The trading state and the feature flags as the API shows and writes them."""

from rest_framework import serializers

from optionsengine.core.strict_input import StrictInput
from optionsengine.ops.models import FeatureFlag, TradingState


class TradingStateSerializer(StrictInput, serializers.ModelSerializer[TradingState]):
    """ACTIVE trades; REDUCING takes no new risk; in HALTED nothing is sent by itself. The reason is kept with it."""

    updated_at = serializers.DateTimeField(read_only=True, allow_null=True)

    class Meta:
        model = TradingState
        fields = ("status", "reason", "updated_at")
        extra_kwargs = {
            "status": {"required": True},
            "reason": {"required": True, "allow_blank": False, "help_text": "why, for whoever looks next"},
        }


class FeatureFlagSerializer(StrictInput, serializers.ModelSerializer[FeatureFlag]):
    """One part of the engine, on or off."""

    class Meta:
        model = FeatureFlag
        fields = ("name", "is_enabled", "description", "switched_at")
        read_only_fields = ("name", "description", "switched_at")
        extra_kwargs = {"is_enabled": {"required": True}}
