"""Where a checkout's server keeps its data and its socket, and the record of it when that is not the usual place."""

import json
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from optionsengine.core.devpg.account import Account
from optionsengine.core.devpg.failure import DevPostgresError

PORT = 5432  # names the socket file; nothing listens on the network
SOCKET_PATH_LIMIT = 100  # bytes; the kernel's own limit is 107
SPARE_FOLDERS = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108  # mkdtemp inside makes a private 0700 folder


@dataclass(frozen=True, slots=True)
class Place:
    """`home` holds the cluster, its log and copied programs; `sockets` the Unix socket. Both 0700."""

    home: Path
    sockets: Path

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def socket(self) -> Path:
        return self.sockets / f".s.PGSQL.{PORT}"


class PlaceBook:
    """Finds, settles and forgets the place of the checkout at `root`. Callers that write hold the checkout's lock."""

    def __init__(self, root: Path, spare: tuple[Path, ...] = SPARE_FOLDERS) -> None:
        self.root = root
        self.local = root / ".local"
        self._spare = spare
        self._record = self.local / "postgres.place"

    @property
    def usual_home(self) -> Path:
        return self.local / "postgres"

    def read(self) -> Place:
        """Return the recorded place, else the usual one. A record that came with a copied checkout is not ours."""
        usual = Place(self.usual_home, self.usual_home / "run")
        try:
            record = json.loads(self._record.read_text())
            if record["root"] == str(self.root) or record["inode"] == self.local.stat().st_ino:
                return Place(Path(record["home"]), Path(record["sockets"]))
        except FileNotFoundError:
            return usual
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DevPostgresError(
                f"{self._record} cannot be read ({error}): `manage.py devpg reset` starts afresh"
            ) from error
        return usual

    def open_local(self) -> Path:
        """Make `.local` if needed, owned like the checkout so that its owner can use it after root did."""
        try:
            self.local.mkdir(exist_ok=True)
            self.hand_to_owner(self.local)
        except OSError as error:
            raise DevPostgresError(
                f"{self.local} cannot be made ({error.strerror}): give yourself write access to the checkout, or set "
                "DATABASE_URL to a running server"
            ) from error
        return self.local

    def hand_to_owner(self, path: Path) -> None:
        """Give what root made beside the data to the checkout's owner."""
        owner = self.root.stat()
        if os.geteuid() == 0 and path.stat().st_uid == 0 != owner.st_uid:
            os.chown(path, owner.st_uid, owner.st_gid)

    def settle(self, account: Account) -> Place:
        """Make the folders `account` needs, moving aside what it cannot reach, and record an unusual place."""
        before = self.read()
        home = before.home if before.home.is_dir() else self.usual_home
        if not self._make(home, account):
            if (home / "data").exists():
                raise DevPostgresError(
                    f"{account.name} can no longer reach {home}: give it back its folder, or `manage.py devpg reset`"
                )
            shutil.rmtree(home)
            home = self._make_elsewhere(account, self._spare)
        sockets = home / "run"
        if _fits(sockets):
            self._make(sockets, account)
        elif before.home == home and _fits(before.sockets) and self._make(before.sockets, account):
            sockets = before.sockets
        else:
            sockets = self._make_elsewhere(account, (Path(tempfile.gettempdir()), Path("/tmp")))  # noqa: S108
        place = Place(home, sockets)
        if place == Place(self.usual_home, self.usual_home / "run"):
            self._record.unlink(missing_ok=True)
        elif place != before or not self._record.exists():
            self._write(place)
        return place

    def forget(self) -> None:
        """Drop the record: the next settlement starts from the usual place."""
        self._record.unlink(missing_ok=True)

    def _write(self, place: Place) -> None:
        record = {
            "root": str(self.root),
            "inode": self.local.stat().st_ino,
            "home": str(place.home),
            "sockets": str(place.sockets),
        }
        fresh = self._record.with_suffix(".new")
        fresh.write_text(json.dumps(record, indent=1) + "\n")
        self.hand_to_owner(fresh)
        fresh.replace(self._record)

    def _make(self, folder: Path, account: Account) -> bool:
        """Make `folder` private to `account`; false if it cannot be entered or kept private (some shared drives)."""
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode):
                raise DevPostgresError(f"{folder} must be a folder: remove it, the next start makes a new one")
            if found.st_uid != account.uid:
                account.own(folder)
            if found.st_mode & 0o077:
                folder.chmod(0o700)
        except OSError as error:
            raise DevPostgresError(f"{folder} cannot be made: {error.strerror}") from error
        return account.reaches(folder) and folder.stat().st_mode & 0o077 == 0

    def _make_elsewhere(self, account: Account, parents: tuple[Path, ...]) -> Path:
        for parent in parents:
            try:
                folder = Path(tempfile.mkdtemp(prefix="optionsengine-", dir=parent))
            except OSError:
                continue
            if _fits(folder) and self._make(folder, account):
                return folder
            folder.rmdir()
        raise DevPostgresError(
            f"no folder for the database that {account.name} can reach, tried {', '.join(map(str, parents))}: move the "
            "checkout to a folder every user can enter, or set DATABASE_URL to a running server"
        )


def _fits(sockets: Path) -> bool:
    """A socket path the kernel takes; a comma would make libpq read two hosts."""
    path = os.fsencode(sockets / f".s.PGSQL.{PORT}")
    return len(path) <= SOCKET_PATH_LIMIT and b"," not in path
