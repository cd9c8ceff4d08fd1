"""The web's front: takes in each request's body before one of the few threads that work on requests begins with it.

Under plain WSGI a thread reads the body itself, so as many slow senders as there are threads would stop the webhook.
Here they keep a connection and nothing else. Alerts have a door of their own, everything else goes to the framework.
"""

import asyncio
import io
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, Protocol

from granian.rsgi import Scope

from optionsengine.wsgi import application as wsgi  # first: it makes the applications ready

from optionsengine.pipeline.intake import MAX_BODY_BYTES  # isort: skip
from optionsengine.pipeline.webhook_front import Reply, alert_read, alert_take  # isort: skip

THREADS = 4  # each, and the thread that takes alerts in, holds one database connection
BODY_SECONDS = 5.0
MAX_PAGE_BYTES = 4 * 1024 * 1024  # the framework has a far smaller limit of its own, which it tells in its own words
_ALERTS = ("/webhook", "/api/webhooks/")
_SINGLE = ("CONTENT_TYPE", "CONTENT_LENGTH")
_JOINED = {"cookie": "; "}

_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="web")


class Exchange(Protocol):
    """What the server gives us to read a request's body from and to answer through."""

    async def __call__(self) -> bytes: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes, /) -> None: ...


async def application(scope: Scope, exchange: Exchange) -> None:
    """Answer one request."""
    environ = environ_of(scope)
    body = await _body_read(environ, exchange)
    environ["wsgi.input"] = io.BytesIO(body)
    alert = alert_read(environ, body)
    if alert is not None:
        exchange.response_bytes(*await alert_take(environ, alert, threads=_threads))
        return
    reply = await asyncio.get_running_loop().run_in_executor(_threads, _answer, environ)
    exchange.response_bytes(*reply)


async def _body_read(environ: dict[str, Any], exchange: Exchange) -> bytes:
    """Return what was sent, and have `CONTENT_LENGTH` say how long it is or was to be.

    A body over its limit is not taken in, and one that does not come in time counts as broken off: less is returned
    than was announced, and whoever answers tells the sender so.
    """
    limit = MAX_BODY_BYTES if environ["PATH_INFO"].startswith(_ALERTS) else MAX_PAGE_BYTES
    announced = environ.get("CONTENT_LENGTH")
    if announced is not None and int(announced) > limit:
        return b""
    parts: list[bytes] = []
    try:
        async with asyncio.timeout(BODY_SECONDS):
            if announced is not None:
                return await exchange()
            # sent in chunks, it has no length of its own, and the framework would not look at it
            size = 0
            async for part in exchange:
                size += len(part)
                if size > limit:
                    parts.clear()
                    break
                parts.append(part)
            environ["CONTENT_LENGTH"] = str(size)
    except TimeoutError:
        environ.setdefault("CONTENT_LENGTH", "1")
        return b""
    return b"".join(parts)


@lru_cache(maxsize=512)
def _key(name: str) -> str:
    key = name.upper().replace("-", "_")
    return key if key in _SINGLE else f"HTTP_{key}"


def environ_of(scope: Scope) -> dict[str, Any]:
    """Return a request's WSGI environment (PEP 3333), still without its body."""
    server, _, port = scope.server.rpartition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": server,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if scope.authority:
        environ["HTTP_HOST"] = scope.authority
    for name, value in scope.headers.items():
        if "_" in name:  # it would pass for the same name with a hyphen, which a proxy may vouch for
            continue
        key = _key(name)
        if key == "HTTP_HOST" and scope.authority:
            continue
        if key in environ and key not in _SINGLE:
            value = f"{environ[key]}{_JOINED.get(name, ',')}{value}"
        environ[key] = value
    return environ


def _answer(environ: dict[str, Any]) -> Reply:
    started: list[tuple[int, list[tuple[str, str]]]] = []
    written: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Callable[[bytes], None]:
        started.append((int(status[:3]), [(name.lower(), value) for name, value in headers]))
        return written.append

    parts: Iterable[bytes] = wsgi(environ, start_response)
    try:
        body = b"".join([*written, *parts])
    finally:
        close = getattr(parts, "close", None)
        if close is not None:
            close()
    status, headers = started[0]
    return status, headers, body
