"""Bonds between processes: none of ours outlives the one that started it, however that one ends (Linux)."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_forking_pid = 0


def die_with(parent_pid: int) -> None:
    """Have the kernel kill this process when its parent ends; end at once if `parent_pid` has ended already.

    The bond is to the parent's *thread* that started us (prctl(2), PR_SET_PDEATHSIG), so a parent starts its children
    from its main thread. Other systems than Linux have no such bond; there only an orderly stop leaves no orphan.
    """
    if _libc is None:
        return
    if _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the parent-death signal could not be set")
    if os.getppid() != parent_pid:
        os._exit(1)


def forks_die_with_us() -> None:
    """Bind every process forked from this one, and from those, to the one that forked it.

    Programs started through `subprocess` are not bound: a database server started on demand must live on.
    """
    os.register_at_fork(before=_remember_pid, after_in_child=_bind_fork)


def _remember_pid() -> None:
    global _forking_pid
    _forking_pid = os.getpid()


def _bind_fork() -> None:
    die_with(_forking_pid)
