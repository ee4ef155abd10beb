"""The next run of a course: dates keep their local time, every step can be repeated, a catalogue goes unattended."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from authoring.cli import main
from authoring.resources import samples_dir
from authoring.sandbox import DOCUMENTED, OBSERVED, Fault, FaultKind, SandboxServer
from tests.conftest import write_tree
from tests.desk import Desk
from tests.studio import Studio

ZONE = ZoneInfo("Europe/Madrid")
FILES: dict[str, str | bytes] = {
    "course.yaml": """\
org: DemoX
number: R1
run: 2026_T3
title: Run me
timezone: Europe/Madrid
start: 2026-09-07
end: 2026-12-18
holidays:
  National Day: 2026-10-12
  Autumn break: 2026-11-02 to 2026-11-08
""",
    "01-one/01-first/subsection.yaml": "title: First\ndue: week 3 sunday 23:59\n",
    "01-one/01-first/01-words.md": "Words, and [the second](../02-second/01-more.md).\n",
    "01-one/02-second/subsection.yaml": "title: Second\nstart: 2026-10-19\ndue: 2026-10-25 23:59\n",
    "01-one/02-second/01-more.md": ":::problem {#p}\n>>1 + 1<<\n\n= 2\n:::\n",
}
WAYS = [("ibl", True, DOCUMENTED), ("ibl", True, OBSERVED), ("studio", True, OBSERVED)]


@pytest.fixture(params=WAYS, ids=lambda way: f"{way[0]}-{way[2].name}")
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    dialect, session, profile = request.param
    folder = write_tree(tmp_path / "course", dict(FILES))
    with SandboxServer(tmp_path / "sandbox.sqlite3", replace(profile, rerun_seconds=0.3)) as server:
        yield Desk(folder, server, dialect, session)


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node["children"]:
        yield from walk(child)


def rerun(desk: Desk, *options: str, run: str = "2027_T1", code: int = 0) -> dict[str, object]:
    arguments = ["rerun", str(desk.folder), "--run", run, "--json", *options]
    result = CliRunner(env=desk.environ).invoke(main, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    found: dict[str, object] = json.loads(result.stdout)
    return found


def dates(desk: Desk, run: str) -> dict[str, str]:
    """Local dates of the live run, by title and field."""
    live = desk.server.snapshot(f"course-v1:DemoX+R1+{run}")["published"]
    found: dict[str, str] = {}

    def visit(node: dict[str, object]) -> None:
        fields = node["fields"]
        assert isinstance(fields, dict)
        for name in ("start", "due", "end"):
            if name in fields:
                moment = datetime.fromisoformat(str(fields[name])).astimezone(ZONE)
                found[f"{fields.get('display_name')}.{name}"] = moment.strftime("%Y-%m-%d %H:%M")
        children = node["children"]
        assert isinstance(children, list)
        for child in children:
            visit(child)

    visit(live)
    return found


def test_dates_keep_their_local_time_over_the_change_of_the_clocks(desk: Desk) -> None:
    desk.push("--publish")
    assert dates(desk, "2026_T3")["First.due"] == "2026-09-27 23:59"
    report = rerun(desk, "--start", "2027-03-08")
    assert report["copied"] is True
    # Week 3 of a course that begins on 2027-03-08 ends on the day on which the clocks go forward.
    assert dates(desk, "2027_T1") == {
        "Run me.start": "2027-03-08 00:00",
        "Run me.end": "2027-06-18 23:59",
        "First.due": "2027-03-28 23:59",
        "Second.start": "2027-04-19 00:00",
        "Second.due": "2027-04-25 23:59",
    }
    assert (desk.folder / "runs/2027_T1.yaml").is_file()


def test_a_second_time_nothing_is_written(desk: Desk) -> None:
    desk.push("--publish")
    rerun(desk, "--start", "2027-03-08")
    desk.writes()
    before = (desk.folder / "runs/2027_T1.yaml").read_bytes()
    report = rerun(desk)
    assert (report["copied"], report["operations"]) == (False, [])
    assert desk.writes() == []
    assert (desk.folder / "runs/2027_T1.yaml").read_bytes() == before
    assert desk.push("--publish")["operations"] == [], "the first run is as it was"


def test_the_run_can_be_pushed_with_its_own_overrides(desk: Desk) -> None:
    desk.push("--publish")
    rerun(desk, "--start", "2027-03-08")
    file = desk.folder / "runs/2027_T1.yaml"
    file.write_text(file.read_text("utf-8").replace("2027-04-25", "2027-05-02") + "title: Run me again\n", "utf-8")
    rerun(desk)
    found = dates(desk, "2027_T1")
    assert found["Second.due"] == "2027-05-02 23:59" and "Run me again.start" in found
    assert dates(desk, "2026_T3")["Second.due"] == "2026-10-25 23:59"


def test_what_somebody_changed_in_the_new_run_is_not_written_over(desk: Desk) -> None:
    desk.push("--publish")
    rerun(desk, "--start", "2027-03-08")
    key = "block-v1:DemoX+R1+2027_T1+type@sequential+block@"
    (second,) = (
        node["usage"]
        for node in walk(desk.server.snapshot("course-v1:DemoX+R1+2027_T1")["draft"])
        if node["fields"].get("display_name") == "Second"
    )
    assert second.startswith(key)
    studio = Studio(desk.server)
    with studio.http:
        studio.update(second, metadata={"due": "2027-05-01T10:00:00Z"})
    desk.writes()
    file = desk.folder / "runs/2027_T1.yaml"
    file.write_text(file.read_text("utf-8").replace("2027-04-25", "2027-05-02"), "utf-8")
    report = rerun(desk, code=7)
    assert "changed on the platform" in str(report["notices"])
    assert desk.writes() == []
    rerun(desk, "--overwrite")
    assert dates(desk, "2027_T1")["Second.due"] == "2027-05-02 23:59"


def test_components_without_ids_keep_their_blocks(desk: Desk) -> None:
    """What was put before them after the last push of the source is made anew in the copy, and nothing else."""
    desk.push("--publish")
    file = desk.folder / "01-one/02-second/01-more.md"
    file.write_text(
        "First words.\n\n:::problem\n>>2 + 2<<\n\n= 4\n:::\n\nLast words.\n\n" + file.read_text("utf-8"), "utf-8"
    )
    desk.push("--publish")
    file.write_text("New before all.\n\n:::done {#x}\n:::\n\n" + file.read_text("utf-8"), "utf-8")
    report = rerun(desk, "--start", "2027-03-08")
    made = [row for row in report["operations"] if row["op"] == "create"]  # type: ignore[attr-defined]
    assert [row["block"].split("/")[0] for row in made] == ["html", "done"], made
    assert rerun(desk)["operations"] == []


FAULTS = [FaultKind.RESET_BEFORE, FaultKind.RESET_AFTER, FaultKind.ERROR_AFTER, FaultKind.HTML, FaultKind.UNAUTHORIZED]


@pytest.mark.parametrize("kind", FAULTS)
def test_a_rerun_that_stops_anywhere_goes_on_without_a_second_course(
    desk: Desk, kind: FaultKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("authoring.applier.PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setattr("authoring.copying.PAUSES", (0.0, 0.1, 0.2))
    desk.push("--publish")
    rerun(desk, "--start", "2027-03-08", run="2027_T0")
    writes = len(desk.writes())
    numbers = range(0, writes + 1, 1 if os.environ.get("AUTHORING_FULL") else 4)
    for number in numbers:
        run = f"2028_{kind.value}_{number}".replace("-", "_")
        shutil.copyfile(desk.folder / "runs/2027_T0.yaml", desk.folder / f"runs/{run}.yaml")
        file = desk.folder / f"runs/{run}.yaml"
        file.write_text(file.read_text("utf-8").replace("2027_T0", run), "utf-8")
        for call in ("create", "update", "settings", "publish", "upload"):
            desk.server.faults.add(Fault(kind, call, skip=number, times=1, status=502))
        arguments = ["rerun", str(desk.folder), "--run", run, "--json"]
        CliRunner(env=desk.environ).invoke(main, arguments)
        desk.server.faults.clear()
        rerun(desk, run=run)
        assert rerun(desk, run=run)["operations"] == []
        assert dates(desk, run)["First.due"] == "2027-03-28 23:59"
    keys = [key for key in desk.server.courses() if "2028_" in key]
    assert len(keys) == len(set(keys)) == len(numbers)


def test_another_course_of_that_key_is_refused(desk: Desk) -> None:
    desk.push("--publish")
    other = write_tree(desk.folder.parent / "other", {**FILES, "course.yaml": str(FILES["course.yaml"])})
    (other / "course.yaml").write_text(
        (other / "course.yaml").read_text("utf-8").replace("2026_T3", "2027_T1"), "utf-8"
    )
    Desk(other, desk.server, desk.dialect).push()
    report = rerun(desk, "--start", "2027-03-08", code=3)
    assert "no copy" in str(report["error"])


def test_a_course_that_was_never_pushed_has_nothing_to_copy(desk: Desk) -> None:
    report = rerun(desk, "--start", "2027-03-08", code=5)
    assert "nothing to copy" in str(report["error"])


def test_what_is_missing_is_said(desk: Desk) -> None:
    desk.push()
    assert "--start" in str(rerun(desk, code=1)["error"])
    assert "write 2026-01-31" in str(rerun(desk, "--start", "soon", code=1)["error"])
    assert not (desk.folder / "runs").exists() or not list((desk.folder / "runs").iterdir())


def test_files_that_the_platform_does_not_copy_are_sent_again(tmp_path: Path) -> None:
    shutil.copytree(samples_dir() / "reading-data", tmp_path / "course")
    with SandboxServer(tmp_path / "sandbox.sqlite3", replace(DOCUMENTED, rerun_seconds=0.2)) as server:
        desk = Desk(tmp_path / "course", server)
        desk.push("--publish")
        desk.writes()
        report = rerun(desk, "--start", "2028-01-10", run="2028_T1")
        assert [row["op"] for row in report["operations"]].count("upload-package") == 1  # type: ignore[attr-defined]
        assert desk.writes().count("upload") == 1
        assert rerun(desk, run="2028_T1")["operations"] == []


def test_a_catalogue_of_twenty_courses(tmp_path: Path) -> None:
    with SandboxServer(tmp_path / "sandbox.sqlite3", replace(DOCUMENTED, rerun_seconds=0.2)) as server:
        rows = []
        for number in range(20):
            text = str(FILES["course.yaml"]).replace("number: R1", f"number: C{number}")
            folder = write_tree(tmp_path / f"c{number}", {**FILES, "course.yaml": text})
            desk = Desk(folder, server)
            if number != 7:
                desk.push("--publish", "--no-verify")
            rows.append(f"  - c{number}\n")
        listing = tmp_path / "courses.yaml"
        listing.write_text("run: 2027_T1\nstart: 2027-03-08\ncourses:\n" + "".join(rows), "utf-8")
        runner = CliRunner(env=desk.environ)
        result = runner.invoke(main, ["rerun", "--all", str(listing), "--json", "--jobs", "5"])
        found = json.loads(result.stdout)["courses"]
        assert [row["exit_code"] for row in found] == [5 if number == 7 else 0 for number in range(20)]
        assert result.exit_code == 5
        assert sum("2027_T1" in key for key in server.courses()) == 19
        again = json.loads(runner.invoke(main, ["rerun", "--all", str(listing), "--json"]).stdout)["courses"]
        assert all(row["operations"] == [] for row in again if row["exit_code"] == 0)
        assert "19 of 20" in runner.invoke(main, ["rerun", "--all", str(listing)]).stdout
