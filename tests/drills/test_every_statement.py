"""Fault 3: the process dies, or an error is raised, at every SQL statement and every COMMIT of a signal's life."""

import logging
import os
import signal
from collections.abc import Iterator

import pytest
from django.db import OperationalError, connections

from tests.drills.life import heal, life_check, life_play, rows_clear, source_create
from tests.drills.sabotage import Saboteur

PARTS = 8


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """The injected errors are the subject here; their thousand tracebacks are not."""
    logging.disable(logging.CRITICAL)
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
    """A bug at a statement, a lost connection at a commit."""
    raise (OperationalError if what == "COMMIT" else InjectedError)("injected")


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


def _play_and_fail(point: int) -> dict[int, int]:
    """Play the life in this process with an error raised at `point`; return what its sender saw."""
    seen: dict[int, int] = {}
    saboteur = Saboteur(point, _fail)
    with saboteur.watching():
        try:
            life_play(seen.__setitem__)
        except* (InjectedError, OperationalError):
            logging.debug("the stage that was struck failed loudly")
    assert len(saboteur.points) > point, f"point {point} was never reached"
    return seen


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("how", ["kill", "raise"])
def test_a_life_survives_a_strike_at_every_statement(how: str, part: int) -> None:
    source_create()
    points = _rehearse()
    assert len(points) > 150
    for point in range(part, len(points), PARTS):
        rows_clear()
        seen = _play_and_be_killed(point) if how == "kill" else _play_and_fail(point)
        try:
            heal(seen)
            life_check(seen)
        except BaseException as error:
            error.add_note(f"struck ({how}) at point {point}: {points[point][:300]}")
            raise
