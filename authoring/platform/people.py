"""Users and enrolments: `POST /api/ibl/users/manage/`, the three enrolments, and the reads that verify them.

Comes in: who and where. Goes out: `UserResult` and `Enrolled`, which say what is proven and what is not: the platform
ignores wrong-typed options, swallows errors of social links, and answers a bulk enrolment with one 200 for all of its rows.

Sources: docs/platform.md; Open edX: openedx/core/djangoapps/user_api/accounts/views.py, enrollments/views.py,
third_party_auth/api/views.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from authoring.calls import Answer, Call, CallKind, Json, Service
from authoring.client import Client, Reply
from authoring.client.failures import Redactor
from authoring.errors import ApiError, LoginError, NonsenseError, OutcomeUnknownError, RefusedError
from authoring.platform.endpoints import Endpoint
from authoring.platform.enrolment_rows import RowOutcome, rows_of
from authoring.platform.records import Record
from authoring.platform.replies import Difference, differences, record_of, records_of, segment
from authoring.settings import Secret

CREATED = 201
HONOR = "honor"
"""The mode that the platform's own endpoint takes when none is given; stock Open edX takes `audit`."""
MANAGE = "/api/ibl/users/manage/"
ENROLL = "/api/ibl/enrollment/enroll/"
ENROLL_COURSES = "/api/ibl/enrollment/enroll/bulk/"
ENROLL_STUDENTS = "/api/ibl/enrollment/enroll/student/bulk/"

ENDPOINTS = (
    Endpoint("POST", MANAGE, "People.create_user", "user create", False, "`update: false`: creates"),
    Endpoint("POST", MANAGE, "People.update_user", "user update", True, "`update: true`: creates or changes"),
    Endpoint("GET", "/api/user/v1/accounts/{username}", "People.read_user", "user show", True, "stock; verifies"),
    Endpoint("GET", "/api/user/v1/accounts?email=", "People.find_user", "user show --email", True, "stock; verifies"),
    Endpoint("GET", "/api/third_party_auth/v0/users/?username=", "People.read_links", "user show", True, "stock"),
    Endpoint("POST", ENROLL, "People.enrol", "enrol one", False, "one user, one course or item"),
    Endpoint("POST", ENROLL_COURSES, "People.enrol_in_courses", "enrol courses", False, "one user, many courses"),
    Endpoint("POST", ENROLL_STUDENTS, "People.enrol_students", "enrol students", False, "many users, one course"),
    Endpoint("GET", "/api/enrollment/v1/enrollment/{username},{course}", "People.read_enrolment", "enrol show", True, "stock; verifies"),
)  # fmt: skip


class User(Record):
    """A user as the LMS shows one."""

    username: str
    email: str | None = None
    name: str | None = None
    is_active: bool | None = None


class SocialLink(Record):
    """A login of another system that leads to a user."""

    provider_id: str
    remote_id: str | None = None


class Enrolment(Record):
    """A user's place in a course. `mode` is `honor`, `audit`, `verified` …"""

    mode: str | None = None
    is_active: bool = True
    user: str | None = None


class By(StrEnum):
    """What a person is named by; the value is the key of the endpoint's body."""

    USERNAME = "username"
    EMAIL = "email"
    USER_ID = "user_id"


