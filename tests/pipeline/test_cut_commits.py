"""A connection cut at each COMMIT of a signal's life, before and after it took effect: everything happens once."""

import logging

import pytest
import stamina
from django.db import connection

from optionsengine.core.retry import ATTEMPTS
from optionsengine.ops.models import JobRun
from optionsengine.pipeline.events import event_process
from optionsengine.pipeline.stages import pipeline_run
from orders.models import OrderEvent
from signals.models import Signal
from tests import factories
from tests.drills.faults.cutting_proxy import Cut, cutting_proxy
from tests.drills.life import (
    ENTRY_AT,
    MESSAGES,
    is_unfinished,
    leases_run_out,
    life_check,
    message_send,
    rows_clear,
    source_create,
    stages_run,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _without_pauses():
    stamina.set_testing(True, attempts=ATTEMPTS, cap=True)
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
    stamina.set_testing(False)


@pytest.fixture
def received():
    """A stored alert whose effect has not come yet."""
    body = b'{"symbol": "SPY", "direction": "long", "timeframe": "5m", "id": "e1"}'
    return factories.webhook_event(status="received", body=body, family="", symbol="", created_at=ENTRY_AT)


@pytest.mark.parametrize("cut", list(Cut))
def test_the_effect_of_an_event_whose_commit_was_cut_is_found_by_the_event(received, cut):
    with cutting_proxy() as proxy:
        connection.ensure_connection()
        proxy.arm(cut)
        answer = event_process(received.pk, at=ENTRY_AT)
        assert (proxy.cuts, proxy.commits) == (1, 2)
    signal = Signal.objects.get()
    assert (answer.http, answer.status, answer.extra["signal_id"]) == (201, "ACCEPTED", str(signal.pk))
    received.refresh_from_db()
    assert (received.status, received.answer["signal_id"]) == ("accepted", str(signal.pk))


def _play_up_to(number):
    """The life up to the answer to its `number`-th message, the stages between the two included."""
    rows_clear()
    seen = {}
    for index, message in enumerate(MESSAGES[: number + 1]):
        if index:
            stages_run(MESSAGES[index - 1].at)
            leases_run_out()
        seen[index] = message_send(message, message.at)
    return seen


@pytest.mark.parametrize("number", range(len(MESSAGES)), ids=["entry", "exit"])
@pytest.mark.parametrize("cut", list(Cut))
def test_every_commit_of_every_stage(cut, number):
    """No sweep comes to help: what was cut is done again, or found done, in the same pass."""
    source_create()
    at = MESSAGES[number].at
    _play_up_to(number)
    with cutting_proxy() as proxy:
        stages_run(at)
        commits = proxy.commits
    assert commits > 10
    for point in range(1, commits + 1):
        seen = _play_up_to(number)
        with cutting_proxy() as proxy:
            connection.ensure_connection()
            proxy.arm(cut, point)
            pipeline_run(at=at)
            assert proxy.cuts == 1
        assert not is_unfinished(), point
        assert not JobRun.objects.exclude(error="").exists(), point
        assert not OrderEvent.objects.filter(reason="NEVER_RECEIVED").exists(), point
        if number == 0:
            leases_run_out()
            seen[1] = message_send(MESSAGES[1], MESSAGES[1].at)
            stages_run(MESSAGES[1].at)
        life_check(seen)
