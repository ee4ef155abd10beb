"""Courses that other people made, and our samples: pushed, and brought back into an empty folder, they are the same trees.

Every course takes one of the ways in turn; `AUTHORING_FULL=1` takes each through all of them. The corpus stands beside the
project, or where the environment variable AUTHORING_CORPUS says.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from authoring.cli import main
from authoring.importing import import_package
from authoring.operations import DeleteBlock
from authoring.planner import PlanOptions
from authoring.resources import samples_dir
from authoring.sandbox import DOCUMENTED, OBSERVED, SandboxServer
from authoring.sandbox.profile import Profile
from authoring.scaffold import available_samples
from authoring.session import open_session
from authoring.settings import load_target
from tests.desk import Desk, differences
from tests.packages import ARCHIVES, CORPUS

WAYS = (("ibl", DOCUMENTED), ("studio", OBSERVED), ("ibl", OBSERVED), ("studio", DOCUMENTED))
FULL = os.environ.get("AUTHORING_FULL") == "1"
NO_COURSE = {
    "edx-platform-NoVersionNumber.tar.gz",
    "edx-platform-bad_library.tar.gz",
    "edx-platform-library.tar.gz",
    "edx-platform-test-courses.tar.gz",
    "hastexo-olx-utils-mako-source.tar.gz",
    "openedx-demo-content-library.tar.gz",
    "openedx-test-problem-bank.tar.gz",
}
"""Libraries, a template of a course, many small courses in one, and a package with a single number in it."""
COURSES = [samples_dir() / name for name in available_samples()] + [
    archive for archive in ARCHIVES if archive.name not in NO_COURSE
]
SECRETS = {
    f"LTI_{tool}_{part}": "of-the-tests"
    for tool in ("CODEBOARD", "JUPYTER", "MITXR", "VITAL_SOURCE")
    for part in ("KEY", "SECRET")
}
"""What some of the courses declare."""


def ways() -> list[object]:
    found: list[object] = []
    for number, course in enumerate(COURSES):
        name = course.name.removesuffix(".tar.gz")
        for dialect, profile in WAYS if FULL else (WAYS[number % len(WAYS)],):
            found.append(pytest.param(course, dialect, profile, id=f"{name}-{dialect}-{profile.name}"))
    return found


def test_the_corpus_is_there() -> None:
    if not ARCHIVES:
        pytest.skip(f"no corpus beside the project: {CORPUS / 'olx'}")
    assert len(COURSES) > 25


def tree(folder: Path) -> dict[str, bytes]:
    """Every file, the lock file too, but what is the machine's own."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".authoring" not in path.parts
    }


def seen_as_changed(desk: Desk) -> list[str]:
    """What a push that deletes the whole course would stop for."""
    environ = {**os.environ, **desk.environ}
    with open_session(desk.folder, load_target(None, desk.folder, environ), environ=environ) as session:
        empty = replace(session.course, root=replace(session.course.root, children=()), detached=())
        plan = replace(session, course=empty).plan(PlanOptions(delete_removed=True))
    assert any(isinstance(operation, DeleteBlock) for operation in plan.operations)
    return [notice.message for notice in plan.notices if notice.kind == "changed-there"]


@pytest.mark.corpus
@pytest.mark.parametrize(("course", "dialect", "profile"), ways())
def test_pushed_and_pulled_it_is_the_same(
    course: Path, dialect: str, profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    if course.is_dir():
        shutil.copytree(course, tmp_path / "course")
    else:
        import_package(course, tmp_path / "course")
    with SandboxServer(tmp_path / "sandbox.sqlite3", profile) as server:
        desk = Desk(tmp_path / "course", server, dialect)
        desk.push("--transport", "calls", "--publish", "--no-verify")
        assert differences(desk) == []

        assert seen_as_changed(desk) == [], "nobody but us wrote what is live"
        before = tree(desk.folder)
        pulled = desk.report("pull")
        assert (pulled["taken"], pulled["files"], pulled["conflicts"]) == ([], [], [])
        assert tree(desk.folder) == before
        assert desk.push("--publish")["operations"] == []

        fresh = Desk(tmp_path / "fresh", server, dialect)
        result = CliRunner(env=fresh.environ).invoke(main, ["pull", str(desk.course().id), str(fresh.folder)])
        assert result.exit_code == 0, result.output
        assert differences(fresh) == [], "what the fresh folder compiles to is what is live, as the first folder is"
        assert len(list(fresh.course().root.walk())) == len(list(desk.course().root.walk()))
        assert fresh.report("plan", "--publish", code=None)["operations"] == []
