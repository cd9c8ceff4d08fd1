"""The webhook over HTTP: a plain view, because each layer on top of it would cost every alert time."""

import logging
import re
import time
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from optionsengine.core import clock, ids
from optionsengine.core.errors import Transient
from optionsengine.pipeline.answers import Answer, answer_refused
from optionsengine.pipeline.events import elapsed_ms
from optionsengine.pipeline.intake import MAX_BODY_BYTES, Incoming, request_receive, too_large
from signals.authentication import client_ip
from signals.data import IntakeRejected
from signals.enums import IntakeCode

logger = logging.getLogger(__name__)

MASKED_PATH = "/webhook/t/…"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")
_STORED_HEADERS = ("x-request-id", "x-webhook-timestamp", "webhook-id")


def _header(request: HttpRequest, name: str) -> str:
    return _UNPRINTABLE.sub("?", request.headers.get(name, ""))[:200]


def _request_id(request: HttpRequest) -> str:
    sent = request.headers.get("x-request-id", "")
    return sent if _REQUEST_ID.fullmatch(sent) else str(ids.new_id())


def _body_read(request: HttpRequest) -> bytes:
    """Return the whole body.

    :raises IntakeRejected: if it is over the cap, which is not read then, or the sender hung up in the middle.
    """
    try:
        announced = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        announced = 0
    if announced > MAX_BODY_BYTES:
        raise too_large()
    try:
        body = request.body
    except UnreadablePostError:
        body = b""
    if len(body) < announced:
        raise IntakeRejected(IntakeCode.INVALID_JSON, "the body ended early; send it again")
    return body


def _answer(request: HttpRequest, slug: str, token: str) -> Answer:
    if request.method != "POST":
        return answer_refused(IntakeRejected(IntakeCode.METHOD_NOT_ALLOWED, "send the alert with POST"))
    try:
        body = _body_read(request)
    except IntakeRejected as refusal:
        return answer_refused(refusal)
    headers = {name: value for name in _STORED_HEADERS if (value := _header(request, name))}
    incoming = Incoming(
        body=body,
        path=request.path,
        slug=slug,
        path_token=token,
        signature=request.headers.get("x-webhook-signature", ""),
        timestamp=request.headers.get("x-webhook-timestamp", ""),
        content_type=_UNPRINTABLE.sub("?", request.content_type or ""),
        user_agent=_header(request, "user-agent"),
        ip=client_ip(
            request.META.get("REMOTE_ADDR", ""), request.headers.get("x-forwarded-for", ""), settings.TRUSTED_PROXIES
        ),
        headers=headers,
    )
    try:
        return request_receive(incoming, at=clock.now())
    except Transient as error:
        logger.error("webhook: %s", str(error).splitlines()[0])
        return answer_refused(IntakeRejected(IntakeCode.UNAVAILABLE, "the alert could not be stored; send it again"))


@csrf_exempt
def webhook(request: HttpRequest, slug: str = "", token: str = "") -> JsonResponse:
    """Take one alert, from the source its path names or else its body or the default tells."""
    started = time.perf_counter()
    if token:
        # the framework logs the path of refused requests
        request.path = request.path_info = MASKED_PATH
    answer = _answer(request, slug, token)
    content: dict[str, Any] = {
        "status": answer.status,
        "request_id": _request_id(request),
        "webhook_event_id": None if answer.event_id is None else str(answer.event_id),
        "processing_time_ms": elapsed_ms(started),
        **answer.extra,
    }
    logger.info("webhook %s %s %s", answer.http, answer.status, content["webhook_event_id"])
    response = JsonResponse(content, status=answer.http)
    if answer.http == 405:
        response["Allow"] = "POST"
    return response


def webhook_test(request: HttpRequest) -> JsonResponse:
    """Tell that the webhook is reachable."""
    if request.method not in ("GET", "HEAD"):
        return JsonResponse(
            {"status": "REJECTED", "code": IntakeCode.METHOD_NOT_ALLOWED, "error": "use GET here, POST to /webhook"},
            status=405,
            headers={"Allow": "GET"},
        )
    message = "the webhook is reachable; POST alerts to /webhook"
    return JsonResponse({"status": "ok", "message": message, "timestamp": clock.now().isoformat()})
