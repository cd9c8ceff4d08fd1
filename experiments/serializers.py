"""Decisions as the API shows them."""

from rest_framework import serializers

from experiments.models import AgentDecision, DecisionRound, Experiment, GateResult, Recommendation


class ExperimentSerializer(serializers.ModelSerializer[Experiment]):
    class Meta:
        model = Experiment
        fields = ("id", "created_at", "variant", "bucket", "split_percentage")
        read_only_fields = fields


class DecisionRoundSerializer(serializers.ModelSerializer[DecisionRound]):
    class Meta:
        model = DecisionRound
        fields = (
            "id",
            "created_at",
            "round",
            "context_hash",
            "rules_version",
            "execution_mode",
            "outcome",
            "code",
        )
        read_only_fields = fields


class GateResultSerializer(serializers.ModelSerializer[GateResult]):
    """One verdict: the value seen against the threshold. `engine` is empty for a gate both share."""

    class Meta:
        model = GateResult
        fields = ("position", "engine", "gate", "outcome", "code", "value", "threshold", "message", "until_at")
        read_only_fields = fields


class AgentDecisionSerializer(serializers.ModelSerializer[AgentDecision]):
    class Meta:
        model = AgentDecision
        fields = ("agent", "is_abstaining", "bias", "confidence", "weight", "is_blocking", "reasons", "saw")
        read_only_fields = fields


class RecommendationSerializer(serializers.ModelSerializer[Recommendation]):
    class Meta:
        model = Recommendation
        fields = (
            "id",
            "created_at",
            "engine",
            "is_shadow",
            "outcome",
            "code",
            "side",
            "setup_type",
            "confidence",
            "urgency",
            "entry_type",
            "max_wait_minutes",
            "option_symbol",
            "bid",
            "ask",
            "quote_at",
            "quote_source",
            "limit_price",
            "quantity",
            "risk_budget",
            "explanation",
        )
        read_only_fields = fields
