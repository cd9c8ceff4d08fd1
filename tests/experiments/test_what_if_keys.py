"""Which settings can be tried out: every one is in exactly one class, read and bounded as the setting itself is."""

from dataclasses import fields
from decimal import Decimal

import pytest
from django.core.exceptions import ImproperlyConfigured

from bias.config import BiasConfig, GatingConfig, RiskConfig, StaleBehavior, StalenessConfig
from bias.enums import ConfigSection, MacroClass
from experiments.admin import RiskLimitForm
from experiments.config import DecisionConfig, Limits
from experiments.engines.b.registry import AGENT_NAMES
from experiments.what_if import Changes, NotReplayable, WhatIfInvalid, changes_read
from experiments.what_if_keys import LIMITS, NOT_REPLAYABLE, SETTINGS, Flag, Number, Whole
from optionsengine.console import readme
from optionsengine.core.enums import Engine
from optionsengine.ops.enums import Flag as OpsFlag
from optionsengine.settings import readers
from optionsengine.settings.readers import BASE_DIR
from tests.experiments.worlds import world

BASE = BASE_DIR / "optionsengine" / "settings" / "base.py"
SPECS = {spec.name: spec for spec in readme.settings_read(BASE.read_text(encoding="utf-8"))}
WHOLE_FIELDS = {"disabled_agents", "bias"}  # classified by agent and by key below
# settings that no decision depends on, and keys, secrets and addresses of providers
ELSEWHERE = {
    *("DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "TRUSTED_PROXIES", "CORS_ALLOWED_ORIGINS"),
    *("DATABASE_URL", "DATABASE_NAME", "SPOOL_DIR", "SPOOL_MAX_MB", "HMAC_SECRET", "CRON_SECRET", "LOG_LEVEL"),
    *("ALPACA_API_KEY", "ALPACA_SECRET_KEY", "ALPACA_DATA_URL", "ALPACA_TRADING_URL", "ALPACA_RATE_LIMIT"),
    *("TWELVE_DATA_API_KEY", "TWELVE_DATA_URL", "TWELVE_DATA_RATE_LIMIT"),
    *("MARKETDATA_API_KEY", "MARKETDATA_URL", "MARKETDATA_RATE_LIMIT"),
    *("BIND_HOST", "PORT", "ENABLE_CRON_PROCESSING", "DEVPG_BIN"),
    *("ORCHESTRATOR_INTERVAL", "ORDER_CREATOR_INTERVAL", "EXECUTOR_INTERVAL", "POSITION_REFRESHER_INTERVAL"),
    *("EXIT_MONITOR_INTERVAL", "INBOX_RECOVERY_INTERVAL", "RECONCILE_INTERVAL", "HEARTBEAT_INTERVAL"),
}


def faults(**given):
    with pytest.raises(WhatIfInvalid) as caught:
        changes_read(given)
    return caught.value.faults


# --- classes ----------------------------------------------------------------------------------------------------------


def test_every_field_of_the_configuration_is_in_exactly_one_class():
    tried = [setting.field for setting in SETTINGS.values()]
    settled = {key: each.field for key, each in NOT_REPLAYABLE.items() if each.field and "." not in key}
    classes = [*tried, *settled.values(), *WHOLE_FIELDS]
    assert sorted(classes) == sorted(field.name for field in fields(DecisionConfig))


def test_every_limit_is_in_exactly_one_class():
    settled = [key.removeprefix("risk_limits.") for key in NOT_REPLAYABLE if key.startswith("risk_limits.")]
    assert sorted([*LIMITS, *settled]) == sorted(field.name for field in fields(Limits))


def test_every_key_of_the_bias_is_read_or_refused():
    for section in ConfigSection:
        kind = {"gating": GatingConfig, "risk": RiskConfig, "staleness": StalenessConfig}[section.value]
        for key in fields(kind):
            name = f"bias.{section.value}.{key.name}"
            if name in NOT_REPLAYABLE:
                with pytest.raises(NotReplayable):
                    changes_read({name: ""})
            else:
                assert changes_read({name: ""}) == Changes(bias={section: {key.name: key.default}})
    unknown = {key.split(".")[2] for key in NOT_REPLAYABLE if key.startswith("bias.")} - {
        key.name for kind in (GatingConfig, RiskConfig, StalenessConfig) for key in fields(kind)
    }
    assert unknown == set()
    assert {field.name for field in fields(BiasConfig)} == {section.value for section in ConfigSection}


def test_every_setting_of_the_environment_is_classified():
    classes = [set(SETTINGS), set(NOT_REPLAYABLE), ELSEWHERE]
    for name in SPECS:
        assert sum(name in one for one in classes) == 1, f"say of {name} whether a what-if can try it out"


@pytest.mark.parametrize("agent", AGENT_NAMES)
def test_every_agent_has_its_flag(agent):
    assert changes_read({f"enable_{agent}": "false"}) == Changes(agents={agent: False})


def test_every_flag_is_classified():
    others = {flag.value for flag in OpsFlag if not flag.agent}
    assert {flag.agent for flag in OpsFlag if flag.agent} == set(AGENT_NAMES)
    assert others <= set(NOT_REPLAYABLE)


@pytest.mark.parametrize("key", NOT_REPLAYABLE)
def test_what_acts_elsewhere_is_refused_with_the_reason(key):
    with pytest.raises(NotReplayable) as caught:
        changes_read({key.lower(): "1", "MAX_CONTRACTS_PER_TRADE": "3"})
    assert caught.value.code == "NOT_REPLAYABLE"
    assert caught.value.context == {key: NOT_REPLAYABLE[key].reason}
    assert NOT_REPLAYABLE[key].reason in str(caught.value)


# --- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_is_bounded_as_the_environment_bounds_it(name):
    assert SETTINGS[name].reader.must == SPECS[name].must


RAW = (
    "",
    "0",
    "1",
    "2",
    "-1",
    "1e3",
    "0.01",
    "0.5",
    "1.5",
    " 3",
    "100",
    "101",
    "86400",
    "NaN",
    "inf",
    "x",
    "true",
    "No",
)


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (Flag(), lambda: readers.flag("TRIED", True)),
        (Whole(1, 100), lambda: readers.integer("TRIED", 1, minimum=1, maximum=100)),
        (Number("0.01", "2"), lambda: readers.decimal("TRIED", "1", minimum="0.01", maximum="2")),
        (Number("-5", "1000", float), lambda: float(readers.decimal("TRIED", "1", minimum="-5", maximum="1000"))),
    ],
)
@pytest.mark.parametrize("raw", RAW)
def test_a_value_is_read_as_the_environment_reads_it(monkeypatch, mine, theirs, raw):
    monkeypatch.setenv("TRIED", raw)
    try:
        expected = theirs()
    except ImproperlyConfigured:
        with pytest.raises(ValueError, match="must be"):
            mine.read(raw.strip())
    else:
        value = mine.read(raw.strip())
        assert (type(value), value) == (type(expected), expected)


