"""The spool against real processes: nothing acknowledged is lost, wherever a kill or a fault strikes."""

import errno
import os
import resource
import signal
import threading

import pytest

from optionsengine.core.spool import (
    LOCK_NAME,
    ROTATE_BYTES,
    RecordUnusableError,
    Spool,
    SpoolError,
    SpoolFullError,
)
from optionsengine.core.spool_frames import frame_encode

MEBIBYTE = 1024 * 1024
_write = os.write  # as it is before a test puts something in its place


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "spool"


@pytest.fixture
def spool(folder):
    return Spool(folder, MEBIBYTE)


def fill(spool, count, start=0):
    for number in range(start, start + count):
        spool.append(b"record %d" % number, key=f"{number:06}")


def records(count, start=0):
    return [b"record %d" % number for number in range(start, start + count)]


def drained(spool):
    taken = []
    assert spool.drain(taken.append).is_whole
    return taken


def only_file(folder):
    (path,) = folder.glob("*.spool")
    return path


def child(work):
    """Run `work(tell)` in a forked process; return (how it ended, what it told, one line each)."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(read)
            work(lambda line: _write(write, line + b"\n"))
            code = 0
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        told = pipe.read().splitlines()
    return os.waitpid(pid, 0)[1], told


# --- the plain way ----------------------------------------------------------------------------------------------------


def test_a_spool_that_was_never_used_is_empty_and_makes_no_folder(spool, folder):
    assert spool.is_empty()
    assert spool.status().records == 0
    assert not folder.exists()


def test_records_come_back_in_order_and_the_files_go(spool, folder):
    fill(spool, 3)
    assert not spool.is_empty()
    assert (spool.status().files, spool.status().records, spool.status().oldest) == (1, 3, "000000")
    taken = []
    report = spool.drain(taken.append)
    assert taken == records(3)
    assert (report.taken, report.bad, report.is_busy, report.is_whole) == (3, 0, False, True)
    assert spool.is_empty()
    assert [path.name for path in folder.iterdir()] == [LOCK_NAME]


def test_only_its_owner_may_read_it(spool, folder):
    fill(spool, 1)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert only_file(folder).stat().st_mode & 0o777 == 0o600


def test_the_order_is_that_of_the_keys_across_files(folder):
    one, two = Spool(folder, MEBIBYTE), Spool(folder, MEBIBYTE)
    for spool, numbers in ((one, (1, 4, 3)), (two, (2, 0))):
        for number in numbers:
            spool.append(b"record %d" % number, key=str(number))
    assert one.status().files == 2
    assert drained(two) == records(5)


def test_an_appender_goes_on_after_its_file_was_drained_away(spool):
    fill(spool, 2)
    assert drained(spool) == records(2)
    fill(spool, 2, start=2)
    assert drained(spool) == records(2, start=2)


def test_what_is_appended_during_a_drain_is_drained_too(spool):
    fill(spool, 2)
    taken = []

    def take(record):
        taken.append(record)
        if record == b"record 0":
            fill(spool, 1, start=2)

    assert spool.drain(take).taken == 3
    assert taken == records(3)


def test_threads_share_a_file(spool, folder):
    threads = [threading.Thread(target=fill, args=(spool, 10, start)) for start in (0, 10, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert only_file(folder)
    assert drained(spool) == records(30)


def test_a_large_file_is_followed_by_another(folder):
    spool = Spool(folder, 4 * MEBIBYTE)
    for number in range(3):
        spool.append(bytes([65 + number]) * (ROTATE_BYTES // 2), key=str(number))
    assert spool.status().files == 2
    assert [record[:1] for record in drained(spool)] == [b"A", b"B", b"C"]


# --- taking -----------------------------------------------------------------------------------------------------------


def test_an_error_of_the_taker_ends_the_drain_and_keeps_the_rest(spool):
    fill(spool, 3)
    seen = []

    def take(record):
        seen.append(record)
        if record == b"record 1":
            raise RuntimeError("not now")

    with pytest.raises(RuntimeError, match="not now"):
        spool.drain(take)
    assert seen == records(2)
    assert (spool.status().records, spool.status().oldest) == (2, "000001")
    assert drained(spool) == records(2, start=1)


def test_a_record_nobody_can_take_is_set_aside_and_blocks_nothing(spool, folder):
    fill(spool, 3)
    taken = []

    def take(record):
        if record == b"record 1":
            raise RecordUnusableError("what is this?")
        taken.append(record)

    report = spool.drain(take)
    assert (report.taken, report.bad, report.is_whole) == (2, 1, True)
    assert taken == [b"record 0", b"record 2"]
    assert spool.is_empty()
    (bad,) = spool.bad_files()
    assert (folder / bad).read_bytes() == frame_encode("000001", b"record 1")
    assert spool.status().bad_files == (bad,)


def test_time_out_ends_a_drain_between_two_records(spool):
    fill(spool, 2)
    report = spool.drain(lambda record: None, seconds=-1)
    assert (report.taken, report.is_whole) == (0, False)
    assert drained(spool) == records(2)


def test_the_second_drainer_is_told_and_takes_nothing(spool, folder):
    fill(spool, 2)
    seconds = []
    taken = []

    def take(record):
        taken.append(record)
        seconds.append(Spool(folder, MEBIBYTE).drain(taken.append))

    spool.drain(take)
    assert taken == records(2)
    assert all(report.is_busy and report.taken == 0 for report in seconds)


# --- damage -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", range(1, len(frame_encode("000001", b"record 1")), 9))
def test_a_torn_tail_is_dropped_and_nothing_else(spool, folder, keep):
    fill(spool, 1)
    path = only_file(folder)
    path.write_bytes(path.read_bytes() + frame_encode("000001", b"record 1")[:keep])
    assert drained(Spool(folder, MEBIBYTE)) == records(1)
    assert spool.is_empty()
    assert spool.bad_files() == ()


def test_a_torn_tail_alone_is_dropped(spool, folder):
    folder.mkdir()
    (folder / "x.spool").write_bytes(frame_encode("000001", b"record 1")[:-1])
    assert drained(spool) == []
    assert spool.is_empty()


def test_its_process_goes_on_after_a_torn_tail_was_dropped(spool, folder):
    fill(spool, 2)
    path = only_file(folder)
    path.write_bytes(path.read_bytes() + b"await 00")
    with pytest.raises(RuntimeError):
        spool.drain(_refuse)
    fill(spool, 1, start=2)
    assert drained(spool) == records(3)


def _refuse(record):
    raise RuntimeError("not now")


def test_a_rotten_record_in_the_middle_is_set_aside_and_told(spool, folder):
    fill(spool, 3)
    path = only_file(folder)
    rotten = path.read_bytes().replace(b"record 1", b"rotten 1")
    path.write_bytes(rotten)
    taken = []
    report = spool.drain(taken.append)
    assert taken == [b"record 0", b"record 2"]
    assert (report.taken, report.bad, report.is_whole) == (2, 1, True)
    (bad,) = spool.bad_files()
    assert (folder / bad).read_bytes() == rotten.splitlines(keepends=True)[1]
    assert spool.is_empty()


def test_a_rotten_line_break_at_the_end_loses_nothing(spool, folder):
    fill(spool, 2)
    path = only_file(folder)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert drained(spool) == records(2)
    assert spool.bad_files() == ()


def test_what_is_damaged_is_reported_once(spool, folder):
    fill(spool, 2)
    path = only_file(folder)
    path.write_bytes(path.read_bytes().replace(b"record 0", b"rotten 0"))
    with pytest.raises(RuntimeError):
        spool.drain(_refuse)
    report = spool.drain(lambda record: None)
    assert (report.taken, report.bad) == (1, 0)
    assert len(spool.bad_files()) == 1


# --- room and faults --------------------------------------------------------------------------------------------------


def test_the_cap_is_reached_and_not_passed(folder):
    frame = frame_encode("000000", b"record 0")
    Spool(folder, len(frame)).append(b"record 0", key="000000")
    with pytest.raises(SpoolFullError, match="SPOOL_MAX_MB"):
        Spool(folder, 2 * len(frame) - 1).append(b"record 1", key="000001")
    exact = Spool(folder, 2 * len(frame))
    exact.append(b"record 1", key="000001")
    assert exact.status().fill == 1.0
    assert drained(exact) == records(2)
    fill(exact, 2)
    assert drained(exact) == records(2)


def test_a_full_disk_keeps_nothing_of_the_record_and_the_next_is_kept(spool, folder):
    fill(spool, 1)
    room = only_file(folder).stat().st_size + 40

    def work(tell):
        own = Spool(folder, MEBIBYTE)
        own.append(b"record 1", key="000001")
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        try:
            own.append(b"record 2", key="000002")
        except SpoolError as error:
            tell(type(error).__name__.encode())
            tell(str(error.__cause__.errno).encode())
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    # a hard limit may not be raised again by everybody, so the process ends with the record after it untried
    status, told = child(work)
    assert told == [b"SpoolError", str(errno.EFBIG).encode()], status
    fill(spool, 1, start=3)
    assert drained(spool) == [b"record 0", b"record 1", b"record 3"]
    assert spool.bad_files() == ()


class Fault:
    """Stands in for a function of the operating system; fails from its `number`th call on, `half` of it done first."""

    def __init__(self, monkeypatch, name, code, number=1, half=False):
        self.real, self.code, self.left, self.half = getattr(os, name), code, number, half
        monkeypatch.setattr(os, name, self)

    def __call__(self, handle, *args):
        self.left -= 1
        if self.left == 0 and self.half:
            return self.real(handle, bytes(args[0])[: len(args[0]) // 2])
        if self.left <= 0:
            raise OSError(self.code, os.strerror(self.code))
        return self.real(handle, *args)


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("before", [0, 1])
def test_a_write_that_fails_is_rolled_back(spool, folder, monkeypatch, before, half):
    fill(spool, before)
    with monkeypatch.context() as patch:
        Fault(patch, "write", errno.ENOSPC, half=half)
        with pytest.raises(SpoolError, match="look at the disk"):
            spool.append(b"record 9", key="9")
    assert len(list(folder.glob("*.spool"))) == before
    fill(spool, 1, start=before)
    assert drained(spool) == records(before + 1)
    assert spool.bad_files() == ()


@pytest.mark.parametrize("number", [1, 2])
def test_a_file_is_trusted_no_more_after_its_sync_failed(spool, folder, monkeypatch, number):
    """The second sync of a new file is its folder's."""
    spool.is_empty()
    folder.mkdir()
    with monkeypatch.context() as patch:
        Fault(patch, "fsync", errno.EIO, number=number)
        with pytest.raises(SpoolError):
            spool.append(b"record 9", key="9")
    assert spool.is_empty()
    fill(spool, 1)
    first = only_file(folder)
    with monkeypatch.context() as patch:
        Fault(patch, "fsync", errno.EIO)
        with pytest.raises(SpoolError):
            spool.append(b"record 9", key="9")
    fill(spool, 1, start=1)
    assert len(list(folder.glob("*.spool"))) == 2
    assert first.exists()
    assert drained(spool) == records(2)


