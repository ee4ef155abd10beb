"""The next run of a course: dates keep their local time, every step can be repeated, a catalogue goes unattended."""

from __future__ import annotations

import json
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
from authoring.lockfile import LockPart, load_lockfile
from authoring.resources import samples_dir
from authoring.sandbox import DOCUMENTED, OBSERVED, Fault, FaultKind, SandboxServer
from authoring.session import load_course
from tests.conftest import write_tree
from tests.desk import Desk
from tests.studio import Studio
from tests.test_main_job import PNG

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
    with SandboxServer(tmp_path / "sandbox.sqlite3", replace(profile, rerun_seconds=0.1)) as server:
        yield Desk(folder, server, dialect, session)


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node["children"]:
        yield from walk(child)


def rerun(desk: Desk, *options: str, run: str = "2027_T1", code: int | None = 0) -> dict[str, object]:
    arguments = ["rerun", str(desk.folder), "--run", run, "--json", *options]
    result = CliRunner(env=desk.environ).invoke(main, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert code is None or result.exit_code == code, result.output
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
    assert "holds a space" in str(rerun(desk, "--start", "2027-03-08", run="2027 T1", code=1)["error"])
    assert "is the run that is to be copied" in str(
        rerun(desk, "--start", "2027-03-08", run="2026_T3", code=1)["error"]
    )
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


# -- dates


def local(value: object) -> str:
    return datetime.fromisoformat(str(value)).astimezone(ZONE).strftime("%Y-%m-%d %a %H:%M")


def test_the_sample_course_across_a_change_of_the_clocks(tmp_path: Path) -> None:
    with SandboxServer(tmp_path / "s.sqlite3", DOCUMENTED) as server:
        desk = Desk(shutil.copytree(samples_dir() / "reading-data", tmp_path / "course"), server)
        desk.push("--publish")
        desk.edit("03-middle-and-spread/03-homework-1/subsection.yaml", "due: 2027-01-31", "due: week 3 Sunday 23:59")
        assert rerun(desk, "--start", "2027-03-15", run="2027_T2")["verified"] == ANY_OK
        live = server.snapshot(f"{str(desk.course().id).rpartition('+')[0]}+2027_T2")["published"]
        due = sorted(local(node["fields"]["due"]) for node in walk(live) if "due" in node["fields"])
        # The clocks change on the 28th of March; homework 1 is relative, the others were moved by nine weeks.
        assert due == ["2027-04-04 Sun 23:59", "2027-04-18 Sun 23:59", "2027-05-02 Sun 23:59", "2027-05-09 Sun 23:59"]
        assert "03-homework-1:" not in (desk.folder / "runs/2027_T2.yaml").read_text("utf-8")


class _Ok:
    def __eq__(self, other: object) -> bool:
        return isinstance(other, dict) and other["ok"] is True


ANY_OK = _Ok()


def test_how_a_date_is_written_says_whether_it_moves(desk: Desk) -> None:
    """A relative date with the same value under both starts stays in its file, and an absolute one that happens to be equal to a
    relative one moves."""
    desk.edit("01-one/01-first/subsection.yaml", "week 3 sunday 23:59", "start + 0 days 12:00")
    desk.edit("01-one/02-second/subsection.yaml", "start: 2026-10-19\ndue: 2026-10-25 23:59", "due: 2026-09-13 23:59")
    desk.push("--publish")
    rerun(desk, "--start", "2026-09-07 09:00")  # the same day: nothing that is relative to days changes
    text = (desk.folder / "runs/2027_T1.yaml").read_text("utf-8")
    assert "blocks" not in text
    rerun(desk, "--start", "2026-09-14", run="2027_T2")
    assert "01-one/02-second:\n    due: 2026-09-20" in (desk.folder / "runs/2027_T2.yaml").read_text("utf-8")
    assert "01-first" not in (desk.folder / "runs/2027_T2.yaml").read_text("utf-8")


@pytest.mark.parametrize("changed", ["due", "start"])
def test_a_relative_date_stays_one_unless_it_was_changed_in_studio(desk: Desk, changed: str) -> None:
    desk.edit("01-one/01-first/subsection.yaml", "23:59", "23:59  # before the fair")
    desk.edit("01-one/02-second/subsection.yaml", "due: 2026-10-25 23:59", "due: week 7 Sunday")
    desk.push("--publish")
    before = parts(desk)["course-v1:DemoX+R1+2026_T3"]
    studio = Studio(desk.server)
    with studio.http:
        if changed == "due":
            (first,) = (one.usage_key for key, one in before.entries.items() if str(key) == "sequential/first")
            studio.update(first, metadata={"due": "2026-11-05T18:00:00Z"})
        else:
            path = "/settings/details/course-v1:DemoX+R1+2026_T3"
            studio.send("POST", path, {**studio.send("GET", path), "start_date": "2026-09-20T22:00:00Z"})
    live = desk.live()["draft"]
    desk.run("pull")
    assert "# before the fair" in (desk.folder / "01-one/01-first/subsection.yaml").read_text("utf-8")
    desk.writes()
    desk.push("--publish")
    assert desk.writes() == []
    assert desk.live()["draft"] == live
    second = (desk.folder / "01-one/02-second/subsection.yaml").read_text("utf-8")
    assert ("due: week 7 Sunday" in second) == (changed == "due")


RESPONSE = """:::openassessment {#essay}
title: Essay
submission_start: 2026-09-21T08:00
submission_due: week 4 Sunday
rubric_assessments:
  - {name: self-assessment, start: null, due: "2026-10-25T21:59"}
  - {name: peer-assessment, start: "2001-01-01T00:00", due: week 6 Sunday, must_grade: 3, must_be_graded_by: 2}
:::
"""


def test_the_dates_inside_open_responses_move_too(desk: Desk) -> None:
    (desk.folder / "01-one/02-second/02-essay.md").write_text(RESPONSE, "utf-8")
    desk.push("--publish", code=None)
    rerun(desk, "--start", "2027-03-08")
    course, _ = load_course(desk.folder, "2027_T1")
    (essay,) = (block for block in course.blocks() if block.category == "openassessment")
    assert essay.fields["submission_start"] == "2027-03-22T09:00:00"  # 10:00 in Madrid, in winter now
    assert essay.fields["submission_due"] == "2027-04-04T21:59:00"
    steps = essay.fields["rubric_assessments"]
    assert isinstance(steps, list)
    rows = [(step["start"], step["due"]) for step in steps if isinstance(step, dict)]
    # 22:59 in Madrid on the evening of the change to winter, and half a year later.
    assert rows == [(None, "2027-04-25T20:59:00"), ("2001-01-01T00:00", "2027-04-18T21:59:00")]


def test_work_that_the_shift_puts_on_a_holiday_is_said(desk: Desk) -> None:
    desk.push("--publish")
    rerun(desk, "--start", "2027-03-08")
    file = desk.folder / "runs/2027_T1.yaml"
    file.write_text("holidays:\n  Saint George: 2027-04-25\n" + file.read_text("utf-8"), "utf-8")
    found = json.loads(CliRunner().invoke(main, ["check", str(desk.folder), "--run", "2027_T1", "--json"]).stdout)
    (row,) = (row for row in found["diagnostics"] if row["code"] == "due-on-holiday")
    assert "which is a holiday (Saint George)" in row["message"]


# -- what is there already, and what is not


def test_a_run_of_a_run(desk: Desk) -> None:
    desk.push("--publish")
    rerun(desk, "--start", "2027-03-08")
    report = rerun(desk, "--from", "2027_T1", "--start", "2027-09-06", run="2027_T3")
    assert report["source"] == "course-v1:DemoX+R1+2027_T1"
    assert dates(desk, "2027_T3")["Second.due"] == "2027-10-24 23:59"
    assert rerun(desk, "--from", "2027_T1", run="2027_T3")["operations"] == []
    own = rerun(desk, "--from", "2027_T1", "--start", "2027-09-06", run="2026_T3", code=1)
    assert "the run of course.yaml itself" in str(own["error"])


def test_a_start_that_contradicts_the_file_is_refused(desk: Desk) -> None:
    desk.push("--publish")
    rerun(desk, "--start", "2027-03-08")
    rerun(desk, "--start", "2027-03-08")
    assert "has another start" in str(rerun(desk, "--start", "2027-03-15", code=1)["error"])


def test_a_lock_file_that_was_lost_is_made_again_from_the_copy(desk: Desk) -> None:
    desk.push("--publish")
    lock = (desk.folder / "course.lock").read_bytes()
    rerun(desk, "--start", "2027-03-08")
    before = parts(desk)["course-v1:DemoX+R1+2027_T1"]
    (desk.folder / "course.lock").write_bytes(lock)
    shutil.rmtree(desk.folder / ".authoring")
    assert rerun(desk)["copied"] is True
    after = parts(desk)["course-v1:DemoX+R1+2027_T1"]
    assert {key: one.usage_key for key, one in after.entries.items()} == {
        key: one.usage_key for key, one in before.entries.items()
    }
    assert len(desk.server.courses()) == 2


def parts(desk: Desk) -> dict[str, LockPart]:
    return {course: part for (_, course), part in load_lockfile(desk.folder).parts.items()}


def drift(desk: Desk, **metadata: object) -> None:
    """An edit in the old run, in Studio, that nobody pulled."""
    live = desk.server.snapshot("course-v1:DemoX+R1+2026_T3")["draft"]
    (second,) = (node["usage"] for node in walk(live) if node["fields"].get("display_name") == "Second")
    studio = Studio(desk.server)
    with studio.http:
        studio.update(second, metadata=metadata)


def test_what_was_edited_in_the_old_run_is_copied_kept_and_said(desk: Desk) -> None:
    desk.push("--publish")
    drift(desk, hide_after_due=True)
    report = rerun(desk, "--start", "2027-03-08", code=8)
    verified: Any = report["verified"]
    assert [row["name"] for row in verified["drift"]] == ["hide_after_due"]
    live = desk.server.snapshot("course-v1:DemoX+R1+2027_T1")["draft"]
    (second,) = (node for node in walk(live) if node["fields"].get("display_name") == "Second")
    assert second["fields"]["hide_after_due"] is True
    assert dates(desk, "2027_T1")["Second.due"] == "2027-04-25 23:59"
    desk.writes()
    rerun(desk, code=8)
    assert desk.writes() == []


def test_a_date_that_was_edited_in_the_old_run_and_moves_is_a_matter_of_consent(desk: Desk) -> None:
    desk.push("--publish")
    drift(desk, due="2026-11-01T22:59:00Z")
    report = rerun(desk, "--start", "2027-03-08", code=7)
    assert "sequential/second was changed on the platform" in str(report["notices"])
    assert "2026-11-01" in dates(desk, "2027_T1")["Second.due"]
    rerun(desk, "--overwrite")
    assert dates(desk, "2027_T1")["Second.due"] == "2027-04-25 23:59"


def test_blocks_that_came_and_went_on_either_side(desk: Desk) -> None:
    """Added and deleted in Studio in the old run; removed from the folder, and new in it, since the last push."""
    write_tree(desk.folder, {"01-one/02-second/02-gone.md": "Gone.\n", "01-one/02-second/03-taken.md": "Taken.\n"})
    desk.push("--publish")
    keys = {str(key): one.usage_key for key, one in parts(desk)["course-v1:DemoX+R1+2026_T3"].entries.items()}
    studio = Studio(desk.server)
    with studio.http:
        studio.http.request("DELETE", f"/xblock/{keys['vertical/gone']}").raise_for_status()
        studio.create(keys["sequential/second"], "vertical", display_name="From Studio")
    (desk.folder / "01-one/02-second/03-taken.md").unlink()
    write_tree(desk.folder, {"01-one/02-second/04-new.md": "New.\n"})
    report = rerun(desk, "--start", "2027-03-08", code=None)
    notices: Any = report["notices"]
    kinds = {row["kind"] for row in notices}
    assert titles(desk, "2027_T1") == ["More", "Taken", "From Studio", "New"], kinds
    report = rerun(desk, "--restore", "--delete-removed")
    assert titles(desk, "2027_T1") == ["More", "From Studio", "Gone", "New"], "what is not ours keeps its place"
    assert titles(desk, "2026_T3") == ["More", "Taken", "From Studio"], "the old run is as it was"
    assert rerun(desk)["operations"] == []


def titles(desk: Desk, run: str) -> list[str]:
    """The units of the second subsection."""
    live = desk.server.snapshot(f"course-v1:DemoX+R1+{run}")["draft"]
    (second,) = (node for node in walk(live) if node["fields"].get("display_name") == "Second")
    return [unit["fields"]["display_name"] for unit in second["children"]]


def test_an_empty_course_of_that_key_is_no_copy(desk: Desk) -> None:
    desk.push("--publish")
    studio = Studio(desk.server)
    with studio.http:
        studio.course("course-v1:DemoX+R1+2027_T1")
    desk.writes()
    report = rerun(desk, "--start", "2027-03-08", code=3)
    assert "is no copy of course-v1:DemoX+R1+2026_T3" in str(report["error"])
    assert desk.writes() == []


# -- the platform's own pace


@pytest.mark.parametrize("dialect", ["ibl", "studio"])
def test_a_copy_that_takes_its_time_or_never_ends(dialect: str, tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "course", dict(FILES))
    with SandboxServer(tmp_path / "s.sqlite3", replace(DOCUMENTED, rerun_seconds=3600.0)) as server:
        desk = Desk(folder, server, dialect)
        desk.push("--publish")
        report = rerun(desk, "--start", "2027-03-08", "--copy-wait", "0", code=4)
        assert "goes on waiting" in str(report["error"])
        desk.writes()
        rerun(desk, "--copy-wait", "0.1", code=4)
        assert desk.writes() == [], "no second request for a copy that is being made"


@pytest.mark.parametrize("dialect", ["ibl", "studio"])
def test_a_copy_that_failed_is_asked_for_again_when_it_was_dismissed(dialect: str, tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "course", dict(FILES))
    with SandboxServer(tmp_path / "s.sqlite3", replace(DOCUMENTED, rerun_seconds=1.0)) as server:
        desk = Desk(folder, server, dialect)
        desk.push("--publish")
        rerun(desk, "--start", "2027-03-08", "--copy-wait", "0", code=4)
        server.fail_reruns()
        for _ in range(2):
            report = rerun(desk, code=3)
            assert "could not copy" in str(report["error"])
            assert "dismiss" in str(report["error"])
        studio = Studio(server)
        with studio.http:
            home = studio.send("GET", "/api/contentstore/v1/home/courses")
            (action,) = home["in_process_course_actions"]
            studio.send("DELETE", action["dismiss_link"])
        assert rerun(desk)["copied"] is True
        assert len(server.courses()) == 2


def test_a_platform_that_answers_late_is_asked_once(tmp_path: Path) -> None:
    """The copy is begun, the answer is lost, and the login cannot see what is being copied."""
    folder = write_tree(tmp_path / "course", dict(FILES))
    with SandboxServer(tmp_path / "s.sqlite3", replace(DOCUMENTED, rerun_seconds=1.5)) as server:
        desk = Desk(folder, server, "ibl", session=False)
        desk.push("--publish")
        server.faults.add(Fault(FaultKind.RESET_AFTER, "create", path="manage/course"))
        assert rerun(desk, "--start", "2027-03-08")["copied"] is True
        assert len(server.courses()) == 2


def test_a_copy_that_the_platform_refuses(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused at once, and refused after a request that was lost: both are said, and the next call makes it."""
    monkeypatch.setattr("authoring.copying.DOUBT_WAIT", 0.3)
    desk.push("--publish")
    path = "manage/course" if desk.dialect == "ibl" else "/course/$"
    desk.server.faults.add(Fault(FaultKind.ERROR_BEFORE, "create", path=path, status=400))
    assert rerun(desk, "--start", "2027-03-08", code=3)["error"]
    desk.server.faults.add(Fault(FaultKind.RESET_BEFORE, "create", path=path, times=2))
    desk.server.faults.add(Fault(FaultKind.ERROR_BEFORE, "create", path=path, status=400, times=1))
    rerun(desk, code=None)
    desk.server.faults.clear()
    rerun(desk)
    assert rerun(desk)["operations"] == []
    assert len(desk.server.courses()) == 2


@pytest.mark.parametrize("status", [403, 404])
def test_a_release_without_a_list_of_copies(status: int, tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "course", dict(FILES))
    with SandboxServer(tmp_path / "s.sqlite3", replace(DOCUMENTED, rerun_seconds=0.3)) as server:
        desk = Desk(folder, server, "studio")
        desk.push("--publish")
        server.faults.add(Fault(FaultKind.ERROR_BEFORE, path="home/courses", times=10_000, status=status))
        assert rerun(desk, "--start", "2027-03-08")["copied"] is True
        assert rerun(desk)["operations"] == []


def test_a_run_that_was_deleted_in_studio_is_not_made_anew_unasked(desk: Desk) -> None:
    desk.push("--publish")
    rerun(desk, "--start", "2027-03-08")
    studio = Studio(desk.server)
    with studio.http:
        studio.send("POST", "/api/ibl/manage/course/delete", {"course_key": "course-v1:DemoX+R1+2027_T1"})
    desk.writes()
    assert "--recreate" in str(rerun(desk, code=7)["notices"])
    assert desk.writes() == []
    rerun(desk, "--recreate")
    assert dates(desk, "2027_T1")["First.due"] == "2027-03-28 23:59"


# -- what follows, and what a copy does not have


def test_what_a_copy_has_and_what_it_has_not(desk: Desk) -> None:
    """Pages, handouts, about texts, files, grading and passports are copied; the title, the start and enrolment dates are not."""
    write_tree(
        desk.folder,
        {
            "about/overview.md": "All of it.\n",
            "pages/faq.md": "---\ntitle: Questions\n---\nAsk.\n",
            "handouts.md": "Read.\n",
            "static/chart.png": PNG,
            "01-one/02-second/02-chart.md": "![A chart](../../static/chart.png)\n",
        },
    )
    desk.edit("course.yaml", "end: 2026-12-18\n", "end: 2026-12-18\nenrollment_end: 2026-09-06\n")
    desk.push("--publish")
    report = rerun(desk, "--start", "2027-03-08")
    operations: Any = report["operations"]
    assert {row["op"] for row in operations} == {"update"}, "nothing is made, nothing is uploaded"
    assert {row["block"] for row in operations if row["op"] == "update"} == {
        "course/course",
        "sequential/first",
        "sequential/second",
    }
    live = desk.server.snapshot("course-v1:DemoX+R1+2027_T1")
    assert live["published"]["fields"]["enrollment_end"] == "2027-03-07T22:59:00Z"
    assert [row["name"] for row in live["assets"]] == ["chart.png"]
