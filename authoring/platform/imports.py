"""Imports of people from a CSV: every good row is done once, whatever happens in between, and every bad one is told of.

Comes in: a file, the journal beside it, a client. Goes out: results in the journal, and `ImportReport`. A row's intent is on
disk before its call, its outcome before the next one; what was sent and never answered is looked up before it is sent
again. A part of the file is in memory at a time.
"""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from authoring.client import Client
from authoring.errors import (
    ApiError,
    LoginError,
    OutcomeUnknownError,
    RefusedError,
    ThrottledError,
    UnreachableError,
)
from authoring.platform.enrolment_rows import RowOutcome
from authoring.platform.people import NewUser, People, UserResult
from authoring.platform.roster import COLUMNS, BadRowError, Batch, EnrolmentRow, UserRow, Way, batches_of
from authoring.platform.roster import enrolment_row as read_enrolment_row
from authoring.platform.roster import user_row as read_user_row
from authoring.platform.roster_journal import PENDING, Result, RosterJournal, Row, State
from authoring.platform.tables import TableRow, read_table, write_table
from authoring.settings import Secret

WINDOW = 1000
"""Rows in memory at a time; within them rows are put together into calls."""
RESULTS = ("line", "who", "course", "state", "note")
R = TypeVar("R", UserRow, EnrolmentRow)
Outcome = tuple[Row, State, str]
Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import came to. `results` are the rows that are not done; the file `results_file` has all."""

    file: Path
    results_file: Path
    counts: Mapping[str, int]
    problems: tuple[Result, ...]
    stopped: str | None = None
    """Why it ended before its last row."""

    @property
    def complete(self) -> bool:
        return self.stopped is None and all(not count or State(state).complete for state, count in self.counts.items())

    def to_json(self) -> dict[str, object]:
        return {
            "file": str(self.file),
            "results_file": str(self.results_file),
            "complete": self.complete,
            "counts": dict(self.counts),
            "stopped": self.stopped,
            "problems": [result.to_json() for result in self.problems],
        }


PROBLEMS = 1000
"""The most rows that a report itself lists; the results' file has all."""


def count_rows(file: Path) -> int:
    """How many rows a list has. Raises SourceError when it cannot be read as one: before anything is sent."""
    return sum(1 for _ in read_table(file, COLUMNS))


class _Stop(Exception):
    """No use in going on; its cause says why."""


class _Import:
    """One run over one list."""

    def __init__(self, file: Path, journal: RosterJournal, advance: Advance) -> None:
        self.file = file
        self.journal = journal
        self.advance = advance
        self._some_done = False

    def run(self, read: Callable[[TableRow], R], do: Callable[[Sequence[R], Sequence[R]], None]) -> ImportReport:
        """Go through the file. `do` is given rows that are new, and rows that were begun and never answered."""
        stopped: ApiError | None = None
        self.journal.start()
        table = read_table(self.file, COLUMNS)
        while window := list(itertools.islice(table, WINDOW)):
            fresh, begun = self._sort(window, read)
            if stopped is None:
                try:
                    do(fresh, begun)
                    continue
                except _Stop as stop:
                    cause = stop.__cause__
                    assert isinstance(cause, ApiError)
                    stopped = cause
        return self._report(stopped)

    def _sort(self, window: Sequence[TableRow], read: Callable[[TableRow], R]) -> tuple[list[R], list[R]]:
        fresh: list[R] = []
        begun: list[R] = []
        notes: list[tuple[str, Result]] = []
        seen: dict[str, int] = {}
        for table_row in window:
            try:
                row = read(table_row)
            except BadRowError as error:
                cells = table_row.cells
                who = cells.get("username") or cells.get("email") or cells.get("user_id") or ""
                bad = Result(table_row.line, _shown(who), _shown(cells.get("course", "")), State.BAD, str(error))
                notes.append(("", bad))
                continue
            before = seen.get(row.key) or self.journal.line_of(row.key)
            if before is not None:
                said = f"the same as line {before}"
                notes.append(("", Result(row.line, row.who, row.course, State.BAD, said)))
                continue
            seen[row.key] = row.line
            standing = self.journal.standing(row)
            if standing == PENDING:
                begun.append(row)
            elif standing is None:
                fresh.append(row)
            waiting = State.DONE_BEFORE if standing == State.DONE else State.WAITING
            if standing == PENDING:
                waiting = State.UNKNOWN
            notes.append((row.key, Result(row.line, row.who, row.course, waiting)))
        self.journal.note(notes)
        self.advance(len(window) - len(fresh) - len(begun))
        return fresh, begun

    def finish(self, outcomes: Sequence[Outcome]) -> None:
        self.journal.finish(outcomes)
        self._some_done = self._some_done or any(state is State.DONE for _, state, _ in outcomes)
        self.advance(len(outcomes))

    def is_fatal(self, error: ApiError) -> bool:
        """Whether the next call would fail in the same way: no login, no network, a platform that asks to wait.

        A 403 may speak of one course alone; it does once anything else has been permitted.
        """
        if isinstance(error, LoginError):
            return error.status != 403 or not self._some_done
        return isinstance(error, UnreachableError | ThrottledError)

    def _report(self, stopped: ApiError | None) -> ImportReport:
        results_file = self.file.with_name(f"{self.file.stem}.{self.journal.action}s.results.csv")
        rows = ((row.line, row.who, row.course, row.state, row.note) for row in self.journal.results())
        write_table(results_file, RESULTS, rows)
        problems = tuple(itertools.islice(self.journal.results(incomplete=True), PROBLEMS))
        return ImportReport(
            self.file, results_file, self.journal.counts(), problems, stopped.message if stopped is not None else None
        )


