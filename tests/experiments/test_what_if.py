"""A what-if is true: it decides as a decision frozen under the other settings would have."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bias.enums import ConfigSection
from experiments.decide import decide
from experiments.engines.b.registry import AGENT_NAMES
from experiments.enums import ExecutionMode
from experiments.policy import execution_mode, real_engine
from experiments.what_if import Changes, changes_read, what_if
from experiments.what_if_keys import LIMITS, SETTINGS, keys_known
from optionsengine.core.enums import Engine
from tests.experiments.random_worlds import random_given
from tests.experiments.worlds import EXPOSURE, bias, world

TRIED = {
    "REQUIRE_MTF_BIAS_FOR_ENTRY": ("true", "false"),
    "SIGNAL_MAX_AGE_SECONDS": ("60", "86400"),
    "RISK_PER_TRADE_PERCENT": ("0.1", "2"),
    "RISK_PER_TRADE_MAX_PERCENT": ("1.5", "10"),
    "MAX_CONTRACTS_PER_TRADE": ("1", "1000"),
    "ENABLE_PORTFOLIO_GUARD": ("true", "false"),
    "ENABLE_SETUP_VALIDATOR": ("true", "false"),
    "ENABLE_CONFLUENCE_GATE": ("true", "false"),
    "CONFLUENCE_MIN_THRESHOLD": ("0", "85"),
    "MAX_VIX_FOR_ENTRY": ("10", "90"),
    "ENABLE_ORCHESTRATOR": ("true", "false"),
    "bias.gating.macro_suppress_long": ("MACRO_TREND_UP", "none"),
    "bias.gating.macro_suppress_short": ("MACRO_TREND_DOWN", "none"),
    "bias.gating.chop_limit": ("10", "100"),
    "bias.staleness.behavior": ("block", "reduce_risk"),
}
WORLDS = range(0, 200, 9)


def values_of(key):
    if key in TRIED:
        return TRIED[key]
    if key.startswith("enable_"):
        return ("false", "true")
    if key.startswith("risk_limits."):
        return ("1", "50", "")
    return ("-0.5" if key.endswith("strength_down_delta") else "0.1", "")


REPLAYABLE = [
    *SETTINGS,
    *(f"risk_limits.{column}" for column in LIMITS),
    *(f"enable_{agent}" for agent in AGENT_NAMES),
    *(key for key in keys_known(()).values() if key.startswith(("bias.gating.", "bias.risk."))),
    "bias.staleness.behavior",
    "bias.staleness.risk_multiplier",
]
GIVEN = {number: random_given(number) for number in WORLDS}


def frozen(side, given):
    """As the pipeline freezes it: who trades follows from the settings, too."""
    engine = real_engine(given["variant"], is_orchestrated=given["config"].is_orchestrated)
    return world(side, **{**given, "variant": engine}, execution_mode=execution_mode("PAPER", engine))


OLD = {number: frozen(side, given) for number, (side, given) in GIVEN.items()}


@pytest.mark.parametrize("key", REPLAYABLE)
def test_trying_a_setting_is_the_same_as_freezing_with_it(key):
    """The changes are applied to the settings before anything is frozen, and to the frozen inputs afterwards."""
    for raw in values_of(key):
        changes = changes_read({key: raw})
        for number, (side, given) in GIVEN.items():
            config, limits = settings_with(changes, given["config"], given["limits"])
            fresh = frozen(side, {**given, "config": config, "limits": limits})
            tried = changes.applied(OLD[number], given["variant"])
            assert tried == fresh
            assert decide(tried) == decide(fresh)


def settings_with(changes, config, limits):
    """What the operator's change makes of the settings themselves, written out once more."""
    sections = {
        section: replace(getattr(config.bias, section.value), **changes.bias.get(section, {}))
        for section in ConfigSection
    }
    off = {agent for agent in AGENT_NAMES if not changes.agents.get(agent, agent not in config.disabled_agents)}
    changed = replace(
        config,
        **changes.config,
        disabled_agents=tuple(sorted(off)),
        bias=replace(config.bias, **{section.value: values for section, values in sections.items()}),
    )
    return changed, replace(limits, **changes.limits)


EFFECTS = [
    ({"MAX_CONTRACTS_PER_TRADE": "1"}, {}, "quantity"),
    ({"RISK_PER_TRADE_PERCENT": "0.3"}, {}, "quantity"),
    ({"risk_limits.max_open_positions": "2"}, {"exposure": replace(EXPOSURE, open_positions=2)}, "outcome"),
    ({"risk_limits.max_exposure": "0"}, {}, "outcome"),
    ({"SIGNAL_MAX_AGE_SECONDS": "60"}, {"signal": {"bar_end_at": world().at - timedelta(seconds=61)}}, "outcome"),
    ({"bias.gating.chop_limit": "15"}, {}, "outcome"),
    ({"REQUIRE_MTF_BIAS_FOR_ENTRY": "false"}, {"bias": None}, "outcome"),
    ({"bias.staleness.behavior": "reduce_risk"}, {"bias": bias(is_stale=True, age_minutes=90.0)}, "outcome"),
    ({f"enable_{agent}": "false" for agent in AGENT_NAMES}, {"variant": Engine.B}, "outcome"),
]


@pytest.mark.parametrize(("given", "values", "column"), EFFECTS)
def test_a_decisive_setting_shows(given, values, column):
    inputs = world(**values)
    compared = what_if(inputs, changes_read(given), assigned=inputs.variant)
    assert compared.is_changed
    assert getattr(compared.before, column) != getattr(compared.after, column)


def test_the_plan_names_the_gate_that_decides_and_what_would_be_bought():
    compared = what_if(world(), changes_read({"risk_limits.max_exposure": "0"}), assigned=Engine.A)
    before, after = compared.before, compared.after
    assert (before.outcome, before.code, before.gate) == ("approved", "", "")
    assert (before.contract, before.quantity) == ("SPY-20260227-C-500", 9)
    assert (after.outcome, after.code, after.gate) == ("deferred", "MAX_EXPOSURE_DOLLARS", "risk_limits")
    assert (after.contract, after.quantity, after.limit_price) == ("", 0, None)


def test_nothing_changes_without_a_change():
    compared = what_if(world(), Changes(), assigned=Engine.A)
    assert compared.engines_before == compared.engines_after
    assert not compared.is_changed
    assert not compared.is_any_changed


def test_what_only_the_shadow_does_otherwise_is_no_change_of_the_trade():
    agents = changes_read({f"enable_{agent}": "false" for agent in AGENT_NAMES})
    compared = what_if(world(variant=Engine.A), agents, assigned=Engine.A)
    assert not compared.is_changed
    assert compared.is_any_changed


def test_the_plain_processor_trades_engine_as_decision():
    compared = what_if(world(variant=Engine.B), changes_read({"ENABLE_ORCHESTRATOR": "false"}), assigned=Engine.B)
    assert (compared.before.engine, compared.after.engine) == (Engine.B, Engine.A)
    assert compared.after == compared.engines_after[Engine.A]
    assert compared.is_changed


def test_who_trades_nobody_stays_so():
    shadow = world(execution_mode=ExecutionMode.SHADOW_ONLY)
    tried = changes_read({"ENABLE_ORCHESTRATOR": "false"}).applied(shadow, Engine.B)
    assert (tried.variant, tried.execution_mode) == (Engine.A, ExecutionMode.SHADOW_ONLY)
