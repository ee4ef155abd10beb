"""A sandbox with two courses, and clients of it: with a token and the platform's key, or with tokens alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from authoring.calls import Call, CallKind, Service
from authoring.client import Client
from authoring.platform.people import NewUser, People
from authoring.sandbox import PROFILES, SandboxServer
from authoring.settings import Options, Secret, Target, sandbox_target

COURSES = ("course-v1:Demo+DS101+2027_T1", "course-v1:Demo+DS102+2027_T1")
PASSWORD = Secret("a-password-Rt51")


@pytest.fixture(params=["documented", "observed"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SandboxServer]:
    with SandboxServer(tmp_path / "sandbox.sqlite3", PROFILES[request.param]) as server:
        yield server


@pytest.fixture
def target(server: SandboxServer) -> Target:
    return replace(sandbox_target(server.url), options=Options(timeout=5.0))


@pytest.fixture
def client(target: Target) -> Iterator[Client]:
    with Client(target, sleep=lambda seconds: None) as client:
        for key in COURSES:
            _, _, rest = key.partition(":")
            org, number, run = rest.split("+")
            body = {"org": org, "number": number, "run": run, "display_name": number}
            session = Call(CallKind.CREATE, Service.CMS, "POST", "/api/ibl/manage/course/", json=body)
            client.send(session)
        yield client


@pytest.fixture
def token_client(target: Target, client: Client) -> Iterator[Client]:
    """The data manager entered with a token, as the LMS is."""
    oauth = target.oauth
    assert oauth is not None
    manager = replace(oauth, token_path="/oauth/token/")
    with Client(replace(target, api_key=None, manager_oauth=manager), sleep=lambda seconds: None) as client:
        yield client


@pytest.fixture
def people(client: Client) -> People:
    return People(client)


@pytest.fixture
def ada(people: People, server: SandboxServer) -> NewUser:
    """A user that is there."""
    user = NewUser("ada", "ada@example.com", PASSWORD)
    people.create_user(user)
    server.clear_log()
    return user
