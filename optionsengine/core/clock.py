"""The one clock. Only entry points (views, jobs, commands) call `now()`; everything below takes `at`."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_frozen: ContextVar[datetime | None] = ContextVar("frozen_clock", default=None)
_forbidden: ContextVar[bool] = ContextVar("forbidden_clock", default=False)


class ClockForbiddenError(RuntimeError):
    """Raised when something reads the clock inside `forbidden()`: a replay must not depend on now."""


def now() -> datetime:
    """Return the current time, aware, in UTC: the frozen one if this context has one."""
    if _forbidden.get():
        raise ClockForbiddenError("the clock was read where only frozen inputs may decide")
    return _frozen.get() or datetime.now(UTC)


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Make `now()` answer `at` in this context (this process and task only)."""
    if at.tzinfo is None:
        raise ValueError("a frozen clock needs an aware datetime")
    token = _frozen.set(at.astimezone(UTC))
    try:
        yield
    finally:
        _frozen.reset(token)


@contextmanager
def forbidden() -> Iterator[None]:
    """Make `now()` raise in this context: what runs inside may only use values it was given."""
    token = _forbidden.set(True)
    try:
        yield
    finally:
        _forbidden.reset(token)
