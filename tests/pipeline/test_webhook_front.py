"""The webhook's own door: what it takes in, what it leaves to the framework, and that both answer alike."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from optionsengine.core import clock
from optionsengine.core.together import Together
from optionsengine.pipeline import webhook_front
from optionsengine.pipeline.storing import breaker
from optionsengine.pipeline.webhook_front import alert_read, alert_take
from optionsengine.pipeline.write_ahead import spool_drain, spool_open
from signals.authentication import signature_of
from signals.models import Signal, WebhookEvent
from tests.pipeline.intake_client import AT, SECRET, alert, post
from tests.pipeline.test_acceptance import forget

VARYING = ("request_id", "webhook_event_id", "processing_time_ms", "signal_id", "experiment_id", "variant")


@pytest.fixture(autouse=True)
def _settings(settings):
    settings.HMAC_SECRET = SECRET
    settings.ALLOWED_HOSTS = ["desk.example"]
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    webhook_front._is_let_in.cache_clear()
    yield
    webhook_front._is_let_in.cache_clear()


def request(body, path="/webhook", **changes):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    environment = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "CONTENT_TYPE": "application/json; charset=utf-8",
        "CONTENT_LENGTH": str(len(raw)),
        "REMOTE_ADDR": "203.0.113.7",
        "HTTP_HOST": "desk.example",
        "HTTP_USER_AGENT": "sender/1",
        "HTTP_X_WEBHOOK_SIGNATURE": signature_of(SECRET, raw),
    }
    return environment | changes, raw


# --- whose request it is ----------------------------------------------------------------------------------------------


def test_an_alert_is_read_with_all_that_speaks_for_its_sender():
    sent = {
        "HTTP_X_WEBHOOK_TIMESTAMP": "1770303602",
        "HTTP_WEBHOOK_ID": "msg_1",
        "HTTP_WEBHOOK_TIMESTAMP": "1770303602",
        "HTTP_WEBHOOK_SIGNATURE": "v1,abc",
        "HTTP_X_REQUEST_ID": "a-request\nof-mine",
    }
    incoming = alert_read(*request(b"{}", path="/webhook/s/desk/", **sent))
    assert (incoming.body, incoming.path, incoming.slug, incoming.path_token) == (b"{}", "/webhook/s/desk/", "desk", "")
    assert incoming.signature == signature_of(SECRET, b"{}")
    assert (incoming.timestamp, incoming.standard_id) == ("1770303602", "msg_1")
    assert (incoming.standard_timestamp, incoming.standard_signature) == ("1770303602", "v1,abc")
    assert (incoming.content_type, incoming.user_agent, incoming.ip) == ("application/json", "sender/1", "203.0.113.7")
    assert incoming.headers == {
        "x-request-id": "a-request?of-mine",
        "x-webhook-timestamp": "1770303602",
        "webhook-id": "msg_1",
    }


def test_a_token_of_the_path_is_not_in_what_is_kept():
    incoming = alert_read(*request(b"{}", path="/webhook/t/the-token"))
    assert (incoming.path, incoming.path_token) == ("/webhook/t/…", "the-token")


@pytest.mark.parametrize("path", ["/webhook", "/webhook/", "/api/webhooks/flow", "/api/webhooks/tradingview/"])
def test_every_address_of_the_webhook_is_taken(path):
    assert alert_read(*request(b"{}", path=path)).path == path


@pytest.mark.parametrize(
    "changes",
    [
        {"REQUEST_METHOD": "GET"},
        {"REQUEST_METHOD": "OPTIONS"},
        {"HTTP_ORIGIN": "https://somewhere.example"},
        {"HTTP_HOST": "other.example"},
        {"HTTP_HOST": ""},
        {"CONTENT_LENGTH": "3"},
        {"PATH_INFO": "/webhook/test"},
        {"PATH_INFO": "/webhook/nowhere/else"},
        {"PATH_INFO": "/admin/"},
        {"PATH_INFO": "/"},
    ],
)
def test_what_is_more_than_an_alert_is_the_framework_s(changes):
    environment, body = request(b"{}")
    assert alert_read(environment, body) is not None
    assert alert_read(environment | changes, body) is None


def test_a_body_over_the_cap_is_the_framework_s():
    assert alert_read(*request(b" " * 128 * 1024)) is not None
    assert alert_read(*request(b" " * (128 * 1024 + 1))) is None


@pytest.mark.parametrize(("proxied", "is_taken"), [("https", True), ("http", False), (None, False)])
def test_an_alert_in_the_clear_is_left_to_be_redirected(settings, proxied, is_taken):
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    sent = {} if proxied is None else {"HTTP_X_FORWARDED_PROTO": proxied}
    assert (alert_read(*request(b"{}", **sent)) is not None) == is_taken


# --- answers ----------------------------------------------------------------------------------------------------------


def closing(work):
    """A thread of the front keeps its connection; that of a test must let go of the test's database."""

    def closed(arrivals):
        try:
            return work(arrivals)
        finally:
            connections.close_all()

    return closed


