"""One request, from the URL to its effect and its answer."""

import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_q.models import OrmQ

from bias.models import BiasStateCurrent, BiasStateHistory
from experiments.models import Experiment
from optionsengine.core import clock
from optionsengine.pipeline.intake import MAX_BODY_BYTES
from signals.models import MarketContextReceived, Signal, SignalEvent, WebhookEvent
from signals.selectors import latest_contexts
from tests.bias.payloads import TS, bias_body
from tests.pipeline.intake_client import AT, SECRET, alert, post, told

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _secret(settings):
    settings.HMAC_SECRET = SECRET


def event_of(response):
    return WebhookEvent.objects.get(pk=response.json()["webhook_event_id"])


def rejected(response, code, *fields):
    answer = response.json()
    assert (response.status_code, answer["status"], answer["code"]) == (400, "REJECTED", code)
    assert answer["error"]
    assert [detail["field"] for detail in answer["details"]] == list(fields)
    event = event_of(response)
    assert (event.status, event.code, event.error) == ("rejected", code, answer["error"])
    assert event.details == answer["details"]
    assert not Signal.objects.exists()
    assert not OrmQ.objects.exists()


def test_an_entry_becomes_a_signal_with_its_experiment():
    body = alert(
        price="450.10", confidence=75, quantity="2", strike=455, expiration="2026-02-20", pattern="flag", extra={"a": 1}
    )
    response = post(body)
    answer = response.json()
    signal, experiment = Signal.objects.get(), Experiment.objects.get()
    assert response.status_code == 201
    assert answer == {
        "status": "ACCEPTED",
        "request_id": answer["request_id"],
        "webhook_event_id": str(WebhookEvent.objects.get().pk),
        "processing_time_ms": answer["processing_time_ms"],
        "signal_id": str(signal.pk),
        "is_test": False,
        "intent": "entry",
        "experiment_id": str(experiment.pk),
        "variant": experiment.variant,
    }
    assert answer["processing_time_ms"] > 0
    assert UUID(answer["request_id"])
    text = "SPY:long:entry:5m:2026-02-05T15:00:00.000Z"
    assert signal.signal_hash == hashlib.sha256(text.encode()).hexdigest()
    assert (signal.symbol, signal.side, signal.intent, signal.timeframe) == ("SPY", "long", "entry", "5m")
    assert (signal.bar_at, signal.bar_end_at) == (
        datetime(2026, 2, 5, 15, 0, tzinfo=UTC),
        datetime(2026, 2, 5, 15, 5, tzinfo=UTC),
    )
    assert (signal.price, signal.confidence, signal.quantity) == (Decimal("450.1000"), 75.0, 2)
    assert (signal.strike, signal.expiration, signal.pattern) == (Decimal("455.0000"), date(2026, 2, 20), "flag")
    assert (signal.status, signal.family, signal.created_at) == ("pending", "plain", AT)
    assert signal.payload == body
    change = SignalEvent.objects.get()
    assert (change.signal_id, change.from_status, change.to_status, change.created_at) == (
        signal.pk,
        "",
        "pending",
        AT,
    )
    assert experiment.signal_id == signal.pk


def test_the_event_keeps_the_request_as_it_came():
    raw = b'{ "symbol": "SPY", "side": "buy",  "tf": 5 }'
    response = post(raw, user_agent="Go-http-client/1.1", x_request_id="abc-12345678", webhook_id="w1")
    assert response.json()["request_id"] == "abc-12345678"
    event = event_of(response)
    assert bytes(event.body) == raw
    assert (event.path, event.content_type, event.size) == ("/webhook", "application/json", len(raw))
    assert (event.source_ip, event.user_agent, event.authenticated) == ("127.0.0.1", "Go-http-client/1.1", True)
    assert event.headers == {"x-request-id": "abc-12345678", "webhook-id": "w1"}
    assert (event.status, event.code, event.family, event.symbol) == ("accepted", "", "plain", "SPY")
    assert (event.sender_event_id, event.created_at, event.finished_at) == ("w1", AT, AT)
    assert event.processing_ms > 0
    assert {"http": 201, "status": "ACCEPTED", "is_test": False}.items() <= event.answer.items()