def test_a_roll_back_that_fails_too_leaves_a_torn_tail_for_the_drain(spool, monkeypatch):
    fill(spool, 1)
    with monkeypatch.context() as patch:
        Fault(patch, "write", errno.EIO, half=True)
        Fault(patch, "ftruncate", errno.EIO)
        with pytest.raises(SpoolError):
            spool.append(b"record 9", key="9")
    fill(spool, 1, start=1)
    assert drained(spool) == records(2)
    assert spool.bad_files() == ()


def test_a_spool_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    spool = Spool(tmp_path / "file" / "spool", MEBIBYTE)
    assert spool.is_empty()
    with pytest.raises(SpoolError, match="SPOOL_DIR"):
        spool.append(b"x", key="1")
    with pytest.raises(SpoolError, match="SPOOL_DIR"):
        spool.drain(_refuse)


def test_what_cannot_be_set_aside_stays_and_blocks_nothing(spool, folder, monkeypatch):
    fill(spool, 2)
    path = only_file(folder)
    path.write_bytes(path.read_bytes().replace(b"record 0", b"rotten 0"))
    with monkeypatch.context() as patch:
        Fault(patch, "write", errno.ENOSPC)
        taken = []
        spool.drain(taken.append)
    assert taken == [b"record 1"]
    assert not spool.is_empty()
    assert drained(spool) == []
    assert len(spool.bad_files()) == 1


