"""Lists of people: good rows once, bad rows with their lines, an interrupted run goes on. Judged by the sandbox's own rows."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from authoring.client import Client, Sent
from authoring.errors import BusyError, SourceError
from authoring.platform.imports import ImportReport, import_enrolments, import_users
from authoring.platform.roster_journal import RosterJournal
from authoring.platform.tables import read_table, write_table
from authoring.sandbox import DOCUMENTED, Fault, FaultKind, SandboxServer
from authoring.sandbox.store import Store
from authoring.settings import Options, sandbox_target

ONE, TWO = "course-v1:Demo+DS101+2027_T1", "course-v1:Demo+DS102+2027_T1"


def seed(database: Path, people: int) -> None:
    """Users `p0`, `p1` … and two courses, put straight into the sandbox's file."""
    store = Store(database)
    with store.change():
        for key in (ONE, TWO):
            store.save_course(key, {})
        for number in range(people):
            name, email = f"p{number}", f"p{number}@example.com"
            row = {"username": name, "email": email, "name": "", "is_active": True, "is_staff": False, "links": []}
            store.save_row("user", name, row | {"times": 1})
            store.save_row("email", email, {"username": name})
    store.close()


class Office:
    """A folder with lists, and the sandbox that they go to."""

    def __init__(self, folder: Path, server: SandboxServer) -> None:
        self.folder, self.server = folder, server
        self.target = replace(sandbox_target(server.url), options=Options(timeout=5.0))

    def list(self, text: str | bytes, name: str = "list.csv") -> Path:
        file = self.folder / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def enrol(self, file: Path, on_call: Callable[[Sent], None] | None = None) -> ImportReport:
        with (
            Client(self.target, sleep=lambda seconds: None, on_call=on_call) as client,
            RosterJournal(file, "here", "enrolment") as journal,
        ):
            return import_enrolments(file, client, journal, course_of)

    def users(self, file: Path, **options: object) -> ImportReport:
        with Client(self.target, sleep=lambda seconds: None) as client, RosterJournal(file, "here", "user") as journal:
            return import_users(file, client, journal, environ={"PW": "a-password-Rt51"}, **options)  # type: ignore[arg-type]

    def times(self) -> dict[str, int]:
        """How often each enrolment was made."""
        return {key: row["times"] for key, row in self.server.rows("enrolment").items()}

    def writes(self) -> list[str]:
        found = [row.path for row in self.server.requests if row.method == "POST" and "token" not in row.path]
        self.server.clear_log()
        return found


def course_of(text: str) -> str:
    if not text.startswith("course-v1:"):
        raise SourceError(f"{text!r} is not a course")
    return text


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    database = tmp_path / "sandbox.sqlite3"
    seed(database, 20)
    lists = tmp_path / "lists"
    lists.mkdir()
    with SandboxServer(database) as server:
        yield Office(lists, server)


def problems(report: ImportReport) -> dict[int, str]:
    return {row.line: f"{row.state}: {row.note}" for row in report.problems}


def test_good_rows_are_done_and_bad_ones_told(office: Office) -> None:
    file = office.list(
        f"username,email,user_id,course,mode,check_access\n"
        f"p1,,,{ONE},,\n"
        f",p2@example.com,,{ONE},audit,\n"
        f",,,{ONE},,\n"
        f"nobody,,,{ONE},,\n"
        f'"p\n3",,,{ONE},,\n'
        f"p4,,,{ONE},strange,\n"
        f"p5,,,nowhere,,\n"
        f"p1,,,{ONE},,\n"
        f"=1+1,,,{ONE},,\n"
        f"p6,,,{ONE},,perhaps\n"
        f"p7,,,{ONE},,,,extra\n"
        f",,x7,{ONE},,\n"
        f"p8,not-an-email,,{ONE},,\n"
        f"\n"
        f"p9,,,{TWO},,false\n"
    )
    report = office.enrol(file)
    told = problems(report)
    assert list(told) == [4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15]
    assert told[4].startswith("bad-row: nobody is named") and told[5] == "refused: User does not exist."
    assert "is not one" in told[6] and "mode" in told[8] and "not a course" in told[9]
    assert told[10] == "bad-row: the same as line 2" and "'=1+1'" in told[11] and "check_access" in told[12]
    assert "cells" in told[13] and "user_id" in told[14] and "email" in told[15]
    assert office.times() == {f"p1,{ONE}": 1, f"p2,{ONE}": 1, f"p9,{TWO}": 1}
    assert office.server.rows("enrolment")[f"p2,{ONE}"]["mode"] == "audit"
    with report.results_file.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == ["line", "who", "course", "state", "note"]
    assert len(rows) == 15 and [row[1] for row in rows if row[0] == "11"] == ["'=1+1"], "text to a spreadsheet too"


def test_the_steering_of_terminals_is_kept_out(office: Office) -> None:
    file = office.list(f"username,course\np\x1b[31m1,{ONE}\n")
    (row,) = office.enrol(file).problems
    assert row.who == "p [31m1" and "\x1b" not in row.note


