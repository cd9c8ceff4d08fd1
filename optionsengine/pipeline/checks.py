"""System checks: an interval the scheduler cannot keep stops the start."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from optionsengine.pipeline.schedules import interval_cron, schedule_table


def check_intervals(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse intervals that cron cannot express with equal gaps, each setting once."""
    problems: dict[str, checks.CheckMessage] = {}
    for spec in schedule_table():
        try:
            interval_cron(spec.seconds)
        except ImproperlyConfigured as error:
            problems[spec.setting] = checks.Error(
                f"{spec.setting}: {error}.", hint="Set it in the environment or in .env.", id="pipeline.E001"
            )
    return list(problems.values())
