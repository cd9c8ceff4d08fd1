"""Decisions as the API shows them, and the risk limits as it writes them."""

from rest_framework import serializers

from experiments.models import AgentDecision, DecisionRound, Experiment, GateResult, Recommendation, RiskLimit
from experiments.selectors import LIMIT_FIELDS
from optionsengine.core.worded import WordedSerializer

RISK_LIMIT_MESSAGES = {
    "risk_limits_name": "Another row has this name. Choose another.",
    "risk_limits_one_enabled": "Another row is enabled, and only one may be. Disable that one first.",
    "risk_limits_money_bounds": "An amount must be from 0 to 999,999,999,999.99 dollars.",
    "risk_limits_greeks_bounds": "A limit of a Greek must be from 0 to 999,999,999,999.99 dollars.",
    "risk_limits_percent_bounds": "A percentage must be from 0 to 100.",
}


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
            "config_version",
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


class RiskLimitSerializer(WordedSerializer[RiskLimit]):
    """Limits on new risk. Null means the documented default; only one row may be enabled."""

    messages = RISK_LIMIT_MESSAGES

    class Meta:
        model = RiskLimit
        fields = ("id", "created_at", "updated_at", "name", "is_enabled", *LIMIT_FIELDS)
        read_only_fields = ("id", "created_at", "updated_at")
        validators: tuple[object, ...] = ()  # the row's own constraints speak, in words
        extra_kwargs: dict[str, object] = {"name": {"validators": []}}
