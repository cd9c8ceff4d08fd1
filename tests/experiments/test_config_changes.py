"""What changed between two versions of the configuration."""

import json
from dataclasses import asdict, replace
from decimal import Decimal

import pytest

from bias.config import BiasConfig, GatingConfig
from experiments.config_changes import ConfigChange, config_changes
from optionsengine.core.canonical import canonical_json
from tests.experiments.worlds import CONFIG


def stored(config):
    return json.loads(canonical_json(asdict(config)))


def test_equal_versions_differ_in_nothing():
    assert config_changes(stored(CONFIG), stored(replace(CONFIG))) == ()


def test_every_setting_that_differs_is_named_with_both_values():
    changed = replace(
        CONFIG,
        risk_per_trade_percent=Decimal("0.5"),
        require_bias=False,
        disabled_agents=("risk", "technical"),
        bias=BiasConfig(gating=GatingConfig(chop_limit=60.0, macro_suppress_short=())),
    )
    assert config_changes(stored(CONFIG), stored(changed)) == (
        ConfigChange("bias.gating.chop_limit", "75.0", "60.0"),
        ConfigChange("bias.gating.macro_suppress_short", "MACRO_TREND_UP", "none"),
        ConfigChange("disabled_agents", "none", "risk, technical"),
        ConfigChange("require_bias", "true", "false"),
        ConfigChange("risk_per_trade_percent", "1", "0.5"),
    )


@pytest.mark.parametrize(("before", "after"), [("not there", "true"), ("true", "not there")])
def test_a_setting_that_only_one_version_knows_differs(before, after):
    versions = {"not there": {}, "true": {"bias": {"new": True}}}
    assert config_changes(versions[before], versions[after]) == (ConfigChange("bias.new", before, after),)
