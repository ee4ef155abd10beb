"""`authoring rerun --all`: a catalogue of twenty courses, unattended, with one report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

from authoring.cli import main
from authoring.sandbox import DOCUMENTED, OBSERVED, SandboxServer
from tests.conftest import write_tree
from tests.desk import Desk

COUNT = 20
NEVER_PUSHED, BROKEN, LATER, OWN_FILE = 7, 11, 19, 3


@pytest.fixture(params=["ibl", "studio"])
def desks(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Desk]]:
    """Twenty courses of one sandbox, pushed but for one, and one that was broken since."""
    profile = OBSERVED if request.param == "studio" else DOCUMENTED
    with SandboxServer(tmp_path / "s.sqlite3", replace(profile, rerun_seconds=0.1)) as server:
        made = [Desk(course(tmp_path, number), server, request.param) for number in range(COUNT)]
        folders = [str(desk.folder) for number, desk in enumerate(made) if number != NEVER_PUSHED]
        assert invoke(made, "push", *folders, "--publish", "--no-verify").exit_code == 0
        write_tree(made[BROKEN].folder, {"01-a/01-b/02-bad.md": ":::quizz\n:::\n"})
        write_tree(made[OWN_FILE].folder, {"runs/2027_T2.yaml": "start: 2027-02-15\ntitle: Another title\n"})
        rows = "".join(f"  - course-{number}\n" for number in range(COUNT) if number not in (LATER, OWN_FILE))
        rows += (
            f"  - {{folder: course-{OWN_FILE}, start: 2027-02-15}}\n  - {{folder: course-{LATER}, start: 2027-03-08}}\n"
        )
        (tmp_path / "COURSES.yaml").write_text(f"run: 2027_T2\nstart: 2027-02-01\ncourses:\n{rows}", "utf-8")
        yield made


def course(home: Path, number: int) -> Path:
    text = (
        f"org: DemoX\nnumber: C{number}\nrun: old\ntitle: Course {number}\nstart: 2026-09-14\ntimezone: Europe/Madrid\n"
    )
    files: dict[str, str | bytes] = {
        "course.yaml": text,
        "01-a/01-b/subsection.yaml": "due: week 3 Sunday\n",
        "01-a/01-b/01-c.md": f"Words of {number}.\n",
    }
    return write_tree(home / f"course-{number}", files)


def invoke(desks: list[Desk], *arguments: str) -> Result:
    result = CliRunner(env=desks[0].environ).invoke(main, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def rerun_all(desks: list[Desk], *more: str) -> tuple[int, dict[str, dict[str, Any]]]:
    listing = desks[0].folder.parent / "COURSES.yaml"
    result = invoke(desks, "rerun", "--all", str(listing), "--json", "--jobs", "5", *more)
    report = json.loads(result.stdout)
    assert report["ok"] is (result.exit_code == 0)
    return result.exit_code, {Path(row["folder"]).name: row for row in report["courses"]}


def due(desk: Desk) -> str:
    live = desk.server.snapshot(f"{str(desk.course().id).rpartition('+')[0]}+2027_T2")["published"]
    (subsection,) = live["children"][0]["children"]
    local = datetime.fromisoformat(subsection["fields"]["due"]).astimezone(ZoneInfo("Europe/Madrid"))
    return local.strftime("%Y-%m-%d %H:%M")


def test_a_catalogue_of_twenty_courses(desks: list[Desk]) -> None:
    server = desks[0].server
    code, rows = rerun_all(desks)
    bad = {f"course-{NEVER_PUSHED}": 5, f"course-{BROKEN}": 1}
    assert {name: row["exit_code"] for name, row in rows.items() if row["exit_code"]} == bad
    assert code == 5
    assert "nothing to copy" in rows[f"course-{NEVER_PUSHED}"]["error"]["message"]
    assert [row["code"] for row in rows[f"course-{BROKEN}"]["diagnostics"]] == ["unknown-directive"]
    assert sum("2027_T2" in key for key in server.courses()) == COUNT - 2
    assert due(desks[0]) == "2027-02-21 23:59"
    assert due(desks[OWN_FILE]) == "2027-03-07 23:59"
    assert due(desks[LATER]) == "2027-03-28 23:59", "on the day on which the clocks change"
    assert all(row["verified"]["ok"] and row["copied"] for name, row in rows.items() if name not in bad)

    server.clear_log()
    code, again = rerun_all(desks)
    assert {name: row["exit_code"] for name, row in again.items() if row["exit_code"]} == bad
    assert all(row["operations"] == [] and not row["copied"] for name, row in again.items() if name not in bad)
    assert {request.kind for request in server.requests} <= {"read", "login"}

    # What was wrong is put right: the same command does the two that are left.
    (desks[BROKEN].folder / "01-a/01-b/02-bad.md").unlink()
    desks[NEVER_PUSHED].push("--publish")
    code, last = rerun_all(desks)
    assert code == 0
    assert {name for name, row in last.items() if row["copied"]} == set(bad)
    shown = invoke(desks, "rerun", "--all", str(desks[0].folder.parent / "COURSES.yaml"))
    assert "20 of 20 courses have their run" in shown.stdout


def test_the_term_may_stand_on_the_command_line(tmp_path: Path) -> None:
    with SandboxServer(tmp_path / "s.sqlite3", DOCUMENTED) as server:
        desks = [Desk(course(tmp_path, number), server) for number in range(2)]
        for desk in desks:
            desk.push("--publish", "--no-verify")
        text = "courses:\n  - course-0\n  - {folder: course-1, start: 2028-03-06}\n"
        (tmp_path / "COURSES.yaml").write_text(text, "utf-8")
        code, _ = rerun_all(desks, "--run", "2027_T2", "--start", "2027-02-01")
        assert (code, due(desks[0]), due(desks[1])) == (0, "2027-02-21 23:59", "2028-03-26 23:59")


def test_a_list_that_is_wrong_is_refused_with_its_lines(tmp_path: Path) -> None:
    (tmp_path / "COURSES.yaml").write_text("courses:\n  - one\n  - {folder: two, strat: 2028-03-06}\n", "utf-8")
    result = CliRunner().invoke(main, ["rerun", "--all", str(tmp_path / "COURSES.yaml")])
    assert result.exit_code == 1
    assert "COURSES.yaml:2: error[missing-key]: 'one' has no 'run'" in result.output.replace("\n", " ")
    assert "COURSES.yaml:3: error[unknown-key]: 'strat' is not a key" in result.output.replace("\n", " ")
    assert CliRunner().invoke(main, ["rerun", "one", "--all", str(tmp_path / "COURSES.yaml")]).exit_code == 2
    assert CliRunner().invoke(main, ["rerun", "one"]).exit_code == 2
