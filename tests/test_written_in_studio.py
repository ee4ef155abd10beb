"""What Studio wrote and a pull brought is ours to edit and to delete; what was deleted, made or adopted half-way is not forgotten."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from authoring.model import ROOT_KEY
from authoring.sandbox import DOCUMENTED, Fault, FaultKind, Profile, SandboxServer
from authoring.source import read_course
from tests.conftest import write_tree
from tests.desk import Desk, differences
from tests.test_course_level import (
    FILES,
    edit,
    in_each_way,
    page_titles,
    pushed,
    studio_about,
    studio_grading,
    studio_new_update,
    studio_update,
    updates,
)
from tests.test_pull import WAYS, Bench

bench = in_each_way(pushed)


def studio_text(key: str) -> Callable[[Bench], None]:
    return lambda bench: bench.studio.update(bench.usage(key), data="<p>Other <em>things</em>.</p>")


TEXTS: dict[str, tuple[Callable[[Bench], None], str, str]] = {
    "a component": (studio_text("html/words-html-1"), "01-one/01-first/01-words.md", "Other"),
    "a page": (studio_text("static_tab/faq"), "pages/01-faq.md", "Other"),
    "the handouts": (studio_text("course_info/handouts"), "handouts.md", "Other"),
    "an about text": (studio_about, "about/overview.md", "All"),
    "a new update": (studio_new_update, "updates/2027-03-01.md", "Spring"),
}


@pytest.mark.parametrize("change, path, word", TEXTS.values(), ids=list(TEXTS))
def test_what_studio_wrote_can_be_edited_here_after_a_pull(
    bench: Bench, change: Callable[[Bench], None], path: str, word: str
) -> None:
    """Studio's HTML of a text is not ours: that is no change of somebody else's."""
    change(bench)
    bench.desk.report("pull")
    edit(bench, path, word, "Mine")
    assert bench.desk.report("pull")["files"] == []
    assert len(bench.desk.push()["operations"]) == 1
    assert bench.desk.push()["operations"] == []
    assert differences(bench.desk) == []


def test_a_link_that_the_platform_flattens_is_no_change_of_somebody_else(bench: Bench) -> None:
    """Where the platform tells served addresses it gives `/static/img_chart.png` for `/static/img/chart.png`."""
    write_tree(bench.desk.folder, {"static/img/chart.png": "not really a picture"})
    path = "01-one/01-first/01-words.md"
    olx = '<problem display_name="Where"><p>Before</p><customresponse>'
    olx += '<drag_and_drop_input img="/static/img/chart.png"/></customresponse></problem>'
    edit(bench, path, "Words.", f"Words.\n\n:::olx\n{olx}\n:::\n")
    bench.desk.push("--no-verify")
    edit(bench, path, "Before", "After")
    assert bench.desk.report("pull")["conflicts"] == []
    assert len(bench.desk.push("--no-verify")["operations"]) == 1
    assert bench.desk.push()["operations"] == []
    assert differences(bench.desk) == []


def test_what_studio_wrote_can_be_deleted_here_after_a_pull(bench: Bench) -> None:
    studio_text("static_tab/faq")(bench)
    studio_new_update(bench)
    bench.desk.report("pull")
    for path in ("pages/01-faq.md", "updates/2027-03-01.md"):
        (bench.desk.folder / path).unlink()
    assert bench.desk.report("pull")["files"] == []
    bench.desk.push("--delete-removed")
    assert (len(updates(bench)), page_titles(bench)) == (2, ["Links"])


def test_what_studio_changes_after_a_pull_is_not_written_over(bench: Bench) -> None:
    studio_text("static_tab/faq")(bench)
    bench.desk.report("pull")
    edit(bench, "pages/01-faq.md", "Other", "Mine")
    bench.desk.push()
    studio_text("static_tab/faq")(bench)  # back to what it was before our push
    edit(bench, "pages/01-faq.md", "Mine", "Ours")
    bench.desk.push(code=7)


def test_an_adoption_decides_nothing_where_both_differ(bench: Bench) -> None:
    studio_update(bench)
    studio_grading(bench)
    write_tree(bench.desk.folder, {"pages/03-mine.md": "---\ntitle: Mine\n---\nMine.\n"})
    (bench.desk.folder / "course.lock").unlink()
    shutil.rmtree(bench.desk.folder / ".authoring")
    bench.desk.run("adopt", "--yes")
    before = bench.bytes()
    bench.desk.push(code=7)
    report = bench.desk.report("pull", code=None)
    assert [(one["block"], one["part"]) for one in report["conflicts"]] == [("#course/grading", "policy")]
    assert before.items() <= bench.bytes().items()
    assert report["files"] == ["updates/2027-01-13.md"]


@pytest.mark.parametrize(
    "line", ["title: News", "display_name: News", "visible_to_staff_only: true", "due: 2027-02-01"]
)
def test_an_update_has_a_date_and_a_text_and_nothing_else(tmp_path: Path, line: str) -> None:
    files = {
        "course.yaml": "org: DemoX\nnumber: P1\nrun: r\ntitle: T\n",
        "updates/2027-02-01.md": f"---\ndate: 2027-02-01\n{line}\n---\nNews.\n",
    }
    _, findings = read_course(write_tree(tmp_path / "course", files))
    assert [(one.code.name, str(one.where)) for one in findings.errors] == [("unknown-key", "updates/2027-02-01.md:3")]


def test_what_is_deleted_here_is_not_forgotten_by_a_pull_that_cannot_see_it(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "course", dict(FILES))
    with SandboxServer(tmp_path / "sandbox.sqlite3", DOCUMENTED) as server:
        desk = Desk(folder, server)
        desk.push("--publish")
        for path in ("updates/2027-01-12-open.md", "pages/02-links.md"):
            (folder / path).unlink()
        desk.session = False
        desk.report("pull")
        desk.session = True
        assert desk.report("pull")["files"] == []
        operations = desk.push("--delete-removed")["operations"]
        assert [row["op"] for row in operations] == ["delete", "delete"]


@pytest.mark.parametrize("dialect, profile", WAYS, ids=lambda one: getattr(one, "name", one))
def test_a_first_push_that_only_made_the_course_goes_on(tmp_path: Path, dialect: str, profile: Profile) -> None:
    """The platform gave the new course a start of its own; that is nobody's change."""
    folder = write_tree(tmp_path / "course", dict(FILES))
    with SandboxServer(tmp_path / "sandbox.sqlite3", profile) as server:
        desk = Desk(folder, server, dialect)
        server.faults.add(Fault(FaultKind.UNAUTHORIZED, times=99, call_kind="settings"))
        server.faults.add(Fault(FaultKind.UNAUTHORIZED, times=99, call_kind="update"))
        desk.run("push", code=None)
        assert list(desk.part().entries) == [ROOT_KEY]
        server.faults.clear()
        desk.push("--publish")
        assert differences(desk) == []


def forget(bench: Bench) -> None:
    (bench.desk.folder / "course.lock").unlink()
    shutil.rmtree(bench.desk.folder / ".authoring")


@pytest.mark.parametrize("key", ["html/words-html-1", "static_tab/faq", "course_info/handouts"])
def test_an_adopted_text_that_differs_is_not_written_over(bench: Bench, key: str) -> None:
    studio_text(key)(bench)
    forget(bench)
    bench.desk.run("adopt", "--yes")
    live = bench.desk.live()
    bench.desk.push(code=7)
    assert bench.desk.live() == live
    report = bench.desk.report("pull", code=8)
    assert [(one["block"], one["part"]) for one in report["conflicts"]] == [(key, "data")]
