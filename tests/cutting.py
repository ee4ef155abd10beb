"""A way to the sandbox that breaks: a proxy on the loopback address that cuts a connection after so many bytes."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType
from urllib.parse import urlsplit


class CuttingProxy:
    """Forwards to the server at `url`; when the request that holds `mark` has sent `after` bytes, both ends are cut, once.

    With `after=None` the request passes whole, and the connection is cut before any of its answer.
    """

    def __init__(self, url: str, mark: bytes, after: int | None) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._mark = mark
        self._after = after
        self.cuts = 0
        self._pairs: list[_Pair] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> CuttingProxy:
        self._threads[0].start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for pair in self._pairs:
            pair.cut()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._server)
            pair = _Pair(self, client, server)
            self._pairs.append(pair)
            for target in (pair.upwards, pair.downwards):
                self._threads.append(threading.Thread(target=target, daemon=True))
                self._threads[-1].start()


class _Pair:
    def __init__(self, proxy: CuttingProxy, client: socket.socket, server: socket.socket) -> None:
        self.proxy = proxy
        self.client = client
        self.server = server
        self.marked = False

    def upwards(self) -> None:
        """From the client to the server; what follows the mark is counted from the beginning of its request."""
        seen, counted = b"", 0
        proxy = self.proxy
        while piece := _received(self.client):
            if not self.marked and proxy.cuts == 0:
                seen += piece
                self.marked = proxy._mark in seen
                seen = seen[-len(proxy._mark) :]
            if self.marked and proxy.cuts == 0 and proxy._after is not None:
                counted += len(piece)
                if counted > proxy._after:
                    proxy.cuts += 1
                    _sent(self.server, piece[: len(piece) - (counted - proxy._after)])
                    self.cut()
                    return
            if not _sent(self.server, piece):
                break
        self.cut()

    def downwards(self) -> None:
        while piece := _received(self.server):
            if self.marked and self.proxy._after is None and self.proxy.cuts == 0:
                self.proxy.cuts += 1
                break
            if not _sent(self.client, piece):
                break
        self.cut()

    def cut(self) -> None:
        for end in (self.client, self.server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def _received(end: socket.socket) -> bytes:
    try:
        return end.recv(65536)
    except OSError:
        return b""


def _sent(end: socket.socket, piece: bytes) -> bool:
    try:
        end.sendall(piece)
    except OSError:
        return False
    return True