@pytest.mark.parametrize("sent", ["x", "a" * 65, "id with blanks", "<script>id</script>"])
def test_an_odd_request_id_is_replaced(sent):
    assert UUID(post(alert(), x_request_id=sent).json()["request_id"])


def test_an_exit_has_no_experiment():
    response = post({"symbol": "SPY", "action": "CLOSE"})
    answer = response.json()
    signal = Signal.objects.get()
    assert (response.status_code, told(response)) == (201, {"status": "ACCEPTED", "is_test": False, "intent": "exit"})
    assert answer["signal_id"] == str(signal.pk)
    assert "experiment_id" not in answer
    assert (signal.side, signal.intent, signal.timeframe, signal.status) == ("", "exit", "1d", "pending")
    assert (signal.bar_at, signal.bar_end_at) == (AT, AT + timedelta(days=1))
    assert not Experiment.objects.exists()
    assert OrmQ.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "is_test"),
    [
        ({"is_test": True}, True),
        ({"is_test": "true"}, True),
        ({"is_test": 1}, True),
        ({"is_test": "yes"}, True),
        ({"is_test": "0"}, False),
        ({"is_test": ""}, False),
        ({"metadata": {"is_test": "1"}}, True),
        ({"metadata": "text"}, False),
        ({"metadata": {"is_test": True}}, True),
        ({"is_test": False, "metadata": {"is_test": True}}, False),
        ({"test_scenario": "x"}, False),
    ],
)
def test_the_test_flag(body, is_test):
    assert post(alert(**body)).json()["is_test"] is is_test
    assert Signal.objects.get().is_test is is_test


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"is_test": "maybe"}, "is_test"),
        ({"is_test": 2}, "is_test"),
        ({"is_test": []}, "is_test"),
        ({"metadata": {"is_test": "x"}}, "metadata.is_test"),
        ({"direction": {}}, "direction"),
        ({"direction": 1, "action": "buy"}, "direction"),
        ({"side": []}, "side"),
    ],
)
def test_a_flag_or_a_side_of_another_type_is_named(body, field):
    rejected(post(alert(**body)), "INVALID_FIELD", field)


OPTION_ORDER = {"ticker": "SPY", "strike": 580, "expiration": "2026-02-20", "timeframe": "5m"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({**OPTION_ORDER, "action": "BUY", "type": "PUT"}, ("short", "entry")),
        ({**OPTION_ORDER, "action": "BUY", "type": "CALL"}, ("long", "entry")),
        ({**OPTION_ORDER, "action": "SELL", "option_type": "PUT"}, ("short", "exit")),
        ({**OPTION_ORDER, "action": "CLOSE", "optionType": "CALL"}, ("long", "exit")),
        ({"ticker": "SPY", "action": "sell", "sentiment": "flat", "timeframe": "5m"}, ("long", "exit")),
        ({"ticker": "SPY", "action": "buy", "sentiment": "flat"}, ("short", "exit")),
        ({"ticker": "SPY", "action": "exit", "sentiment": "flat"}, ("", "exit")),
        ({"ticker": "SPY", "action": "add", "sentiment": "bullish", "timeframe": "5m"}, ("long", "entry")),
    ],
)
def test_an_order_in_the_words_of_another_sender_is_not_turned_round(body, expected):
    assert post(body).status_code == 201
    signal = Signal.objects.get()
    assert (signal.side, signal.intent) == expected


def test_an_option_that_contradicts_the_direction_is_refused():
    body = {**OPTION_ORDER, "action": "BUY", "type": "PUT", "direction": "long"}
    rejected(post(body), "CONFLICTING_DIRECTION")


@pytest.mark.parametrize("changes", [{}, {"timeframe": None}, {"sentiment": "bullish"}, {"sentiment": "flat"}])
def test_a_cancel_is_ignored(changes):
    response = post(alert(action="cancel", **changes))
    assert response.status_code == 200
    assert (response.json()["status"], response.json()["reason"]) == ("IGNORED", "NOT_ACTIONABLE")
    assert not Signal.objects.exists()


