"""A Course to a course folder: what the files look like, and that they say the same."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from authoring.decompile import Way, differing_parts, folder_of
from authoring.model import ROOT_KEY, Block, BlockKey, Course, CourseId, Extra
from authoring.olx.reader import POINTER_ONLY


def course(*components: Block, title: str = "Hello") -> Course:
    unit = Block(BlockKey("vertical", "v"), {"display_name": title}, children=components)
    lesson = Block(BlockKey("sequential", "s"), {"display_name": "Lesson"}, children=(unit,))
    chapter = Block(BlockKey("chapter", "c"), {"display_name": "First"}, children=(lesson,))
    return Course(CourseId("O", "N", "R"), Block(ROOT_KEY, {"display_name": "A course"}, children=(chapter,)))


def unit_text(course: Course) -> str:
    folder = folder_of(course)
    assert folder.unequal == ()
    return folder.texts[PurePosixPath(folder.places[BlockKey("vertical", "v")])]


def html(content: str, name: str = "h", title: str | None = "Text") -> Block:
    return Block(BlockKey("html", name), {} if title is None else {"display_name": title}, content)


def test_a_unit_reads_like_a_page() -> None:
    problem = Block(
        BlockKey("problem", "p"),
        {"display_name": "Sum", "max_attempts": 2},
        "<problem><numericalresponse answer='42'><label>Six times seven?</label>"
        "<formulaequationinput/></numericalresponse></problem>",
    )
    text = unit_text(course(html("<h2>Words</h2><p>Some <em>words</em>.</p>"), problem))
    assert "## Words\n\nSome *words*.\n" in text
    assert ":::problem {#p}" in text and "max_attempts: 2" in text and "= 42" in text


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Hello, World!", "01-hello-world.md"),
        ("Été à Paris", "01-été-à-paris.md"),
        ("../../etc/passwd", "01-etc-passwd.md"),
        ("CON", "01-con.md"),
        ("???", "01-v.md"),
        ("x" * 300, f"01-{'x' * 48}.md"),
        ("a\x00b\nc", "01-a-b-c.md"),
    ],
)
def test_names_come_from_titles(title: str, name: str) -> None:
    folder = folder_of(course(title=title))
    assert folder.places[BlockKey("vertical", "v")] == f"01-first/01-lesson/{name}"


def test_each_component_is_written_in_the_most_readable_way_that_is_equal() -> None:
    components = (
        html("<p>plain</p>", "a"),
        html("<form><input></form><p>unclosed", "b"),
        Block(BlockKey("mystery", "m"), {"power": "9"}),
        Block(BlockKey("problem", "p"), {}, "<problem></problem>"),
    )
    folder = folder_of(course(*components))
    assert folder.unequal == ()
    ways = [folder.ways[block.key] for block in components]
    assert ways == [Way.MARKDOWN, Way.DIRECTIVE, Way.OLX, Way.OLX], "what it came to, not what was tried first"


def test_a_pointer_to_what_it_stands_in_ends() -> None:
    back = Block(BlockKey("vertical", "v"), extra=Extra({POINTER_ONLY: "true"}))
    folder = folder_of(course(back, html("<p>x</p>")))
    assert folder.unequal == ()


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (html("<p>y</p>"), ["content"]),
        (html("<p>x</p>", title=None), ["field display_name"]),
        (Block(BlockKey("html", "h"), {"display_name": "Text"}, "<p>x</p>", extra=Extra({"a": "b"})), ["extra"]),
        (Block(BlockKey("html", "h"), {"display_name": "Text"}, "\n<p>x</p>\n"), []),
    ],
)
def test_what_counts_as_a_difference(change: Block, parts: list[str]) -> None:
    assert list(differing_parts(html("<p>x</p>"), change)) == parts


def test_true_is_not_one() -> None:
    first, second = (Block(BlockKey("problem", "p"), {"max_attempts": value}) for value in (True, 1))
    assert list(differing_parts(first, second)) == ["field max_attempts"]


def test_what_stands_in_olx_is_olx() -> None:
    inner = html("<p>plain</p>", "i")
    odd = Block(BlockKey("library_content", "a:b"), {"max_count": 1}, children=(inner,))
    folder = folder_of(course(odd, html("<p>x</p>")))
    assert folder.unequal == ()
    assert {folder.ways[block.key] for block in (odd, inner)} == {Way.OLX}
    assert folder.ways[BlockKey("html", "h")] is Way.MARKDOWN