def _shown(cell: str) -> str:
    """A cell that may hold anything, short and without what would steer a terminal."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", cell)[:100]


# -- enrolments -------------------------------------------------------------------------------------------------------


def import_enrolments(
    file: Path,
    client: Client,
    journal: RosterJournal,
    course_of: Callable[[str], str],
    *,
    advance: Advance = lambda count: None,
) -> ImportReport:
    """Enrol everybody on a list. Raises SourceError when it cannot be read at all, LockfileError; no ApiError: what the
    platform says stands in the report."""
    run = _Import(file, journal, advance)
    enrolling = _Enrolling(run, People(client))
    return run.run(lambda row: read_enrolment_row(row, course_of), enrolling.do)


class _Enrolling:
    def __init__(self, run: _Import, people: People) -> None:
        self._run = run
        self._people = people

    def do(self, fresh: Sequence[EnrolmentRow], begun: Sequence[EnrolmentRow]) -> None:
        # What was begun is looked up first: only what is surely not there is sent again.
        again = self._settle(begun)
        for batch in batches_of([*again, *fresh]):
            self._send(batch)

    def _send(self, batch: Batch) -> None:
        self._run.journal.begin(batch.rows)
        try:
            outcomes = self._call(batch)
        except OutcomeUnknownError:
            lost = self._settle(batch.rows)
            # The platform may be at it still: the next run looks again and sends what is not there by then.
            self._run.finish([(row, State.UNKNOWN, "no answer came; run again") for row in lost])
            return
        except ApiError as error:
            if self._run.is_fatal(error):
                self._run.finish([(row, State.WAITING, "") for row in batch.rows])
                raise _Stop from error
            if len(batch.rows) == 1:
                self._run.finish([(batch.rows[0], State.REFUSED, error.message)])
                return
            # One bad row may have spoilt the call for all: halves find it.
            middle = len(batch.rows) // 2
            for half in (batch.rows[:middle], batch.rows[middle:]):
                self._send(Batch(batch.way if len(half) > 1 else Way.ONE, half))
            return
        self._run.finish([_outcome(row, told) for row, told in zip(batch.rows, outcomes, strict=True)])

    def _call(self, batch: Batch) -> Sequence[RowOutcome]:
        first = batch.rows[0]
        mode, access = first.mode, first.check_access
        if batch.way is Way.STUDENTS:
            people = [row.person for row in batch.rows]
            return self._people.enrol_students(first.course, people, mode=mode, check_access=access).rows
        if batch.way is Way.COURSES:
            courses = [row.course for row in batch.rows]
            return self._people.enrol_in_courses(first.person, courses, mode=mode, check_access=access).rows
        return [self._people.enrol(first.person, first.course, mode=mode, check_access=access)]

    def _settle(self, rows: Sequence[EnrolmentRow]) -> list[EnrolmentRow]:
        """Look rows up that were sent and not answered; returns those that are surely not done."""
        absent: list[EnrolmentRow] = []
        settled: list[Outcome] = []
        try:
            for row in rows:
                (told,) = self._people.verify([(row.person, row.course)])
                if told.done is False:
                    absent.append(row)
                elif told.done:
                    settled.append((row, State.DONE, ""))
                else:
                    settled.append((row, State.UNKNOWN, told.reason))
        except ApiError as error:
            self._run.finish(settled)
            raise _Stop from error
        self._run.finish(settled)
        return absent


def _outcome(row: EnrolmentRow, told: RowOutcome) -> Outcome:
    if told.done is None:
        return row, State.UNKNOWN, told.reason
    return row, State.DONE if told.done else State.REFUSED, told.reason


# -- users --------------------------------------------------------------------------------------------------------------


def import_users(
    file: Path,
    client: Client,
    journal: RosterJournal,
    *,
    environ: Mapping[str, str],
    password_env: str | None = None,
    update: bool = False,
    advance: Advance = lambda count: None,
) -> ImportReport:
    """Make everybody on a list, or with `update` also change those that are there. As `import_enrolments`.

    A new user's password is that of the variable which the row or `password_env` names; else one that nobody knows, so
    that they come in by a reset or by their social login.
    """
    run = _Import(file, journal, advance)
    making = _Making(run, People(client), environ, password_env, update=update)
    return run.run(making.read, making.do)


class _Making:
    def __init__(
        self, run: _Import, people: People, environ: Mapping[str, str], password_env: str | None, *, update: bool
    ) -> None:
        self._run = run
        self._people = people
        self._environ = environ
        self._password_env = password_env
        self._update = update

    def read(self, row: TableRow) -> UserRow:
        found = read_user_row(row)
        variable = found.password_env or self._password_env
        if variable and not self._environ.get(variable):
            raise BadRowError(f"password_env: the variable {variable} is not set")
        return found

    def _new_user(self, row: UserRow) -> NewUser:
        variable = row.password_env or self._password_env
        password = Secret(self._environ[variable]) if variable else None
        if password is None and not self._update:
            password = Secret(secrets.token_urlsafe(24))
        return NewUser(
            row.username, row.email, password, row.name, row.provider, row.tpa_uid, row.is_staff, row.is_active
        )

    def do(self, fresh: Sequence[UserRow], begun: Sequence[UserRow]) -> None:
        for row in begun:
            # An update is harmless twice; a create that was never answered is looked up first.
            if self._update or not self._adopt(row):
                self._send(row)
        for row in fresh:
            self._send(row)

    def _send(self, row: UserRow) -> None:
        user = self._new_user(row)
        self._run.journal.begin([row])
        try:
            note = self._make(user)
        except OutcomeUnknownError:
            if self._update or not self._adopt(row):
                self._run.finish([(row, State.UNKNOWN, "no answer came; run again")])
            return
        except ApiError as error:
            if self._run.is_fatal(error):
                self._run.finish([(row, State.WAITING, "")])
                raise _Stop from error
            self._run.finish([(row, State.REFUSED, error.message)])
            return
        self._run.finish([(row, State.DONE, note)])

    def _make(self, user: NewUser) -> str:
        """A note on how it went. Raises ApiError."""
        if not self._update:
            held = self._people.read_user(user.username)
            if held is not None and (held.email or "").lower() != user.email.lower():
                raise RefusedError("another user has this name")
            if held is not None:
                return "was there already, and was left as it is"
        return _note(self._people.make_user(user, update=self._update))

    def _adopt(self, row: UserRow) -> bool:
        """Look a user up whose create was never answered; false when there is none."""
        user = self._new_user(row)
        try:
            held = self._people.read_user(row.username)
            if held is None:
                return False
            if (held.email or "").lower() != row.email.lower():
                self._run.finish([(row, State.REFUSED, "another user has this name")])
            else:
                self._run.finish([(row, State.DONE, _note(self._people.verify_user(user, created=True)))])
        except ApiError as error:
            self._run.finish([(row, State.UNKNOWN, "no answer came; run again")])
            raise _Stop from error
        return True


def _note(result: UserResult) -> str:
    """What is not as it was asked for. Passwords can never be read back: that goes without saying."""
    said = [str(row) for row in result.not_taken]
    said += [f"{name}: could not be read back" for name in result.unverified if name != "password"]
    return "; ".join(said)


__all__ = ["ImportReport", "count_rows", "import_enrolments", "import_users"]
