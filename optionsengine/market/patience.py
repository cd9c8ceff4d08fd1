"""How long a piece of work still waits for the network: its database statements have time-outs of their own."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ends: ContextVar[float | None] = ContextVar("patience", default=None)


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Wait for the network inside `seconds` from now, or what is left of a patience around it if that is less."""
    end, outer = time.monotonic() + seconds, _ends.get()
    token = _ends.set(end if outer is None else min(end, outer))
    try:
        yield
    finally:
        _ends.reset(token)


def patience_left() -> float | None:
    """Return the seconds that are left, 0 once they are over; None where there is no limit."""
    end = _ends.get()
    return None if end is None else max(end - time.monotonic(), 0.0)
