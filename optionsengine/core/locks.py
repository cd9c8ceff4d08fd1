"""Locks, taken late and in one order: portfolio, signals, orders, positions, each by primary key."""

import zlib

from django.db import connection

_PORTFOLIO = 0x0E_01
_SCHEDULES = 0x0E_03
_EXIT_SIGNALS = 0x0E_04
_FAILURES = 0x0E_05


def _transaction_lock(key: int) -> None:
    if not connection.in_atomic_block:
        raise RuntimeError("a lock needs a transaction: it would be released at once")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])


def portfolio_lock() -> None:
    """Serialise decisions, so that each sees the exposure of every other. Held until the transaction ends."""
    _transaction_lock(_PORTFOLIO)


def failures_lock(address: str) -> None:
    """Count the failed requests of one address one after the other. Held until the transaction ends."""
    _transaction_lock((_FAILURES << 32) | zlib.crc32(address.encode()))


def exit_signals_lock() -> None:
    """Apply one exit signal at a time: two of one symbol would end each other's entries. Held until the end."""
    _transaction_lock(_EXIT_SIGNALS)


def schedules_lock() -> None:
    """One process registers the schedules at a time. Held until the transaction ends."""
    _transaction_lock(_SCHEDULES)
