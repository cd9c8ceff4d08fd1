"""What every test starts from."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _fresh_process():
    """A process that has just started: it knows no sources, no failure of the database, and nothing waits."""
    from django.conf import settings

    from optionsengine.pipeline.storing import breaker
    from signals.source_snapshot import sources_forget

    sources_forget()
    breaker.succeeded()
    yield
    if any(Path(settings.SPOOL_DIR).glob("*/*")):
        shutil.rmtree(settings.SPOOL_DIR)


@pytest.fixture(autouse=True, scope="session")
def _own_spool(tmp_path_factory):
    """A spool folder of this process's own."""
    from django.test import override_settings

    with override_settings(SPOOL_DIR=tmp_path_factory.mktemp("spool")):
        yield
