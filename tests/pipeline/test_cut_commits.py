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
from signals.models import Signal, WebhookEvent
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


def _stages_of_an_entry():
    """The commits of the passes that decide, order and fill the life's entry."""
    rows_clear()
    assert message_send(MESSAGES[0], ENTRY_AT) == 201
    with cutting_proxy() as proxy:
        stages_run(ENTRY_AT)
        return proxy.commits


@pytest.mark.parametrize("cut", list(Cut))
def test_every_commit_of_every_stage(cut):
    """No sweep comes to help: what was cut is done again, or found done, in the same pass."""
    source_create()
    commits = _stages_of_an_entry()
    assert commits > 10
    for number in range(1, commits + 1):
        rows_clear()
        seen = {index: message_send(message, message.at) for index, message in enumerate(MESSAGES[:1])}
        with cutting_proxy() as proxy:
            connection.ensure_connection()
            proxy.arm(cut, number)
            pipeline_run(at=ENTRY_AT)
            assert proxy.cuts == 1
        assert not is_unfinished(), number
        assert JobRun.objects.exclude(error="").count() == 0, number
        assert not OrderEvent.objects.filter(reason="NEVER_RECEIVED").exists(), number
        assert WebhookEvent.objects.count() == 1
        leases_run_out()
        seen[1] = message_send(MESSAGES[1], MESSAGES[1].at)
        stages_run(MESSAGES[1].at)
        life_check(seen)
