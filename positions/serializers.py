"""Positions, their marks and exits as the API shows them. Prices are per share, money in dollars, both as strings."""

from typing import Any

from rest_framework import serializers

from positions.enums import AlertPriority, AlertUrgency, RecommendedAction
from positions.models import BiasTradePerformance, ExitAlert, Position, PositionEvent, PositionMark


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


class CloseSerializer(serializers.Serializer[dict[str, Any]]):
    """The exit order that will close the position."""

    success = serializers.BooleanField()
    position_id = serializers.UUIDField()
    order_id = serializers.UUIDField()
    client_order_id = serializers.CharField()
    message = serializers.CharField()
