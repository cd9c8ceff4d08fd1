"""Job runs and alerts."""

import itertools
from typing import Any

from optionsengine.ops.models import Alert, JobRun
from tests.factories.clock import AT

_numbers = itertools.count(1)


def job_run(**values: Any) -> JobRun:
    return JobRun.objects.create(**({"job": "orchestrate", "duration_ms": 12.5, "created_at": AT} | values))


def alert(**values: Any) -> Alert:
    defaults = {
        "cause": f"cause-{next(_numbers)}",
        "level": "warning",
        "message": "Something needs a look.",
        "last_at": AT,
        "created_at": AT,
        "updated_at": AT,
    }
    return Alert.objects.create(**(defaults | values))
