"""Stands between the driver and PostgreSQL and cuts the connection at a COMMIT, before or after it took effect."""

import socket
import threading
from contextlib import contextmanager, suppress
from enum import Enum

from django.db import connection

_COMMIT = b"COMMIT\x00"  # the driver sends it as a simple query
_BYTES = 65536


class Cut(Enum):
    """What the server has seen of the COMMIT when the connection is cut."""

    BEFORE = "nothing of it"
    AFTER = "all of it: it took effect, and the answer was lost"


class CuttingProxy:
    """Forwards every byte of every connection; armed, it cuts the connection that sends the n-th COMMIT from then on.

    `upstream` is the server's host and port; a host that starts with a slash is the folder of its Unix socket.
    """

    def __init__(self, host, port):
        self._upstream = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._cut, self._left = None, 0
        self.cuts = self.commits = 0
        self._sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, cut, number=1):
        """Cut at the `number`-th COMMIT from now on, once."""
        with self._lock:
            self._cut, self._left = cut, number

    def close(self):
        # a thread that waits in accept() is woken by this, not by closing
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._sockets:
            _end(one)

    def _connect(self):
        host, port = self._upstream
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        upstream = socket.socket(socket.AF_UNIX)
        upstream.connect(f"{host}/.s.PGSQL.{port}")
        return upstream

    def _accept(self):
        with suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                server = self._connect()
                self._sockets += [client, server]
                is_deaf = threading.Event()
                for work in (self._from_client, self._from_server):
                    threading.Thread(target=work, args=(client, server, is_deaf), daemon=True).start()

    def _from_client(self, client, server, is_deaf):
        with suppress(OSError):
            while data := client.recv(_BYTES):
                cut = self._cut_due() if _COMMIT in data else None
                if cut is Cut.BEFORE:
                    break
                if cut is Cut.AFTER:
                    is_deaf.set()
                server.sendall(data)
        _end(client)
        _end(server)

    def _from_server(self, client, server, is_deaf):
        with suppress(OSError):
            while data := server.recv(_BYTES):
                if is_deaf.is_set():
                    break  # this is the answer: it took effect, and nobody hears of it
                client.sendall(data)
        _end(client)
        _end(server)

    def _cut_due(self):
        with self._lock:
            self.commits += 1
            if not self._left:
                return None
            self._left -= 1
            if self._left:
                return None
            self.cuts += 1
            return self._cut


def _end(one):
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@contextmanager
def cutting_proxy():
    """Send this thread's default connection through a proxy while inside, and yield the proxy."""
    direct = connection.get_connection_params
    parameters = direct()
    proxy = CuttingProxy(parameters["host"], parameters.get("port", 5432))
    connection.close()
    connection.get_connection_params = lambda: {**direct(), "host": "127.0.0.1", "port": proxy.port}
    try:
        yield proxy
    finally:
        del connection.get_connection_params
        connection.close()
        proxy.close()