def test_a_second_run_sends_nothing_and_tries_what_was_refused(office: Office) -> None:
    file = office.list(f"username,course\np1,{ONE}\np2,{ONE}\nlate,{ONE}\n")
    assert office.enrol(file).counts["refused"] == 1
    office.writes()
    report = office.enrol(file)
    assert report.counts["done-before"] == 2 and office.writes() == ["/api/ibl/enrollment/enroll/"]
    with office.server._open() as store:
        store.save_row("user", "late", {"username": "late", "email": "l@example.com"})
    assert office.enrol(file).complete
    office.writes()
    assert office.enrol(file).complete and office.writes() == []
    office.list(f"username,course,mode\np1,{ONE},audit\n")
    assert office.enrol(file).counts["done"] == 1, "another mode is another wish"


def test_calls_are_put_together(office: Office) -> None:
    many = "".join(f"p{number},{ONE}\n" for number in range(10))
    file = office.list(f"username,course\n{many}p11,{ONE}x\np12,{TWO}\n")
    office.enrol(file)
    assert sorted(office.writes()) == ["/api/ibl/enrollment/enroll/"] * 2 + ["/api/ibl/enrollment/enroll/student/bulk/"]
    other = office.list(f"username,course\np15,{ONE}\np15,{TWO}\n", "other.csv")
    assert office.enrol(other).complete
    assert office.writes() == ["/api/ibl/enrollment/enroll/bulk/"]


def test_one_bad_row_does_not_spoil_a_refused_bulk(office: Office) -> None:
    office.server.faults.add(Fault(FaultKind.ERROR_BEFORE, path="/student/bulk/", status=400, times=3))
    file = office.list("username,course\n" + "".join(f"p{number},{ONE}\n" for number in range(8)))
    assert office.enrol(file).complete
    assert set(office.times().values()) == {1} and len(office.times()) == 8


@pytest.mark.parametrize("kind", [FaultKind.RESET_AFTER, FaultKind.ERROR_AFTER, FaultKind.HTML, FaultKind.TRUNCATED])
def test_an_answer_that_never_came_is_looked_up(kind: FaultKind, office: Office) -> None:
    office.server.faults.add(Fault(kind, path="/student/bulk/"))
    file = office.list("username,course\n" + "".join(f"p{number},{ONE}\n" for number in range(8)))
    assert office.enrol(file).complete
    assert set(office.times().values()) == {1} and len(office.times()) == 8


def test_a_call_that_was_lost_is_sent_by_the_next_run(office: Office) -> None:
    office.server.faults.add(Fault(FaultKind.RESET_BEFORE, path="/student/bulk/"))
    file = office.list("username,course\n" + "".join(f"p{number},{ONE}\n" for number in range(8)))
    report = office.enrol(file)
    assert report.counts["unknown"] == 8 and not report.complete and office.times() == {}
    assert office.enrol(file).complete
    assert set(office.times().values()) == {1} and len(office.times()) == 8


def test_a_lost_login_stops_the_run_and_the_next_goes_on(office: Office) -> None:
    file = office.list("username,course\n" + "".join(f"p{n},{ONE}\np{n},{TWO}\n" for n in range(5)))
    office.server.faults.add(Fault(FaultKind.UNAUTHORIZED, path="/student/bulk/", skip=1, times=2))
    report = office.enrol(file)
    assert report.stopped and report.counts["done"] == 5 and report.counts["waiting"] == 5
    assert office.enrol(file).complete
    assert set(office.times().values()) == {1} and len(office.times()) == 10


@pytest.mark.parametrize(
    "content",
    [
        b"username;course\r\np1;{}\r\n",
        b"\xef\xbb\xbfUsername,Course\np1,{}\n",
        "username\tcourse\np1\t{}\n".encode("utf-16"),
        b"_note,username,course,name\nfor us,p1,{},Ada\n",
    ],
)
def test_files_as_spreadsheets_write_them(content: bytes, office: Office) -> None:
    encoding = "utf-16" if content[:1] == b"\xff" else "utf-8"
    file = office.list(content.decode(encoding).format(ONE).encode(encoding))
    assert office.enrol(file).complete and office.times() == {f"p1,{ONE}": 1}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no header"),
        (b"username,curse\n", "'curse'"),
        (b"username,password\n", "passwords"),
        (b"username,username\n", "two columns"),
        ("username,course\nJosé,x\n".encode("latin-1"), "from line"),
    ],
)
def test_files_that_are_no_lists(content: bytes, said: str, office: Office) -> None:
    file = office.list(content)
    office.server.clear_log()
    with pytest.raises(SourceError, match=said):
        office.enrol(file)
    assert office.writes() == []
    with pytest.raises(SourceError, match="cannot be read"):
        list(read_table(file.with_name("missing.csv"), ("username",)))
    with pytest.raises(SourceError, match="cannot be written"):
        write_table(file.with_name("no-folder") / "x.csv", ("a",), [])


