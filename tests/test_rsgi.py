"""The web's front: a request as WSGI describes it, and bodies that are long, late or broken off."""

import asyncio
from types import SimpleNamespace

import pytest

from optionsengine import rsgi
from optionsengine.pipeline.intake import MAX_BODY_BYTES


class Headers:
    def __init__(self, *pairs):
        self.pairs = pairs

    def items(self):
        return self.pairs


def scope(*headers, **changes):
    values = {
        "method": "POST",
        "path": "/webhook/s/ü",
        "query_string": "a=1",
        "server": "10.0.0.1:8080",
        "client": "203.0.113.7:40000",
        "scheme": "http",
        "http_version": "1.1",
        "authority": None,
    }
    return SimpleNamespace(**values | changes, headers=Headers(*headers))


def test_a_request_is_described_as_wsgi_has_it():
    environ = rsgi.environ_of(
        scope(("content-type", "text/plain"), ("content-length", "3"), ("host", "desk"), ("x-request-id", "one"))
    )
    told = {name: value for name, value in environ.items() if not name.startswith("wsgi.")}
    assert told == {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/webhook/s/Ã¼",  # UTF-8 read as Latin-1, as PEP 3333 asks
        "QUERY_STRING": "a=1",
        "SERVER_NAME": "10.0.0.1",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "203.0.113.7",
        "CONTENT_TYPE": "text/plain",
        "CONTENT_LENGTH": "3",
        "HTTP_HOST": "desk",
        "HTTP_X_REQUEST_ID": "one",
    }
    assert environ["wsgi.url_scheme"] == "http"


@pytest.mark.parametrize(("client", "address"), [("[2001:db8::1]:5", "2001:db8::1"), ("203.0.113.7:1", "203.0.113.7")])
def test_the_peer_s_address_is_read_without_its_port(client, address):
    assert rsgi.environ_of(scope(client=client))["REMOTE_ADDR"] == address


def test_a_header_that_passes_for_another_is_dropped_and_a_repeated_one_joined():
    environ = rsgi.environ_of(
        scope(
            ("x_forwarded_for", "198.51.100.1"),
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-for", "192.0.2.2"),
            ("cookie", "a=1"),
            ("cookie", "b=2"),
        )
    )
    assert environ["HTTP_X_FORWARDED_FOR"] == "192.0.2.1,192.0.2.2"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"


def test_the_authority_is_the_host():
    assert rsgi.environ_of(scope(("host", "other"), authority="desk"))["HTTP_HOST"] == "desk"


class Exchange:
    """Gives a body in parts, or hangs after them; notes how much was taken."""

    def __init__(self, *parts, hangs=False):
        self.parts, self.hangs, self.taken = parts, hangs, 0

    async def __call__(self):
        return b"".join([part async for part in self])

    async def __aiter__(self):
        for part in self.parts:
            self.taken += len(part)
            yield part
        if self.hangs:
            await asyncio.Event().wait()


def read(exchange, path="/webhook", **environ):
    environ = {"PATH_INFO": path, **environ}
    body = asyncio.run(rsgi._body_read(environ, exchange))
    return body, environ.get("CONTENT_LENGTH")


def test_a_body_is_taken_in_whole():
    assert read(Exchange(b"ab", b"c"), CONTENT_LENGTH="3") == (b"abc", "3")


def test_one_sent_in_chunks_gets_its_length():
    assert read(Exchange(b"ab", b"c")) == (b"abc", "3")
    assert read(Exchange()) == (b"", "0")


@pytest.mark.parametrize("path", ["/webhook", "/webhook/t/token", "/api/webhooks/flow"])
def test_one_over_the_cap_is_not_taken_in(path):
    exchange = Exchange(b"x" * 10)
    assert read(exchange, path, CONTENT_LENGTH=str(MAX_BODY_BYTES + 1)) == (b"", str(MAX_BODY_BYTES + 1))
    assert exchange.taken == 0
    assert read(exchange, "/api/v1/signals/", CONTENT_LENGTH="10") == (b"x" * 10, "10")


def test_one_in_chunks_is_taken_in_up_to_the_cap():
    exchange = Exchange(*[b"x" * 65536] * 100)
    body, length = read(exchange)
    assert body == b""
    assert int(length) == exchange.taken == MAX_BODY_BYTES + 65536


@pytest.mark.parametrize(("sent", "announced"), [({"CONTENT_LENGTH": "10"}, "10"), ({}, "1")])
def test_one_that_does_not_come_in_time_counts_as_broken_off(monkeypatch, sent, announced):
    monkeypatch.setattr(rsgi, "BODY_SECONDS", 0)
    assert read(Exchange(b"half", hangs=True), **sent) == (b"", announced)
