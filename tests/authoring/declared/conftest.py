"""A sandbox, a folder with a course and a platform.yaml, and what works on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from authoring.sandbox import PROFILES, SandboxServer
from tests.platformdesk import PlatformDesk, open_desk


@pytest.fixture(params=["documented", "observed"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SandboxServer]:
    with SandboxServer(tmp_path / "sandbox.sqlite3", PROFILES[request.param]) as server:
        yield server


@pytest.fixture
def desk(server: SandboxServer, tmp_path: Path) -> PlatformDesk:
    return open_desk(server, tmp_path / "work", tmp_path / "sandbox.sqlite3")
