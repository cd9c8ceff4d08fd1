"""The event stream: tickets, what the triggers say, fan-out, slow clients, a database that restarts."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
import time_machine
from django.core import signing
from django.db import connection, transaction

from optionsengine.asgi import application
from optionsengine.console.stream import EventStream, Fan, cors_headers, stream_ticket_create, stream_ticket_read
from optionsengine.core.announcements import Announcements
from optionsengine.pipeline.events import event_process
from signals.models import SignalEvent
from tests import factories
from tests.pipeline.intake_client import alert
from tests.pipeline.test_acceptance import accept_all, stored
from tests.signals.test_services import LATER

DEADLINE = 8


def _scope(ticket="", *, path="/api/v1/stream/", method="GET", headers=()):
    query = f"ticket={ticket}".encode()
    return {"type": "http", "method": method, "path": path, "query_string": query, "headers": list(headers)}


class Client:
    """One client of an ASGI application: collects what it is sent, and goes away when told."""

    def __init__(self, app, scope, *, takes=True):
        self.status, self.headers, self.text, self.ended = None, {}, "", False
        self._takes, self._gone, self._more = takes, asyncio.Event(), asyncio.Event()
        self.task = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self):
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message):
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
        else:
            if not self._takes:
                await asyncio.Event().wait()
            self.text += message["body"].decode()
            self.ended = not message.get("more_body", False)
        self._more.set()

    async def until(self, text, times=1):
        async with asyncio.timeout(DEADLINE):
            while self.text.count(text) < times:
                self._more.clear()
                await self._more.wait()

    async def leave(self):
        self._gone.set()
        await asyncio.wait_for(self.task, DEADLINE)

    def events(self):
        """The events as (name, data), comments and resyncs left out."""
        found = []
        for block in self.text.split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
            if fields.get("event") not in (None, "resync"):
                found.append((fields["event"], json.loads(fields["data"]) | {"sse_id": fields["id"]}))
        return found


@asynccontextmanager
async def _streaming(**options):
    fan = Fan(backlog=options.pop("backlog", 200))
    try:
        yield fan, EventStream(fan, **options)
    finally:
        if fan._listening is not None:
            fan._listening.cancel()
            await asyncio.gather(fan._listening, return_exceptions=True)


async def _in_thread(action):
    """Run ORM code, which must not run on the loop; its connection ends with it."""

    def run():
        try:
            return action()
        finally:
            connection.close()

    return await asyncio.to_thread(run)


def test_a_ticket_names_its_user_for_a_minute():
    with time_machine.travel(1_000_000, tick=False) as clock:
        ticket = stream_ticket_create(7)
        clock.shift(60)
        assert stream_ticket_read(ticket) == 7
        clock.shift(1)
        with pytest.raises(signing.SignatureExpired):
            stream_ticket_read(ticket)


@pytest.mark.parametrize(
    "ticket",
    ["", "7", "7:1:forged", signing.TimestampSigner(salt="another").sign("7")],
    ids=["empty", "unsigned", "forged", "of another salt"],  # a name must not hold the time: workers compare them
)
def test_without_a_ticket_of_ours_there_is_no_stream(ticket):
    async def scenario():
        client = Client(application, _scope(ticket))
        await client.task
        return client

    client = asyncio.run(scenario())
    assert client.status == 401
    assert json.loads(client.text) == {
        "code": "UNAUTHENTICATED",
        "error": "Ask for a new stream ticket and open the stream within 60 seconds.",
        "details": [],
    }


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "NOT_FOUND"),
        ("GET", "/api/v1/stream", 404, "NOT_FOUND"),
        ("GET", "/admin/", 404, "NOT_FOUND"),
        ("POST", "/api/v1/stream/", 405, "METHOD_NOT_ALLOWED"),
    ],
)
def test_only_the_stream_is_served(method, path, status, code):
    async def scenario():
        client = Client(application, _scope(stream_ticket_create(1), path=path, method=method))
        await client.task
        return client

    client = asyncio.run(scenario())
    assert (client.status, json.loads(client.text)["code"]) == (status, code)


def test_what_is_not_http_is_refused():
    with pytest.raises(ValueError, match="lifespan is not served here"):
        asyncio.run(application({"type": "lifespan"}, None, None))


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        ("http://localhost:8080", "localhost:8081", True),
        ("https://desk.example", "api.example", True),
        ("http://elsewhere.example", "localhost:8081", False),
        ("http://localhost.example:8080", "localhost:8081", False),
        ("null", "localhost:8081", False),
        ("", "", False),
    ],
)
def test_a_page_of_ours_may_read_the_stream(settings, origin, host, allowed):
    settings.CORS_ALLOWED_ORIGINS = ["https://desk.example"]
    headers = dict(cors_headers(_scope(headers=[(b"origin", origin.encode()), (b"host", host.encode())])))
    assert headers.get(b"access-control-allow-origin") == (origin.encode() if allowed else None)
    assert headers[b"vary"] == b"origin"


@pytest.mark.django_db(transaction=True)
def test_each_event_row_reaches_every_client_when_it_commits():
    rows = {}

    def write():
        with transaction.atomic():
            rows["signal"] = factories.signal_event(from_status="pending", to_status="approved")
            rows["order"] = factories.order_event()
            rows["position"] = factories.position_event()

    def write_and_take_back():
        with transaction.atomic():
            factories.signal_event(from_status="pending", to_status="never")
            transaction.set_rollback(True)

    async def scenario():
        async with _streaming() as (_, app):
            clients = [Client(app, _scope(stream_ticket_create(user))) for user in (1, 2)]
            for client in clients:
                await client.until("event: resync")
            await _in_thread(write_and_take_back)
            await _in_thread(write)
            for client in clients:
                await client.until("event: position")
                await client.leave()
            return clients

    first, second = asyncio.run(scenario())
    assert first.status == 200
    assert first.headers[b"content-type"] == b"text/event-stream; charset=utf-8"
    assert first.events() == second.events()
    entities = {"signal": "signal_id", "order": "order_id", "position": "position_id"}
    assert first.events() == [
        (
            name,
            {
                "id": str(row.pk),
                "sse_id": str(row.pk),
                "entity_id": str(getattr(row, entities[name])),
                "from": row.from_status,
                "to": row.to_status,
                "at": row.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            },
        )
        for name, row in rows.items()
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["ordinary", "group"])
def test_a_new_signal_reaches_the_clients_by_either_way(way):
    def arrive():
        request = stored(alert())
        if way == "ordinary":
            event_process(request.event_id, at=LATER)
        else:
            announcements = Announcements()
            assert accept_all(request, announcements=announcements) != [None]
            announcements.say()
        return SignalEvent.objects.get()

    async def scenario():
        async with _streaming() as (_, app):
            client = Client(app, _scope(stream_ticket_create(1)))
            await client.until("event: resync")
            row = await _in_thread(arrive)
            await client.until("event: signal")
            await client.leave()
            return row, client.events()

    row, events = asyncio.run(scenario())
    assert events == [
        (
            "signal",
            {
                "id": str(row.pk),
                "sse_id": str(row.pk),
                "entity_id": str(row.signal_id),
                "from": "",
                "to": "pending",
                "at": row.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            },
        )
    ]


@pytest.mark.django_db(transaction=True)
def test_a_lost_connection_is_made_again_and_clients_are_told_to_read_anew():
    def cut():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE application_name = 'optionsengine stream' AND datname = current_database()"
            )
            return cursor.fetchone()

    async def scenario():
        async with _streaming() as (_, app):
            client = Client(app, _scope(stream_ticket_create(1)))
            await client.until("event: resync")
            cut_off = await _in_thread(cut)
            await client.until("event: resync", times=2)
            await _in_thread(lambda: factories.signal_event(from_status="pending"))
            await client.until("event: signal")
            await client.leave()
            return cut_off

    assert asyncio.run(scenario()) == (1,)


@pytest.mark.django_db(transaction=True)
def test_a_quiet_stream_is_kept_open_and_ends_when_its_time_is_over():
    async def scenario():
        async with _streaming(quiet=0.02, longest=0.3) as (fan, app):
            client = Client(app, _scope(stream_ticket_create(1)))
            await client.until(": quiet", times=3)
            await asyncio.wait_for(client.task, DEADLINE)
            return client, len(fan._subscribers)

    client, left = asyncio.run(scenario())
    assert (client.ended, left) == (True, 0)


@pytest.mark.django_db(transaction=True)
def test_a_client_that_takes_nothing_is_dropped():
    async def scenario():
        async with _streaming(patience=0.05) as (fan, app):
            client = Client(app, _scope(stream_ticket_create(1)), takes=False)
            await asyncio.wait_for(client.task, DEADLINE)
            return len(fan._subscribers)

    assert asyncio.run(scenario()) == 0


def test_a_subscriber_too_far_behind_is_dropped_and_the_others_are_not():
    async def scenario():
        fan = Fan(backlog=2)
        fan._listening = asyncio.current_task()  # nothing listens: the events are ours
        slow, quick = fan.subscribe(), fan.subscribe()
        heard = []
        for number in (b"1", b"2", b"3", b"4"):
            fan.hand_out(number)
            heard.append(quick.get_nowait())
        return heard, [slow.get_nowait() for _ in range(slow.qsize())]

    assert asyncio.run(scenario()) == ([b"1", b"2", b"3", b"4"], [b"2", None])


@pytest.mark.django_db(transaction=True)
def test_one_stream_too_many_is_refused_and_a_place_left_is_free_again():
    async def scenario():
        async with _streaming(most=1) as (_, app):
            first = Client(app, _scope(stream_ticket_create(1)))
            await first.until(": open")
            second = Client(app, _scope(stream_ticket_create(2)))
            await second.task
            await first.leave()
            third = Client(app, _scope(stream_ticket_create(3)))
            await third.until(": open")
            await third.leave()
            return second.status, third.status

    assert asyncio.run(scenario()) == (503, 200)
