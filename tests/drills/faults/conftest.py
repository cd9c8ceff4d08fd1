"""One PostgreSQL, one web server and one operator for all of these drills; each drill finds them whole and empty."""

import shutil
from types import SimpleNamespace

import pytest
from django.conf import settings

from tests.drills.faults.cluster import ENGINE, Cluster
from tests.drills.faults.desk import Desk, environment_of
from tests.drills.faults.scene import Scene
from tests.drills.faults.sender import SECRET
from tests.drills.faults.web import Web


@pytest.fixture(scope="session")
def _built(tmp_path_factory):
    """What is costly to start, started once. Whatever fails on the way, what was started ends."""
    folder = tmp_path_factory.mktemp("faults")
    cluster = Cluster()
    built = SimpleNamespace(cluster=cluster, web=None, desk=None, spool=folder / "spool" / ENGINE, folder=folder)
    try:
        cluster.start()
        cluster.fill()
        environment = environment_of(
            DATABASE_URL=cluster.url,
            SPOOL_DIR=str(built.spool.parent),
            HMAC_SECRET=SECRET,
            MARKET_DATA_PROVIDERS="simulated",
            SIMULATED_MARKET_ALWAYS_OPEN="true",
            AB_SPLIT_PERCENTAGE="0",
            PYTHONPATH=str(settings.BASE_DIR),
        )
        built.desk = Desk(environment)
        built.web = Web(folder / "web.log", environment | cluster.preload)
        built.web.start()
        yield built
    finally:
        for part in (built.web, built.desk):
            if part is not None:
                part.end()
        cluster.remove()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def scene(_built):
    """Everything healed, no row and no spooled record left of another drill; checked again by `scene.settle`."""
    scene = Scene(_built.cluster, _built.web, _built.desk, _built.spool)
    scene.heal()
    scene.clear()
    scene.accepts_again(scene.sender())
    scene.clear()
    return scene
