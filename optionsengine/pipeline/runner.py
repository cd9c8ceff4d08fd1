"""The runner behind `manage.py serve`: starts the parts, watches them, replaces what died or hangs, stops them all."""

import logging
import socket
import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import CommandError
from django.db import InterfaceError, OperationalError, connections

from optionsengine.core import clock
from optionsengine.core.migrate import migrate_locked
from optionsengine.market.selectors import is_simulated, providers_configured
from optionsengine.pipeline.runner_children import Child, Part
from optionsengine.pipeline.runner_pulse import Pulse, hung_cause
from optionsengine.pipeline.runner_stop import StopRequest
from optionsengine.pipeline.schedules import schedules_register

logger = logging.getLogger(__name__)
_LOOK_SECONDS = 0.2
_RETRY_SECONDS = 1.0
_STOP_SECONDS = 7.0
_HUNG_STOP_SECONDS = 2.0  # what hangs rarely listens


class Runner:
    """Runs every part until `stop` is asked for. `say` prints one line to the person who started it."""

    def __init__(self, *, stop: StopRequest, say: Callable[[str], None]) -> None:
        self._stop = stop
        self._say = say
        self._pulse = Pulse()
        self._children = {part: Child(part) for part in Part}
        self._announced = False

    def run(self) -> None:
        """Prepare the database, then run until asked to stop; nothing that was started is left behind.

        :raises CommandError: if a port is taken.
        """
        ports_check()
        if not self._database_prepare():
            return
        first_admin = not get_user_model()._default_manager.filter(is_superuser=True).exists()
        connections.close_all()
        self._pulse.begin()
        try:
            while not self._stop.asked:
                self._keep_up()
                if not self._announced and _listens(settings.PORT) and _listens(settings.STREAM_PORT):
                    self._announced = True
                    for line in banner(first_admin=first_admin):
                        self._say(line)
                self._stop.wait(_LOOK_SECONDS)
        finally:
            self._stop_all()

    def _database_prepare(self) -> bool:
        """Migrate and register the schedules, waiting for a database that is away; false if asked to stop meanwhile."""
        told = ""
        while not self._stop.asked:
            try:
                migrate_locked()
                schedules_register(at=clock.now())
            except (OperationalError, InterfaceError) as error:
                reason = str(error).strip().split("\n")[0]
                if reason != told:
                    self._say(f"Waiting for the database: {reason}")
                    told = reason
                connections.close_all()
                self._stop.wait(_RETRY_SECONDS)
            else:
                return True
        return False

    def _keep_up(self) -> None:
        for child in self._children.values():
            code = child.collect()
            if code is not None:
                self._tell_of(_ended_cause(child), f"{child.part} ended by itself (exit {code}) and is started again.")
                self._note_ended(child)
            elif child.recovered():
                self._pulse.all_clear(_ended_cause(child))
        for cluster in self._pulse.hung():
            child = self._children[Part(cluster.value)]
            self._tell_of(hung_cause(cluster), f"{cluster} hangs: it gave no sign of life and is started again.")
            child.stop(_HUNG_STOP_SECONDS)
            self._note_ended(child, hung=True)
        for child in self._children.values():
            if not child.running and child.start() and child.part.cluster is not None:
                self._pulse.started(child.part.cluster)

    def _tell_of(self, cause: str, message: str) -> None:
        logger.warning(message)
        self._pulse.alarm(cause, message)

    def _note_ended(self, child: Child, *, hung: bool = False) -> None:
        if child.part.cluster is not None:
            self._pulse.ended(child.part.cluster, hung=hung)

    def _stop_all(self) -> None:
        deadline = time.monotonic() + _STOP_SECONDS
        for child in self._children.values():
            child.ask_to_stop()
        for child in self._children.values():
            child.wait_stopped(max(0.0, deadline - time.monotonic()))
        self._say("Stopped.")


def _ended_cause(child: Child) -> str:
    return f"runner.ended:{child.part}"


def ports_check() -> None:
    """Refuse to start when somebody else listens where we would.

    :raises CommandError: with the port, and what to do.
    """
    for port in (settings.PORT, settings.STREAM_PORT):
        family = socket.AF_INET6 if ":" in settings.BIND_HOST else socket.AF_INET
        try:
            socket.create_server((settings.BIND_HOST, port), family=family).close()
        except OSError as error:
            raise CommandError(
                f"{settings.BIND_HOST}:{port} cannot be listened on ({error.strerror}): stop what uses it, or set PORT "
                "to a number whose next one is free as well (the event stream takes it), or correct BIND_HOST."
            ) from error


def banner(*, first_admin: bool) -> list[str]:
    """Return the lines that greet the person: where everything is, how real it is, and how to make the first admin."""
    web, stream = _url(settings.PORT), _url(settings.STREAM_PORT)
    simulated = is_simulated()
    market = "SIMULATED: invented prices, not the market's" if simulated else ", ".join(providers_configured())
    if simulated and settings.SIMULATED_MARKET_ALWAYS_OPEN:
        market += "; open at any hour (SIMULATED_MARKET_ALWAYS_OPEN)"
    lines = [
        "optionsengine is running; Ctrl-C stops it.",
        f"  web       {web}/",
        f"  admin     {web}/admin/",
        f"  API docs  {web}/api/docs/",
        f"  webhook   {web}/webhook",
        f"  stream    {stream}/api/v1/stream/",
        f"  market    {market}",
        f"  mode      {settings.APP_MODE}",
    ]
    if first_admin:
        lines.append("There is no admin yet: `.venv/bin/python manage.py createsuperuser` makes the first one.")
    return lines


def _url(port: int) -> str:
    return f"http://{_reachable_host()}:{port}"


def _reachable_host() -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.BIND_HOST, settings.BIND_HOST)  # noqa: S104  # compared
    return f"[{host}]" if ":" in host else str(host)


def _listens(port: int) -> bool:
    try:
        socket.create_connection((_reachable_host().strip("[]"), port), timeout=0.5).close()
    except OSError:
        return False
    return True
