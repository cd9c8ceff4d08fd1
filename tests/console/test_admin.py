"""The back office: one number of queries however many rows, ledgers that only read, edits that explain themselves."""

import datetime

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bias.enums import ConfigSection
from bias.models import BiasConfigSection, BiasStateCurrent, BiasStateHistory, GammaSnapshot
from experiments.models import (
    AgentDecision,
    Approval,
    ConfigVersion,
    DecisionRound,
    DrawdownFreeze,
    Experiment,
    GateResult,
    Recommendation,
    RiskLimit,
)
from optionsengine.core.admin import LedgerAdmin
from optionsengine.market.limits import Rate, limit_take
from optionsengine.market.models import FeedTick, IvDay, ProviderLimit, StoredBar
from optionsengine.ops.breakers import breaker_fail
from optionsengine.ops.enums import Flag
from optionsengine.ops.models import Alert, CircuitBreaker, FeatureFlag, Heartbeat, JobRun, TradingState
from optionsengine.ops.services import feature_flag_set
from orders.models import Order, OrderEvent, Trade
from positions.models import (
    BiasTradePerformance,
    EquitySnapshot,
    ExitAlert,
    ExitRule,
    Position,
    PositionEvent,
    PositionMark,
)
from signals.models import MarketContextReceived, Signal, SignalEvent, WebhookEvent, WebhookSource
from tests import factories

pytestmark = pytest.mark.django_db


def _heartbeat(number):
    Heartbeat.objects.create(name=f"beat-{number}", beat_at=factories.AT)


def _bias_section(number):
    name = ConfigSection.values[number % len(ConfigSection.values)]
    BiasConfigSection.objects.update_or_create(name=name, defaults={"updated_at": factories.AT})


def _trading_state(number):
    TradingState.objects.update_or_create(pk=1, defaults={"updated_at": factories.AT})


MAKERS = {
    WebhookSource: lambda n: factories.webhook_source(),
    WebhookEvent: lambda n: factories.webhook_event(source=factories.webhook_source()),
    Signal: lambda n: factories.experiment(),
    SignalEvent: lambda n: factories.signal_event(),
    MarketContextReceived: lambda n: factories.context_received(),
    BiasStateCurrent: lambda n: factories.bias_current(),
    BiasStateHistory: lambda n: factories.bias_history(),
    GammaSnapshot: lambda n: factories.gamma_snapshot(),
    BiasConfigSection: _bias_section,
    FeedTick: lambda n: factories.feed_tick(),
    Experiment: lambda n: factories.experiment(),
    DecisionRound: lambda n: factories.decision_round(),
    GateResult: lambda n: factories.gate_result(),
    AgentDecision: lambda n: factories.agent_decision(),
    Recommendation: lambda n: factories.recommendation(),
    Approval: lambda n: factories.approval(),
    ConfigVersion: lambda n: ConfigVersion.objects.create(version=f"v{n}", first_used_at=factories.AT, values={"n": n}),
    DrawdownFreeze: lambda n: DrawdownFreeze.objects.create(until_at=factories.AT, drawdown_percent=n),
    FeatureFlag: lambda n: feature_flag_set(name=list(Flag)[n % len(Flag)], is_enabled=n % 2 == 0, at=factories.AT),
    RiskLimit: lambda n: RiskLimit.objects.create(name=f"limits {n}", is_enabled=False),
    Order: lambda n: factories.order(),
    OrderEvent: lambda n: factories.order_event(),
    Trade: lambda n: factories.trade(),
    Position: lambda n: factories.position(),
    PositionEvent: lambda n: factories.position_event(),
    PositionMark: lambda n: factories.position_mark(),
    EquitySnapshot: lambda n: factories.equity_snapshot(),
    ExitRule: lambda n: factories.exit_rule(),
    ExitAlert: lambda n: factories.exit_alert(),
    BiasTradePerformance: lambda n: factories.performance(),
    JobRun: lambda n: factories.job_run(),
    Alert: lambda n: factories.alert(),
    Heartbeat: _heartbeat,
    CircuitBreaker: lambda n: breaker_fail(f"service {n}", error="server failed", at=factories.AT),
    ProviderLimit: lambda n: limit_take(f"provider {n}", [Rate(8, "minute", 60)]),
    StoredBar: lambda n: factories.stored_bar(number=n),
    IvDay: lambda n: factories.iv_day(number=n),
    TradingState: _trading_state,
    User: lambda n: factories.viewer(),
    Group: lambda n: Group.objects.create(name=f"group {n}"),
}
OURS = [model for model in admin.site._registry if model._meta.app_label != "django_q"]
LEDGERS = [model for model, page in admin.site._registry.items() if isinstance(page, LedgerAdmin)]


