"""Whatever is sent: an answer of the contract, never a 500, and no secret kept."""

import json
import re

import pytest
from django.core.cache import cache
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from signals.models import Signal, WebhookEvent
from tests.bias.payloads import BODY
from tests.pipeline.intake_client import SECRET, post
from tests.pipeline.test_intake_auth import everything_stored

CANARY = "canary-5f1c9a77e0-token"
FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

_NAMES = """
    symbol ticker direction side action timeframe tf interval timestamp price confidence quantity strike expiration
    pattern signal trend score bias source type test event meta market strategy session id event_id is_test metadata
    exchange market_position prev_market_position secret journal instrument
"""
KEYS = st.sampled_from(re.findall(r"\w+", _NAMES))
WORDS = st.sampled_from(
    ["SPY", "BRK-B", "long", "SHORT", "BUY", "CLOSE", "5m", "1M", "flat", "CONTEXT", "PING", "SIGNALS", "450.5", CANARY]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | WORDS
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
BODIES = st.dictionaries(KEYS, VALUES, max_size=8)
FULL = st.fixed_dictionaries(
    {"symbol": WORDS | VALUES, "direction": WORDS | VALUES, "timeframe": WORDS | VALUES},
    optional={"price": VALUES, "confidence": VALUES, "timestamp": VALUES, "expiration": VALUES, "id": VALUES},
)


def _replace(body, path, value):
    if not path:
        return value
    return {**body, path[0]: _replace(body[path[0]], path[1:], value)}


def _paths(body, prefix=()):
    for key, value in body.items():
        yield (*prefix, key)
        if isinstance(value, dict):
            yield from _paths(value, (*prefix, key))


BIAS = st.builds(_replace, st.just(BODY), st.sampled_from(list(_paths(BODY))), VALUES)


class Anything(TestCase):
    @pytest.fixture(autouse=True)
    def _secret(self, settings):
        settings.HMAC_SECRET = SECRET

    def check(self, raw):
        cache.clear()
        response = post(raw)
        answer = response.json()
        assert response.status_code in (200, 201, 400, 413), answer
        event = WebhookEvent.objects.get(pk=answer["webhook_event_id"])
        assert event.status in ("accepted", "ignored", "rejected")
        assert (event.status == "rejected") == (response.status_code == 400)
        assert Signal.objects.exists() == (response.status_code == 201)
        return response

    @FUZZ
    @given(st.binary(max_size=80))
    def test_bytes(self, raw):
        self.check(raw)

    @FUZZ
    @given(BODIES)
    def test_objects(self, body):
        self.check(json.dumps(body).encode())

    @FUZZ
    @given(FULL)
    def test_nearly_good_signals(self, body):
        self.check(json.dumps(body).encode())

    @FUZZ
    @given(BIAS)
    def test_nearly_good_bias(self, body):
        self.check(json.dumps(body).encode())

    @FUZZ
    @given(BODIES, st.binary(max_size=10), st.booleans())
    def test_a_secret_is_never_kept(self, body, noise, breaks):
        raw = json.dumps({**body, "secret": CANARY}).encode()
        self.check(raw[:-1] + noise if breaks else raw)
        assert CANARY not in everything_stored()
