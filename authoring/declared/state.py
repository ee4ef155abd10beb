"""What is known of the declared rows while they are worked on: the lock file over the journal, one writer at a time.

The journal is SQLite in `.authoring/`, machine-local, never committed. That a call is about to be sent is on disk before it is,
and what came of it before the next one. The lock file is written at the end; what a crash kept out of it is in the journal.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import FileLock, Timeout

from authoring.declared.lock import Entry, Part, Place, load_lock, save_lock
from authoring.errors import BusyError, LockfileError
from authoring.state import local_folder

FILE_NAME = "platform.sqlite3"
_SCHEMA = """
create table if not exists intents (
    part text not null, key text not null, digests text not null, begun text not null, primary key (part, key)
) without rowid;
create table if not exists entries (
    part text not null, key text not null, row text, settled integer not null, primary key (part, key)
) without rowid;
create table if not exists known (part text primary key) without rowid;
"""


@dataclass(frozen=True, slots=True)
class Intent:
    """A write that was begun and has no outcome: digests by field of what it sent. It may have been done or not."""

    key: str
    digests: Mapping[str, str]


class State:
    """The entries of one file at one target and tenant, kept true step by step.

    A context manager: entering takes the writer's lock (BusyError when another process has it) and reads lock file and journal;
    leaving writes the lock file. Raises LockfileError.
    """

    def __init__(self, lock: Path, place: Place) -> None:
        self._file = lock
        self._place = place
        self._part = " ".join((lock.name, *place))
        self.folder = local_folder(lock.parent)
        self._writer = FileLock(self.folder / f"{FILE_NAME}.lock")

    def __enter__(self) -> State:
        try:
            self._writer.acquire(timeout=0)
        except Timeout as error:
            raise BusyError("another `platform apply` is at work in this folder", "wait for it to finish") from error
        try:
            self._lock = load_lock(self._file)
            self._open()
            self._entries = dict(self._lock.part(self._place))
            self._hints: dict[str, Entry] = {}
            self._read()
        except BaseException:
            self._writer.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.save()
        finally:
            self._db.close()
            self._writer.release()

    # -- what is known ------------------------------------------------------------------------------------------------

    @property
    def entries(self) -> Part:
        return dict(self._entries)

    @property
    def hints(self) -> Part:
        """What the journal knows and the lock file does not: a lock file that was lost, or of another branch."""
        return dict(self._hints)

    @property
    def intents(self) -> Mapping[str, Intent]:
        """Writes without an outcome, by key: what a crash or a lost answer left open."""
        rows = self._run("select key, digests from intents where part = ?", (self._part,))
        return {key: Intent(key, json.loads(digests)) for key, digests in rows}

    @property
    def known(self) -> bool:
        """Whether a run from this machine has written here before: what it did not record was then not sent from here."""
        return bool(self._run("select 1 from known where part = ?", (self._part,)))

    # -- what happens -------------------------------------------------------------------------------------------------

    def begin(self, key: str, digests: Mapping[str, str], *, mark: bool = False) -> None:
        """Record that a write is about to be sent. `mark`: in the lock file too, for a create that nobody can look up."""
        if mark and key not in self._entries:
            self._entries[key] = Entry(key, begun=True)
            self.save()
        self._write(
            ("insert or ignore into known values (?)", (self._part,)),
            (
                "insert or replace into intents values (?, ?, ?, datetime('now'))",
                (self._part, key, json.dumps(dict(digests))),
            ),
        )

    def finish(self, entry: Entry) -> None:
        """Record what came of it."""
        self._entries[entry.key] = entry
        self._write(
            ("delete from intents where part = ? and key = ?", (self._part, entry.key)),
            ("insert or ignore into known values (?)", (self._part,)),
            (
                "insert or replace into entries values (?, ?, ?, 0)",
                (self._part, entry.key, json.dumps(entry.to_json())),
            ),
        )

    def refuse(self, key: str) -> None:
        """Record that a write did not happen."""
        held = self._entries.get(key)
        if held is not None and held.begun:
            del self._entries[key]
        self._write(("delete from intents where part = ? and key = ?", (self._part, key)))

    def drop(self, key: str) -> None:
        """Record that a row is gone, or no longer ours."""
        self._entries.pop(key, None)
        self._hints.pop(key, None)
        self._write(
            ("delete from intents where part = ? and key = ?", (self._part, key)),
            ("insert or replace into entries values (?, ?, null, 0)", (self._part, key)),
        )

    def save(self) -> None:
        """Bring the lock file up to date, if anything changed."""
        if self._entries != dict(self._lock.part(self._place)):
            self._lock = self._lock.with_part(self._place, self._entries)
            save_lock(self._lock, self._file)
        self._write(
            ("delete from entries where part = ? and row is null", (self._part,)),
            ("update entries set settled = 1 where part = ?", (self._part,)),
        )

    # -- SQLite -------------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        try:
            self._db = sqlite3.connect(self.folder / FILE_NAME, isolation_level=None)
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = full")
            self._db.executescript(_SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise self._broken(error) from error

    def _read(self) -> None:
        for key, row, settled in self._run("select key, row, settled from entries where part = ?", (self._part,)):
            try:
                entry = Entry.from_json(json.loads(row)) if row is not None else None
            except (ValueError, KeyError, TypeError) as error:
                raise self._broken(error) from error
            if not settled and entry is None:
                self._entries.pop(key, None)
            elif not settled and entry is not None:
                self._entries[key] = entry
            elif entry is not None and (key not in self._entries or self._entries[key].begun):
                self._hints[key] = entry

    def _run(self, statement: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise self._broken(error) from error

    def _write(self, *statements: tuple[str, tuple[object, ...]]) -> None:
        """In one durable step."""
        try:
            self._db.execute("begin immediate")
            for statement, values in statements:
                self._db.execute(statement, values)
            self._db.execute("commit")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise self._broken(error) from error

    def _broken(self, error: Exception) -> LockfileError:
        return LockfileError(
            f"the journal .authoring/{FILE_NAME} cannot be used ({error})",
            "free some space or check the permissions; if the file is damaged, delete it: rows are then looked up on the platform",
        )
