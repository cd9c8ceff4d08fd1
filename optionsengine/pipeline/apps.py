from django.apps import AppConfig
from django.core.checks import register


class PipelineConfig(AppConfig):
    name = "optionsengine.pipeline"
    label = "pipeline"
    verbose_name = "Pipeline"

    def ready(self) -> None:
        from optionsengine.pipeline.checks import check_cron_secret, check_intervals

        register(check_intervals)
        register(check_cron_secret)
