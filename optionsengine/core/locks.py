"""Locks, taken late and in one order: portfolio, signals, orders, positions, each by primary key."""

from django.db import connection

_PORTFOLIO = 0x0E_01
_SCHEDULES = 0x0E_03


def _transaction_lock(key: int) -> None:
    if not connection.in_atomic_block:
        raise RuntimeError("a lock needs a transaction: it would be released at once")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])


def portfolio_lock() -> None:
    """Serialise decisions, so that each sees the exposure of every other. Held until the transaction ends."""
    _transaction_lock(_PORTFOLIO)


def schedules_lock() -> None:
    """One process registers the schedules at a time. Held until the transaction ends."""
    _transaction_lock(_SCHEDULES)
