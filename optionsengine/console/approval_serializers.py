"""The review queue as the API shows it. Dollars are strings."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from experiments.models import Approval
from optionsengine.console.approval_selectors import approval_reasoning, proposal_of, seconds_left
from optionsengine.console.serializers import Plain, RoundLifeSerializer
from optionsengine.core.acts import REASON_LENGTH
from optionsengine.core.clock import now
from optionsengine.core.enums import Engine
from optionsengine.core.strict_input import StrictInput
from signals.serializers import SignalDetailSerializer, SignalSerializer


class ProposalSerializer(Plain):
    """What would be bought; `price` is the most it may cost a share, `risk` what is lost at the stop."""

    engine = serializers.ChoiceField(source="recommendation.engine", choices=Engine.choices)
    option_symbol = serializers.CharField(source="recommendation.option_symbol")
    quantity = serializers.IntegerField(source="recommendation.quantity")
    entry_type = serializers.CharField(source="recommendation.entry_type")
    price = serializers.DecimalField(max_digits=12, decimal_places=4)
    cost = serializers.DecimalField(max_digits=14, decimal_places=2)
    risk = serializers.DecimalField(max_digits=14, decimal_places=2, allow_null=True)
    confidence = serializers.FloatField(source="recommendation.confidence", allow_null=True)
    quote_source = serializers.CharField(source="recommendation.quote_source")


class ApprovalSerializer(serializers.ModelSerializer[Approval]):
    """A decision that waits for a person, or did. `seconds_left` is null once it has its end."""

    signal = SignalSerializer(read_only=True)
    round = serializers.IntegerField(source="decision.round", read_only=True)
    proposal = serializers.SerializerMethodField()
    seconds_left = serializers.SerializerMethodField()

    class Meta:
        model = Approval
        fields: tuple[str, ...] = (
            "id",
            "created_at",
            "status",
            "lapses_at",
            "seconds_left",
            "decided_at",
            "decided_by",
            "reason",
            "decision",
            "round",
            "proposal",
            "signal",
        )
        read_only_fields = fields

    @extend_schema_field(ProposalSerializer(allow_null=True))
    def get_proposal(self, row: Approval) -> Any:
        found = proposal_of(row)
        return None if found is None else ProposalSerializer(found).data

    def get_seconds_left(self, row: Approval) -> int | None:
        return seconds_left(row, now())


class ApprovalDetailSerializer(ApprovalSerializer):
    """With the whole reasoning: gates, both engines' recommendations with contract and size explained, votes."""

    signal = SignalDetailSerializer(read_only=True)
    reasoning = serializers.SerializerMethodField()

    class Meta(ApprovalSerializer.Meta):
        fields = (*ApprovalSerializer.Meta.fields, "reasoning")
        read_only_fields = fields

    @extend_schema_field(RoundLifeSerializer)
    def get_reasoning(self, row: Approval) -> Any:
        return RoundLifeSerializer(approval_reasoning(row)["life"]).data


class ApprovalRejectSerializer(StrictInput):
    reason = serializers.CharField(max_length=REASON_LENGTH, help_text="Why not; kept with the signal.")


class ApprovalAnswerSerializer(Plain):
    success = serializers.BooleanField()
    approval_id = serializers.UUIDField()
    signal_id = serializers.UUIDField()
    signal_status = serializers.CharField()
    message = serializers.CharField()