@pytest.fixture
def send(monkeypatch):
    """Send requests at one moment through a door of the test's own; returns status and answer of each."""
    threads = ThreadPoolExecutor(1)

    def sent(*requests, at=AT):
        monkeypatch.setattr(webhook_front, "_together", Together(closing(webhook_front._take), most=64))

        async def together():
            taken = [
                alert_take(environment, alert_read(environment, body), threads=threads)
                for environment, body in requests
            ]
            return await asyncio.gather(*taken)

        with clock.frozen(at):
            return [(status, json.loads(content)) for status, _, content in asyncio.run(together())]

    yield sent
    threads.submit(connections.close_all).result()


def events():
    return list(
        WebhookEvent.objects.values("status", "code", "path", "content_type", "user_agent", "source_ip", "size")
    )


def plain(answer):
    return {key: value for key, value in answer.items() if key not in VARYING}


BODIES = {
    "a signal": (alert(), {}),
    "an exit": (alert(action="CLOSE"), {}),
    "a refusal": (alert(symbol="BTC-USD"), {}),
    "nothing to do": (alert(direction="NEUTRAL"), {}),
    "a ping": ({"test": True, "type": "PING"}, {}),
    "no JSON": (b"{", {}),
    "a forgery": (alert(), {"HTTP_X_WEBHOOK_SIGNATURE": "0" * 64}),
    "an unknown source": (alert(), {"PATH_INFO": "/webhook/s/nobody"}),
    "a bias event of a bad shape": ({"source": "mtf_bias_engine_v3"}, {}),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", BODIES)
def test_each_door_gives_the_same_answer(send, name):
    body, changes = BODIES[name]
    environment, raw = request(body, **changes)
    [(status, answer)] = send((environment, raw))
    kept = events()
    forget()
    other = post(
        raw,
        path=environment["PATH_INFO"],
        signed=False,
        host="desk.example",
        user_agent="sender/1",
        x_forwarded_for="203.0.113.7",
        x_webhook_signature=environment["HTTP_X_WEBHOOK_SIGNATURE"],
    )
    assert (status, plain(answer)) == (other.status_code, plain(other.json()))
    assert sorted(answer) == sorted(other.json())
    assert kept == events()


@pytest.mark.django_db(transaction=True)
def test_what_comes_together_is_judged_one_by_one(send):
    answers = send(
        request(alert()),
        request(alert()),
        request(alert(symbol="QQQ")),
        request(alert(symbol="IWM"), HTTP_X_WEBHOOK_SIGNATURE="0" * 64),
        request(b"[]"),
        request(alert(symbol="DIA", action="CLOSE")),
    )
    assert [(status, answer["status"]) for status, answer in answers] == [
        (201, "ACCEPTED"),
        (200, "DUPLICATE"),
        (201, "ACCEPTED"),
        (401, "REJECTED"),
        (400, "REJECTED"),
        (201, "ACCEPTED"),
    ]
    assert answers[1][1]["signal_id"] == answers[0][1]["signal_id"]
    assert sorted(Signal.objects.values_list("symbol", flat=True)) == ["DIA", "QQQ", "SPY"]
    stored = {str(event.pk): event.status for event in WebhookEvent.objects.all()}
    assert [stored[answer["webhook_event_id"]] for _, answer in answers] == [
        "accepted",
        "duplicate",
        "accepted",
        "rejected",
        "rejected",
        "accepted",
    ]


@pytest.mark.django_db(transaction=True)
def test_while_the_database_is_away_all_wait_in_the_spool(send):
    breaker.failed()
    answers = send(request(alert()), request(alert(symbol="QQQ")))
    assert [(status, answer["status"]) for status, answer in answers] == [(202, "QUEUED")] * 2
    assert not WebhookEvent.objects.exists()
    assert spool_open().status().records == 2
    assert spool_drain(at=AT).done == 2
    assert {str(event.pk) for event in WebhookEvent.objects.all()} == {
        answer["webhook_event_id"] for _, answer in answers
    }


@pytest.mark.django_db(transaction=True)
def test_with_nowhere_to_store_them_all_are_to_be_sent_again(send, settings, tmp_path):
    (tmp_path / "taken").write_text("a file where the folder should be")
    settings.SPOOL_DIR = tmp_path / "taken"
    breaker.failed()
    answers = send(request(alert()), request(alert(symbol="QQQ")))
    assert [(status, answer["code"]) for status, answer in answers] == [(503, "UNAVAILABLE")] * 2
    assert not WebhookEvent.objects.exists()


def test_an_error_of_the_engine_is_answered_with_something_to_quote(monkeypatch, caplog):
    def broken(arrivals):
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(webhook_front, "_together", Together(broken, most=64))
    environment, body = request(alert(), HTTP_X_REQUEST_ID="quote-me-1")
    with ThreadPoolExecutor(1) as threads:
        status, _, content = asyncio.run(alert_take(environment, alert_read(environment, body), threads=threads))
    answer = json.loads(content)
    assert (status, answer["code"], answer["request_id"]) == (500, "INTERNAL_ERROR", "quote-me-1")
    assert "quote request_id" in answer["error"]
    assert "a mistake of ours" in caplog.text
