"""The timeline and the answers of the pipeline's routes."""

from typing import Any

from rest_framework import serializers

from experiments.enums import ApprovalStatus
from experiments.serializers import (
    AgentDecisionSerializer,
    DecisionRoundSerializer,
    ExperimentSerializer,
    GateResultSerializer,
    RecommendationSerializer,
)
from optionsengine.core.enums import Engine
from orders.serializers import OrderEventSerializer, OrderSerializer, TradeSerializer
from positions.serializers import (
    ExitAlertRowSerializer,
    PerformanceSerializer,
    PositionEventSerializer,
    PositionMarkSerializer,
    PositionSerializer,
)
from signals.serializers import SignalDetailSerializer, SignalEventSerializer, SignalSerializer, WebhookEventSerializer

Plain = serializers.Serializer[Any]


class MomentSerializer(Plain):
    at = serializers.DateTimeField()
    kind = serializers.CharField()
    title = serializers.CharField()
    detail = serializers.CharField()
    actor = serializers.CharField()
    until = serializers.DateTimeField(allow_null=True)


class EngineLifeSerializer(Plain):
    engine = serializers.ChoiceField(choices=Engine.choices)
    is_real = serializers.BooleanField()
    recommendation = RecommendationSerializer(allow_null=True)
    gates = GateResultSerializer(many=True)


class ApprovalStateSerializer(Plain):
    """How a person, the clock or an exit answered whether the round may trade."""

    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=ApprovalStatus.choices)
    lapses_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)
    decided_by = serializers.CharField()
    reason = serializers.CharField()


class RoundLifeSerializer(Plain):
    decision = DecisionRoundSerializer()
    shared_gates = GateResultSerializer(many=True)
    engines = EngineLifeSerializer(many=True)
    votes = AgentDecisionSerializer(many=True)
    approval = ApprovalStateSerializer(allow_null=True)


class OrderLifeSerializer(Plain):
    order = OrderSerializer()
    changes = OrderEventSerializer(many=True)
    trades = TradeSerializer(many=True)


class PositionLifeSerializer(Plain):
    position = PositionSerializer()
    performance = PerformanceSerializer(source="position.performance", default=None, allow_null=True)
    changes = PositionEventSerializer(many=True)
    marks = PositionMarkSerializer(many=True)
    alerts = ExitAlertRowSerializer(many=True)


class ReportedPnlSerializer(Plain):
    """The sender's word and ours, in dollars; `ours` is null while a position is open."""

    reported = serializers.DecimalField(max_digits=14, decimal_places=2)
    ours = serializers.DecimalField(max_digits=14, decimal_places=2, allow_null=True)
    differs = serializers.BooleanField()


class TimelineSerializer(Plain):
    """One signal's whole life; `story` tells all of it in order."""

    signal = SignalDetailSerializer()
    event = WebhookEventSerializer(source="signal.event")
    experiment = ExperimentSerializer(allow_null=True)
    changes = SignalEventSerializer(many=True)
    rounds = RoundLifeSerializer(many=True)
    rounds_total = serializers.IntegerField()
    orders = OrderLifeSerializer(many=True)
    positions = PositionLifeSerializer(many=True)
    exit_signals = SignalSerializer(many=True)
    reported_pnl = ReportedPnlSerializer(allow_null=True)
    story = MomentSerializer(many=True)


class StageReportSerializer(Plain):
    claimed = serializers.IntegerField()
    done = serializers.IntegerField()
    deferred = serializers.IntegerField()
    refused = serializers.IntegerField()
    failed = serializers.IntegerField()


class PaperTradingSerializer(Plain):
    success = serializers.BooleanField()
    executed = serializers.IntegerField()
    errors = serializers.IntegerField()  # type: ignore[assignment]
    message = serializers.CharField()


class RefreshSerializer(Plain):
    success = serializers.BooleanField()
    refreshed = serializers.IntegerField()
    errors = serializers.IntegerField()  # type: ignore[assignment]
    total_unrealized_pnl = serializers.DecimalField(max_digits=14, decimal_places=2)
    message = serializers.CharField()


class PipelineRunSerializer(Plain):
    """The counts of every stage, by its name."""

    success = serializers.BooleanField()
    stages = serializers.DictField(child=StageReportSerializer())
    message = serializers.CharField()


class StreamTicketSerializer(Plain):
    ticket = serializers.CharField()
    expires_in_seconds = serializers.IntegerField()
