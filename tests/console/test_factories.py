"""The builders of test rows agree with every database constraint."""

import pytest

from signals.models import Signal
from tests import factories


@pytest.mark.django_db
def test_full_life_is_consistent():
    entry = factories.full_life(rounds=3, marks=4)
    factories.full_life(closed=False)
    factories.webhook_source(token="a token")
    factories.context_received()
    factories.bias_current()
    factories.bias_history()
    factories.exit_rule()
    factories.alert()
    factories.job_run()
    assert Signal.objects.count() == 2
    assert entry.experiment.rounds.count() == 3
    assert entry.positions.count() == 2
    assert {p.marks.count() for p in entry.positions.all()} == {4}
    assert {p.performance.pnl for p in entry.positions.all()} == {p.realized_pnl for p in entry.positions.all()}
