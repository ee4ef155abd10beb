"""The sandbox's state: courses, two branches of blocks, files and a log of requests, in one SQLite file.

Every request's change is one transaction, so a killed process leaves the state before or after it, never between.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

DRAFT = "draft"
PUBLISHED = "published"

_SCHEMA = """
create table if not exists courses (key text primary key, row text not null);
create table if not exists blocks (
    course text not null, branch text not null, usage text not null, category text not null, parent text,
    fields text not null, children text not null, version integer not null, primary key (course, branch, usage)
) without rowid;
create table if not exists assets (
    course text not null, name text not null, row text not null, content blob not null, primary key (course, name)
);
create table if not exists log (id integer primary key, method text, path text, kind text, status integer);
create table if not exists versions (n integer primary key autoincrement);
"""
_COLUMNS = "usage, category, parent, fields, children, version"


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
    """A line of the log."""

    method: str
    path: str
    kind: str
    status: int


class Store:
    """The state. One connection, used by one request at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = normal")
        self._db.executescript(_SCHEMA)

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
        self._db.execute("delete from assets where course = ?", (key,))

    # -- blocks -------------------------------------------------------------------------------------------------------

    def get(self, course: str, usage: str, branch: str = DRAFT) -> Node | None:
        row = self._db.execute(
            f"select {_COLUMNS} from blocks where course = ? and branch = ? and usage = ?",  # noqa: S608  # fixed names
            (course, branch, usage),
        ).fetchone()
        return _node(row) if row else None

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

    def all_keys(self, course: str, branch: str) -> set[str]:
        rows = self._db.execute("select usage from blocks where course = ? and branch = ?", (course, branch))
        return {row[0] for row in rows}

    def next_version(self) -> int:
        cursor = self._db.execute("insert into versions default values")
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    # -- files --------------------------------------------------------------------------------------------------------

    def put_asset(self, course: str, name: str, row: Mapping[str, Any], content: bytes) -> None:
        self._db.execute("insert or replace into assets values (?, ?, ?, ?)", (course, name, json.dumps(row), content))

    def assets(self, course: str) -> list[dict[str, Any]]:
        rows = self._db.execute("select row from assets where course = ? order by rowid", (course,))
        return [json.loads(row[0]) for row in rows]

    def asset(self, course: str, name: str) -> tuple[dict[str, Any], bytes] | None:
        row = self._db.execute(
            "select row, content from assets where course = ? and name = ?", (course, name)
        ).fetchone()
        return (json.loads(row[0]), row[1]) if row else None

    def drop_asset(self, course: str, name: str) -> bool:
        return self._db.execute("delete from assets where course = ? and name = ?", (course, name)).rowcount > 0

    # -- the log ------------------------------------------------------------------------------------------------------

    def log(self, request: Request) -> None:
        self._db.execute("insert into log (method, path, kind, status) values (?, ?, ?, ?)", request)

    def requests(self) -> list[Request]:
        return [Request(*row) for row in self._db.execute("select method, path, kind, status from log order by id")]

    def clear_log(self) -> None:
        self._db.execute("delete from log")


def _node(row: tuple[str, str, str | None, str, str, int]) -> Node:
    usage, category, parent, fields, children, version = row
    return Node(usage, category, parent, json.loads(fields), json.loads(children), version)
