"""The two servers: one for everything, and a small ASGI one for the event stream."""

import fcntl

from django.conf import settings
from django.core.management import call_command
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

_WEB_WORKERS = 2
_WEB_REQUESTS = 4096  # a worker's at once: one that dawdles over its body costs little more than its place
_STOP_SECONDS = 4
_STATIC_SECONDS = 3600


def web_serve() -> None:
    """Serve pages, API, webhook and static files until a signal says stop."""
    static_collect()
    Granian(
        "optionsengine.rsgi:application",
        address=settings.BIND_HOST,
        port=settings.PORT,
        interface=Interfaces.RSGI,
        websockets=False,
        workers=_WEB_WORKERS,
        backlog=_WEB_REQUESTS,
        backpressure=_WEB_REQUESTS,
        respawn_failed_workers=True,
        workers_kill_timeout=_STOP_SECONDS,
        static_path_route=["/" + settings.STATIC_URL.strip("/")],
        static_path_mount=[settings.STATIC_ROOT],
        static_path_expires=_STATIC_SECONDS,
        log_level=LogLevels.warning,
    ).serve()


def stream_serve() -> None:
    """Serve the event stream until a signal says stop."""
    Granian(
        "optionsengine.asgi:application",
        address=settings.BIND_HOST,
        port=settings.STREAM_PORT,
        interface=Interfaces.ASGINL,
        workers=1,
        respawn_failed_workers=True,
        workers_kill_timeout=_STOP_SECONDS,
        log_level=LogLevels.warning,
    ).serve()


def static_collect() -> None:
    """Bring the static files together where the server finds them, one process at a time.

    The marker tells of a collection that was killed: half a file has a fresh date, so only starting over repairs it.
    """
    root = settings.STATIC_ROOT
    root.parent.mkdir(parents=True, exist_ok=True)
    with (root.parent / f"{root.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        marker = root.parent / f"{root.name}.unfinished"
        clear = marker.exists()
        marker.touch()
        call_command("collectstatic", interactive=False, clear=clear, verbosity=0)
        marker.unlink()
