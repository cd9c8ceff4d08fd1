"""Posting alerts through the real URL: signed, with the clock frozen at a moment of the test's choosing.

Through the framework's door, or through the web server's own: `either_door` has a test use both, one after the other.
"""

import json
from contextlib import nullcontext
from datetime import UTC, datetime

from django.http import JsonResponse
from django.test import Client, RequestFactory

from optionsengine.core import clock
from optionsengine.core.announcements import Announcements
from optionsengine.pipeline import webhook_front
from optionsengine.pipeline.answers import Answer
from optionsengine.pipeline.intake import requests_receive
from optionsengine.pipeline.webhook_views import answer_content
from signals.authentication import signature_of

SECRET = "a-shared-secret-for-tests-only"
AT = datetime(2026, 2, 5, 15, 0, 2, tzinfo=UTC)


def alert(**changes):
    """A plain alert whose bar opened two seconds before `AT`; a change to None drops the field."""
    body = {"symbol": "SPY", "direction": "long", "timeframe": "5m", "timestamp": "2026-02-05T15:00:00Z", **changes}
    return {key: value for key, value in body.items() if value is not None}


door = ["framework"]


def post(
    body,
    *,
    at=AT,
    path="/webhook",
    content_type="application/json",
    signed=True,
    secret=SECRET,
    client=None,
    **headers,
):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    if signed:
        sent.setdefault("HTTP_X_WEBHOOK_SIGNATURE", signature_of(secret, raw))
    with clock.frozen(at) if at else nullcontext():
        response = _front_post(raw, path, content_type, sent) if door == ["front"] else None
        return response or (client or Client()).generic("POST", path, raw, content_type=content_type, **sent)


def _front_post(raw, path, content_type, sent):
    """The server's own door, on this thread and alone in its group; None where it leaves the request to the other."""
    made = RequestFactory(HTTP_HOST="testserver").generic("POST", path, raw, content_type=content_type, **sent)
    webhook_front._is_let_in.cache_clear()
    incoming = webhook_front.alert_read(made.environ, raw)
    if incoming is None:
        return None
    announcements = Announcements()
    [result] = requests_receive([(incoming, clock.now())], announcements=announcements)
    announcements.say()
    answer = result if isinstance(result, Answer) else result()
    response = JsonResponse(answer_content(made.environ, answer, incoming.started), status=answer.http)
    response.json = lambda: json.loads(response.content)
    return response


def told(response):
    """The answer without what differs from one request to the next."""
    varying = ("request_id", "webhook_event_id", "processing_time_ms", "signal_id", "experiment_id", "variant")
    return {key: value for key, value in response.json().items() if key not in varying}
