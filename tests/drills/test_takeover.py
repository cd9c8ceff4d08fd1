"""Faults 5 and 6: a worker that sleeps past its lease, and several workers on the same rows, as real processes."""

import os
import signal
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import connection, connections

from experiments.models import DecisionRound, RiskLimit
from optionsengine.core.enums import Intent, Mode
from optionsengine.pipeline.reconcile import invariants_check
from orders.models import Order
from positions.models import Position
from signals.enums import SignalStatus
from signals.models import Signal
from tests.drills.life import (
    ENTRY_AT,
    MESSAGES,
    Message,
    heal,
    leases_run_out,
    life_check,
    message_send,
    rows_clear,
    source_create,
    stages_run,
)
from tests.drills.sabotage import Saboteur

WORKERS = 3
SYMBOLS = ("AAPL", "QQQ", "SPY", "NVDA", "TSLA", "IWM")


def _fork(work: Callable[[], None]) -> int:
    """Run `work` in a forked process with connections of its own; returns its pid."""
    connections.close_all()
    child = os.fork()
    if child:
        return child
    try:
        work()
        os._exit(0)
    finally:
        os._exit(1)


def _stop(what: str) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


@pytest.fixture
def sleepers() -> Iterator[list[int]]:
    """Pids to end after the test, whatever became of it."""
    pids: list[int] = []
    yield pids
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _first_of_transactions() -> list[int]:
    """The points of one pass of the stages with no transaction open: there a sleeper holds nothing but its lease."""
    rows_clear()
    message_send(MESSAGES[0], ENTRY_AT)
    watcher = Saboteur(None, lambda what: None)
    with watcher.watching():
        stages_run(ENTRY_AT)
    return [index for index, what in enumerate(watcher.points) if index and watcher.points[index - 1] == "COMMIT"]


@pytest.mark.django_db(transaction=True)
def test_the_lease_fences_a_sleeper_out(sleepers: list[int]) -> None:
    source_create()
    points = _first_of_transactions()
    assert len(points) >= 8
    for point in points:
        rows_clear()
        assert message_send(MESSAGES[0], ENTRY_AT) == 201

        def work(point: int = point) -> None:
            with Saboteur(point, _stop).watching():
                stages_run(ENTRY_AT)

        sleeper = _fork(work)
        sleepers.append(sleeper)
        _, status = os.waitpid(sleeper, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        leases_run_out()
        stages_run(ENTRY_AT + timedelta(seconds=40))  # another worker takes over and finishes
        assert Position.objects.count() == 2
        os.kill(sleeper, signal.SIGCONT)  # the sleeper wakes up and finds its lease gone
        _, status = os.waitpid(sleeper, 0)
        sleepers.remove(sleeper)
        assert os.waitstatus_to_exitcode(status) == 0
        seen = {0: 201}
        heal(seen)
        life_check(seen)


@pytest.mark.django_db(transaction=True)
def test_three_workers_on_the_same_rows_do_everything_once() -> None:
    source_create()
    rows_clear()
    RiskLimit.objects.create(
        name="wide",
        max_open_positions=50,
        max_positions_per_symbol=50,
        max_exposure=10**6,
        max_exposure_percent=100,
        max_open_risk_percent=100,
    )
    sent = 0
    for symbol in SYMBOLS:
        for direction in ("long", "short"):
            bar = ENTRY_AT - timedelta(hours=1, seconds=2)
            body = {"symbol": symbol, "direction": direction, "timeframe": "1h", "confidence": 85}
            assert message_send(Message(ENTRY_AT, {**body, "timestamp": bar.isoformat()}), ENTRY_AT) == 201
            sent += 1

    def work() -> None:
        for _ in range(3):
            stages_run(ENTRY_AT)

    children = [_fork(work) for _ in range(WORKERS)]
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * WORKERS
    later = ENTRY_AT + timedelta(seconds=40)
    stages_run(later)
    assert DecisionRound.objects.count() == sent
    assert not Signal.objects.filter(status=SignalStatus.PENDING).exists()
    executed = Signal.objects.filter(status=SignalStatus.EXECUTED).count()
    resting = Signal.objects.filter(status=SignalStatus.APPROVED).count()  # engine B's limit orders
    assert executed >= 2
    assert Order.objects.filter(intent=Intent.ENTRY, mode=Mode.PAPER).count() == executed + resting
    assert Position.objects.filter(mode=Mode.PAPER).count() == executed
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM signals WHERE claimed_until IS NOT NULL")
        assert cursor.fetchone()[0] == 0
    assert not [result for result in invariants_check(at=later, replay_limit=None) if result.broken]
