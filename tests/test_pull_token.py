"""Pulling with client credentials alone: what the ibl platform's own routes show comes back, what they do not is said."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from authoring.cli import main
from authoring.exporter.skeleton import subsections_of
from authoring.sandbox import DOCUMENTED, OBSERVED, SandboxServer
from tests.conftest import write_tree
from tests.desk import Desk, differences
from tests.studio import Studio
from tests.test_pull import (
    EDITS,
    FILES,
    Bench,
    add_problem,
    add_section,
    delete_component,
    move_unit,
    reorder_sections,
    retitle,
    rewrite_paragraph,
)

TEXT_ONLY = replace(OBSERVED, name="text-only", bearer_refused=False)
"""A deployment that takes tokens and shows html and video alone."""
NOT_SHOWN = {"another order", "a new section", "a unit that moved"}
"""What no list of units tells: the order of sections, a section of which nobody knows, a unit at the edge of two subsections."""


@pytest.fixture(params=[DOCUMENTED, TEXT_ONLY], ids=lambda profile: profile.name)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    folder = write_tree(tmp_path / "course", dict(FILES))
    with SandboxServer(tmp_path / "sandbox.sqlite3", request.param) as server:
        Desk(folder, server, "ibl").push("--publish")
        studio = Studio(server)
        with closing(studio.http):
            yield Bench(Desk(folder, server, "ibl", session=False), studio)


def is_text_only(request: pytest.FixtureRequest) -> bool:
    return "text-only" in request.node.name


def test_without_a_change_nothing_changes(bench: Bench) -> None:
    before, lock = bench.bytes(), (bench.desk.folder / "course.lock").read_bytes()
    report = bench.desk.report("pull")
    assert (report["taken"], report["files"], report["conflicts"]) == ([], [], [])
    assert bench.bytes() == before
    assert (bench.desk.folder / "course.lock").read_bytes() == lock
    assert "new sections and subsections" in report["unread_parts"]


@pytest.mark.parametrize("name", sorted(EDITS.keys() - NOT_SHOWN))
def test_an_edit_in_studio_comes_back(bench: Bench, name: str, request: pytest.FixtureRequest) -> None:
    edit, check = EDITS[name]
    edit(bench)
    report = bench.desk.report("pull")
    if is_text_only(request) and name == "a due date":
        assert report["taken"] == [] and report["unread"]["sequential"] == 3
        return
    if is_text_only(request) and name == "a new problem":  # only its name is shown
        assert report["taken"] == [] and any("'Sum'" in part for part in report["unread_parts"])
        return
    assert report["taken"]
    check(bench)
    assert bench.desk.push()["operations"] == []
    assert bench.desk.report("pull")["files"] == []


def test_a_session_finds_the_rest_afterwards(bench: Bench) -> None:
    """What a pull with a token did not see is neither lost nor taken for seen."""
    for edit in (retitle, rewrite_paragraph, delete_component, add_problem, reorder_sections, move_unit, add_section):
        edit(bench)
    bench.desk.report("pull")
    bench.desk.session = True
    assert bench.desk.report("pull")["taken"]
    assert bench.desk.push()["operations"] == []
    assert differences(bench.desk) == []
    assert any("New words." in path.read_text("utf-8") for path in bench.desk.folder.rglob("*.md"))
    assert any("2 + 2" in path.read_text("utf-8") for path in bench.desk.folder.rglob("*.md"))


def test_a_unit_at_the_edge_of_two_subsections_is_named(bench: Bench) -> None:
    move_unit(bench)
    report = bench.desk.report("pull")
    assert report["taken"] == []
    assert any("'Last'" in part for part in report["unread_parts"])
    assert (bench.desk.folder / "01-one/01-first/03-last.md").exists()


def test_a_draft_that_was_pulled_is_still_to_be_published(bench: Bench) -> None:
    rewrite_paragraph(bench)
    bench.desk.report("pull")
    plan = bench.desk.report("plan", "--publish", code=None)
    assert [row["op"] for row in plan["operations"]] == ["publish"]


def test_without_a_lock_file_no_folder_is_made(bench: Bench, tmp_path: Path) -> None:
    course = str(bench.desk.course().id)
    result = CliRunner(env=bench.desk.environ).invoke(main, ["pull", course, str(tmp_path / "fresh")])
    assert result.exit_code == 1
    assert "does not show the sections" in result.output and "IBL_STUDIO_SESSION" in result.output
    assert not (tmp_path / "fresh").exists()


# --- where units stand

SUBSECTIONS = st.lists(st.integers(1, 4), min_size=1, max_size=5)


@given(SUBSECTIONS)
def test_units_that_stand_as_they_did_are_where_they_were(sizes: list[int]) -> None:
    home = {f"{place}-{unit}": str(place) for place, size in enumerate(sizes) for unit in range(size)}
    assert subsections_of(list(home), home) == (home, ())


@given(SUBSECTIONS, st.data())
def test_a_new_unit_is_placed_only_where_there_is_no_doubt(sizes: list[int], data: st.DataObject) -> None:
    home = {f"{place}-{unit}": str(place) for place, size in enumerate(sizes) for unit in range(size)}
    order = list(home)
    number = data.draw(st.integers(0, len(order)))
    before = home[order[number - 1]] if number else None
    after = home[order[number]] if number < len(order) else None
    order.insert(number, "new")
    places, astray = subsections_of(order, home)
    assert places.get("new") == (before if before == after else None)
    assert astray == (() if before == after else ("new",))
    assert {unit: place for unit, place in places.items() if unit != "new"} == home
