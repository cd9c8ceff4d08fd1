"""The same alert from eight senders at once, each with a connection of its own to the real database."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django_q.models import OrmQ

from bias.models import BiasStateCurrent, BiasStateHistory
from experiments.models import Experiment
from optionsengine.pipeline.events import event_process
from signals.authentication import FAILURES_PER_MINUTE
from signals.models import Signal, WebhookEvent
from tests.bias.payloads import TS, bias_body, senders_state
from tests.pipeline.intake_client import AT, SECRET, alert, post

pytestmark = pytest.mark.django_db(transaction=True)

SENDERS = 8


@pytest.fixture(autouse=True)
def _secret(settings):
    settings.HMAC_SECRET = SECRET


def at_once(*calls):
    """Run the calls in threads that start together; return what they return, in order."""
    barrier = Barrier(len(calls))

    def run(call):
        try:
            barrier.wait(timeout=30)
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@pytest.mark.parametrize("round_", range(3))
def test_eight_identical_alerts_make_one_signal(round_):
    answers = [response.json() for response in at_once(*[lambda: post(alert())] * SENDERS)]
    signal = Signal.objects.get()
    assert sorted(answer["status"] for answer in answers) == ["ACCEPTED"] + ["DUPLICATE"] * (SENDERS - 1)
    assert {answer["signal_id"] for answer in answers} == {str(signal.pk)}
    assert Experiment.objects.count() == OrmQ.objects.count() == 1
    assert sorted(WebhookEvent.objects.values_list("status", flat=True)) == ["accepted"] + ["duplicate"] * 7


def test_the_last_failure_of_a_minute_is_one_for_all_processes():
    for _ in range(FAILURES_PER_MINUTE - 1):
        post(alert(), signed=False)
    answers = at_once(*[lambda: post(alert(), signed=False)] * SENDERS)
    assert sorted(answer.status_code for answer in answers) == [401] + [429] * (SENDERS - 1)
    assert WebhookEvent.objects.count() == FAILURES_PER_MINUTE


def test_eight_alerts_with_one_sender_s_id_make_one_signal():
    symbols = ["SPY", "QQQ", "IWM", "DIA", "AAPL", "MSFT", "NVDA", "TSLA"]
    posts = [lambda symbol=symbol: post(alert(symbol=symbol, id="e1")) for symbol in symbols]
    answers = [response.json() for response in at_once(*posts)]
    signal = Signal.objects.get()
    assert sorted(answer["status"] for answer in answers) == ["ACCEPTED"] + ["DUPLICATE"] * (SENDERS - 1)
    assert {answer["signal_id"] for answer in answers} == {str(signal.pk)}


def test_eight_workers_finish_one_event_once():
    post(alert())
    event = WebhookEvent.objects.get()
    Signal.objects.get()
    answers = at_once(*[lambda: event_process(event.pk, at=AT)] * SENDERS)
    assert {answer.extra["signal_id"] for answer in answers} == {str(Signal.objects.get().pk)}


def test_eight_first_bias_events_of_a_symbol_make_one_state():
    bodies = [bias_body(event_ts_ms=TS + index) for index in range(SENDERS)]
    answers = [r.json()["status"] for r in at_once(*[lambda body=body: post(body) for body in bodies])]
    assert set(answers) <= {"ACCEPTED", "OUT_OF_ORDER"}
    assert BiasStateCurrent.objects.count() == 1
    assert int(senders_state().event_at.timestamp() * 1000) == TS + SENDERS - 1
    assert BiasStateHistory.objects.count() == SENDERS
    assert BiasStateHistory.objects.filter(is_applied=True).count() == answers.count("ACCEPTED")


def test_eight_identical_bias_events_are_applied_once():
    answers = [response.json()["status"] for response in at_once(*[lambda: post(bias_body())] * SENDERS)]
    assert sorted(answers) == ["ACCEPTED"] + ["DUPLICATE"] * (SENDERS - 1)
    assert BiasStateHistory.objects.count() == 1