@pytest.mark.parametrize("column", LIMITS)
@pytest.mark.parametrize(
    "raw",
    [
        "0",
        "1",
        "100",
        "100.01",
        "0.01",
        "0.001",
        "-1",
        "-0.01",
        "2147483647",
        "2147483648",
        "999999999999.99",
        "1e12",
        "x",
    ],
)
def test_a_limit_is_bounded_as_its_page_bounds_it(db, column, raw):
    form = RiskLimitForm({"name": "tried", "is_enabled": False, column: raw})
    try:
        value = changes_read({f"risk_limits.{column}": raw}).limits[column]
    except WhatIfInvalid:
        assert column in form.errors or "__all__" in form.errors
    else:
        assert not form.errors
        assert value == form.cleaned_data[column]


def test_an_empty_limit_is_the_default():
    assert changes_read({"risk_limits.max_exposure": " "}) == Changes(limits={"max_exposure": Decimal(20000)})
    assert changes_read({"risk_limits.max_daily_trades": ""}) == Changes(limits={"max_daily_trades": None})


def test_a_key_of_the_bias_is_read_as_its_page_reads_it():
    read = changes_read(
        {
            "bias.gating.chop_limit": "60",
            "bias.gating.macro_suppress_long": "MACRO_RANGE, MACRO_TREND_DOWN",
            "bias.gating.macro_suppress_short": "none",
            "bias.staleness.behavior": "reduce_risk",
        }
    )
    assert read.bias == {
        ConfigSection.GATING: {
            "chop_limit": 60.0,
            "macro_suppress_long": (MacroClass.TREND_DOWN, MacroClass.RANGE),
            "macro_suppress_short": (),
        },
        ConfigSection.STALENESS: {"behavior": StaleBehavior.REDUCE_RISK},
    }
    for key, raw, said in (
        ("bias.gating.chop_limit", "100.1", "100.1"),
        ("bias.gating.chop_limit", "nan", "nan"),
        ("bias.gating.macro_suppress_long", "UP", "['UP']"),
        ("bias.staleness.behavior", "hold", "'hold'"),
        ("bias.risk.late_phase", "-1", "-1.0"),
    ):
        assert f"instead of {said}" in faults(**{key: raw})[key]


def test_an_unknown_key_names_near_ones():
    assert faults(RISK_PER_TRADE="1")["RISK_PER_TRADE"].startswith(
        "there is no such setting; did you mean RISK_PER_TRADE_PERCENT or "
    )
    assert "did you mean risk_limits.max_open_positions" in str(faults(**{"risk_limits.open_positions": "1"}))
    assert "did you mean enable_technical" in str(faults(**{"enable_technicals": "false"}))
    assert "give a setting that decides, risk_limits.COLUMN" in str(faults(xyzzy="1"))


def test_all_faults_are_told_at_once():
    assert set(faults(MAX_CONTRACTS_PER_TRADE="0", nothing="1", REQUIRE_MTF_BIAS_FOR_ENTRY="maybe")) == {
        "MAX_CONTRACTS_PER_TRADE",
        "nothing",
        "REQUIRE_MTF_BIAS_FOR_ENTRY",
    }


def test_the_risk_of_a_trade_stays_below_its_most():
    both = {"RISK_PER_TRADE_PERCENT": "1.5", "RISK_PER_TRADE_MAX_PERCENT": "1.5"}
    assert changes_read(both).applied(world(), Engine.A).config.risk_per_trade_percent == Decimal("1.5")
    with pytest.raises(WhatIfInvalid, match=r"at most RISK_PER_TRADE_MAX_PERCENT; they are 1 and 0\.5"):
        changes_read({"RISK_PER_TRADE_MAX_PERCENT": "0.5"}).applied(world(), Engine.A)
