"""What a person asks of the pipeline, and what is refused in words."""

from datetime import timedelta

import pytest
from django_q.models import OrmQ

from optionsengine.core.errors import Refusal
from optionsengine.pipeline.enums import PipelineCode
from optionsengine.pipeline.operations import signal_reject, signal_rerun
from signals.models import Signal, SignalEvent
from tests import factories
from tests.factories import AT

pytestmark = pytest.mark.django_db

LATER = AT + timedelta(minutes=5)


def _story(signal: Signal) -> list[tuple[str, str, str, str]]:
    rows = SignalEvent.objects.filter(signal=signal).order_by("id")
    return list(rows.values_list("from_status", "to_status", "reason", "actor"))


@pytest.mark.parametrize("status", ["rejected", "failed"])
def test_a_rejected_or_failed_signal_runs_again(status: str) -> None:
    signal = factories.signal(status=status, reason="SIGNAL_TOO_OLD", next_attempt_at=LATER + timedelta(hours=1))
    signal_rerun(signal_id=signal.pk, actor="ann", at=LATER)
    signal.refresh_from_db()
    assert (signal.status, signal.reason, signal.next_attempt_at) == ("pending", "RUN_AGAIN", None)
    assert _story(signal)[-1] == (status, "pending", "RUN_AGAIN", "ann")
    assert OrmQ.objects.count() == 1


@pytest.mark.parametrize("status", ["pending", "approved", "executed"])
def test_no_other_signal_runs_again(status: str) -> None:
    signal = factories.signal(status=status)
    with pytest.raises(Refusal) as refused:
        signal_rerun(signal_id=signal.pk, actor="ann", at=LATER)
    assert refused.value.code == PipelineCode.NOT_PENDING
    signal.refresh_from_db()
    assert signal.status == status
    assert not OrmQ.objects.exists()


def test_a_signal_whose_real_order_was_made_does_not_run_again() -> None:
    signal = factories.signal(status="rejected")
    decision = factories.decision_round(experiment=factories.experiment(signal=signal))
    factories.order(recommendation=factories.recommendation(decision=decision), status="expired", finished_at=AT)
    before = _story(signal)
    with pytest.raises(Refusal) as refused:
        signal_rerun(signal_id=signal.pk, actor="ann", at=LATER)
    assert refused.value.code == PipelineCode.ALREADY_ORDERED
    assert _story(signal) == before


@pytest.mark.parametrize("status", ["pending", "failed"])
def test_a_person_rejects_what_is_undecided_and_fences_its_worker_out(status: str) -> None:
    signal = factories.signal(status=status, claimed_by=factories.signal().pk)
    signal_reject(signal_id=signal.pk, actor="ann", reason="wrong chart", at=LATER)
    signal.refresh_from_db()
    assert (signal.status, signal.reason, signal.claimed_by) == ("rejected", "REJECTED_BY_PERSON", None)
    assert SignalEvent.objects.filter(signal=signal).latest("id").message == "wrong chart"


@pytest.mark.parametrize("status", ["approved", "executed", "rejected"])
def test_what_is_decided_cannot_be_rejected(status: str) -> None:
    signal = factories.signal(status=status)
    with pytest.raises(Refusal):
        signal_reject(signal_id=signal.pk, actor="ann", reason="", at=LATER)
    signal.refresh_from_db()
    assert signal.status == status
