"""Which market the settings choose. Settings are read at call time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from optionsengine.market import calendar
from optionsengine.market.asking import Source, note_for, permit_for
from optionsengine.market.gateway import MarketGateway, Trust
from optionsengine.market.limits import Rate
from optionsengine.market.providers.base import MarketProvider
from optionsengine.market.providers.null import NullProvider
from optionsengine.market.providers.simulated import SimulatedProvider
from optionsengine.settings.readers import WINDOWS

REPLAY = "replay"
ALONE = (SimulatedProvider.name, REPLAY, NullProvider.name)


@dataclass(frozen=True, slots=True)
class _Network:
    """A provider that is asked over the network: its adapter, imported when it is used, and the settings that feed it.

    `arguments` names the setting of each argument of its constructor.
    """

    adapter: str
    arguments: Mapping[str, str]
    rates: str


_NETWORK: Mapping[str, _Network] = {
    "alpaca": _Network(
        "optionsengine.market.providers.alpaca.AlpacaProvider",
        {
            "key": "ALPACA_API_KEY",
            "secret": "ALPACA_SECRET_KEY",
            "data_url": "ALPACA_DATA_URL",
            "trading_url": "ALPACA_TRADING_URL",
            "stock_feed": "ALPACA_STOCK_FEED",
            "option_feed": "ALPACA_OPTION_FEED",
        },
        "ALPACA_RATE_LIMIT",
    ),
    "twelvedata": _Network(
        "optionsengine.market.providers.twelvedata.TwelveDataProvider",
        {"key": "TWELVE_DATA_API_KEY", "url": "TWELVE_DATA_URL"},
        "TWELVE_DATA_RATE_LIMIT",
    ),
    "marketdata": _Network(
        "optionsengine.market.providers.marketdata.MarketDataProvider",
        {"key": "MARKETDATA_API_KEY", "url": "MARKETDATA_URL"},
        "MARKETDATA_RATE_LIMIT",
    ),
}
_SECRET_ARGUMENTS = frozenset({"key", "secret"})


def providers_problem() -> str:
    """Return what is wrong with `MARKET_DATA_PROVIDERS`; empty if nothing is."""
    names = settings.MARKET_DATA_PROVIDERS
    alone = len(names) == 1 and names[0] in ALONE
    if alone or (names and all(name in _NETWORK for name in names) and len(set(names)) == len(names)):
        return ""
    return (
        f"MARKET_DATA_PROVIDERS must be one of {', '.join(ALONE)}, or some of {', '.join(_NETWORK)}, each once; "
        f"it is {','.join(names)!r}"
    )


def providers_doubts() -> list[str]:
    """Return what is odd about the providers' settings and yet allowed."""
    names = settings.MARKET_DATA_PROVIDERS
    doubts = [
        f"{', '.join(missing)} is empty, so {name} is not asked"
        for name in names
        if (missing := keys_missing(name)) and len(missing) < _keys_needed(name)
    ]
    if settings.APP_MODE == "LIVE" and names[0] in (SimulatedProvider.name, REPLAY):
        doubts.append(f"MARKET_DATA_PROVIDERS is {names[0]} in LIVE: its prices are not the market's")
    return doubts


def _keys_needed(name: str) -> int:
    return sum(argument in _SECRET_ARGUMENTS for argument in _NETWORK[name].arguments)


def providers_configured() -> tuple[str, ...]:
    """Return the providers that are asked, in their order.

    Without a key for any: the simulated market on paper, none in LIVE, where an invented price must not be traded on.

    :raises ImproperlyConfigured: if `MARKET_DATA_PROVIDERS` names what it may not.
    """
    problem = providers_problem()
    if problem:
        raise ImproperlyConfigured(problem)
    names = settings.MARKET_DATA_PROVIDERS
    if names[0] in ALONE:
        return (names[0],)
    found = tuple(name for name in names if not keys_missing(name))
    return found or ((SimulatedProvider if settings.APP_MODE == "PAPER" else NullProvider).name,)


def keys_missing(name: str) -> tuple[str, ...]:
    """Return the settings that a provider needs and that are empty; none for one that needs no key."""
    if name not in _NETWORK:
        return ()
    arguments = _NETWORK[name].arguments
    keys = (arguments[argument] for argument in arguments if argument in _SECRET_ARGUMENTS)
    return tuple(key for key in keys if not getattr(settings, key))


def is_simulated() -> bool:
    """Tell whether prices are invented."""
    return providers_configured() == (SimulatedProvider.name,)


def provider_get() -> MarketProvider:
    """Return the configured market.

    :raises ImproperlyConfigured: if `MARKET_DATA_PROVIDERS` names what it may not.
    """
    names = providers_configured()
    if names[0] == SimulatedProvider.name:
        return _simulated(settings.SIMULATED_MARKET_SEED, settings.SIMULATED_MARKET_ALWAYS_OPEN)
    if names[0] == REPLAY:
        return cast(MarketProvider, import_string("optionsengine.market.providers.replay.ReplayProvider")())
    if names[0] == NullProvider.name:
        return NullProvider()
    trust = Trust(
        max_age_seconds=settings.QUOTE_MAX_AGE_SECONDS,
        jump_percent=settings.PRICE_JUMP_LIMIT,
        rate=float(settings.RISK_FREE_RATE / Decimal(100)),
    )
    return _gateway(tuple(_settings_of(name) for name in names), trust)


def sources_get() -> tuple[Source, ...]:
    """Return each configured network provider by itself, to be tried one by one."""
    return tuple(_source(*_settings_of(name)) for name in providers_configured() if name in _NETWORK)


def market_always_open() -> bool:
    """Tell whether the market is a simulated one that never closes."""
    return is_simulated() and settings.SIMULATED_MARKET_ALWAYS_OPEN


def market_open(at: datetime) -> bool:
    """Tell whether orders may trade at `at`: in the regular session, or always on an always-open simulated market."""
    return market_always_open() or calendar.is_open(at)


_Settings = tuple[str, tuple[tuple[str, Any], ...], tuple[Rate, ...]]


def _settings_of(name: str) -> _Settings:
    network = _NETWORK[name]
    values = tuple((argument, getattr(settings, setting)) for argument, setting in network.arguments.items())
    rates = getattr(settings, network.rates)
    return name, values, tuple(Rate(calls, window, WINDOWS[window]) for calls, window in rates)


@lru_cache(maxsize=8)
def _simulated(seed: int, always_open: bool) -> MarketProvider:
    return SimulatedProvider(seed=seed, always_open=always_open)


@lru_cache(maxsize=8)
def _source(name: str, values: tuple[tuple[str, Any], ...], rates: tuple[Rate, ...]) -> Source:
    adapter = import_string(_NETWORK[name].adapter)
    provider = adapter(**dict(values), before_call=permit_for(name, rates), on_answer=note_for(name, rates))
    return Source(name, provider, rates)


@lru_cache(maxsize=4)
def _gateway(sources: tuple[_Settings, ...], trust: Trust) -> MarketProvider:
    return MarketGateway([_source(*each) for each in sources], trust)
