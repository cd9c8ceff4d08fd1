"""The real web server, alone: `manage.py serve --only web` on a port of its own, killed and started as a drill asks."""

import os
import signal
import subprocess
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from tests.drills.faults.cluster import signal_all
from tests.drills.processes import MANAGE, PYTHON, descendants, free_ports, parents, until

_START_SECONDS = 40


class Web:
    """One granian with its workers. It dies with the test run, however that ends."""

    def __init__(self, log, environment):
        self.port = free_ports()
        self.log = log
        self._environment = environment | {"PORT": str(self.port)}
        self.process = None

    def start(self):
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [PYTHON, MANAGE, "serve", "--only", "web", "--parent", str(os.getpid())],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        self.wait_ready()

    def wait_ready(self):
        """Wait until it answers; fail at once if it has ended."""
        until(lambda: self.answers() or self.process.poll() is not None, _START_SECONDS, self.said)
        if self.process.poll() is not None:
            raise AssertionError(self.said())

    def answers(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/webhook/test", timeout=5) as answer:
                return answer.status == 200
        except (OSError, urllib.error.URLError):
            return False

    def said(self):
        return self.log.read_text()[-4000:]

    def workers(self):
        """The processes that answer requests: those that granian forked, without its helpers."""
        return descendants(self.process.pid)

    def kill_workers(self):
        """SIGKILL for the processes that answer; the one that keeps them stays."""
        signal_all(self.workers(), signal.SIGKILL)

    def kill(self):
        """SIGKILL for every process of it, at the same moment as far as that can be."""
        tree = self.workers() | {self.process.pid}
        signal_all(tree, signal.SIGKILL)
        self.process.wait(10)
        until(lambda: not tree & set(parents()), 10, "it outlives a SIGKILL")

    def stop(self, how=signal.SIGTERM):
        """Ask it to stop as its supervisor does and wait for that; return its exit code."""
        tree = self.workers()
        os.kill(self.process.pid, how)
        code = self.process.wait(15)
        until(lambda: not tree & set(parents()), 10, "workers outlive their server")
        return code

    def end(self):
        """Leave nothing running, however it is."""
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def memory(self):
        """The kilobytes that its processes have in memory."""
        used = 0
        for pid in self.workers():
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            used += sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
        return used

    @contextmanager
    def changed(self, **settings):
        """Run it with other settings for a while."""
        own = self._environment
        self.stop()
        self._environment = own | settings
        try:
            self.start()
            yield
        finally:
            self.end()
            self._environment = own
            self.start()
