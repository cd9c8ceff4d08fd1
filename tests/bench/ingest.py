"""How many alerts a second are accepted over HTTP, beside the rows a second the same PostgreSQL takes from pgbench."""

from dataclasses import dataclass, field

from tests.bench.alerts import AlertMaker
from tests.bench.arithmetic import median, percentile, share
from tests.bench.load import BenchError, Sender, Tally
from tests.bench.machine import CLIENTS, Machine
from tests.bench.report import Figures

KEYS = ("ingest_vs_pgbench", "ingest_per_s", "pgbench_per_s", "ingest_p50_ms", "ingest_p99_ms")
ROUNDS = 6
ROUND_SECONDS = 3
_WARM_SECONDS = 2
_STEADY_PER_SECOND = 50
_STEADY_SECONDS = 14
_FASTEST_PER_SECOND = 4000
_KEPT = "SELECT count(*) FROM signals JOIN webhook_events AS e ON e.id = event_id AND e.status = 'accepted'"


@dataclass(slots=True)
class _Rounds:
    """One value a round."""

    pgbench: list[float] = field(default_factory=list)
    ingest: list[float] = field(default_factory=list)
    pgbench_async: list[float] = field(default_factory=list)
    ingest_async: list[float] = field(default_factory=list)


def measure(machine: Machine) -> Figures:
    """Alternate pgbench and ingest, with and without waiting for the disk, then send steadily and time each alert.

    :raises BenchError: if an alert is answered by anything but 201, or an accepted one is not in the database.
    """
    maker = AlertMaker(machine.web.port, machine.secret)
    sender = Sender(machine.web.port, CLIENTS)
    tallies: list[Tally] = []

    def flood(seconds: int) -> float:
        tallies.append(sender.flood(maker.prepare(seconds * _FASTEST_PER_SECOND), seconds))
        return tallies[-1].per_second

    def steady(seconds: int) -> Tally:
        tallies.append(sender.pace(maker.prepare(seconds * _STEADY_PER_SECOND), _STEADY_PER_SECOND))
        return tallies[-1]

    try:
        flood(_WARM_SECONDS)
        rounds = _Rounds()
        for _ in range(ROUNDS):
            rounds.pgbench.append(machine.pgbench(ROUND_SECONDS))
            rounds.ingest.append(flood(ROUND_SECONDS))
        durable = steady(_STEADY_SECONDS)
        with machine.without_durable_commits():
            for _ in range(ROUNDS // 2):
                rounds.pgbench_async.append(machine.pgbench(ROUND_SECONDS // 2))
                rounds.ingest_async.append(flood(ROUND_SECONDS // 2))
            relaxed = steady(_STEADY_SECONDS // 2)
    finally:
        sender.close()
    _require_kept(machine, tallies)
    return _figures(rounds, durable, relaxed)


def _require_kept(machine: Machine, tallies: list[Tally]) -> None:
    others = {status: count for tally in tallies for status, count in tally.statuses.items() if status != 201}
    if others:
        raise BenchError(f"every alert must be accepted; other answers by status: {others}: {machine.web.said()}")
    acknowledged = sum(tally.accepted for tally in tallies)
    stored = machine.sql(
        "SELECT count(*) FROM signals JOIN webhook_events e ON e.id = event_id AND e.status = 'accepted'"
    )
    if stored != [(acknowledged,)]:
        raise BenchError(f"{acknowledged} alerts were acknowledged and {stored[0][0]} are in the database")


def _figures(rounds: _Rounds, durable: Tally, relaxed: Tally) -> Figures:
    figures = Figures()
    figures.add("ingest_vs_pgbench", share(rounds.ingest, rounds.pgbench), "at least 0.12", each=_shares(rounds))
    figures.add("ingest_per_s", median(rounds.ingest), f"{CLIENTS} connections", each=rounds.ingest)
    figures.add("pgbench_per_s", median(rounds.pgbench), "single-row INSERT, same server", each=rounds.pgbench)
    note, relaxed_note = f"at {_STEADY_PER_SECOND} a second", "without waiting for the two commits"
    figures.add("ingest_p50_ms", percentile(durable.milliseconds, 50), note)
    figures.add("ingest_p99_ms", percentile(durable.milliseconds, 99), f"{note}; under 25")
    figures.remark("ingest_per_s", median(rounds.ingest_async), relaxed_note, rounds.ingest_async)
    figures.remark(
        "pgbench_per_s", median(rounds.pgbench_async), "without waiting for its commit", rounds.pgbench_async
    )
    figures.remark("ingest_p50_ms", percentile(relaxed.milliseconds, 50), f"{note}, {relaxed_note}")
    figures.remark("ingest_p99_ms", percentile(relaxed.milliseconds, 99), f"{note}, {relaxed_note}")
    return figures


def _shares(rounds: _Rounds) -> list[float]:
    return [one / other for one, other in zip(rounds.ingest, rounds.pgbench, strict=True)]
