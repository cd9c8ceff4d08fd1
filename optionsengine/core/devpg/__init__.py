"""The zero-install PostgreSQL of a checkout: real, durable, started on first connection, shared by its processes."""

from functools import cache
from pathlib import Path

from optionsengine.core.devpg.failure import DevPostgresError
from optionsengine.core.devpg.server import DevPostgres, Status

__all__ = ["DevPostgres", "DevPostgresError", "Status", "dev_postgres"]


@cache
def dev_postgres(root: Path) -> DevPostgres:
    """Return this process's handle on the server of the checkout at `root`."""
    return DevPostgres(root)
