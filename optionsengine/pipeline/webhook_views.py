"""The webhook over HTTP: a plain view, because each layer on top of it would cost every alert time."""

import logging
import re
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from optionsengine.core import clock, ids
from optionsengine.pipeline.answers import Answer, answer_refused
from optionsengine.pipeline.events import elapsed_ms
from optionsengine.pipeline.intake import MAX_BODY_BYTES, Incoming, request_receive, too_large
from signals.authentication import client_ip
from signals.data import IntakeRejected
from signals.enums import IntakeCode

logger = logging.getLogger(__name__)

MASKED_PATH = "/webhook/t/…"
UNKNOWN_PATH = "/webhook/…"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")
_STORED_HEADERS = ("X-Request-Id", "X-Webhook-Timestamp", "Webhook-Id")

Environment = Mapping[str, Any]  # a request as WSGI describes it (PEP 3333)


@cache
def _key(name: str) -> str:
    return "HTTP_" + name.upper().replace("-", "_")


def _header(environment: Environment, name: str) -> str:
    return str(environment.get(_key(name), ""))


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub("?", text)[:200]


def incoming_read(environment: Environment, *, body: bytes, path: str, slug: str, token: str) -> Incoming:
    """Return a request whose body is read as the intake takes it. `path` has no token in it."""
    headers = {name.lower(): _printable(value) for name in _STORED_HEADERS if (value := _header(environment, name))}
    return Incoming(
        body=body,
        path=path,
        slug=slug,
        path_token=token,
        signature=_header(environment, "X-Webhook-Signature"),
        timestamp=_header(environment, "X-Webhook-Timestamp"),
        standard_id=_header(environment, "Webhook-Id"),
        standard_timestamp=_header(environment, "Webhook-Timestamp"),
        standard_signature=_header(environment, "Webhook-Signature"),
        content_type=_printable(environment.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()),
        user_agent=_printable(_header(environment, "User-Agent")),
        ip=client_ip(
            environment.get("REMOTE_ADDR", ""), _header(environment, "X-Forwarded-For"), settings.TRUSTED_PROXIES
        ),
        headers=headers,
    )


def answer_content(environment: Environment, answer: Answer, started: float) -> dict[str, Any]:
    """Return what the sender is told, and log it in one line."""
    event_id = None if answer.event_id is None else str(answer.event_id)
    sent = _header(environment, "X-Request-Id")
    code = answer.extra.get("code") or answer.extra.get("reason") or "-"
    logger.info("webhook %s %s %s %s", answer.http, answer.status, code, event_id)
    return {
        "status": answer.status,
        "request_id": sent if _REQUEST_ID.fullmatch(sent) else event_id or str(ids.new_id()),
        "webhook_event_id": event_id,
        "processing_time_ms": elapsed_ms(started),
        **answer.extra,
    }


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
        incoming = incoming_read(request.META, body=_body_read(request), path=request.path, slug=slug, token=token)
        return request_receive(incoming, at=clock.now())
    except IntakeRejected as refusal:
        return answer_refused(refusal)


def _respond(request: HttpRequest, answer: Answer, started: float) -> JsonResponse:
    return JsonResponse(answer_content(request.META, answer, started), status=answer.http)


@csrf_exempt
def webhook(request: HttpRequest, slug: str = "", token: str = "") -> JsonResponse:
    """Take one alert, from the source its path names or else its body or the default tells."""
    started = time.perf_counter()
    if token:
        # the framework logs the path of refused requests
        request.path = request.path_info = MASKED_PATH
    answer = _answer(request, slug, token)
    if slug and answer.http == 401:
        # whoever takes one address for the other puts the token here
        request.path = request.path_info = UNKNOWN_PATH
    response = _respond(request, answer, started)
    if answer.http == 405:
        response["Allow"] = "POST"
    return response


@csrf_exempt
def webhook_unknown(request: HttpRequest) -> JsonResponse:
    """Answer an address below the webhook's that leads nowhere, without its path in the log: a token may be in it."""
    started = time.perf_counter()
    request.path = request.path_info = UNKNOWN_PATH
    refusal = IntakeRejected(
        IntakeCode.NOT_FOUND,
        "send alerts to /webhook, /webhook/s/<source> or /webhook/t/<token>; look for a typing error",
    )
    return _respond(request, answer_refused(refusal), started)


@csrf_exempt
def webhook_test(request: HttpRequest) -> JsonResponse:
    """Tell that the webhook is reachable."""
    if request.method not in ("GET", "HEAD"):
        refusal = IntakeRejected(IntakeCode.METHOD_NOT_ALLOWED, "use GET here, POST to /webhook")
        response = _respond(request, answer_refused(refusal), time.perf_counter())
        response["Allow"] = "GET"
        return response
    message = "the webhook is reachable; POST alerts to /webhook"
    return JsonResponse({"status": "ok", "message": message, "timestamp": clock.now().isoformat()})
