"""System checks: a wrong market setting stops the start."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks

from optionsengine.market.selectors import PROVIDER_NAMES


def check_market_providers(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse a `MARKET_DATA_PROVIDERS` that does not name exactly one provider that exists."""
    names = settings.MARKET_DATA_PROVIDERS
    if len(names) == 1 and names[0] in PROVIDER_NAMES:
        return []
    return [
        checks.Error(
            f"MARKET_DATA_PROVIDERS must name exactly one of {', '.join(PROVIDER_NAMES)}; it is {','.join(names)!r}.",
            hint="Set MARKET_DATA_PROVIDERS in the environment or in .env.",
            id="market.E001",
        )
    ]
