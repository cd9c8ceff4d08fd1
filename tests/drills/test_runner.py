"""`manage.py serve` as a person runs it: real processes, real kills, nothing left behind."""

import os
import signal
import socket
import subprocess

import pytest

from tests.drills.processes import MANAGE, PYTHON, OwnDatabase, Served, descendants, free_ports, get, parents, until

pytestmark = pytest.mark.xdist_group("runner")
PARTS = {"web", "stream", "entries", "exits"}


@pytest.fixture(scope="module")
def database():
    database = OwnDatabase(f"drill_runner_{os.getpid()}")
    yield database
    database.drop()


@pytest.fixture(scope="module")
def _running():
    """The one `serve` that these tests share."""
    running = []
    yield running
    for served in running:
        served.end()


@pytest.fixture
def served(database, _running, tmp_path_factory):
    """A `serve` that is up: the shared one, or another if a test has ended that."""
    if not _running or _running[-1].process.poll() is not None:
        _running.append(Served(database, tmp_path_factory.mktemp("serve") / "output"))
        _running[-1].ready()
    return _running[-1]


def _beat(database, name):
    found = database.rows("SELECT beat_at FROM heartbeats WHERE name = %s", name)
    return found[0][0] if found else None


def _beats_anew(database, name, seconds):
    before = _beat(database, name)
    until(lambda: _beat(database, name) not in (None, before), seconds, f"no new heartbeat of {name}")


def test_it_says_where_everything_is(served):
    said = served.said()
    for line in (
        f"web       {served.web}/\n",
        f"admin     {served.web}/admin/\n",
        f"API docs  {served.web}/api/docs/\n",
        f"webhook   {served.web}/webhook\n",
        f"stream    {served.stream}/api/v1/stream/\n",
        "market    SIMULATED",
        "manage.py createsuperuser` makes the first one",
    ):
        assert line in said


@pytest.mark.parametrize(
    ("path", "status"),
    [("/admin/login/", 200), ("/webhook/test", 200), ("/static/admin/css/base.css", 200), ("/nowhere", 404)],
)
def test_the_web_answers(served, path, status):
    assert get(served.web + path)[0] == status


@pytest.mark.parametrize(("path", "status"), [("/api/v1/stream/", 401), ("/admin/", 404)])
def test_the_event_stream_answers(served, path, status):
    assert get(served.stream + path)[0] == status


@pytest.mark.parametrize("cluster", ["entries", "exits"])
def test_heartbeats_come_all_the_way_through_each_cluster(served, database, cluster):
    _beats_anew(database, cluster, 30)
    ran = "SELECT DISTINCT cluster FROM django_q_task WHERE func = %s AND success"
    job = f"optionsengine.pipeline.jobs.heartbeat_{cluster}"
    # the result is written after the beat
    assert until(lambda: database.rows(ran, job), 5, "no result of a heartbeat") == [(cluster,)]


def test_a_taken_port_is_one_clear_line(served, database):
    environment = os.environ | {"PORT": str(served.port), "DATABASE_NAME": database.name}
    environment["DJANGO_SETTINGS_MODULE"] = "optionsengine.settings.base"
    second = subprocess.run([PYTHON, MANAGE, "serve"], env=environment, capture_output=True, text=True, timeout=30)
    assert second.returncode == 1
    assert second.stderr.startswith(f"CommandError: 127.0.0.1:{served.port} cannot be listened on")
    assert len(second.stderr.splitlines()) == 1


def test_a_cluster_that_hangs_is_replaced_whole_and_the_other_is_left_alone(served, database):
    _beats_anew(database, "exits", 30)
    before = served.parts()
    hung = descendants(before["exits"])
    for pid in hung:
        os.kill(pid, signal.SIGSTOP)
    until(lambda: not (hung | {before["exits"]}) & set(parents()), 15, served.said)
    until(lambda: served.parts().get("exits", before["exits"]) != before["exits"], 10, served.said)
    _beats_anew(database, "exits", 30)
    after = served.parts()
    assert {part: pid for part, pid in after.items() if part != "exits"} == {
        part: pid for part, pid in before.items() if part != "exits"
    }
    cause = "SELECT level, resolved_at IS NULL FROM alerts WHERE cause = 'runner.hung:exits'"
    until(lambda: database.rows(cause) == [("critical", False)], 10, lambda: database.rows(cause))


def test_a_part_that_dies_is_started_again_and_its_workers_die_with_it(served, database):
    before = served.parts()["entries"]
    workers = descendants(before)
    assert len(workers) >= 5
    os.kill(before, signal.SIGKILL)
    until(lambda: not workers & set(parents()), 5, "workers outlived their cluster")
    until(lambda: served.parts().get("entries") not in (None, before), 10, served.said)
    _beats_anew(database, "entries", 30)
    until(
        lambda: database.rows("SELECT 1 FROM alerts WHERE cause = 'runner.ended:entries' AND resolved_at IS NULL"),
        10,
        served.said,
    )


def test_ctrl_c_stops_everything_and_leaves_no_orphan(served):
    tree = served.tree()
    assert set(served.parts()) == PARTS
    os.killpg(served.pid, signal.SIGINT)
    assert served.process.wait(12) == 0
    assert not tree & set(parents())
    assert served.said().endswith("Stopped.\n")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", served.port), timeout=1)


def test_a_killed_runner_takes_everything_with_it(served):
    until(lambda: len(descendants(served.pid)) >= 18, 20, "the clusters are not complete")
    tree = served.tree()
    served.process.kill()
    assert served.process.wait(5) == -signal.SIGKILL
    until(lambda: not tree & set(parents()), 5, lambda: f"still there: {tree & set(parents())}")


def test_a_database_that_is_away_is_waited_for_until_ctrl_c(tmp_path):
    nowhere = {"DATABASE_URL": f"postgres://nobody@127.0.0.1:{free_ports()}/nothing"}
    served = Served(None, tmp_path / "output", **nowhere)
    try:
        until(lambda: "Waiting for the database: " in served.said(), 20, served.said)
        assert served.tree() == set()
        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(10) == 0
    finally:
        served.end()