def test_one_import_at_a_time(office: Office) -> None:
    file = office.list(f"username,course\np1,{ONE}\n")
    with RosterJournal(file, "here", "user"), pytest.raises(BusyError):
        office.enrol(file)


# -- users --------------------------------------------------------------------------------------------------------------


def test_users_are_made_once(office: Office) -> None:
    file = office.list(
        "username,email,name,password_env,provider,is_active\n"
        "ada,ada@example.com,Ada,PW,sandbox,no\n"
        "bob,bob@example.com,,,elsewhere,\n"
        "p1,p1@example.com,,,,\n"
        "p2,other@example.com,,,,\n"
        "cyd,cyd@example.com,,NOT_SET,,\n"
        "dan,,,,,\n"
    )
    report = office.users(file)
    told = problems(report)
    assert list(told) == [5, 6, 7]
    assert "another user" in told[5] and "NOT_SET is not set" in told[6] and "needs" in told[7]
    users = office.server.rows("user")
    assert users["ada"]["times"] == users["bob"]["times"] == users["p1"]["times"] == 1
    assert users["ada"]["links"] and users["ada"]["is_active"] is False
    with report.results_file.open(encoding="utf-8-sig", newline="") as stream:
        notes = {row["who"]: row["note"] for row in csv.DictReader(stream)}
    assert "name" in notes["ada"] and "not linked" in notes["bob"] and "already" in notes["p1"]
    office.writes()
    office.users(file)
    assert office.writes() == []


@pytest.mark.parametrize("update", [False, True])
@pytest.mark.parametrize("kind", [FaultKind.RESET_AFTER, FaultKind.RESET_BEFORE, FaultKind.ERROR_AFTER])
def test_a_user_that_was_never_answered_is_looked_up(kind: FaultKind, update: bool, office: Office) -> None:
    office.server.faults.add(Fault(kind, path="/users/manage/"))
    file = office.list("username,email\nada,ada@example.com\nbob,bob@example.com\n")
    office.users(file, update=update)
    assert office.users(file, update=update).complete
    users = office.server.rows("user")
    assert users["bob"]["times"] == 1 and (update or users["ada"]["times"] == 1)


# -- the large list -----------------------------------------------------------------------------------------------------

PEOPLE = 10_000
CHILD = """
import os, signal, sys
from pathlib import Path
from authoring.client import Client
from authoring.platform.imports import import_enrolments
from authoring.platform.roster_journal import RosterJournal
from authoring.settings import sandbox_target

seen = 0
def advance(count):
    global seen
    seen += count
    if seen > 3000:
        os.kill(os.getpid(), signal.SIGKILL)

file = Path(sys.argv[1])
with Client(sandbox_target(sys.argv[2])) as client, RosterJournal(file, "here", "enrolment") as journal:
    import_enrolments(file, client, journal, lambda text: text, advance=advance)
"""


class _Interrupted(BaseException):
    pass


def test_ten_thousand_enrolments_with_bad_rows_and_two_interruptions(tmp_path: Path) -> None:
    database = tmp_path / "sandbox.sqlite3"
    seed(database, PEOPLE)
    bad = dict.fromkeys(range(7, PEOPLE, 997), f",,{ONE}") | {5000: f"stranger,,{ONE}", 41: f"p40,,{ONE}"}
    lines = [bad.get(number, f"p{number},,{(ONE, TWO)[number % 2]}") for number in range(PEOPLE)]
    lines[41] = f"p40,,{ONE}"
    with SandboxServer(database, replace(DOCUMENTED, bulk_rows_told=True)) as server:
        office = Office(tmp_path, server)
        file = office.list("username,email,course\n" + "\n".join(lines) + "\n")
        killed = subprocess.run(
            [sys.executable, "-c", CHILD, str(file), server.url],
            check=False,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        )
        assert killed.returncode == -signal.SIGKILL
        sent = 0

        def interrupt(call: Sent) -> None:
            """After the platform has done it, and before anybody has written that down."""
            nonlocal sent
            sent += "student" in call.call.path
            if sent > 20:
                raise _Interrupted

        with pytest.raises(_Interrupted):
            office.enrol(file, on_call=interrupt)
        assert 3000 < len(office.times()) < PEOPLE - len(bad)
        office.server.faults.add(Fault(FaultKind.RESET_AFTER, path="/student/bulk/", skip=5))
        report = office.enrol(file)
        wanted = {f"p{n},{(ONE, TWO)[n % 2]}" for n in range(PEOPLE) if n not in bad}
        assert office.times() == dict.fromkeys(wanted, 1), "each exactly once"
        assert {row.line - 2 for row in report.problems} == set(bad)
        assert report.counts["refused"] == 1 and report.counts["unknown"] == 0 and report.counts["waiting"] == 0
        assert report.counts["done"] + report.counts["done-before"] == len(wanted)
        office.writes()
        office.enrol(file)
        assert office.writes() == ["/api/ibl/enrollment/enroll/"], "only what was refused is tried again"
