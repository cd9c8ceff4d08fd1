from django.apps import AppConfig
from django.db.models.signals import post_delete, post_save


class SignalsConfig(AppConfig):
    name = "signals"
    verbose_name = "Signals"

    def ready(self) -> None:
        from signals import checks  # noqa: F401 - registers itself
        from signals.models import WebhookSecret, WebhookSource
        from signals.source_snapshot import sources_changed

        for model in (WebhookSource, WebhookSecret):
            for change in (post_save, post_delete):
                change.connect(sources_changed, sender=model, dispatch_uid=f"sources_changed_{model.__name__}")
