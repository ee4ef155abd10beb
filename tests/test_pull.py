"""Live changes come back into the very files; the folder and the platform agree afterwards, and nobody's work is lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from authoring.cli import main
from authoring.comparison import compare
from authoring.resources import samples_dir
from authoring.sandbox import DOCUMENTED, OBSERVED, SandboxServer
from authoring.session import load_course
from tests.conftest import write_tree
from tests.desk import Desk, differences
from tests.studio import Studio

WAYS = [("ibl", DOCUMENTED), ("ibl", OBSERVED), ("studio", OBSERVED)]
FILES: dict[str, str | bytes] = {
    "course.yaml": """\
# The course; this comment stays.
org: DemoX
number: P1
run: r
title: Pulled   # its title
start: 2027-01-11
grading:
  assignment_types:
    - {type: Quiz, short_label: Q, weight: 100%, min_count: 1, drop_count: 0}
  cutoffs: {Pass: 0.6}
""",
    "01-one/section.yaml": "# A comment\ntitle: One\n",
    "01-one/01-first/subsection.yaml": "title: First   # named so\nformat: Quiz\ngraded: true\ndue: 2027-02-01\n",
    "01-one/01-first/01-words.md": """\
---
title: Words   # a good title
---
<!-- a note to ourselves -->
The first paragraph, broken
over two lines.

