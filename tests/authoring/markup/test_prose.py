"""Prose to HTML: golden cases in tests/fixtures/markup/prose, `title . input . expected .`"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html
from markdown_it import MarkdownIt
from markdown_it.utils import read_fixture_file

from authoring.markup.prose import Segment, render_page, render_prose

FIXTURES = Path(__file__).parents[2] / "fixtures" / "markup" / "prose"

CASES = [
    pytest.param(source, expected, id=f"{path.stem}:{line} {title}")
    for path in sorted(FIXTURES.glob("*.md"))
    for line, title, source, expected in read_fixture_file(path)
]


def same(href: str, line: int, image: bool) -> str:
    return href


@pytest.mark.parametrize(("source", "expected"), CASES)
def test_golden(source: str, expected: str) -> None:
    assert render_prose(source, same).html.rstrip() == expected.rstrip()


def test_every_link_is_asked_for_with_its_line() -> None:
    asked: list[tuple[str, int, bool]] = []

    def link(href: str, line: int, image: bool) -> str:
        asked.append((href, line, image))
        return f"/{href}"

    text = (
        "[a](a.md) one\n![b](b.png)\n[![c](c.png)][r]\n\n- x\n- [d](d.md)\n\n| t |\n|---|\n| [e](e.md) |\n\n"
        '<div>\n<img src="f.png">\n</div>\n\ntext <a\nhref="g.md">g</a>[h](h.md)[^1]\n\n[^1]: [i](i.md)\n\n'
        "[r]: r.md\n\nT\n: [j](j.md)\n\n:::note [k](k.md)\n[l](l.md)\n:::\n"
    )
    rendered = render_prose(text, link, line=11)
    assert sorted(asked, key=lambda item: item[0]) == [
        ("a.md", 11, False),
        ("b.png", 12, True),
        ("c.png", 13, True),
        ("d.md", 16, False),
        ("e.md", 20, False),
        ("f.png", 23, True),
        ("g.md", 27, False),
        ("h.md", 27, False),
        ("i.md", 29, False),
        ("j.md", 34, False),
        ("k.md", 36, False),
        ("l.md", 37, False),
        ("r.md", 13, False),
    ]
    for href, *_ in asked:
        assert f'"/{href}"' in rendered.html


def test_a_page_shares_link_definitions_but_not_footnotes() -> None:
    first, second = render_page(
        [
            Segment("[x] and [^1]\n\n[^1]: One.\n", 1, "u-html-1"),
            Segment("[^1]\n\n[^1]: Two.\n\n[x]: y.html\n", 9, "u-html-2"),
        ],
        same,
    )
    assert '<a href="y.html">x</a>' in first.html
    assert "One." in first.html and "fn-u-html-1-1" in first.html
    assert "Two." in second.html and "fn-u-html-2-1" in second.html


def test_the_first_heading_is_known() -> None:
    assert render_prose("text\n\n## *What* is `x` in $y$? {#a}\n\n# Later", same).heading == "What is x in y?"
    assert render_prose("text", same).heading is None


def test_footnotes_without_text_are_known() -> None:
    assert render_prose("one\n\ntwo[^a] and `[^b]`", same, line=5).footnotes_missing == (("[^a]", 7),)


@given(st.text(alphabet=st.sampled_from("ab1 \n\n#*_`[]()!<>|-:~^${}\\\"'=.&"), max_size=120))
def test_any_text_renders(text: str) -> None:
    rendered = render_prose(text, same)
    if rendered.html.strip():
        html.fragments_fromstring(rendered.html)


@given(st.text(alphabet=st.sampled_from("ab1 \n\n#*_`()>-.&;"), max_size=120))
def test_what_is_commonmark_renders_as_commonmark(text: str) -> None:
    """Without any of our own marks nothing differs from the plain parser."""
    assert render_prose(text, same).html == MarkdownIt("commonmark").render(text)
