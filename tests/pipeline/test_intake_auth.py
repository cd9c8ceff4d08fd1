"""Who may send, seen from outside: answers, records, throttling, and no secret anywhere."""

import json
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test import Client

from optionsengine.core import clock
from optionsengine.pipeline.events import events_recover
from signals.authentication import FAILURES_PER_MINUTE, signature_of, standard_signature_of
from signals.enums import SourceMode
from signals.models import Signal, WebhookEvent, WebhookSecret
from signals.services import webhook_secret_rotate, webhook_source_create
from signals.source_snapshot import sources_changed, sources_forget
from tests.pipeline.intake_client import AT, SECRET, alert, post, told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("either_door")]

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


@pytest.mark.parametrize(
    ("options", "request_", "told_owner"),
    [
        ({}, {"path": "/webhook/s/nobody"}, "No source has the name"),
        ({}, {"path": "/webhook/t/strange-token"}, "The token in the path is that of no source"),
        ({}, {"path": "/webhook/s/desk"}, "No token was sent, or none of the source desk that holds now"),
        ({"is_enabled": False}, {"path": "/webhook/s/desk", "token": True}, "The source desk is switched off."),
        (
            {"allowed_networks": ["192.0.2.0/24"]},
            {"path": "/webhook/s/desk", "token": True},
            "is right, and 127.0.0.1 is not one of its allowed addresses",
        ),
        ({}, {}, "is not made with HMAC_SECRET"),
    ],
)
def test_only_the_owner_is_told_what_was_wrong(secret, options, request_, told_owner):
    _, token = source(SourceMode.TOKEN, **options)
    sent = dict(request_)
    body = alert(secret=token) if sent.pop("token", False) else alert()
    response = post(body, signed=False, **sent)
    assert (response.status_code, told(response)) == (401, REFUSED)
    event = WebhookEvent.objects.get(pk=response.json()["webhook_event_id"])
    assert told_owner in event.error
    assert "strange-token" not in everything_stored()


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


# --- Standard Webhooks, rotation and allow-lists, through the URL -----------------------------------------------------


def standard_headers(key, body, *, message_id="msg_1", at=AT):
    stamp = str(int(at.timestamp()))
    return {
        "webhook_id": message_id,
        "webhook_timestamp": stamp,
        "webhook_signature": standard_signature_of(key, message_id, stamp, json.dumps(body).encode()),
    }


def test_a_standard_sender_is_taken_end_to_end(secret, caplog):
    caplog.set_level("DEBUG")
    made, key = source(SourceMode.STANDARD)
    body = alert(note=f"signed with {key}", key=key.removeprefix("whsec_"))
    response = post(body, path="/webhook/s/desk", signed=False, **standard_headers(key, body))
    assert response.status_code == 201
    event = WebhookEvent.objects.get()
    assert (event.source_id, event.authenticated, event.sender_event_id) == (made.pk, True, "msg_1")
    for stored in (everything_stored(), caplog.text):
        assert key.removeprefix("whsec_") not in stored
    again = post(body, path="/webhook/s/desk", signed=False, **standard_headers(key, body))
    assert (again.status_code, again.json()["status"]) == (200, "DUPLICATE")
    other = alert(symbol="QQQ")
    late = post(
        other, path="/webhook/s/desk", signed=False, at=AT + timedelta(seconds=301), **standard_headers(key, other)
    )
    assert told(late) == REFUSED
    assert told(post(other, path="/webhook/s/desk", secret=key)) == REFUSED, "an HMAC header is another way"
    assert told(post(other, signed=False, **standard_headers(key, other))) == REFUSED, "the default signs otherwise"
    assert Signal.objects.count() == 1


