"""How many waiting signals a second two workers decide: a backlog that built up while no worker ran."""

import subprocess
import time

from tests.bench.alerts import AlertMaker
from tests.bench.load import BenchError, Sender
from tests.bench.machine import CLIENTS, Machine
from tests.bench.report import Figures

KEYS = ("pipeline_signals_per_s",)
WORKERS = 2
SYMBOLS = (
    *("SPY", "QQQ", "IWM", "DIA", "AAPL", "MSFT", "NVDA", "AMZN", "GOOGL", "META"),
    *("TSLA", "AMD", "NFLX", "AVGO", "JPM", "BAC", "XOM", "CVX", "DIS", "BA"),
)
TIMEFRAMES = tuple(str(minutes) for minutes in range(1, 51))
SIGNALS = len(SYMBOLS) * len(TIMEFRAMES) * 2
_POSTED_PER_SECOND = 400
_DECIDED = "SELECT count(DISTINCT experiment_id) FROM market_contexts"
# so wide that no signal is put off: one that is would have to be waited for
_LIMITS = """
    INSERT INTO risk_limits (
        id, created_at, updated_at, name, is_enabled, max_open_positions, max_positions_per_symbol, max_daily_loss,
        max_exposure, max_exposure_percent, max_open_risk_percent
    ) VALUES (gen_random_uuid(), now(), now(), 'bench', true, 100000, 100000, 99999999, 99999999, 100, 100)
"""


def measure(machine: Machine) -> Figures:
    """Post the backlog, then time two workers from their start signal to the last decision.

    :raises BenchError: if an alert is not accepted, a worker fails, or a signal is left undecided.
    """
    maker = AlertMaker(machine.web.port, machine.secret)
    machine.sql("TRUNCATE signals, webhook_events, signal_dedupe, market_contexts CASCADE")
    machine.sql(_LIMITS)
    sender = Sender(machine.web.port, CLIENTS)
    try:
        tally = sender.pace(maker.backlog(SYMBOLS, TIMEFRAMES), _POSTED_PER_SECOND)
    finally:
        sender.close()
    if tally.accepted != SIGNALS:
        raise BenchError(f"of {SIGNALS} alerts {tally.accepted} were accepted: {machine.web.said()}")
    workers = [machine.worker("tests.bench.deciding") for _ in range(WORKERS)]
    for worker in workers:
        _expect(worker, "ready")
    started = time.monotonic()
    for worker in workers:
        _tell(worker, "go")
    for worker in workers:
        _expect(worker, "done")
    seconds = time.monotonic() - started
    decided = machine.sql(_DECIDED)[0][0]
    if decided != SIGNALS:
        raise BenchError(f"{decided} of {SIGNALS} signals are decided")
    figures = Figures()
    note = f"{SIGNALS} waiting signals, {WORKERS} workers; at least 100"
    figures.add("pipeline_signals_per_s", SIGNALS / seconds, note)
    return figures


def _tell(worker: "subprocess.Popen[str]", word: str) -> None:
    assert worker.stdin is not None
    worker.stdin.write(f"{word}\n")
    worker.stdin.flush()


def _expect(worker: "subprocess.Popen[str]", word: str) -> None:
    assert worker.stdout is not None
    said = worker.stdout.readline().strip()
    if said != word:
        raise BenchError(f"a worker said {said!r} instead of {word!r}")
