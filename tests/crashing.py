"""Crashes and faults at every call of a push, fast enough for thousands: the bench that `test_photographs` works at.

A killed process leaves two things behind: what the platform holds, and what is on disk. A `Photo` holds both. One run of
the real command is photographed before each request leaves and after each answer arrived; from the photos every
moment of death is put together, and the next push starts from there, with nothing of the dead process's memory:

- killed before the call was sent: platform and disk of before it;
- killed after it was sent, before the answer: the platform of after it, the disk of before it;
- killed after the answer, before it was recorded: platform and disk of after it.

Faults of the network and the platform are the sandbox's own (`authoring.sandbox.faults`), at the request of that number.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

import authoring.session
from authoring.client import Client
from authoring.model import NO_ROLE
from authoring.sandbox import Profile, SandboxServer
from tests.desk import Desk, differences, ids_of


@dataclass(frozen=True)
class Photo:
    """What outlives a process: the platform's state and the course folder's files."""

    platform: bytes
    files: dict[str, bytes]


@dataclass
class Moment:
    """A request of the photographed run: what it was, and the photos around it."""

    method: str
    path: str
    before: Photo
    after: Photo | None = None

    @property
    def writes(self) -> bool:
        return self.method != "GET" and not self.path.startswith("/oauth2/")


@dataclass
class CrashDesk(Desk):
    """A desk whose platform and folder can be photographed and set back."""

    secrets: dict[str, str] = field(default_factory=dict)
    database: Path = Path()

    @property
    def environ(self) -> dict[str, str]:
        return {**super().environ, **self.secrets}

    def platform(self) -> bytes:
        with closing(sqlite3.connect(self.database)) as live, closing(sqlite3.connect(":memory:")) as copy:
            live.backup(copy)
            image = bytearray(copy.serialize())
        image[18:20] = b"\x01\x01"  # a database in memory cannot be in WAL mode (SQLite file format, 1.3)
        return bytes(image)

    def files(self) -> dict[str, bytes]:
        return {
            file.relative_to(self.folder).as_posix(): file.read_bytes()
            for file in sorted(self.folder.rglob("*"))
            if file.is_file()
        }

    def photo(self) -> Photo:
        return Photo(self.platform(), self.files())

    def put_back(self, photo: Photo, *, files: dict[str, bytes] | None = None) -> None:
        """The platform of a photo, and its files or others; nothing else is left in the folder."""
        with closing(sqlite3.connect(":memory:")) as copy, closing(sqlite3.connect(self.database)) as live:
            copy.deserialize(photo.platform)
            copy.backup(live)
        shutil.rmtree(self.folder)
        for path, content in (photo.files if files is None else files).items():
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        self.server.faults.clear()
        self.server.clear_log()


Hook = Callable[[httpx.Request], None]


class Wire:
    """Every client that a command opens goes through here: told of each request before it leaves and after its answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.before: Hook | None = None
        self.after: Hook | None = None
        monkeypatch.setattr(authoring.session, "Client", self._client)
        monkeypatch.setattr("authoring.applier.PAUSES", (0.0, 0.0, 0.0))

    def _client(self, target: Any, **more: Any) -> Client:
        client = Client(target, sleep=lambda _: None, **more)
        http = client._transport._http
        http.event_hooks = {"request": [self._began], "response": [self._ended]}
        return client

    def _began(self, request: httpx.Request) -> None:
        if self.before is not None:
            self.before(request)

    def _ended(self, response: httpx.Response) -> None:
        if self.after is not None:
            response.read()
            self.after(response.request)


def photograph(desk: CrashDesk, wire: Wire, command: Callable[[], object]) -> list[Moment]:
    """Run a command once, without a fault, with photos around each writing request. The desk is then as after it."""
    moments: list[Moment] = []

    def before(request: httpx.Request) -> None:
        if request.method != "GET" and not request.url.path.startswith("/oauth2/"):
            moments.append(Moment(request.method, request.url.path, desk.photo()))

    def after(request: httpx.Request) -> None:
        if moments and request.method != "GET" and not request.url.path.startswith("/oauth2/"):
            moments[-1].after = desk.photo()

    wire.before, wire.after = before, after
    try:
        command()
    finally:
        wire.before = wire.after = None
    return moments


@contextmanager
def bench(
    folder: Path, profile: Profile, dialect: str, *, session: bool, secrets: dict[str, str]
) -> Iterator[CrashDesk]:
    """A desk with a sandbox of its own."""
    database = folder / "platform.sqlite3"
    course = folder / "course"
    course.mkdir(parents=True)
    with SandboxServer(database, profile) as server:
        yield CrashDesk(course, server, dialect, session, secrets=secrets, database=database)


def wrongs(desk: CrashDesk) -> list[str]:
    """What keeps the live course, draft and published, from being exactly the source, once each; empty when it is."""
    found = [f"draft: {line}" for line in differences(desk)]
    found += [f"published: {line}" for line in differences(desk, "published")]
    live = desk.live()
    pages = [block.key for block in desk.course().detached if block.category == "static_tab"]
    for branch in ("draft", "published"):
        detached = [node for node in live[f"{branch}_detached"] if node["category"] not in ("about", "course_info")]
        ids = ids_of(live[branch]) + [node["usage"] for node in detached]
        found += [f"{branch}: {name} twice" for name in sorted({name for name in ids if ids.count(name) > 1})]
        if len(detached) != len(pages):
            found.append(f"{branch}: {len(detached)} blocks outside the tree, should be {len(pages)}: {detached}")
    return [*found, *_other_order(desk), *_other_roles(desk)]


def _other_order(desk: CrashDesk) -> list[str]:
    wanted = [block.display_name for block in desk.course().detached if block.category == "static_tab"]
    tabs = desk.live()["draft"]["fields"].get("tabs") or []
    live = [tab["name"] for tab in tabs if tab["type"] == "static_tab"]
    return [] if live == wanted else [f"the pages stand as {live}, should be {wanted}"]


def _other_roles(desk: CrashDesk) -> list[str]:
    live = desk.live()["course"].get("team", {})
    team = desk.course().team.items()
    return [
        f"{email} is {live.get(email)}, should be {role}" for email, role in team if live.get(email, NO_ROLE) != role
    ]
