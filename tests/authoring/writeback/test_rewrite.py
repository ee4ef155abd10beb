"""The law of writing back: what was rewritten compiles to the wanted course, and what did not change is the same bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authoring.errors import AuthoringError
from authoring.identity import align_implicit_keys
from authoring.importing import import_package
from authoring.lockfile import LockEntry, LockPart, wanted_state
from authoring.model import Block, BlockKey, Course
from authoring.scaffold import create_course
from authoring.source import SourceTree, compile_tree, read_tree
from authoring.writeback import KEPT_ASIDE, Rewritten, rewrite, same_course
from tests.authoring.writeback.cases import documented, tree_from_files
from tests.authoring.writeback.edits import add, change, edited, move, shuffle, without
from tests.packages import ARCHIVES, needs_corpus

ROOT = Path(__file__).parents[3]


@cache
def sample() -> SourceTree:
    tree, _ = read_tree(ROOT / "sample_courses" / "reading-data")
    assert tree is not None
    return tree


def compiled(tree: SourceTree) -> Course:
    course, findings = compile_tree(tree)
    assert course is not None and not findings.errors, [str(finding) for finding in findings.errors]
    return course


def hold(tree: SourceTree, wanted: Course, result: Rewritten) -> None:
    """The law, and that the account of changes is the change."""
    assert not result.unplaced
    assert same_course(wanted, compiled(result.tree))
    after = {path: file for path, file in tree.files.items() if Path(path) not in map(Path, result.deleted)}
    for old, new in result.moved.items():
        after[str(new)] = after.pop(str(old))
    for path, data in result.written.items():
        assert path not in after or after[str(path)].data != data
    for path, file in result.tree.files.items():
        written = {str(name): data for name, data in result.written.items()}
        if path in written:
            assert file.data == written[path]
        elif path not in map(str, result.copies):
            assert path in after and (file.data, file.digest) == (after[path].data, after[path].digest)
    assert set(result.tree.files) == {*after, *map(str, result.written), *map(str, result.copies)}


TREES = {"documented": documented, "sample": sample}


@pytest.mark.parametrize("name", TREES)
def test_without_a_change_nothing_happens(name: str) -> None:
    tree = TREES[name]()
    course = compiled(tree)
    result = rewrite(tree, course, course)
    assert not result and result.tree is tree


@pytest.mark.parametrize("name", TREES)
@settings(max_examples=25, deadline=None)
@given(random=st.randoms(use_true_random=False), count=st.integers(1, 4))
def test_what_is_rewritten_compiles_to_what_was_wanted(name: str, random: Random, count: int) -> None:
    tree = TREES[name]()
    ours = compiled(tree)
    wanted = edited(ours, random, count)
    hold(tree, wanted, rewrite(tree, ours, wanted))


def test_an_open_response_moves_from_markdown_into_a_unit_of_olx() -> None:
    """Both ways of writing it say the same steps: an element has no dates where none are set, and no more has a directive."""
    tree = documented()
    ours = compiled(tree)
    report = next(block for block in ours.blocks() if block.key == BlockKey("openassessment", "report"))
    whole = BlockKey("vertical", "whole")
    root = without(ours.root, report.key)
    moved = replace(ours, root=root)
    wanted = change(moved, whole, lambda unit: replace(unit, children=(report, *unit.children)))
    hold(tree, wanted, rewrite(tree, ours, wanted))


@pytest.mark.parametrize("template", ["minimal", "weekly", "workshop"])
def test_a_scaffold_takes_changes(template: str, tmp_path: Path) -> None:
    create_course(tmp_path / "course", template, {"org": "O", "number": "N", "run": "R", "title": "T"})
    tree, _ = read_tree(tmp_path / "course")
    assert tree is not None
    ours = compiled(tree)
    for seed in range(8):
        wanted = edited(ours, Random(seed), 3)
        hold(tree, wanted, rewrite(tree, ours, wanted))


def test_a_second_change_goes_back_to_the_first_bytes() -> None:
    """Undoing an edit of values and words leaves no trace."""
    tree = sample()
    ours = compiled(tree)
    text = next(block for block in ours.blocks() if block.key == BlockKey("html", "welcome-html-1"))
    wanted = change(
        ours, text.key, lambda b: replace(b, content=(b.content or "").replace("no formulas", "few formulas"))
    )
    first = rewrite(tree, ours, wanted)
    assert len(first.written) == 1
    second = rewrite(first.tree, compiled(first.tree), ours)
    assert {path: file.data for path, file in second.tree.files.items()} == {
        path: file.data for path, file in tree.files.items()
    }


UNIT = """---
# front comment
title: Hello  # trailing
---
<!-- comment in the text -->

First words.

<!-- between -->

