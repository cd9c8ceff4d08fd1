from django.apps import AppConfig
from django.core.checks import register


class MarketConfig(AppConfig):
    name = "optionsengine.market"
    label = "market"
    verbose_name = "Market"

    def ready(self) -> None:
        from optionsengine.market.checks import check_market_providers

        register(check_market_providers)
