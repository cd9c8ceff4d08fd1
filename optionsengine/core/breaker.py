"""A breaker of one process, by the monotonic clock: the library's goes by the wall clock, which may jump by an hour."""

import threading
import time


class LocalBreaker:
    """Opens at the first failure; after `seconds` one caller may try, and the others wait for what comes of it."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._guard = threading.Lock()
        self._next_try: float | None = None  # None: closed

    @property
    def is_open(self) -> bool:
        """Whether the last call failed and none has succeeded since."""
        return self._next_try is not None

    def allows(self) -> bool:
        """Tell whether the caller may try now; whoever may tells `succeeded` or `failed` afterwards."""
        with self._guard:
            if self._next_try is None:
                return True
            if time.monotonic() < self._next_try:
                return False
            self._next_try = time.monotonic() + self.seconds
            return True

    def succeeded(self) -> None:
        self._next_try = None

    def failed(self) -> None:
        self._next_try = time.monotonic() + self.seconds
