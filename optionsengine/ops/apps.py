from django.apps import AppConfig


class OpsConfig(AppConfig):
    name = "optionsengine.ops"
    label = "ops"
    verbose_name = "Operations"
