"""A rerun carries along what stands beside the course: links move to the new run, the cohort is enrolled, nothing twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from authoring.cli import main
from authoring.sandbox import DOCUMENTED, OBSERVED, Fault, FaultKind, SandboxServer
from tests.conftest import write_tree
from tests.desk import Desk

COURSE = "org: DemoX\nnumber: {0}\nrun: 2026_T3\ntitle: Run me\ntimezone: Europe/Madrid\nstart: 2026-09-07\n"
UNIT = "01-one/01-first/01-words.md"
PLATFORM = """\
programs:
  foundations:
    name: Foundations
    courses: [one]
credentials:
  certificate:
    name: Certificate
    courses: [one]
    public: true
mentors:
  guide:
    name: Guide
    settings: {system_prompt: Help.}
    courses: [one]
users:
  - file: learners.csv
enrolments:
  - file: learners.csv
    course: one
"""
LEARNERS = "username,email,name\nada,ada@example.com,Ada Lovelace\nbob,bob@example.com,Bob Ross\n"
OLD, NEW = "course-v1:DemoX+one+2026_T3", "course-v1:DemoX+one+2027_T1"


@pytest.fixture(params=[DOCUMENTED, OBSERVED], ids=lambda profile: profile.name)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    for number in ("one", "two"):
        write_tree(tmp_path / number, {"course.yaml": COURSE.format(number), UNIT: "Words.\n"})
    write_tree(tmp_path, {"platform.yaml": PLATFORM, "learners.csv": LEARNERS})
    with SandboxServer(tmp_path / "sandbox.sqlite3", request.param) as server:
        desk = Desk(tmp_path / "one", server)
        desk.push("--publish")
        Desk(tmp_path / "two", server).push("--publish")
        run(desk, "platform", "apply", str(tmp_path / "platform.yaml"))
        yield desk


def run(desk: Desk, *arguments: str, code: int | None = 0) -> Any:
    url = desk.server.url
    manager = {"IBL_MANAGER_URL": url, "IBL_PLATFORM_API_KEY": "sandbox", "IBL_TENANT": "sandbox", "IBL_USERNAME": "me"}
    result = CliRunner(env={**desk.environ, **manager}).invoke(main, [*arguments, "--json"])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert code is None or result.exit_code == code, result.output
    return json.loads(result.stdout)


def rerun(desk: Desk, *options: str, code: int | None = 0) -> Any:
    file = str(desk.folder.parent / "platform.yaml")
    return run(desk, "rerun", str(desk.folder), "--run", "2027_T1", "--platform", file, *options, code=code)


def moved(desk: Desk) -> bool:
    """Whether the program, a credential, the mentor and the cohort are those of the new run, each once."""
    rows = {kind: list(desk.server.rows(kind).values()) for kind in ("program", "credential", "mentor", "enrolment")}
    enrolled = sorted((row["user"], row["course"]) for row in rows["enrolment"])
    mentors = {row["unique_id"] for row in rows["mentor"]}
    return (
        [[one["course_id"] for one in row["course_list"]] for row in rows["program"]] == [[NEW]]
        and sorted(row["courses"] for row in rows["credential"]) == [[OLD], [NEW]]
        and len(mentors) == 1
        and desk.server.snapshot(NEW)["course"]["about"].get("mentor_uuid") in mentors
        and enrolled == [(name, key) for name in ("ada", "bob") for key in (OLD, NEW)]
    )


def test_the_platform_file_follows_the_course(desk: Desk) -> None:
    report = rerun(desk, "--start", "2027-01-11")
    (beside,) = report["platform"]
    assert (beside["run"], beside["exit_code"]) == ("2027_T1", 0)
    assert moved(desk)
    desk.server.clear_log()
    assert rerun(desk)["platform"][0]["done"] == []
    assert desk.writes() == []


def test_an_interrupted_rerun_comes_to_it_on_the_next_call(desk: Desk) -> None:
    for skip in range(0, 12, 3):
        desk.server.faults.add(Fault(FaultKind.ERROR_AFTER, status=502, skip=skip, times=4))
        rerun(desk, "--start", "2027-01-11", code=None)
        desk.server.faults.clear()
    rerun(desk, "--start", "2027-01-11")
    assert moved(desk)
    assert sorted(desk.server.courses()) == sorted([OLD, NEW, "course-v1:DemoX+two+2026_T3"])


def test_a_file_of_a_catalogue_is_applied_once_when_all_its_courses_are_there(desk: Desk) -> None:
    folder = desk.folder.parent
    courses = folder / "courses.yaml"
    courses.write_text(
        "run: 2027_T1\nstart: 2027-01-11\nplatform: platform.yaml\ncourses: [one, two, missing]\n", "utf-8"
    )
    report = run(desk, "rerun", "--all", str(courses), code=1)
    (beside,) = report["platform"]
    assert beside["waits_for"] == [str(folder / "missing")] and not moved(desk)
    courses.write_text(courses.read_text("utf-8").replace(", missing", ""), "utf-8")
    assert run(desk, "rerun", "--all", str(courses))["platform"][0]["exit_code"] == 0
    assert moved(desk)
    desk.server.clear_log()
    run(desk, "rerun", "--all", str(courses))
    assert desk.writes() == []


def test_what_is_wrong_in_the_file_is_said_and_the_course_stays(desk: Desk) -> None:
    file = desk.folder.parent / "platform.yaml"
    file.write_text(PLATFORM.replace("    name: Guide", "    nam: Guide"), "utf-8")
    report = rerun(desk, "--start", "2027-01-11", code=1)
    assert report["verified"]["ok"]
    assert "platform.yaml" in json.dumps(report["platform"]) and NEW in desk.server.courses()
