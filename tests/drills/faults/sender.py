"""A sender outside the engine: posts signed alerts over HTTP and keeps its own ledger of what it was told."""

import hashlib
import hmac
import http.client
import itertools
import json
import string
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.drills.processes import until

ANSWER_SECONDS = 2.5  # what the engine may take; a sender gives up after three
GIVES_UP_SECONDS = 10
PAUSE_SECONDS = 0.04  # between two alerts of one thread: a load that the engine can take
AT_ONCE = 8  # as many as the server has threads
SECRET = "the one these drills sign their alerts with"
_numbers = itertools.count()


def symbol_next():
    """A symbol nobody has used yet in this run, so that only what means the same alert can be a repeat of it."""
    number, letters = next(_numbers), ""
    for _ in range(4):
        number, place = divmod(number, 26)
        letters = string.ascii_uppercase[place] + letters
    return "Z" + letters


def alert_new(**changes):
    """An entry alert with an id of its sender and a symbol of its own."""
    symbol = symbol_next()
    body = {"signal_id": f"drill-{symbol}", "symbol": symbol, "direction": "long", "timeframe": "1h", "confidence": 85}
    return body | changes


@dataclass(frozen=True)
class Reply:
    """One answer; `http` is None where the connection ended without one."""

    alert_id: str
    http: int | None
    content: dict
    seconds: float

    @property
    def acknowledged(self):
        return self.http is not None and 200 <= self.http < 300

    @property
    def status(self):
        return self.content.get("status")


def told(replies):
    """What senders were told, as (HTTP status, word)."""
    return [(reply.http, reply.status) for reply in replies]


@dataclass
class Sender:
    """Keeps every reply it got. `source_address` is the loopback address it sends from."""

    port: int
    secret: str = SECRET
    source_address: str = "127.0.0.1"
    replies: list = field(default_factory=list)
    alerts: dict = field(default_factory=dict)

    def post(self, alert, *, path="/webhook", headers=None, signed=True):
        """Send one alert over a connection of its own, as TradingView does, and note the reply."""
        body = json.dumps(alert).encode()
        sent = {"Content-Type": "application/json"}
        if signed:
            sent["X-Webhook-Signature"] = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        return self.post_raw(alert, body, path=path, headers=sent | (headers or {}))

    def post_raw(self, alert, body, *, path="/webhook", headers):
        alert_id = alert.get("signal_id", "")
        self.alerts[alert_id] = alert
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=GIVES_UP_SECONDS, source_address=(self.source_address, 0)
        )
        started = time.monotonic()
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            status, content = answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException):
            status, content = None, {}
        finally:
            connection.close()
        reply = Reply(alert_id, status, content, time.monotonic() - started)
        self.replies.append(reply)
        return reply

    def post_all(self, alerts, *, at_once=AT_ONCE):
        """Send alerts over several connections at once; the replies in the order of the alerts."""
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(self.post, alerts))

    def load(self, threads, send=None):
        return Load(send or (lambda: self.post(alert_new())), threads)

    def wait_replies(self, count, status=None):
        """Wait until that many more replies have come, of this status if one is named."""
        before = self._count(status)
        until(lambda: self._count(status) >= before + count, 20, lambda: f"too few replies: {self.statuses()}")

    def _count(self, status):
        return sum(status in (None, reply.status) for reply in list(self.replies))

    def resend(self):
        """Send once more what was never acknowledged, as a sender does that had no answer or a 503."""
        told = {reply.alert_id for reply in self.replies if reply.acknowledged}
        return [self.post(alert) for alert_id, alert in self.alerts.items() if alert_id not in told]

    def statuses(self):
        """How often each (HTTP status, word) was told; (None, None) counts the connections that broke."""
        return Counter(told(self.replies))

    def slowest(self):
        return max(reply.seconds for reply in self.replies if reply.http is not None)


class Load:
    """Sends from several threads, one request after the other, until left; `with sender.load(6): ...`."""

    def __init__(self, send, threads):
        self._send = send
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def _run(self):
        while not self._stop.is_set():
            self._send()
            self._stop.wait(PAUSE_SECONDS)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *raised):
        self._stop.set()
        for thread in self._threads:
            thread.join(GIVES_UP_SECONDS * 2)
            assert not thread.is_alive(), "a sender hangs"
