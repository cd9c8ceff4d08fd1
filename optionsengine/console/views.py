"""What looks across stages: the timeline, one pass of the pipeline, tokens, and the errors of unknown addresses."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views import defaults
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerView
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.views import TokenObtainPairView

from optionsengine.console.cron_views import pipeline_pass
from optionsengine.console.permissions import ReaderPermission
from optionsengine.console.selectors import unrealized_total
from optionsengine.console.serializers import (
    PaperTradingSerializer,
    PipelineRunSerializer,
    RefreshSerializer,
    StreamTicketSerializer,
    TimelineSerializer,
)
from optionsengine.console.stream import TICKET_SECONDS, stream_ticket_create
from optionsengine.console.throttles import LoginAddressThrottle, LoginNameThrottle, login_is_throttled
from optionsengine.console.timeline import signal_timeline
from optionsengine.core.clock import now
from optionsengine.pipeline.enums import Stage
from optionsengine.pipeline.stages import stage_run
from signals.views import SignalViewSet


class SignalLifeViewSet(SignalViewSet):
    @extend_schema(responses=TimelineSerializer)
    @action(detail=True)
    def timeline(self, request: Request, pk: UUID) -> Response:
        """Its whole life: event, changes, gates, both recommendations, orders, fills, positions, exits."""
        return Response(TimelineSerializer(signal_timeline(self.get_object().pk)).data)


class PaperTradingView(APIView):
    """Run the executor once: entries, then exits."""

    @extend_schema(request=None, responses=PaperTradingSerializer)
    def post(self, request: Request) -> Response:
        at = now()
        report = stage_run(Stage.ENTRIES, at=at)
        report.add(stage_run(Stage.EXIT_ORDERS, at=at))
        answer = {
            "success": not report.failed,
            "executed": report.done,
            "errors": report.failed,
            "message": f"{report.done} of {report.claimed} orders executed, {report.deferred} wait",
        }
        return Response(PaperTradingSerializer(answer).data)


class RefreshPositionsView(APIView):
    """Mark every open position once."""

    @extend_schema(request=None, responses=RefreshSerializer)
    def post(self, request: Request) -> Response:
        report = stage_run(Stage.REFRESH, at=now())
        answer = {
            "success": not report.failed,
            "refreshed": report.done,
            "errors": report.failed,
            "total_unrealized_pnl": unrealized_total(),
            "message": f"{report.done} of {report.claimed} positions refreshed",
        }
        return Response(RefreshSerializer(answer).data)


class PipelineRunView(APIView):
    """Run one pass of every stage, as the scheduled jobs do."""

    @extend_schema(request=None, responses=PipelineRunSerializer)
    def post(self, request: Request) -> Response:
        return pipeline_pass(at=now())


class StreamTicketView(APIView):
    """A ticket to open the event stream with; an EventSource can send no header."""

    permission_classes = [ReaderPermission]

    @extend_schema(request=None, responses=StreamTicketSerializer)
    def post(self, request: Request) -> Response:
        answer = {"ticket": stream_ticket_create(int(request.user.pk or 0)), "expires_in_seconds": TICKET_SECONDS}
        return Response(StreamTicketSerializer(answer).data)


class LoginView(TokenObtainPairView):
    """An access token for ten minutes and a refresh token, for a name and a password."""

    throttle_classes = [LoginAddressThrottle, LoginNameThrottle]


class DocsView(SpectacularSwaggerView):
    """The API's pages to read and try; a person who is not logged in is led to the login and back."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        if response.status_code == status.HTTP_401_UNAUTHORIZED:
            return redirect_to_login(request.get_full_path())
        return response


def admin_login(request: HttpRequest) -> HttpResponseBase:
    """The admin's login page, slow to guess at."""
    if request.method == "POST" and login_is_throttled(request):
        said = "Too many attempts. Wait a minute, then try again."
        return HttpResponse(said, status=429, content_type="text/plain", headers={"Retry-After": "60"})
    return admin.site.login(request)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an unknown address: in JSON where programs ask."""
    if request.path.startswith(("/api/", "/webhook")):
        body = {"code": "NOT_FOUND", "error": "There is nothing at this address.", "details": []}
        return JsonResponse(body, status=404)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a failure of ours: in JSON where programs ask."""
    if request.path.startswith(("/api/", "/webhook")):
        body = {"code": "INTERNAL_ERROR", "error": "This failed on our side; the log has the trace.", "details": []}
        return JsonResponse(body, status=500)
    return defaults.server_error(request)
