"""The event stream: every status change of a signal, an order or a position, as server-sent events.

Plain ASGI without the ORM. One LISTEN connection a process hears what is announced of changes and fans it out.
The stream is a hint: it tells that something changed, and a client reads the rest from the API. After `resync` it
must read everything anew, for changes may have passed unheard.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
from django.conf import settings
from django.core import signing
from django.db import connections

from optionsengine.core.announcements import CHANGES

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

TICKET_SECONDS = 60
_SALT = "optionsengine.stream"
_NAMES = {"signal_events": "signal", "order_events": "order", "position_events": "position"}
_RESYNC = b"event: resync\ndata: {}\n\n"
_RETRY_SECONDS = 1.0


def stream_ticket_create(user_id: int) -> str:
    """Return a ticket that lets its bearer open the stream within `TICKET_SECONDS`.

    An EventSource cannot send a header, so the credential goes in the address; therefore it is short-lived.
    """
    return signing.TimestampSigner(salt=_SALT).sign(str(user_id))


def stream_ticket_read(ticket: str) -> int:
    """Return the id of the user the ticket was made for.

    :raises django.core.signing.BadSignature: if it is not ours, or too old.
    """
    return int(signing.TimestampSigner(salt=_SALT).unsign(ticket, max_age=TICKET_SECONDS))


def events_encode(payload: str) -> bytes:
    """Return the server-sent events of one announcement: a JSON object with its table and id, or a list of them."""
    said = json.loads(payload)
    return b"".join(_encode(change) for change in (said if isinstance(said, list) else [said]))


def _encode(change: dict[str, Any]) -> bytes:
    name = _NAMES[change.pop("table")]
    return f"id: {change['id']}\nevent: {name}\ndata: {json.dumps(change, separators=(',', ':'))}\n\n".encode()


class Fan:
    """Hears the database and hands each event to every subscriber; one that is `backlog` events behind is dropped."""

    def __init__(self, *, backlog: int = 200) -> None:
        self._backlog = backlog
        self._subscribers: set[asyncio.Queue[bytes | None]] = set()
        self._listening: asyncio.Task[None] | None = None

    def subscribe(self) -> "asyncio.Queue[bytes | None]":
        """Return a queue of the events from now on; None in it means that it ends here."""
        if self._listening is None or self._listening.done():
            self._listening = asyncio.create_task(self._listen_for_ever())
        subscriber: asyncio.Queue[bytes | None] = asyncio.Queue(self._backlog)
        self._subscribers.add(subscriber)
        return subscriber

    def unsubscribe(self, subscriber: "asyncio.Queue[bytes | None]") -> None:
        """Stop handing events to `subscriber`."""
        self._subscribers.discard(subscriber)

    def hand_out(self, event: bytes) -> None:
        """Give `event` to every subscriber, and drop those that have no room for it."""
        for subscriber in list(self._subscribers):
            if subscriber.full():
                self._subscribers.discard(subscriber)
                subscriber.get_nowait()
                subscriber.put_nowait(None)
            else:
                subscriber.put_nowait(event)

    async def _listen_for_ever(self) -> None:
        while True:
            try:
                await self._listen()
            except (psycopg.Error, OSError) as error:
                logger.warning("the event stream waits for the database: %s", str(error).strip().split("\n")[0])
            except Exception:
                logger.exception("the event stream failed; it listens again")
            await asyncio.sleep(_RETRY_SECONDS)

    async def _listen(self) -> None:
        parameters = connections["default"].get_connection_params()
        parameters = {name: value for name, value in parameters.items() if name not in {"cursor_factory", "context"}}
        connection = await psycopg.AsyncConnection.connect(
            **parameters, autocommit=True, application_name="optionsengine stream"
        )
        async with connection:
            await connection.execute(f"LISTEN {CHANGES}")
            self.hand_out(_RESYNC)
            async for notification in connection.notifies():
                self.hand_out(events_encode(notification.payload))


class EventStream:
    """The ASGI application of `GET /api/v1/stream/?ticket=…`.

    A stream ends after `longest` seconds: the client comes back with a new ticket, and whoever may no longer look
    does not get one. A comment every `quiet` seconds keeps proxies from closing a silent stream.
    """

    def __init__(
        self,
        fan: Fan,
        *,
        most: int = 300,
        quiet: float = 15.0,
        longest: float = 3600.0,
        patience: float = 10.0,
    ) -> None:
        self._fan = fan
        self._most = most
        self._quiet = quiet
        self._longest = longest
        self._patience = patience
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            await answer(send, 405, "METHOD_NOT_ALLOWED", "Use GET.", [(b"allow", b"GET")])
            return
        try:
            stream_ticket_read(parse_qs(scope["query_string"].decode("latin-1")).get("ticket", [""])[0])
        except (signing.BadSignature, ValueError):
            told = f"Ask for a new stream ticket and open the stream within {TICKET_SECONDS} seconds."
            await answer(send, 401, "UNAUTHENTICATED", told, cors_headers(scope))
            return
        if self._open >= self._most:
            await answer(send, 503, "TOO_MANY_STREAMS", "Close a stream, or try again later.", cors_headers(scope))
            return
        self._open += 1
        subscriber = self._fan.subscribe()
        gone = asyncio.create_task(_wait_gone(receive))
        try:
            await self._stream(subscriber, gone, send, cors_headers(scope))
        except TimeoutError:
            logger.info("a client of the event stream takes nothing: dropped")
        finally:
            self._open -= 1
            self._fan.unsubscribe(subscriber)
            gone.cancel()

    async def _stream(
        self,
        subscriber: "asyncio.Queue[bytes | None]",
        gone: "asyncio.Task[None]",
        send: Send,
        headers: list[tuple[bytes, bytes]],
    ) -> None:
        clock = asyncio.get_running_loop().time
        ends = clock() + self._longest
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-cache, no-transform"),
            (b"x-accel-buffering", b"no"),
            *headers,
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._send(send, b": open\n\n")
        while not gone.done() and (left := ends - clock()) > 0:
            coming = asyncio.create_task(subscriber.get())
            await asyncio.wait({coming, gone}, timeout=min(self._quiet, left), return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                coming.cancel()
                event: bytes | None = b": quiet\n\n"
            else:
                event = coming.result()
            if gone.done() or event is None:
                break
            await self._send(send, event)
        if not gone.done():
            await self._send(send, b"", more=False)

    async def _send(self, send: Send, body: bytes, *, more: bool = True) -> None:
        message = {"type": "http.response.body", "body": body, "more_body": more}
        await asyncio.wait_for(send(message), self._patience)


async def _wait_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


def cors_headers(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Return what lets a page of ours read the answer: one of the listed origins, or one on this very host.

    In development the pages come from another port of the same host.
    """
    given = dict(scope["headers"])
    origin = given.get(b"origin", b"").decode("latin-1")
    host = given.get(b"host", b"").decode("latin-1")
    same_host = bool(origin) and urlsplit(origin).hostname == urlsplit(f"//{host}").hostname
    if not same_host and origin not in settings.CORS_ALLOWED_ORIGINS:
        return [(b"vary", b"origin")]
    return [(b"vary", b"origin"), (b"access-control-allow-origin", origin.encode("latin-1"))]


async def answer(
    send: Send, status: int, code: str, error: str, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    """Send one JSON answer in the shape of the API's errors."""
    body = json.dumps({"code": code, "error": error, "details": []}).encode()
    all_headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": all_headers + (headers or [])})
    await send({"type": "http.response.body", "body": body})
