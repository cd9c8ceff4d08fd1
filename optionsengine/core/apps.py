from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "optionsengine.core"
    label = "core"
    verbose_name = "Core"