@dataclass(frozen=True, slots=True)
class Person:
    """Exactly one name of a user: by username, email or the LMS's number."""

    by: By
    value: str | int

    @classmethod
    def named(cls, username: str = "", email: str = "", user_id: int | None = None) -> Person:
        """Raises RefusedError unless exactly one is given; nothing is sent then."""
        given = [(By.USERNAME, username), (By.EMAIL, email), (By.USER_ID, user_id)]
        found = [cls(by, value) for by, value in given if value not in ("", None)]
        if len(found) != 1:
            raise RefusedError("name the user in one way: username, email or user id; nothing was sent")
        return found[0]

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True)
class NewUser:
    """What `users/manage` is told of a user. None leaves an option to the platform.

    The platform passes over options of a wrong type without a word, so each has its own type here. It documents no `name`:
    it is sent, and the result says whether it was taken.
    """

    username: str
    email: str
    password: Secret | None = None
    name: str | None = None
    provider: str | None = None
    tpa_uid: str | None = None
    is_staff: bool | None = None
    is_active: bool | None = None

    def body(self, *, update: bool) -> dict[str, Json]:
        """The request's JSON, with the password. Raises RefusedError for values of a wrong type or none at all."""
        options: dict[str, str | bool | None] = {
            "username": self.username,
            "email": self.email,
            "name": self.name,
            "provider": self.provider,
            "tpa_uid": self.tpa_uid,
            "is_staff": self.is_staff,
            "is_active": self.is_active,
        }
        for name, value in options.items():
            wanted = bool if name.startswith("is_") else str
            if value is not None and not isinstance(value, wanted):
                word = "true or false" if wanted is bool else "a text"
                raise RefusedError(f"{name} must be {word}; the platform would ignore it. Nothing was sent")
        if not self.username or not self.email:
            raise RefusedError("a user needs a username and an email; nothing was sent")
        if self.password is None and not update:
            raise RefusedError("a new user needs a password; nothing was sent", "name an environment variable with it")
        body: dict[str, Json] = {name: value for name, value in options.items() if value is not None}
        if self.password is not None:
            body["password"] = self.password.reveal()
        return {**body, "update": update}


