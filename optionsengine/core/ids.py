"""Primary keys: UUIDv7 (RFC 9562 §5.7), time-ordered, made in the application, seedable for a replay."""

import os
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from optionsengine.core import clock


class _Generator:
    """48 bits of milliseconds, a 12-bit counter that keeps one millisecond's keys in order, 62 random bits."""

    def __init__(self, random_bits: Callable[[int], int]) -> None:
        self._random_bits = random_bits
        self._lock = threading.Lock()
        self._last_ms = -1
        self._counter = 0

    def new(self) -> UUID:
        with self._lock:
            ms = int(clock.now().timestamp() * 1000)
            if ms == self._last_ms and self._counter < 0xFFF:
                self._counter += 1
            else:
                self._counter = self._random_bits(8)
                self._last_ms = ms
            value = (ms & 0xFFFFFFFFFFFF) << 80 | 0x7 << 76 | self._counter << 64
            value |= 0b10 << 62 | self._random_bits(62)
        return UUID(int=value)


def _os_bits(bits: int) -> int:
    return int.from_bytes(os.urandom(8), "big") >> (64 - bits)


_default = _Generator(_os_bits)
_seeded: ContextVar[_Generator | None] = ContextVar("seeded_ids", default=None)


def new_id() -> UUID:
    """Return a fresh UUIDv7; deterministic inside `seeded()`."""
    return (_seeded.get() or _default).new()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Make `new_id()` deterministic in this context: same seed, clock and call order, same ids."""
    token = _seeded.set(_Generator(random.Random(seed).getrandbits))  # noqa: S311 - reproducible, not secret
    try:
        yield
    finally:
        _seeded.reset(token)
