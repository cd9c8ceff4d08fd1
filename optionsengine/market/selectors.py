"""Which market the settings choose. Settings are read at call time."""

from datetime import datetime
from functools import lru_cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from optionsengine.market import calendar
from optionsengine.market.providers.base import MarketProvider
from optionsengine.market.providers.null import NullProvider
from optionsengine.market.providers.simulated import SimulatedProvider

PROVIDER_NAMES = (SimulatedProvider.name, NullProvider.name)


@lru_cache(maxsize=8)
def _provider(name: str, seed: int, always_open: bool) -> MarketProvider:
    if name == SimulatedProvider.name:
        return SimulatedProvider(seed=seed, always_open=always_open)
    return NullProvider()


def provider_get() -> MarketProvider:
    """Return the configured market.

    :raises ImproperlyConfigured: if `MARKET_DATA_PROVIDERS` is not exactly one known name.
    """
    names = settings.MARKET_DATA_PROVIDERS
    if len(names) != 1 or names[0] not in PROVIDER_NAMES:
        raise ImproperlyConfigured(
            f"MARKET_DATA_PROVIDERS must name exactly one of {', '.join(PROVIDER_NAMES)}; it is {','.join(names)!r}"
        )
    return _provider(names[0], settings.SIMULATED_MARKET_SEED, settings.SIMULATED_MARKET_ALWAYS_OPEN)


def market_always_open() -> bool:
    """Tell whether the market is a simulated one that never closes."""
    return SimulatedProvider.name in settings.MARKET_DATA_PROVIDERS and settings.SIMULATED_MARKET_ALWAYS_OPEN


def market_open(at: datetime) -> bool:
    """Tell whether orders may trade at `at`: in the regular session, or always on an always-open simulated market."""
    return market_always_open() or calendar.is_open(at)
