"""The bias as the API shows it: scores −100 to 100 (`*_score` of alignment, conflict and chop 0 to 100), dollars."""

from typing import Any

from rest_framework import serializers

from bias.data import BiasState
from bias.models import BiasStateHistory

DEFAULT_SYMBOL = "SPY"


class SymbolQuerySerializer(serializers.Serializer[Any]):
    symbol = serializers.CharField(default=DEFAULT_SYMBOL, max_length=20, help_text="the underlying, in any case")

    def validate_symbol(self, symbol: str) -> str:
        return symbol.strip().upper()


class TransitionsSerializer(serializers.Serializer[Any]):
    """What the newest event changed."""

    bias_flip = serializers.BooleanField()
    regime_flip = serializers.BooleanField()
    macro_flip = serializers.BooleanField()
    intent_change = serializers.BooleanField()
    liquidity_event = serializers.BooleanField()
    expansion_event = serializers.BooleanField()
    compression_event = serializers.BooleanField()


class AccelerationSerializer(serializers.Serializer[Any]):
    """By how much."""

    state_strength_delta = serializers.FloatField()
    intent_momentum_delta = serializers.FloatField()
    macro_drift_score = serializers.FloatField()


class SideEffectSerializer(serializers.Serializer[Any]):
    """What the state means for trades of one side, under the configuration in force."""

    suppressed = serializers.BooleanField()
    confidence = serializers.FloatField(help_text="0 to 1")
    risk_multiplier = serializers.FloatField()
    notes = serializers.ListField(child=serializers.CharField(), help_text="each rule that applied, in order")


class EffectiveSerializer(serializers.Serializer[Any]):
    long = SideEffectSerializer()
    short = SideEffectSerializer()


class GammaReadingSerializer(serializers.Serializer[Any]):
    """Dealers' gamma, dollars per percent move; levels in dollars."""

    environment = serializers.CharField()
    magnitude = serializers.CharField()
    net_gex = serializers.FloatField()
    total_gex = serializers.FloatField()
    flip_level = serializers.FloatField(allow_null=True)
    distance_to_flip = serializers.FloatField(allow_null=True)
    call_wall = serializers.FloatField(allow_null=True)
    put_wall = serializers.FloatField(allow_null=True)
    volatility_bias = serializers.CharField()
    as_of_at = serializers.DateTimeField()


class StalenessSerializer(serializers.Serializer[Any]):
    is_stale = serializers.BooleanField()
    age_minutes = serializers.FloatField()
    threshold_minutes = serializers.FloatField()
    fresh_until_at = serializers.DateTimeField()
    behavior = serializers.CharField(help_text="what a stale state does: block or reduce_risk")


class TriggerSerializer(serializers.Serializer[Any]):
    bar_type = serializers.CharField()
    pattern = serializers.CharField()
    triggered = serializers.BooleanField()


class LiquiditySerializer(serializers.Serializer[Any]):
    sweep_high = serializers.BooleanField()
    sweep_low = serializers.BooleanField()
    reclaim = serializers.BooleanField()
    equal_high_cluster = serializers.BooleanField()
    equal_low_cluster = serializers.BooleanField()


class SpaceSerializer(serializers.Serializer[Any]):
    room_to_resistance = serializers.CharField()
    room_to_support = serializers.CharField()


class InvalidationSerializer(serializers.Serializer[Any]):
    level = serializers.FloatField(allow_null=True)
    method = serializers.CharField()


class BiasStateSerializer(serializers.Serializer[Any]):
    """The state that counts; null, or the empty text, is what its source does not know."""

    symbol = serializers.CharField()
    origin = serializers.CharField(help_text="webhook or computed: whose state it is")
    source = serializers.CharField(  # type: ignore[assignment]  # every field has an attribute of this name
        help_text="the sender's name, COMPUTED or SEED"
    )
    bias_source = serializers.CharField(help_text="the setting BIAS_SOURCE, by which it was chosen")
    event_at = serializers.DateTimeField()
    event_type = serializers.CharField()
    event_hash = serializers.CharField(source="sender_event_hash", allow_blank=True)
    chart_tf = serializers.CharField()
    session = serializers.CharField(allow_blank=True)
    bias = serializers.CharField()
    bias_score = serializers.FloatField()
    gamma_score = serializers.FloatField(
        help_text="−70 to 70: against the bias's side where gamma is POSITIVE, towards it where NEGATIVE; else 0"
    )
    resolved_score = serializers.FloatField(help_text="0.7 × bias_score + 0.3 × gamma_score where there is gamma")
    confidence = serializers.FloatField()
    alignment_score = serializers.FloatField(source="alignment")
    conflict_score = serializers.FloatField(source="conflict")
    regime_type = serializers.CharField()
    chop_score = serializers.FloatField(source="chop")
    adx_15m = serializers.FloatField(allow_null=True)
    atr_state_15m = serializers.CharField(allow_null=True)
    macro_class = serializers.CharField(allow_null=True)
    macro_confidence = serializers.FloatField(allow_null=True)
    macro_support_1 = serializers.FloatField(allow_null=True)
    macro_resistance_1 = serializers.FloatField(allow_null=True)
    macro_measured_move_target = serializers.FloatField(allow_null=True)
    intent_type = serializers.CharField(allow_null=True)
    intent_confidence = serializers.FloatField(allow_null=True)
    regime_transition = serializers.BooleanField()
    trend_phase = serializers.CharField(allow_blank=True)
    entry_mode_hint = serializers.CharField(allow_blank=True)
    levels = serializers.DictField(help_text="vwap, orb and swings as the source tells them")
    trigger = TriggerSerializer(allow_null=True)
    liquidity = LiquiditySerializer(allow_null=True)
    space = SpaceSerializer(allow_null=True)
    invalidation = InvalidationSerializer()
    transitions = TransitionsSerializer()
    acceleration = AccelerationSerializer()
    effective = EffectiveSerializer()
    gamma = GammaReadingSerializer(allow_null=True)
    staleness = StalenessSerializer()


class BiasHistorySerializer(serializers.ModelSerializer[BiasStateHistory]):
    """One event. `state` is what it made of the state before it, under the configuration of then."""

    state = serializers.DictField()

    class Meta:
        model = BiasStateHistory
        fields = (
            "id",
            "created_at",
            "event",
            "symbol",
            "event_at",
            "event_type",
            "sender_event_hash",
            "is_applied",
            "state",
        )
        read_only_fields = fields


class BiasSummaryRowSerializer(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    origin = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # as above
    event_at = serializers.DateTimeField()
    bias = serializers.CharField()
    bias_score = serializers.FloatField()
    resolved_score = serializers.FloatField()
    macro_class = serializers.CharField(allow_null=True)
    intent_type = serializers.CharField(allow_null=True)
    regime_type = serializers.CharField()
    acceleration = AccelerationSerializer()
    effective = EffectiveSerializer()
    is_stale = serializers.BooleanField()
    age_minutes = serializers.FloatField()


class BiasSummarySerializer(serializers.Serializer[Any]):
    bias_source = serializers.CharField(help_text="the setting BIAS_SOURCE")
    symbols = BiasSummaryRowSerializer(many=True)


def state_shown(state: BiasState) -> dict[str, Any]:
    """Return the fields of a state with what is worked out from them."""
    return state.model_dump() | {"gamma_score": state.gamma_score, "resolved_score": state.resolved_score}