def test_the_webhook_runs_no_stage_and_takes_two_statements():
    post(alert(symbol="QQQ"))
    with CaptureQueriesContext(connection) as queries:
        assert post(alert()).status_code == 201
    statements = [query["sql"].split()[:3] for query in queries if "SAVEPOINT" not in query["sql"]]
    # inside a transaction, as this test is, the sources are read by each request: two statements more
    assert [" ".join(words) for words in statements if words[0] != "SELECT"] == [
        "INSERT INTO webhook_events",
        "WITH asked AS",
    ]
    assert OrmQ.objects.count() == 2
    assert Signal.objects.filter(status="pending").count() == 2


FAULTS = [
    ("INVALID_SYMBOL", {"symbol": "BTC-USD"}, ()),
    ("DELAYED_FEED", {"symbol": "NASDAQ_DLY:SPY"}, ()),
    ("INVALID_TIMEFRAME", {"timeframe": "soon"}, ()),
    ("CONFLICTING_DIRECTION", {"side": "short"}, ()),
    ("INVALID_FIELD", {"confidence": 101, "price": 0}, ("confidence", "price")),
    ("STALE_TIMESTAMP", {"timestamp": "2026-02-05T12:00:00Z"}, ()),
]


@pytest.mark.parametrize("index", range(len(FAULTS)))
def test_of_several_faults_the_first_check_answers(index):
    body = alert()
    for _, fault, _ in reversed(FAULTS[index:]):
        body |= fault
    if index == 0:
        body["exchange"] = "NASDAQ_DLY"
    code, _, fields = FAULTS[index]
    rejected(post(body), code, *fields)


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("MISSING_SYMBOL", {"symbol": None}),
        ("MISSING_TIMEFRAME", {"timeframe": None}),
        ("MISSING_DIRECTION", {"direction": None}),
    ],
)
def test_missing_fields(code, changes):
    rejected(post(alert(**changes)), code)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("confidence", -1),
        ("confidence", "high"),
        ("confidence", True),
        ("price", 0),
        ("price", "{{close}}"),
        ("quantity", 0),
        ("quantity", 1.5),
        ("quantity", 1001),
        ("strike", 0),
        ("strike", -5),
        ("expiration", "2026-02-04"),
        ("expiration", "tomorrow"),
        ("timestamp", "yesterday"),
        ("timestamp", 3),
    ],
)
def test_each_bad_number_is_named(field, value):
    rejected(post(alert(**{field: value})), "INVALID_FIELD", field)


def test_an_exit_for_a_settled_contract_is_refused():
    rejected(post({"symbol": "SPY", "action": "CLOSE", "expiration": "2026-02-04"}), "INVALID_FIELD", "expiration")


BAR_END = datetime(2026, 2, 5, 15, 5, tzinfo=UTC)


@pytest.mark.parametrize(("age", "is_accepted"), [(0, True), (1799, True), (1800, True), (1800.001, False)])
def test_an_entry_s_age_counts_from_the_end_of_its_bar(age, is_accepted):
    response = post(alert(), at=BAR_END + timedelta(seconds=age))
    if is_accepted:
        assert response.status_code == 201
    else:
        rejected(response, "STALE_TIMESTAMP")


def test_an_exit_is_never_too_old():
    assert post(alert(action="CLOSE"), at=AT + timedelta(days=400)).status_code == 201


@pytest.mark.parametrize("action", [None, "CLOSE"])
@pytest.mark.parametrize(("ahead", "is_accepted"), [(299, True), (300, True), (300.001, False), (86400, False)])
def test_no_signal_may_come_from_the_future(action, ahead, is_accepted):
    response = post(alert(action=action), at=datetime(2026, 2, 5, 15, 0, tzinfo=UTC) - timedelta(seconds=ahead))
    if is_accepted:
        assert response.status_code == 201
    else:
        rejected(response, "STALE_TIMESTAMP")


def test_an_alert_that_cannot_be_traded_is_ignored():
    response = post(alert(direction="NEUTRAL"))
    assert (response.status_code, told(response)) == (200, {"status": "IGNORED", "reason": "NOT_ACTIONABLE"})
    assert (event_of(response).status, event_of(response).code) == ("ignored", "NOT_ACTIONABLE")
    assert not Signal.objects.exists()