@dataclass(frozen=True, slots=True)
class UserResult:
    """What became of a user. `user` is what was read back; `not_taken` what the platform holds otherwise than it was sent;
    `unverified` what could not be read back."""

    username: str
    created: bool
    user: User | None
    not_taken: tuple[Difference, ...] = ()
    unverified: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        return {
            "username": self.username,
            "created": self.created,
            "user": self.user.model_dump() if self.user else None,
            "not_taken": [{"field": row.field, "held": row.held} for row in self.not_taken],
            "unverified": list(self.unverified),
        }


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The answer of a bulk enrolment: an outcome for each row that was asked for, in that order."""

    rows: tuple[RowOutcome, ...]

    @property
    def complete(self) -> bool:
        """Whether every row is known to be done."""
        return all(row.done for row in self.rows)

    def to_json(self) -> dict[str, object]:
        return {"complete": self.complete, "rows": [row.to_json() for row in self.rows]}


class People:
    """Users and enrolments of a target's LMS. Every method raises ApiError."""

    def __init__(self, client: Client) -> None:
        self._client = client

    # -- users --------------------------------------------------------------------------------------------------------

    def user_call(self, user: NewUser, *, update: bool = False) -> Call:
        """`POST /api/ibl/users/manage/`. The caller must be global staff."""
        kind = CallKind.UPDATE if update else CallKind.CREATE
        return Call(
            kind,
            Service.LMS,
            "POST",
            MANAGE,
            json=user.body(update=update),
            answer=Answer.EMPTY_OR_JSON,
            repeatable=update,
            secret=user.password is not None,
            check=lambda reply: _refusals(reply, user.password),
        )

    def create_user(self, user: NewUser) -> UserResult:
        """Make a user, and read back what became of it. A user of that name is refused (`RefusedError`)."""
        if self.read_user(user.username) is not None:
            raise RefusedError(
                f"there is a user {user.username!r} already; nothing was sent", "`user update` changes it"
            )
        return self.make_user(user)

    def update_user(self, user: NewUser) -> UserResult:
        """Make a user or change the one there is, and read back what became of it."""
        return self.make_user(user, update=True)

    def make_user(self, user: NewUser, *, update: bool = False) -> UserResult:
        """Send a user without looking first, and read back what became of it."""
        reply = self._client.send(self.user_call(user, update=update))
        return self.verify_user(user, created=not update or reply.status == CREATED)

    def verify_user(self, user: NewUser, *, created: bool) -> UserResult:
        """Read a user back and hold it against what was asked for. A read that fails makes things unverified: the user is
        made all the same. Raises nothing."""
        unverified: list[str] = []
        held: User | None = None
        try:
            held = self.read_user(user.username)
        except ApiError:
            unverified.append("user")
        sent = {name: value for name, value in user.body(update=True).items() if name in ("email", "name", "is_active")}
        not_taken = differences(sent, held.model_dump()) if held is not None else ()
        if user.is_staff is not None:
            unverified.append("is_staff")  # no read tells of it
        if user.provider is not None:
            wanted = (user.provider, user.tpa_uid or user.username)
            try:
                links = self.read_links(user.username)
            except ApiError:
                unverified.append("provider")
            else:
                if not any(_is_link(link, *wanted) for link in links):
                    not_taken += (
                        Difference("provider", "the social login was not linked: the platform says no error"),
                    )
        if user.password is not None:
            unverified.append("password")
        return UserResult(user.username, created, held, not_taken, tuple(unverified))

    def read_user(self, username: str) -> User | None:
        """`GET /api/user/v1/accounts/{username}`; None when there is none."""
        call = _read(f"/api/user/v1/accounts/{segment(username, 'username')}")
        reply = self._read_or_none(call)
        return record_of(User, call, reply) if reply is not None else None

    def find_user(self, email: str) -> User | None:
        """`GET /api/user/v1/accounts?email=`; None when there is none."""
        call = _read("/api/user/v1/accounts", {"email": email})
        reply = self._read_or_none(call)
        found = records_of(User, call, reply) if reply is not None else ()
        return next((user for user in found if (user.email or email).lower() == email.lower()), None)

    def read_links(self, username: str) -> tuple[SocialLink, ...]:
        """`GET /api/third_party_auth/v0/users/?username=`: the social logins of a user."""
        call = _read("/api/third_party_auth/v0/users/", {"username": username})
        reply = self._client.send(call)
        active = reply.json.get("active") if isinstance(reply.json, Mapping) else None
        if active is None:
            raise NonsenseError(f"{call}: the answer tells of no links", call=str(call), status=reply.status)
        return records_of(SocialLink, call, Reply(reply.status, active))

    def _read_or_none(self, call: Call) -> Reply | None:
        try:
            reply = self._client.send(call)
        except RefusedError as error:
            if error.status == 404:
                return None
            raise
        return reply if reply.json is not None else None

    # -- enrolments ---------------------------------------------------------------------------------------------------

    def enrol(
        self, person: Person, course: str = "", *, item: str = "", mode: str = HONOR, check_access: bool = True
    ) -> RowOutcome:
        """One user in one course (or catalogue item). What the answer does not say is read back where it can be."""
        if bool(course) == bool(item):
            raise RefusedError("name a course or an item, one of them; nothing was sent")
        body: dict[str, Json] = {"course_id": course} if course else {"item_id": item}
        call = _enrolment(ENROLL, {**body, str(person.by): person.value, "mode": mode, "check_access": check_access})
        row = rows_of(call, self._client.send(call), [course or item])[0]
        if course and not row.stated and person.by is not By.USER_ID:
            return self.verify([(person, course)])[0]
        return row

    def enrol_in_courses(
        self, person: Person, courses: Sequence[str], *, mode: str = HONOR, check_access: bool = True
    ) -> Enrolled:
        """One user in many courses: an outcome a course; those that the answer does not tell of are read back."""
        _need_rows(courses)
        call = _enrolment(
            ENROLL_COURSES,
            {"courses": list(courses), str(person.by): person.value, "mode": mode, "check_access": check_access},
        )
        rows = rows_of(call, self._client.send(call), courses)
        return self._with_reads(rows, [(person, course) for course in courses])

    def enrol_students(
        self, course: str, people: Sequence[Person], *, mode: str = HONOR, check_access: bool = True
    ) -> Enrolled:
        """Many users in one course: an outcome a user; those that the answer does not tell of are read back."""
        call = self.students_call(course, people, mode=mode, check_access=check_access)
        rows = rows_of(call, self._client.send(call), [str(person) for person in people])
        return self._with_reads(rows, [(person, course) for person in people])

    def students_call(
        self, course: str, people: Sequence[Person], *, mode: str = HONOR, check_access: bool = True
    ) -> Call:
        """`POST /api/ibl/enrollment/enroll/student/bulk/`. Raises RefusedError unless all are named in the same way."""
        _need_rows(people)
        ways = {person.by for person in people}
        if len(ways) > 1:
            raise RefusedError("name all users of one bulk enrolment in the same way; nothing was sent")
        values: list[Json] = [person.value for person in people]
        return _enrolment(
            ENROLL_STUDENTS,
            {"course_id": course, f"{ways.pop()}s": values, "mode": mode, "check_access": check_access},
        )

    def read_enrolment(self, username: str, course: str) -> Enrolment | None:
        """`GET /api/enrollment/v1/enrollment/{username},{course}`; None when there is none (404, or an empty answer)."""
        call = _enrolment_read(username, course)
        reply = self._read_or_none(call)
        return record_of(Enrolment, call, reply) if reply is not None else None

    def verify(self, wanted: Iterable[tuple[Person, str]]) -> tuple[RowOutcome, ...]:
        """Read enrolments back: a row is enrolled, or it is not, or (a read was refused, a number names the user) unknown."""
        return tuple(self._verify_one(person, course) for person, course in wanted)

    def _verify_one(self, person: Person, course: str) -> RowOutcome:
        name = str(person)
        try:
            username = name
            if person.by is By.USER_ID:
                return RowOutcome.unstated(name)
            if person.by is By.EMAIL:
                user = self.find_user(name)
                if user is None:
                    return RowOutcome.refused(name, "no user has this email")
                username = user.username
            found = self.read_enrolment(username, course)
        except (LoginError, RefusedError, OutcomeUnknownError):
            return RowOutcome.unstated(name)
        if found is None or not found.is_active:
            return RowOutcome.refused(name, "not enrolled, by the platform's own list")
        return RowOutcome.enrolled(name)

    def _with_reads(self, rows: Sequence[RowOutcome], asked: Sequence[tuple[Person, str]]) -> Enrolled:
        return Enrolled(
            tuple(
                row if row.stated else self.verify([wanted])[0].named(row.name)
                for row, wanted in zip(rows, asked, strict=True)
            )
        )


