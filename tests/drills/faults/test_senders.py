"""Faults 19, 31, 34, 36: senders that hang up, dawdle, send eightfold, repeat old requests or forge their address."""

import hashlib
import hmac
import json
import socket
import time
from contextlib import ExitStack, closing

import pytest

from signals.authentication import FAILURES_PER_MINUTE
from tests.drills.faults.sender import ANSWER_SECONDS, SECRET, alert_new
from tests.pipeline.hostile import ATTACKS

pytestmark = pytest.mark.xdist_group("runner")
HEADERS = "POST /webhook HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def _signed(alert, secret=SECRET):
    body = json.dumps(alert).encode()
    return body, hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _begin(scene, sent):
    """A connection over which part of a request has been sent."""
    connection = socket.create_connection(("127.0.0.1", scene.web.port), timeout=10)
    connection.sendall(sent)
    return connection


def _half_of_a_request():
    body, signature = _signed(alert_new())
    head = f"{HEADERS}X-Webhook-Signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return head + body[: len(body) // 2]


def test_a_sender_that_hangs_up_in_the_middle_of_the_body_leaves_no_row(scene):
    for _ in range(20):
        _begin(scene, _half_of_a_request()).close()
    sender = scene.sender()
    sender.post_all([alert_new() for _ in range(16)])
    assert sender.statuses() == {(201, "ACCEPTED"): 16}
    assert scene.rows("SELECT count(*) FROM webhook_events") == [(16,)]
    scene.settle(sender)


@pytest.mark.parametrize("part", ["of the headers", "of the body"])
def test_senders_that_dawdle_keep_no_other_waiting(scene, part):
    """More slow connections than the server has threads; everybody else is served meanwhile."""
    slow = HEADERS.encode() if part == "of the headers" else _half_of_a_request()
    with ExitStack() as connections:
        for _ in range(300):
            connections.enter_context(closing(_begin(scene, slow)))
        sender = scene.sender()
        sender.post_all([alert_new() for _ in range(16)])
        assert sender.statuses() == {(201, "ACCEPTED"): 16}
        assert sender.slowest() < ANSWER_SECONDS
    assert scene.rows("SELECT count(*) FROM webhook_events") == [(16,)]
    scene.settle(sender)


def test_forgers_that_send_what_is_costly_to_read_hold_up_nobody(scene):
    """They are refused without it being read, and not even their flood lets the engine think the database is away."""
    body = next(attack.body for attack in ATTACKS if attack.name == "30 secrets in 10,000 texts, forged")
    forger, sender = scene.sender(source_address="127.0.0.99"), scene.sender()
    headers = {"X-Webhook-Signature": "0" * 64}
    with forger.load(8, lambda: forger.post_raw({"signal_id": "forged"}, body, headers=headers)):
        forger.wait_replies(FAILURES_PER_MINUTE + 20)
        assert [sender.post(alert_new()).status for _ in range(20)] == ["ACCEPTED"] * 20
    assert sender.slowest() < ANSWER_SECONDS
    told = forger.statuses()
    assert set(told) <= {(401, "REJECTED"), (429, "THROTTLED")}
    assert told[401, "REJECTED"] in (0, FAILURES_PER_MINUTE)
    assert scene.desk.spooled() == 0
    scene.settle(sender)


def test_the_same_alert_eightfold_at_once_is_one_signal(scene):
    sender = scene.sender()
    for with_id in (True, False):
        alert = alert_new()
        if not with_id:
            del alert["signal_id"]
        replies = sender.post_all([alert] * 8)
        assert sorted(reply.status for reply in replies) == ["ACCEPTED"] + ["DUPLICATE"] * 7
        assert len({reply.content["signal_id"] for reply in replies}) == 1
        signals = scene.rows("SELECT id::text FROM signals WHERE symbol = %s", alert["symbol"])
        assert signals == [(replies[0].content["signal_id"],)]
    assert scene.rows("SELECT status, count(*) FROM webhook_events GROUP BY 1 ORDER BY 1") == [
        ("accepted", 2),
        ("duplicate", 14),
    ]
    scene.settle(sender)


def _stamped(secret, alert, moment):
    """The body and headers of a request whose signature covers its time."""
    body = json.dumps(alert).encode()
    signature = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return body, {
        "Content-Type": "application/json",
        "X-Webhook-Signature": signature,
        "X-Webhook-Timestamp": str(moment),
    }


def test_an_old_signed_request_sent_again_is_refused(scene):
    """A recorded request is worthless once its time is over, however right its signature, and with another time too."""
    secret = scene.desk.source_create(slug="stamped", name="Stamped", mode="hmac", requires_timestamp=True)
    sender, path = scene.sender(source_address="127.0.0.34"), "/webhook/s/stamped"
    now = int(time.time())
    fresh, old = alert_new(), alert_new()
    body, headers = _stamped(secret, fresh, now)
    assert sender.post_raw(fresh, body, path=path, headers=headers).status == "ACCEPTED"
    body, headers = _stamped(secret, old, now - 301)
    assert sender.post_raw(old, body, path=path, headers=headers).http == 401
    assert sender.post_raw(old, body, path=path, headers=headers | {"X-Webhook-Timestamp": str(now)}).http == 401
    del headers["X-Webhook-Timestamp"]
    assert sender.post_raw(old, body, path=path, headers=headers).http == 401
    assert scene.effects() == {fresh["signal_id"]: 1}
    refused = scene.rows("SELECT body, code FROM webhook_events WHERE status = 'rejected'")
    assert refused == [(b"", "UNAUTHORIZED")] * 3


def test_forged_forwarding_headers_are_not_believed(scene):
    """Neither hide they who fails too often, nor let they an address in that is not on the list."""
    own = "127.0.0.36"
    sender = scene.sender(source_address=own)
    forged = [
        {"X-Forwarded-For": f"203.0.113.{number}", "X-Real-IP": "203.0.113.1", "Forwarded": "for=203.0.113.1"}
        for number in range(FAILURES_PER_MINUTE + 5)
    ]
    replies = [sender.post(alert_new(), headers=headers, signed=False) for headers in forged]
    assert [reply.http for reply in replies] == [401] * FAILURES_PER_MINUTE + [429] * 5
    seen = scene.rows("SELECT host(source_ip), count(*) FROM webhook_events GROUP BY 1")
    assert seen == [(own, FAILURES_PER_MINUTE)]
    assert sender.post(alert_new()).status == "ACCEPTED"

    token = scene.desk.source_create(slug="listed", name="Listed", mode="token", allowed_networks=["203.0.113.0/24"])
    stranger = scene.sender(source_address="127.0.0.37")
    alert = alert_new(secret=token)
    assert stranger.post(alert, headers=forged[0], signed=False).http == 401
    assert stranger.post(alert, headers=forged[0], signed=False, path=f"/webhook/t/{token}").http == 401
    assert alert["signal_id"] not in scene.effects()
