"""A sandbox for each profile, and a desk on it that is as new for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from authoring.sandbox import PROFILES, SandboxServer
from tests.platformdesk import PlatformDesk, open_desk


@pytest.fixture(scope="module", params=["documented", "observed"])
def opened(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[PlatformDesk, bytes, dict[str, bytes]]]:
    home = tmp_path_factory.mktemp(request.param)
    with SandboxServer(home / "sandbox.sqlite3", PROFILES[request.param]) as server:
        desk = open_desk(server, home / "work", home / "sandbox.sqlite3")
        yield desk, desk.platform(), desk.files()


@pytest.fixture
def desk(opened: tuple[PlatformDesk, bytes, dict[str, bytes]]) -> PlatformDesk:
    desk, platform, files = opened
    desk.put_back(platform, files)
    desk.environ.clear()
    return desk
