"""Decisions over the API and in the admin: read, replayed, and tried out under other settings."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction
from django.urls import reverse

from experiments.decide import RULES_VERSION, decide
from experiments.models import ConfigVersion, DecisionRound, GateResult
from experiments.services import decision_record
from optionsengine.core.enums import Engine, Side
from tests import factories
from tests.experiments.worlds import AT, CLOSED, CONFIG, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer(client):
    client.force_login(factories.viewer())
    return client


def record(inputs, *, at=AT, **signal):
    assigned = factories.experiment(
        signal=factories.signal(symbol=inputs.signal.symbol, side=inputs.signal.side, **signal), variant=inputs.variant
    )
    with transaction.atomic():
        stored = decision_record(experiment=assigned, inputs=inputs, decision=decide(inputs), at=at)
    return DecisionRound.objects.get(pk=stored.pk)


def url(decision, ending=""):
    return f"/api/v1/decisions/{decision.pk}/{ending}"


def post(client, decision, body):
    return client.post(url(decision, "replay/"), body, content_type="application/json")


def page(decision, name="replay", **query):
    return reverse(f"admin:experiments_decisionround_{name}", args=(decision.pk,), query=query)


# --- reading ----------------------------------------------------------------------------------------------------------


def test_a_decision_is_shown_whole_with_the_settings_that_decided(viewer):
    stored = record(world())

    shown = viewer.get(url(stored)).json()

    assert shown["inputs"] == stored.inputs
    assert shown["context_hash"] == stored.context_hash
    assert (shown["symbol"], shown["side"], shown["engine"], shown["round"]) == ("SPY", "long", "A", 1)
    assert (shown["outcome"], shown["code"], shown["rules_version"]) == ("approved", "", RULES_VERSION)
    assert shown["config"] == ConfigVersion.objects.get(pk=stored.config_version).values
    assert shown["config"]["max_contracts_per_trade"] == 10
    assert {row["gate"] for row in shown["gates"]} == {row.gate for row in stored.gates.all()}
    assert len(shown["votes"]) == stored.votes.count()
    assert [row["engine"] for row in shown["recommendations"]] == ["A", "B"]


def test_a_decision_of_before_versions_has_no_settings(viewer):
    stored = factories.decision_round()
    assert viewer.get(url(stored)).json()["config"] is None


def test_the_list_has_no_inputs_and_is_narrowed_by_every_filter(viewer):
    mine = record(
        world(Side.SHORT, variant=Engine.B, signal={"symbol": "QQQ"}, session=CLOSED),
        at=AT + timedelta(hours=1),
        is_test=True,
    )
    other = record(world())
    listed = viewer.get("/api/v1/decisions/").json()["results"]
    assert [row["id"] for row in listed] == [str(mine.pk), str(other.pk)]
    assert "inputs" not in listed[0]
    for query in (
        "symbol=qqq",
        f"signal={mine.experiment.signal_id}",
        "side=short",
        "engine=B",
        "is_test=true",
        "outcome=refused",
        "code=MARKET_CLOSED",
        "execution_mode=ENGINE_B_PRIMARY",
        "created_after=2026-02-17T16:30:00Z",
        f"symbol=QQQ&rules_version={RULES_VERSION}&config_version={mine.config_version}",
    ):
        found = viewer.get(f"/api/v1/decisions/?{query}").json()["results"]
        assert [row["id"] for row in found] == [str(mine.pk)], query
    assert viewer.get("/api/v1/decisions/?rules_version=0").json()["results"] == []
    assert viewer.get("/api/v1/decisions/?outcome=maybe").status_code == 400


# --- replay -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ask", [lambda c, d: c.get(url(d, "replay/")), lambda c, d: post(c, d, {})])
def test_a_viewer_replays_a_decision(viewer, ask):
    stored = record(world())
    answer = ask(viewer, stored)
    assert answer.status_code == 200
    assert answer.json() == {
        "decision": str(stored.pk),
        "is_same": True,
        "context_hash": stored.context_hash,
        "matches": True,
        "differences": [],
        "rules_version": RULES_VERSION,
        "config_version": stored.config_version,
        "what_if": None,
    }


def test_a_forged_decision_is_told(viewer):
    stored = record(world())
    GateResult.objects.filter(decision=stored, gate="bias").update(value="forged")
    DecisionRound.objects.filter(pk=stored.pk).update(context_hash="0" * 64)

    told = viewer.get(url(stored, "replay/")).json()

    assert (told["is_same"], told["matches"], told["context_hash"]) == (False, False, stored.context_hash)
    assert [difference.split(":")[0] for difference in told["differences"]] == ["context hash", "gate bias, value"]


def test_replaying_needs_a_role(client):
    stored = record(world())
    assert client.get(url(stored, "replay/")).status_code == 401
    client.force_login(factories.person())
    assert client.get(url(stored, "replay/")).status_code == 403
    assert post(client, stored, {}).status_code == 403


def test_a_setting_is_tried_out_on_one(viewer):
    stored = record(world())
    before = list(DecisionRound.objects.values())

    answer = post(viewer, stored, {"with": {"MAX_CONTRACTS_PER_TRADE": 2, "ENABLE_PORTFOLIO_GUARD": True}})

    tried = answer.json()["what_if"]
    assert tried["changes"] is True
    ours = tried["engines"][0]
    assert (ours["engine"], ours["is_real"], ours["changes"]) == ("A", True, True)
    assert (ours["before"]["quantity"], ours["after"]["quantity"]) == (9, 2)
    assert ours["after"]["contract"] == "SPY-20260227-C-500"
    assert ours["after"]["limit_price"] == "2.4000"
    assert list(DecisionRound.objects.values()) == before


def test_an_engine_that_is_not_asked_has_no_plan(viewer):
    tried = post(viewer, record(world()), {"with": {"ENABLE_ORCHESTRATOR": "false"}}).json()["what_if"]
    assert tried["engines"][1]["after"] is None
    assert tried["changes"] is False


def test_what_cannot_be_tried_answers_with_the_reason(viewer):
    answer = post(viewer, record(world()), {"with": {"QUOTE_MAX_AGE_SECONDS": "60"}})
    assert answer.status_code == 409
    assert answer.json()["code"] == "NOT_REPLAYABLE"
    assert answer.json()["details"] == [
        {
            "field": "QUOTE_MAX_AGE_SECONDS",
            "message": "it decides which contracts of the chain are frozen with the decision",
        }
    ]


def test_a_decision_that_is_not_read_any_more_cannot_be_tried(viewer):
    stored = factories.decision_round()
    answer = post(viewer, stored, {"with": {"MAX_VIX_FOR_ENTRY": "20"}})
    assert (answer.status_code, answer.json()["code"]) == (409, "NOT_REPLAYABLE")
    told = viewer.get(url(stored, "replay/")).json()
    assert told["is_same"] is False
    assert told["differences"][-2].startswith("inputs: cannot be read back")
    assert told["differences"][-1] == f"rules version: stored 1, now {RULES_VERSION}"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"with": {"MAX_CONTRACTS_PER_TRADE": "0"}}, "with.MAX_CONTRACTS_PER_TRADE"),
        ({"with": {"nothing": "0"}}, "with.nothing"),
        ({"with": {"RISK_PER_TRADE_MAX_PERCENT": "0.1"}}, "with.RISK_PER_TRADE_PERCENT"),
        ({"with": {"MAX_VIX_FOR_ENTRY": [1]}}, "with.MAX_VIX_FOR_ENTRY"),
        ({"with": {"MAX_VIX_FOR_ENTRY": None}}, "with.MAX_VIX_FOR_ENTRY"),
        ({"with": {"MAX_VIX_FOR_ENTRY": "1" * 201}}, "with.MAX_VIX_FOR_ENTRY"),
        ({"with": "MAX_VIX_FOR_ENTRY=3"}, "with"),
    ],
)
def test_a_value_that_the_setting_would_refuse_is_refused(viewer, body, field):
    answer = post(viewer, record(world()), body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "INVALID_FIELD"
    assert answer.json()["details"][0]["field"] == field


# --- the admin --------------------------------------------------------------------------------------------------------


def test_the_rounds_page_shows_its_settings_and_leads_to_the_replay(viewer):
    stored = record(world())
    shown = viewer.get(page(stored, "change")).content.decode()
    assert page(stored) in shown
    assert "&quot;require_bias&quot;: true" in shown.lower().split("settings that decided", 1)[1]


def test_the_page_of_a_round_of_before_versions_says_so(viewer):
    shown = viewer.get(page(factories.decision_round(), "change")).content.decode()
    assert "not kept: it was decided before versions were" in shown


def test_the_replay_page_says_that_it_is_the_same(viewer):
    shown = viewer.get(page(record(world()))).content.decode()
    assert "the same to the byte" in shown
    assert "as stored" in shown
    assert "<table" not in shown


def test_the_replay_page_lists_every_difference(viewer):
    stored = record(world())
    GateResult.objects.filter(decision=stored, gate="bias").update(value="forged")
    shown = viewer.get(page(stored)).content.decode()
    assert "gate bias, value: stored" in shown
    assert "the same to the byte" not in shown


def test_settings_are_tried_out_on_the_replay_page(viewer):
    stored = record(world())
    shown = viewer.get(page(stored, **{"with": "MAX_CONTRACTS_PER_TRADE=2\n\nENABLE_ORCHESTRATOR = false"}))
    engines = shown.context["engines"]
    assert [(each["before"].quantity, each["after"] and each["after"].quantity) for each in engines] == [
        (9, 2),
        (9, None),
    ]
    assert "not asked" in shown.content.decode()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("QUOTE_MAX_AGE_SECONDS=1", "QUOTE_MAX_AGE_SECONDS: NOT_REPLAYABLE, it decides which contracts"),
        ("MAX_VIX_FOR_ENTRY", "write KEY=VALUE, one to a line"),
        ("MAX_VIX_FOR_ENTRY=x", "must be a number from 1 to 1000"),
    ],
)
def test_what_cannot_be_tried_is_said_on_the_page(viewer, typed, said):
    shown = viewer.get(page(record(world()), **{"with": typed}))
    assert shown.context["engines"] == []
    assert said in " ".join(shown.context["refused"])


def test_the_replay_page_needs_the_permission_to_look(client):
    stored = record(world())
    client.force_login(factories.person())
    assert client.get(page(stored)).status_code == 403
    client.force_login(factories.viewer())
    assert client.get(page(factories.decision_round())).status_code == 200
    missing = reverse("admin:experiments_decisionround_replay", args=("019c0000-0000-7000-8000-000000000000",))
    assert client.get(missing).status_code == 404


def test_the_page_of_a_version_of_the_settings_tells_what_changed(viewer):
    first = record(world())
    config = replace(CONFIG, max_contracts_per_trade=4)
    second = record(world(config=config), at=AT + timedelta(minutes=1))

    def shown(decision):
        address = reverse("admin:experiments_configversion_change", args=(decision.config_version,))
        return viewer.get(address).content.decode()

    assert "it is the first" in shown(first)
    assert "<li>max_contracts_per_trade: 10 → 4</li>" in shown(second)
