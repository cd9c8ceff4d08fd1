"""The account PostgreSQL runs under: ourselves, or, because it refuses root, someone else when we are root."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from optionsengine.core.devpg.failure import DevPostgresError

COMMAND_TIMEOUT_SECONDS = 120


def server_environment() -> dict[str, str]:
    """Return our environment without what would bend a server or its tools: `PG*`, locales, a local time zone."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PG", "LC_")) and name not in {"LANG", "LANGUAGE"}
    }
    return kept | {"TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class Account:
    """A user PostgreSQL may run as. `switch` is true when we are root and must become that user for its commands."""

    uid: int
    gid: int
    name: str
    switch: bool

    def run(self, command: Sequence[str | Path], *, cwd: Path = Path("/")) -> "subprocess.CompletedProcess[str]":
        """Run `command` as this user, with no input and a private umask, and return what it printed.

        :raises DevPostgresError: if it cannot be run as this user or does not end in time.
        """
        try:
            return subprocess.run(  # noqa: S603  # only programs and arguments this package names
                [str(word) for word in command],
                cwd=cwd,
                env=server_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                umask=0o077,
                timeout=COMMAND_TIMEOUT_SECONDS,
                check=False,
                user=self.uid if self.switch else None,
                group=self.gid if self.switch else None,
                extra_groups=[] if self.switch else None,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise DevPostgresError(f"{command[0]} could not be run as {self.name}: {error}") from error

    def reaches(self, folder: Path) -> bool:
        """Tell whether this user can enter `folder`, asked of the kernel: mode bits alone do not know every rule."""
        return self.run(["/bin/sh", "-c", 'cd "$1"', "sh", folder]).returncode == 0

    def runs(self, program: Path) -> bool:
        """Tell whether this user can execute `program`, its libraries included."""
        return self.run(["/bin/sh", "-c", 'exec "$1" --version', "sh", program]).returncode == 0

    def own(self, path: Path) -> None:
        """Hand a path we made to this user; nothing to do when that is ourselves."""
        if self.switch:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def account_for(checkout: Path, home: Path) -> Account:
    """Choose the account: ourselves; as root the owner of an existing `home`, else the checkout's owner, else `nobody`.

    :raises DevPostgresError: if we are somebody PostgreSQL cannot run as, or `home` belongs to another user.
    """
    me = os.geteuid()
    owner = home.stat().st_uid if home.is_dir() else None
    if me != 0:
        if owner not in (None, me):
            raise DevPostgresError(
                f"the development database belongs to user id {owner} and you are {me}: run this as that user, or set "
                "DATABASE_URL to a server of your own"
            )
        entry = _entry(me)
        if entry is None:
            raise DevPostgresError(
                f"PostgreSQL cannot run as user id {me}, which has no name on this machine: add the user to "
                "/etc/passwd, or set DATABASE_URL to a server of your own"
            )
        return Account(entry.pw_uid, os.getegid(), entry.pw_name, switch=False)
    for uid in (owner, checkout.stat().st_uid):
        entry = _entry(uid) if uid else None
        if entry is not None:
            return Account(entry.pw_uid, entry.pw_gid, entry.pw_name, switch=True)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise DevPostgresError(
            "PostgreSQL refuses to run as root and this machine has no user `nobody`: run this as an ordinary user, "
            "or set DATABASE_URL to a server of your own"
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid, nobody.pw_name, switch=True)


def _entry(uid: int) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        return None
