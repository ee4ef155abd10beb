"""Lists of people: what a row of a users' or an enrolments' CSV asks for, and how rows go together into calls. Pure.

Comes in: `TableRow`. Goes out: `UserRow`, `EnrolmentRow`, or what is wrong with it; and `Batch` values.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from authoring.errors import SourceError
from authoring.platform.people import HONOR, Person
from authoring.platform.tables import TableRow

USER_COLUMNS = ("username", "email", "name", "password_env", "provider", "tpa_uid", "is_staff", "is_active")
ENROLMENT_COLUMNS = ("username", "email", "user_id", "course", "mode", "check_access")
COLUMNS = tuple(dict.fromkeys((*USER_COLUMNS, *ENROLMENT_COLUMNS)))
"""One file may serve both imports; each reads its own columns."""

MODES = ("honor", "audit", "verified", "professional", "no-id-professional", "credit", "masters", "executive-education")
BATCH = 100
"""People in one call: what is lost from sight together when an answer does not come."""

_USERNAME = re.compile(r"[\w.@+-]{2,150}")
_EMAIL = re.compile(r"[^@\s,;<>()]+@[^@\s,;<>()]+\.[^@\s,;<>().]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class BadRowError(Exception):
    """A row that asks for nothing that can be done; its text says why."""


@dataclass(frozen=True, slots=True)
class UserRow:
    """A user to be made. `password_env` names an environment variable."""

    line: int
    username: str
    email: str
    name: str | None = None
    password_env: str | None = None
    provider: str | None = None
    tpa_uid: str | None = None
    is_staff: bool | None = None
    is_active: bool | None = None

    @property
    def key(self) -> str:
        return self.username.lower()

    @property
    def course(self) -> str:
        return ""

    @property
    def who(self) -> str:
        return self.username

    @property
    def digest(self) -> str:
        """Of what it asks for; where it stands and the password's place are no part of it."""
        return _digest(self.username, self.email, self.name, self.provider, self.tpa_uid, self.is_staff, self.is_active)


@dataclass(frozen=True, slots=True)
class EnrolmentRow:
    """An enrolment to be made; `course` is a course key."""

    line: int
    person: Person
    course: str
    mode: str = HONOR
    check_access: bool = True

    @property
    def key(self) -> str:
        return f"{self.person.by}:{str(self.person).lower()} {self.course}"

    @property
    def who(self) -> str:
        return str(self.person)

    @property
    def digest(self) -> str:
        return _digest(self.key, self.mode, self.check_access)


def _digest(*values: object) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]


def user_row(row: TableRow) -> UserRow:
    """Raises BadRowError."""
    _check_shape(row)
    cells = row.cells
    username, email = cells.get("username", ""), cells.get("email", "")
    _check_names(username, email)
    if not username or not email:
        raise BadRowError("a user needs a username and an email")
    variable = cells.get("password_env", "")
    if variable and not _VARIABLE.fullmatch(variable):
        raise BadRowError("password_env: not the name of an environment variable")
    return UserRow(
        row.line,
        username,
        email,
        cells.get("name") or None,
        variable or None,
        cells.get("provider") or None,
        cells.get("tpa_uid") or None,
        _truth(row, "is_staff"),
        _truth(row, "is_active"),
    )


def enrolment_row(row: TableRow, course_of: Callable[[str], str]) -> EnrolmentRow:
    """`course_of` makes a course key of what stands in `course` (a key or a folder), or raises SourceError.

    The first of username, email and user_id that is given names the person. Raises BadRowError.
    """
    _check_shape(row)
    cells = row.cells
    username, email, number = (cells.get(name, "") for name in ("username", "email", "user_id"))
    _check_names(username, email)
    if username:
        person = Person.named(username=username)
    elif email:
        person = Person.named(email=email)
    elif number:
        if not re.fullmatch(r"[0-9]{1,18}", number):
            raise BadRowError(f"user_id: {number[:40]!r} is not a number")
        person = Person.named(user_id=int(number))
    else:
        raise BadRowError("nobody is named: it has no username, email or user_id")
    mode = cells.get("mode", "").lower() or HONOR
    if mode not in MODES:
        raise BadRowError(f"mode: {mode[:40]!r} is none of {', '.join(MODES)}")
    try:
        course = course_of(cells.get("course", ""))
    except SourceError as error:
        raise BadRowError(f"course: {error.message}") from error
    access = _truth(row, "check_access")
    return EnrolmentRow(row.line, person, course, mode, True if access is None else access)


def _check_shape(row: TableRow) -> None:
    if row.fault:
        raise BadRowError(row.fault)


def _check_names(username: str, email: str) -> None:
    if username and not _USERNAME.fullmatch(username):
        raise BadRowError(f"username: {username[:40]!r} is not one (2 to 150 letters, digits, `_ . @ + -`)")
    if email and not _EMAIL.fullmatch(email):
        raise BadRowError(f"email: {email[:60]!r} is not one")


_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": None}


def _truth(row: TableRow, name: str) -> bool | None:
    text = row.cells.get(name, "").lower()
    if text not in _TRUTHS:
        raise BadRowError(f"{name}: {text[:40]!r} is neither true nor false")
    return _TRUTHS[text]


# -- calls --------------------------------------------------------------------------------------------------------------


class Way(StrEnum):
    """Which of the three enrolments a batch is sent with."""

    ONE = "one"
    COURSES = "courses"
    STUDENTS = "students"


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that go in one call: many people in one course, many courses of one person, or one of each."""

    way: Way
    rows: tuple[EnrolmentRow, ...]


def batches_of(rows: Sequence[EnrolmentRow], size: int = BATCH) -> Iterator[Batch]:
    """The fewest calls for some rows: by course first; who is alone in a course is sent with their other courses."""
    by_course: dict[tuple[object, ...], list[EnrolmentRow]] = defaultdict(list)
    for row in rows:
        by_course[row.course, row.mode, row.check_access, row.person.by].append(row)
    alone: dict[tuple[object, ...], list[EnrolmentRow]] = defaultdict(list)
    for group in by_course.values():
        for part in _parts(group, size):
            if len(part) == 1:
                alone[part[0].person, part[0].mode, part[0].check_access].append(part[0])
            else:
                yield Batch(Way.STUDENTS, part)
    for group in alone.values():
        for part in _parts(group, size):
            yield Batch(Way.COURSES if len(part) > 1 else Way.ONE, part)


def _parts(rows: Sequence[EnrolmentRow], size: int) -> Iterator[tuple[EnrolmentRow, ...]]:
    for start in range(0, len(rows), size):
        yield tuple(rows[start : start + size])
