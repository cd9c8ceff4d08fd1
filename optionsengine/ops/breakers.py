"""Circuit breakers in PostgreSQL: whether an outside service is asked at all, for all processes at once.

Closed, it counts failures in a row; the `FAILURES`-th opens it. After `OPEN_SECONDS` exactly one caller may try:
success closes it, failure opens it again. The times are the database's, so no process's clock decides.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import connection, transaction
from django.db.models import Case, Q, Value, When
from django.db.models.functions import Now

from optionsengine.core.retry import database_retried
from optionsengine.ops.enums import AlertLevel
from optionsengine.ops.models import CircuitBreaker
from optionsengine.ops.services import alert_raise, alert_resolve

FAILURES = 5
OPEN_SECONDS = 60
FORBIDDEN_SECONDS = 1800  # an account that may not ask is not put right in a minute
PROBE_SECONDS = 15  # a caller that dies while it tries is waited for so long

# one statement, so that of many callers exactly one takes the free try
_ADMIT = """
    WITH tried AS (
        UPDATE circuit_breakers SET probe_until = statement_timestamp() + make_interval(secs => %(probe_seconds)s)
        WHERE name = %(name)s AND retry_at <= statement_timestamp()
            AND (probe_until IS NULL OR probe_until <= statement_timestamp())
        RETURNING true
    ) SELECT EXISTS (SELECT FROM tried)
        OR NOT EXISTS (SELECT FROM circuit_breakers WHERE name = %(name)s AND retry_at IS NOT NULL)
"""
# a failure of a call that began before the breaker opened prolongs nothing
_FAIL = """
    INSERT INTO circuit_breakers AS b (name, failures, last_failure_at, last_error, opened_at, retry_at)
    VALUES (
        %(name)s, 1, statement_timestamp(), %(error)s,
        CASE WHEN %(at_once)s > 0 THEN statement_timestamp() END,
        CASE WHEN %(at_once)s > 0 THEN statement_timestamp() + make_interval(secs => %(at_once)s) END
    )
    ON CONFLICT (name) DO UPDATE SET
        failures = b.failures + 1,
        last_failure_at = statement_timestamp(),
        last_error = excluded.last_error,
        opened_at = CASE
            WHEN b.opened_at IS NULL AND (%(at_once)s > 0 OR b.failures + 1 >= %(failures)s) THEN statement_timestamp()
            ELSE b.opened_at
        END,
        retry_at = CASE
            WHEN %(at_once)s > 0 THEN GREATEST(b.retry_at, statement_timestamp() + make_interval(secs => %(at_once)s))
            WHEN b.retry_at > statement_timestamp() THEN b.retry_at
            WHEN b.retry_at IS NOT NULL OR b.failures + 1 >= %(failures)s
                THEN statement_timestamp() + make_interval(secs => %(open_seconds)s)
        END,
        probe_until = NULL
    RETURNING failures, retry_at
"""


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class BreakerView:
    """A breaker as it is now."""

    name: str
    state: BreakerState
    failures: int
    retry_at: datetime | None
    last_failure_at: datetime | None
    last_error: str


@database_retried
def breaker_admit(name: str) -> bool:
    """Tell whether the caller may ask the service; whoever may tells `breaker_succeed` or `breaker_fail` afterwards."""
    with connection.cursor() as cursor:
        cursor.execute(_ADMIT, {"name": name, "probe_seconds": PROBE_SECONDS})
        [allowed] = cursor.fetchone()
    return bool(allowed)


@database_retried
def breaker_succeed(name: str, *, at: datetime) -> None:
    """Close the breaker, and resolve its alert if it was open."""
    failing = CircuitBreaker.objects.filter(Q(failures__gt=0) | Q(retry_at__isnull=False), name=name)
    with transaction.atomic():  # the row and its alert say the same
        if failing.update(failures=0, retry_at=None, probe_until=None, opened_at=None):
            alert_resolve(cause=_cause(name), at=at)


@database_retried
def breaker_fail(name: str, *, error: str, at: datetime, open_seconds: float = 0) -> None:
    """Count one failure, and raise an alert while the breaker is open; `open_seconds` opens it at once for so long."""
    values: dict[str, str | float] = {
        "name": name,
        "error": error[:200],
        "failures": FAILURES,
        "at_once": float(open_seconds),
        "open_seconds": OPEN_SECONDS,
    }
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_FAIL, values)
            failures, retry_at = cursor.fetchone()
        if retry_at is not None:
            until = f"{retry_at:%H:%M:%S} UTC"
            told = f"{name} is not asked until {until}, after {failures} failures in a row: {error[:200]}"
            alert_raise(cause=_cause(name), level=AlertLevel.WARNING, message=told, at=at)


@database_retried
def breaker_release(name: str) -> None:
    """Let another caller try: this one was let in, and found out nothing about the service."""
    CircuitBreaker.objects.filter(name=name, probe_until__isnull=False).update(probe_until=None)


def breaker_state() -> Case:
    """Return the expression for a breaker's state as it is now."""
    return Case(
        When(retry_at=None, then=Value(BreakerState.CLOSED.value)),
        When(retry_at__gt=Now(), then=Value(BreakerState.OPEN.value)),
        default=Value(BreakerState.HALF_OPEN.value),
    )


def breakers_list() -> list[BreakerView]:
    """Return every breaker that has ever failed, by name, as it is now."""
    return [
        BreakerView(row.name, BreakerState(row.state), row.failures, row.retry_at, row.last_failure_at, row.last_error)
        for row in CircuitBreaker.objects.annotate(state=breaker_state()).order_by("name")
    ]


def _cause(name: str) -> str:
    return f"breaker:{name}"
