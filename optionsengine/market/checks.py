"""System checks: a wrong market setting stops the start."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks

from optionsengine.market.selectors import providers_doubts, providers_problem


def check_market_providers(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse a `MARKET_DATA_PROVIDERS` that names what does not exist, or what may not be mixed."""
    problem = providers_problem()
    if not problem:
        return [
            checks.Warning(f"{told}.", hint="Set it in the environment or in .env.", id="market.W001")
            for told in providers_doubts()
        ]
    return [
        checks.Error(
            f"{problem}.",
            hint="Set MARKET_DATA_PROVIDERS in the environment or in .env.",
            id="market.E001",
        )
    ]
