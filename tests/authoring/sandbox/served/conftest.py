"""A running sandbox of each profile, and a person's session at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from authoring.sandbox import DOCUMENTED, OBSERVED, Profile, SandboxServer

COURSE = "course-v1:Demo+DS101+2027"
ROOT = "block-v1:Demo+DS101+2027+type@course+block@course"
V1 = "/api/v1/ibl"


def session(url: str, **more: Any) -> httpx.Client:
    """A client with all that a Studio session needs."""
    headers = {"Accept": "application/json", "X-CSRFToken": "sandbox", "Origin": url, "Referer": f"{url}/"}
    cookies = {"studio_session_id": "sandbox", "csrftoken": "sandbox"}
    return httpx.Client(base_url=url, headers=headers, cookies=cookies, timeout=10, verify=False, **more)


def token(server: SandboxServer) -> httpx.Client:
    """A client with a fresh token."""
    form = {"client_id": "sandbox", "client_secret": "sandbox", "grant_type": "client_credentials"}
    reply = httpx.post(f"{server.url}/oauth2/access_token/", data=form).json()
    return httpx.Client(
        base_url=server.url, headers={"Authorization": f"Bearer {reply['access_token']}"}, timeout=10, verify=False
    )


@dataclass
class Seat:
    """A server, and an author at it."""

    server: SandboxServer
    http: httpx.Client

    def make_course(self) -> str:
        body = {"org": "Demo", "number": "DS101", "run": "2027", "display_name": "Data"}
        assert self.http.post("/api/ibl/manage/course/", json=body).status_code == 200
        return ROOT

    def make(self, parent: str, category: str, title: str | None = None, **more: Any) -> str:
        body = {"parent_locator": parent, "category": category, "display_name": title, **more}
        reply = self.http.post("/xblock/", json={k: v for k, v in body.items() if v is not None})
        assert reply.status_code == 200, reply.text
        return str(reply.json()["locator"])

    def make_unit(self) -> str:
        if self.http.get(f"/xblock/{ROOT}").status_code != 200:
            self.make_course()
        return self.make(
            self.make(self.make(ROOT, "chapter", "Section"), "sequential", "Subsection"), "vertical", "Unit"
        )

    def post(self, key: str, **body: Any) -> httpx.Response:
        return self.http.post(f"/xblock/{key}", json=body)

    def get(self, key: str, **query: str) -> Any:
        reply = self.http.get(f"/xblock/{key}", params=query)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def held(self, key: str, branch: str = "draft") -> dict[str, Any] | None:
        """A block as the sandbox holds it; None when it is not in that branch."""
        snapshot = self.server.snapshot(COURSE)
        stack = [snapshot[branch], *snapshot[f"{branch}_detached"]]
        while stack:
            row = stack.pop()
            if row is not None and row["usage"] == key:
                return dict(row)
            stack.extend(row["children"] if row else ())
        return None

    def fields(self, key: str, branch: str = "draft") -> dict[str, Any]:
        row = self.held(key, branch)
        assert row is not None, f"{key} is not in the {branch} branch"
        return dict(row["fields"])

    def children(self, key: str, branch: str = "draft") -> list[str]:
        row = self.held(key, branch)
        return [child["usage"] for child in row["children"]] if row else []


Open = Callable[[Profile], Seat]


@pytest.fixture
def open_seat(tmp_path: Path) -> Iterator[Open]:
    """`open_seat(profile)`: a server of that temper, empty, with an author at it."""
    closing: list[Callable[[], None]] = []

    def opened(profile: Profile) -> Seat:
        server = SandboxServer(tmp_path / f"{len(closing)}.sqlite3", profile)
        server.__enter__()
        seat = Seat(server, session(server.url))
        closing.append(lambda: (seat.http.close(), server.__exit__(None, None, None))[0])
        return seat

    yield opened
    for close in reversed(closing):
        close()


@pytest.fixture(scope="module")
def _servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, SandboxServer]]:
    folder = tmp_path_factory.mktemp("sandbox")
    with (
        SandboxServer(folder / "documented.sqlite3", DOCUMENTED) as documented,
        SandboxServer(folder / "observed.sqlite3", OBSERVED) as observed,
    ):
        yield {"documented": documented, "observed": observed}


@pytest.fixture(params=["documented", "observed"])
def seat(request: pytest.FixtureRequest, _servers: dict[str, SandboxServer]) -> Iterator[Seat]:
    """An author at an empty server of each profile."""
    server = _servers[request.param]
    server.faults.clear()
    with session(server.url) as http:
        for row in http.get("/api/contentstore/v2/home/courses").json()["results"]["courses"]:
            http.post("/api/ibl/manage/course/delete", json={"course_key": row["course_key"]})
        server.clear_log()
        yield Seat(server, http)


@pytest.fixture
def documented(open_seat: Open) -> Seat:
    return open_seat(DOCUMENTED)


@pytest.fixture
def observed(open_seat: Open) -> Seat:
    return open_seat(OBSERVED)
