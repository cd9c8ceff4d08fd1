"""A provider's server on a real socket: it answers as documented, or breaks in one of the ways servers do."""

import gzip
import json
import re
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.fakes.market import Market

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Asked:
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    url: str


@dataclass(frozen=True)
class Reply:
    status: int
    body: Body
    headers: Mapping[str, str] = field(default_factory=dict)


def plain(value: object) -> object:
    """A number as JSON has it: this market's prices have few digits, so a float tells them exactly."""
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(value)


class FakeProvider:
    """What differs between providers: their words. `market` may be exchanged at any time."""

    rate: Mapping[str, str] = {}

    def __init__(self) -> None:
        self.market = Market()

    def reply(self, asked: Asked) -> Reply:
        raise NotImplementedError

    def refusal(self, status: int, said: str) -> Body:
        raise NotImplementedError


Fault = Callable[["_Handler", bytes], None]


class FakeServer:
    """Serves a fake provider on a free port. `fault`, when set, breaks every answer; `asked` keeps the questions."""

    def __init__(self, provider: FakeProvider) -> None:
        self.provider = provider
        self.fault: Fault | None = None
        self.asked: list[Asked] = []
        self.ended = threading.Event()
        self.errors: list[BaseException] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.fake = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self.ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        assert self.errors == []


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep what went wrong in the fake itself; a client that hung up is none of it."""
        error = sys.exception()
        if not isinstance(error, OSError):
            self.fake.errors.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        fake: FakeServer = self.server.fake
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        asked = Asked(
            unquote(parts.path), query, {name.lower(): text for name, text in self.headers.items()}, self.path
        )
        fake.asked.append(asked)
        reply = fake.provider.reply(asked)
        body = json.dumps(reply.body, default=plain).encode()
        if fake.fault is None:
            self.send(reply.status, body, headers={**fake.provider.rate, **reply.headers})
        else:
            fake.fault(self, body)

    def send(
        self, status: int, body: bytes, kind: str = "application/json; charset=utf-8", headers: Mapping[str, str] = {}
    ) -> None:
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, text in headers.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """A test run has nothing to hear of each request."""


def refuses(status: int, said: str = "no", **headers: str) -> Fault:
    """The provider's own words for a refusal."""

    def fault(handler: _Handler, body: bytes) -> None:
        told = handler.server.fake.provider.refusal(status, said)
        renamed = {name.replace("_", "-"): text for name, text in headers.items()}
        handler.send(status, json.dumps(told).encode(), headers={**handler.server.fake.provider.rate, **renamed})

    return fault


def echoes_keys(status: int) -> Fault:
    """A careless server: it repeats every header it was sent."""

    def fault(handler: _Handler, body: bytes) -> None:
        told = handler.server.fake.provider.refusal(status, " ".join(handler.headers.values())[:150])
        handler.send(status, json.dumps(told).encode())

    return fault


def sends(body: bytes, status: int = 200, kind: str = "application/json", **headers: str) -> Fault:
    """Any other body."""
    renamed = {name.replace("_", "-"): text for name, text in headers.items()}
    return lambda handler, _: handler.send(status, body, kind, renamed)


def spoils(beginning: bytes, word: bytes) -> Fault:
    """The right answer with every number that begins so exchanged, whether it stands as a number or as text."""
    number = re.compile(rb'(?<=[" \[])' + re.escape(beginning) + rb"[0-9.]*")

    def fault(handler: _Handler, body: bytes) -> None:
        handler.send(200, number.sub(word, body))

    return fault


def hangs(handler: _Handler, body: bytes) -> None:
    """No answer until the test ends."""
    handler.server.fake.ended.wait(30)
    handler.close_connection = True


def drips(handler: _Handler, body: bytes) -> None:
    """A header that never ends, a byte at a time, each soon enough for a time-out that counts single reads."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not handler.server.fake.ended.wait(0.02):
        try:
            handler.wfile.write(b"x")
        except OSError:
            break
    handler.close_connection = True


def drips_body(handler: _Handler, body: bytes) -> None:
    """A body that never ends, a byte at a time."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    while not handler.server.fake.ended.wait(0.02):
        try:
            handler.wfile.write(b" ")
        except OSError:
            break
    handler.close_connection = True


def truncates(handler: _Handler, body: bytes) -> None:
    """Fewer bytes than the header announces."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    handler.close_connection = True


def hangs_up(handler: _Handler, body: bytes) -> None:
    """Not a byte."""
    handler.close_connection = True


def cuts_json(handler: _Handler, body: bytes) -> None:
    """Half the JSON, announced as all of it."""
    handler.send(200, body[: len(body) // 2])


def zipped(body: bytes) -> Fault:
    return sends(gzip.compress(body), Content_Encoding="gzip")


def epoch(moment: datetime) -> int:
    return int(moment.timestamp())
