"""The write-ahead journal: what is about to be sent, and what came of it, durable before anything depends on it.

SQLite in `.authoring/journal.sqlite3`, machine-local, never committed. An intent is on disk before its call is sent; its
outcome, with the lock entries that it changes, is on disk before the next call is (both in one step: a disk's flush is slow). The lock file itself is written now and
then and at the end: `replay` brings one up to date that a crash left behind.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from authoring.errors import LockfileError
from authoring.lockfile import LockedAsset, LockEntry, LockPart, entry_from_json, entry_to_json
from authoring.model import BlockKey
from authoring.operations import Operation, operation_from_json, operation_to_json

FILE_NAME = "journal.sqlite3"
_SCHEMA = """
create table if not exists intents (
    id integer primary key, target text not null, course text not null, operation text not null, begun text not null
);
create table if not exists changes (
    id integer primary key, target text not null, course text not null, kind text not null, row text not null
);
create table if not exists known (target text not null, course text not null, primary key (target, course));
"""


@dataclass(frozen=True, slots=True)
class Intent:
    """A call that was about to be sent and whose outcome is not known."""

    id: int
    operation: Operation
    age: float
    """Seconds since it was put on disk; below zero where the clock was set back."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What an operation changed in the lock file's part."""

    entries: tuple[LockEntry, ...] = ()
    dropped: tuple[BlockKey, ...] = ()
    assets: tuple[LockedAsset, ...] = ()
    reset: bool = False
    """Forget all that was known before: the course was made anew."""

    def apply(self, part: LockPart) -> LockPart:
        entries = {} if self.reset else dict(part.entries)
        assets = {} if self.reset else dict(part.assets)
        for entry in self.entries:
            entries[entry.key] = entry
        for key in self.dropped:
            entries.pop(key, None)
        for asset in self.assets:
            assets[asset.name] = asset
        return LockPart(part.target, part.course, entries, assets)


class Journal:
    """The journal of one course folder. Raises LockfileError when it cannot be opened or written."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        self._folder = folder.parent
        try:
            self._db = sqlite3.connect(self.path, isolation_level=None)
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = full")
            self._db.executescript(_SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise self._broken(error) from error

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    def advance(
        self, target: str, course: str, finished: Sequence[tuple[int, Changes]], operation: Operation | None
    ) -> int | None:
        """In one durable step: record the outcomes of calls that were answered, and that `operation` is about to be sent.

        Returns the new intent's id; None without an operation.
        """
        rows = [(target, course, kind, row) for _, changes in finished for kind, row in _rows(changes)]
        begun: int | None = None
        try:
            self._db.execute("begin immediate")
            self._db.executemany("insert into changes (target, course, kind, row) values (?, ?, ?, ?)", rows)
            self._db.executemany("delete from intents where id = ?", [(intent,) for intent, _ in finished])
            if operation is not None:
                self._db.execute("insert or ignore into known values (?, ?)", (target, course))
                text = json.dumps(operation_to_json(operation), default=list)
                cursor = self._db.execute(
                    "insert into intents (target, course, operation, begun) values (?, ?, ?, datetime('now'))",
                    (target, course, text),
                )
                begun = cursor.lastrowid
            self._db.execute("commit")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise self._broken(error) from error
        return begun

    def knows(self, target: str, course: str) -> bool:
        """Whether this journal saw a run that wrote to the course: a create that it does not hold was then not sent from
        here. A new journal (another machine, a lost CI runner) can say nothing of the kind."""
        cursor = self._run("select 1 from known where target = ? and course = ?", (target, course))
        return cursor.fetchone() is not None

    def refuse(self, intent: int) -> None:
        """Forget an intent: its call is known not to have happened, or the live course tells what became of it."""
        self._run("delete from intents where id = ?", (intent,))

    def pending(self, target: str, course: str) -> tuple[Intent, ...]:
        """Intents without an outcome, oldest first: what a crash left open."""
        cursor = self._run(
            "select id, operation, (julianday('now') - julianday(begun)) * 86400.0 from intents"
            " where target = ? and course = ? order by id",
            (target, course),
        )
        try:
            return tuple(
                Intent(row[0], operation_from_json(json.loads(row[1]), self._folder), float(row[2])) for row in cursor
            )
        except (KeyError, TypeError, ValueError) as error:
            raise self._broken(error) from error

    def replay(self, part: LockPart) -> LockPart:
        """`part` with all that was recorded since the lock file was last written."""
        cursor = self._run(
            "select kind, row from changes where target = ? and course = ? order by id",
            (part.target, part.course),
        )
        try:
            return _replay(part, ((kind, json.loads(row)) for kind, row in cursor))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise self._broken(error) from error

    def settle(self, target: str, course: str) -> None:
        """Drop the recorded changes: the lock file holds them now."""
        self._run("delete from changes where target = ? and course = ?", (target, course))

    def _run(self, statement: str, values: tuple[object, ...]) -> sqlite3.Cursor:
        try:
            return self._db.execute(statement, values)
        except sqlite3.Error as error:
            raise self._broken(error) from error

    def _broken(self, error: Exception) -> LockfileError:
        return LockfileError(
            f"the journal .authoring/{FILE_NAME} cannot be used ({error})",
            "free some space or check the permissions; if the file is damaged, delete it: what it knew is read back from"
            " the platform",
        )


def _rows(changes: Changes) -> Iterator[tuple[str, str]]:
    """Changes as rows of the journal: `(kind, JSON)`, in the order in which they are replayed."""
    if changes.reset:
        yield "reset", "null"
    for entry in changes.entries:
        yield "entry", json.dumps(entry_to_json(entry))
    for key in changes.dropped:
        yield "dropped", json.dumps(str(key))
    for asset in changes.assets:
        yield "asset", json.dumps([asset.name, asset.digest, asset.size])


def _replay(part: LockPart, rows: Iterable[tuple[str, object]]) -> LockPart:
    entries = dict(part.entries)
    assets = dict(part.assets)
    for kind, row in rows:
        match kind, row:
            case "reset", _:
                entries, assets = {}, {}
            case "entry", dict():
                entry = entry_from_json(row)
                entries[entry.key] = entry
            case "dropped", str():
                entries.pop(BlockKey.parse(row), None)
            case "asset", [str() as name, str() as digest, int() as size]:
                assets[name] = LockedAsset(name, digest, size)
            case _:
                raise ValueError(f"a row of an unknown kind: {kind}")
    return LockPart(part.target, part.course, entries, assets)
