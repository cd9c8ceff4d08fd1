"""A request to stop, made by a signal and noticed by a main loop without delay."""

import os
import select
import signal
from types import FrameType
from typing import Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequest:
    """Turns Ctrl-C, SIGTERM and a closed terminal into a flag, and `wait` into a sleep that they end at once.

    A pipe does the waking, because a handler may not take the lock inside `threading.Event`.
    """

    def __init__(self) -> None:
        self._asked = False
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)

    @classmethod
    def on_signals(cls) -> Self:
        """Return a request that the process's signals set; call it from the main thread."""
        request = cls()
        for number in _SIGNALS:
            signal.signal(number, request._ask)
        signal.set_wakeup_fd(request._writer, warn_on_full_buffer=False)
        return request

    @property
    def asked(self) -> bool:
        return self._asked

    def wait(self, seconds: float) -> bool:
        """Sleep up to `seconds`; return whether to stop."""
        if not self._asked and select.select([self._reader], [], [], seconds)[0]:
            os.read(self._reader, 512)
        return self._asked

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked = True
