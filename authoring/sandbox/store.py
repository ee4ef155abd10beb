"""The sandbox's state: courses, two branches of blocks, files and a log of requests, in one SQLite file.

Comes in: `Node` values and JSON rows from `rules` and the routes. Goes out: the same, read back. Every request's change is
one transaction, so a killed process leaves the state before or after it, never between.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NamedTuple

DRAFT = "draft"
PUBLISHED = "published"
CHUNK = 1 << 20
"""Bytes of a file that are in memory at a time."""

_SCHEMA = """
create table if not exists courses (key text primary key, row text not null);
create table if not exists blocks (
    course text not null, branch text not null, usage text not null, category text not null, parent text,
    fields text not null, children text not null, version integer not null, primary key (course, branch, usage)
) without rowid;
create table if not exists files (course text not null, name text not null, row text not null, primary key (course, name));
create table if not exists contents (
    course text not null, name text not null, content blob not null, primary key (course, name)
);
create table if not exists log (id integer primary key, method text, path text, kind text, status integer);
create table if not exists versions (n integer primary key autoincrement);
create table if not exists reruns (course text primary key, source text not null, title text, due real not null);
create table if not exists tasks (
    id text not null unique, course text not null, kind text not null, name text not null, began real not null,
    due real not null, row text not null
);
create table if not exists pieces (
    course text not null, name text not null, start integer not null, content blob not null,
    primary key (course, name, start)
);
create table if not exists people_rows (
    kind text not null, key text not null, id integer not null, row text not null, primary key (kind, key)
);
create index if not exists people_ids on people_rows (kind, id);
"""
_COLUMNS = "usage, category, parent, fields, children, version"
_FORMAT = 4
"""`user_version` of the file. The first ones had files and what is said of them in one table, and a log without faults;
the second had no tasks, the third nothing beside courses."""


@dataclass(slots=True)
class Node:
    """One block of one branch. `children` and `parent` are usage keys; `fields` holds what was set, the body too."""

    usage: str
    category: str
    parent: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    children: list[str] = field(default_factory=list)
    version: int = 0


class Request(NamedTuple):
    """A line of the log. `status` is what the server answered, or would have; `fault` what kept the answer away."""

    method: str
    path: str
    kind: str
    status: int
    fault: str | None = None


FAILED = -1.0
"""The time at which a copy is there that the platform gave up."""


class Rerun(NamedTuple):
    """A course that is being copied: its key, its source's, its title and when (Unix time) the copy is there; `FAILED` when it
    never will be."""

    course: str
    source: str
    title: str | None
    due: float


class Task(NamedTuple):
    """An import or an export (`kind`) of a course that runs beside the requests. `name` is the archive's; `began` and `due`
    are Unix times; `row` is what came of it, empty until then."""

    id: str
    course: str
    kind: str
    name: str
    began: float
    due: float
    row: dict[str, Any]


class Store:
    """The state. One connection, used by one request at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
        self._db.execute("pragma journal_mode = wal")
        # A killed process loses nothing; a power cut may lose the last requests, which is good enough for a rehearsal.
        self._db.execute("pragma synchronous = normal")
        self._prepare()

    def _prepare(self) -> None:
        if self._db.execute("pragma user_version").fetchone()[0] == _FORMAT:
            return
        with self.change():
            for statement in filter(None, map(str.strip, _SCHEMA.split(";"))):
                self._db.execute(statement)
            names = {row[1] for row in self._db.execute("pragma table_info(log)")}
            if "fault" not in names:
                self._db.execute("alter table log add column fault text")
            if self._db.execute("select 1 from sqlite_master where name = 'assets'").fetchone():
                self._db.execute("insert into files select course, name, row from assets order by rowid")
                self._db.execute("insert into contents select course, name, content from assets order by rowid")
                self._db.execute("drop table assets")
            self._db.execute(f"pragma user_version = {_FORMAT}")

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def change(self) -> Iterator[None]:
        """One transaction: all of it or nothing."""
        self._db.execute("begin immediate")
        try:
            yield
            self._db.execute("commit")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """A part of a transaction that can be taken back on its own: an exception does, and goes on."""
        self._db.execute("savepoint part")
        try:
            yield
        except BaseException:
            self._db.execute("rollback to part")
            raise
        finally:
            self._db.execute("release part")

    # -- courses ------------------------------------------------------------------------------------------------------

    def course(self, key: str) -> dict[str, Any] | None:
        found = self._db.execute("select row from courses where key = ?", (key,)).fetchone()
        return json.loads(found[0]) if found else None

    def save_course(self, key: str, row: Mapping[str, Any]) -> None:
        self._db.execute("insert or replace into courses values (?, ?)", (key, json.dumps(row)))

    def courses(self) -> list[str]:
        return [row[0] for row in self._db.execute("select key from courses order by key")]

    def delete_course(self, key: str) -> None:
        self._db.execute("delete from courses where key = ?", (key,))
        self._db.execute("delete from blocks where course = ?", (key,))
        for table in ("files", "contents", "tasks", "pieces"):
            self._db.execute(f"delete from {table} where course = ?", (key,))  # noqa: S608  # fixed names

    def copy_assets(self, source: str, target: str) -> None:
        """The files of one course for another, as a rerun has them."""
        for table, column in (("files", "row"), ("contents", "content")):
            self._db.execute(
                f"insert or replace into {table} select ?, name, {column} from {table} where course = ? order by rowid",  # noqa: S608
                (target, source),
            )

    def add_rerun(self, rerun: Rerun) -> None:
        self._db.execute("insert or replace into reruns values (?, ?, ?, ?)", rerun)

    def fail_reruns(self) -> None:
        self._db.execute("update reruns set due = ?", (FAILED,))

    def drop_rerun(self, course: str) -> None:
        self._db.execute("delete from reruns where course = ?", (course,))

    def reruns(self) -> list[Rerun]:
        return [Rerun(*row) for row in self._db.execute("select course, source, title, due from reruns order by due")]

    # -- blocks -------------------------------------------------------------------------------------------------------

    def get(self, course: str, usage: str, branch: str = DRAFT) -> Node | None:
        row = self._db.execute(
            f"select {_COLUMNS} from blocks where course = ? and branch = ? and usage = ?",  # noqa: S608  # fixed names
            (course, branch, usage),
        ).fetchone()
        return _node(row) if row else None

    def has(self, course: str, usage: str, branch: str = DRAFT) -> bool:
        found = self._db.execute(
            "select 1 from blocks where course = ? and branch = ? and usage = ?", (course, branch, usage)
        )
        return found.fetchone() is not None

    def all(self, course: str, branch: str = DRAFT) -> dict[str, Node]:
        rows = self._db.execute(
            f"select {_COLUMNS} from blocks where course = ? and branch = ?",  # noqa: S608  # fixed names
            (course, branch),
        )
        return {row[0]: _node(row) for row in rows}

    def put(self, course: str, node: Node, branch: str = DRAFT) -> None:
        self._db.execute(
            "insert or replace into blocks values (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                course,
                branch,
                node.usage,
                node.category,
                node.parent,
                json.dumps(node.fields),
                json.dumps(node.children),
                node.version,
            ),
        )

    def drop(self, course: str, usage: str, branch: str = DRAFT) -> None:
        self._db.execute("delete from blocks where course = ? and branch = ? and usage = ?", (course, branch, usage))

    def next_version(self) -> int:
        """A number that was never given before. The older ones are forgotten, the counter goes on."""
        cursor = self._db.execute("insert into versions default values")
        assert cursor.lastrowid is not None
        self._db.execute("delete from versions where n < ?", (cursor.lastrowid,))
        return cursor.lastrowid

    # -- files --------------------------------------------------------------------------------------------------------

    def put_asset(self, course: str, name: str, row: Mapping[str, Any], content: IO[bytes]) -> dict[str, Any]:
        """Store a file piece by piece; returns `row` with its `size` and `digest` (SHA-256). One of that name is replaced."""
        size = content.seek(0, 2)
        content.seek(0)
        digest = hashlib.sha256()
        cursor = self._db.execute("insert or replace into contents values (?, ?, zeroblob(?))", (course, name, size))
        assert cursor.lastrowid is not None
        with self._db.blobopen("contents", "content", cursor.lastrowid) as blob:
            while piece := content.read(CHUNK):
                digest.update(piece)
                blob.write(piece)
        kept = {**row, "name": name, "size": size, "digest": digest.hexdigest()}
        self.save_asset(course, name, kept)
        return kept

    def save_asset(self, course: str, name: str, row: Mapping[str, Any]) -> None:
        """Set what is said of a file; not the file."""
        self._db.execute(
            "insert into files values (?, ?, ?) on conflict do update set row = excluded.row",
            (course, name, json.dumps(row)),
        )

    def assets(self, course: str) -> list[dict[str, Any]]:
        """What is said of each file, in the order of upload."""
        rows = self._db.execute("select row from files where course = ? order by rowid", (course,))
        return [json.loads(row[0]) for row in rows]

    def asset(self, course: str, name: str) -> dict[str, Any] | None:
        found = self._db.execute("select row from files where course = ? and name = ?", (course, name)).fetchone()
        return json.loads(found[0]) if found else None

    def asset_content(self, course: str, name: str) -> Iterator[bytes]:
        """A file in pieces, as it was at the first one, whatever is written meanwhile."""
        reader = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
        try:
            found = reader.execute(
                "select rowid from contents where course = ? and name = ?", (course, name)
            ).fetchone()
            if found is None:
                return
            with reader.blobopen("contents", "content", found[0], readonly=True) as blob:
                while piece := blob.read(CHUNK):
                    yield piece
        finally:
            reader.close()

    def drop_asset(self, course: str, name: str) -> None:
        for table in ("files", "contents"):
            self._db.execute(f"delete from {table} where course = ? and name = ?", (course, name))  # noqa: S608

    # -- tasks --------------------------------------------------------------------------------------------------------

    def save_task(self, task: Task) -> None:
        self._db.execute(
            "insert into tasks values (?, ?, ?, ?, ?, ?, ?) on conflict (id) do update set row = excluded.row",
            (*task[:-1], json.dumps(task.row)),
        )

    def tasks(self) -> list[Task]:
        """All tasks, oldest first."""
        rows = self._db.execute("select id, course, kind, name, began, due, row from tasks order by rowid")
        return [Task(*row)._replace(row=json.loads(row[6])) for row in rows]

    def add_piece(self, course: str, name: str, start: int, content: bytes) -> None:
        """A part of an archive, that begins at `start`."""
        self._db.execute("insert or replace into pieces values (?, ?, ?, ?)", (course, name, start, content))

    def size_of_pieces(self, course: str, name: str) -> int | None:
        """How much of an archive is here; None when nothing is."""
        found = self._db.execute(
            "select sum(length(content)) from pieces where course = ? and name = ?", (course, name)
        ).fetchone()
        return found[0] if found[0] is None else int(found[0])

    def pieces(self, course: str, name: str) -> Iterator[bytes]:
        rows = self._db.execute(
            "select content from pieces where course = ? and name = ? order by start", (course, name)
        )
        for row in rows:
            yield row[0]

    def drop_pieces(self, course: str, name: str) -> None:
        self._db.execute("delete from pieces where course = ? and name = ?", (course, name))

    # -- users, mentors, bots -------------------------------------------------------------------------------------------

    def save_row(self, kind: str, key: str, row: Mapping[str, Any]) -> int:
        """Set a row of a kind (`user`, `enrolment`, `mentor`, `bot` …); returns its number, which stays. A new one gets
        the next: two rows never had the same."""
        found = self._db.execute("select id from people_rows where kind = ? and key = ?", (kind, key)).fetchone()
        number = int(found[0]) if found else self.next_version()
        self._db.execute("insert or replace into people_rows values (?, ?, ?, ?)", (kind, key, number, json.dumps(row)))
        return number

    def row(self, kind: str, key: str) -> dict[str, Any] | None:
        """A row with its number as `id`."""
        found = self._db.execute("select id, row from people_rows where kind = ? and key = ?", (kind, key)).fetchone()
        return {"id": found[0], **json.loads(found[1])} if found else None

    def numbered_row(self, kind: str, number: int) -> tuple[str, dict[str, Any]] | None:
        """`(key, row)` by the row's number."""
        found = self._db.execute(
            "select key, id, row from people_rows where kind = ? and id = ?", (kind, number)
        ).fetchone()
        return (found[0], {"id": found[1], **json.loads(found[2])}) if found else None

    def rows(self, kind: str) -> dict[str, dict[str, Any]]:
        """All rows of a kind by key, oldest first."""
        rows = self._db.execute("select key, id, row from people_rows where kind = ? order by id", (kind,))
        return {row[0]: {"id": row[1], **json.loads(row[2])} for row in rows}

    def drop_row(self, kind: str, key: str) -> None:
        self._db.execute("delete from people_rows where kind = ? and key = ?", (kind, key))

    # -- the log ------------------------------------------------------------------------------------------------------

    def log(self, request: Request) -> None:
        self._db.execute("insert into log (method, path, kind, status, fault) values (?, ?, ?, ?, ?)", request)

    def requests(self) -> list[Request]:
        rows = self._db.execute("select method, path, kind, status, fault from log order by id")
        return [Request(*row) for row in rows]

    def clear_log(self) -> None:
        self._db.execute("delete from log")


def _node(row: tuple[str, str, str | None, str, str, int]) -> Node:
    usage, category, parent, fields, children, version = row
    return Node(usage, category, parent, json.loads(fields), json.loads(children), version)
