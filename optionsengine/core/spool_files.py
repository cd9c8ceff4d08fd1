"""What a spool asks of the file system: locks that are waited for briefly, whole writes, folders that are synced."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

_POLL_SECONDS = 0.002


@contextlib.contextmanager
def file_opened(path: Path, seconds: float) -> Iterator[int | None]:
    """Open and lock a file; None if it is gone, or if whoever holds it does not let go within `seconds`."""
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        yield None
        return
    try:
        yield handle if file_lock(handle, seconds) else None
    finally:
        os.close(handle)


def file_lock(handle: int, seconds: float) -> bool:
    """Lock a file, waiting at most `seconds` for it; false if another holds it still. Closing it lets go."""
    ends = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= ends:
                return False
            time.sleep(_POLL_SECONDS)
        else:
            return True


def write_all(handle: int, data: bytes) -> None:
    """Write all of `data`, however many writes that takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def read_all(handle: int) -> bytes:
    """Return everything in the file."""
    size = os.fstat(handle).st_size
    return os.pread(handle, size, 0)


def directory_sync(directory: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
