from typing import Any

from django.apps import AppConfig, apps
from django.core.management import call_command
from django.db.models.signals import post_migrate


def _after_migrate(sender: AppConfig, using: str = "default", **_: Any) -> None:
    """What is data, not tables: the roles' groups, the feature flags, and the table of the shared cache."""
    from optionsengine.console.permissions import roles_sync
    from optionsengine.ops.services import feature_flags_ensure

    roles_sync()
    feature_flags_ensure()
    call_command("createcachetable", database=using, verbosity=0)


class ConsoleConfig(AppConfig):
    name = "optionsengine.console"
    label = "console"
    verbose_name = "Console"

    def ready(self) -> None:
        # Django announces only apps with models; when the last of them is done, every permission exists
        last = [app for app in apps.get_app_configs() if app.models_module is not None][-1]
        post_migrate.connect(_after_migrate, sender=last, dispatch_uid="console_after_migrate")
