"""The webhook's own door in the web server: alerts that arrive together are taken in together.

The framework's way (`webhook_views`) gives the same answers one by one, under more headers. It keeps whatever is more
than an alert: other methods, redirects to TLS, browsers that ask across origins, addresses that lead nowhere, hosts
that are not ours.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db import close_old_connections, reset_queries
from django.http import HttpRequest
from django.urls import Resolver404, URLResolver
from django.urls.resolvers import RegexPattern

from optionsengine.core import clock
from optionsengine.core.announcements import Announcements
from optionsengine.core.together import Together
from optionsengine.pipeline.answers import Answer, answer_failed, answer_unavailable
from optionsengine.pipeline.intake import MAX_BODY_BYTES, Incoming, request_receive, requests_receive
from optionsengine.pipeline.webhook_views import (
    MASKED_PATH,
    Environment,
    answer_content,
    incoming_read,
    webhook,
)

logger = logging.getLogger(__name__)

AT_MOST = 64  # a group's answers wait for the whole of it
ORDINARY_BYTES = 16 * 1024  # a larger body is read alone: nobody waits for the work it makes
GIVE_UP_SECONDS = 2.4  # not even a disk that hangs keeps a sender waiting
ANNOUNCE_SECONDS = 0.05  # at most, in a rush; after it, and after an alert that came alone, at once
_HEADERS = [("content-type", "application/json"), ("x-content-type-options", "nosniff")]
_announcements = Announcements()
_addresses = URLResolver(RegexPattern(r"^/"), "optionsengine.pipeline.urls")

Result = TypeVar("Result")
Reply = tuple[int, list[tuple[str, str]], bytes]


def _take(arrivals: Sequence[tuple[Incoming, datetime]]) -> Sequence[Answer | Callable[[], Answer]]:
    def work() -> Sequence[Answer | Callable[[], Answer]]:
        results = requests_receive(arrivals, announcements=_announcements)
        _announcements.say(every=ANNOUNCE_SECONDS)
        return results

    return _connected(work)


def _rest() -> None:
    _connected(_announcements.say)


def _connected(work: Callable[[], Result]) -> Result:
    """Do `work` with the care for this thread's database connection that the framework gives each request."""
    reset_queries()
    close_old_connections()
    try:
        return work()
    finally:
        close_old_connections()


_together = Together[tuple[Incoming, datetime], Answer | Callable[[], Answer]](
    _take, most=AT_MOST, seconds=GIVE_UP_SECONDS, rest=_rest
)


def alert_read(environment: dict[str, Any], body: bytes) -> Incoming | None:
    """Return the alert that a request is; None for what the framework answers."""
    is_whole = int(environment["CONTENT_LENGTH"]) <= len(body) <= MAX_BODY_BYTES
    if environment["REQUEST_METHOD"] != "POST" or "HTTP_ORIGIN" in environment or not is_whole:
        return None
    proxied = environment.get(settings.SECURE_PROXY_SSL_HEADER[0], "") if settings.SECURE_PROXY_SSL_HEADER else ""
    if not _is_let_in(environment.get("HTTP_HOST", ""), proxied):
        return None
    path = environment["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
    try:
        match = _addresses.resolve(path)
    except Resolver404:
        return None
    if match.func is not webhook:
        return None
    slug, token = match.kwargs.get("slug", ""), match.kwargs.get("token", "")
    return incoming_read(environment, body=body, path=MASKED_PATH if token else path, slug=slug, token=token)


@lru_cache(maxsize=256)
def _is_let_in(host: str, proxied: str) -> bool:
    """Tell whether the framework would let a request to this host pass, and would not redirect it to TLS."""
    request = HttpRequest()
    request.META = {"HTTP_HOST": host}
    if settings.SECURE_PROXY_SSL_HEADER:
        request.META[settings.SECURE_PROXY_SSL_HEADER[0]] = proxied
    try:
        request.get_host()
    except (DisallowedHost, KeyError):
        return False
    return request.is_secure() or not settings.SECURE_SSL_REDIRECT


async def alert_take(environment: Environment, incoming: Incoming, *, threads: Executor) -> Reply:
    """Take an alert in and return the reply; what is more work than the ordinary alert's is done by `threads`."""
    try:
        answer = await _taken(incoming, at=clock.now(), threads=threads)
    except TimeoutError:
        logger.error("an alert waited for more than %s s; if it is stored, recovery finishes it", GIVE_UP_SECONDS)
        answer = answer_unavailable()
    except Exception:
        logger.exception("an alert could not be taken in")
        answer = answer_failed()
    content = answer_content(environment, answer, incoming.started)
    return answer.http, _HEADERS, json.dumps(content).encode()


async def _taken(incoming: Incoming, *, at: datetime, threads: Executor) -> Answer:
    result: Answer | Callable[[], Answer] = partial(request_receive, incoming, at=at)
    if len(incoming.body) <= ORDINARY_BYTES:
        result = await _together((incoming, at))
    if isinstance(result, Answer):
        return result
    return await asyncio.get_running_loop().run_in_executor(threads, _connected, result)
