"""Positions, their marks and exits as the API shows them. Prices are per share, money in dollars, both as strings."""

from typing import Any

from rest_framework import serializers

from optionsengine.core.strict_input import StrictInput
from optionsengine.core.worded import WordedSerializer
from positions.enums import AlertPriority, AlertUrgency, RecommendedAction
from positions.models import BiasTradePerformance, ExitAlert, ExitRule, Position, PositionEvent, PositionMark
from positions.rules import rule_target
from positions.selectors import rule_target_problem

EXIT_RULE_MESSAGES = {
    "exit_rules_one_enabled": "Another enabled rule has this scope and target. Disable that one first.",
    "exit_rules_target_by_scope": "A global rule has no target; every other scope needs one.",
    "exit_rules_percent_bounds": "A percentage must be from 1 to 1000.",
    "exit_rules_trailing_is_whole": "A trailing stop needs both its activation and its distance, or neither.",
}


class PositionSerializer(serializers.ModelSerializer[Position]):
    """`data_source` names the provider that priced it: `simulated` prices are not the market's."""

    class Meta:
        model = Position
        fields = (
            "id",
            "created_at",
            "updated_at",
            "signal",
            "entry_order",
            "engine",
            "mode",
            "is_test",
            "side",
            "setup_type",
            "underlying",
            "expiration",
            "right",
            "strike",
            "option_symbol",
            "occ_symbol",
            "status",
            "quantity",
            "opened_quantity",
            "entry_price",
            "cost_basis",
            "open_cost",
            "initial_risk",
            "entry_commission",
            "exit_commission",
            "realized_pnl",
            "unrealized_pnl",
            "mark",
            "bid",
            "ask",
            "underlying_price",
            "marked_at",
            "data_source",
            "high_water_mark",
            "trailing_stop",
            "greeks",
            "entry_greeks",
            "close_requested",
            "exit_reason",
            "closed_at",
        )
        read_only_fields = fields


class PositionEventSerializer(serializers.ModelSerializer[PositionEvent]):
    class Meta:
        model = PositionEvent
        fields = ("id", "created_at", "from_status", "to_status", "reason", "message", "actor")
        read_only_fields = fields


class PositionMarkSerializer(serializers.ModelSerializer[PositionMark]):
    class Meta:
        model = PositionMark
        fields = (
            "id",
            "created_at",
            "mark",
            "bid",
            "ask",
            "underlying_price",
            "unrealized_pnl",
            "trailing_stop",
            "iv",
            "delta",
            "source",
            "quote_at",
        )
        read_only_fields = fields


class ExitAlertRowSerializer(serializers.ModelSerializer[ExitAlert]):
    class Meta:
        model = ExitAlert
        fields = (
            "id",
            "created_at",
            "reason",
            "priority",
            "urgency",
            "recommended_action",
            "details",
            "resolved_at",
        )
        read_only_fields = fields


class PerformanceSerializer(serializers.ModelSerializer[BiasTradePerformance]):
    class Meta:
        model = BiasTradePerformance
        fields = ("created_at", "source", "pnl", "pnl_percent", "pnl_r", "session_minutes", "exit_codes")
        read_only_fields = fields


class ExitSignalSerializer(serializers.Serializer[dict[str, Any]]):
    """One exit rule that hits one open position."""

    position_id = serializers.UUIDField()
    symbol = serializers.CharField()
    priority = serializers.ChoiceField(choices=AlertPriority.choices)
    reason = serializers.CharField()
    details = serializers.DictField()
    recommended_action = serializers.ChoiceField(choices=RecommendedAction.choices)
    urgency = serializers.ChoiceField(choices=AlertUrgency.choices)


class ExitSummarySerializer(serializers.Serializer[dict[str, Any]]):
    total_positions = serializers.IntegerField()
    positions_with_alerts = serializers.IntegerField()
    critical_alerts = serializers.IntegerField()
    high_alerts = serializers.IntegerField()
    medium_alerts = serializers.IntegerField()


class ExitSignalsSerializer(serializers.Serializer[dict[str, Any]]):
    """What should be closed now, and how urgently."""

    alerts = ExitSignalSerializer(many=True)
    summary = ExitSummarySerializer()
    duration_ms = serializers.FloatField()
    timestamp = serializers.DateTimeField()


class CloseSerializer(StrictInput):
    """The exit order that will close the position."""

    success = serializers.BooleanField()
    position_id = serializers.UUIDField()
    order_id = serializers.UUIDField()
    client_order_id = serializers.CharField()
    message = serializers.CharField()


class ExitRuleSerializer(WordedSerializer[ExitRule]):
    """When to close. Null switches a rule off; the most specific enabled row watches a position."""

    messages = EXIT_RULE_MESSAGES

    class Meta:
        model = ExitRule
        fields = (
            "id",
            "created_at",
            "updated_at",
            "name",
            "scope",
            "target",
            "is_enabled",
            "action",
            "profit_target_percent",
            "stop_loss_percent",
            "trailing_activation_percent",
            "trailing_distance_percent",
            "max_hold_sessions",
            "min_dte",
        )
        read_only_fields = ("id", "created_at", "updated_at")
        validators: tuple[object, ...] = ()  # the row's own constraints speak, in words

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a target that names no engine, setup, symbol or position.

        :raises serializers.ValidationError: with every fault, in words.
        """
        scope = attrs.get("scope", getattr(self.instance, "scope", "global"))
        target = rule_target(scope, attrs.get("target", getattr(self.instance, "target", "")))
        said = rule_target_problem(scope, target)
        if said:
            raise serializers.ValidationError({"target": [said]})
        return super().validate({**attrs, "target": target})
