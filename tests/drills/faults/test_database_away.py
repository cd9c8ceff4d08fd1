"""Faults 10 to 12, 15 and 16: PostgreSQL crashes again and again, is away, frozen, full of others, out of disk.

An outage lasts here as long as it takes for every state to be passed through (working, noticed, spooling, back,
drained), which is seconds; nothing in the engine depends on it being a minute.
"""

import signal

import pytest

from tests.drills.faults.sender import ANSWER_SECONDS, alert_new, told

pytestmark = pytest.mark.xdist_group("runner")
QUEUED = (202, "QUEUED")


@pytest.mark.parametrize("how", [signal.SIGQUIT, signal.SIGKILL], ids=["immediate", "killed"])
def test_crashes_under_load_lose_and_double_nothing(scene, how):
    """`pg_ctl -m immediate` in a loop, or the postmaster killed, while senders post without a pause."""
    sender = scene.sender()
    for _ in range(3):
        with sender.load(4):
            sender.wait_replies(10, status="ACCEPTED")
            scene.cluster.stop(how)
            sender.wait_replies(10, status="QUEUED")
            scene.cluster.start()
            sender.wait_replies(10)
        scene.accepts_again(sender)
    assert sender.statuses()[(None, None)] == 0
    scene.settle(sender)


def test_what_comes_while_the_database_is_away_is_drained_in_order_and_once(scene):
    """An entry and its exit, the repeat of an alert from before, and one that comes twice meanwhile."""
    sender = scene.sender()
    before, entry = alert_new(), alert_new()
    leave = alert_new(symbol=entry["symbol"], action="CLOSE", direction=None)
    others = [alert_new() for _ in range(12)]
    assert sender.post(before).status == "ACCEPTED"
    scene.cluster.stop()
    meanwhile = [entry, *others, before, leave, others[0]]
    assert told([sender.post(alert) for alert in meanwhile]) == [QUEUED] * len(meanwhile)
    assert sender.slowest() < ANSWER_SECONDS
    assert scene.desk.spooled() == len(meanwhile)
    scene.cluster.start()
    late = alert_new()
    assert sender.post(late).http in (201, 202)
    scene.settle(sender)
    arrived = scene.rows("SELECT sender_event_id, status FROM webhook_events ORDER BY created_at, id")
    repeated = {len(meanwhile) - 2, len(meanwhile)}  # `before` was sent first
    assert arrived == [
        (alert["signal_id"], "duplicate" if place in repeated else "accepted")
        for place, alert in enumerate([before, *meanwhile, late])
    ]
    found = scene.rows(
        "SELECT s.intent, s.status FROM signals s WHERE symbol = %s ORDER BY s.created_at", entry["symbol"]
    )
    assert [intent for intent, _ in found] == ["entry", "exit"]
    scene.accepts_again(sender)


def test_a_frozen_database_is_waited_for_no_longer_than_the_sender_waits(scene):
    """It takes connections and answers none. What had been sent to it is carried out when it wakes up, once."""
    sender = scene.sender()
    sender.post_all([alert_new() for _ in range(8)])  # every thread has a connection now
    with scene.cluster.frozen():
        replies = sender.post_all([alert_new() for _ in range(24)])
        assert told(replies) == [QUEUED] * 24
        assert sender.slowest() < ANSWER_SECONDS
    scene.settle(sender)
    assert scene.rows("SELECT status, count(*) FROM webhook_events GROUP BY 1") == [("accepted", 32)]
    scene.accepts_again(sender)


def test_a_database_that_freezes_in_the_middle_of_a_rush_keeps_nobody_waiting(scene):
    """Some alerts are being stored then, some given their effect, and some wait behind those."""
    sender = scene.sender()
    for _ in range(3):
        with sender.load(12):
            sender.wait_replies(24, status="ACCEPTED")
            with scene.cluster.frozen():
                sender.wait_replies(24, status="QUEUED")
            sender.wait_replies(12)
        scene.accepts_again(sender)
    assert sender.statuses()[(None, None)] == 0
    assert sender.slowest() < ANSWER_SECONDS
    scene.settle(sender)


def test_without_a_free_connection_alerts_are_kept(scene):
    sender = scene.sender()
    sender.post(alert_new())
    with scene.cluster.connections_used_up():
        assert told(sender.post_all([alert_new() for _ in range(12)])) == [QUEUED] * 12
    scene.settle(sender)
    assert scene.rows("SELECT status, count(*) FROM webhook_events GROUP BY 1") == [("accepted", 13)]
    scene.accepts_again(sender)


@pytest.mark.parametrize("folder", ["base", ""], ids=["tables", "log"])
def test_a_full_disk_under_the_database_makes_no_false_acknowledgement(scene, folder):
    """No table can grow: statements fail. Nor can the log: the whole server stops, and starts only with room again."""
    sender = scene.sender()
    with scene.cluster.disk_full(scene.cluster.data / folder):
        replies = sender.post_all([alert_new() for _ in range(60)], at_once=4)
        assert {reply.http for reply in replies} <= {201, 202}
        assert QUEUED in told(replies), "the disk was not full"
        assert sender.slowest() < ANSWER_SECONDS
        scene.cluster.stop(signal.SIGKILL)  # nothing that was promised may still be in memory only
    scene.cluster.start()
    scene.settle(sender)
    assert scene.rows("SELECT status, count(*) FROM webhook_events GROUP BY 1") == [("accepted", 60)]