# --- kills ------------------------------------------------------------------------------------------------------------

CALLS = ("open", "write", "pwrite", "pread", "fsync", "lseek", "fstat", "ftruncate", "close")


class Killer:
    """Kills this process at the `point`th call of the operating system, before or after it is made."""

    def __init__(self, point, is_after):
        self.left, self.is_after = point, is_after
        for name in CALLS:
            setattr(os, name, self._around(getattr(os, name)))

    def _around(self, real):
        def call(*args):
            self.left -= 1
            if self.left == 0 and not self.is_after:
                os.kill(os.getpid(), signal.SIGKILL)
            result = real(*args)
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return call


@pytest.mark.parametrize("is_after", [False, True])
def test_a_kill_at_any_call_of_an_append_loses_nothing_acknowledged(tmp_path, is_after):
    point, status = 0, None
    while status != 0:
        point += 1
        folder = tmp_path / str(point)
        killed_at = point

        def work(tell, folder=folder, killed_at=killed_at):
            spool = Spool(folder, MEBIBYTE)
            Killer(killed_at, is_after)
            for number in range(3):
                spool.append(b"record %d" % number, key=str(number))
                tell(b"%d" % number)

        status, acknowledged = child(work)
        taken = drained(Spool(folder, MEBIBYTE))
        assert taken == records(len(taken)), point
        assert len(acknowledged) <= len(taken) <= 3, point
        assert Spool(folder, MEBIBYTE).bad_files() == ()
    assert acknowledged == [b"0", b"1", b"2"]
    assert point > 12


