"""Lists of people: every good row once, whatever happens in between; every bad row with its line."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress

import pytest

from authoring.client import Client
from authoring.declared import Concern
from authoring.errors import ApplyError
from authoring.platform.people import NewUser, People
from authoring.sandbox import Fault, FaultKind
from authoring.settings import Secret
from tests.declarations import LISTS, declare
from tests.platformdesk import COURSE, RERUN, PlatformDesk

ROWS = 10_000 if os.environ.get("AUTHORING_FULL") == "1" else 1_200
BAD = {7: "not an email,course", 400: "", 801: "p3@example.com,nowhere", 1100: "p6@example.com,course"}
"""Line → what stands there; the last is the same person a second time."""
DECLARED = "enrolments:\n  - file: cohort.csv\n    course: course\n"


def fill(client: Client, people: int) -> None:
    for number in range(people):
        name = f"p{number}"
        People(client).make_user(NewUser(name, f"{name}@example.com", Secret("a-password-Rt51")))


@pytest.mark.parametrize("lost", [False, True], ids=["journal kept", "journal lost"])
def test_a_long_list_with_bad_rows_and_interruptions(desk: PlatformDesk, lost: bool) -> None:
    """The people are fewer than the rows: the others are refused, each by name, and nobody is enrolled twice."""
    with desk.client() as client:
        fill(client, 60)
    lines = ["email,course"]
    for number in range(ROWS):
        line = number + 2
        lines.append(BAD.get(line, f"p{number}@example.com,course"))
    desk.write(DECLARED, cohort__csv="\n".join(lines) + "\n")
    desk.server.faults.add(Fault(FaultKind.RESET_AFTER, path="enroll/student/bulk", skip=1))
    desk.server.faults.add(Fault(FaultKind.LOGIN_REDIRECT, path="enrollment", skip=5, times=3))
    with suppress(ApplyError):
        desk.apply()
    if lost:
        shutil.rmtree(desk.folder / ".authoring")
    desk.server.faults.clear()
    applied = desk.apply()
    enrolled = desk.rows("enrolment")
    expected = {f"p{number}" for number in range(60) if number + 2 not in BAD}
    assert {row["user"] for row in enrolled} == expected
    if not lost:
        assert {row["times"] for row in enrolled} == {1}
    (notice,) = applied.plan.notices
    assert notice.concern is Concern.BAD_ROWS
    for line in (7, 801, 1100):
        assert f"line {line}: " in notice.message
    report = applied.imports[0]
    assert report.counts["done"] + report.counts["done-before"] == len(expected)
    assert report.counts["bad-row"] == 3
    assert report.counts["refused"] == ROWS - 4 - len(expected)
    assert (desk.folder / "cohort.results.csv").exists()


def test_an_interrupted_list_is_not_sent_again_by_a_machine_without_its_journal(desk: PlatformDesk) -> None:
    declare(desk, LISTS)
    desk.apply()
    shutil.rmtree(desk.folder / ".authoring")
    desk.server.clear_log()
    applied = desk.apply()
    assert desk.writes() == []
    assert [report.complete for report in applied.imports] == [True, True]
    assert {row["times"] for row in desk.rows("enrolment")} == {1}
    assert desk.plan().operations == ()


def test_a_run_enrols_in_its_own_course(desk: PlatformDesk) -> None:
    declare(desk, LISTS)
    desk.apply()
    desk.apply("2028_T1")
    assert sorted(desk.server.rows("enrolment")) == [
        f"{person},{course}" for person in ("ada", "bob") for course in (COURSE, RERUN)
    ]
    desk.server.clear_log()
    desk.apply("2028_T1")
    assert desk.writes() == []


def test_a_row_that_is_added_is_all_that_is_sent(desk: PlatformDesk) -> None:
    declare(desk, LISTS)
    desk.apply()
    desk.server.clear_log()
    with (desk.folder / "cohort.csv").open("a") as stream:
        stream.write("grace,\n")
    (operation,) = desk.plan().operations
    assert operation.reason == "1 of 3 rows are not done"
    desk.apply()
    assert len(desk.writes()) == 1
    assert len(desk.rows("enrolment")) == 3
