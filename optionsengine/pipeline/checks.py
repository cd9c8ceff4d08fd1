"""System checks: an interval the scheduler cannot keep stops the start."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from optionsengine.core.secret_rule import secret_fault
from optionsengine.pipeline.schedules import interval_cron, schedule_table

_MIN_SECRET_LENGTH = 16


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


def check_cron_secret(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Stop a start with DEBUG off that lets anybody who guesses a short word run the stages; none at all is fine."""
    fault = secret_fault(settings.CRON_SECRET, minimum=_MIN_SECRET_LENGTH) if settings.CRON_SECRET else ""
    if not fault or settings.DEBUG:
        return []
    said = (
        f"CRON_SECRET must be a random text of at least {_MIN_SECRET_LENGTH} characters while DEBUG is off; it {fault}."
    )
    hint = "Set it to the output of `openssl rand -hex 32`, or leave it empty: the cron address then answers 503."
    return [checks.Error(said, hint=hint, id="pipeline.E002")]