:::video {#clip}
# option comment
title: Clip
youtube: abcdefghijk  # the short one
:::

Last words.
"""


def course_files(extra: Mapping[str, str] = {}) -> dict[str, str]:
    head = "# course comment\norg: O\nnumber: N\nrun: R\ntitle: T  # shown\n"
    return {
        "course.yaml": head,
        "01-a/section.yaml": "# section comment\ntitle: A\n",
        "01-a/01-b/subsection.yaml": "title: B # b\n",
        "01-a/01-b/01-hello.md": UNIT.replace("# option comment\ntitle: Clip", "title: Clip\n# option comment"),
        "01-a/01-b/02-bye.md": "Bye.\n",
        "01-a/02-c/01-d.md": "D.\n",
        **extra,
    }


def comments(tree: SourceTree) -> set[str]:
    found: set[str] = set()
    for file in tree.files.values():
        text = (file.data or b"").decode()
        found |= set(re.findall(r"# [a-z]+ comment|  # [a-z ]+$|<!-- .*? -->", text, re.MULTILINE))
    return found


@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 3))
def test_comments_survive_moves_and_new_neighbours(random: Random, count: int) -> None:
    tree = tree_from_files(course_files())
    ours = compiled(tree)
    wanted = ours
    for _ in range(count):
        wanted = random.choice([shuffle, move, add])(wanted, random)
    result = rewrite(tree, ours, wanted)
    hold(tree, wanted, result)
    assert comments(result.tree) >= comments(tree)


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_windows_line_ends_and_byte_order_marks_stay(random: Random) -> None:
    files = {path: text.replace("\n", "\r\n") for path, text in course_files().items()}
    files["01-a/01-b/01-hello.md"] = "\ufeff" + files["01-a/01-b/01-hello.md"]
    tree = tree_from_files(files)
    ours = compiled(tree)
    wanted = edited(ours, random, 2)
    result = rewrite(tree, ours, wanted)
    hold(tree, wanted, result)
    origins = {new: old for old, new in result.moved.items()}
    for path, data in result.written.items():
        if str(origins.get(path, path)) in tree.files:
            assert data.count(b"\n") == data.count(b"\r\n")
            assert data.startswith(b"\xef\xbb\xbf") == str(origins.get(path, path)).endswith("hello.md")


def lock_of(course: Course) -> LockPart:
    entries = {
        block.key: LockEntry(block.key, str(block.key), parent.key if parent else None, wanted_state(block))
        for block, parent in course.root.walk_with_parent()
    }
    return LockPart("t", "c", entries)


def test_prose_stays_prose_where_the_lock_file_knows_it() -> None:
    """Its name follows from its place; with the lock file, what it holds tells which it is."""
    tree = tree_from_files(course_files())
    ours = compiled(tree)
    wanted = replace(ours, root=ours.root.transform(_without_clip))
    part = lock_of(wanted)
    plain = rewrite(tree, ours, wanted)
    aligned = rewrite(tree, ours, wanted, align=lambda course: align_implicit_keys(course, part))
    hold(tree, wanted, plain)
    path = next(iter(aligned.written))
    # Two texts in a row would be one, so the second is a directive all the same; an id it does not need.
    assert b"{#hello-html-2}" not in aligned.written[path]
    assert same_course(wanted, align_implicit_keys(compiled(aligned.tree), part))


def _without_clip(block: Block) -> Block:
    return replace(block, children=tuple(child for child in block.children if child.url_name != "clip"))


def test_what_lies_beside_a_deleted_section_is_kept_and_said() -> None:
    tree = tree_from_files(course_files({"01-a/02-c/_plan.txt": "ask\n", "01-a/02-c/README.md": "read\n"}))
    ours = compiled(tree)
    wanted = replace(
        ours, root=ours.root.transform(lambda b: replace(b, children=tuple(c for c in b.children if c.url_name != "c")))
    )
    result = rewrite(tree, ours, wanted)
    hold(tree, wanted, result)
    assert {str(new) for new in result.moved.values()} == {"01-a/_02-c/_plan.txt", "01-a/_02-c/README.md"}
    assert [finding.code for finding in result.findings if finding.code is KEPT_ASIDE] == [KEPT_ASIDE] * 2


def test_a_package_among_the_units_becomes_a_directive_when_its_unit_changes() -> None:
    tree = documented()
    ours = compiled(tree)
    key = BlockKey("vertical", "safety")
    note = Block(BlockKey("html", "note"), {"display_name": "Note", "editor": "raw"}, "<p>Wear goggles.</p>")
    wanted = change(ours, key, lambda b: replace(b, children=(*b.children, note)))
    result = rewrite(tree, ours, wanted)
    hold(tree, wanted, result)
    assert {str(new) for new in result.moved.values()} == {"01-welcome/01-first-steps/_packages/11-safety.zip"}


def test_a_package_in_a_unit_of_olx_is_reported() -> None:
    tree = documented()
    ours = compiled(tree)
    package = next(block for block in ours.blocks() if block.key == BlockKey("scorm", "safety-scorm-1"))
    moved = replace(ours, root=without(ours.root, package.key))
    whole = next(block for block in ours.blocks() if block.display_name == "A unit as OLX")
    wanted = change(moved, whole.key, lambda b: replace(b, children=(*b.children, package)))
    result = rewrite(tree, ours, wanted)
    assert [(difference.key, difference.part) for difference in result.unplaced] == [(package.key, "package")]
    assert "safety.zip" in " ".join(result.tree.files), "the package itself is not lost"


def test_what_no_folder_can_say_is_reported() -> None:
    tree = tree_from_files(course_files())
    ours = compiled(tree)
    wanted = replace(ours, policies={"video/gone": {"a": 1}})
    result = rewrite(tree, ours, wanted)
    assert [difference.part for difference in result.unplaced] == ["policies"]
    assert any(finding.code.name == "not-placed" for finding in result.findings)


def test_removing_everything_leaves_a_course() -> None:
    tree = sample()
    ours = compiled(tree)
    wanted = replace(ours, root=replace(ours.root, children=()))
    hold(tree, wanted, rewrite(tree, ours, wanted))


@needs_corpus
@pytest.mark.corpus
@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda path: path.name.removesuffix(".tar.gz"))
def test_imported_courses_take_changes(archive: Path, tmp_path: Path) -> None:
    try:
        import_package(archive, tmp_path / "course")
    except AuthoringError as error:
        pytest.skip(str(error))
    tree, _ = read_tree(tmp_path / "course")
    assert tree is not None
    ours = compiled(tree)
    for seed in range(3):
        wanted = edited(ours, Random(seed), 3)
        hold(tree, wanted, rewrite(tree, ours, wanted))
