from typing import Any

from django.apps import AppConfig
from django.core.management import call_command
from django.db.models.signals import post_migrate


def _after_migrate(sender: AppConfig, using: str = "default", **_: Any) -> None:
    """What is data, not tables: the roles' groups, and the table of the shared cache."""
    from optionsengine.console.permissions import roles_sync

    roles_sync()
    call_command("createcachetable", database=using, verbosity=0)


class ConsoleConfig(AppConfig):
    name = "optionsengine.console"
    label = "console"
    verbose_name = "Console"

    def ready(self) -> None:
        # this app comes last, so the permissions of all others exist by now
        post_migrate.connect(_after_migrate, sender=self, dispatch_uid="console_after_migrate")
