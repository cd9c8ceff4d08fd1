"""Feature flags: on unless switched off, one for each agent, unknown names refused, every switch audited."""

import pytest
from django.db import IntegrityError, transaction
from django.db.models.signals import post_migrate

from experiments.engines.b.registry import AGENT_NAMES, AGENTS
from experiments.selectors import decision_config_get
from optionsengine.core.errors import Refusal
from optionsengine.ops.enums import Flag, OpsCode
from optionsengine.ops.models import FeatureFlag
from optionsengine.ops.selectors import flag_get, flags_disabled
from optionsengine.ops.services import feature_flag_set, feature_flags_ensure
from optionsengine.pipeline.orders import orders_create
from optionsengine.pipeline.reconcile import invariants_check
from orders.models import Order
from tests import factories
from tests.factories.clock import AT, later

pytestmark = pytest.mark.django_db


def switch(name, *, on=False, at=AT):
    return feature_flag_set(name=name, is_enabled=on, at=at)


def test_every_agent_has_its_flag_and_the_shadow_one():
    assert {flag.agent for flag in Flag} == {*AGENT_NAMES, ""}
    assert [flag for flag in Flag if not flag.agent] == [Flag.ENABLE_SHADOW_EXECUTION]
    assert {agent.flag for agent in AGENTS} <= set(Flag.values)


def test_a_new_installation_has_every_flag_on():
    assert sorted(FeatureFlag.objects.values_list("name", "is_enabled", "description")) == sorted(
        (flag.value, True, flag.label) for flag in Flag
    )
    assert flags_disabled() == ()


def test_the_rows_are_made_anew_and_keep_what_a_person_switched():
    switch("enable_risk")
    FeatureFlag.objects.filter(pk="enable_context").delete()
    FeatureFlag.objects.filter(pk="enable_risk").update(description="old words")
    assert flag_get(Flag.ENABLE_CONTEXT).is_enabled
    feature_flags_ensure()
    assert FeatureFlag.objects.count() == len(Flag)
    risk = FeatureFlag.objects.get(pk="enable_risk")
    assert (risk.is_enabled, risk.description, risk.switched_at) == (False, "Engine B asks its risk agent.", AT)
    assert post_migrate.has_listeners()


def test_what_is_off_is_told_sorted_in_one_query(django_assert_num_queries):
    for name in ("enable_volatility", "enable_context", "enable_shadow_execution"):
        switch(name)
    with django_assert_num_queries(1):
        assert flags_disabled() == ("enable_context", "enable_shadow_execution", "enable_volatility")
    assert decision_config_get().disabled_agents == ("context", "volatility")
    switch("enable_volatility", on=True)
    assert decision_config_get().disabled_agents == ("context",)


def test_a_flag_switched_off_makes_another_version_of_the_configuration():
    before = decision_config_get().version
    switch("enable_shadow_execution")
    assert decision_config_get().version == before  # it decides nothing
    switch("enable_risk")
    assert decision_config_get().version != before


def test_an_unknown_flag_is_refused_and_makes_no_row():
    with pytest.raises(Refusal) as refused:
        switch("enable_magic")
    assert refused.value.code == OpsCode.UNKNOWN_FLAG
    assert "enable_risk" in refused.value.message
    assert not FeatureFlag.objects.filter(pk="enable_magic").exists()
    with pytest.raises(IntegrityError, match="feature_flags_name"), transaction.atomic():
        FeatureFlag.objects.create(name="enable_magic")


def test_a_switch_is_kept_in_history_and_a_repeated_one_changes_nothing():
    switch("enable_risk")
    switch("enable_risk", at=later(hours=1))
    assert FeatureFlag.objects.get(pk="enable_risk").switched_at == AT
    history = FeatureFlag.pgh_event_model.objects.filter(pgh_obj="enable_risk", pgh_label="update")
    assert [event.is_enabled for event in history] == [False]


@pytest.mark.parametrize("is_on", [True, False])
def test_a_shadow_entry_is_followed_only_while_its_flag_is_on(is_on):
    switch("enable_shadow_execution", on=is_on)
    decision = factories.decision_round(experiment=factories.experiment(signal=factories.signal(status="approved")))
    real = factories.recommendation(decision=decision)
    if not is_on:  # a fill needs what a decision froze, which whole lives in the pipeline's tests have
        factories.recommendation(decision=decision, engine="B")

    assert orders_create(at=later(minutes=1)).failed == 0
    found = set(Order.objects.values_list("mode", "status", "reason"))
    expected = {("paper", "pending_execution", "")}
    assert found == (expected if is_on else {*expected, ("shadow", "cancelled", "SHADOW_OFF")})
    assert Order.objects.filter(recommendation=real).count() == 1
    switch("enable_shadow_execution", on=True)
    assert orders_create(at=later(minutes=2)).claimed == 0  # what was left out is used up, and not bought late


def test_a_shadow_that_is_not_followed_breaks_no_invariant():
    switch("enable_shadow_execution")
    decision = factories.decision_round(experiment=factories.experiment(signal=factories.signal(status="rejected")))
    factories.recommendation(decision=decision, engine="B")
    orders_create(at=later(minutes=1))
    assert [check.broken for check in invariants_check(at=later(hours=3)) if check.number == 4] == [0]
