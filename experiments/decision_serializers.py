"""Decisions, their replays and what-ifs as the API shows them."""

from typing import Any

from rest_framework import serializers

from experiments.enums import DecisionOutcome, Gate
from experiments.models import ConfigVersion, DecisionRound
from experiments.serializers import AgentDecisionSerializer, GateResultSerializer, RecommendationSerializer
from optionsengine.core.enums import Engine, Side
from optionsengine.core.strict_input import StrictInput

Plain = serializers.Serializer[Any]
MAX_SETTING = 200
DECISION_FIELDS = (
    "id",
    "created_at",
    "signal",
    "symbol",
    "side",
    "is_test",
    "engine",
    "round",
    "outcome",
    "code",
    "execution_mode",
    "rules_version",
    "config_version",
    "context_hash",
)


class DecisionSerializer(serializers.ModelSerializer[DecisionRound]):
    """One line of the list. `engine` is the one whose decision is real."""

    signal = serializers.UUIDField(source="experiment.signal_id", read_only=True)
    symbol = serializers.CharField(source="experiment.signal.symbol", read_only=True)
    side = serializers.ChoiceField(source="experiment.signal.side", choices=Side.choices, read_only=True)
    is_test = serializers.BooleanField(source="experiment.signal.is_test", read_only=True)
    engine = serializers.ChoiceField(source="experiment.variant", choices=Engine.choices, read_only=True)

    class Meta:
        model = DecisionRound
        fields: tuple[str, ...] = DECISION_FIELDS
        read_only_fields = fields


class DecisionDetailSerializer(DecisionSerializer):
    """One decision whole: what it was made of, the settings that decided, every gate, vote and recommendation."""

    config = serializers.SerializerMethodField()
    gates = GateResultSerializer(many=True, read_only=True)
    votes = AgentDecisionSerializer(many=True, read_only=True)
    recommendations = RecommendationSerializer(many=True, read_only=True)

    class Meta(DecisionSerializer.Meta):
        fields = (*DECISION_FIELDS, "inputs", "config", "gates", "votes", "recommendations")
        read_only_fields = fields

    def get_config(self, row: DecisionRound) -> dict[str, Any] | None:
        """Return the values of its config version; null for a decision that was made before versions were kept."""
        return ConfigVersion.objects.filter(pk=row.config_version).values_list("values", flat=True).first()


class SettingValueField(serializers.CharField):
    """A setting as it is written in the environment; a JSON number or boolean is taken, too."""

    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(str(data).lower() if isinstance(data, bool) else data)


class WhatIfSerializer(StrictInput):
    """`with` holds the settings to try by name; an empty text is the default."""

    def get_fields(self) -> dict[str, Any]:
        # the name is a word of the language, so that it cannot be declared
        value = SettingValueField(allow_blank=True, max_length=MAX_SETTING)
        return {"with": serializers.DictField(child=value, required=False, default=dict)}


class PlanSerializer(Plain):
    """What an engine makes of it; `gate` is the one that decided, empty when approved."""

    outcome = serializers.ChoiceField(choices=DecisionOutcome.choices)
    code = serializers.CharField()
    gate = serializers.ChoiceField(choices=Gate.choices, allow_blank=True)
    contract = serializers.CharField()
    quantity = serializers.IntegerField()
    entry_type = serializers.CharField()
    limit_price = serializers.DecimalField(max_digits=14, decimal_places=4, allow_null=True)
    message = serializers.CharField()


class EnginePlansSerializer(Plain):
    """One engine before and after; null where it is not asked."""

    engine = serializers.ChoiceField(choices=Engine.choices)
    is_real = serializers.BooleanField()
    changes = serializers.BooleanField()
    before = PlanSerializer(allow_null=True)
    after = PlanSerializer(allow_null=True)


class ComparisonSerializer(Plain):
    """`changes` tells whether what is traded would change; the engine that `is_real` afterwards trades."""

    changes = serializers.BooleanField()
    engines = EnginePlansSerializer(many=True)


class ReplaySerializer(Plain):
    """Whether the stored decision comes out the same from its frozen inputs, and whether those have their hash.

    `what_if` is null unless settings to try were given.
    """

    decision = serializers.UUIDField()
    is_same = serializers.BooleanField()
    context_hash = serializers.CharField(help_text="of the stored inputs as they are now")
    matches = serializers.BooleanField(help_text="whether that is the hash stored with them")
    differences = serializers.ListField(child=serializers.CharField())
    rules_version = serializers.CharField()
    config_version = serializers.CharField()
    what_if = ComparisonSerializer(allow_null=True)
