"""Faults 3 and 8: at every SQL statement and every COMMIT of a signal's life the process dies, an error is raised, or
the server ends the connection."""

import logging
import os
import signal
from collections.abc import Callable, Iterator

import psycopg
import pytest
import stamina
from django.db import IntegrityError, OperationalError, connection, connections

from optionsengine.core.retry import ATTEMPTS
from tests.drills.life import heal, life_check, life_play, rows_clear, source_create
from tests.drills.sabotage import Saboteur

PARTS = 8


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """The injected errors are the subject here; their thousand tracebacks are not, nor the pauses before new tries."""
    logging.disable(logging.CRITICAL)
    with stamina.set_testing(True, attempts=ATTEMPTS, cap=True):
        yield
    logging.disable(logging.NOTSET)


def _rehearse() -> list[str]:
    """Play the life undisturbed, check it, and return its points."""
    rows_clear()
    seen: dict[int, int] = {}
    saboteur = Saboteur(None, lambda what: None)
    with saboteur.watching():
        life_play(seen.__setitem__)
    heal(seen)
    life_check(seen)
    return saboteur.points


class InjectedError(RuntimeError):
    """A bug of our own making."""


def _die(what: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _fail(what: str) -> None:
    """A bug at a statement, a deferred constraint at a commit: nothing that doing it again would mend."""
    raise (IntegrityError if what == "COMMIT" else InjectedError)("injected")


def _cut(what: str) -> None:
    """The server ends our connection: what follows fails by itself. Transactions are done again, a read may not be."""
    if "claimed_until > now()" in what:
        return  # the drill's own: it lets leases run out
    assert connection.connection is not None
    held = connection.get_connection_params()
    parameters = {name: held[name] for name in ("host", "port", "user", "password", "dbname") if name in held}
    with psycopg.connect(**parameters, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [connection.connection.info.backend_pid])


def _play_and_be_killed(point: int) -> dict[int, int]:
    """Play the life in a forked process that is killed at `point`; return what its sender saw before that."""
    connections.close_all()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with Saboteur(point, _die).watching():
                life_play(lambda number, status: os.write(writer, bytes([number, status // 100])))
        finally:
            os._exit(0)  # whatever happened, this process is no test run
    os.close(writer)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as pipe:
        told = pipe.read()
    assert os.WIFSIGNALED(status), f"point {point} was never reached"
    return {told[index]: told[index + 1] * 100 for index in range(0, len(told), 2)}


def _play_and_fail(point: int, strike: Callable[[str], None]) -> dict[int, int]:
    """Play the life in this process with a strike at `point`; return what its sender saw."""
    seen: dict[int, int] = {}
    saboteur = Saboteur(point, strike)
    with saboteur.watching():
        try:
            life_play(seen.__setitem__)
        except* (InjectedError, IntegrityError, OperationalError):
            logging.debug("the stage that was struck failed loudly")
    assert len(saboteur.points) > point, f"point {point} was never reached"
    return seen


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("how", ["kill", "raise", "cut"])
def test_a_life_survives_a_strike_at_every_statement(how: str, part: int) -> None:
    source_create()
    points = _rehearse()
    assert len(points) > 150
    for point in range(part, len(points), PARTS):
        rows_clear()
        try:
            if how == "kill":
                seen = _play_and_be_killed(point)
            else:
                seen = _play_and_fail(point, _fail if how == "raise" else _cut)
            heal(seen)
            life_check(seen)
        except BaseException as error:
            error.add_note(f"struck ({how}) at point {point}: {points[point][:300]}")
            raise