The second, with [a link](02-tasks.md#check).

* one
* two
""",
    "01-one/01-first/02-tasks.md": """\
---
title: Tasks
---

:::problem {#check}
title: Check
max_attempts: 2   # enough
---
>>What is 1 + 1?<<

( ) 1
(x) 2
:::

:::video {#film}
title: Film
youtube: dQw4w9WgXcQ
:::
""",
    "01-one/01-first/03-last.md": "---\ntitle: Last\n---\nLast words.\n",
    "01-one/02-second/01-alone.md": "---\ntitle: Alone\n---\nBy itself.\n",
    "02-two/section.yaml": "title: Two\n",
    "02-two/01-third/01-there.md": "---\ntitle: There\n---\nOver there.\n",
    "pages/faq.md": "---\ntitle: Questions\n---\nAsk.\n",
    "about/overview.md": "What you will learn.\n",
}


@dataclass
class Bench:
    """A pushed course, and Studio beside it."""

    desk: Desk
    studio: Studio

    def usage(self, key: str) -> str:
        return next(entry.usage_key for name, entry in self.desk.part().entries.items() if str(name) == key)

    def read(self, path: str) -> str:
        return (self.desk.folder / path).read_text("utf-8")

    def bytes(self) -> dict[str, bytes]:
        folder = self.desk.folder
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file() and ".authoring" not in path.parts and path.name != "course.lock"
        }

    def settle(self) -> None:
        """Pull; then source and platform agree, and neither a push nor a pull has anything to do."""
        report = self.desk.report("pull")
        assert report["ok"], report
        before = self.bytes()
        assert self.desk.push()["operations"] == []
        again = self.desk.report("pull")
        assert (again["taken"], again["files"]) == ([], [])
        assert self.bytes() == before
        assert differences(self.desk) == []


@pytest.fixture(params=WAYS, ids=lambda way: f"{way[0]}-{way[1].name}")
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    dialect, profile = request.param
    folder = write_tree(tmp_path / "course", dict(FILES))
    with SandboxServer(tmp_path / "sandbox.sqlite3", profile) as server:
        desk = Desk(folder, server, dialect)
        desk.push("--publish")
        studio = Studio(server)
        with closing(studio.http):
            yield Bench(desk, studio)


def test_without_a_change_every_file_stays_the_same_bytes(bench: Bench) -> None:
    before, lock = bench.bytes(), (bench.desk.folder / "course.lock").read_bytes()
    report = bench.desk.report("pull")
    assert (report["taken"], report["files"], report["conflicts"]) == ([], [], [])
    assert bench.bytes() == before
    assert (bench.desk.folder / "course.lock").read_bytes() == lock


def retitle(bench: Bench) -> None:
    bench.studio.update(bench.usage("vertical/words"), metadata={"display_name": "More words"})


def rewrite_paragraph(bench: Bench) -> None:
    place = bench.usage("html/words-html-1")
    data = bench.studio.read(place)["data"]
    assert "The second" in data
    bench.studio.update(place, data=data.replace("The second", "The other"))


def add_problem(bench: Bench) -> None:
    place = bench.studio.create(bench.usage("vertical/tasks"), "problem")
    olx = '<problem><numericalresponse answer="4"><label>2 + 2</label><formulaequationinput/></numericalresponse></problem>'
    bench.studio.update(place, data=olx, metadata={"display_name": "Sum"}, nullout=["markdown"])


def move_unit(bench: Bench) -> None:
    place = bench.usage("vertical/last")
    target = bench.usage("sequential/third")
    bench.studio.send("PATCH", "/xblock/", {"move_source_locator": place, "parent_locator": target})


def delete_component(bench: Bench) -> None:
    bench.studio.send("DELETE", f"/xblock/{bench.usage('video/film')}", code=204)


def reorder_sections(bench: Bench) -> None:
    root = bench.studio.server.snapshot(str(bench.desk.course().id))["draft"]["usage"]
    bench.studio.update(root, children=[bench.usage("chapter/two"), bench.usage("chapter/one")])


def add_section(bench: Bench) -> None:
    root = bench.studio.server.snapshot(str(bench.desk.course().id))["draft"]["usage"]
    _, _, unit = bench.studio.chain(root)
    place = bench.studio.create(unit, "html")
    bench.studio.update(place, data="<p>New words.</p>", metadata={"display_name": "News"})


def change_due_date(bench: Bench) -> None:
    bench.studio.update(bench.usage("sequential/first"), metadata={"due": "2027-03-08T23:59:00Z"})


Check = Callable[[Bench], None]


def holds(path: str, *words: str) -> Check:
    def check(bench: Bench) -> None:
        text = bench.read(path)
        for word in words:
            assert word in text, text

    return check


def unit_moved(bench: Bench) -> None:
    assert not (bench.desk.folder / "01-one/01-first/03-last.md").exists()
    assert any(
        "Last words." in path.read_text("utf-8") for path in (bench.desk.folder / "02-two/01-third").glob("*.md")
    )


def film_gone(bench: Bench) -> None:
    text = bench.read("01-one/01-first/02-tasks.md")
    assert "video" not in text and "max_attempts: 2   # enough" in text


def sections_swapped(bench: Bench) -> None:
    course, _ = load_course(bench.desk.folder)
    assert [block.display_name for block in course.root.children] == ["Two", "One"]


def section_there(bench: Bench) -> None:
    course, _ = load_course(bench.desk.folder)
    assert [block.display_name for block in course.root.children] == ["One", "Two", "Section"]
    assert any("New words." in path.read_text("utf-8") for path in bench.desk.folder.rglob("*.md"))


EDITS: dict[str, tuple[Callable[[Bench], None], Check]] = {
    "a title": (retitle, holds("01-one/01-first/01-words.md", "title: More words   # a good title", "<!-- a note")),
    "a paragraph": (
        rewrite_paragraph,
        holds(
            "01-one/01-first/01-words.md",
            "The first paragraph, broken\nover two lines.",
            "The other, with [a link](02-tasks.md#check).",
            "* one\n* two",
        ),
    ),
    "a new problem": (add_problem, holds("01-one/01-first/02-tasks.md", "2 + 2", "max_attempts: 2   # enough")),
    "a unit that moved": (move_unit, unit_moved),
    "a component that is gone": (delete_component, film_gone),
    "another order": (reorder_sections, sections_swapped),
    "a new section": (add_section, section_there),
    "a due date": (
        change_due_date,
        holds("01-one/01-first/subsection.yaml", "title: First   # named so", "2027-03-08"),
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_in_studio_comes_back_into_the_right_file(bench: Bench, name: str) -> None:
    edit, check = EDITS[name]
    edit(bench)
    drift = bench.desk.report("drift", "--exit-code", code=8)
    assert drift["taken"] and not drift["conflicts"]
    bench.settle()
    check(bench)


def test_all_edits_at_once_come_back(bench: Bench) -> None:
    for edit, _ in EDITS.values():
        edit(bench)
    bench.settle()


def test_edits_on_both_sides_are_merged(bench: Bench) -> None:
    bench.desk.edit("01-one/01-first/02-tasks.md", "max_attempts: 2", "max_attempts: 3")
    bench.desk.edit("01-one/02-second/01-alone.md", "By itself.", "All by itself.")
    retitle(bench)
    change_due_date(bench)
    report = bench.desk.report("pull")
    assert report["ok"] and len(report["taken"]) == 2
    assert "max_attempts: 3   # enough" in bench.read("01-one/01-first/02-tasks.md")
    pushed = bench.desk.push()
    assert {row["block"] for row in pushed["operations"]} == {"problem/check", "html/alone-html-1"}
    assert differences(bench.desk) == []


def conflict(bench: Bench) -> None:
    bench.desk.edit("01-one/01-first/02-tasks.md", "max_attempts: 2", "max_attempts: 3")
    bench.studio.update(bench.usage("problem/check"), metadata={"max_attempts": 9})


def test_a_conflict_is_shown_and_nothing_is_written_over(bench: Bench) -> None:
    conflict(bench)
    report = bench.desk.report("pull", code=8)
    (one,) = report["conflicts"]
    assert (one["block"], one["part"], one["ours"], one["theirs"]) == ("problem/check", "max_attempts", 3, 9)
    assert "max_attempts: 3   # enough" in bench.read("01-one/01-first/02-tasks.md")
    shown = bench.desk.run("pull", code=8).stdout
    assert "<<<<<<< yours" in shown and ">>>>>>> live" in shown


def test_a_conflict_can_be_resolved_for_either_side(bench: Bench) -> None:
    conflict(bench)
    assert bench.desk.report("pull", "--theirs")["ok"]
    assert "max_attempts: 9   # enough" in bench.read("01-one/01-first/02-tasks.md")
    assert bench.desk.push()["operations"] == []
    bench.desk.edit("01-one/01-first/02-tasks.md", "max_attempts: 9", "max_attempts: 4")
    bench.studio.update(bench.usage("problem/check"), metadata={"max_attempts": 8})
    assert bench.desk.report("pull", "--ours")["ok"]
    bench.desk.push()
    assert bench.studio.read(bench.usage("problem/check"))["metadata"]["max_attempts"] == 4
    assert differences(bench.desk) == []


def reask(bench: Bench, question: str = "What is 1 + 1, roughly?") -> None:
    """A problem changed in Studio's Markdown editor, which sends the Markdown and the OLX that it makes of it."""
    place = bench.usage("problem/check")
    live = bench.studio.read(place)
    markdown, data = live["metadata"]["markdown"], live["data"]
    assert markdown.count("What is 1 + 1?") == 1 and data.count("What is 1 + 1?") == 1
    bench.studio.update(
        place,
        data=data.replace("What is 1 + 1?", question),
        metadata={"markdown": markdown.replace("What is 1 + 1?", question)},
    )


TASKS = "01-one/01-first/02-tasks.md"


def test_a_problem_changed_in_studio_is_one_change(bench: Bench) -> None:
    reask(bench)
    report = bench.desk.report("pull")
    assert [one["block"] for one in report["taken"]] == ["problem/check"]
    assert ">>What is 1 + 1, roughly?<<" in bench.read(TASKS)
    bench.settle()


@pytest.mark.parametrize("side", ["ours", "theirs", "by hand"])
def test_a_problem_changed_on_both_sides_is_one_conflict(bench: Bench, side: str) -> None:
    reask(bench)
    bench.desk.edit(TASKS, "What is 1 + 1?", "How much is 1 + 1?")
    report = bench.desk.report("pull", code=8)
    (one,) = report["conflicts"]
    assert one["part"] == "markdown" and "How much" in one["ours"] and "roughly" in one["theirs"]
    assert report["taken"] == [] and bench.desk.report("pull", code=8)["conflicts"] == [one]
    bench.desk.push(code=7)
    if side == "by hand":
        bench.desk.edit(TASKS, "How much is 1 + 1?", "How much is 1 + 1, roughly?")
    args = ["--ours"] if side == "by hand" else [f"--{side}"]
    assert bench.desk.report("pull", *args)["ok"]
    bench.desk.push()
    expected = {"ours": "How much is 1 + 1?", "theirs": "What is 1 + 1, roughly?"}.get(
        side, "How much is 1 + 1, roughly?"
    )
    live = bench.studio.read(bench.usage("problem/check"))
    assert expected in live["data"] and expected in live["metadata"]["markdown"]
    assert f">>{expected}<<" in bench.read(TASKS)
    bench.settle()


def test_a_problem_that_lost_its_markdown_in_studio_is_one_conflict(bench: Bench) -> None:
    place = bench.usage("problem/check")
    data = bench.studio.read(place)["data"].replace("What is 1 + 1?", "Roughly?")
    bench.studio.update(place, data=data, nullout=["markdown"])
    bench.desk.edit(TASKS, "What is 1 + 1?", "How much is 1 + 1?")
    (one,) = bench.desk.report("pull", code=8)["conflicts"]
    assert one["part"] == "data"
    assert bench.desk.report("pull", "--theirs")["ok"]
    assert ">>Roughly?<<" in bench.read(TASKS)
    bench.settle()


def test_a_push_does_not_pass_over_what_somebody_changed(bench: Bench) -> None:
    conflict(bench)
    report = bench.desk.report("push", code=7)
    assert bench.studio.read(bench.usage("problem/check"))["metadata"]["max_attempts"] == 9
    assert any(notice["kind"] == "changed-there" for notice in report["notices"])
    bench.desk.push("--overwrite")
    assert bench.studio.read(bench.usage("problem/check"))["metadata"]["max_attempts"] == 3
    assert differences(bench.desk) == []


def move_unit_here(bench: Bench, target: str = "01-one/02-second") -> None:
    folder = bench.desk.folder
    (folder / "01-one/01-first/03-last.md").rename(folder / target / "02-last.md")


def swap_sections_here(bench: Bench) -> None:
    folder = bench.desk.folder
    (folder / "02-two").rename(folder / "00-two")


@pytest.mark.parametrize(
    ("there", "here", "op"),
    [(move_unit, move_unit_here, "move"), (reorder_sections, swap_sections_here, "reorder")],
    ids=["moved", "reordered"],
)
def test_a_push_puts_nothing_back_that_somebody_moved(
    bench: Bench, there: Callable[[Bench], None], here: Callable[[Bench], None], op: str
) -> None:
    there(bench)
    live = bench.desk.titles()
    report = bench.desk.push()
    assert report["operations"] == [] and [one["kind"] for one in report["notices"]] == [
        {"move": "moved-there", "reorder": "reordered-there"}[op]
    ]
    assert bench.desk.titles() == live
    if op == "move":
        here(bench)
        report = bench.desk.report("push", code=7)
        assert "changed-there" in [one["kind"] for one in report["notices"]]
        assert bench.desk.titles() == live
    assert op in [row["op"] for row in bench.desk.push("--overwrite")["operations"]]
    assert differences(bench.desk) == []


def test_an_order_that_both_changed_is_not_passed_over(bench: Bench) -> None:
    folder = bench.desk.folder / "01-one/01-first"
    (folder / "03-last.md").rename(folder / "00-last.md")
    units = [bench.usage(f"vertical/{name}") for name in ("tasks", "words", "last")]
    bench.studio.update(bench.usage("sequential/first"), children=units)
    live = bench.desk.titles()
    report = bench.desk.report("push", code=7)
    assert "changed-there" in [one["kind"] for one in report["notices"]]
    assert bench.desk.titles() == live
    bench.desk.push("--overwrite")
    assert differences(bench.desk) == []


def remove_last_here(bench: Bench) -> None:
    (bench.desk.folder / "01-one/01-first/03-last.md").unlink()


def remove_third_here(bench: Bench) -> None:
    shutil.rmtree(bench.desk.folder / "02-two/01-third")


def rewrite_last(bench: Bench) -> None:
    bench.studio.update(bench.usage("html/last-html-1"), data="<p>Somebody's words.</p>")


def add_to_last(bench: Bench) -> None:
    bench.studio.create(bench.usage("vertical/last"), "html")


@pytest.mark.parametrize(
    ("there", "here", "said"),
    [
        (rewrite_last, remove_last_here, "html/last-html-1 was changed there"),
        (add_to_last, remove_last_here, "came to stand in it"),
        (move_unit, remove_last_here, "vertical/last was moved there"),
        (move_unit, remove_third_here, "vertical/last (Last) came to stand in it"),
    ],
    ids=["changed", "added", "moved", "moved in"],
)
def test_what_nobody_here_has_seen_is_not_deleted(
    bench: Bench, there: Callable[[Bench], None], here: Callable[[Bench], None], said: str
) -> None:
    there(bench)
    here(bench)
    live = bench.desk.live()
    report = bench.desk.report("push", "--delete-removed", code=7)
    assert [one["kind"] for one in report["notices"] if said in one["message"]] == ["changed-there"], report["notices"]
    assert bench.desk.live() == live
    bench.desk.push("--delete-removed", "--overwrite")
    assert differences(bench.desk) == []


def test_a_dry_run_writes_nothing(bench: Bench) -> None:
    retitle(bench)
    before = bench.bytes()
    report = bench.desk.report("pull", "--dry-run")
    assert report["files"] == ["01-one/01-first/01-words.md"]
    assert bench.bytes() == before
    assert bench.desk.report("pull")["files"] == ["01-one/01-first/01-words.md"]


# --- a course that nobody here has seen


def fresh(desk: Desk, target: Path, *options: str, code: int = 0) -> str:
    result = CliRunner(env=desk.environ).invoke(main, ["pull", str(desk.course().id), str(target), *options])
    assert result.exit_code == code, result.output
    return result.output


def same_tree(desk: Desk, target: Path) -> list[Any]:
    """How the course of another folder differs, names apart."""

    def rows(folder: Path) -> list[tuple[Any, ...]]:
        course, _ = load_course(folder)
        return [
            (block.category, block.display_name, len(block.children), block.package is not None)
            for block in course.root.walk()
        ]

    first, second = rows(desk.folder), rows(target)
    return [(one, other) for one, other in zip(first, second, strict=False) if one != other] + (
        [] if len(first) == len(second) else [(len(first), len(second))]
    )


def test_a_live_course_becomes_a_folder_that_is_settled(bench: Bench, tmp_path: Path) -> None:
    target = tmp_path / "fresh"
    fresh(bench.desk, target)
    assert same_tree(bench.desk, target) == []
    other = Desk(target, bench.desk.server, bench.desk.dialect)
    assert other.push("--publish")["operations"] == []
    assert other.report("pull")["taken"] == []
    names = sorted(str(path.relative_to(target)) for path in target.rglob("*.md"))
    assert "01-one/01-first/02-tasks.md" in names, names
    assert not list(target.rglob("*.xml"))
    assert "is there already" in fresh(bench.desk, target, code=1)


def test_the_sample_course_comes_back_as_a_folder(tmp_path: Path) -> None:
    shutil.copytree(samples_dir() / "reading-data", tmp_path / "course")
    with SandboxServer(tmp_path / "sandbox.sqlite3", DOCUMENTED) as server:
        desk = Desk(tmp_path / "course", server, "studio")
        desk.push("--publish")
        before = {path: path.read_bytes() for path in desk.folder.rglob("*") if path.suffix in (".md", ".yaml", ".xml")}
        assert desk.report("pull")["files"] == []
        assert {path: path.read_bytes() for path in before} == before
        fresh(desk, tmp_path / "fresh")
        live = Desk(tmp_path / "fresh", server, "studio")
        ours, theirs = load_course(desk.folder)[0], load_course(live.folder)[0]
        assert len(list(ours.root.walk())) == len(list(theirs.root.walk()))
        kinds = {one.kind for one in compare(ours, ours)}
        assert kinds == set()
        operations = live.push("--publish")["operations"]
        assert {row["op"] for row in operations} <= {"upload-package", "publish", "put-lti-passport"}, operations


# --- a folder and a course that have not met


def test_a_folder_is_attached_to_the_course_that_is_live(bench: Bench) -> None:
    retitle(bench)
    bench.desk.edit("01-one/02-second/01-alone.md", "By itself.", "All by itself.")
    add_section(bench)
    (bench.desk.folder / "course.lock").unlink()
    shutil.rmtree(bench.desk.folder / ".authoring")
    report = bench.desk.report("adopt")
    assert not report["written"] and not (bench.desk.folder / "course.lock").exists()
    pairs = {pair["block"]: pair["same"] for pair in report["pairs"]}
    assert pairs["problem/check"] and not pairs["html/alone-html-1"]
    assert "vertical/words" in report["only_here"], "under another title it is another unit"
    assert report["only_there"]
    bench.desk.report("adopt", "--yes")
    drift = bench.desk.report("drift")
    assert {one["block"] for one in drift["conflicts"]} >= {"html/alone-html-1"}
    assert bench.desk.report("pull", "--ours", code=None)["taken"]
    bench.desk.push("--beside", "--overwrite")
    assert differences(bench.desk) == [] or bench.desk.report("pull")["ok"]


def test_an_adopted_folder_that_is_the_same_has_nothing_to_do(bench: Bench) -> None:
    (bench.desk.folder / "course.lock").unlink()
    shutil.rmtree(bench.desk.folder / ".authoring")
    report = bench.desk.report("adopt", "--yes")
    assert all(pair["same"] for pair in report["pairs"]) and not report["only_here"] and not report["only_there"]
    assert bench.desk.push("--publish")["operations"] == []
    assert bench.desk.report("pull")["files"] == []


@pytest.mark.parametrize(
    ("form", "name"), [("olx", "out.tar.gz"), ("olx", "olx"), ("scorm", "out.zip"), ("folder", "new")]
)
def test_a_live_course_is_exported(bench: Bench, tmp_path: Path, form: str, name: str) -> None:
    key = str(bench.desk.course().id)
    result = CliRunner(env=bench.desk.environ).invoke(main, ["export", key, str(tmp_path / name), "--to", form])
    assert result.exit_code == 0, result.output
    assert (tmp_path / name).exists()
    if form == "folder":
        assert same_tree(bench.desk, tmp_path / name) == []


@pytest.mark.parametrize(
    "address",
    ["/courses/course-v1:Other+C1+r/jump_to_id/abc", "https://lms.example/courses/course-v1:DemoX+P1+r/jump_to_id/abc"],
)
def test_a_link_out_of_the_course_stays_one(bench: Bench, address: str) -> None:
    bench.studio.update(bench.usage("html/last-html-1"), data=f'<p><a href="{address}">There</a></p>')
    bench.desk.report("pull")
    assert address in bench.read("01-one/01-first/03-last.md")
    bench.settle()


def test_what_is_new_in_a_unit_moved_into_a_subsection_that_studio_deleted_is_kept(bench: Bench) -> None:
    folder = bench.desk.folder
    (folder / "01-one/01-first/03-last.md").rename(folder / "01-one/02-second/02-last.md")
    bench.desk.edit("01-one/02-second/02-last.md", "Last words.", "Last words.\n\n:::problem\nSum?\n\n= 4\n:::\n")
    bench.studio.send("DELETE", f"/xblock/{bench.usage('sequential/second')}", code=204)
    report = bench.desk.report("pull")
    assert report["conflicts"] == []
    assert not (folder / "01-one/02-second").exists()
    (unit,) = folder.glob("01-one/01-first/*last.md")
    assert "Sum?" in unit.read_text("utf-8")
    bench.desk.push("--publish")
    assert differences(bench.desk) == []
    assert bench.desk.push()["operations"] == []
