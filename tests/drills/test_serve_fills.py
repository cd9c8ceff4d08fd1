"""From a signed alert to a filled and closed position through `manage.py serve`, and a worker killed on the way."""

import hashlib
import hmac
import json
import os
import signal
import subprocess
import urllib.request
from contextlib import contextmanager

import pytest

from tests.drills.processes import MANAGE, PYTHON, OwnDatabase, Served, cpu_ticks, descendants, parents, until

pytestmark = pytest.mark.xdist_group("runner")
SECRET = "the secret this drill signs its alerts with"
SIDES = ("long", "short")
DEADLINE = 10


@pytest.fixture(scope="module")
def database():
    database = OwnDatabase(f"drill_fills_{os.getpid()}")
    yield database
    database.drop()


@pytest.fixture(scope="module")
def served(database, tmp_path_factory):
    served = Served(
        database,
        tmp_path_factory.mktemp("serve") / "output",
        HMAC_SECRET=SECRET,
        AB_SPLIT_PERCENTAGE="0",
        SIMULATED_MARKET_ALWAYS_OPEN="true",
        PAPER_STARTING_EQUITY="1000000",
        HEARTBEAT_INTERVAL="2",
        ORCHESTRATOR_INTERVAL="2",
        ORDER_CREATOR_INTERVAL="2",
        EXECUTOR_INTERVAL="2",
    )
    try:
        served.ready()
        database.rows(
            "INSERT INTO risk_limits (id, created_at, updated_at, name, is_enabled, max_open_positions, "
            "max_positions_per_symbol, max_daily_loss, max_exposure, max_exposure_percent, max_open_risk_percent) "
            "VALUES (gen_random_uuid(), now(), now(), 'wide', true, 99, 99, 1000000, 1000000, 100, 100)"
        )
        until(lambda: database.rows("SELECT count(*) FROM heartbeats") == [(2,)], 30, served.said)
        yield served
    finally:
        served.end()


def _post(served, **alert):
    """Send a signed alert, a test's so that the breakers let twenty of one expiry in; its answer when accepted."""
    body = json.dumps({"timeframe": "1h", "is_test": True, **alert}).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Webhook-Signature": signature}
    with urllib.request.urlopen(urllib.request.Request(served.web + "/webhook", body, headers), timeout=5) as answer:
        assert answer.status == 201
        return json.load(answer)


def _enter(served, symbol, side):
    answer = _post(served, symbol=symbol, direction=side, confidence=85)
    assert (answer["status"], answer["intent"], answer["variant"]) == ("ACCEPTED", "entry", "A")
    return answer["signal_id"]


def _statuses(database, signals):
    return [status for (status,) in database.rows("SELECT status FROM signals WHERE id = ANY(%s::uuid[])", signals)]


def _wait_executed(database, served, signals, seconds=DEADLINE):
    wanted = ["executed"] * len(signals)
    until(
        lambda: _statuses(database, signals) == wanted, seconds, lambda: (_statuses(database, signals), served.said())
    )


def _books(database, signals):
    """What each signal's real engine has: orders, trades and positions, each counted, and whether they agree."""
    return database.rows(
        """
        SELECT count(DISTINCT o.id), count(DISTINCT t.id), count(DISTINCT p.id), min(p.status),
               bool_and(o.status = 'filled' AND o.filled_quantity = o.quantity AND t.quantity = o.quantity
                        AND p.opened_quantity = o.quantity)
        FROM signals s
        LEFT JOIN orders o ON o.signal_id = s.id AND o.intent = 'entry' AND o.mode = 'paper'
        LEFT JOIN trades t ON t.order_id = o.id
        LEFT JOIN positions p ON p.signal_id = s.id AND p.mode = 'paper'
        WHERE s.id = ANY(%s::uuid[]) GROUP BY s.id
        """,
        signals,
    )


@contextmanager
def _frozen(served, part):
    """Stop every process of a part for less time than the runner takes to call it hung."""
    leader = served.parts()[part]
    os.killpg(leader, signal.SIGSTOP)
    try:
        yield leader
    finally:
        os.killpg(leader, signal.SIGCONT)


