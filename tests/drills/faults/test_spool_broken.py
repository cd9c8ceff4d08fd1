"""Fault 17, and where even the spool is no way out: full, without room on the disk, torn in the middle of a record."""

import pytest

from tests.drills.faults.sender import ANSWER_SECONDS, alert_new, told

pytestmark = pytest.mark.xdist_group("runner")
QUEUED = (202, "QUEUED")
UNAVAILABLE = (503, "UNAVAILABLE")


def _bytes(scene):
    return sum(path.stat().st_size for path in scene.spool.iterdir())


@pytest.mark.parametrize("how", ["", "half"], ids=["at once", "in the middle of a record"])
def test_an_alert_that_can_be_kept_nowhere_is_refused_and_leaves_nothing(scene, how):
    """The database is away and the spool's disk has no room: only then 503, and the sender sends again."""
    sender = scene.sender()
    scene.cluster.stop()
    kept = sender.post_all([alert_new() for _ in range(4)])
    size = _bytes(scene)
    with scene.cluster.disk_full(scene.spool, how):
        refused = sender.post_all([alert_new() for _ in range(6)])
        assert told(refused) == [UNAVAILABLE] * 6
    assert {reply.content["code"] for reply in refused} == {"UNAVAILABLE"}
    assert _bytes(scene) == size
    kept += sender.post_all([alert_new() for _ in range(4)])
    assert told(kept) == [QUEUED] * 8
    assert sender.slowest() < ANSWER_SECONDS
    scene.cluster.start()
    scene.drain()
    assert scene.effects() == {reply.alert_id: 1 for reply in kept}
    scene.accepts_again(sender)
    assert told(sender.resend()) == [(201, "ACCEPTED")] * 6
    scene.settle(sender, allowed={200, 201, 202, 503})


def test_a_spool_at_its_limit_refuses_and_stays_at_it(scene):
    """SPOOL_MAX_MB is one here: the alerts are large, so that few of them fill it."""
    sender = scene.sender()
    scene.cluster.stop()
    with scene.web.changed(SPOOL_MAX_MB="1"):
        alerts = [alert_new(note="n" * 100_000) for _ in range(16)]
        replies = [sender.post(alert) for alert in alerts]
        answers = told(replies)
        kept = answers.count(QUEUED)
        assert answers == [QUEUED] * kept + [UNAVAILABLE] * (16 - kept)
        assert 5 <= kept <= 10
        assert _bytes(scene) <= 1024 * 1024
        scene.cluster.start()
        scene.drain()
        assert scene.effects() == {reply.alert_id: 1 for reply in replies[:kept]}
        scene.accepts_again(sender)
        assert told(sender.resend()) == [(201, "ACCEPTED")] * (16 - kept)
        scene.settle(sender, allowed={200, 201, 202, 503})


@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_a_record_torn_by_a_power_cut_takes_no_acknowledged_one_with_it(scene, share):
    """Every server process is killed, and of a record that was being written only a part is on the disk."""
    sender = scene.sender()
    scene.cluster.stop()
    assert told(sender.post_all([alert_new() for _ in range(10)])) == [QUEUED] * 10
    scene.web.kill()
    files = [path for path in scene.spool.iterdir() if path.suffix == ".spool"]
    assert files
    for path in files:
        record = path.read_bytes().splitlines(keepends=True)[0]
        with path.open("ab") as file:
            file.write(record[: max(1, int(len(record) * share))])
    scene.cluster.start()
    scene.web.start()
    scene.drain()
    assert scene.effects() == dict.fromkeys(sender.alerts, 1)
    assert not [path for path in scene.spool.iterdir() if path.suffix == ".bad"]
    scene.settle(sender)
