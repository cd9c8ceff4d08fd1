"""Posting alerts through the real URL: signed, with the clock frozen at a moment of the test's choosing."""

import json
from contextlib import nullcontext
from datetime import UTC, datetime

from django.test import Client

from optionsengine.core import clock
from signals.authentication import signature_of

SECRET = "a-shared-secret-for-tests-only"
AT = datetime(2026, 2, 5, 15, 0, 2, tzinfo=UTC)


def alert(**changes):
    """A plain alert whose bar opened two seconds before `AT`; a change to None drops the field."""
    body = {"symbol": "SPY", "direction": "long", "timeframe": "5m", "timestamp": "2026-02-05T15:00:00Z", **changes}
    return {key: value for key, value in body.items() if value is not None}


def post(body, *, at=AT, path="/webhook", content_type="application/json", signed=True, secret=SECRET, **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    if signed:
        sent.setdefault("HTTP_X_WEBHOOK_SIGNATURE", signature_of(secret, raw))
    with clock.frozen(at) if at else nullcontext():
        return Client().post(path, data=raw, content_type=content_type, **sent)


def told(response):
    """The answer without what differs from one request to the next."""
    varying = ("request_id", "webhook_event_id", "processing_time_ms", "signal_id", "experiment_id", "variant")
    return {key: value for key, value in response.json().items() if key not in varying}