def _reconcile(database):
    environment = os.environ | {"DATABASE_NAME": database.name, "DJANGO_SETTINGS_MODULE": "optionsengine.settings.base"}
    run = subprocess.run([PYTHON, MANAGE, "reconcile", "--json"], env=environment, capture_output=True, timeout=60)
    assert run.returncode == 0, run.stderr.decode()
    return json.loads(run.stdout)


def test_each_signed_alert_becomes_one_filled_position_in_another_process_than_the_webs(served, database):
    with _frozen(served, "entries"):
        first = _enter(served, "AAPL", "long")
        assert _statuses(database, [first]) == ["pending"]
        assert _books(database, [first]) == [(0, 0, 0, None, None)]
    _wait_executed(database, served, [first])
    signals = [first]
    others = [(symbol, side) for symbol in ("SPY", "QQQ", "NVDA", "IWM") for side in SIDES]
    for symbol, side in [("AAPL", "short"), *others]:
        signals.append(_enter(served, symbol, side))
        _wait_executed(database, served, signals[-1:])
    assert _books(database, signals) == [(1, 1, 1, "open", True)] * 10
    ran = "SELECT cluster, success, count(*) FROM django_q_task WHERE func LIKE '%%.process_signal' GROUP BY 1, 2"
    until(lambda: database.rows(ran) == [("entries", True, len(signals))], DEADLINE, lambda: database.rows(ran))


def test_an_exit_alert_closes_the_position_while_the_entries_stand_still(served, database):
    entered = _enter(served, "DIA", "long")
    _wait_executed(database, served, [entered])
    with _frozen(served, "entries"):
        answer = _post(served, symbol="DIA", action="CLOSE")
        assert (answer["status"], answer["intent"]) == ("ACCEPTED", "exit")
        closed = "SELECT status, quantity, exit_reason FROM positions WHERE signal_id = %s AND mode = 'paper'"
        until(lambda: database.rows(closed, entered)[0][0] == "closed", 5, lambda: database.rows(closed, entered))
    assert database.rows(closed, entered) == [("closed", 0, "EXIT_SIGNAL")]
    exits = """
        SELECT o.status, count(t.id) FROM orders o JOIN trades t ON t.order_id = o.id
        WHERE o.signal_id = %s AND o.exit_signal_id = %s AND o.intent = 'exit' AND o.mode = 'paper' GROUP BY o.id
        """
    assert database.rows(exits, entered, answer["signal_id"]) == [("filled", 1)]
    assert _statuses(database, [answer["signal_id"]]) == ["executed"]


def test_a_worker_killed_in_the_middle_of_a_burst_loses_and_doubles_nothing(served, database):
    with _frozen(served, "entries") as leader:
        workers = descendants(leader)
        idle = {pid: cpu_ticks(pid) for pid in workers}
        signals = [
            _enter(served, symbol, side) for symbol in ("MSFT", "META", "GOOGL", "AMD", "AMZN") for side in SIDES
        ]
        assert _statuses(database, signals) == ["pending"] * 10
    at_work = "SELECT 1 FROM signals WHERE id = ANY(%s::uuid[]) AND claimed_until > now()"
    until(lambda: "executed" in _statuses(database, signals) and database.rows(at_work, signals), DEADLINE, served.said)
    busiest = max(workers, key=lambda pid: cpu_ticks(pid) - idle[pid])
    os.kill(busiest, signal.SIGKILL)
    assert "pending" in _statuses(database, signals), "the burst was over before the worker was killed"
    until(lambda: busiest not in parents(), 5, "it is still there")
    # a minute passes for the leases: the dead worker's row is free, and who still works finds its own taken over
    for table in ("signals", "orders"):
        database.rows(f"UPDATE {table} SET claimed_until = now() WHERE claimed_until > now()")
    _wait_executed(database, served, signals, seconds=45)
    assert _books(database, signals) == [(1, 1, 1, "open", True)] * 10
    events = database.rows("SELECT status, count(*) FROM webhook_events GROUP BY 1")
    assert events == [("accepted", database.rows("SELECT count(*) FROM signals")[0][0])]
    found = _reconcile(database)
    assert found["broken"] == 0
    assert found["rows"] > len(signals)
