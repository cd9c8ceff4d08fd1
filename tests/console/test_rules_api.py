"""Trading state, flags, limits and exit rules over the API: who may, what is refused in words, and who did it."""

import pytest
from rest_framework_simplejwt.tokens import AccessToken

from experiments.models import RiskLimit
from experiments.selectors import limits_get
from optionsengine.console.permissions import roles_sync
from optionsengine.core import clock
from optionsengine.ops.enums import Flag, TradingStatus
from optionsengine.ops.models import FeatureFlag, TradingState
from optionsengine.ops.selectors import trading_status_get
from orders.models import Order, OrderEvent
from positions.models import ExitRule
from tests import factories
from tests.factories.clock import AT
from tests.positions.flow import bought

pytestmark = pytest.mark.django_db
READS = ("trading-state/", "feature-flags/", "feature-flags/enable_risk/", "risk-limits/", "exit-rules/")
WRITES = (
    ("patch", "trading-state/", {"status": "HALTED", "reason": "stop"}),
    ("put", "trading-state/", {"status": "HALTED", "reason": "stop"}),
    ("post", "trading-state/flatten/", {"confirm": True, "reason": "stop"}),
    ("patch", "feature-flags/enable_risk/", {"is_enabled": False}),
    ("post", "risk-limits/", {"name": "Mine"}),
    ("post", "exit-rules/", {"name": "Mine", "scope": "symbol", "target": "SPY"}),
)


def send(client, method, path, body=None, **headers):
    with clock.frozen(AT):
        if body is None:
            return getattr(client, method)(f"/api/v1/{path}", **headers)
        return getattr(client, method)(f"/api/v1/{path}", body, "application/json", **headers)


@pytest.fixture
def operator(client):
    client.user = factories.operator()
    client.force_login(client.user)
    return client


@pytest.fixture
def viewer(client):
    client.force_login(factories.viewer())
    return client


def said(response, field):
    assert (response.status_code, response.json()["code"]) == (400, "INVALID_FIELD"), response.content
    return " ".join(one["message"] for one in response.json()["details"] if one["field"] == field)


# --- who may


@pytest.mark.parametrize("path", READS)
def test_reading_needs_a_role(client, path):
    assert client.get(f"/api/v1/{path}").status_code == 401
    client.force_login(factories.person())
    assert client.get(f"/api/v1/{path}").status_code == 403
    for allowed in (factories.viewer(), factories.operator(), factories.person("admin"), factories.superuser()):
        client.force_login(allowed)
        assert client.get(f"/api/v1/{path}").status_code == 200


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_writing_needs_an_operator(client, method, path, body):
    before = (RiskLimit.objects.count(), ExitRule.objects.count())
    assert send(client, method, path, body).status_code == 401
    client.force_login(factories.viewer())
    assert send(client, method, path, body).status_code == 403
    assert (RiskLimit.objects.count(), ExitRule.objects.count()) == before
    assert trading_status_get() == TradingStatus.ACTIVE
    assert FeatureFlag.objects.get(pk="enable_risk").is_enabled
    client.force_login(factories.operator())
    assert send(client, method, path, body).status_code in (200, 201)


ROLES = [
    ("viewer", {"view"}),
    ("operator", {"view", "change"}),
    ("admin", {"view", "add", "change", "delete"}),
]


@pytest.mark.parametrize(("role", "acts"), ROLES)
def test_a_role_may_switch_flags_as_its_name_says(role, acts):
    roles_sync()
    user = factories.person(role)
    may = {act for act in ("view", "add", "change", "delete") if user.has_perm(f"ops.{act}_featureflag")}
    assert may == acts
    for ledger in ("configversion", "drawdownfreeze"):
        assert user.has_perm(f"experiments.view_{ledger}")
        assert user.has_perm(f"experiments.change_{ledger}") is (role == "admin")


# --- the trading state


