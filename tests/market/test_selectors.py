"""Which market the settings choose, and what the system check says of wrong ones."""

from datetime import UTC, datetime

import pytest
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from optionsengine.market.checks import check_market_providers
from optionsengine.market.providers.null import NullProvider
from optionsengine.market.providers.simulated import SimulatedProvider
from optionsengine.market.selectors import (
    is_simulated,
    keys_missing,
    market_open,
    provider_get,
    providers_configured,
)

OPEN = datetime(2026, 2, 20, 15, 0, tzinfo=UTC)
CLOSED = datetime(2026, 2, 21, 15, 0, tzinfo=UTC)


def test_settings_choose_the_provider_at_call_time(settings):
    settings.MARKET_DATA_PROVIDERS = ["null"]
    assert isinstance(provider_get(), NullProvider)
    settings.MARKET_DATA_PROVIDERS = ["simulated"]
    assert isinstance(provider_get(), SimulatedProvider)
    assert provider_get() is provider_get()


def test_the_seed_and_the_hours_reach_the_simulated_market(settings):
    settings.MARKET_DATA_PROVIDERS = ["simulated"]
    settings.SIMULATED_MARKET_SEED, settings.SIMULATED_MARKET_ALWAYS_OPEN = 5, False
    assert provider_get().quote("SPY", CLOSED) == SimulatedProvider(seed=5, always_open=False).quote("SPY", CLOSED)
    settings.SIMULATED_MARKET_SEED = 6
    assert provider_get().quote("SPY", OPEN) == SimulatedProvider(seed=6, always_open=False).quote("SPY", OPEN)
    settings.SIMULATED_MARKET_ALWAYS_OPEN = True
    assert provider_get().quote("SPY", CLOSED).at == CLOSED


@pytest.mark.parametrize(
    ("provider", "always_open", "at", "expected"),
    [
        ("simulated", False, OPEN, True),
        ("simulated", False, CLOSED, False),
        ("simulated", True, OPEN, True),
        ("simulated", True, CLOSED, True),
        ("null", True, CLOSED, False),  # only a simulated market can be always open
        ("null", False, OPEN, True),
    ],
)
def test_market_hours(settings, provider, always_open, at, expected):
    settings.MARKET_DATA_PROVIDERS = [provider]
    settings.SIMULATED_MARKET_ALWAYS_OPEN = always_open
    assert market_open(at) is expected


@pytest.mark.parametrize(
    "names", [[], ["bloomberg"], ["Simulated"], ["simulated", "null"], ["alpaca", "simulated"], ["alpaca", "alpaca"]]
)
def test_a_wrong_setting_is_named_with_its_allowed_values(settings, names):
    settings.MARKET_DATA_PROVIDERS = names
    message = (
        "MARKET_DATA_PROVIDERS must be one of simulated, replay, null, or some of alpaca, twelvedata, marketdata, "
        f"each once; it is {','.join(names)!r}"
    )
    (error,) = check_market_providers(None)
    assert (error.id, error.level, error.msg) == ("market.E001", checks.ERROR, f"{message}.")
    with pytest.raises(ImproperlyConfigured) as refused:
        provider_get()
    assert str(refused.value) == message


@pytest.mark.parametrize("names", [["simulated"], ["replay"], ["null"], ["marketdata", "alpaca"], ["twelvedata"]])
def test_a_right_setting_passes(settings, names):
    settings.MARKET_DATA_PROVIDERS = names
    assert check_market_providers(None) == []


@pytest.mark.parametrize(
    ("given", "mode", "names", "told"),
    [
        ({"ALPACA_API_KEY": "a"}, "PAPER", ["alpaca"], ["ALPACA_SECRET_KEY is empty, so alpaca is not asked."]),
        ({}, "PAPER", ["alpaca"], []),
        ({}, "PAPER", ["simulated"], []),
        ({}, "LIVE", ["null"], []),
        ({}, "LIVE", ["replay"], ["MARKET_DATA_PROVIDERS is replay in LIVE: its prices are not the market's."]),
    ],
)
def test_what_is_odd_is_warned_of(settings, given, mode, names, told):
    settings.MARKET_DATA_PROVIDERS, settings.APP_MODE = names, mode
    for key in KEYS:
        setattr(settings, key, given.get(key, ""))
    found = check_market_providers(None)
    assert [(warning.id, warning.level, warning.msg) for warning in found] == [
        ("market.W001", checks.WARNING, message) for message in told
    ]


KEYS = {"ALPACA_API_KEY": "a", "ALPACA_SECRET_KEY": "b", "TWELVE_DATA_API_KEY": "c", "MARKETDATA_API_KEY": "d"}
ALL = ["alpaca", "twelvedata", "marketdata"]


@pytest.mark.parametrize(
    ("names", "given", "mode", "expected"),
    [
        (ALL, KEYS, "PAPER", ("alpaca", "twelvedata", "marketdata")),
        (["marketdata", "alpaca"], KEYS, "LIVE", ("marketdata", "alpaca")),
        (ALL, {"TWELVE_DATA_API_KEY": "c"}, "PAPER", ("twelvedata",)),
        (ALL, {"ALPACA_API_KEY": "a"}, "PAPER", ("simulated",)),  # half a key is none
        (ALL, {}, "PAPER", ("simulated",)),
        (ALL, {}, "LIVE", ("null",)),
        (["simulated"], KEYS, "PAPER", ("simulated",)),
        (["null"], KEYS, "LIVE", ("null",)),
    ],
)
def test_those_with_a_key_are_asked_and_prices_are_invented_only_on_paper(settings, names, given, mode, expected):
    settings.MARKET_DATA_PROVIDERS, settings.APP_MODE = names, mode
    for key in KEYS:
        setattr(settings, key, given.get(key, ""))
    assert providers_configured() == expected
    assert is_simulated() is (expected == ("simulated",))
    assert keys_missing("alpaca") == tuple(key for key in ("ALPACA_API_KEY", "ALPACA_SECRET_KEY") if key not in given)


def test_the_check_is_registered():
    assert check_market_providers in checks.registry.registry.get_checks()
