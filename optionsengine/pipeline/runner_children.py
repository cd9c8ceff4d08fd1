"""The runner's children: each the leader of a process group, started, stopped and started again as a whole."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum

from django.conf import settings

from optionsengine.pipeline.nudges import Cluster

_FIRST_DELAY_SECONDS = 1.0
_LONGEST_DELAY_SECONDS = 30.0
_STEADY_SECONDS = 60.0
_POLL_SECONDS = 0.05


class Part(StrEnum):
    """What the runner starts; a cluster's part has the cluster's name."""

    WEB = "web"
    STREAM = "stream"
    ENTRIES = Cluster.ENTRIES.value
    EXITS = Cluster.EXITS.value

    @property
    def cluster(self) -> Cluster | None:
        return Cluster(self.value) if self.value in set(Cluster) else None


class Child:
    """One part of the engine in a process group of its own. All times are of the monotonic clock."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self._program = str(settings.BASE_DIR / "manage.py")
        self._started = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._delay = _FIRST_DELAY_SECONDS
        self._not_before = 0.0

    @property
    def running(self) -> bool:
        return self._process is not None

    def start(self) -> bool:
        """Start it, unless its last end is too recent, and tell whether it was started.

        Each end in a row makes it wait longer, so that what cannot start does not use up the machine. Call this from
        the main thread: the child is bound to the thread.
        """
        now = time.monotonic()
        if now < self._not_before:
            return False
        self._started = now
        self._process = subprocess.Popen(  # noqa: S603  # our own program
            [sys.executable, self._program, "serve", "--only", self.part.value, "--parent", str(os.getpid())],
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            process_group=0,  # the terminal's Ctrl-C goes to the runner alone, which stops the others in order
        )
        return True

    def collect(self) -> int | None:
        """Return the exit code if its leader ended by itself; what is left of its group is killed."""
        if self._process is None or not self._leader_ended():
            return None
        code = self._bury()
        self._not_before = time.monotonic() + self._delay
        self._delay = min(self._delay * 2, _LONGEST_DELAY_SECONDS)
        return code

    def recovered(self) -> bool:
        """Tell, once after it had to be started again, that it has been steady since."""
        steady = self.running and time.monotonic() - self._started > _STEADY_SECONDS
        if not steady or self._delay == _FIRST_DELAY_SECONDS:
            return False
        self._delay = _FIRST_DELAY_SECONDS
        return True

    def ask_to_stop(self) -> None:
        """Ask its leader to finish what runs and stop the others of its group."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGTERM)

    def stop(self, seconds: float) -> None:
        """Ask it to stop, wait up to `seconds`, then kill what is left of the whole group."""
        self.ask_to_stop()
        self.wait_stopped(seconds)

    def wait_stopped(self, seconds: float) -> None:
        """Wait up to `seconds` for its leader to end, then kill what is left of the whole group."""
        deadline = time.monotonic() + seconds
        while self._process is not None:
            if self._leader_ended() or time.monotonic() >= deadline:
                self._bury()
            else:
                time.sleep(_POLL_SECONDS)

    def _leader_ended(self) -> bool:
        """Look without reaping: while its leader is a zombie, the number of the group cannot be another's."""
        assert self._process is not None
        try:
            return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return True

    def _bury(self) -> int:
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        code = self._process.wait()
        self._process = None
        return code

    def _environment(self) -> Mapping[str, str]:
        # the job library reads the name of its cluster from here, once, at import
        return {**os.environ, "Q_CLUSTER_NAME": (self.part.cluster or Cluster.ENTRIES).value}
