"""The one way to do database work again after an error that passes: a lost connection, a deadlock, a time-out."""

import logging
import time
from collections.abc import Callable
from functools import partial, wraps
from typing import ParamSpec, TypeVar

import psycopg
import stamina
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from optionsengine.core.deadline import seconds_left

logger = logging.getLogger(__name__)

ATTEMPTS = 3
WITHIN_SECONDS = 5.0
_STEPS = 20  # the first pause is this part of the whole time, each next one twice as long

_TRANSIENT_CLASSES = ("08",)  # connection exceptions
_TRANSIENT = frozenset(
    {
        "40000",  # rolled back
        "40001",  # serialisation failure
        "40003",  # the outcome of a statement is unknown
        "40P01",  # deadlock
        "55P03",  # lock time-out
        # A statement that took too long waited for locks or an overloaded disk; the overall time bounds how often.
        "57014",
        "25P04",  # a transaction that took too long
        "25P03",  # idle in a transaction too long: the process was stopped
        "57P01",  # shutdown by an administrator
        "57P02",  # shutdown after a crash
        "57P03",  # cannot connect now: starting or stopping
        "57P05",  # idle session ended
        "53300",  # too many connections
    }
)
# A full disk or memory (53100, 53200) heals in minutes, not in place: whoever called keeps the work for later.

Result = TypeVar("Result")
Parameters = ParamSpec("Parameters")


def is_transient(error: BaseException) -> bool:
    """Tell whether the same database work, done again in a moment, may succeed.

    Judged by SQLSTATE. An operational error without one comes from this side of the connection (lost, refused, no
    answer in time) and is transient.
    """
    cause = error.__cause__ if isinstance(error, DatabaseError | InterfaceError) else error
    if isinstance(cause, psycopg.Error) and cause.sqlstate is not None:
        return cause.sqlstate in _TRANSIENT or cause.sqlstate.startswith(_TRANSIENT_CLASSES)
    passing = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
    return isinstance(error, passing)


def database_retry(
    work: Callable[[], Result],
    *,
    within: float = WITHIN_SECONDS,
    known: Callable[[], Result | None] | None = None,
) -> Result:
    """Do `work`, at most `ATTEMPTS` times while its errors are transient, and return its result.

    Pauses grow exponentially, with jitter; no try begins later than `within` seconds from now or than the deadline
    around the caller. A connection that no longer works is closed, so that the next use opens a fresh one. Inside a
    transaction nothing is done again: all of the transaction has to be, by whoever began it.

    A connection lost during COMMIT leaves the outcome unknown. So `work` must begin by looking its outcome up by key,
    or `known` must: it is asked before each further try, and what it returns, unless None, is the result.

    :raises Exception: what `work` raised last.
    """
    if connection.in_atomic_block:
        return work()
    left = seconds_left()
    within = within if left is None else min(within, left)
    pause = within / _STEPS
    last_start = time.monotonic() + within - 3 * pause  # the longest pause, jitter included

    def may_pass(error: Exception) -> bool:
        if not is_transient(error):
            return False
        connection_renew()
        return time.monotonic() < last_start

    for attempt in stamina.retry_context(
        on=may_pass, attempts=ATTEMPTS, timeout=None, wait_initial=pause, wait_max=within, wait_jitter=pause
    ):
        with attempt:
            if attempt.num > 1 and known is not None:
                found = known()
                if found is not None:
                    return found
            return work()
    raise AssertionError("the last try returns or raises")


def database_retried(step: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Make a step that begins its own transaction go through `database_retry`; it looks up its own outcome first."""

    @wraps(step)
    def wrapped(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        return database_retry(partial(step, *args, **kwargs))

    return wrapped


def connection_renew() -> None:
    """Drop a connection that has failed, so that its next use opens a fresh one; not inside a transaction."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def _retry_tell(details: RetryDetails) -> None:
    said = (str(details.caused_by).splitlines() or [type(details.caused_by).__name__])[0]
    logger.warning("try %d of %d failed, again in %.2f s: %s", details.retry_num, ATTEMPTS, details.wait_for, said)


# the library's own line would not say what failed
set_on_retry_hooks([_retry_tell])
