"""Faults 8, 9 and 13: the server ends a connection in the middle of the work, or at its COMMIT; deadlock and time-outs.

What the engine does again by itself is answered as if nothing had been.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.drills.faults.cutting_proxy import Cut, CuttingProxy
from tests.drills.faults.sender import ANSWER_SECONDS, alert_new
from tests.drills.processes import until

pytestmark = pytest.mark.xdist_group("runner")
WAITS = "wait_event_type = 'Lock'"


@pytest.mark.parametrize("table", ["webhook_events", "signal_dedupe"])
def test_a_connection_ended_in_the_middle_of_the_work(scene, table):
    """Before the first commit, and between the two: both are done again, once."""
    sender, alert = scene.sender(), alert_new()
    with scene.cluster.locked(table) as lock, ThreadPoolExecutor(1) as thread:
        reply = thread.submit(sender.post, alert)
        scene.waits("lock")
        assert scene.cluster.engine_cut_off(WAITS) == 1
        lock.rollback()
    assert reply.result().status == "ACCEPTED"
    assert scene.effects() == {alert["signal_id"]: 1}
    scene.settle(sender)
    assert scene.rows("SELECT status FROM webhook_events") == [("accepted",)]


@pytest.mark.parametrize("commit", ["first", "last"])
def test_a_connection_ended_after_the_server_carried_out_the_commit(scene, commit):
    """The engine cannot know whether its COMMIT was done. It was, so doing the work again must find that by key."""
    sender, alert = scene.sender(), alert_new()
    table = "webhook_events" if commit == "first" else "signal_dedupe"
    with scene.cluster.locked(table) as lock, ThreadPoolExecutor(1) as thread:
        reply = thread.submit(sender.post, alert)
        scene.waits("lock")
        with scene.cluster.commits_held():
            lock.rollback()
            scene.waits("commit")
            scene.cluster.engine_cut_off("wait_event = 'SyncRep'")
    assert reply.result().http in (201, 202), reply.result()
    scene.settle(sender)
    assert scene.rows("SELECT status FROM webhook_events") == [("accepted",)]
    assert scene.effects() == {alert["signal_id"]: 1}


def test_the_victim_of_a_deadlock_does_it_again(scene):
    """The engine writes to the inbox and waits for the key; the drill holds the key and asks for the inbox."""
    sender, alert = scene.sender(), alert_new()
    assert sender.post(alert).status == "ACCEPTED"
    before = _deadlocks(scene)
    with scene.cluster.session() as drill, ThreadPoolExecutor(1) as thread:
        drill.execute("SELECT 1 FROM signal_dedupe FOR UPDATE")
        reply = thread.submit(sender.post, alert)
        scene.waits("lock")
        drill.execute("LOCK TABLE webhook_events IN SHARE MODE")
        drill.rollback()
    assert reply.result().status == "DUPLICATE"
    until(lambda: _deadlocks(scene) == before + 1, 5, "there was no deadlock")
    scene.settle(sender)
    assert scene.rows("SELECT status FROM webhook_events ORDER BY id") == [("accepted",), ("duplicate",)]


def _deadlocks(scene):
    scene.rows("SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()")
    return scene.rows("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")[0][0]


@pytest.mark.parametrize("table", ["webhook_events", "signal_dedupe"])
def test_a_lock_that_outlasts_the_senders_patience(scene, table):
    """The wait ends by a time-out: the alert is kept and answered in time, and has its effect when the lock is gone."""
    sender = scene.sender()
    alerts = [alert_new() for _ in range(4)]
    with scene.cluster.locked(table):
        replies = sender.post_all(alerts)
        assert [(reply.http, reply.status) for reply in replies] == [(202, "QUEUED")] * 4
        assert sender.slowest() < ANSWER_SECONDS
    scene.settle(sender)
    assert scene.effects() == {alert["signal_id"]: 1 for alert in alerts}
    assert scene.rows("SELECT status FROM webhook_events") == [("accepted",)] * 4


@pytest.mark.parametrize("cut", list(Cut), ids=[cut.name.lower() for cut in Cut])
def test_a_connection_cut_on_its_way_at_the_commit(scene, cut):
    """The network ends in the middle of a COMMIT: the server has heard nothing of it, or did it and was not heard."""
    proxy = CuttingProxy("127.0.0.1", scene.cluster.port)
    sender = scene.sender()
    try:
        with scene.web.changed(DATABASE_URL=scene.cluster.url_through(proxy.port)):
            alerts = [alert_new() for _ in range(8)]
            sender.post_all(alerts)
            proxy.arm(cut)
            sender.post(alerts[0])  # an ordinary alert is one statement, a repeat a transaction of several
            until(lambda: proxy.cuts == 1, 5, "nothing was committed")
            sender.post_all([alert_new() for _ in range(8)])
    finally:
        proxy.close()
    assert sender.statuses() == {(201, "ACCEPTED"): 16, (200, "DUPLICATE"): 1}
    scene.settle(sender)
    found = scene.rows("SELECT status, count(*) FROM webhook_events GROUP BY 1 ORDER BY 1")
    assert found == [("accepted", 16), ("duplicate", 1)]
