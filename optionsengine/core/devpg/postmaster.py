"""Whether the process a `postmaster.pid` names is alive and really the postmaster of that data folder."""

import os
import time
from pathlib import Path

_POLL_SECONDS = 0.02


def postmaster_pid(data: Path) -> int | None:
    """Return the pid of the living postmaster of `data`, None if there is none.

    The file alone proves nothing: after a kill its number may be free, or be another program's, and a copied data
    folder carries the number of the original's server.
    """
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return pid if _serves(pid, data) else None


def postmaster_wait_gone(pid: int, data: Path, seconds: float) -> bool:
    """Wait up to `seconds` for the postmaster to end; tell whether it did."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not _serves(pid, data):
            return True
        time.sleep(_POLL_SECONDS)
    return False


def postmaster_clear(data: Path, seconds: float) -> bool:
    """Remove the `postmaster.pid` of a dead postmaster once its last backend is gone; call it when none is alive.

    PostgreSQL would do so itself, but takes a zombie, or another program that got the number, for a living postmaster.
    Without the file it cannot see backends of the dead one that still hold its shared memory (the segment on line 7),
    so that is waited for here. Returns false if one still does after `seconds`.
    """
    path = data / "postmaster.pid"
    try:
        lines = path.read_text().split("\n")
    except FileNotFoundError:
        return True
    segment = lines[6].split()[-1:] if len(lines) > 6 else []
    another_program = lines[0].isdigit() and _runs_elsewhere(int(lines[0]), data)
    deadline = time.monotonic() + seconds
    while segment and not another_program and _attached(segment[0]):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    path.unlink()
    return True


def _attached(segment: str) -> bool:
    """Tell whether a process still holds the System V shared memory `segment` (see proc(5), /proc/sysvipc/shm)."""
    try:
        rows = [line.split() for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]]
    except FileNotFoundError:  # a kernel without System V shared memory has none to hold
        return False
    return any(row[1] == segment and int(row[6]) > 0 for row in rows)


def _alive(pid: int) -> bool:
    """Tell whether `pid` runs; a zombie, which a container without an init may keep for ever, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _serves(pid: int, data: Path) -> bool:
    """Tell whether `pid` is the postmaster of `data`."""
    return _at_home(pid, data) is True


def _runs_elsewhere(pid: int, data: Path) -> bool:
    """Tell whether `pid` surely is another program.

    Not the opposite of `_serves`: a postmaster on its way out has lost its folder and is no zombie yet, so it is
    neither, and its backends may still hold the data.
    """
    return _at_home(pid, data) is False


def _at_home(pid: int, data: Path) -> bool | None:
    """Tell whether `pid` is a process that lives in `data`, as a postmaster does; None if that cannot be seen."""
    if not _alive(pid):
        return None
    process = Path(f"/proc/{pid}")
    try:
        try:
            return os.path.samefile(process / "cwd", data)
        except PermissionError:  # a container's root may not look into another user's process
            words = process.joinpath("cmdline").read_bytes().split(b"\0")
            return None if words == [b""] else os.fsencode(data) in words and words[0].endswith(b"postgres")
    except (FileNotFoundError, ProcessLookupError):
        return None
