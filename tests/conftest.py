"""What every test starts from."""

import pytest


@pytest.fixture(autouse=True)
def _sources_not_known():
    """A process that has just started: what an earlier test's sources were is forgotten."""
    from signals.source_snapshot import sources_forget

    sources_forget()


@pytest.fixture(autouse=True, scope="session")
def _own_spool(tmp_path_factory):
    """A spool folder of this process's own."""
    from django.test import override_settings

    with override_settings(SPOOL_DIR=tmp_path_factory.mktemp("spool")):
        yield
