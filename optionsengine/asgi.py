"""The ASGI application: the event stream and nothing else; the web is WSGI's."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "optionsengine.settings.base")
django.setup()

from optionsengine.console.stream import EventStream, Fan, Receive, Scope, Send, answer  # noqa: E402  # needs setup

_PATH = "/api/v1/stream/"
_stream = EventStream(Fan())


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer the stream's path; anything else is not found.

    :raises ValueError: for what is not an HTTP request, which tells the server that we do not speak it.
    """
    if scope["type"] != "http":
        raise ValueError(f"{scope['type']} is not served here")
    if scope["path"] == _PATH:
        await _stream(scope, receive, send)
    else:
        await answer(send, 404, "NOT_FOUND", f"Only {_PATH} is served here.")
