"""A live course read back: what was pushed, nothing else, in every dialect; and every change that somebody made to it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from authoring.client import Client
from authoring.comparison import Difference, compare
from authoring.exporter import LiveCourse, read_live_course
from authoring.lockfile import LockPart
from authoring.resources import samples_dir
from authoring.sandbox import DOCUMENTED, OBSERVED, SandboxServer
from authoring.settings import load_target
from tests.desk import Desk

WAYS = [("ibl", True, DOCUMENTED), ("ibl", True, OBSERVED), ("studio", True, OBSERVED)]


@pytest.fixture(params=WAYS, ids=lambda way: f"{way[0]}-{way[2].name}")
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    dialect, session, profile = request.param
    shutil.copytree(samples_dir() / "reading-data", tmp_path / "course")
    with SandboxServer(tmp_path / "sandbox.sqlite3", profile) as server:
        yield Desk(tmp_path / "course", server, dialect, session)


def read(desk: Desk, part: LockPart | None) -> LiveCourse:
    target = load_target(None, desk.folder, desk.environ)
    assert target is not None
    with Client(target) as client:
        found = read_live_course(client, desk.course().id, part)
    assert found is not None
    return found


def differences(desk: Desk) -> tuple[Difference, ...]:
    live = read(desk, desk.part())
    return compare(desk.course(), live.course, knows=live.knows, closed=live.closed, sees=live.sees)


def test_what_was_pushed_comes_back(desk: Desk) -> None:
    desk.push()
    assert [(str(one), one.ours, one.theirs) for one in differences(desk)] == []
    live = read(desk, desk.part())
    assert not live.known and not live.closed and not live.unread_parts
    assert live.course.grading == desk.course().grading


def test_without_the_lock_file_only_the_names_are_others(desk: Desk) -> None:
    desk.push()
    live, known = read(desk, None), read(desk, desk.part())
    ours = [(block.category, block.display_name) for block in known.course.root.walk()]
    assert [(block.category, block.display_name) for block in live.course.root.walk()] == ours
    names = [block.url_name for block in live.course.root.walk()]
    assert len(set(names)) == len(names)
    assert not any(len(name) == 32 and name.isalnum() for name in names), "no minted id where there is a title"
