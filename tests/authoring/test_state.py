"""The lock file over the journal: nothing recorded is lost, one writer at a time, damage is reported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from authoring.errors import BusyError, LockfileError
from authoring.journal import Changes, Journal
from authoring.lockfile import LockedAsset, LockEntry, load_lockfile
from authoring.model import BlockKey
from authoring.operations import CreateBlock, ForgetBlock
from authoring.state import CourseState, local_folder

COURSE = "course-v1:A+B+C"
KEY = BlockKey("html", "a")
ENTRY = LockEntry(KEY, "block-v1:A+B+C+type@html+block@1", BlockKey("vertical", "u"), {"data": "0" * 16}, None)
CREATE = CreateBlock(KEY, BlockKey("vertical", "u"), "A")


def test_what_is_finished_is_in_the_lock_file_afterwards(tmp_path: Path) -> None:
    with CourseState(tmp_path, "sandbox", COURSE) as state:
        state.finish(state.begin(CREATE), Changes(entries=(ENTRY,), assets=(LockedAsset("a.png", "0", 3),)))
    part = load_lockfile(tmp_path).part("sandbox", COURSE)
    assert part.entries == {KEY: ENTRY}
    assert part.assets == {"a.png": LockedAsset("a.png", "0", 3)}


KILLED = """
import os, sys
from pathlib import Path
from authoring.state import CourseState
from authoring.journal import Changes
from authoring.lockfile import LockEntry
from authoring.model import BlockKey
from authoring.operations import CreateBlock
import authoring.state
authoring.state.SAVE_EVERY = 1e9
state = CourseState(Path(sys.argv[1]), "sandbox", "course-v1:A+B+C").__enter__()
state._saved = 1e18
for n in range(3):
    key = BlockKey("html", f"h{n}")
    intent = state.begin(CreateBlock(key, BlockKey("vertical", "u"), None))
    state.finish(intent, Changes(entries=(LockEntry(key, f"live-{n}", None, {}, None),)))
state.begin(CreateBlock(BlockKey("html", "open"), BlockKey("vertical", "u"), None))
os.kill(os.getpid(), 9)
"""


def test_a_killed_run_loses_nothing_that_was_recorded(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert done.returncode == -9
    assert not (tmp_path / "course.lock").exists()
    with CourseState(tmp_path, "sandbox", COURSE) as state:
        assert sorted(key.url_name for key in state.part.entries) == ["h0", "h1", "h2"]
        assert [intent.operation for intent in state.pending()] == [
            CreateBlock(BlockKey("html", "open"), BlockKey("vertical", "u"), None)
        ]
    assert len(load_lockfile(tmp_path).part("sandbox", COURSE).entries) == 3


def test_two_writers_exclude_each_other(tmp_path: Path) -> None:
    refused = pytest.raises(BusyError, match=r"another `authoring` works on this course.*process")
    with CourseState(tmp_path, "sandbox", COURSE), refused:
        CourseState(tmp_path, "sandbox", COURSE).__enter__()
    with CourseState(tmp_path, "sandbox", COURSE):
        pass


def test_changes_are_replayed_in_order(tmp_path: Path) -> None:
    with CourseState(tmp_path, "sandbox", COURSE) as state:
        state.finish(state.begin(CREATE), Changes(entries=(ENTRY,)))
        state.finish(state.begin(ForgetBlock(KEY)), Changes(dropped=(KEY,)))
        assert state.part.entries == {}
        state.finish(state.begin(CREATE), Changes(entries=(ENTRY,)))
        state.finish(state.begin(CREATE), Changes(reset=True))
        assert state.part.entries == {}


def test_a_damaged_journal_is_reported(tmp_path: Path) -> None:
    (local_folder(tmp_path) / "journal.sqlite3").write_bytes(b"not a database, but long enough to look at" * 100)
    with pytest.raises(LockfileError, match="journal") as caught:
        CourseState(tmp_path, "sandbox", COURSE).__enter__()
    assert caught.value.hint and "delete it" in caught.value.hint


def test_a_damaged_journal_row_is_reported(tmp_path: Path) -> None:
    with Journal(local_folder(tmp_path)) as journal:
        intent = journal.advance("sandbox", COURSE, (), CREATE)
        assert intent is not None
        journal.advance("sandbox", COURSE, [(intent, Changes(entries=(ENTRY,)))], None)
        journal._run("update changes set row = '[]'", ())
    with pytest.raises(LockfileError, match="journal"):
        CourseState(tmp_path, "sandbox", COURSE).__enter__()


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / ".authoring").write_text("a file in its place")
    with pytest.raises(LockfileError, match="cannot be"):
        CourseState(tmp_path, "sandbox", COURSE)
