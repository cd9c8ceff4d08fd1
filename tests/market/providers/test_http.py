"""The HTTP client of the providers: one deadline, a bounded and strict answer, what a refusal says of trying again."""

import gzip
import os
import time
import traceback
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from optionsengine.core.deadline import deadline, seconds_left
from optionsengine.market.enums import ProviderFault
from optionsengine.market.providers.http import (
    HttpSource,
    ProviderError,
    RateHeaders,
    RateNote,
    Timeouts,
    _retry_after,
)
from optionsengine.market.providers.twelvedata import _wait
from tests.fakes import server as faults
from tests.fakes.alpaca import FakeAlpaca
from tests.fakes.server import FakeServer

KEY = "canary-key-9f31"
RATE = RateHeaders("x-left", limit="x-limit", reset="x-reset")


@pytest.fixture
def server():
    fake = FakeServer(FakeAlpaca())
    yield fake
    fake.close()


@contextmanager
def source_of(**terms):
    defaults = {
        "keys": "A_KEY",
        "headers": {"X-Key": KEY},
        "secrets": (KEY,),
        "rate_headers": RATE,
        "timeouts": Timeouts(),
    }
    source = HttpSource("somebody", **(defaults | terms))
    try:
        yield source
    finally:
        source.close()


def broken(server: FakeServer, fault: faults.Fault, **terms) -> ProviderError:
    server.fault = fault
    with source_of(**terms) as source, pytest.raises(ProviderError) as error:
        source.get(f"{server.url}/anything")
    return error.value


def test_an_object_comes_with_its_status_and_the_servers_time(server):
    server.fault = faults.sends(b'{"a": 1.10, "b": [null, true]}', 203)
    with source_of() as source:
        answer = source.get(f"{server.url}/x/", {"symbols": "BRK.B,SPY", "limit": 3})
    assert (answer.status, str(answer.body["a"]), answer.body["b"]) == (203, "1.10", [None, True])
    assert answer.sent_at is not None
    assert answer.sent_at.tzinfo is not None
    assert (server.asked[0].path, server.asked[0].query) == ("/x/", {"symbols": "BRK.B,SPY", "limit": "3"})
    assert server.asked[0].headers["x-key"] == KEY


def test_connections_are_kept_and_those_of_another_process_are_not_touched(server, monkeypatch):
    server.fault = faults.sends(b"{}")
    with source_of() as source:
        for _ in range(3):
            source.get(f"{server.url}/x")
        parents = source._client
        monkeypatch.setattr(os, "getpid", lambda pid=os.getpid(): pid + 1)
        source.get(f"{server.url}/x")
        assert source._client is not parents
        assert not parents.is_closed
    parents.close()
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"1",
        b'"text"',
        b"[{}]",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1,}',
        b'{"a": 1} {}',
        b'{"a": 1, "a": 2}',
        b'{"deep": {"a": 1, "a": 2}}',
        b"[" * 100_000,
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": "\xff"}',
        b'{"a": 1e99999999999999999999}',
    ],
    ids=lambda body: body[:20].decode("latin-1"),
)
def test_what_is_no_strict_json_object_is_garbage(server, body):
    assert broken(server, faults.sends(body)).kind == ProviderFault.GARBAGE


@pytest.mark.parametrize("kind", ["", "text/html", "text/plain; charset=utf-8"])
def test_another_type_of_content_is_garbage(server, kind):
    assert broken(server, faults.sends(b"{}", kind=kind)).kind == ProviderFault.GARBAGE


def test_no_content_is_no_data(server):
    error = broken(server, faults.sends(b"", 204, kind=""))
    assert (error.kind, error.status) == (ProviderFault.NO_DATA, 204)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (faults.sends(b"", 404, kind=""), ProviderFault.NO_DATA),
        (faults.refuses(404, "unknown symbol"), ProviderFault.NO_DATA),
        (faults.sends(b"<html></html>", 404, kind="text/html"), ProviderFault.GARBAGE),
        (faults.refuses(400), ProviderFault.REJECTED),
        (faults.refuses(408), ProviderFault.TIMEOUT),
        (faults.sends(b"not json", 500), ProviderFault.SERVER),
        (faults.sends(b'{"message": 7}', 403), ProviderFault.FORBIDDEN),
        (faults.sends(b"", 301, Location="/elsewhere"), ProviderFault.GARBAGE),
        (faults.sends(b"x" * 100_000, 502, kind="text/html"), ProviderFault.SERVER),
    ],
)
def test_the_status_decides_whatever_the_body_is(server, fault, kind):
    assert broken(server, fault).kind == kind


def test_what_the_provider_said_is_shown_short_and_printable(server):
    error = broken(server, faults.refuses(403, "plan\nneeded \x1b[31m" + "x" * 500))
    assert error.message.endswith(f"(planneeded [31m{'x' * 185})")
    assert "check A_KEY" in error.message


def test_an_answer_may_have_its_size_and_no_more(server):
    body = b'{"a": "' + b"x" * 91 + b'"}'
    assert len(body) == 100
    server.fault = faults.sends(body)
    with source_of(max_bytes=100) as source:
        assert len(source.get(f"{server.url}/x").body["a"]) == 91
    assert broken(server, faults.sends(body), max_bytes=99).kind == ProviderFault.GARBAGE


