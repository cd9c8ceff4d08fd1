"""One pass of every stage for a scheduler outside, where no worker can stay running: proven by CRON_SECRET."""

import hmac
from datetime import datetime
from typing import NoReturn

from django.conf import settings
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from optionsengine.console.serializers import PipelineRunSerializer
from optionsengine.console.throttles import CronFailureThrottle
from optionsengine.core.clock import now
from optionsengine.pipeline.stages import pipeline_run


class CronUnset(exceptions.APIException):
    status_code = 503
    default_detail = "Set CRON_SECRET where the engine runs, and send the same here."
    default_code = "cron_secret_unset"


class CronUnauthorized(exceptions.APIException):
    # not the framework's own error, which it turns into 403 where a view has no way to log in
    status_code = 401
    default_detail = (
        "What was sent, if anything, is not CRON_SECRET: send it as `Authorization: Bearer <CRON_SECRET>` or in the "
        "header `x-cron-secret`."
    )
    default_code = "unauthorized"


class StagesFailed(exceptions.APIException):
    default_detail = "Stages failed, the others have run; the log and the job runs name each."
    default_code = "stages_failed"


def pipeline_pass(*, at: datetime) -> Response:
    """Run one pass of every stage and say what it did.

    :raises StagesFailed: if stages failed; each is logged where it did.
    """
    try:
        reports = pipeline_run(at=at)
    except ExceptionGroup as group:
        raise StagesFailed from group
    failed = sum(report.failed for report in reports.values())
    answer = {
        "success": not failed,
        "stages": {stage.value: report.counts() for stage, report in reports.items()},
        "message": f"{len(reports)} stages ran, {failed} rows failed",
    }
    return Response(PipelineRunSerializer(answer).data)


class CronQueueView(APIView):
    """Run one pass of every stage. 404 with ENABLE_CRON_PROCESSING=false, 503 without a CRON_SECRET."""

    authentication_classes = []
    permission_classes = []

    @extend_schema(
        request=None,
        responses=PipelineRunSerializer,
        parameters=[OpenApiParameter("x-cron-secret", str, OpenApiParameter.HEADER, description="or a Bearer token")],
    )
    def post(self, request: Request) -> Response:
        if not settings.ENABLE_CRON_PROCESSING:
            raise Http404
        if not settings.CRON_SECRET:
            raise CronUnset
        if not _is_genuine(request):
            self._refuse(request)
        return pipeline_pass(at=now())

    def _refuse(self, request: Request) -> NoReturn:
        """Only failures are counted: a scheduler that knows the secret is never told to wait."""
        throttle = CronFailureThrottle()
        if not throttle.allow_request(request, self):
            raise exceptions.Throttled(throttle.wait())
        raise CronUnauthorized


def _is_genuine(request: Request) -> bool:
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    sent = bearer.strip() if scheme.lower() == "bearer" else request.headers.get("x-cron-secret", "")
    # bytes, because compare_digest raises on text that is not ASCII
    return hmac.compare_digest(sent.encode("utf-8", "replace"), settings.CRON_SECRET.encode())
