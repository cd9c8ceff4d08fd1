"""The one statement for the ordinary alert writes what the ordinary way writes, and gives way wherever it must."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from experiments.models import Experiment
from optionsengine.core import ids
from optionsengine.core.announcements import Announcements
from optionsengine.pipeline.acceptance import Stored, events_accept
from optionsengine.pipeline.events import event_process
from signals.data import JudgedRequest
from signals.models import Signal, SignalDedupe, SignalEvent, WebhookEvent
from signals.services import webhook_events_store
from signals.source_snapshot import sources_known
from tests import factories
from tests.pipeline.intake_client import AT, alert
from tests.signals.test_services import LATER

pytestmark = pytest.mark.django_db

BODIES = {
    "plain": alert(),
    "everything": alert(
        id="sender-1",
        confidence=81.5,
        price="500.125",
        quantity=3,
        strike=505,
        expiration="2026-02-20",
        pattern="bull flag",
        is_test=True,
        note={"nested": ["ü", None, 1.5]},
    ),
    "short": alert(direction="short", timeframe="1h", symbol="BRK.B"),
    "exit": alert(action="CLOSE", pnl=-12.25),
    "exit of every side": alert(direction=None, action="FLATTEN", timeframe=None),
    "strategy": alert(direction=None, ticker="QQQ", strategy={"order_action": "buy"}),
}


def stored(body, source=None, **changes):
    raw = json.dumps(body).encode()
    values = {
        "event_id": ids.new_id(),
        "received_at": AT,
        "source_id": source.pk if source else None,
        "authenticated": True,
        "path": "/webhook",
        "content_type": "application/json",
        "body": raw,
        "headers": {},
        "source_ip": "203.0.113.7",
        "user_agent": "test",
        "size": len(raw),
    }
    request = JudgedRequest(**values | changes)
    webhook_events_store([request])
    return request


def facts(source):
    return next(known for known in sources_known() if known.pk == source.pk) if source else None


def accept_all(*requests, source=None, announcements=None):
    return events_accept(
        [Stored(request, facts(source), json.loads(request.body), 0.0) for request in requests],
        at=LATER,
        announcements=announcements or Announcements(),
    )


def accept(body, source=None, **changes):
    request = stored(body, source, **changes)
    [answer] = accept_all(request, source=source)
    return request, answer


def everything(request):
    """Every row an alert makes, keys and the measured time left out, the queued task as its worker reads it."""
    varying = {"id", "signal_id", "event_id", "processing_ms", "answer", "key"}

    def plain(rows):
        return [{name: value for name, value in row.items() if name not in varying} for row in rows.values()]

    event = WebhookEvent.objects.filter(pk=request.event_id)
    tasks = [(queued.key, SignedPackage.loads(queued.payload)) for queued in OrmQ.objects.all()]
    answer = {**event.get().answer}
    signal = Signal.objects.get()
    return {
        "event": plain(event),
        "answer": {name: value for name, value in answer.items() if name not in ("signal_id", "experiment_id")},
        "signal": plain(Signal.objects.all()),
        "changes": plain(SignalEvent.objects.all()),
        "experiment": plain(Experiment.objects.all()),
        "claim": [(row.key, row.first_at, row.signal_id == signal.pk) for row in SignalDedupe.objects.all()],
        "tasks": [(key, sorted(task), task["func"], len(task["args"]), task["ack_failure"]) for key, task in tasks],
        "named": [task["args"] in ((), (str(signal.pk),)) for _, task in tasks],
        "links": (answer["signal_id"] == str(signal.pk), signal.event_id == request.event_id),
    }


def forget():
    for model in (Experiment, SignalEvent, SignalDedupe, Signal, WebhookEvent, OrmQ):
        model.objects.all().delete()


@pytest.mark.parametrize("authenticated", [True, False])
@pytest.mark.parametrize("with_source", [True, False])
@pytest.mark.parametrize("name", BODIES)
def test_it_writes_the_rows_of_the_ordinary_way(name, with_source, authenticated):
    source = factories.webhook_source() if with_source else None
    request = stored(BODIES[name], source, authenticated=authenticated)
    answer = event_process(request.event_id, at=LATER)
    ordinary = everything(request)
    forget()
    again, fast = accept(BODIES[name], source, authenticated=authenticated)
    assert everything(again) == ordinary
    told = {"signal_id", "experiment_id"}
    assert (fast.http, fast.status) == (answer.http, answer.status) == (201, "ACCEPTED")
    assert {key: value for key, value in fast.extra.items() if key not in told} == {
        key: value for key, value in answer.extra.items() if key not in told
    }
    assert event_process(again.event_id, at=LATER).extra == fast.extra


def test_an_accepted_alert_takes_one_statement():
    request = stored(alert())
    with CaptureQueriesContext(connection) as queries:
        assert accept_all(request) != [None]
    assert [query["sql"].split()[0] for query in queries] == ["SAVEPOINT", "WITH", "RELEASE"]


def nothing_written(request):
    event = WebhookEvent.objects.get(pk=request.event_id)
    assert (event.status, event.answer, event.finished_at) == ("received", {}, None)
    assert not Signal.objects.filter(event=event).exists()
    assert OrmQ.objects.count() == Signal.objects.count()


def test_a_repeat_gives_way():
    accept(alert())
    request, answer = accept(alert())
    assert answer is None
    nothing_written(request)
    assert event_process(request.event_id, at=LATER).status == "DUPLICATE"


def test_a_sender_s_id_gives_way_whatever_else_the_alert_says():
    accept(alert(id="once"))
    request, answer = accept(alert(id="once", symbol="QQQ"))
    assert answer is None
    nothing_written(request)
    assert event_process(request.event_id, at=LATER).status == "DUPLICATE"


def test_an_entry_that_an_exit_overtook_gives_way():
    accept(alert(action="CLOSE"), received_at=AT + timedelta(seconds=1))
    request, answer = accept(alert())
    assert answer is None
    nothing_written(request)
    assert event_process(request.event_id, at=LATER).extra["reason"] == "SUPERSEDED"


@pytest.mark.parametrize("body", [alert(symbol=None), alert(direction="NEUTRAL"), {"test": True, "type": "PING"}])
def test_what_is_no_new_signal_gives_way(body):
    request, answer = accept(body)
    assert answer is None
    nothing_written(request)


def test_a_source_that_goes_by_ids_only_gives_way():
    request, answer = accept(alert(), factories.webhook_source(ids_only=True))
    assert answer is None
    nothing_written(request)


def test_an_event_that_has_its_end_is_not_accepted_again():
    request, first = accept(alert())
    assert accept_all(request) == [None]
    assert Signal.objects.count() == OrmQ.objects.count() == 1
    assert event_process(request.event_id, at=LATER).extra == first.extra


# --- several at once ------------------------------------------------------------------------------------------------


def test_alerts_that_came_together_are_accepted_in_one_statement_each_with_its_own_rows():
    bodies = [alert(symbol="SPY"), alert(symbol="QQQ", action="CLOSE"), alert(symbol="IWM", direction="short")]
    requests = [stored(body, received_at=AT + timedelta(seconds=at)) for at, body in enumerate(bodies)]
    with CaptureQueriesContext(connection) as queries:
        answers = accept_all(*requests)
    assert [query["sql"].split()[0] for query in queries] == ["SAVEPOINT", "WITH", "RELEASE"]
    assert [answer.event_id for answer in answers] == [request.event_id for request in requests]
    made = {signal.event_id: signal for signal in Signal.objects.all()}
    for at, (request, answer) in enumerate(zip(requests, answers, strict=True)):
        signal = made.pop(request.event_id)
        assert answer.extra["signal_id"] == str(signal.pk)
        assert signal.created_at == AT + timedelta(seconds=at)
        assert (signal.symbol, signal.payload) == (bodies[at]["symbol"], bodies[at])
        assert SignalDedupe.objects.get(signal_id=signal.pk).first_at == signal.created_at
        assert event_process(request.event_id, at=LATER).extra == answer.extra
    assert not made
    assert Experiment.objects.count() == 2
    assert sorted(OrmQ.objects.values_list("key", flat=True)) == ["entries", "entries", "exits"]


def test_of_one_symbol_only_the_first_is_accepted_at_once():
    """The next may repeat it, overtake it or be overtaken: told one after the other."""
    requests = [stored(alert()), stored(alert(action="CLOSE")), stored(alert()), stored(alert(symbol="QQQ"))]
    answers = accept_all(*requests)
    assert [answer and answer.status for answer in answers] == ["ACCEPTED", None, None, "ACCEPTED"]
    rest = [event_process(request.event_id, at=LATER) for request in requests[1:3]]
    assert [answer.status for answer in rest] == ["ACCEPTED", "DUPLICATE"]


def test_one_that_gives_way_takes_no_other_with_it():
    accept(alert(symbol="IWM"))
    requests = [stored(body) for body in (alert(), alert(symbol="IWM"), alert(symbol=None), alert(symbol="QQQ"))]
    answers = accept_all(*requests)
    assert [answer and answer.status for answer in answers] == ["ACCEPTED", None, None, "ACCEPTED"]
    for request in requests[1:3]:
        assert WebhookEvent.objects.get(pk=request.event_id).status == "received"


def test_where_the_statement_fails_all_give_way_and_nothing_is_written():
    accept(alert(id="once"))
    requests = [stored(alert(symbol="QQQ")), stored(alert(id="once", symbol="IWM"))]
    assert accept_all(*requests) == [None, None]
    for request in requests:
        nothing_written(request)
    assert [event_process(request.event_id, at=LATER).status for request in requests] == ["ACCEPTED", "DUPLICATE"]
