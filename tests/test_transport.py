"""A whole new course as one OLX archive: the same course as call by call, and a lock file that knows it all."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from authoring.resources import samples_dir
from authoring.sandbox import Fault, FaultKind, SandboxServer
from tests.desk import Desk, differences


@pytest.fixture(params=["ibl", "studio"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    folder = tmp_path / "course"
    shutil.copytree(samples_dir() / "reading-data", folder)
    if request.param == "ibl":
        # It keeps SCORM and PDF blocks in its own way: a course with one goes by calls.
        for package in folder.rglob("*.zip"):
            package.unlink()
        for unit in folder.rglob("*.md"):
            text = unit.read_text("utf-8")
            unit.write_text(re.sub(r"^:::pdf.*?^:::$", "", text, flags=re.MULTILINE | re.DOTALL), "utf-8")
    with SandboxServer(tmp_path / "sandbox.sqlite3") as server:
        yield Desk(folder, server, dialect=request.param)


def test_one_upload_makes_the_course_and_the_next_push_is_empty(desk: Desk) -> None:
    report = desk.push("--publish", "--transport", "olx")
    assert [operation["op"] for operation in report["operations"]][:2] == ["create-course", "import-course"]
    writes = desk.writes()
    assert len(writes) < 8, writes
    assert differences(desk) == [] and differences(desk, "published") == []
    assert desk.push("--publish")["operations"] == []
    assert desk.writes() == []


def test_what_is_edited_afterwards_goes_by_calls(desk: Desk) -> None:
    desk.push("--publish", "--transport", "olx")
    unit = next(path for path in sorted(desk.folder.rglob("01-*.md")) if "## " in path.read_text("utf-8"))
    unit.write_text(unit.read_text("utf-8").replace("## ", "## Now: ", 1), "utf-8")
    desk.writes()
    report = desk.push("--publish", "--transport", "olx")
    assert "import-course" not in [operation["op"] for operation in report["operations"]]
    assert any(notice["kind"] == "no-olx-import" for notice in report["notices"])
    assert differences(desk, "published") == []


def test_it_is_not_done_where_it_would_publish_unasked(desk: Desk) -> None:
    plan = desk.report("plan", "--transport", "olx")
    assert "import-course" not in [operation["op"] for operation in plan["operations"]]
    assert any("--publish" in notice["message"] for notice in plan["notices"] if notice["kind"] == "no-olx-import")


def test_a_package_that_the_archive_cannot_name_is_sent_by_calls(tmp_path: Path) -> None:
    with SandboxServer(tmp_path / "sandbox.sqlite3") as server:
        shutil.copytree(samples_dir() / "reading-data", tmp_path / "course")
        plan = Desk(tmp_path / "course", server).report("plan", "--publish", "--transport", "olx")
    assert "in another way than OLX" in str(plan["notices"])


def test_a_saved_plan_is_applied_as_it_stands(desk: Desk) -> None:
    saved = desk.folder.parent / "plan.json"
    desk.run("plan", "--publish", "--transport", "olx", "--out", str(saved))
    desk.report("push", "--plan", str(saved))
    assert differences(desk, "published") == []
    assert "secret" not in saved.read_text("utf-8").lower() or "MATHS" not in saved.read_text("utf-8")


def test_a_course_that_an_import_made_in_part_is_completed(desk: Desk) -> None:
    """The answer to the upload is lost: the next run sends it again, and nothing is there twice."""
    desk.server.faults.add(Fault(FaultKind.RESET_AFTER, path="/import/", times=9))
    desk.push("--publish", "--transport", "olx", code=None)
    desk.server.faults.clear()
    desk.push("--publish")
    assert differences(desk, "published") == []
