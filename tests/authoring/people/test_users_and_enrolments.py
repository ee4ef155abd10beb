"""Users and the three enrolments over HTTP: success, refusal, an expired token, an unknown outcome."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from authoring.client import Client, Reply
from authoring.errors import LoginError, OutcomeUnknownError, RefusedError
from authoring.platform import bots, chat, mentors
from authoring.platform import people as people_module
from authoring.platform.enrolment_rows import RowOutcome, rows_of
from authoring.platform.people import Enrolled, NewUser, People, Person
from authoring.sandbox import DOCUMENTED, Fault, FaultKind, SandboxServer
from authoring.settings import ClientCredentials, Secret, Target, sandbox_target
from tests.authoring.people.conftest import COURSES, PASSWORD

ADA = Person.named(username="ada")
DEED = {
    "create": lambda people: people.create_user(NewUser("bob", "bob@example.com", PASSWORD)),
    "update": lambda people: people.update_user(NewUser("ada", "new@example.com")),
    "one": lambda people: people.enrol(ADA, COURSES[0]),
    "courses": lambda people: people.enrol_in_courses(ADA, COURSES),
    "students": lambda people: people.enrol_students(COURSES[0], [ADA]),
}
READS = {
    "user": lambda people: people.read_user("ada"),
    "user by email": lambda people: people.find_user("ada@example.com"),
    "links": lambda people: people.read_links("ada") == (),
    "enrolment": lambda people: people.read_enrolment("ada", COURSES[0]) is None,
}
WRITES = {
    "create": "/users/manage/",
    "update": "/users/manage/",
    "one": "/enroll/$",
    "courses": "/enroll/bulk/",
    "students": "/enroll/student/bulk/",
}


def writes(server: SandboxServer) -> list[str]:
    return [row.path for row in server.requests if row.method == "POST" and "access_token" not in row.path]


def held(server: SandboxServer) -> dict[str, int]:
    """How often each enrolment was made."""
    return {key: row["times"] for key, row in server.rows("enrolment").items()}


# -- users ------------------------------------------------------------------------------------------------------------


def test_a_user_is_made_and_read_back(people: People, server: SandboxServer) -> None:
    user = NewUser("bob", "bob@example.com", PASSWORD, provider="sandbox", tpa_uid="b-1", is_active=False)
    result = people.create_user(user)
    assert result.created and not result.not_taken
    assert result.user is not None and result.user.email == "bob@example.com" and result.user.is_active is False
    assert result.unverified == ("password",)
    assert server.rows("user")["bob"]["links"][0]["remote_id"] == "b-1"


def test_what_the_platform_swallows_is_said(people: People) -> None:
    user = NewUser("bob", "bob@example.com", PASSWORD, name="Bob B.", provider="no-such-provider", is_staff=True)
    result = people.create_user(user)
    assert {row.field for row in result.not_taken} == {"name", "provider"}
    assert set(result.unverified) == {"is_staff", "password"}


def test_options_of_a_wrong_type_are_never_sent(people: People, server: SandboxServer) -> None:
    server.clear_log()
    for user in (
        NewUser("bob", "bob@example.com", PASSWORD, is_staff="yes"),  # type: ignore[arg-type]
        NewUser("bob", "bob@example.com", PASSWORD, tpa_uid=7),  # type: ignore[arg-type]
        NewUser("bob", "bob@example.com"),
        NewUser("", "bob@example.com", PASSWORD),
    ):
        with pytest.raises(RefusedError, match=r"nothing was sent|Nothing was sent"):
            people.create_user(user)
    assert not writes(server)


def test_a_name_that_would_change_the_address_is_refused(people: People, server: SandboxServer) -> None:
    for name in ("../enroll", "a/b", "..", ""):
        with pytest.raises(RefusedError):
            people.read_user(name)


def test_a_second_user_of_the_name_is_refused(people: People, ada: NewUser, server: SandboxServer) -> None:
    with pytest.raises(RefusedError, match="already"):
        people.create_user(ada)
    with pytest.raises(RefusedError, match="taken"):
        people.create_user(NewUser("bob", ada.email, PASSWORD))
    assert server.rows("user")["ada"]["times"] == 1


def test_an_update_changes_or_makes(people: People, ada: NewUser, server: SandboxServer) -> None:
    changed = people.update_user(NewUser("ada", "new@example.com"))
    assert not changed.created and changed.user is not None and changed.user.email == "new@example.com"
    assert people.update_user(NewUser("cyd", "cyd@example.com", PASSWORD)).created
    assert people.find_user("NEW@example.com") == changed.user
    assert people.find_user("ada@example.com") is None


# -- enrolments -------------------------------------------------------------------------------------------------------


def test_one_user_in_one_course(people: People, ada: NewUser, server: SandboxServer) -> None:
    assert people.enrol(ADA, COURSES[0]).done
    assert people.enrol(Person.named(email=ada.email), COURSES[1], mode="audit").done
    assert people.enrol(ADA, item="item-1").done
    assert held(server) == {f"ada,{course}": 1 for course in COURSES}
    found = people.read_enrolment("ada", COURSES[1])
    assert found is not None and found.mode == "audit" and found.model_extra
    assert people.read_enrolment("nobody", COURSES[1]) is None


def test_refusals_of_single_enrolments(people: People, ada: NewUser) -> None:
    for person, course in ((Person.named(username="nobody"), COURSES[0]), (ADA, "course-v1:No+Such+Course")):
        with pytest.raises(RefusedError, match="does not exist"):
            people.enrol(person, course)
    with pytest.raises(RefusedError, match="one of them"):
        people.enrol(ADA, COURSES[0], item="item")
    with pytest.raises(RefusedError, match="no mode"):
        people.enrol(ADA, COURSES[0], mode="strange")
    with pytest.raises(RefusedError, match="one way"):
        Person.named("ada", "ada@example.com")


def test_a_bulk_success_is_read_row_by_row(people: People, ada: NewUser, server: SandboxServer) -> None:
    courses = people.enrol_in_courses(ADA, [*COURSES, "course-v1:No+Such+Course"])
    assert [row.done for row in courses.rows] == [True, True, False] and not courses.complete
    students = people.enrol_students(COURSES[0], [Person.named(email="no@example.com"), Person.named(email=ada.email)])
    assert [(row.name, row.done) for row in students.rows] == [("no@example.com", False), ("ada@example.com", True)]
    assert "does not exist" in students.rows[0].reason
    with pytest.raises(RefusedError, match="same way"):
        people.enrol_students(COURSES[0], [ADA, Person.named(email="no@example.com")])
    with pytest.raises(RefusedError, match="nobody"):
        people.enrol_students(COURSES[0], [])


def test_a_bulk_answer_that_says_nothing_is_read_back(tmp_path: Path) -> None:
    silent = replace(DOCUMENTED, bulk_rows_told=False)
    with SandboxServer(tmp_path / "s.sqlite3", silent) as server, Client(sandbox_target(server.url)) as client:
        people = People(client)
        with server._open() as store:
            store.save_course(COURSES[0], {})
        people.create_user(NewUser("ada", "ada@example.com", PASSWORD))
        result = people.enrol_students(COURSES[0], [ADA, Person.named(username="nobody")])
        assert [row.done for row in result.rows] == [True, False]
        by_email = people.enrol_students(COURSES[0], [Person.named(email="ada@example.com")])
        assert by_email.complete
        number = int(server.rows("user")["ada"]["id"])
        unknown = people.enrol_students(COURSES[0], [Person.named(user_id=number)])
        assert unknown.rows[0].done is None and not unknown.complete


def test_reads_that_fail_leave_things_unverified(people: People, ada: NewUser, server: SandboxServer) -> None:
    server.faults.add(Fault(FaultKind.RESET_BEFORE, "read", times=99))
    result = people.make_user(NewUser("bob", "bob@example.com", PASSWORD, provider="sandbox"))
    assert result.created and result.user is None and result.unverified == ("user", "provider", "password")
    assert people.verify([(ADA, COURSES[0])])[0].done is None


# -- what happens to calls -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deed", DEED)
def test_an_expired_token_is_renewed(deed: str, people: People, ada: NewUser, server: SandboxServer) -> None:
    server.expire_tokens()
    result = DEED[deed](people)
    assert result.complete if isinstance(result, Enrolled) else result
    assert writes(server).count(next(path for path in writes(server))) >= 1
    assert [row.status for row in server.requests].count(401) == 1


@pytest.mark.parametrize("read", READS)
def test_a_read_renews_its_token_and_is_made_again(
    read: str, people: People, ada: NewUser, server: SandboxServer
) -> None:
    server.expire_tokens()
    server.faults.add(Fault(FaultKind.RESET_AFTER, "read", skip=1))
    assert READS[read](people)
    assert [row.status for row in server.requests].count(401) == 1


def test_writes_go_to_addresses_with_their_slash() -> None:
    for endpoint in (*people_module.ENDPOINTS, *mentors.ENDPOINTS, *bots.ENDPOINTS, *chat.ENDPOINTS):
        if endpoint.method != "GET":
            assert endpoint.path.endswith("/") and "//" not in endpoint.path, endpoint


@pytest.mark.parametrize("deed", DEED)
def test_a_withdrawn_login_is_a_login_error(deed: str, people: People, ada: NewUser, target: Target) -> None:
    wrong = replace(target, oauth=ClientCredentials("sandbox", Secret("not-the-secret"), "/oauth2/access_token/"))
    with Client(wrong) as client, pytest.raises(LoginError):
        DEED[deed](People(client))


@pytest.mark.parametrize("kind", [FaultKind.RESET_AFTER, FaultKind.ERROR_AFTER, FaultKind.HTML, FaultKind.TRUNCATED])
@pytest.mark.parametrize("deed", DEED)
def test_an_unknown_outcome_is_never_sent_again(
    deed: str, kind: FaultKind, people: People, ada: NewUser, server: SandboxServer
) -> None:
    server.faults.add(Fault(kind, path=WRITES[deed]))
    with pytest.raises(OutcomeUnknownError):
        DEED[deed](people)
    assert len(writes(server)) == 1
    assert all(times == 1 for times in held(server).values())
    if deed == "create":
        assert people.read_user("bob") is not None
    elif deed != "update":
        assert people.verify([(ADA, COURSES[0])])[0].done


@pytest.mark.parametrize("kind", [FaultKind.LOGIN_REDIRECT, FaultKind.RESET_BEFORE, FaultKind.THROTTLED])
def test_nothing_is_done_where_nothing_came_through(
    kind: FaultKind, people: People, ada: NewUser, server: SandboxServer
) -> None:
    server.faults.add(Fault(kind, path="/enroll/$"))
    if kind is FaultKind.THROTTLED:
        assert people.enrol(ADA, COURSES[0]).done
        return
    with pytest.raises((LoginError, OutcomeUnknownError)):
        people.enrol(ADA, COURSES[0])
    assert held(server) == {}


# -- shapes of bulk answers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "done"),
    [
        ([{"username": "ada", "success": True}, {"username": "bob", "error": "no"}], [True, False]),
        ({"results": [{"identifier": "ADA", "status": "enrolled"}, {"identifier": "bob", "invalidIdentifier": True}]}, [True, False]),
        ({"success": ["ada"], "failed": {"bob": "unknown"}}, [True, False]),
        ({"enrolled": ["ada"], "errors": [{"user": "bob", "message": "x"}]}, [True, False]),
        ({"results": {"success": ["ada"], "failed": ["bob"]}}, [True, False]),
        ({"success": ["ada", "bob"], "errors": ["bob"]}, [True, False]),
        ([{"username": "ada", "status": 200}, {"username": "bob", "status": 404}], [True, False]),
        ({"message": "done"}, [None, None]),
        ({"success": True}, [None, None]),
        (None, [None, None]),
        ("ok", [None, None]),
        ([{"username": "ada"}, 7, None], [None, None]),
    ],
)  # fmt: skip
def test_shapes_of_a_bulk_answer(answer: object, done: list[bool | None], people: People) -> None:
    call = people.students_call(COURSES[0], [ADA])
    rows = rows_of(call, Reply(200, answer), ["ada", "bob"])  # type: ignore[arg-type]  # JSON
    assert [row.done for row in rows] == done
    assert [row.name for row in rows] == ["ada", "bob"]
    assert all(row.reason for row in rows if not row.done)


def test_an_outcome_says_itself() -> None:
    assert RowOutcome.refused("ada", "why").to_json() == {"name": "ada", "done": False, "reason": "why"}
