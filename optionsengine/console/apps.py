from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "optionsengine.console"
    label = "console"
    verbose_name = "Console"
