"""Who may send, seen from outside: answers, records, throttling, and no secret anywhere."""

import json
from datetime import timedelta

import pytest
from django.db import connection

from optionsengine.pipeline.events import events_recover
from signals.authentication import FAILURES_PER_MINUTE, signature_of
from signals.enums import SourceMode
from signals.models import Signal, WebhookEvent, WebhookSecret
from signals.services import webhook_source_create
from tests.pipeline.intake_client import AT, SECRET, alert, post, told

pytestmark = pytest.mark.django_db

CANARY = "canary-5f1c9a77e0-token"
REFUSED = {
    "status": "REJECTED",
    "code": "UNAUTHORIZED",
    "error": "sign the request, or send the token, as its source requires",
    "details": [],
}


@pytest.fixture
def secret(settings):
    settings.HMAC_SECRET = SECRET
    return SECRET


def everything_stored():
    """Every row of the tables this room writes, as one text."""
    texts = []
    with connection.cursor() as cursor:
        for table in ("webhook_events", "signals", "signal_events", "market_contexts_received", "django_q_ormq"):
            cursor.execute(f"SELECT to_jsonb(t)::text FROM {table} t")
            texts += [row[0] for row in cursor.fetchall()]
    texts += [bytes(body).decode("utf-8", "replace") for body in WebhookEvent.objects.values_list("body", flat=True)]
    return "\n".join(texts)


def source(mode, slug="desk", **options):
    return webhook_source_create(slug=slug, name=slug, mode=mode, at=AT, **options)


@pytest.mark.parametrize("signature", ["", "0" * 64, "é" * 10, "sha256="])
def test_a_bad_signature_is_refused_with_a_record_without_a_body(secret, signature):
    response = post(alert(secret=CANARY), signed=False, x_webhook_signature=signature)
    assert (response.status_code, told(response)) == (401, REFUSED)
    event = WebhookEvent.objects.get(pk=response.json()["webhook_event_id"])
    assert (event.status, event.code, event.authenticated, event.source_ip) == (
        "rejected",
        "UNAUTHORIZED",
        False,
        "127.0.0.1",
    )
    assert (bytes(event.body), event.headers, event.user_agent) == (b"", {}, "")
    assert event.size == len(json.dumps(alert(secret=CANARY)))
    assert not Signal.objects.exists()


def test_a_prefixed_signature_is_good(secret):
    raw = json.dumps(alert()).encode()
    response = post(raw, signed=False, x_webhook_signature=f"sha256={signature_of(secret, raw)}")
    assert response.status_code == 201
    assert "authenticated" not in response.json()


def test_bias_is_authenticated_like_a_signal(secret):
    response = post({"source": "MTF_BIAS_ENGINE_V3"}, path="/api/webhooks/mtf-bias", signed=False)
    assert (response.status_code, told(response)) == (401, REFUSED)


def test_development_without_a_secret_says_so(settings):
    settings.HMAC_SECRET, settings.DEBUG = "", True
    good, bad = post(alert(), signed=False), post(alert(symbol=None), signed=False)
    assert (good.status_code, good.json()["authenticated"]) == (201, False)
    assert (bad.status_code, bad.json()["authenticated"]) == (400, False)
    assert not WebhookEvent.objects.filter(authenticated=True).exists()


def test_outside_development_nobody_is_let_in_without_a_secret(settings):
    settings.HMAC_SECRET, settings.DEBUG = "", False
    assert post(alert(), signed=False).status_code == 401


def test_an_old_signed_request_cannot_be_replayed(secret):
    headers = {"x_webhook_timestamp": str(int(AT.timestamp()))}
    assert post(alert(), **headers).status_code == 201
    assert told(post(alert(), at=AT + timedelta(seconds=301), **headers)) == REFUSED


def test_a_source_by_its_path(secret):
    made, key = source(SourceMode.HMAC)
    response = post(alert(), path="/webhook/s/desk", secret=key)
    assert response.status_code == 201
    assert Signal.objects.get().source_id == made.pk
    assert WebhookEvent.objects.get().path == "/webhook/s/desk"
    assert told(post(alert(), path="/webhook/s/desk", secret=secret)) == REFUSED
    assert told(post(alert(), path="/webhook/s/nobody", secret=secret)) == REFUSED


def test_a_source_that_requires_it_signs_its_timestamp(secret):
    _, key = source(SourceMode.HMAC, requires_timestamp=True)
    raw, stamp = json.dumps(alert()).encode(), str(int(AT.timestamp()))
    signature = signature_of(key, stamp.encode() + b"." + raw)
    sent = {"x_webhook_signature": signature, "x_webhook_timestamp": stamp, "signed": False}
    assert post(raw, path="/webhook/s/desk", **sent).status_code == 201
    assert post(raw, path="/webhook/s/desk", secret=key, x_webhook_timestamp=stamp).status_code == 401


@pytest.mark.parametrize("where", ["body", "slug", "path", "path with a slash"])
def test_a_token_is_enough_and_is_stored_nowhere(secret, where, caplog):
    caplog.set_level("DEBUG")
    made, token = source(SourceMode.TOKEN)
    path = {"slug": "/webhook/s/desk", "path": f"/webhook/t/{token}", "path with a slash": f"/webhook/t/{token}/"}
    body = alert(secret=token, note=f"again {token}")
    response = post(body, path=path.get(where, "/webhook"), signed=False, user_agent="TradingView")
    assert response.status_code == 201
    signal = Signal.objects.get()
    assert (signal.source_id, signal.payload["secret"], signal.payload["note"]) == (
        made.pk,
        "[redacted]",
        "again [redacted]",
    )
    assert token not in everything_stored()
    assert token not in caplog.text
    assert token not in json.dumps(list(WebhookSecret.objects.values_list("secret", "token_hash")))
    if where.startswith("path"):
        assert WebhookEvent.objects.get().path == "/webhook/t/…"