@pytest.mark.parametrize(
    ("after", "status"), [(0, 200), (59.9, 200), (60, 200), (60.1, 201), (-59.9, 200), (-60.1, 201)]
)
def test_a_repeat_within_sixty_seconds_of_the_first_is_a_duplicate(after, status):
    first = post(alert(timestamp=None)).json()
    response = post(alert(timestamp=None), at=AT + timedelta(seconds=after))
    assert response.status_code == status
    if status == 200:
        assert response.json()["status"] == "DUPLICATE"
        assert response.json()["signal_id"] == first["signal_id"]
        assert event_of(response).status == "duplicate"
    assert Signal.objects.count() == Experiment.objects.count() == OrmQ.objects.count() == (1 if status == 200 else 2)


def test_the_window_slides_from_the_first_accepted_not_from_the_last_repeat():
    first = post(alert(timestamp=None)).json()
    assert post(alert(timestamp=None), at=AT + timedelta(seconds=50)).json()["signal_id"] == first["signal_id"]
    second = post(alert(timestamp=None), at=AT + timedelta(seconds=61)).json()
    assert second["status"] == "ACCEPTED"
    assert post(alert(timestamp=None), at=AT + timedelta(seconds=100)).json()["signal_id"] == second["signal_id"]


@pytest.mark.parametrize(
    "changes", [{"symbol": "QQQ"}, {"direction": "short"}, {"timeframe": "15m"}, {"is_test": True}, {"action": "CLOSE"}]
)
def test_what_differs_is_no_duplicate(changes):
    post(alert())
    assert post(alert(**changes)).status_code == 201


@pytest.mark.parametrize(
    "changes", [{"price": 5}, {"timestamp": "2026-02-05T14:55:00Z"}, {"timeframe": "5"}, {"direction": "BUY"}]
)
def test_what_is_worded_differently_is_a_duplicate(changes):
    post(alert())
    assert post(alert(**changes)).json()["status"] == "DUPLICATE"


def test_a_refused_alert_claims_nothing():
    post(alert(price=0))
    assert post(alert()).status_code == 201


@pytest.mark.parametrize(
    "fields",
    [
        {"event_id": "e1"},
        {"signal_id": "e1"},
        {"id": "e1"},
        {"journal": {"signal_id": "e1"}},
        {"meta": {"event_id": "e1"}},
    ],
)
def test_the_sender_s_id_counts_once_for_ever(fields):
    first = post(alert(**fields)).json()
    much_later = post(alert(symbol="QQQ", timestamp=None, **fields), at=AT + timedelta(days=300)).json()
    assert (much_later["status"], much_later["signal_id"]) == ("DUPLICATE", first["signal_id"])
    assert post(alert(symbol="QQQ", id="e2")).status_code == 201


def test_a_refused_alert_may_be_sent_again_with_its_id():
    rejected(post(alert(id="e1", price=0)), "INVALID_FIELD", "price")
    assert post(alert(id="e1")).status_code == 201


def test_a_ping_is_answered_without_effect():
    response = post({"test": True, "type": "PING", "source": "SIGNALS", "ticker": "SPY"})
    assert (response.status_code, told(response)) == (200, {"status": "OK"})
    assert (event_of(response).status, event_of(response).family) == ("ignored", "ping")
    assert not Signal.objects.exists()


def test_context_is_saved_and_is_never_a_signal():
    response = post({"type": "CONTEXT", "ticker": "spy", "price": "690.25", "direction": "long", "timeframe": "5"})
    assert (response.status_code, told(response)) == (200, {"status": "CONTEXT_SAVED", "symbol": "SPY"})
    row = MarketContextReceived.objects.get()
    assert (row.symbol, row.price, row.observed_at, row.created_at) == ("SPY", Decimal("690.2500"), AT, AT)
    assert (event_of(response).status, event_of(response).symbol) == ("accepted", "SPY")
    assert not Signal.objects.exists()


