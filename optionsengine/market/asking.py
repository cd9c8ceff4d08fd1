"""One question to one provider: whether it may be asked, and what its answer or its silence means for the next one."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.db import DatabaseError, InterfaceError

from optionsengine.market.data import MarketError
from optionsengine.market.enums import MarketProblem, ProviderFault
from optionsengine.market.limits import Rate, limit_block, limit_is_blocked, limit_note, limit_take
from optionsengine.market.patience import patience_left
from optionsengine.market.providers.base import NetworkProvider
from optionsengine.market.providers.http import ProviderError, RateNote
from optionsengine.ops.breakers import FORBIDDEN_SECONDS, breaker_admit, breaker_fail, breaker_release, breaker_succeed

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 60.0  # for a provider that asks to be left alone and does not say for how long
RETRY_AFTER_MOST = 86_400.0
_LEAST_SECONDS = 0.5  # to ask anybody in
_SPARED = (MarketProblem.BREAKER_OPEN, MarketProblem.RATE_LIMITED)

_for_exits: ContextVar[bool] = ContextVar("for_exits", default=False)
_forced: ContextVar[bool] = ContextVar("forced", default=False)

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Source:
    """A provider with its key and how often it may be asked."""

    name: str
    provider: NetworkProvider
    rates: tuple[Rate, ...]


@contextmanager
def asking_for_exits() -> Iterator[None]:
    """Have what is asked here asked past open breakers and our own limits, where nobody else has an answer.

    What stops new risk never stops closing it. A pause that a provider has asked for is kept all the same.
    """
    token = _for_exits.set(True)
    try:
        yield
    finally:
        _for_exits.reset(token)


def is_for_exits() -> bool:
    """Tell whether what is asked now is for closing risk."""
    return _for_exits.get()


def sources_ask(sources: Iterator[Source] | list[Source], ask: Callable[[Source], bool]) -> None:
    """Call `ask` with one source after the other until it says that it has enough.

    It raises what the source raised; one that was spared (its breaker is open, our limit used up) is asked once more
    after all the others if this is for exits.
    """
    spared: list[Source] = []
    for source in sources:
        try:
            if ask(source):
                return
        except MarketError as error:
            if error.code in _SPARED:
                spared.append(source)
    if not _for_exits.get():
        return
    token = _forced.set(True)
    try:
        for source in spared:
            try:
                if ask(source):
                    return
            except MarketError:
                continue
    finally:
        _forced.reset(token)


def breaker_name(source: str) -> str:
    """Return the name of the breaker of the provider `source`."""
    return f"market:{source}"


def source_ask(source: Source, ask: Callable[[NetworkProvider], Answer], *, at: datetime) -> Answer:
    """Ask, unless the provider's breaker is open, and tell the breaker and the limits what came of it.

    :raises MarketError: if there is no answer.
    """
    breaker = breaker_name(source.name)
    left = patience_left()
    if left is not None and left < _LEAST_SECONDS:
        raise MarketError(MarketProblem.UNAVAILABLE, f"{source.name}: there was no time left to ask")
    if not breaker_admit(breaker) and not _forced.get():
        told = f"{source.name}: is not asked for a while, after repeated failures"
        raise MarketError(MarketProblem.BREAKER_OPEN, told)
    try:
        answer = ask(source.provider)
    except ProviderError as error:
        _fault_tell(source, breaker, error, at)
        raise
    except MarketError:
        breaker_release(breaker)  # it was not asked, or knows no such thing
        raise
    except (DatabaseError, InterfaceError):
        raise  # our own database's fault, of which the provider knows nothing
    except Exception as error:
        logger.exception("%s could not be read", source.name)
        breaker_fail(breaker, error=f"{type(error).__name__} in our reading", at=at)
        told = f"{source.name}: its answer could not be read; the log has the trace"
        raise MarketError(MarketProblem.UNAVAILABLE, told) from error
    breaker_succeed(breaker, at=at)
    return answer


def _fault_tell(source: Source, breaker: str, error: ProviderError, at: datetime) -> None:
    match error.kind:
        case ProviderFault.NO_DATA | ProviderFault.REJECTED:
            breaker_succeed(breaker, at=at)  # it answers; it has nothing, or takes the question for wrong
        case ProviderFault.RATE_LIMITED:
            wait = RETRY_AFTER_SECONDS if error.retry_after is None else error.retry_after
            limit_block(source.name, source.rates, seconds=min(max(wait, 1.0), RETRY_AFTER_MOST))
            breaker_release(breaker)
        case ProviderFault.FORBIDDEN:
            breaker_fail(breaker, error=error.message, at=at, open_seconds=FORBIDDEN_SECONDS)
        case _:
            breaker_fail(breaker, error=error.message, at=at)


def permit_for(name: str, rates: tuple[Rate, ...]) -> Callable[[int], None]:
    """Return what takes the cost of a request out of the provider's buckets before its adapter makes it."""

    def permit(cost: int) -> None:
        window = limit_take(name, rates, cost=cost)
        if window and not (_forced.get() and not limit_is_blocked(name)):
            told = f"{name}: may not be asked more often this {window}; raise its rate limit if your plan allows more"
            raise MarketError(MarketProblem.RATE_LIMITED, told)

    return permit


def note_for(name: str, rates: tuple[Rate, ...]) -> Callable[[RateNote], None]:
    """Return what believes the limit that the provider states in its answers."""
    return lambda note: limit_note(name, rates, limit=note.limit, remaining=note.remaining)
