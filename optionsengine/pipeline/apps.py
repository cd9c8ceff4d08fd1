from django.apps import AppConfig


class PipelineConfig(AppConfig):
    name = "optionsengine.pipeline"
    label = "pipeline"
    verbose_name = "Pipeline"
