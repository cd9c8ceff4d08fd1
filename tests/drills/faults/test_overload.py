"""Fault 41: the web server is stopped and started under load, and more comes than it can take."""

import signal

import pytest

from tests.drills.faults.sender import alert_new

pytestmark = pytest.mark.xdist_group("runner")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_a_restart_under_load_answers_or_never_acknowledged(scene, how):
    sender = scene.sender()
    with sender.load(6):
        sender.wait_replies(30, status="ACCEPTED")
        assert scene.web.stop(how) == 0
        scene.web.start()
        sender.wait_replies(30, status="ACCEPTED")
    scene.settle(sender)


def test_twice_what_it_can_take_waits_in_a_bounded_queue(scene):
    """As many senders at once as would need twice its threads and their queue; every one has its answer, in time."""
    sender = scene.sender()
    sender.post_all([alert_new() for _ in range(16)])
    before = scene.web.memory()
    sender.post_all([alert_new() for _ in range(400)], at_once=64)
    assert sender.statuses()[(None, None)] == 0
    assert scene.web.memory() < before * 1.5
    scene.settle(sender)
    assert scene.rows("SELECT count(*) FROM signals") == [(416,)]
