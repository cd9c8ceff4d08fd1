"""A durable queue of one host on its file system: one file a process, taken in order, for when the database is away.

A record is acknowledged when its line is on the disk; it is taken at least once. What an append that never ended left
behind is dropped; what was whole and is damaged is set aside in a `.bad` file and never dropped.
"""

import contextlib
import fcntl
import logging
import math
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from optionsengine.core import ids
from optionsengine.core.errors import Permanent, Transient
from optionsengine.core.spool_files import directory_sync, file_lock, file_opened, read_all, write_all
from optionsengine.core.spool_frames import BLANK, TAKEN, LineState, frame_encode, frames_read

logger = logging.getLogger(__name__)

SUFFIX = ".spool"
BAD_SUFFIX = ".bad"
LOCK_NAME = "drain.lock"
ROTATE_BYTES = 1024 * 1024  # a file goes when all of it is taken, so small files give room back sooner
_APPEND_WAIT_SECONDS = 0.05
_DRAIN_WAIT_SECONDS = 1.0
_NEW_FILE_ATTEMPTS = 10


class SpoolError(Transient):
    """The record is not stored; nothing of it is kept."""


class SpoolFullError(SpoolError):
    """The record would take the spool over its size."""


class RecordUnusableError(Permanent):
    """Raised by a taker for a record that it can never take: it is set aside and the next one comes."""


@dataclass(slots=True)
class DrainReport:
    """What one drain did. `is_busy`: another is draining; `is_whole`: nothing was left waiting."""

    taken: int = 0
    bad: int = 0
    is_busy: bool = False
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class SpoolStatus:
    """What lies in the spool. `oldest` is the lowest key that waits, `size` the bytes of all its files."""

    files: int
    records: int
    size: int
    max_size: int
    oldest: str | None
    bad_files: tuple[str, ...]

    @property
    def fill(self) -> float:
        """How full it is, from 0 to 1."""
        return self.size / self.max_size


@dataclass(frozen=True, order=True, slots=True)
class _Place:
    key: str
    path: Path
    start: int
    end: int


