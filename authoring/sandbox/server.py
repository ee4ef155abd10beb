"""The sandbox as a running server: in a thread for commands and tests, in the foreground for `authoring sandbox`.

Comes in: the path of the state's file and a profile. Goes out: a server on a loopback address, and for tests its log, its
faults and all that it holds.
"""

from __future__ import annotations

import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import uvicorn

from authoring.errors import SettingsError
from authoring.sandbox.app import app_of
from authoring.sandbox.faults import Faults
from authoring.sandbox.platform import Platform
from authoring.sandbox.profile import DOCUMENTED, Profile
from authoring.sandbox.store import Request, Store
from authoring.sandbox.views import snapshot


def _listen(host: str, port: int) -> socket.socket:
    # The protocol is named so that asyncio turns Nagle's delay off for the connections (it looks at `proto`).
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise SettingsError(f"cannot listen on {host}:{port} ({error.strerror})", "choose another --port") from error
    return listener


def _open(database: Path) -> Store:
    try:
        return Store(database)
    except sqlite3.Error as error:
        raise SettingsError(
            f"the sandbox's database {database.name} cannot be used ({error})",
            "free some space or check the permissions; if it is damaged, delete it: it is a sandbox",
        ) from error


LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})


def _server(platform: Platform, host: str) -> uvicorn.Server:
    # On a loopback address it answers to the loopback's names alone; whoever opens it to a network names it as they like.
    hosts = LOOPBACK if host in ("127.0.0.1", "localhost", "::1") else None
    config = uvicorn.Config(
        app_of(platform, hosts),
        log_config=None,
        log_level="critical",  # what goes wrong is answered; a traceback on a terminal helps nobody
        access_log=False,
        lifespan="off",
        ws="websockets-sansio",  # the one of uvicorn's that does not use what websockets has deprecated
        timeout_graceful_shutdown=1,
        server_header=False,
    )
    return uvicorn.Server(config)


class SandboxServer:
    """A sandbox on a loopback port, its state in one file. A context manager.

    `requests` is its log, oldest first; `faults` makes it misbehave; `snapshot` shows all it holds of a course.
    """

    def __init__(
        self, database: Path, profile: Profile = DOCUMENTED, *, port: int = 0, token_lifetime: float | None = None
    ) -> None:
        self.profile = profile
        self.faults = Faults()
        self._database = database
        self._port = port
        self._token_lifetime = profile.token_lifetime if token_lifetime is None else token_lifetime
        self.url = ""

    def __enter__(self) -> SandboxServer:
        self._store = _open(self._database)
        self._platform = Platform(self._store, self.profile, self.faults, self._token_lifetime)
        self._listener = _listen("127.0.0.1", self._port)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._server = _server(self._platform, "127.0.0.1")
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],), daemon=True, name="sandbox")
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.002)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(5)
        self._listener.close()
        self._store.close()

    @property
    def requests(self) -> list[Request]:
        """What was asked of it, oldest first, by any process that uses the same file."""
        with self._open() as store:
            return store.requests()

    def clear_log(self) -> None:
        with self._open() as store:
            store.clear_log()

    def expire_tokens(self) -> None:
        """Withdraw every token that was issued."""
        self._platform.tokens.clear()

    def fail_reruns(self) -> None:
        """Give up every copy of a course that is being made: it is listed as failed until it is dismissed."""
        with self._open() as store:
            store.fail_reruns()

    def courses(self) -> tuple[str, ...]:
        """The keys of all courses."""
        return tuple(self._store.courses())

    def snapshot(self, course_key: str) -> dict[str, Any]:
        """All that it holds of a course: `{draft, published, draft_detached, published_detached, course, assets}`, as
        :func:`authoring.sandbox.views.snapshot` has it."""
        with self._open() as store:
            return snapshot(store, course_key)

    def rows(self, kind: str) -> dict[str, dict[str, Any]]:
        """What it holds beside courses, by key: `user`, `enrolment` (`username,course`), `mentor`, `session`, `prompt`, `bot`,
        `bot-command`."""
        with self._open() as store:
            return store.rows(kind)

    @contextmanager
    def _open(self) -> Iterator[Store]:
        """A connection of the caller's own: the server's belongs to its thread."""
        store = Store(self._database)
        try:
            yield store
        finally:
            store.close()


def serve(database: Path, host: str, port: int, profile: Profile = DOCUMENTED) -> None:
    """Run a sandbox in the foreground until it is interrupted. Raises SettingsError when the port is taken."""
    store = _open(database)
    listener = _listen(host, port)
    try:
        _server(Platform(store, profile, Faults(), profile.token_lifetime), host).run([listener])
    finally:
        listener.close()
        store.close()
