"""One answer for all who ask the same within its lifetime, in whichever process: one of them fetches, the others wait.

A failure is shared too, for a moment, so that fifty waiting signals do not knock fifty times.
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.core.cache import caches
from django.db import connection

from optionsengine.market.asking import is_for_exits
from optionsengine.market.data import Bar, MarketError, OptionChain, OptionQuote, Quote
from optionsengine.market.enums import MarketProblem
from optionsengine.market.patience import patience_left

CACHE = "market"
PROBLEM_SECONDS = 2.0
FETCH_SECONDS = 15.0  # one that fetches is waited for so long
_KEPT_SECONDS = 900  # in the table; whether an entry still counts is judged by its own time
_LOOK_SECONDS = (0.02, 0.2)  # the first pause between two looks, and the longest

# what another version of the engine has stored is never read as ours
_SHAPE = tuple(tuple(field.name for field in fields(kind)) for kind in (Quote, Bar, OptionQuote, OptionChain))

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class _Entry(Generic[Value]):
    fetched_at: datetime
    value: Value | None = None
    problem: tuple[str, str] | None = None

    def counts(self, at: datetime, lifetime: float) -> bool:
        age = abs((at - self.fetched_at).total_seconds())
        if self.problem is None:
            return age < lifetime
        # what kept an entry from being asked for need not keep an exit
        return age < min(lifetime, PROBLEM_SECONDS) and not is_for_exits()

    def open(self) -> Value:
        if self.problem is not None:
            code, message = self.problem
            raise MarketError(MarketProblem(code), message)
        return self.value  # type: ignore[return-value]  # without a problem there is a value


def fetch_once(kind: str, *parts: object, at: datetime, lifetime: float, fetch: Callable[[], Value]) -> Value:
    """Return what was fetched for `kind` and `parts` less than `lifetime` seconds from `at`, or fetch it.

    Call it with no transaction open.

    :raises MarketError: what the fetch ended with, also one of another process within the last `PROBLEM_SECONDS`.
    """
    cache, key = caches[CACHE], _key(kind, parts)
    left = patience_left()
    wait = FETCH_SECONDS if left is None else min(FETCH_SECONDS, left)
    ends, pause = time.monotonic() + wait, _LOOK_SECONDS[0]
    while True:
        entry: _Entry[Value] | None = cache.get(key)
        if entry is not None and entry.counts(at, lifetime):
            return entry.open()
        with _claim(key) as is_ours:
            if is_ours:
                # another may have been quicker between our look and our claim
                entry = cache.get(key)
                if entry is None or not entry.counts(at, lifetime):
                    entry = _fetch(fetch, at)
                    cache.set(key, entry, timeout=_KEPT_SECONDS)
                return entry.open()
        if time.monotonic() > ends:
            raise MarketError(MarketProblem.UNAVAILABLE, "another worker is still asking for the same; try again")
        time.sleep(pause)
        pause = min(2 * pause, _LOOK_SECONDS[1])


@contextmanager
def _claim(key: str) -> Iterator[bool]:
    """Claim the fetch for this connection, unless another has it. The server frees it when the connection ends."""
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [number])
        [is_ours] = cursor.fetchone()
    try:
        yield is_ours
    finally:
        if is_ours:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [number])


def _fetch(fetch: Callable[[], Value], at: datetime) -> _Entry[Value]:
    try:
        return _Entry(at, value=fetch())
    except MarketError as error:
        return _Entry(at, problem=(error.code.value, error.message))


def _key(kind: str, parts: tuple[Any, ...]) -> str:
    return f"{kind}:{hashlib.sha256(repr((_SHAPE, parts)).encode()).hexdigest()[:32]}"
