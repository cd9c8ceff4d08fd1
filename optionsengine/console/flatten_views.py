"""Closing everything over the API: asked for twice in one body, answered with what was ordered and what was not."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from optionsengine.core.clock import now
from optionsengine.core.strict_input import StrictInput
from optionsengine.ops.enums import TradingStatus
from optionsengine.pipeline.flatten import FlattenReport, flatten

Plain = serializers.Serializer[Any]


class FlattenSerializer(StrictInput):
    """What a person says to close everything."""

    confirm = serializers.BooleanField(help_text="true, or nothing happens")
    reason = serializers.CharField(max_length=150, help_text="why, for whoever looks next")
    with_shadow = serializers.BooleanField(default=False, help_text="close shadow positions, too")

    def validate_confirm(self, value: bool) -> bool:
        if not value:
            raise serializers.ValidationError("Send true to close everything; nothing was done.")
        return value


class FlattenedPositionSerializer(Plain):
    """One position and its exit order, or why it has none."""

    position_id = serializers.UUIDField()
    option_symbol = serializers.CharField()
    quantity = serializers.IntegerField()
    client_order_id = serializers.CharField()
    exit_reason = serializers.CharField()
    error = serializers.CharField()


class FlattenReportSerializer(Plain):
    """`success` is false while something needs another try: `failed`, or entries that are on their way."""

    success = serializers.BooleanField()
    status = serializers.ChoiceField(choices=TradingStatus.choices)
    signals_ended = serializers.IntegerField()
    entries_cancelled = serializers.IntegerField()
    entries_in_flight = serializers.IntegerField()
    ordered = FlattenedPositionSerializer(many=True)
    in_progress = FlattenedPositionSerializer(many=True)
    failed = FlattenedPositionSerializer(many=True)
    message = serializers.CharField()


def flatten_payload(report: FlattenReport) -> dict[str, Any]:
    """Return the report as the API and the command print it."""
    return {"success": report.is_whole, **asdict(report), "message": report.message}


class FlattenView(APIView):
    """Take no new risk and close every real position at the market; works in HALTED, too."""

    @extend_schema(request=FlattenSerializer, responses=FlattenReportSerializer)
    def post(self, request: Request) -> Response:
        asked = FlattenSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        report = flatten(
            actor=request.user.get_username(),
            reason=asked.validated_data["reason"],
            with_shadow=asked.validated_data["with_shadow"],
            at=now(),
        )
        return Response(FlattenReportSerializer(flatten_payload(report)).data)
