"""A sandbox of each profile for the module, and an empty course in it for each test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from authoring.sandbox import PROFILES, SandboxServer
from tests.studio import KEY, Studio


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Studio]]:
    folder = tmp_path_factory.mktemp("sandbox")
    found: dict[str, Studio] = {}
    servers = [SandboxServer(folder / f"{name}.sqlite3", profile) for name, profile in PROFILES.items()]
    try:
        for name, server in zip(PROFILES, servers, strict=True):
            found[name] = Studio(server.__enter__())
        yield found
    finally:
        for desk in found.values():
            desk.http.close()
            desk.server.__exit__(None, None, None)


def emptied(desk: Studio) -> Studio:
    desk.server.faults.clear()
    for key in desk.http.get("/_sandbox/state").json()["courses"]:
        desk.send("POST", "/api/ibl/manage/course/delete", {"course_key": key})
    desk.course(KEY)
    desk.server.clear_log()
    return desk


@pytest.fixture
def documented(desks: Mapping[str, Studio]) -> Studio:
    return emptied(desks["documented"])


@pytest.fixture
def observed(desks: Mapping[str, Studio]) -> Studio:
    return emptied(desks["observed"])


@pytest.fixture(params=tuple(PROFILES))
def studio(request: pytest.FixtureRequest, desks: Mapping[str, Studio]) -> Studio:
    """Runs a test in each profile."""
    return emptied(desks[request.param])