class Spool:
    """The spool in `directory`, at most `max_bytes` large (over by one record of each other process at most).

    Every method may be called by any thread of any process of the host at any time, also after a fork.
    """

    def __init__(self, directory: Path, max_bytes: int) -> None:
        self.directory = directory
        self.max_bytes = max_bytes
        self._guard = threading.Lock()
        self._handle: int | None = None
        self._path = directory
        _spools.add(self)

    def append(self, record: bytes, *, key: str) -> None:
        """Store one line of bytes; on return it survives a power cut. Records are taken in the order of their keys.

        :raises SpoolFullError: if it would take the spool over its size.
        :raises SpoolError: if it could not be written; nothing of it is kept.
        :raises ValueError: if the record holds a line break, or the key what a key may not hold.
        """
        frame = frame_encode(key, record)
        with self._guard:
            try:
                self._require_room(len(frame))
                self._write(frame)
            except OSError as error:
                raise SpoolError(f"the spool cannot be written: {error}; look at the disk and at SPOOL_DIR") from error

    def is_empty(self) -> bool:
        """Tell whether no record waits on this host; one look at the directory, cheap enough for every request."""
        try:
            with os.scandir(self.directory) as entries:
                return not any(entry.name.endswith(SUFFIX) for entry in entries)
        except FileNotFoundError:
            return True
        except OSError as error:
            # what can store nothing must not keep requests from a database that can; readiness tells of it
            logger.error("the spool cannot be read: %s; look at SPOOL_DIR", error)
            return True

    def drain(self, take: Callable[[bytes], object], *, seconds: float = math.inf) -> DrainReport:
        """Hand every waiting record to `take`, in order, and drop each when `take` has returned.

        What is appended meanwhile is taken too. `take` may see a record twice, after a crash. If it raises
        `RecordUnusableError` the record is set aside; anything else it raises ends the drain, and this record and the
        later ones stay. After `seconds` the drain ends between two records.

        :raises SpoolError: if the spool cannot be read.
        """
        ends = time.monotonic() + seconds
        report = DrainReport()
        with self._drainer() as is_mine:
            report.is_busy = not is_mine
            if not is_mine:
                return report
            while places := self._scan(report):
                for place in places:
                    if time.monotonic() > ends or not self._take(place, take, report):
                        return report
            report.is_whole = self.is_empty()
        return report

    def status(self) -> SpoolStatus:
        """Look at the spool without changing it.

        :raises SpoolError: if it cannot be read.
        """
        with _reading():
            keys: list[str] = []
            size = 0
            files = self._files(SUFFIX)
            for path in files:
                with contextlib.suppress(FileNotFoundError):  # drained and gone since we looked
                    data = path.read_bytes()
                    size += len(data)
                    keys.extend(line.key for line in frames_read(data) if line.state == LineState.WAITING)
            bad = self._files(BAD_SUFFIX)
            for path in bad:
                with contextlib.suppress(FileNotFoundError):  # an operator has just removed it
                    size += path.stat().st_size
        return SpoolStatus(
            files=len(files),
            records=len(keys),
            size=size,
            max_size=self.max_bytes,
            oldest=min(keys, default=None),
            bad_files=tuple(path.name for path in bad),
        )

    def bad_files(self) -> tuple[str, ...]:
        """Return the names of the files with what was set aside; they stay until a person removes them.

        :raises SpoolError: if the spool cannot be read.
        """
        with _reading():
            return tuple(path.name for path in self._files(BAD_SUFFIX))

    # --- appending

    def _require_room(self, wanted: int) -> None:
        self._make_directory()
        with os.scandir(self.directory) as entries:
            size = 0
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):  # drained and gone since we looked
                    size += entry.stat().st_size
        if size + wanted > self.max_bytes:
            raise SpoolFullError(
                f"the spool holds {size} bytes of at most {self.max_bytes}; bring the database back, or raise "
                "SPOOL_MAX_MB"
            )

    def _make_directory(self) -> None:
        if not self.directory.is_dir():
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            directory_sync(self.directory.parent)

    def _write(self, frame: bytes) -> None:
        handle, is_new = self._claim()
        start = 0
        try:
            start = os.lseek(handle, 0, os.SEEK_END)
            write_all(handle, frame)
            os.fsync(handle)
            if is_new:
                directory_sync(self.directory)
        except BaseException:
            # after a failed fsync the kernel may have forgotten what it could not write: this file is trusted no more
            self._roll_back(handle, start)
            raise
        fcntl.flock(handle, fcntl.LOCK_UN)
        if start + len(frame) >= ROTATE_BYTES:
            self._close()

    def _roll_back(self, handle: int, start: int) -> None:
        try:
            os.ftruncate(handle, start)
            if start == 0:
                self._path.unlink(missing_ok=True)
        except OSError as error:
            logger.error("an append to the spool was not undone: %s; the next drain drops what is torn", error)
        finally:
            self._close()

    def _claim(self) -> tuple[int, bool]:
        """Return this process's file, locked, and whether it is new: a drainer may hold or have removed the old."""
        if self._handle is not None:
            if file_lock(self._handle, _APPEND_WAIT_SECONDS) and os.fstat(self._handle).st_nlink:
                return self._handle, False
            self._close()
        for _ in range(_NEW_FILE_ATTEMPTS):
            self._path = self.directory / f"{ids.new_id()}-{os.getpid()}{SUFFIX}"
            try:
                self._handle = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
            except FileExistsError:
                continue
            if file_lock(self._handle, _APPEND_WAIT_SECONDS) and os.fstat(self._handle).st_nlink:
                return self._handle, True
            self._close()
        raise SpoolError("no file of the spool could be locked; is something else working in SPOOL_DIR?")

    def _close(self) -> None:
        if self._handle is not None:
            handle, self._handle = self._handle, None
            os.close(handle)

    def _after_fork(self) -> None:
        # the file belongs to the parent, and so may a lock that one of its threads held
        self._guard = threading.Lock()
        self._close()

    # --- draining

    @contextlib.contextmanager
    def _drainer(self) -> Iterator[bool]:
        with _reading():
            self._make_directory()
            handle = os.open(self.directory / LOCK_NAME, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            yield file_lock(handle, 0)
        finally:
            os.close(handle)

    def _files(self, suffix: str) -> list[Path]:
        try:
            return sorted(path for path in self.directory.iterdir() if path.name.endswith(suffix))
        except FileNotFoundError:
            return []

    def _scan(self, report: DrainReport) -> list[_Place]:
        """Return what waits, in order; on the way drop what is torn, set aside what is bad, remove what is done."""
        with _reading():
            return sorted(place for path in self._files(SUFFIX) for place in self._scan_file(path, report))

    def _scan_file(self, path: Path, report: DrainReport) -> list[_Place]:
        with file_opened(path, _DRAIN_WAIT_SECONDS) as handle:
            if handle is None:
                return []
            places, may_go = [], True
            data = read_all(handle)
            for line in frames_read(data):
                if line.state == LineState.WAITING:
                    places.append(_Place(line.key, path, line.start, line.end))
                elif line.state == LineState.TORN:
                    os.ftruncate(handle, line.start)
                elif line.state == LineState.BAD:
                    report.bad += 1
                    may_go &= self._move_bad(handle, path, line.start, data[line.start : line.end])
            if may_go and not places:
                path.unlink(missing_ok=True)
            return places

    def _move_bad(self, handle: int, path: Path, start: int, data: bytes) -> bool:
        try:
            self._set_aside(path, data)
        except OSError as error:
            # without room for it elsewhere it stays where it is: it must block nothing and must not be lost
            logger.error("a damaged record stays in %s: %s", path.name, error)
            return False
        if data.endswith(b"\n"):
            os.pwrite(handle, BLANK, start)
        else:
            os.ftruncate(handle, start)
        return True

    def _take(self, place: _Place, take: Callable[[bytes], object], report: DrainReport) -> bool:
        """Take one record and mark it; false if its file is gone.

        Without the file's lock: no append touches a whole record, and waiting for the lock twice a record would make
        a drain slower than what comes in meanwhile.
        """
        with _reading():
            try:
                handle = os.open(place.path, os.O_RDWR)
            except FileNotFoundError:
                return False
        try:
            with _reading():
                data = os.pread(handle, place.end - place.start, place.start)
            line = next(frames_read(data))
            try:
                take(line.record)
                report.taken += 1
            except RecordUnusableError as error:
                logger.error("a spooled record is set aside: %s", error)
                report.bad += 1
                with _reading():
                    self._set_aside(place.path, data)
            with _reading():
                os.pwrite(handle, TAKEN, place.start)
        finally:
            os.close(handle)
        return True

    def _set_aside(self, path: Path, data: bytes) -> None:
        bad = path.with_suffix(BAD_SUFFIX)
        handle = os.open(bad, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        try:
            write_all(handle, data if data.endswith(b"\n") else data + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)
        directory_sync(self.directory)
        logger.error("a damaged record was moved to %s", bad.name)


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SpoolError(f"the spool cannot be read: {error}; look at the disk and at SPOOL_DIR") from error


_spools: "weakref.WeakSet[Spool]" = weakref.WeakSet()


def _after_fork() -> None:
    for spool in _spools:
        spool._after_fork()


os.register_at_fork(after_in_child=_after_fork)
