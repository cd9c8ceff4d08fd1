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


def _serves(pid: int, data: Path) -> bool:
    process = Path(f"/proc/{pid}")
    try:
        state = process.joinpath("stat").read_text().rpartition(")")[2].split()[0]
        if state == "Z":
            return False
        try:
            return os.path.samefile(process / "cwd", data)  # a postmaster lives in its data folder
        except PermissionError:  # a container's root may not look into another user's process
            words = process.joinpath("cmdline").read_bytes().split(b"\0")
            return os.fsencode(data) in words and words[0].endswith(b"postgres")
    except (FileNotFoundError, ProcessLookupError):
        return False
