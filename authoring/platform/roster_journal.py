"""The journal of an import of people: what is about to be sent, and what came of it, durable before anything depends on it.

SQLite in `.authoring/` beside the list, machine-local, never committed. It holds names of people and courses; no passwords and
no tokens. One import at a time writes to it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import FileLock, Timeout

from authoring.errors import BusyError, LockfileError
from authoring.platform.roster import EnrolmentRow, UserRow
from authoring.state import local_folder

FILE_NAME = "people.sqlite3"
_SCHEMA = """
create table if not exists deeds (
    target text not null, action text not null, key text not null, digest text not null, state text not null,
    note text not null, primary key (target, action, key)
) without rowid;
create table if not exists results (
    file text not null, line integer not null, key text not null, who text not null, course text not null,
    state text not null, note text not null, primary key (file, line)
) without rowid;
create index if not exists keys_of_results on results (file, key);
"""


class State(StrEnum):
    """Where a row stands."""

    DONE = "done"
    DONE_BEFORE = "done-before"
    """By an earlier run; nothing was sent."""
    REFUSED = "refused"
    """By the platform; `note` says why."""
    BAD = "bad-row"
    """Nothing was sent; `note` says why."""
    UNKNOWN = "unknown"
    """Sent, and not known whether it was done; the next run looks first."""
    WAITING = "waiting"
    """Not tried yet."""

    @property
    def complete(self) -> bool:
        return self in (State.DONE, State.DONE_BEFORE)


PENDING = "pending"
"""The state of a deed whose call is about to be sent, or was and has no outcome."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a row of a list."""

    line: int
    who: str
    course: str
    state: State
    note: str = ""

    def to_json(self) -> dict[str, object]:
        return {
            "line": self.line,
            "who": self.who,
            "course": self.course or None,
            "state": str(self.state),
            "note": self.note,
        }


Row = UserRow | EnrolmentRow


class RosterJournal:
    """The journal beside one list, for one target and action (`user` or `enrolment`). A context manager.

    Raises BusyError when another import writes to it, LockfileError when it cannot be used.
    """

    def __init__(self, file: Path, target: str, action: str) -> None:
        self._target, self.action = target, action
        self._file = f"{action} {file.name} {target}"
        folder = local_folder(file.parent)
        self.path = folder / FILE_NAME
        self._lock = FileLock(folder / f"{FILE_NAME}.lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise BusyError("another import of people is at work in this folder", "wait for it to finish") from error
        try:
            self._db = sqlite3.connect(self.path, isolation_level=None)
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = full")
            self._db.executescript(_SCHEMA)
        except (sqlite3.Error, OSError) as error:
            self._lock.release()
            raise self._broken(error) from error

    def __enter__(self) -> RosterJournal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()
        self._lock.release()

    # -- deeds --------------------------------------------------------------------------------------------------------

    def standing(self, row: Row) -> str | None:
        """`done` or `pending`, if this very thing was begun before; None when it is to be done, also with other values."""
        found = self._all(
            "select digest, state from deeds where target = ? and action = ? and key = ?",
            (self._target, self.action, row.key),
        )
        if not found:
            return None
        digest, state = found[0]
        return str(state) if digest == row.digest else None

    @property
    def knows_any(self) -> bool:
        """Whether anything was done, or begun, at this target from this folder."""
        values = (self._target, self.action)
        return bool(self._all("select 1 from deeds where target = ? and action = ? limit 1", values))

    def begin(self, rows: Sequence[Row]) -> None:
        """Record, in one durable step, that these are about to be sent."""
        values = [(self._target, self.action, row.key, row.digest, PENDING, "") for row in rows]
        self._write([("insert or replace into deeds values (?, ?, ?, ?, ?, ?)", values)])

    def finish(self, outcomes: Iterable[tuple[Row, State, str]]) -> None:
        """Record, in one durable step, what became of them. A refused one, or one that never left, is forgotten."""
        deeds, gone, results = [], [], []
        for row, state, note in outcomes:
            if state.complete:
                deeds.append((self._target, self.action, row.key, row.digest, str(State.DONE), note))
            elif state is not State.UNKNOWN:
                gone.append((self._target, self.action, row.key))
            results.append((self._file, row.line, row.key, row.who, row.course, str(state), note))
        self._write(
            [
                ("insert or replace into deeds values (?, ?, ?, ?, ?, ?)", deeds),
                ("delete from deeds where target = ? and action = ? and key = ?", gone),
                ("insert or replace into results values (?, ?, ?, ?, ?, ?, ?)", results),
            ]
        )

    # -- results ------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Forget the results of the last run of this list; what was done stays known."""
        self._write([("delete from results where file = ?", [(self._file,)])])

    def note(self, results: Iterable[tuple[str, Result]]) -> None:
        """Record `(key, result)` of rows that no call was made for; the key is empty for bad ones."""
        rows = [
            (self._file, result.line, key, result.who, result.course, str(result.state), result.note)
            for key, result in results
        ]
        self._write([("insert or replace into results values (?, ?, ?, ?, ?, ?, ?)", rows)])

    def line_of(self, key: str) -> int | None:
        """The first line of this run that asked for the same."""
        found = self._all("select min(line) from results where file = ? and key = ?", (self._file, key))
        line: int | None = found[0][0]
        return line

    def counts(self) -> dict[str, int]:
        """How many rows are in each state."""
        query = "select state, count(*) from results where file = ? group by state"
        found: dict[str, int] = dict(self._all(query, (self._file,)))
        return {str(state): found.get(str(state), 0) for state in State}

    def results(self, *, incomplete: bool = False) -> Iterator[Result]:
        """The results of this run by line; `incomplete`: those alone that are not done."""
        query = "select line, who, course, state, note from results where file = ? order by line"
        for line, who, course, state, note in self._db.execute(query, (self._file,)):
            if not (incomplete and State(state).complete):
                yield Result(line, who, course, State(state), note)

    # -- SQLite -------------------------------------------------------------------------------------------------------

    def _all(self, query: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self._broken(error) from error

    def _write(self, statements: Sequence[tuple[str, Sequence[tuple[object, ...]]]]) -> None:
        try:
            self._db.execute("begin immediate")
            for statement, values in statements:
                self._db.executemany(statement, values)
            self._db.execute("commit")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise self._broken(error) from error

    def _broken(self, error: Exception) -> LockfileError:
        return LockfileError(
            f"the journal .authoring/{FILE_NAME} cannot be used ({error})",
            "free some space or check the permissions; deleting it makes the next import look at every row anew",
        )