def test_a_packed_answer_is_measured_unpacked(server):
    bomb = gzip.compress(b'{"a": "' + b"x" * 10**6 + b'"}')
    assert len(bomb) < 2000
    server.fault = faults.sends(bomb, Content_Encoding="gzip")
    with source_of() as source:
        assert len(source.get(f"{server.url}/x").body["a"]) == 10**6
    assert broken(server, faults.sends(bomb, Content_Encoding="gzip"), max_bytes=10**5).kind == ProviderFault.GARBAGE
    assert broken(server, faults.sends(b"no gzip", Content_Encoding="gzip")).kind == ProviderFault.GARBAGE


@pytest.mark.parametrize("fault", [faults.hangs, faults.drips, faults.drips_body])
def test_the_whole_answer_has_one_deadline(server, fault):
    began = time.monotonic()
    assert broken(server, fault, timeouts=Timeouts(connect=0.2, total=0.2)).kind == ProviderFault.TIMEOUT
    assert time.monotonic() - began < 2.0  # a time-out for single reads would wait as long as the bytes drip


def test_a_deadline_around_it_cuts_the_wait(server):
    server.fault = faults.hangs
    with source_of() as source, deadline(0.1), pytest.raises(ProviderError) as error:
        source.get(f"{server.url}/x")
    assert error.value.kind == ProviderFault.TIMEOUT


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "ftp://127.0.0.1/x", "http://[/x", "nonsense"])
def test_an_address_where_nobody_is(url):
    with source_of() as source, pytest.raises(ProviderError) as error:
        source.get(url)
    assert error.value.kind == ProviderFault.UNREACHABLE


@pytest.mark.parametrize("key", ["with\nnewline", "ключ"])
def test_a_key_that_cannot_be_one_is_never_sent(server, key):
    with source_of(headers={"X-Key": key}, secrets=(key,)) as source, pytest.raises(ProviderError) as error:
        source.get(f"{server.url}/x")
    assert error.value.kind == ProviderFault.UNAUTHORIZED
    assert key not in str(error.value)
    assert server.asked == []


# Waiting as asked

DATED = "Wed, 18 Feb 2026 15:30:20 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "Wed, 18 Feb 2026 15:30:50 GMT", "date": DATED}, 30.0),
        ({"retry-after": "Wed, 18 Feb 2026 15:30:10 GMT", "date": DATED}, 0.0),
        ({"x-reset": "1771428660", "date": DATED}, 40.0),
        ({"retry-after": "7", "x-reset": "1771428660", "date": DATED}, 7.0),
        ({"x-reset": "1771428660"}, None),
        ({"retry-after": "soon", "date": DATED}, None),
        ({"retry-after": "-3", "date": DATED}, None),
        ({"retry-after": "9" * 30, "date": DATED}, None),
        ({"date": DATED}, None),
        ({}, None),
    ],
)
def test_how_long_a_refused_call_waits(headers, seconds):
    assert _retry_after(headers, "x-reset") == seconds


def test_a_limit_is_waited_out_and_nothing_else_is(server):
    assert broken(server, faults.refuses(429, Retry_After="12")).retry_after == 12.0
    assert broken(server, faults.refuses(429)).retry_after is None
    assert broken(server, faults.refuses(500, Retry_After="12")).retry_after is None


@pytest.mark.parametrize(
    ("headers", "names", "note"),
    [
        ({"x-limit": "200", "x-left": "0"}, RATE, RateNote(200, 0)),
        ({"x-used": "3", "x-left": "5"}, RateHeaders("x-left", used="x-used"), RateNote(8, 5)),
        ({"x-left": "5"}, RATE, None),
        ({"x-limit": "200"}, RATE, None),
        ({"x-limit": "two hundred", "x-left": "5"}, RATE, None),
        ({"x-limit": "200", "x-left": "-1"}, RATE, None),
        ({}, RATE, None),
    ],
)
def test_what_headers_say_of_the_limit(headers, names, note):
    assert names.read(headers) == note


def test_the_listener_hears_of_refusals_too_and_outside_the_deadline(server):
    heard = []

    def listen(note: RateNote) -> None:
        heard.append((note, seconds_left()))

    server.fault = faults.sends(b"{}", 403, x_limit="10", x_left="4")
    with source_of(on_answer=listen) as source, pytest.raises(ProviderError):
        source.get(f"{server.url}/x")
    assert heard == [(RateNote(10, 4), None)]


@pytest.mark.parametrize(
    ("said", "sent_at", "seconds"),
    [
        ("You have run out of API credits for the current minute.", datetime(2026, 2, 18, 15, 30, 20, tzinfo=UTC), 40),
        ("You have run out of API credits for the current minute.", datetime(2026, 2, 18, 15, 30, tzinfo=UTC), 60),
        ("You have run out of API credits for the day.", datetime(2026, 2, 18, 23, 59, tzinfo=UTC), 60),
        ("You have run out of API credits for the day.", datetime(2026, 2, 18, tzinfo=UTC), 86400),
    ],
)
def test_credits_come_back_with_the_minute_or_the_day(said, sent_at, seconds):
    assert _wait(said, sent_at) == seconds


@pytest.mark.parametrize(
    "fault", [faults.hangs_up, faults.truncates, faults.hangs, faults.sends(b"{}", kind="text/html")]
)
def test_no_error_drags_along_the_request_with_its_keys(server, fault):
    error = broken(server, fault, timeouts=Timeouts(connect=0.5, total=0.5))
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__
    shown = "".join(traceback.format_exception(error))
    assert "ProviderError" in shown
    assert KEY not in shown
    assert "httpx2" not in shown.rsplit("ProviderError", 1)[1]
