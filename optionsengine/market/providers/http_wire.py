"""Sockets whose every wait ends with the deadline in force.

An HTTP client's time-outs bound each single read; a server that sends a byte a second keeps such a read alive for ever.
Here each connect, handshake, write and read waits no longer than `core.deadline` has left.
"""

import ssl
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import httpcore2
import httpx2

from optionsengine.core.deadline import seconds_left

_KEEP_ALIVE_SECONDS = 30.0
_CONNECTIONS = 20


def _wait(timeout: float | None, expired: type[httpcore2.TimeoutException]) -> float | None:
    left = seconds_left()
    if left is None:
        return timeout
    if left <= 0:
        raise expired("the deadline has passed")
    return left if timeout is None else min(timeout, left)


class _Stream(httpcore2.NetworkStream):
    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _wait(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _wait(timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        wait = _wait(timeout, httpcore2.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, wait))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore2.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        wait = _wait(timeout, httpcore2.ConnectTimeout)
        return _Stream(super().connect_tcp(host, port, wait, local_address, socket_options))


@lru_cache(maxsize=1)
def _trust() -> ssl.SSLContext:
    # reading the certificates of all authorities takes longer than most answers
    return httpx2.create_ssl_context()


class DeadlineTransport(httpx2.HTTPTransport):
    """HTTP/1.1 over connections that are kept for half a minute; it knows no proxies and tries nothing twice."""

    def __init__(self) -> None:
        context = _trust()
        super().__init__(verify=context)
        # the client offers no other way to say which sockets its pool opens
        self._pool = httpcore2.ConnectionPool(
            ssl_context=context,
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_CONNECTIONS,
            keepalive_expiry=_KEEP_ALIVE_SECONDS,
            network_backend=_Backend(),
        )
