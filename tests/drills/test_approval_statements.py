"""Fault 3 for the review queue: at every statement and COMMIT of asking, approving, rejecting, lapsing and superseding
the process dies, an error is raised, or the server ends the connection; then everything has its one end."""

import logging
import os
import signal
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import stamina
from django.db import IntegrityError, OperationalError, connections
from django.test import override_settings

from experiments.models import Approval
from optionsengine.core import clock
from optionsengine.core.errors import Refusal
from optionsengine.core.retry import ATTEMPTS
from optionsengine.ops.models import Alert
from optionsengine.pipeline.approvals import signal_approve
from optionsengine.pipeline.enums import Stage
from optionsengine.pipeline.operations import signal_reject
from optionsengine.pipeline.reconcile import invariants_check
from optionsengine.pipeline.stages import stage_run
from orders.models import Order
from signals.models import Signal
from tests.drills.life import (
    ENTRY_AT,
    EXIT_AT,
    MESSAGES,
    leases_run_out,
    message_send,
    rows_clear,
    source_create,
    stages_run,
)
from tests.drills.sabotage import Saboteur
from tests.drills.test_every_statement import InjectedError, _cut, _die, _fail

ASKED_AT = ENTRY_AT + timedelta(seconds=5)
LAPSES_AT = ASKED_AT + timedelta(seconds=300)
WAYS = {"kill": _die, "raise": _fail, "cut": _cut}
# how the entry ends, and its newest approval
ENDS = {
    "approve": ("executed", "FILLED", "approved"),
    "reject": ("rejected", "REJECTED_BY_PERSON", "rejected"),
    "lapse": ("rejected", "APPROVAL_LAPSED", "lapsed"),
    "exit": ("rejected", "SUPERSEDED", "superseded"),
}


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """The injected errors are the subject here, not their tracebacks, nor the pauses before new tries."""
    logging.disable(logging.CRITICAL)
    with stamina.set_testing(True, attempts=ATTEMPTS, cap=True), override_settings(APPROVAL="manual"):
        yield
    logging.disable(logging.NOTSET)


def _stage(stage: Stage, seconds: float) -> None:
    at = ENTRY_AT + timedelta(seconds=seconds)
    leases_run_out()
    with clock.frozen(at):
        stage_run(stage, at=at)


def _answer(act: str, seconds: float) -> None:
    """What the person, the clock or the sender of the exit does, as often as it takes."""
    at = ENTRY_AT + timedelta(seconds=seconds)
    waiting = Signal.objects.filter(status="awaiting_approval").values_list("pk", flat=True).first()
    with clock.frozen(at):
        if act == "approve" and waiting:
            signal_approve(signal_id=waiting, actor="ann", at=at)
        elif act == "reject" and waiting:
            signal_reject(signal_id=waiting, actor="ann", reason="no", at=at)
        elif act == "lapse":
            stage_run(Stage.DECIDE, at=max(at, LAPSES_AT))
        elif act == "exit":
            stage_run(Stage.EXITS, at=at)


def _prepare(act: str) -> None:
    rows_clear()
    assert message_send(MESSAGES[0], ENTRY_AT) == 201


def _play(act: str, saboteur: Saboteur) -> None:
    with saboteur.watching():
        _stage(Stage.DECIDE, 5)
    if act == "exit":
        assert message_send(MESSAGES[1], EXIT_AT) == 201
    with saboteur.watching():
        _answer(act, 185)


def _heal(act: str) -> None:
    for seconds in (190, 230, 270):
        leases_run_out()
        if act == "exit" and not Signal.objects.filter(intent="exit").exists():
            message_send(MESSAGES[1], EXIT_AT + timedelta(seconds=5))
        try:
            _answer(act, seconds)
        except Refusal:
            logging.debug("it was answered before the strike was felt")
        if act != "lapse":
            _stage(Stage.DECIDE, seconds + 1)
            _answer(act, seconds + 2)
    for seconds in (310, 350) if act == "approve" else (700, 740):
        leases_run_out()
        stages_run(ENTRY_AT + timedelta(seconds=seconds))


def _check(act: str) -> None:
    entry = Signal.objects.get(intent="entry")
    *status, answer = ENDS[act]
    assert [entry.status, entry.reason] == status
    answers = list(Approval.objects.values_list("status", flat=True))
    # an exit may come before it is asked at all
    assert answers == [answer] or (act == "exit" and not answers)
    assert not Alert.objects.filter(cause__startswith="approval:", resolved_at=None).exists()
    paper = Order.objects.filter(intent="entry", mode="paper")
    assert paper.count() == (1 if act == "approve" else 0)
    assert not Order.objects.filter(recommendation__decision__approval__isnull=False).exists()
    for result in invariants_check(at=ENTRY_AT + timedelta(seconds=760), replay_limit=None):
        assert result.broken == 0, (result.number, result.name, result.examples)


def _killed(act: str, point: int) -> None:
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            _play(act, Saboteur(point, _die))
        finally:
            os._exit(0)  # whatever happened, this process is no test run
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"point {point} was never reached"
    assert os.WTERMSIG(status) == signal.SIGKILL


def _struck(act: str, point: int, strike: Callable[[str], None]) -> None:
    saboteur = Saboteur(point, strike)
    try:
        _play(act, saboteur)
    except* (InjectedError, IntegrityError, OperationalError):
        logging.debug("what was struck failed loudly")
    assert len(saboteur.points) > point, f"point {point} was never reached"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", ENDS)
@pytest.mark.parametrize("how", WAYS)
def test_a_review_survives_a_strike_at_every_statement(how: str, act: str) -> None:
    source_create()
    for _ in range(2):  # the first fills caches, so that the second has the statements of all that follow
        _prepare(act)
        saboteur = Saboteur(None, lambda what: None)
        _play(act, saboteur)
        _heal(act)
        _check(act)
    asked = next(number for number, what in enumerate(saboteur.points) if 'INSERT INTO "approvals"' in what)
    assert len(saboteur.points) > asked + 10
    # the decision before it is the other drill's; from there on every point is new
    for point in range(asked - 2, len(saboteur.points)):
        _prepare(act)
        try:
            if how == "kill":
                _killed(act, point)
            else:
                _struck(act, point, WAYS[how])
            connections.close_all()  # a person's next request finds out that its connection was cut
            _heal(act)
            _check(act)
        except BaseException as error:
            error.add_note(f"struck ({how}) at point {point}: {saboteur.points[point][:300]}")
            raise