def test_the_trading_state_is_read_and_switched(operator):
    assert operator.get("/api/v1/trading-state/").json() == {"status": "ACTIVE", "reason": "", "updated_at": None}
    switched = send(operator, "put", "trading-state/", {"status": "REDUCING", "reason": "news"})
    assert switched.json() == {"status": "REDUCING", "reason": "news", "updated_at": "2026-02-17T15:00:00.000000Z"}
    assert send(operator, "patch", "trading-state/", {"status": "HALTED"}).json()["reason"] == "news"
    assert trading_status_get() == TradingStatus.HALTED


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"status": "PAUSED", "reason": "x"}, "status"),
        ({"status": "HALTED"}, "reason"),
        ({"status": "HALTED", "reason": " "}, "reason"),
        ({"status": "HALTED", "reason": "x" * 201}, "reason"),
        ({"reason": "x"}, "status"),
    ],
)
def test_a_trading_state_that_cannot_be_is_refused_in_words(operator, body, field):
    assert said(send(operator, "put", "trading-state/", body), field)
    assert not TradingState.objects.exists()


def test_flattening_needs_its_confirmation(operator):
    position = bought(2, "4.00")
    for body, field in (
        ({"reason": "x"}, "confirm"),
        ({"confirm": False, "reason": "x"}, "confirm"),
        ({"confirm": True}, "reason"),
        ({"confirm": True, "reason": ""}, "reason"),
    ):
        assert said(send(operator, "post", "trading-state/flatten/", body), field)
    assert not Order.objects.filter(intent="exit").exists()
    assert trading_status_get() == TradingStatus.ACTIVE

    answer = send(operator, "post", "trading-state/flatten/", {"confirm": True, "reason": "enough"}).json()
    order = Order.objects.get(intent="exit")
    assert answer == {
        "success": True,
        "status": "REDUCING",
        "entries_cancelled": 0,
        "entries_in_flight": 0,
        "signals_ended": 0,
        "ordered": [
            {
                "position_id": str(position.pk),
                "option_symbol": "SPY-20260320-C-500",
                "quantity": 2,
                "client_order_id": order.client_order_id,
                "exit_reason": "FLATTEN",
                "error": "",
            }
        ],
        "in_progress": [],
        "failed": [],
        "message": "1 exit orders written, 0 were working already, 0 entries cancelled, 0 signals ended; "
        "trading is REDUCING",
    }
    assert OrderEvent.objects.get(order=order, reason="FLATTEN").to_status == "pending_execution"


# --- flags


def test_flags_are_listed_and_switched(operator):
    listed = operator.get("/api/v1/feature-flags/").json()["results"]
    assert [flag["name"] for flag in listed] == sorted(Flag.values)
    assert {flag["is_enabled"] for flag in listed} == {True}
    switched = send(operator, "patch", "feature-flags/enable_risk/", {"is_enabled": False}).json()
    assert switched == {
        "name": "enable_risk",
        "is_enabled": False,
        "description": "Engine B asks its risk agent.",
        "switched_at": "2026-02-17T15:00:00.000000Z",
    }
    assert not FeatureFlag.objects.get(pk="enable_risk").is_enabled


def test_a_flag_without_a_row_is_on_and_can_be_switched(operator):
    FeatureFlag.objects.filter(pk="enable_risk").delete()
    assert operator.get("/api/v1/feature-flags/enable_risk/").json()["is_enabled"] is True
    assert send(operator, "patch", "feature-flags/enable_risk/", {"is_enabled": False}).status_code == 200
    assert not FeatureFlag.objects.get(pk="enable_risk").is_enabled


def test_an_unknown_flag_is_not_there(operator):
    assert operator.get("/api/v1/feature-flags/enable_magic/").status_code == 404
    assert send(operator, "patch", "feature-flags/enable_magic/", {"is_enabled": False}).status_code == 404
    assert FeatureFlag.objects.count() == len(Flag)
    assert said(send(operator, "patch", "feature-flags/enable_risk/", {"is_enabled": "perhaps"}), "is_enabled")
    assert send(operator, "put", "feature-flags/enable_risk/", {"is_enabled": False}).status_code == 405


# --- limits and rules


