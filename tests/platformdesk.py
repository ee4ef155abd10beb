"""A desk for `platform.yaml`: a folder, a sandbox with courses and people, and applying against it over real HTTP."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx

from authoring import declared
from authoring.calls import Call, CallKind, Service
from authoring.client import Client
from authoring.declared import Applied, Options, Plan
from authoring.platform.people import NewUser, People
from authoring.sandbox import SandboxServer
from authoring.settings import Options as TargetOptions
from authoring.settings import Secret, Target, sandbox_target

RUNS = ("2027_T1", "2028_T1")
COURSE, RERUN = (f"course-v1:Demo+DS101+{run}" for run in RUNS)
KINDS = (
    "role",
    "skill",
    "desired-roles",
    "reported-roles",
    "desired-skills",
    "reported-skills",
    "resource",
    "program",
    "pathway",
    "catalog-course",
    "course-metadata",
    "credential",
    "assertion",
    "tenant",
    "mentor",
    "bot",
    "bot-command",
    "user",
    "enrolment",
)
"""The sandbox's tables beside courses."""
MINTED = frozenset({"id", "item_id", "pathway_uuid", "entityId", "createdAt", "issuedOn", "unique_id", "times"})
"""What differs between two platforms of the same rows."""
PEOPLE = ("ada", "bob")
SECRETS = MappingProxyType(
    {
        "BOT_SECRET": "bot-secret-Zq81-never-shown",
        "BOT_TOKEN": "bot-token-Lm40-never-shown",
        "ADMIN_PASSWORD": "admin-password-Wv77-never-shown",
        "NEW_PASSWORD": "new-password-Hy52-never-shown",
        "GRACE_PASSWORD": "grace-password-Ub13-never-shown",
    }
)
"""What the declarations refer to; no trace of them may be found anywhere."""


Hook = Callable[[httpx.Request], None]


@dataclass
class PlatformDesk:
    """`folder` holds platform.yaml, and the course in `course/` with two runs."""

    folder: Path
    server: SandboxServer
    database: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        return self.folder / "platform.yaml"

    @property
    def target(self) -> Target:
        return replace(sandbox_target(self.server.url), options=TargetOptions(timeout=2.0))

    def variables(self) -> dict[str, str]:
        """The environment of a command: this sandbox as its target, and the secrets."""
        url = self.server.url
        return {
            "IBL_CMS_URL": url,
            "IBL_LMS_URL": url,
            "IBL_MANAGER_URL": url,
            "IBL_PLATFORM_API_KEY": "sandbox",
            "IBL_TENANT": "sandbox",
            "IBL_USERNAME": "sandbox",
            "IBL_CLIENT_ID": "sandbox",
            "IBL_CLIENT_SECRET": "sandbox",
            "IBL_STUDIO_SESSION": "sandbox",
            "IBL_STUDIO_CSRF": "sandbox",
            **SECRETS,
        }

    def write(self, text: str, **files: str) -> None:
        self.file.write_text(text, "utf-8")
        for name, content in files.items():
            (self.folder / name.replace("__", ".")).write_text(content, "utf-8")

    before: Hook | None = None
    after: Hook | None = None
    """Told of each request before it leaves, and after its answer came."""

    def client(self) -> Client:
        client = Client(self.target, sleep=lambda seconds: None)
        client._transport._http.event_hooks = {"request": [self._began], "response": [self._ended]}
        return client

    def _began(self, request: httpx.Request) -> None:
        if self.before is not None:
            self.before(request)

    def _ended(self, response: httpx.Response) -> None:
        if self.after is not None:
            response.read()
            self.after(response.request)

    def plan(self, run: str | None = None, **options: Any) -> Plan:
        found = declared.read_declared(self.file, run)
        with self.client() as client:
            return declared.plan(found, client, Options(**options))

    def apply(self, run: str | None = None, **options: Any) -> Applied:
        found = declared.read_declared(self.file, run)
        with self.client() as client:
            return declared.apply(found, client, Options(**options), environ=self.environ)

    def writes(self) -> list[str]:
        """The writing requests since the log was cleared."""
        return [
            f"{one.method} {one.path}"
            for one in self.server.requests
            if one.method != "GET" and not one.path.startswith("/oauth")
        ]

    def rows(self, kind: str) -> list[dict[str, Any]]:
        return list(self.server.rows(kind).values())

    def state(self) -> dict[str, list[Any]]:
        """All rows of the platform without what is minted; references between them by what they lead to."""
        named = {
            (kind, row.get("id")): row.get("name") or row.get("unique_id")
            for kind in ("role", "skill", "resource", "mentor", "bot")
            for row in self.rows(kind)
        }
        credentials = {
            row["entityId"]: (row["name"], tuple(row.get("courses") or ())) for row in self.rows("credential")
        }
        found: dict[str, list[Any]] = {}
        for kind in KINDS:
            rows = [_plain(kind, row, named, credentials) for row in self.rows(kind)]
            found[kind] = sorted(rows, key=repr)
        for course in self.server.courses():
            about = self.server.snapshot(course)["course"]["about"]
            mentors = {row["unique_id"]: row["name"] for row in self.rows("mentor")}
            uuid = about.get("mentor_uuid")
            found[f"mentor of {course}"] = [mentors.get(uuid, uuid)]
        return found

    # -- photographs --------------------------------------------------------------------------------------------------

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

    def put_back(self, platform: bytes, files: Mapping[str, bytes]) -> None:
        """Both as they were; nothing else is left in the folder."""
        with closing(sqlite3.connect(":memory:")) as copy, closing(sqlite3.connect(self.database)) as live:
            copy.deserialize(platform)
            copy.backup(live)
        shutil.rmtree(self.folder)
        for path, content in files.items():
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        self.server.faults.clear()
        self.server.clear_log()


def _plain(kind: str, row: Mapping[str, Any], named: Mapping[Any, Any], credentials: Mapping[str, Any]) -> Any:
    shown = {name: value for name, value in row.items() if name not in MINTED}
    if "terms" in shown:
        table = kind.partition("-")[2].removesuffix("s")
        shown["terms"] = sorted(str(named[table, number]) for number in shown["terms"])
    if kind == "bot-command":
        shown |= {name: named[name, shown[name]] for name in ("bot", "mentor")}
    if kind == "assertion":
        shown["credential"] = credentials[shown["credential"]]
    if kind == "pathway":
        shown["path"] = [
            {**item, "id": named["resource", item["id"]]} if item.get("item_type") == "resource" else item
            for item in shown["path"]
        ]
    return shown


def open_desk(server: SandboxServer, folder: Path, database: Path) -> PlatformDesk:
    """A desk on a platform that has the course in both runs, and two people."""
    course = folder / "course"
    (course / "runs").mkdir(parents=True)
    (course / "course.yaml").write_text("org: Demo\nnumber: DS101\nrun: 2027_T1\ntitle: Data\n", "utf-8")
    (course / "runs" / "2028_T1.yaml").write_text("start: 2028-01-10\n", "utf-8")
    desk = PlatformDesk(folder, server, database)
    with desk.client() as client:
        for run in RUNS:
            body = {"org": "Demo", "number": "DS101", "run": run, "display_name": "Data"}
            client.send(Call(CallKind.CREATE, Service.CMS, "POST", "/api/ibl/manage/course/", json=body))
        for person in PEOPLE:
            People(client).create_user(NewUser(person, f"{person}@example.com", Secret("a-password-Rt51")))
    server.clear_log()
    return desk
