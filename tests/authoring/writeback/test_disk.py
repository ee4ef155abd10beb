"""Changes on disk: all or nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authoring.errors import SourceError
from authoring.model import BlockKey, Course
from authoring.source import SourceTree, compile_tree, read_tree
from authoring.writeback import recover, rewrite, same_course, write_changes
from tests.authoring.writeback.edits import change, edited, without
from tests.authoring.writeback.test_rewrite import course_files
from tests.conftest import write_tree


def opened(folder: Path) -> tuple[SourceTree, Course]:
    tree, _ = read_tree(folder)
    assert tree is not None
    course, findings = compile_tree(tree)
    assert course is not None and not findings.errors
    return tree, course


def contents(folder: Path) -> Mapping[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 4))
def test_the_folder_is_what_was_decided(tmp_path_factory: pytest.TempPathFactory, random: Random, count: int) -> None:
    folder = write_tree(tmp_path_factory.mktemp("course"), course_files())
    tree, ours = opened(folder)
    wanted = edited(ours, random, count)
    result = rewrite(tree, ours, wanted)
    write_changes(folder, tree, result)
    after, course = opened(folder)
    assert same_course(wanted, course)
    assert {path: file.data for path, file in after.files.items()} == {
        path: file.data for path, file in result.tree.files.items()
    }
    assert set(contents(folder)) == set(after.files)


def test_hidden_files_follow_their_folder(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, course_files({"01-a/02-c/.notes": "n", "01-a/01-b/.other": "o"}))
    tree, ours = opened(folder)
    chapter = BlockKey("chapter", "a")
    wanted = change(ours, chapter, lambda b: replace(b, children=(b.children[1],)))
    write_changes(folder, tree, rewrite(tree, ours, wanted))
    assert "01-a/_01-b/.other" in contents(folder) and "01-a/02-c/.notes" in contents(folder)
    assert same_course(wanted, opened(folder)[1])


@pytest.mark.parametrize("spoil", ["changed", "in the way", "refused"])
def test_nothing_is_written_where_something_is_wrong(
    spoil: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_tree(tmp_path, course_files())
    tree, ours = opened(folder)
    block = next(block for block in ours.blocks() if block.key == BlockKey("vertical", "hello"))
    moved = replace(ours, root=without(ours.root, block.key))
    wanted = change(moved, BlockKey("sequential", "c"), lambda b: replace(b, children=(*b.children, block)))
    result = rewrite(tree, ours, wanted)
    if spoil == "changed":
        (folder / "01-a/01-b/01-hello.md").write_text("Mine.\n")
    elif spoil == "in the way":
        write_tree(folder, {str(path): "mine" for path in result.moved.values()})
    else:
        rename = Path.rename
        calls = iter(range(100))

        def refuse(path: Path, target: Path) -> Path:
            if next(calls) == 1:
                raise OSError(28, "No space left on device")
            return rename(path, target)

        monkeypatch.setattr(Path, "rename", refuse)
    before = contents(folder)
    with pytest.raises(SourceError) as caught:
        write_changes(folder, tree, result)
    assert caught.value.hint
    assert contents(folder) == before


@pytest.mark.parametrize("seed", range(6))
def test_a_killed_process_leaves_nothing_half_written(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(seed)  # a choice of edits, no secret
    folder = write_tree(tmp_path / "course", course_files())
    tree, course = opened(folder)
    wanted = edited(course, random, 4)
    result = rewrite(tree, course, wanted)
    before = contents(folder)
    copy = shutil.copytree(folder, tmp_path / "copy")
    write_changes(copy, tree, result)
    after = contents(copy)
    rename, calls = Path.rename, [0]
    killed, number, outcomes = True, 0, []
    while killed:
        child = os.fork()
        if child == 0:

            def dying(self: Path, target: Path, last: int = number) -> Path:
                if calls[0] == last:
                    os._exit(9)
                calls[0] += 1
                return rename(self, target)

            Path.rename = dying  # type: ignore[assignment,method-assign]
            write_changes(folder, tree, result)
            os._exit(0)
        killed = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
        if killed:
            recover(folder)
            found = contents(folder)
            assert found in (before, after), f"killed before rename {number}"
            outcomes.append(found == after)
            if found == after:
                shutil.rmtree(folder)
                write_tree(folder, course_files())
            number += 1
    assert number > 1 and outcomes == sorted(outcomes)
    assert same_course(opened(folder)[1], result.course)
    assert not list(folder.glob(".writeback.*"))