def page(model, name="changelist", *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def queries_of(client, url):
    with CaptureQueriesContext(
        connection,
    ) as caught:
        response = client.get(url)
    assert response.status_code == 200
    return len(caught), response


@pytest.fixture
def boss(client):
    client.force_login(factories.superuser())
    return client


def test_every_registered_page_is_covered():
    assert set(OURS) == set(MAKERS)


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_a_list_costs_the_same_at_1_and_at_30_rows(boss, model):
    MAKERS[model](0)
    boss.get(page(model))
    one, _ = queries_of(boss, page(model))
    for number in range(1, 30):
        MAKERS[model](number)
    many, response = queries_of(boss, page(model))
    assert many == one
    assert len(response.context["cl"].result_list) == model.objects.count()


@pytest.mark.parametrize("model", LEDGERS, ids=lambda model: model._meta.label)
def test_a_ledger_can_only_be_read(boss, rf, model):
    request = rf.get("/")
    request.user = User.objects.get()
    ledger = admin.site._registry[model]
    assert not ledger.has_add_permission(request)
    assert not ledger.has_change_permission(request)
    assert not ledger.has_delete_permission(request)
    assert boss.get(page(model, "add")).status_code == 403
    assert "delete_selected" not in ledger.get_actions(request)


@pytest.mark.parametrize("model", [model for model in LEDGERS if model in MAKERS], ids=lambda model: model._meta.label)
def test_a_row_of_a_ledger_opens_and_refuses_to_be_saved_or_deleted(boss, model):
    MAKERS[model](0)
    row = model.objects.order_by("pk").first()
    before = model.objects.filter(pk=row.pk).values().get()
    assert boss.get(page(model, "change", row.pk)).status_code == 200
    assert boss.post(page(model, "change", row.pk), {"status": "x"}).status_code in {200, 403, 405}
    assert boss.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert model.objects.filter(pk=row.pk).values().get() == before


def test_times_are_written_in_utc_and_say_so(boss):
    factories.job_run(created_at=datetime.datetime(2026, 2, 17, 15, 4, 5, tzinfo=datetime.UTC))
    assert "2026-02-17 15:04:05 UTC" in boss.get(page(JobRun)).content.decode()


def test_simulated_prices_are_labelled(boss):
    factories.position()
    assert "simulated" in boss.get(page(Position)).content.decode()
    factories.trade()
    assert "simulated" in boss.get(page(Trade)).content.decode()


def test_a_list_is_searched_by_symbol_in_any_case_and_by_id(boss):
    spy = factories.signal(symbol="SPY")
    factories.signal(symbol="QQQ")
    for term in ("spy", " SPY ", str(spy.pk)):
        found = boss.get(page(Signal), {"q": term}).context["cl"].result_list
        assert [row.pk for row in found] == [spy.pk]
    assert list(boss.get(page(Signal), {"q": "nothing"}).context["cl"].result_list) == []


def test_a_viewer_reads_and_an_operator_edits_rules(client):
    rule = factories.exit_rule(name="Mine")
    client.force_login(factories.viewer())
    assert client.get(page(ExitRule)).status_code == 200
    assert client.get(page(ExitRule, "add")).status_code == 403
    assert client.get(page(User)).status_code == 403
    client.force_login(factories.operator())
    assert client.get(page(ExitRule, "add")).status_code == 200
    assert client.get(page(ExitRule, "change", rule.pk)).status_code == 200
    assert client.get(page(WebhookSource, "add")).status_code == 403


def test_nobody_gets_in_without_a_login(client):
    response = client.get(page(Signal))
    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/")


RULE = {
    "name": "Tight",
    "is_enabled": "on",
    "scope": "global",
    "target": "",
    "action": "close",
    "profit_target_percent": "40",
    "stop_loss_percent": "30",
    "trailing_activation_percent": "20",
    "trailing_distance_percent": "15",
    "max_hold_sessions": "3",
    "min_dte": "1",
}


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"scope": "global", "target": "SPY"}, "target", "Leave this empty"),
        ({"scope": "engine", "target": "C"}, "target", "Write one of A, B."),
        ({"scope": "engine", "target": ""}, "target", "Write one of A, B."),
        ({"scope": "setup", "target": "DAY"}, "target", "Write one of SCALP_GUARDED, SWING, POSITION, LEAPS."),
        ({"scope": "symbol", "target": ""}, "target", "such as SPY"),
        ({"scope": "position", "target": "SPY"}, "target", "id of an existing position"),
        ({"stop_loss_percent": "101"}, "stop_loss_percent", "less than or equal to 100"),
        ({"profit_target_percent": "0.5"}, "profit_target_percent", "greater than or equal to 1"),
        ({"trailing_distance_percent": ""}, "__all__", "both its activation and its distance"),
        ({"profit_target_percent": "NaN"}, "profit_target_percent", "Enter a number"),
    ],
)
def test_an_exit_rule_that_cannot_be_is_refused_in_words(boss, change, field, said):
    ExitRule.objects.all().delete()
    response = boss.post(page(ExitRule, "add"), RULE | change)
    assert response.status_code == 200
    errors = response.context["adminform"].form.errors
    assert said in str(errors[field])
    assert not ExitRule.objects.exists()


