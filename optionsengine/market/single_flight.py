"""One answer for all who ask the same within its lifetime, in whichever process: one of them fetches, the others wait.

A failure is shared too, for a moment, so that fifty waiting signals do not knock fifty times.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.core.cache import caches

from optionsengine.core.deadline import seconds_left
from optionsengine.market.data import Bar, MarketError, OptionChain, OptionQuote, Quote
from optionsengine.market.enums import MarketProblem

CACHE = "market"
PROBLEM_SECONDS = 2.0
FETCH_SECONDS = 15  # a process that dies while it fetches is waited for so long
_KEPT_SECONDS = 900  # in the table; whether an entry still counts is judged by its own time
_SPARE_SECONDS = 0.5  # of a deadline, to say that nothing came
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
        return age < (lifetime if self.problem is None else min(lifetime, PROBLEM_SECONDS))

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
    left = seconds_left()
    wait = FETCH_SECONDS if left is None else min(FETCH_SECONDS, max(left - _SPARE_SECONDS, 0.0))
    ends, pause = time.monotonic() + wait, _LOOK_SECONDS[0]
    while True:
        entry: _Entry[Value] | None = cache.get(key)
        if entry is not None and entry.counts(at, lifetime):
            return entry.open()
        if cache.add(f"{key}:fetching", True, timeout=FETCH_SECONDS):
            try:
                # another may have been quicker between our look and our claim
                entry = cache.get(key)
                if entry is None or not entry.counts(at, lifetime):
                    entry = _fetch(fetch, at)
                    cache.set(key, entry, timeout=_KEPT_SECONDS)
            finally:
                cache.delete(f"{key}:fetching")
            return entry.open()
        if time.monotonic() > ends:
            return fetch()
        time.sleep(pause)
        pause = min(2 * pause, _LOOK_SECONDS[1])


def _fetch(fetch: Callable[[], Value], at: datetime) -> _Entry[Value]:
    try:
        return _Entry(at, value=fetch())
    except MarketError as error:
        return _Entry(at, problem=(error.code.value, error.message))


def _key(kind: str, parts: tuple[Any, ...]) -> str:
    return f"{kind}:{hashlib.sha256(repr((_SHAPE, parts)).encode()).hexdigest()[:32]}"
