"""Targets, and a scripted platform on the loopback address."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from authoring.client import Client
from authoring.settings import ClientCredentials, DialectName, Options, Secret, StudioSession, Target
from tests.authoring.client.scripted import TOKEN_PATH, Pauses, Platform


@pytest.fixture(scope="session")
def _running() -> Iterator[Platform]:
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        platform = Platform(f"http://127.0.0.1:{listener.getsockname()[1]}")
        methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        app = Starlette(routes=[Route("/{path:path}", platform.answer, methods=methods)])
        config = uvicorn.Config(app, log_level="critical", lifespan="off", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        yield platform
        server.should_exit = True
        thread.join()


@pytest.fixture
def platform(_running: Platform) -> Platform:
    """The scripted server, without what earlier tests told it."""
    _running.clear()
    return _running


@pytest.fixture
def session_target(platform: Platform) -> Target:
    """A target that is entered with a Studio session."""
    return Target(
        name="test",
        cms_url=platform.url,
        lms_url=platform.url,
        session=StudioSession(Secret("the-session-id"), Secret("the-csrf-token")),
        options=Options(timeout=5.0),
    )


@pytest.fixture
def token_target(platform: Platform) -> Target:
    """A target that is entered with client credentials alone."""
    return Target(
        name="test",
        cms_url=platform.url,
        lms_url=platform.url,
        oauth=ClientCredentials("the-client", Secret("the-client-secret"), TOKEN_PATH),
        options=Options(timeout=5.0),
    )


@pytest.fixture
def studio_target(session_target: Target) -> Target:
    """A stock Studio."""
    return replace(session_target, dialect=DialectName.STUDIO)


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def connect(pauses: Pauses) -> Iterator[Callable[[Target], Client]]:
    """`connect(target)` → a client that does not really sleep; closed at the end of the test."""
    opened: list[Client] = []

    def open_client(target: Target) -> Client:
        opened.append(Client(target, sleep=pauses))
        return opened[-1]

    yield open_client
    for client in opened:
        client.close()