def test_a_wrong_token_is_refused_and_stored_nowhere(secret, caplog):
    caplog.set_level("DEBUG")
    source(SourceMode.TOKEN)
    for path in ("/webhook", "/webhook/s/desk", f"/webhook/t/{CANARY}"):
        assert told(post(alert(secret=CANARY), path=path, signed=False)) == REFUSED
    assert CANARY not in everything_stored()
    assert CANARY not in caplog.text


def test_a_signing_sender_may_carry_a_secret_of_its_own_beside_token_sources(secret, caplog):
    caplog.set_level("DEBUG")
    source(SourceMode.TOKEN)
    assert post(alert(secret=CANARY)).status_code == 201
    assert Signal.objects.get().source_id is None
    assert told(post(alert(secret=CANARY, symbol="QQQ"), secret="another-shared-secret")) == REFUSED
    assert Signal.objects.count() == 1
    assert CANARY not in everything_stored()
    assert CANARY not in caplog.text


def test_development_refuses_an_unknown_token_once_there_are_token_sources(settings):
    settings.HMAC_SECRET, settings.DEBUG = "", True
    source(SourceMode.TOKEN)
    assert told(post(alert(secret=CANARY), signed=False)) == REFUSED
    assert post(alert(), signed=False).status_code == 201


@pytest.mark.parametrize("name", ["client_secret", "access_token", "X-Api-Key", "authorization", "private_key"])
def test_secrets_by_any_name_are_stored_nowhere(secret, name, caplog):
    caplog.set_level("DEBUG")
    assert post(alert(**{name: CANARY, "nested": [{name: CANARY}]})).status_code == 201
    assert post(f'{{"symbol": "SPY", "{name}": "{CANARY}", "price": NaN}}'.encode()).status_code == 400
    assert CANARY not in everything_stored()
    assert CANARY not in caplog.text


def test_a_secret_nobody_configured_is_blanked_and_not_judged(secret):
    assert post(alert(secret=CANARY)).status_code == 201
    assert Signal.objects.get().payload["secret"] == "[redacted]"
    assert CANARY not in everything_stored()


def test_a_token_is_found_in_a_body_that_does_not_parse(secret):
    made, token = source(SourceMode.TOKEN)
    response = post(f'{{"symbol": "SPY", "secret": "{token}", "price": NaN}}'.encode(), signed=False)
    assert (response.status_code, response.json()["code"]) == (400, "INVALID_JSON")
    assert WebhookEvent.objects.get().source_id == made.pk
    assert token not in everything_stored()


def test_the_shared_secret_itself_is_blanked_from_a_body(secret):
    assert post(alert(note=f"signed with {secret}")).status_code == 201
    assert secret not in everything_stored()


def test_ids_and_sources_are_counted_together(secret):
    _, key = source(SourceMode.HMAC)
    assert post(alert(id="e1")).status_code == 201
    other = post(alert(id="e1", symbol="QQQ"), path="/webhook/s/desk", secret=key)
    assert other.status_code == 201
    assert post(alert(id="e1", symbol="IWM"), path="/webhook/s/desk", secret=key).json()["status"] == "DUPLICATE"


def test_failures_are_throttled_and_leave_a_bounded_record(secret):
    for _ in range(FAILURES_PER_MINUTE):
        assert post(alert(), signed=False).status_code == 401
    throttled = post(alert(), signed=False)
    assert throttled.status_code == 429
    answer = throttled.json()
    assert (answer["status"], answer["code"], answer["webhook_event_id"]) == ("THROTTLED", "THROTTLED", None)
    assert WebhookEvent.objects.count() == FAILURES_PER_MINUTE
    assert post(alert()).status_code == 201, "a sender who signs is never throttled"
    assert post(alert(), signed=False, at=AT + timedelta(seconds=59.9)).status_code == 429
    assert post(alert(), signed=False, at=AT + timedelta(seconds=60)).status_code == 401


def test_failures_are_counted_by_address(secret, settings):
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    for _ in range(FAILURES_PER_MINUTE):
        post(alert(), signed=False, x_forwarded_for="198.51.100.7")
    assert post(alert(), signed=False, x_forwarded_for="198.51.100.7").status_code == 429
    assert post(alert(), signed=False, x_forwarded_for="198.51.100.8").status_code == 401
    assert post(alert(), signed=False, x_forwarded_for="nonsense").status_code == 401


def test_refusals_for_other_causes_are_no_failures(secret):
    for _ in range(FAILURES_PER_MINUTE):
        assert post(alert(symbol=None)).status_code == 400
    assert post(alert(), signed=False).status_code == 401


def test_forwarded_addresses_are_believed_from_trusted_proxies_only(secret, settings):
    post(alert(), x_forwarded_for="198.51.100.7")
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    post(alert(symbol="QQQ"), x_forwarded_for="203.0.113.5, 198.51.100.7")
    assert list(WebhookEvent.objects.order_by("pk").values_list("source_ip", flat=True)) == [
        "127.0.0.1",
        "198.51.100.7",
    ]


def test_refused_requests_are_not_recovered(secret):
    post(alert(), signed=False)
    assert events_recover(at=AT + timedelta(hours=1)).claimed == 0
