"""What tests of the intake share."""

import pytest

from tests.pipeline import intake_client


@pytest.fixture(params=["framework", "front"])
def either_door(request, monkeypatch):
    """Post through the framework's door in one test, through the web server's own in another."""
    monkeypatch.setattr(intake_client, "door", [request.param])
