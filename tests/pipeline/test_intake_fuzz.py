"""Whatever is sent: an answer of the contract, never a 500, and no secret kept or logged."""

import json
import re

import pytest
from django.core.cache import cache
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from signals.models import Signal, WebhookEvent
from tests.pipeline.answers_contract import check_answer, everything_stored
from tests.pipeline.fuzz_bodies import ALIASES, FAMILIES, ROUTES, betrayed, mutated
from tests.pipeline.intake_client import SECRET, post

CANARY = "canary-5f1c9a77e0-token"
FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
FUZZ_FAMILIES = settings(FUZZ, max_examples=300)

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
LATIN = st.text(st.characters(max_codepoint=255), max_size=20)
HEADER_VALUES = (
    LATIN
    | st.sampled_from(["é" * 10, "sha256=", "a\r\nX-Injected: 1", "\x1b[31mred", "0" * 5000, "\x00", "=?utf-8?q?x?="])
    | st.sampled_from(
        ["application/json", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]
    )
)
_HEADER_NAMES = """
    x_webhook_signature x_webhook_timestamp webhook_id webhook_timestamp webhook_signature x_request_id user_agent
    x_forwarded_for content_type accept cookie authorization x_api_key referer origin content_encoding
"""
HEADER_NAMES = st.sampled_from(re.findall(r"\w+", _HEADER_NAMES))
HEADERS = st.dictionaries(HEADER_NAMES, HEADER_VALUES, max_size=5)
SEGMENTS = st.text(st.characters(exclude_characters="?#", exclude_categories=["Cs"]), max_size=60)
SENT = st.sampled_from(
    ["authorization", "x_api_key", "x_webhook_secret", "cookie", "referer", "x_webhook_signature", "webhook_signature"]
)


class Anything(TestCase):
    @pytest.fixture(autouse=True)
    def _secret(self, settings, caplog):
        settings.HMAC_SECRET = SECRET
        caplog.set_level("DEBUG")
        self.log = caplog

    def check(self, raw, path="/webhook", **headers):
        cache.clear()
        self.log.clear()
        response = post(raw, path=path, **headers)
        answer = response.json()
        check_answer(response.status_code, response["Content-Type"], answer)
        assert response.status_code in (200, 201, 400, 413), answer
        event = WebhookEvent.objects.get(pk=answer["webhook_event_id"])
        assert event.status in ("accepted", "ignored", "rejected")
        assert (event.status == "rejected") == (response.status_code == 400)
        assert Signal.objects.exists() == (response.status_code == 201)
        return response

    def judge(self, response):
        """Assert an answer of the contract to a request that need not be a genuine one."""
        check_answer(response.status_code, response["Content-Type"], response.json())

    def nothing_kept(self, secret=CANARY):
        assert secret not in everything_stored()
        assert secret not in self.log.text

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

    @FUZZ_FAMILIES
    @given(mutated())
    def test_nearly_good_bodies_of_every_family(self, sent):
        path, raw = sent
        self.check(raw, path)

    @FUZZ
    @given(HEADERS, st.booleans())
    def test_headers(self, headers, signed):
        content_type = headers.pop("content_type", "application/json")
        sent = {"signed": signed and "x_webhook_signature" not in headers, "content_type": content_type}
        self.judge(post(FAMILIES["plain"], **sent, **headers))
        assert all(record.getMessage().isprintable() for record in self.log.records)

    @FUZZ
    @given(st.sampled_from(["/webhook/", "/webhook/s/", "/webhook/t/", "/api/webhooks/"]), SEGMENTS, st.booleans())
    def test_paths(self, prefix, rest, signed):
        self.log.clear()
        self.judge(post(FAMILIES["plain"], path=prefix + rest, signed=signed))
        assert all(record.getMessage().isprintable() for record in self.log.records)

    @FUZZ_FAMILIES
    @given(betrayed(CANARY))
    def test_a_secret_of_a_body_is_never_kept(self, sent):
        path, raw = sent
        self.log.clear()
        self.judge(post(raw, path=path))
        self.nothing_kept()

    @FUZZ
    @given(betrayed(CANARY), st.booleans())
    def test_a_secret_of_a_refused_body_is_never_kept(self, sent, signed):
        path, raw = sent
        self.log.clear()
        self.judge(post(raw, path=path, signed=signed, secret="another-shared-secret"))
        self.nothing_kept()

    @FUZZ
    @given(
        st.sampled_from(ALIASES),
        SENT,
        st.sampled_from(["secret", "token", "x", "Secret"]),
        st.sampled_from(["{}", "Bearer {}", "v1,{}", "https://desk.example.com/?secret={}"]),
        st.booleans(),
    )
    def test_a_secret_of_a_header_or_a_query_is_never_kept(self, path, header, name, form, signed):
        self.log.clear()
        headers = {header: form.format(CANARY)}
        self.judge(post(FAMILIES["plain"], path=f"{path}?{name}={CANARY}", signed=signed, **headers))
        self.nothing_kept()

    @FUZZ
    @given(
        st.sampled_from(["/webhook/t/{}", "/webhook/t/{}/", "/webhook/t/{}/more", "/webhook/t//{}", "/webhook/{}"])
        | st.sampled_from(["/webhook/s/{}", "/webhook/s/{}/", "/webhook/t/{}" + "0" * 200, "/api/webhooks/{}"]),
        st.booleans(),
    )
    def test_a_secret_of_a_path_is_never_kept(self, path, signed):
        self.log.clear()
        self.judge(post(FAMILIES["plain"], path=path.format(CANARY), signed=signed))
        self.nothing_kept()

    @FUZZ
    @given(st.sampled_from(["user_agent", "x_request_id", "webhook_id", "content_type"]), st.sampled_from(ALIASES))
    def test_a_configured_secret_in_a_header_that_is_stored_is_blanked(self, header, path):
        self.log.clear()
        self.judge(post(FAMILIES["plain"], path=path, **{header: SECRET}))
        self.nothing_kept(SECRET)


def test_every_family_is_fuzzed_in_a_body_that_is_taken_as_it_stands(db, settings):
    """A body that is refused as it stands would keep the fuzzing out of all that lies behind the refusal."""
    settings.HMAC_SECRET = SECRET
    for name, body in FAMILIES.items():
        cache.clear()
        response = post(body, path=ROUTES.get(name, "/webhook"))
        assert response.status_code in (200, 201), (name, response.json())
        assert response.json()["status"] != "IGNORED", name
