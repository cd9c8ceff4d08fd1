"""Faults 1 and 2: the web server is killed before it has stored an alert, and after it has, before it answers."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.drills.faults.sender import alert_new, told

pytestmark = pytest.mark.xdist_group("runner")


@contextmanager
def _sending(sender, alert):
    """The alert is on its way in another thread; yields what will be its reply."""
    with ThreadPoolExecutor(1) as thread:
        yield thread.submit(sender.post, alert)


def _events(scene):
    return scene.rows("SELECT status, sender_event_id FROM webhook_events ORDER BY id")


@pytest.mark.parametrize("statement", ["dies", "lives on"])
def test_killed_before_the_alert_is_stored(scene, statement):
    """The INSERT waits in the server when its client dies; the server may still carry it out, or never."""
    sender, alert = scene.sender(), alert_new()
    with scene.cluster.locked("webhook_events") as lock, _sending(sender, alert) as reply:
        scene.waits("lock")
        scene.web.kill()
        assert reply.result().http is None
        if statement == "dies":
            assert scene.cluster.engine_cut_off("wait_event_type = 'Lock'") == 1
        lock.rollback()
    scene.cluster.engine_gone()
    assert _events(scene) == ([] if statement == "dies" else [("received", "")])
    scene.web.start()
    assert told(sender.resend()) == [(201, "ACCEPTED")]
    scene.settle(sender)
    accepted = [("accepted", alert["signal_id"])]
    assert sorted(_events(scene)) == (
        accepted if statement == "dies" else [*accepted, ("duplicate", alert["signal_id"])]
    )


def test_killed_between_the_two_commits(scene):
    """The alert is stored and has no effect yet: recovery gives it, and then the sender's repeat is one."""
    sender, alert = scene.sender(), alert_new()
    with scene.cluster.locked("signal_dedupe") as lock, _sending(sender, alert) as reply:
        scene.waits("lock")
        scene.web.kill()
        assert reply.result().http is None
        assert scene.cluster.engine_cut_off("wait_event_type = 'Lock'") == 1
        lock.rollback()
    assert _events(scene) == [("received", "")]
    assert scene.effects() == {}
    scene.web.start()
    scene.drain()
    assert _events(scene) == [("accepted", alert["signal_id"])]
    assert told(sender.resend()) == [(200, "DUPLICATE")]
    scene.settle(sender)


def test_killed_after_the_last_commit_before_the_answer(scene):
    """The alert has had its effect and its sender no answer: the repeat is told of the first signal."""
    sender, alert = scene.sender(), alert_new()
    with scene.cluster.locked("signal_dedupe") as lock, _sending(sender, alert) as reply:
        scene.waits("lock")
        with scene.cluster.commits_held():
            lock.rollback()
            scene.waits("commit")
            scene.web.kill()
            assert reply.result().http is None
    scene.cluster.engine_gone()
    assert _events(scene) == [("accepted", alert["signal_id"])]
    assert scene.effects() == {alert["signal_id"]: 1}
    scene.web.start()
    assert told(sender.resend()) == [(200, "DUPLICATE")]
    scene.settle(sender)


def test_workers_killed_under_load_are_replaced(scene):
    """The server's own keeper stays and forks new workers; meanwhile the senders repeat what had no answer."""
    sender = scene.sender()
    with sender.load(4):
        sender.wait_replies(20)
        scene.web.kill_workers()
        scene.web.wait_ready()
        sender.wait_replies(20, status="ACCEPTED")
    assert sender.statuses()[(None, None)] > 0, "nothing was under way when the workers died"
    scene.settle(sender)
