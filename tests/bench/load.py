"""A sender in one thread with plain sockets: it shares the cores with what it measures, so it does next to nothing."""

import select
import socket
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

TIMEOUT_SECONDS = 10
_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length: "


class BenchError(Exception):
    """A figure could not be had; the message says why."""


@dataclass(slots=True)
class Tally:
    """What came back: answers by HTTP status, and the milliseconds of each 201 from when it was due."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)
    late: int = 0  # accepted, but after the time that counts

    @property
    def per_second(self) -> float:
        """Accepted alerts a second, of those answered in time."""
        return len(self.milliseconds) / self.seconds

    @property
    def accepted(self) -> int:
        return self.statuses[201]


class _Line:
    """One kept-alive connection, with at most one request on its way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._got = b""
        self.due = 0.0

    def send(self, request: bytes, due: float) -> None:
        self.due = due
        self._got = b""
        self.socket.sendall(request)

    def status(self) -> int | None:
        """Read what is there and return the answer's status once the whole of it has come."""
        read = self.socket.recv(65536)
        if not read:
            raise BenchError("the server closed a connection; its log is beside its data")
        self._got += read
        head, end, body = self._got.partition(_END_OF_HEAD)
        if not end:
            return None
        start = head.lower().index(_LENGTH) + len(_LENGTH)
        length = int(head[start:].partition(b"\r\n")[0])
        return int(head[9:12]) if len(body) >= length else None


class Sender:
    """`lines` connections to one server."""

    def __init__(self, port: int, lines: int) -> None:
        self._lines = {line.socket: line for line in (_Line(port) for _ in range(lines))}

    def close(self) -> None:
        for line in self._lines.values():
            line.socket.close()

    def flood(self, requests: Sequence[bytes], seconds: float) -> Tally:
        """Keep every connection busy for `seconds`: the next request follows the answer to the last.

        :raises BenchError: if the requests run out before the time, or an answer does not come.
        """
        tally = Tally(seconds=seconds)
        waiting = iter(requests)
        started = time.perf_counter()
        for line in self._lines.values():
            line.send(next(waiting), time.perf_counter())
        busy = len(self._lines)
        while busy:
            for line, status, now in self._answers(TIMEOUT_SECONDS):
                in_time = now - started <= seconds
                _count(tally, line, status, now, in_time=in_time)
                following = next(waiting, None) if in_time else None
                if following is not None:
                    line.send(following, now)
                    continue
                if in_time:
                    raise BenchError("the server is faster than the requests prepared for it: prepare more")
                busy -= 1
        return tally

    def pace(self, requests: Sequence[bytes], per_second: float) -> Tally:
        """Send each request when it is due, whether or not the ones before are answered; latency counts from then.

        :raises BenchError: if an answer does not come.
        """
        tally = Tally(seconds=len(requests) / per_second)
        free = list(self._lines.values())
        started = time.perf_counter()
        sent = answered = 0
        while answered < len(requests):
            due = started + sent / per_second
            now = time.perf_counter()
            if sent < len(requests) and now >= due and free:
                free.pop().send(requests[sent], due)
                sent += 1
                continue
            may_send = sent < len(requests) and free
            for line, status, at in self._answers(max(0.0, due - now) if may_send else TIMEOUT_SECONDS, may_send):
                _count(tally, line, status, at, in_time=True)
                free.append(line)
                answered += 1
        return tally

    def _answers(self, wait: float, may_be_none: bool = False) -> list[tuple[_Line, int, float]]:
        ready, _, _ = select.select(self._lines, (), (), wait)
        if not ready and not may_be_none:
            raise BenchError(f"no answer within {TIMEOUT_SECONDS} s; the server's log is beside its data")
        now = time.perf_counter()
        found = ((line, line.status(), now) for line in map(self._lines.__getitem__, ready))
        return [(line, status, at) for line, status, at in found if status is not None]


def _count(tally: Tally, line: _Line, status: int, now: float, *, in_time: bool) -> None:
    tally.statuses[status] += 1
    if status == 201 and in_time:
        tally.milliseconds.append((now - line.due) * 1000)
    elif status == 201:
        tally.late += 1