def _read(path: str, query: Mapping[str, str] | None = None) -> Call:
    return Call(CallKind.READ, Service.LMS, "GET", path, query=query or {}, answer=Answer.EMPTY_OR_JSON)


def _enrolment_read(username: str, course: str) -> Call:
    return _read(f"/api/enrollment/v1/enrollment/{segment(username, 'username')},{segment(course, 'course key')}")


def _enrolment(path: str, body: Mapping[str, Json]) -> Call:
    # Whether a second enrolment changes nothing is documented nowhere: it is not sent again by itself.
    return Call(CallKind.UPDATE, Service.LMS, "POST", path, json=body, answer=Answer.EMPTY_OR_JSON, repeatable=False)


def _need_rows(rows: Sequence[object]) -> None:
    if not rows:
        raise RefusedError("nobody is named; nothing was sent")


def _refusals(body: Json, password: Secret | None) -> Sequence[str]:
    """Errors inside a success of `users/manage`, without the password that they may repeat."""
    if isinstance(body, Mapping) and (body.get("success") is False or body.get("error")):
        said = str(body.get("error") or body.get("detail") or "the platform says that it did not succeed")
        return [Redactor([password.reveal()] if password else []).clean(said)]
    return ()


def _is_link(link: SocialLink, provider: str, uid: str) -> bool:
    """Providers are `saml-idp`, `oa2-google`: the part after the first dash is what people call them by."""
    named = link.provider_id == provider or link.provider_id.partition("-")[2] == provider
    return named and (link.remote_id is None or link.remote_id.rpartition(":")[2] == uid or link.remote_id == uid)


__all__ = ["ENDPOINTS", "By", "Enrolled", "Enrolment", "NewUser", "People", "Person", "User", "UserResult"]
