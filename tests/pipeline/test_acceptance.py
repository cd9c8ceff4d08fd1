"""The one statement for the ordinary alert writes what the ordinary way writes, and gives way wherever it must."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from experiments.models import Experiment
from optionsengine.core import ids
from optionsengine.pipeline.acceptance import event_accept
from optionsengine.pipeline.events import event_process
from signals.data import JudgedRequest
from signals.models import Signal, SignalDedupe, SignalEvent, WebhookEvent
from signals.services import webhook_event_store
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
    import json

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
    webhook_event_store(request)
    return request


def facts(source):
    return next(known for known in sources_known() if known.pk == source.pk) if source else None


def accept(body, source=None, **changes):
    request = stored(body, source, **changes)
    return request, event_accept(request, facts(source), at=LATER, started=0.0)


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
        "tasks": [(key, task["func"], len(task["args"]), task["ack_failure"]) for key, task in tasks],
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
        assert event_accept(request, None, at=LATER, started=0.0) is not None
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
    from datetime import timedelta

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
    assert event_accept(request, None, at=LATER, started=0.0) is None
    assert Signal.objects.count() == OrmQ.objects.count() == 1
    assert event_process(request.event_id, at=LATER).extra == first.extra
