from django.apps import AppConfig


class MarketConfig(AppConfig):
    name = "optionsengine.market"
    label = "market"
    verbose_name = "Market"
