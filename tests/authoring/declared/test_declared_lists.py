"""Lists of people: every good row once, whatever happens in between; every bad row with its line."""

from __future__ import annotations

import os
import shutil
import signal
from contextlib import suppress

import pytest

from authoring import interrupts
from authoring.declared import Concern
from authoring.errors import ApplyError, InterruptedRunError
from authoring.sandbox import Fault, FaultKind
from authoring.sandbox.routes_people import EMAIL, USER
from authoring.sandbox.store import Store
from tests.declarations import LISTS, declare
from tests.platformdesk import COURSE, RERUN, PlatformDesk

FULL = os.environ.get("AUTHORING_FULL") == "1"
PEOPLE = 10_000
BAD = {7: "not an email,course", 400: "", 801: "p3@example.com,nowhere", 1100: "p6@example.com,course"}
"""Line → what stands there; the last is the same person a second time."""
DECLARED = "enrolments:\n  - file: cohort.csv\n    course: course\n"


def fill(desk: PlatformDesk, people: int) -> None:
    """People who are there, put in at once: made by calls they would take minutes."""
    store = Store(desk.database)
    with store.change():
        for number in range(people):
            name = f"p{number}"
            row = {"username": name, "email": f"{name}@example.com", "name": "", "is_active": True, "is_staff": False}
            store.save_row(USER, name, {**row, "links": [], "times": 1})
            store.save_row(EMAIL, row["email"], {"username": name})
    store.close()


@pytest.mark.parametrize("lost", [False, True], ids=["journal kept", "journal lost"])
def test_ten_thousand_enrolments_with_bad_rows_and_interruptions(desk: PlatformDesk, lost: bool) -> None:
    """With the journal lost each row is looked up first, so that in a short run there are fewer of them."""
    people = PEOPLE if FULL or not lost else 1_500
    fill(desk, people - 10)  # of the last ten nobody knows
    lines = ["email,course", *(BAD.get(number + 2, f"p{number}@example.com,course") for number in range(people))]
    desk.write(DECLARED, cohort__csv="\n".join(lines) + "\n")
    desk.server.faults.add(Fault(FaultKind.RESET_AFTER, path="enroll/student/bulk", skip=2))
    desk.server.faults.add(Fault(FaultKind.ERROR_AFTER, path="enroll/student/bulk", skip=5, status=504))
    desk.server.faults.add(Fault(FaultKind.UNAUTHORIZED, path="enroll/student/bulk", skip=8, times=3))
    with suppress(ApplyError):
        desk.apply()
    assert 0 < len(desk.rows("enrolment")) < people - 50
    if lost:
        shutil.rmtree(desk.folder / ".authoring")
    desk.server.faults.clear()
    applied = desk.apply()
    expected = {f"p{number}" for number in range(people - 10) if number + 2 not in BAD}
    rows = desk.rows("enrolment")
    assert {row["user"] for row in rows} == expected
    assert {row["times"] for row in rows} == {1}
    (notice,) = applied.plan.notices
    assert notice.concern is Concern.BAD_ROWS
    for line in (7, 801, 1100):
        assert f"line {line}: " in notice.message
    report = applied.imports[0]
    assert report.counts["done"] + report.counts["done-before"] == len(expected)
    assert (report.counts["bad-row"], report.counts["refused"]) == (3, 10)
    desk.server.clear_log()
    desk.apply()
    assert len([one for one in desk.writes() if "bulk" not in one]) <= 10  # those whom nobody knows, once more
    assert {row["times"] for row in desk.rows("enrolment")} == {1}


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


def test_a_signal_stops_between_two_calls(desk: PlatformDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    people = 350
    fill(desk, people)
    lines = ["username", *(f"p{number}" for number in range(people))]
    desk.write(DECLARED, cohort__csv="\n".join(lines) + "\n")
    looked = iter(range(1000))
    monkeypatch.setattr(interrupts, "asked", lambda: signal.SIGTERM if next(looked) > 2 else None)
    with pytest.raises(InterruptedRunError) as caught:
        desk.apply()
    assert caught.value.exit_code == 128 + signal.SIGTERM
    assert 0 < len(desk.rows("enrolment")) < people
    monkeypatch.undo()
    assert desk.apply().exit_code == 0
    assert len(desk.rows("enrolment")) == people
    assert {row["times"] for row in desk.rows("enrolment")} == {1}
