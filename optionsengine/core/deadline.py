"""How long whoever waits for a piece of work still waits. Carried in the context: layers between need not pass it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class TimeLimit:
    """One kind of limit, which ends its own kind of waiting: `with limit(seconds)` around the work, `left()` inside."""

    def __init__(self, name: str) -> None:
        self._ends: ContextVar[float | None] = ContextVar(name, default=None)

    @contextmanager
    def __call__(self, seconds: float) -> Iterator[None]:
        """Give the work inside `seconds` from now, or what is left of a limit around it if that is less."""
        end, outer = time.monotonic() + seconds, self._ends.get()
        token = self._ends.set(end if outer is None else min(end, outer))
        try:
            yield
        finally:
            self._ends.reset(token)

    def left(self) -> float | None:
        """Return the seconds until the limit, 0 once it has passed; None where there is none."""
        end = self._ends.get()
        return None if end is None else max(end - time.monotonic(), 0.0)


deadline = TimeLimit("deadline")  # ends every wait, for the database too
seconds_left = deadline.left
