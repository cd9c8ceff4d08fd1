"""The review queue, over the API and in the admin: what waits first, the whole reasoning, two answers, and refusals."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from experiments.models import Approval
from optionsengine.core import clock
from optionsengine.ops.models import Alert
from signals.models import Signal, SignalEvent
from tests import factories
from tests.factories import AT
from tests.factories.lives import AGENTS, LEDGER, OWN, SHARED

pytestmark = pytest.mark.django_db
NOW = AT + timedelta(seconds=48)


@pytest.fixture(autouse=True)
def _now():
    with clock.frozen(NOW):
        yield


@pytest.fixture
def viewer(client):
    client.force_login(factories.viewer())
    return client


@pytest.fixture
def operator(client):
    client.user = factories.operator()
    client.force_login(client.user)
    return client


def api(approval=None, act=""):
    return "/api/v1/approvals/" + ("" if approval is None else f"{approval.pk}/") + (f"{act}/" if act else "")


def page(approval=None, act=""):
    name = "admin:experiments_approval_" + ("changelist" if approval is None else "act" if act else "change")
    return reverse(name, args=[] if approval is None else [approval.pk, *([act] if act else [])])


def reasoned(**values):
    """One that waits, with its gates and votes."""
    made = factories.approval(**values)
    for gate in SHARED:
        factories.gate_result(decision=made.decision, gate=gate, value=LEDGER[gate][0], threshold=LEDGER[gate][1])
    for engine in ("A", "B"):
        for gate in OWN:
            factories.gate_result(decision=made.decision, gate=gate, engine=engine, value=LEDGER[gate][0])
    for agent, weight, confidence in AGENTS:
        factories.agent_decision(decision=made.decision, agent=agent, weight=weight, confidence=confidence)
    return made


def statuses(approval):
    approval.refresh_from_db()
    return approval.status, approval.signal.__class__.objects.get(pk=approval.signal_id).status


def queries(client, url):
    with CaptureQueriesContext(connection) as caught:
        assert client.get(url).status_code == 200
    return len(caught)


# --- the list ---------------------------------------------------------------------------------------------------------


def queue():
    """In the order in which they are to be shown: the most urgent first, then what ended last."""
    made = {
        name: factories.approval(**values)
        for name, values in {
            "ended early": {"status": "lapsed", "decided_at": AT},
            "calm": {"lapses_at": AT + timedelta(seconds=300)},
            "ended late": {"status": "approved", "decided_at": AT + timedelta(hours=1)},
            "urgent": {"lapses_at": AT + timedelta(seconds=60)},
        }.items()
    }
    return [made[name] for name in ("urgent", "calm", "ended late", "ended early")]


def test_the_list_has_what_waits_first_and_is_paged(viewer):
    expected = [str(one.pk) for one in queue()]
    seen, url = [], api() + "?page_size=1"
    while url:
        answer = viewer.get(url).json()
        seen += [row["id"] for row in answer["results"]]
        url = answer["next"]
    assert seen == expected
    assert [row["id"] for row in viewer.get(api()).json()["results"]] == expected
    rows = viewer.get(page()).context["cl"].result_list
    assert [str(row.pk) for row in rows] == expected


def test_a_row_tells_what_would_be_bought_and_how_long_is_left(viewer):
    waiting = factories.approval()
    [row] = viewer.get(api()).json()["results"]
    assert {name: row[name] for name in ("status", "lapses_at", "seconds_left", "decided_at", "round")} == {
        "status": "awaiting",
        "lapses_at": "2026-02-17T15:05:00.000000Z",
        "seconds_left": 252,
        "decided_at": None,
        "round": 1,
    }
    assert row["proposal"] == {
        "engine": "A",
        "option_symbol": "SPY-20260320-C-500",
        "quantity": 2,
        "entry_type": "MARKET",
        "price": "5.1000",
        "cost": "1020.00",
        "risk": "510.00",
        "confidence": 74.0,
        "quote_source": "simulated",
    }
    assert (row["signal"]["id"], row["signal"]["symbol"]) == (str(waiting.signal_id), "SPY")
    assert "payload" not in row["signal"]
    text = viewer.get(page()).content.decode()
    for said in ("4 min 12 s", "SPY-20260320-C-500", "1,020.00", "510.00", "74.0"):
        assert said in text


def test_a_limit_costs_its_limit(viewer):
    waiting = factories.approval()
    waiting.decision.recommendations.filter(engine="A").update(entry_type="LIMIT", limit_price="5.00")
    [row] = viewer.get(api()).json()["results"]
    assert (row["proposal"]["price"], row["proposal"]["cost"], row["proposal"]["risk"]) == (
        "5.0000",
        "1000.00",
        "510.00",
    )


def test_the_list_is_narrowed(viewer):
    waiting = factories.approval()
    other = factories.approval(status="rejected", signal=factories.signal(symbol="QQQ", status="rejected"))
    for query, found in (
        ("status=awaiting", [waiting]),
        ("status=rejected", [other]),
        ("symbol=qqq", [other]),
        (f"signal={waiting.signal_id}", [waiting]),
        ("status=lapsed", []),
        ("created_before=2026-02-17T15:00:00Z", []),
    ):
        rows = viewer.get(f"{api()}?{query}").json()["results"]
        assert [row["id"] for row in rows] == [str(one.pk) for one in found], query
    refused = viewer.get(f"{api()}?status=nonsense")
    assert (refused.status_code, refused.json()["code"]) == (400, "INVALID_FIELD")


def test_the_list_costs_the_same_at_1_and_at_30_rows(viewer):
    reasoned()
    one = queries(viewer, api())
    for _ in range(29):
        factories.approval()
    assert queries(viewer, api()) == one


@pytest.mark.parametrize(("waiting", "shown"), [(0, None), (3, 3)])
def test_the_link_to_the_queue_says_how_many_wait(viewer, waiting, shown):
    factories.approval(status="lapsed")
    for _ in range(waiting):
        factories.approval()
    links = {
        item["title"]: item
        for group in viewer.get(reverse("admin:index")).context["sidebar_navigation"]
        for item in group["items"]
    }
    assert links["Review"].get("badge") == shown
    assert links["Signals"].get("badge") is None


# --- the whole reasoning ----------------------------------------------------------------------------------------------


def test_one_tells_the_whole_reasoning(viewer):
    waiting = reasoned()
    row = viewer.get(api(waiting)).json()
    reasoning = row["reasoning"]
    assert [(gate["gate"], gate["value"], gate["threshold"]) for gate in reasoning["shared_gates"]] == [
        (gate, *LEDGER[gate]) for gate in SHARED
    ]
    assert [(side["engine"], side["is_real"], len(side["gates"])) for side in reasoning["engines"]] == [
        ("A", True, 3),
        ("B", False, 3),
    ]
    assert reasoning["engines"][0]["recommendation"]["explanation"]["size"]["binding"] == "signal_quantity"
    assert [vote["agent"] for vote in reasoning["votes"]] == ["technical", "mtf_trend", "regime_classifier"]
    assert reasoning["approval"]["status"] == "awaiting"
    assert row["signal"]["payload"]["symbol"] == "SPY"


def test_the_page_tells_it_too(viewer):
    waiting = reasoned()
    text = viewer.get(page(waiting)).content.decode()
    for said in (
        "4 min 12 s left",
        "2 × SPY-20260320-C-500",
        "1020.00",
        "510.00",
        "at most 1800 s",
        "regime_classifier",
        "Why 2 contracts: signal_quantity",
        "simulated",
        "ORB breakout",
    ):
        assert said in text
    assert 'name="reason"' not in text  # a viewer only looks


def test_the_page_of_one_that_ended_says_how(operator):
    ended = factories.approval(status="rejected", reason="earnings <b>tonight</b>")
    text = operator.get(page(ended)).content.decode()
    assert "earnings &lt;b&gt;tonight" in text
    assert "by ann" in text
    assert 'name="reason"' not in text
    with clock.frozen(AT + timedelta(minutes=5)):
        assert "time is over" in operator.get(page(factories.approval())).content.decode()


def test_the_signals_page_and_story_lead_to_it(operator):
    waiting = factories.approval()
    factories.signal_event(
        signal=waiting.signal, from_status="pending", to_status="awaiting_approval", reason="AWAITING_APPROVAL"
    )
    review = reverse("admin:signals_signal_change", args=(waiting.signal_id,))
    response = operator.get(review)
    assert [link["act"].name for link in response.context["act_links"]] == ["approve", "reject"]
    text = response.content.decode()
    assert page(waiting) in text
    assert "signal waits for approval" in text
    life = operator.get(f"/api/v1/signals/{waiting.signal_id}/timeline/").json()
    assert life["rounds"][0]["approval"]["id"] == str(waiting.pk)
    assert operator.get("/api/v1/signals/?status=awaiting_approval").json()["results"][0]["id"] == str(
        waiting.signal_id
    )


def test_without_the_orchestrator_the_page_shows_engine_a_as_the_real_one(viewer):
    waiting = factories.approval(
        decision=factories.decision_round(
            experiment=factories.experiment(signal=factories.signal(status="awaiting_approval"), variant="B"),
            inputs={"variant": "A"},
            execution_mode="ENGINE_A_PRIMARY",
        )
    )
    factories.recommendation(decision=waiting.decision, engine="A", is_shadow=False)
    row = viewer.get(api(waiting)).json()
    assert row["proposal"]["engine"] == "A"
    assert [(side["engine"], side["is_real"]) for side in row["reasoning"]["engines"]] == [("A", True), ("B", False)]


@pytest.mark.parametrize("row_id", ["019c0000-0000-7000-8000-000000000000", "x"])
def test_what_does_not_exist_is_not_found(operator, row_id):
    assert operator.get(reverse("admin:experiments_approval_change", args=(row_id,))).status_code == 404
    for act in ("approve", "reject"):
        answer = operator.post(f"/api/v1/approvals/{row_id}/{act}/", {"reason": "x"}, "application/json")
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


# --- yes and no -------------------------------------------------------------------------------------------------------


def test_approving_over_the_api_has_it_decided_again(operator):
    waiting = factories.approval()
    answer = operator.post(api(waiting, "approve"))
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "success": True,
            "approval_id": str(waiting.pk),
            "signal_id": str(waiting.signal_id),
            "signal_status": "pending",
            "message": "approved; it is decided again on fresh inputs within seconds",
        },
    )
    assert statuses(waiting) == ("approved", "pending")
    assert (waiting.decided_by, waiting.decided_at) == (operator.user.username, NOW)


def test_rejecting_over_the_api_keeps_the_reason(operator):
    waiting = factories.approval()
    answer = operator.post(api(waiting, "reject"), {"reason": "earnings tonight"}, "application/json")
    assert (answer.status_code, answer.json()["signal_status"]) == (200, "rejected")
    assert statuses(waiting) == ("rejected", "rejected")
    assert (waiting.decided_by, waiting.reason) == (operator.user.username, "earnings tonight")


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "  "}, {"reason": "x" * 201}, {"reason": None}])
def test_a_rejection_without_a_reason_is_refused(operator, body):
    waiting = factories.approval()
    answer = operator.post(api(waiting, "reject"), body, "application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_FIELD")
    assert answer.json()["details"][0]["field"] == "reason"
    assert statuses(waiting) == ("awaiting", "awaiting_approval")


@pytest.mark.parametrize("act", ["approve", "reject"])
@pytest.mark.parametrize(
    ("status", "seconds", "code"),
    [
        ("approved", 48, "NOT_AWAITING"),
        ("rejected", 48, "NOT_AWAITING"),
        ("superseded", 48, "NOT_AWAITING"),
        ("lapsed", 48, "APPROVAL_LAPSED"),
        ("awaiting", 300, "APPROVAL_LAPSED"),
    ],
)
def test_what_does_not_wait_any_more_is_a_conflict(operator, act, status, seconds, code):
    made = factories.approval(status=status)
    with clock.frozen(AT + timedelta(seconds=seconds)):
        answer = operator.post(api(made, act), {"reason": "late"}, "application/json")
    assert (answer.status_code, answer.json()["code"]) == (409, code)
    ended = "lapsed" if status == "awaiting" else status
    assert statuses(made)[0] == ended
    assert not SignalEvent.objects.filter(actor=operator.user.username).exists()


@pytest.mark.parametrize("act", ["approve", "reject"])
def test_who_may_only_look_cannot_answer(client, act):
    waiting = reasoned()
    assert client.post(api(waiting, act), {"reason": "x"}, "application/json").status_code == 401
    client.force_login(factories.viewer())
    assert client.get(page()).status_code == 200
    assert client.post(api(waiting, act), {"reason": "x"}, "application/json").status_code == 403
    assert client.post(page(waiting, act), {"reason": "x"}).status_code == 403
    assert statuses(waiting) == ("awaiting", "awaiting_approval")


def test_the_admins_two_buttons(operator):
    yes, no = reasoned(), reasoned()
    text = operator.get(page(yes)).content.decode()
    assert f'action="{page(yes, "approve")}"' in text
    assert f'action="{page(yes, "reject")}"' in text
    said = operator.post(page(yes, "approve"), follow=True).content.decode()
    assert "was approved and is decided again" in said
    assert statuses(yes) == ("approved", "pending")
    operator.post(page(no, "reject"), {"reason": "too dear"})
    assert statuses(no) == ("rejected", "rejected")
    assert no.reason == "too dear"
    again = operator.post(page(yes, "reject"), {"reason": "second thoughts"}, follow=True).content.decode()
    assert "it was approved by" in again
    assert statuses(yes) == ("approved", "pending")


def test_the_admin_rejects_nothing_without_a_reason(operator):
    waiting = reasoned()
    said = operator.post(page(waiting, "reject"), {"reason": " "}, follow=True).content.decode()
    assert "REASON_REQUIRED" in said
    assert statuses(waiting) == ("awaiting", "awaiting_approval")


def test_an_answer_resolves_the_alert(operator):
    waiting = factories.approval()
    factories.alert(cause=f"approval:{waiting.signal_id}")
    operator.post(api(waiting, "approve"))
    assert Alert.objects.get().resolved_at == NOW


def test_approving_on_the_signals_page(operator):
    waiting = factories.approval()
    operator.post(reverse("admin:signals_signal_act", args=(waiting.signal_id, "approve")))
    assert statuses(waiting) == ("approved", "pending")
    assert Signal.objects.get().reason == "APPROVED_BY_PERSON"


def test_the_document_describes_the_queue(viewer):
    paths = viewer.get("/api/schema/?format=json").json()["paths"]
    for act in ("approve", "reject"):
        answers = paths[f"/api/v1/approvals/{{id}}/{act}/"]["post"]["responses"]
        assert {"200", "400", "401", "403", "404", "409"} <= set(answers)
    assert Approval.objects.count() == 0
