"""A file or folder that gets another name: nothing comes to stand beside itself in front of learners."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from authoring.sandbox import SandboxServer
from tests.conftest import write_tree
from tests.desk import Desk, differences
from tests.test_pull import WAYS

FILES = {
    "course.yaml": "org: DemoX\nnumber: N1\nrun: r\n",
    "01-one/section.yaml": "title: One\n",
    "01-one/01-first/subsection.yaml": "title: First\n",
    "01-one/01-first/01-words.md": "---\ntitle: Words\n---\nWords.\n\n:::done {#read}\n:::\n",
    "01-one/01-first/02-more.md": "---\ntitle: More\n---\nMore.\n",
    "pages/faq.md": "---\ntitle: Questions\n---\nAsk.\n",
    "updates/2027-01-12-open.md": "Open.\n",
}
RENAMED = {
    "a section": ("01-one", "01-begin", "chapter/one", "section.yaml"),
    "a subsection": ("01-one/01-first", "01-one/01-start", "sequential/first", "subsection.yaml"),
    "a unit": ("01-one/01-first/01-words.md", "01-one/01-first/01-texts.md", "vertical/words", ""),
    "a page": ("pages/faq.md", "pages/questions.md", "static_tab/faq", ""),
    "an update": ("updates/2027-01-12-open.md", "updates/2027-01-12-begun.md", "course_update/2027-01-12-open", ""),
}


@pytest.fixture(params=WAYS, ids=lambda way: f"{way[0]}-{way[1].name}")
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    dialect, profile = request.param
    with SandboxServer(tmp_path / "sandbox.sqlite3", profile) as server:
        desk = Desk(write_tree(tmp_path / "course", dict(FILES)), server, dialect)
        desk.push("--publish")
        yield desk


@pytest.mark.parametrize("old, new, block, inside", RENAMED.values(), ids=list(RENAMED))
def test_a_new_name_stops_a_push_until_it_is_decided(desk: Desk, old: str, new: str, block: str, inside: str) -> None:
    live = desk.live()
    (desk.folder / old).rename(desk.folder / new)
    report = desk.report("push", code=7)
    (notice,) = [one for one in report["notices"] if one["kind"] == "renamed"]
    assert f"looks like {block} under another name" in notice["message"]
    assert desk.live() == live
    file = desk.folder / new / inside
    text = file.read_text("utf-8")
    line = f"id: {block.partition('/')[2]}\n"
    body = text.removeprefix("---\n")
    head = "" if inside else "---\n"
    file.write_text(head + line + (body if inside or body != text else f"date: 2027-01-12\n---\n{text}"), "utf-8")
    assert desk.push()["operations"] == []
    assert desk.live() == live
    assert desk.report("pull")["files"] == []


@pytest.mark.parametrize("old, new, block, inside", RENAMED.values(), ids=list(RENAMED))
def test_the_old_one_goes_where_that_is_said(desk: Desk, old: str, new: str, block: str, inside: str) -> None:
    (desk.folder / old).rename(desk.folder / new)
    desk.push("--publish", "--delete-removed")
    assert block not in {str(key) for key in desk.part().entries}
    assert differences(desk) == []
    assert desk.push()["operations"] == []


def test_both_stand_where_that_is_said(desk: Desk) -> None:
    folder = desk.folder / "01-one/01-first"
    (folder / "01-words.md").rename(folder / "01-texts.md")
    desk.push("--beside")
    assert sorted(title for title, _ in desk.titles()[0][1][0][1]) == ["More", "Words", "Words"]


def test_another_text_under_a_new_name_is_a_new_one(desk: Desk) -> None:
    (desk.folder / "01-one/01-first/02-more.md").unlink()
    write_tree(desk.folder, {"01-one/01-first/02-other.md": "---\ntitle: Other\n---\nOther.\n"})
    assert [one["kind"] for one in desk.push()["notices"]] == ["removed"]


def test_plain_words_without_a_title_are_known_by_what_they_say(desk: Desk) -> None:
    """Title, unit and text are all named by the file; what is left of them is the words."""
    folder = desk.folder / "01-one/01-first"
    (folder / "03-plain.md").write_text("Plain words.\n", "utf-8")
    desk.push("--publish")
    live = desk.live()
    (folder / "03-plain.md").rename(folder / "03-other.md")
    report = desk.report("push", code=7)
    (notice,) = [one for one in report["notices"] if one["kind"] == "renamed"]
    assert "looks like vertical/plain under another name" in notice["message"]
    assert desk.live() == live
    (folder / "03-other.md").write_text("---\nid: plain\n---\nPlain words.\n", "utf-8")
    desk.push("--publish")
    assert [title for title, _ in desk.titles()[0][1][0][1]] == ["Words", "More", "Other"]
    assert differences(desk) == []


def test_other_words_under_another_name_are_a_new_unit(desk: Desk) -> None:
    folder = desk.folder / "01-one/01-first"
    (folder / "03-plain.md").write_text("Plain words.\n", "utf-8")
    desk.push("--publish")
    (folder / "03-plain.md").unlink()
    (folder / "03-other.md").write_text("Something else.\n", "utf-8")
    desk.push("--publish")
    assert [title for title, _ in desk.titles()[0][1][0][1]] == ["Words", "More", "Plain", "Other"]
