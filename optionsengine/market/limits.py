"""How often each provider may be asked: token buckets in PostgreSQL that all processes share, by its clock."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Least, Now

from optionsengine.core.retry import database_retried
from optionsengine.market.models import ProviderLimit

# the first call of all finds the bucket full
_TAKE = """
    INSERT INTO provider_limits AS held (name, tokens, refilled_at)
    VALUES (%(name)s, GREATEST(%(calls)s - %(cost)s, 0), statement_timestamp())
    ON CONFLICT (name) DO UPDATE SET
        tokens = LEAST(
            %(calls)s, held.tokens
                + GREATEST(EXTRACT(epoch FROM statement_timestamp() - held.refilled_at), 0) * %(calls)s / %(seconds)s
        ) - %(cost)s,
        refilled_at = statement_timestamp()
    WHERE (held.blocked_until IS NULL OR held.blocked_until <= statement_timestamp()) AND LEAST(
        %(calls)s, held.tokens
                + GREATEST(EXTRACT(epoch FROM statement_timestamp() - held.refilled_at), 0) * %(calls)s / %(seconds)s
    ) >= %(cost)s
    RETURNING true
"""
_BLOCK = """
    INSERT INTO provider_limits AS held (name, tokens, refilled_at, blocked_until)
    VALUES (%(name)s, 0, statement_timestamp(), statement_timestamp() + make_interval(secs => %(seconds)s))
    ON CONFLICT (name) DO UPDATE SET
        blocked_until = GREATEST(held.blocked_until, excluded.blocked_until)
"""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `calls` in `seconds`, refilled evenly. `window` names it: minute, hour, day."""

    calls: int
    window: str
    seconds: int


class _Empty(Exception):
    """A bucket has nothing left; what was taken from the others is given back."""


@database_retried
def limit_take(provider: str, rates: Sequence[Rate], *, cost: int = 1) -> str:
    """Take `cost` calls out of every bucket of the provider, or out of none; return the window that has too few."""
    try:
        with transaction.atomic():
            for rate in sorted(rates, key=lambda each: each.seconds):
                _take(provider, rate, cost)
    except _Empty as empty:
        return str(empty)
    return ""


def _take(provider: str, rate: Rate, cost: int) -> None:
    with connection.cursor() as cursor:
        values: dict[str, str | float] = {
            "name": f"{provider}/{rate.window}",
            "calls": float(rate.calls),
            "seconds": float(rate.seconds),
            "cost": float(min(cost, rate.calls)),
        }
        cursor.execute(_TAKE, values)
        if cursor.fetchone() is None:
            raise _Empty(rate.window)


@database_retried
def limit_block(provider: str, rates: Sequence[Rate], *, seconds: float) -> None:
    """Ask the provider nothing for so long, because it said so."""
    shortest = min(rates, key=lambda each: each.seconds)
    with connection.cursor() as cursor:
        cursor.execute(_BLOCK, {"name": f"{provider}/{shortest.window}", "seconds": float(seconds)})


@database_retried
def limit_note(provider: str, rates: Sequence[Rate], *, limit: int, remaining: int) -> None:
    """Believe the provider if it says that less is left than we thought, in the window whose number is nearest."""
    if limit < 1:
        return
    # ours may be set lower or higher than the provider's; the nearest is the window it talks of
    rate = min(rates, key=lambda each: abs(math.log(each.calls / limit)))
    held = ProviderLimit.objects.filter(name=f"{provider}/{rate.window}", tokens__gt=remaining)
    held.update(tokens=Least(F("tokens"), Value(float(max(remaining, 0)))), refilled_at=Now())


def limit_is_blocked(provider: str) -> bool:
    """Tell whether the provider has asked to be left alone."""
    return ProviderLimit.objects.filter(name__startswith=f"{provider}/", blocked_until__gt=Now()).exists()