@pytest.mark.parametrize("is_after", [False, True])
def test_a_kill_at_any_call_of_a_drain_loses_nothing(tmp_path, is_after):
    point, status = 0, None
    while status != 0:
        point += 1
        folder = tmp_path / str(point)
        killed_at = point
        fill(Spool(folder, MEBIBYTE), 3)

        def work(tell, folder=folder, killed_at=killed_at):
            spool = Spool(folder, MEBIBYTE)
            Killer(killed_at, is_after)
            spool.drain(tell)

        status, before = child(work)
        after = drained(Spool(folder, MEBIBYTE))
        # one at most is taken twice: the one whose mark the kill prevented
        assert before + after in (records(3), before + before[-1:] + records(3)[len(before) :]), point
        assert Spool(folder, MEBIBYTE).is_empty()
    assert (before, after) == (records(3), [])
    assert point > 12


def test_a_fork_leaves_the_file_to_its_parent(spool, folder):
    fill(spool, 1)

    def work(tell):
        spool.append(b"record 1", key="000001")

    status, _ = child(work)
    fill(spool, 1, start=2)
    assert status == 0
    assert sorted(path.name.rpartition("-")[2] == f"{os.getpid()}.spool" for path in folder.glob("*.spool")) == [
        False,
        True,
    ]
    assert drained(spool) == records(3)


def test_processes_append_while_another_drains(folder):
    """Each of three says what it was acknowledged; all of that is taken, once, each process's in its order."""
    pipes = []
    for name in "abc":
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                spool = Spool(folder, MEBIBYTE)
                for number in range(40):
                    spool.append(b"%s %d" % (name.encode(), number), key=f"{number:03}{name}")
                    os.write(write, b".")
                code = 0
            finally:
                os._exit(code)
        os.close(write)
        pipes.append((pid, read))
    taken = []
    spool = Spool(folder, MEBIBYTE)
    alive = {pid for pid, _ in pipes}
    while alive:
        spool.drain(taken.append)
        for pid in list(alive):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                assert status == 0
                alive.discard(pid)
    for _, read in pipes:
        with os.fdopen(read, "rb") as pipe:
            assert len(pipe.read()) == 40
    spool.drain(taken.append)
    assert sorted(taken) == sorted(b"%s %d" % (name.encode(), number) for name in "abc" for number in range(40))
    for name in (b"a", b"b", b"c"):
        assert [record for record in taken if record[:1] == name] == [b"%s %d" % (name, n) for n in range(40)]
    assert spool.is_empty()
