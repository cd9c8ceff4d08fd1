"""How long whoever waits for a piece of work still waits. Carried in the context: layers between need not pass it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ends: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Give the work inside `seconds` from now, or what is left of a deadline around it if that is less."""
    end, outer = time.monotonic() + seconds, _ends.get()
    token = _ends.set(end if outer is None else min(end, outer))
    try:
        yield
    finally:
        _ends.reset(token)


def seconds_left() -> float | None:
    """Return the seconds until the deadline, 0 once it has passed; None where there is none."""
    end = _ends.get()
    return None if end is None else max(end - time.monotonic(), 0.0)
