"""Fault 35: a source's secret is rotated while alerts come without a pause."""

import pytest

from tests.drills.faults.sender import alert_new, told
from tests.drills.processes import until

pytestmark = pytest.mark.xdist_group("runner")
OVERLAP_SECONDS = 3600


def test_no_alert_is_refused_while_both_secrets_hold_and_the_old_one_ends(scene):
    """The sender changes over at a moment of its own, the very next request or later; in the overlap each is right."""
    slug = "rotated"
    first = scene.desk.source_create(slug=slug, name="Rotated", mode="hmac", is_default=True)
    sender = scene.sender(secret=first)
    until(lambda: sender.post(alert_new()).http == 201, 5, sender.statuses)
    sender.replies.clear()  # until its source was known everywhere it was nobody's
    sender.alerts.clear()
    with sender.load(4):
        sender.wait_replies(20)
        second = scene.desk.secret_rotate(slug=slug, overlap_seconds=OVERLAP_SECONDS)
        early = scene.sender(secret=second)
        early.post_all([alert_new() for _ in range(16)])
        sender.wait_replies(20)
    assert set(sender.statuses()) == {(201, "ACCEPTED")}
    assert early.statuses() == {(201, "ACCEPTED"): 16}
    scene.desk.secret_rotate(slug=slug, overlap_seconds=0)
    late = scene.sender(secret=first, source_address="127.0.0.35")
    until(lambda: told([late.post(alert_new())]) == [(401, "REJECTED")], 5, late.statuses)
    scene.settle(sender)