@pytest.mark.parametrize(
    ("scope", "target", "stored"),
    [("global", "", ""), ("engine", "b", "B"), ("setup", "swing", "SWING"), ("symbol", " spy ", "SPY")],
)
def test_an_exit_rule_is_saved_with_its_target_as_the_engine_reads_it(boss, scope, target, stored):
    ExitRule.objects.all().delete()
    response = boss.post(page(ExitRule, "add"), RULE | {"scope": scope, "target": target})
    assert response.status_code == 302
    rule = ExitRule.objects.get()
    assert (rule.scope, rule.target, str(rule.stop_loss_percent)) == (scope, stored, "30.00")


def test_a_second_enabled_rule_of_one_scope_is_refused_in_words(boss):
    ExitRule.objects.all().delete()
    factories.exit_rule(is_enabled=True)
    response = boss.post(page(ExitRule, "add"), RULE)
    assert "Another enabled rule has this scope and target" in response.content.decode()
    assert ExitRule.objects.count() == 1


def test_risk_limits_are_saved_and_a_second_enabled_row_refused(boss):
    limits = {"name": "Mine", "is_enabled": "on", "max_open_positions": "3", "max_exposure": "15000.50"}
    assert boss.post(page(RiskLimit, "add"), limits).status_code == 302
    saved = RiskLimit.objects.get()
    assert (saved.max_open_positions, str(saved.max_exposure), saved.max_daily_loss) == (3, "15000.50", None)
    response = boss.post(page(RiskLimit, "add"), limits | {"name": "Other"})
    assert "Another row is enabled" in response.content.decode()
    response = boss.post(page(RiskLimit, "add"), limits | {"name": "Other", "is_enabled": "", "max_exposure": "-1"})
    assert "greater than or equal to 0" in response.content.decode()
    response = boss.post(page(RiskLimit, "add"), {"name": "Other", "max_open_risk_percent": "200"})
    assert "from 0 to 100" in response.content.decode()
    assert RiskLimit.objects.count() == 1


def test_the_portfolio_breakers_are_edited_with_the_other_limits(boss):
    limits = {"name": "Mine", "max_drawdown_percent": "2.5", "max_dollar_delta": "1000", "max_dollar_vega": "0"}
    assert boss.post(page(RiskLimit, "add"), limits).status_code == 302
    saved = RiskLimit.objects.get()
    assert (str(saved.max_drawdown_percent), str(saved.max_dollar_delta), saved.max_dollar_gamma) == (
        "2.50",
        "1000.00",
        None,
    )
    assert str(saved.max_dollar_vega) == "0.00"
    response = boss.post(page(RiskLimit, "add"), limits | {"name": "Other", "max_drawdown_percent": "101"})
    assert "from 0 to 100" in response.content.decode()
    response = boss.post(page(RiskLimit, "add"), limits | {"name": "Other", "max_dollar_gamma": "-1"})
    assert "greater than or equal to 0" in response.content.decode()
    assert RiskLimit.objects.count() == 1


def test_the_audit_says_who_changed_a_rule(client):
    user = factories.operator()
    client.force_login(user)
    rule = factories.exit_rule()
    form = RULE | {"is_enabled": "", "profit_target_percent": "60"}
    assert client.post(page(ExitRule, "change", rule.pk), form).status_code == 302
    history = ExitRule.pgh_event_model.objects.filter(pgh_obj_id=rule.pk).order_by("pgh_id")
    assert [str(event.profit_target_percent) for event in history] == ["50.00", "60.00"]
    assert history[0].pgh_context is None
    assert history[1].pgh_context.metadata["user"] == user.pk


def test_the_trading_state_is_switched_through_its_page(boss):
    _trading_state(0)
    response = boss.post(page(TradingState, "change", 1), {"status": "HALTED", "reason": "a bad day"})
    assert response.status_code == 302
    state = TradingState.objects.get()
    assert (state.status, state.reason) == ("HALTED", "a bad day")
    assert boss.get(page(TradingState, "add")).status_code == 403
    assert boss.post(page(TradingState, "delete", 1), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("mode", ["token", "hmac"])
def test_a_source_shows_its_secret_once_and_never_again(boss, mode):
    from signals.authentication import token_hash

    response = boss.post(page(WebhookSource, "add"), {"slug": "tv", "name": "TradingView", "mode": mode})
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    secret = response.context["secret"]
    assert secret in response.content.decode()
    assert len(secret) >= 43
    source = WebhookSource.objects.get(slug="tv")
    if mode == "token":
        assert source.secrets.values_list("token_hash", "secret").get() == (token_hash(secret), "")
    else:
        assert source.secrets.values_list("token_hash", "secret").get() == ("", secret)
    for url in (page(WebhookSource), page(WebhookSource, "change", source.pk)):
        assert secret not in boss.get(url).content.decode()
    assert boss.get(page(WebhookSource, "delete", source.pk)).status_code == 403


def test_a_source_keeps_its_credential_when_edited(boss):
    from signals.authentication import token_hash

    source = factories.webhook_source(token="a-token")
    change = {"name": "Renamed", "is_enabled": ""}
    assert boss.post(page(WebhookSource, "change", source.pk), change).status_code == 302
    edited = WebhookSource.objects.get()
    assert (edited.name, edited.is_enabled) == ("Renamed", False)
    assert (edited.slug, edited.secrets.get().token_hash) == (source.slug, token_hash("a-token"))
