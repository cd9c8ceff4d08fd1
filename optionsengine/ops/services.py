"""What changes the operational tables."""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction

from optionsengine.core import ids
from optionsengine.core.errors import Refusal
from optionsengine.core.retry import database_retried, database_retry
from optionsengine.ops.data import StageReport
from optionsengine.ops.enums import AlertLevel, Flag, Job, OpsCode, TradingStatus
from optionsengine.ops.models import Alert, FeatureFlag, Heartbeat, JobRun, TradingState

logger = logging.getLogger(__name__)
REPEAT_AFTER = timedelta(minutes=15)


def job_run(*, job: Job, at: datetime, stage: Callable[[], StageReport]) -> StageReport:
    """Run one stage and record what it did in one `JobRun` row, also when it raises."""
    started = time.perf_counter()
    report, error = StageReport(), ""
    try:
        report = stage()
    except Exception as raised:
        error = f"{type(raised).__name__}: {raised}"
        raise
    finally:
        run_id, duration_ms = ids.new_id(), (time.perf_counter() - started) * 1000
        database_retry(
            lambda: JobRun.objects.create(
                id=run_id, job=job, created_at=at, error=error, duration_ms=duration_ms, **report.counts()
            ),
            known=lambda: JobRun.objects.filter(pk=run_id).first(),
        )
    return report


@database_retried
def heartbeat_beat(*, name: str, at: datetime) -> None:
    """Note that a job of this name came through its cluster at `at`."""
    Heartbeat.objects.update_or_create(name=name, defaults={"beat_at": at})


@database_retried
def alert_raise(*, cause: str, level: AlertLevel, message: str, at: datetime) -> None:
    """Open the alert of this cause, or count it once more; it is logged at most once per 15 minutes."""
    with transaction.atomic():
        alert, created = Alert.objects.select_for_update().get_or_create(
            cause=cause,
            resolved_at=None,
            defaults={"level": level, "message": message, "created_at": at, "updated_at": at, "last_at": at},
        )
        announce = created or at - alert.last_at >= REPEAT_AFTER
        if not created:
            alert.count += 1
            alert.message = message
            alert.updated_at = at
            if announce:
                alert.last_at = at
            alert.save(update_fields=["count", "message", "updated_at", "last_at"])
    if announce:
        logger.warning("alert %s: %s", cause, message)


@database_retried
def alert_resolve(*, cause: str, at: datetime) -> None:
    """Close the open alert of this cause, if there is one."""
    Alert.objects.filter(cause=cause, resolved_at=None).update(resolved_at=at, updated_at=at)


@database_retried
def trading_state_set(*, at: datetime, status: TradingStatus | None = None, reason: str | None = None) -> TradingState:
    """Switch the engine between ACTIVE, REDUCING and HALTED; what is not given stays as it is stored."""
    given = {"status": status, "reason": reason}
    changes = {name: value for name, value in given.items() if value is not None}
    state, _ = TradingState.objects.update_or_create(pk=1, defaults=changes | {"updated_at": at})
    return state


@database_retried
def trading_state_reduce(*, reason: str, at: datetime) -> TradingStatus:
    """Take no new risk from now on: ACTIVE becomes REDUCING, a person's HALTED stays; return the state in force."""
    reduced = {"status": TradingStatus.REDUCING, "reason": reason, "updated_at": at}
    with transaction.atomic():
        state, is_new = TradingState.objects.select_for_update().get_or_create(pk=1, defaults=reduced)
        if not is_new and state.status == TradingStatus.ACTIVE:
            for name, value in reduced.items():
                setattr(state, name, value)
            state.save(update_fields=list(reduced))
    return TradingStatus(state.status)


@database_retried
def feature_flag_set(*, name: str, is_enabled: bool, at: datetime) -> FeatureFlag:
    """Switch a flag on or off; one that is so already stays as it is.

    :raises Refusal: UNKNOWN_FLAG for a name that no part of the engine has.
    """
    if name not in Flag.values:
        raise Refusal(
            OpsCode.UNKNOWN_FLAG,
            f"there is no flag of this name; take one of {', '.join(Flag.values)}",
            name=name,
        )
    with transaction.atomic():
        flag, _ = FeatureFlag.objects.select_for_update().get_or_create(
            name=name, defaults={"description": Flag(name).label}
        )
        if flag.is_enabled != is_enabled:
            flag.is_enabled, flag.switched_at = is_enabled, at
            flag.save(update_fields=["is_enabled", "switched_at"])
    return flag


def feature_flags_ensure() -> None:
    """Make the row of every flag that has none, switched on, and say what each does as the code says it."""
    FeatureFlag.objects.bulk_create(
        (FeatureFlag(name=flag, description=flag.label) for flag in Flag),
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["description"],
    )
