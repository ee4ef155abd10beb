"""A sandbox, and clients of its data manager: with the platform's key, or with OAuth2 tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from authoring.client import Client
from authoring.platform.people import NewUser, People
from authoring.sandbox import PROFILES, SandboxServer
from authoring.settings import Options, Secret, Target, sandbox_target

COURSE = "course-v1:Demo+DS101+2027_T1"
RERUN = "course-v1:Demo+DS101+2028_T1"


@pytest.fixture(params=["documented", "observed"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SandboxServer]:
    with SandboxServer(tmp_path / "sandbox.sqlite3", PROFILES[request.param]) as server:
        yield server


@pytest.fixture
def target(server: SandboxServer) -> Target:
    """The data manager is entered with the platform's key in one profile, with client credentials in the other."""
    target = replace(sandbox_target(server.url), options=Options(timeout=5.0))
    if server.profile.name == "documented":
        return target
    assert target.oauth is not None
    return replace(target, api_key=None, manager_oauth=replace(target.oauth, token_path="/oauth/token/"))


@pytest.fixture
def client(target: Target) -> Iterator[Client]:
    with Client(target, sleep=lambda seconds: None) as client:
        yield client


@pytest.fixture
def ada(client: Client, server: SandboxServer) -> str:
    """A user that is there."""
    People(client).create_user(NewUser("ada", "ada@example.com", Secret("a-password-Rt51")))
    server.clear_log()
    return "ada"