@pytest.mark.parametrize(("age", "is_found"), [(0, True), (300, True), (301, False), (-1, False)])
def test_context_older_than_five_minutes_is_not_found(age, is_found):
    post({"type": "CONTEXT", "ticker": "SPY", "price": 690})
    found = latest_contexts(["SPY", "QQQ"], AT + timedelta(seconds=age)).get("SPY")
    assert (found is not None and found.price == 690) is is_found
    assert "QQQ" not in latest_contexts(["SPY", "QQQ"], AT)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"price": 5}, ["ticker"]),
        ({"ticker": "SPY"}, ["price"]),
        ({"ticker": "SPY", "price": "x"}, ["price"]),
        ({"ticker": "SPY", "price": 5, "timestamp": "x"}, ["timestamp"]),
        ({"ticker": 5, "price": 5}, ["ticker"]),
        ({"ticker": {}, "price": 5}, ["ticker"]),
        ({"ticker": ["SPY"], "price": 0}, ["ticker", "price"]),
        ({}, ["ticker", "price"]),
    ],
)
def test_context_needs_its_ticker_and_price(body, fields):
    rejected(post({"type": "CONTEXT", **body}), "INVALID_FIELD", *fields)
    assert not MarketContextReceived.objects.exists()


def test_bias_moves_the_state_once():
    response = post(bias_body(), path="/api/webhooks/mtf-bias")
    hashed = hashlib.sha256(bias_body()["event_id_raw"].encode()).hexdigest()
    expected = {"event_id": hashed, "symbol": "QQQ"}
    assert (response.status_code, told(response)) == (200, {"status": "ACCEPTED", **expected})
    assert event_of(response).status == "accepted"
    again = post(bias_body())
    assert told(again) == {"status": "DUPLICATE", **expected}
    assert event_of(again).status == "duplicate"
    older = post(bias_body(event_ts_ms=TS - 1000))
    assert (older.status_code, older.json()["status"], event_of(older).status) == (200, "OUT_OF_ORDER", "ignored")
    assert BiasStateCurrent.objects.get().event_at == datetime(2026, 2, 5, 15, tzinfo=UTC)
    assert BiasStateHistory.objects.count() == 2


@pytest.mark.parametrize(
    "path",
    [
        "/webhook",
        "/webhook/",
        "/api/webhooks/tradingview",
        "/api/webhooks/tradingview/",
        "/api/webhooks/mtf-bias",
        "/api/webhooks/mtf-bias/",
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "text/plain; charset=utf-8"])
def test_every_path_and_content_type_takes_alerts(path, content_type):
    assert post(alert(), path=path, content_type=content_type).status_code == 201


@pytest.mark.parametrize("path", ["/webhook", "/webhook/", "/webhook/s/desk", "/api/webhooks/tradingview"])
@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_other_methods_are_told_to_post(path, method):
    response = getattr(Client(), method)(path)
    assert (response.status_code, response.json()["code"], response["Allow"]) == (405, "METHOD_NOT_ALLOWED", "POST")
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("path", ["/webhook/test", "/webhook/test/"])
def test_the_webhook_tells_that_it_is_there(path):
    with clock.frozen(AT):
        response = Client().get(path)
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "message": "the webhook is reachable; POST alerts to /webhook",
        "timestamp": "2026-02-05T15:00:02+00:00",
    }
    assert Client().post(path).status_code == 405


@pytest.mark.parametrize(("extra", "status"), [(0, 201), (1, 413)])
def test_a_body_has_at_most_128_kib(extra, status):
    raw = json.dumps(alert()).encode()
    response = post(raw + b" " * (MAX_BODY_BYTES - len(raw) + extra))
    assert response.status_code == status
    if status == 413:
        answer = response.json()
        assert (answer["status"], answer["code"], answer["webhook_event_id"]) == ("REJECTED", "PAYLOAD_TOO_LARGE", None)
        assert not WebhookEvent.objects.exists()


def test_bad_json_is_kept_and_refused():
    raw = b'{"symbol":"SPY","symbol":"QQQ"}'
    response = post(raw)
    rejected(response, "INVALID_JSON")
    assert bytes(event_of(response).body) == raw
    assert event_of(response).family == ""


def test_a_delayed_feed_may_be_allowed(settings):
    settings.ALLOW_DELAYED_FEED = True
    assert post(alert(symbol="NASDAQ_DLY:SPY")).status_code == 201


def test_line_breaks_and_escapes_in_a_ticker_reach_no_log(caplog):
    caplog.set_level("INFO")
    rejected(post(alert(symbol="SPY\r\nforged: line\x1b[31m")), "INVALID_SYMBOL")
    for record in caplog.records:
        assert record.getMessage().isprintable()
