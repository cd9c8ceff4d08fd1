"""The moment every built row starts from."""

from datetime import UTC, datetime, timedelta

AT = datetime(2026, 2, 17, 15, 0, tzinfo=UTC)


def later(**delta: float) -> datetime:
    """Return `AT` moved by a timedelta's keyword arguments."""
    return AT + timedelta(**delta)
