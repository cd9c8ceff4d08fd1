"""When a cluster counts as hung, and what the watch makes of the signs it reads."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from optionsengine.ops.enums import Job
from optionsengine.ops.models import Heartbeat
from optionsengine.pipeline.nudges import Cluster
from optionsengine.pipeline.runner_pulse import Silence, _signs_read, is_hung
from tests import factories

AT = datetime(2026, 2, 3, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("started", "sign", "looking", "hangs", "hung"),
    [
        # beats came since the start: three intervals of 5 s and 2 s of slack
        (100, 0.0, 100, 0, False),
        (100, 16.9, 100, 0, False),
        (100, 17.0, 100, 0, False),
        (100, 17.1, 100, 0, True),
        # no beat since the start: 20 s of grace, doubled with each start in vain
        (19.9, None, 100, 0, False),
        (20.0, None, 100, 0, False),
        (20.1, None, 100, 0, True),
        (20.1, 50.0, 100, 0, True),
        (20.1, None, 100, 1, False),
        (40.1, None, 100, 1, True),
        (160.0, None, 500, 9, False),
        (160.1, None, 500, 9, True),
        # we could not look for a while: that was no silence
        (500, 60.0, 10, 0, False),
        (500, 60.0, 20.1, 0, True),
        (500, None, 20.0, 0, False),
    ],
)
def test_hung(started, sign, looking, hangs, hung):
    assert is_hung(Silence(started, sign, looking), interval=5, hangs=hangs) is hung


@pytest.mark.parametrize(("started", "hung"), [(182.0, False), (182.1, True)])
def test_the_grace_is_never_shorter_than_three_slow_beats(started, hung):
    assert is_hung(Silence(started, None, 1000), interval=60, hangs=0) is hung


@pytest.mark.django_db
@time_machine.travel(AT, tick=False)
def test_a_beat_or_a_job_of_its_own_is_a_sign_of_a_cluster():
    assert _signs_read(AT) == {Cluster.ENTRIES: (None, None), Cluster.EXITS: (None, None)}
    Heartbeat.objects.create(name="exits", beat_at=AT)
    factories.job_run(job=Job.ORCHESTRATE, created_at=AT - timedelta(minutes=2))
    assert _signs_read(AT) == {Cluster.ENTRIES: (None, None), Cluster.EXITS: (AT, None)}
    factories.job_run(job=Job.RECONCILE, created_at=AT - timedelta(seconds=100))
    newest = factories.job_run(job=Job.PROCESS_SIGNAL, created_at=AT - timedelta(seconds=90))
    assert _signs_read(AT) == {Cluster.ENTRIES: (None, newest.pk), Cluster.EXITS: (AT, None)}