def test_limits_are_written_and_hold(operator):
    body = {"name": "Mine", "max_open_positions": 3, "max_dollar_delta": "1000.50", "max_drawdown_percent": "2.5"}
    made = send(operator, "post", "risk-limits/", body)
    assert made.status_code == 201
    row = made.json()
    assert (row["max_open_positions"], row["max_dollar_delta"], row["max_daily_loss"]) == (3, "1000.50", None)
    assert (str(limits_get().max_dollar_delta), str(limits_get().max_drawdown_percent)) == ("1000.50", "2.50")
    changed = send(operator, "patch", f"risk-limits/{row['id']}/", {"max_open_positions": None})
    assert (changed.json()["max_open_positions"], limits_get().max_open_positions) == (None, 5)
    assert send(operator, "delete", f"risk-limits/{row['id']}/").status_code == 204
    assert not RiskLimit.objects.exists()


LIMIT_FAULTS = [
    ({}, "name", "required"),
    ({"name": ""}, "name", "blank"),
    ({"name": "First", "is_enabled": False}, "name", "with this Name already exists"),
    ({"name": "Second"}, "non_field_errors", "Disable that one first."),
    ({"name": "Second", "is_enabled": False, "max_exposure": "-1"}, "max_exposure", "greater than or equal to 0"),
    ({"name": "Second", "is_enabled": False, "max_exposure": "NaN"}, "max_exposure", "number"),
    ({"name": "Second", "is_enabled": False, "max_dollar_vega": "1e15"}, "max_dollar_vega", "14 digits"),
    (
        {"name": "Second", "is_enabled": False, "max_drawdown_percent": "101"},
        "non_field_errors",
        "from 0 to 100.",
    ),
]


@pytest.mark.parametrize(("body", "field", "words"), LIMIT_FAULTS)
def test_limits_that_cannot_be_are_refused_in_words(operator, body, field, words):
    RiskLimit.objects.create(name="First")
    assert words in said(send(operator, "post", "risk-limits/", body), field)
    assert RiskLimit.objects.count() == 1


def test_an_exit_rule_is_written_as_the_engine_reads_it(operator):
    made = send(operator, "post", "exit-rules/", {"name": "Mine", "scope": "symbol", "target": " spy "})
    assert made.status_code == 201
    assert (made.json()["target"], made.json()["stop_loss_percent"]) == ("SPY", "50.00")
    changed = send(operator, "patch", f"exit-rules/{made.json()['id']}/", {"stop_loss_percent": "30"})
    assert (changed.json()["stop_loss_percent"], changed.json()["target"]) == ("30.00", "SPY")
    assert changed.json()["updated_at"] == "2026-02-17T15:00:00.000000Z"
    assert [row["name"] for row in operator.get("/api/v1/exit-rules/?scope=symbol").json()["results"]] == ["Mine"]


RULE_FAULTS = [
    ({"target": "SPY"}, "target", "Leave this empty"),
    ({"scope": "engine", "target": "C"}, "target", "Write one of A, B."),
    ({"scope": "setup", "target": "DAY"}, "target", "Write one of SCALP_GUARDED"),
    ({"scope": "symbol"}, "target", "such as SPY"),
    ({"scope": "position", "target": "SPY"}, "target", "id of an existing position"),
    ({"scope": "planet"}, "scope", "not a valid choice"),
    ({}, "non_field_errors", "Disable that one first."),
    ({"is_enabled": False, "stop_loss_percent": "101"}, "stop_loss_percent", "less than or equal to 100"),
    (
        {"is_enabled": False, "trailing_distance_percent": None},
        "non_field_errors",
        "or neither.",
    ),
]


@pytest.mark.parametrize(("body", "field", "words"), RULE_FAULTS)
def test_an_exit_rule_that_cannot_be_is_refused_in_words(operator, body, field, words):
    before = ExitRule.objects.count()
    assert words in said(send(operator, "post", "exit-rules/", {"name": "Mine"} | body), field)
    assert ExitRule.objects.count() == before


