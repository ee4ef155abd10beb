"""Lists of people that a file declares: how far they are done, and doing the rest, row by row.

Comes in: a `PeopleList`, its CSV, the journal of people beside that. Goes out: a `Survey` for planning, an `ImportReport` after.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from authoring.client import Client
from authoring.declared.courses import Courses
from authoring.declared.kinds import USERS
from authoring.declared.model import PeopleList
from authoring.declared.planning import Survey
from authoring.errors import SourceError
from authoring.platform.imports import WINDOW, Advance, ImportReport, import_enrolments, import_users
from authoring.platform.roster import COLUMNS, BadRowError, enrolment_row, user_row
from authoring.platform.roster_journal import RosterJournal, Row, State
from authoring.platform.tables import TableRow, read_table

SHOWN = 20
"""Bad rows that a survey lists; the results' file has all."""


class ListRun:
    """One list at one target, as one run of the courses."""

    def __init__(self, one: PeopleList, client: Client, run: str | None, secrets: Mapping[str, str]) -> None:
        self.one = one
        self._client = client
        self._secrets = secrets
        self._courses = Courses(run)
        self._action = "user" if one.kind == USERS else "enrolment"

    def survey(self) -> Survey:
        """How the list stands, without asking the platform. Raises SourceError when it cannot be read as a list."""
        total = todo = bad_count = 0
        bad: list[tuple[int, str]] = []
        seen: dict[str, int] = {}
        with self._journal() as journal:
            for table_row in read_table(self.one.file, COLUMNS):
                total += 1
                try:
                    row = self._row(table_row)
                    if row.key in seen:
                        raise BadRowError(f"the same as line {seen[row.key]}")
                except BadRowError as error:
                    bad_count += 1
                    if len(bad) < SHOWN:
                        bad.append((table_row.line, str(error)))
                    continue
                seen[row.key] = row.line
                todo += journal.standing(row) != State.DONE
        return Survey(total, todo, tuple(bad), bad_count)

    def run(self, *, lookup: bool, advance: Advance) -> ImportReport:
        """Do what is left. `lookup`: somebody began this list; where this machine's journal knows nothing of it, each row is
        looked up before it is sent."""
        with self._journal() as journal:
            if lookup and not journal.knows_any:
                for rows in _windows(self._good_rows()):
                    journal.begin(rows)
            if self.one.kind == USERS:
                password = self.one.password.name if self.one.password is not None else None
                return import_users(
                    self.one.file,
                    self._client,
                    journal,
                    environ=self._secrets,
                    password_env=password,
                    update=self.one.update,
                    advance=advance,
                )
            return import_enrolments(self.one.file, self._client, journal, self._course_of, advance=advance)

    def _journal(self) -> RosterJournal:
        return RosterJournal(self.one.file, self._client.target.identity, self._action)

    def _row(self, row: TableRow) -> Row:
        return user_row(row) if self.one.kind == USERS else enrolment_row(row, self._course_of)

    def _good_rows(self) -> Iterator[Row]:
        for table_row in read_table(self.one.file, COLUMNS):
            try:
                yield self._row(table_row)
            except BadRowError:
                continue

    def _course_of(self, text: str) -> str:
        if text:
            return self._courses.ref(text, self.one.file.parent).key
        if self.one.course is None:
            raise SourceError("the row names none, and the list has no `course:`")
        return self.one.course.key


def _windows(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while window := list(itertools.islice(rows, WINDOW)):
        yield window