@pytest.mark.parametrize("mode", SourceMode)
def test_a_secret_rotated_mid_stream_rejects_nothing_in_the_overlap(secret, mode):
    """Fault 35: the sender changes over at any moment of the overlap; only what comes after it is refused."""
    made, old = source(mode)

    def send(key, at, number):
        body = alert(symbol=f"S{chr(65 + number)}", timestamp=None)
        if mode == SourceMode.TOKEN:
            return post({**body, "secret": key}, at=at, signed=False, path="/webhook/s/desk").status_code
        if mode == SourceMode.HMAC:
            return post(body, at=at, secret=key, path="/webhook/s/desk").status_code
        headers = standard_headers(key, body, message_id=f"msg_{number}", at=at)
        return post(body, at=at, signed=False, path="/webhook/s/desk", **headers).status_code

    rotated, tick = AT + timedelta(hours=1), timedelta(microseconds=1)
    assert send(old, rotated - tick, 0) == 201
    new = webhook_secret_rotate(source=made, at=rotated, overlap=timedelta(hours=24))
    assert send(new, rotated - tick, 1) == 401
    ends = rotated + timedelta(hours=24)
    moments = [rotated, rotated + tick, rotated + timedelta(hours=12), ends - tick, ends]
    assert [send(old, at, 2 + n) for n, at in enumerate(moments)] == [201] * 5
    assert [send(new, at, 7 + n) for n, at in enumerate(moments)] == [201] * 5
    assert send(old, ends + tick, 12) == 401
    assert send(new, ends + tick, 13) == 201


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "http"),
    [
        ("52.89.214.238", "", [], 201),
        ("::ffff:52.89.214.238", "", [], 201),
        ("198.51.100.7", "", [], 401),
        # forged: nobody may say for himself where he comes from
        ("198.51.100.7", "52.89.214.238", [], 401),
        ("198.51.100.7", "52.89.214.238", ["10.0.0.0/8"], 401),
        ("10.0.0.1", "52.89.214.238", ["10.0.0.0/8"], 201),
        ("::ffff:10.0.0.1", "52.89.214.238", ["10.0.0.0/8"], 201),
        ("10.0.0.1", "::ffff:52.89.214.238", ["10.0.0.1"], 201),
        ("10.0.0.1", "52.89.214.238, 10.0.0.2", ["10.0.0.0/8"], 201),
        ("10.0.0.1", "52.89.214.238, 198.51.100.7", ["10.0.0.0/8"], 401),
        ("10.0.0.1", "52.89.214.238, nonsense", ["10.0.0.0/8"], 401),
        ("10.0.0.1", "", ["10.0.0.0/8"], 401),
        ("2001:db8::7", "", [], 201),
        ("2001:db8:0:1::7", "", [], 401),
    ],
)
def test_an_allow_list_goes_by_the_address_that_can_be_trusted(secret, settings, peer, forwarded, trusted, http):
    settings.TRUSTED_PROXIES = trusted
    _, token = source(SourceMode.TOKEN, allowed_networks=["52.89.214.238", "2001:db8::/64"])
    body = json.dumps(alert(secret=token))
    headers = {"REMOTE_ADDR": peer} | ({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {})
    others = {f"HTTP_{name}": "52.89.214.238" for name in ("X_REAL_IP", "FORWARDED", "CLIENT_IP", "TRUE_CLIENT_IP")}
    with clock.frozen(AT):
        response = Client().post("/webhook", data=body, content_type="application/json", **headers, **others)
    assert response.status_code == http
    if http == 401:
        assert told(response) == REFUSED
        assert not Signal.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_while_the_sources_cannot_be_read_only_the_environment_s_sender_is_judged(secret):
    _, key = source(SourceMode.HMAC)
    sources_forget()

    def fail(execute, sql, params, many, context):
        if 'FROM "webhook_sources"' in sql:
            raise OperationalError("gone")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail):
        assert post(alert()).status_code == 201
        for response in (post(alert(), secret="wrong"), post(alert(), path="/webhook/s/desk", secret=key)):
            assert (response.status_code, response.json()["code"]) == (503, "UNAVAILABLE"), "it may be good"
    assert Signal.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_source_once_known_is_judged_while_it_cannot_be_read(secret):
    _, key = source(SourceMode.HMAC)
    assert post(alert(), path="/webhook/s/desk", secret=key).status_code == 201

    def fail(execute, sql, params, many, context):
        if 'FROM "webhook_sources"' in sql:
            raise OperationalError("gone")
        return execute(sql, params, many, context)

    sources_changed()
    with connection.execute_wrapper(fail):
        assert post(alert(symbol="QQQ"), path="/webhook/s/desk", secret=key).status_code == 201
        assert told(post(alert(symbol="IWM"), path="/webhook/s/desk", secret="wrong")) == REFUSED