def test_a_change_that_breaks_the_rule_leaves_it_as_it_is(operator):
    rule = factories.exit_rule()
    found = said(send(operator, "patch", f"exit-rules/{rule.pk}/", {"is_enabled": True}), "non_field_errors")
    assert found == "Another enabled rule has this scope and target. Disable that one first."
    assert not ExitRule.objects.get(pk=rule.pk).is_enabled


# --- the audit


@pytest.mark.parametrize("way", ["session", "token"])
def test_the_audit_says_who(client, way):
    user = factories.operator()
    headers = {}
    if way == "session":
        client.force_login(user)
    else:
        headers["HTTP_AUTHORIZATION"] = f"Bearer {AccessToken.for_user(user)}"
    rule = factories.exit_rule()
    limit = RiskLimit.objects.create(name="Mine")
    for method, path, body in (
        ("patch", f"exit-rules/{rule.pk}/", {"name": "Other"}),
        ("patch", f"risk-limits/{limit.pk}/", {"name": "Other"}),
        ("patch", "feature-flags/enable_risk/", {"is_enabled": False}),
        ("put", "trading-state/", {"status": "HALTED", "reason": "x"}),
    ):
        assert send(client, method, path, body, **headers).status_code == 200
    for model in (ExitRule, RiskLimit, FeatureFlag, TradingState):
        event = model.pgh_event_model.objects.latest("pgh_id")
        assert event.pgh_context.metadata["user"] == user.pk, model


def test_the_admin_switches_flags_from_its_list(operator):
    page = operator.get("/admin/ops/featureflag/")
    assert page.status_code == 200
    forms = page.context["cl"].formset
    data = {f"{forms.prefix}-TOTAL_FORMS": len(forms), f"{forms.prefix}-INITIAL_FORMS": len(forms), "_save": "Save"}
    for form in forms:
        data[f"{form.prefix}-name"] = form.instance.pk
        if form.instance.pk != "enable_risk":
            data[f"{form.prefix}-is_enabled"] = "on"
    with clock.frozen(AT):
        assert operator.post("/admin/ops/featureflag/", data).status_code == 302
    assert list(FeatureFlag.objects.filter(is_enabled=False).values_list("pk", "switched_at")) == [("enable_risk", AT)]
    assert operator.get("/admin/ops/featureflag/add/").status_code == 403
    assert operator.post("/admin/ops/featureflag/enable_risk/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "body", "field", "told"),
    [
        ("post", "risk-limits/", {"name": "Mine", "max_open_positons": 3}, "max_open_positons", "max_open_positions?"),
        ("patch", "feature-flags/enable_risk/", {"is_enabled": False, "enabled": False}, "enabled", "is_enabled?"),
        ("post", "exit-rules/", {"name": "Mine", "scope": "global", "stop": 5}, "stop", "There is no such field"),
        ("patch", "trading-state/", {"status": "HALTED", "reason": "x", "state": 1}, "state", "status?"),
        ("post", "trading-state/flatten/", {"confirm": True, "reason": "x", "shadow": 1}, "shadow", "with_shadow?"),
    ],
)
def test_a_field_that_does_not_exist_is_refused_and_changes_nothing(operator, method, path, body, field, told):
    before = list(ExitRule.objects.order_by("pk").values())

    answer = send(operator, method, path, body)

    assert answer.status_code == 400
    [detail] = [each for each in answer.json()["details"] if each["field"] == field]
    assert told in detail["message"]
    assert list(ExitRule.objects.order_by("pk").values()) == before
    assert not RiskLimit.objects.exists()
    assert trading_status_get() == TradingStatus.ACTIVE
    assert not FeatureFlag.objects.filter(is_enabled=False).exists()


def test_what_was_read_may_be_sent_back_whole(operator):
    row = send(operator, "post", "risk-limits/", {"name": "Mine", "max_open_positions": 3}).json()

    changed = send(operator, "put", f"risk-limits/{row['id']}/", row | {"max_open_positions": 4})

    assert (changed.status_code, changed.json()["max_open_positions"]) == (200, 4)
