"""Links in raw HTML, and what they lead to."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authoring.diagnostics import Diagnostics
from authoring.markup.links import Linker, LinkIndex, rewrite_html
from authoring.model import BlockKey


def mark(href: str, line: int, image: bool) -> str:
    return f"/{line}{'i' if image else ''}/{href}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('<a href="x.md">', '<a href="/1/x.md">'),
        ("<A\n HREF = 'x.md'\nid=a>", '<A\n HREF = "/2/x.md"\nid=a>'),
        ("<img alt=a src=x.png>", '<img alt=a src="/1i/x.png">'),
        ('<video poster="p.png" src="v.mp4"/>', '<video poster="/1i/p.png" src="/1/v.mp4"/>'),
        (
            '<object data="x.pdf"><div data="x.pdf" data-src="y">',
            '<object data="/1/x.pdf"><div data="x.pdf" data-src="y">',
        ),
        ('<a title="a href=b" href="c?d=1&amp;e=2">', '<a title="a href=b" href="/1/c?d=1&amp;e=2">'),
        ('<!-- <a href="x"> --><b href="y">', '<!-- <a href="x"> --><b href="/1/y">'),
        ('<script src="a.js">"<a href=\'b\'>"</script>', '<script src="/1/a.js">"<a href=\'b\'>"</script>'),
        ("a < b href=c > d", "a < b href=c > d"),
        ('<a href="x', '<a href="x'),
        ("\n\n<p>\n<a href=x>", '\n\n<p>\n<a href="/4/x">'),
    ],
)
def test_raw_html(text: str, expected: str) -> None:
    assert rewrite_html(text, mark, 1) == expected


@given(st.text(alphabet=st.sampled_from("<>ahref=\"' /sc!-"), max_size=80))
def test_html_without_changes_stays_as_it_is(text: str) -> None:
    assert rewrite_html(text, lambda href, line, image: href, 1) == text


INDEX = LinkIndex(
    blocks={"a/b/u.md": "u", "a/b": "b", "a": "a", "a/b/Ü n.md": "n"},
    components={"a/b/u.md": frozenset({"clip"})},
    pages={"pages/faq.md": "faq"},
    assets={"static/img/x y.png": "img_x_y.png", "static/b.css": "b.css"},
    shared={"a": (BlockKey("chapter", "a"), BlockKey("done", "a"))},
)


@pytest.mark.parametrize(
    ("href", "expected", "code"),
    [
        ("u.md", "/jump_to_id/u", None),
        ("u.md#clip", "/jump_to_id/clip", None),
        ("u.md?x=1#y", "/jump_to_id/u?x=1#y", None),
        ("../b/./u.md", "/jump_to_id/u", None),
        ("%C3%9C%20n.md", "/jump_to_id/n", None),
        (".", "/jump_to_id/b", None),
        ("../../pages/faq.md#q", "/course/faq/#q", None),
        ("../../static/img/x%20y.png", "/static/img_x_y.png", None),
        ("/static/img/x%20y.png", "/static/img_x_y.png", None),
        ("/static/img_x_y.png?raw", "/static/img_x_y.png?raw", None),
        ("/courses/x/y", "/courses/x/y", None),
        ("/jump_to_id/z", "/jump_to_id/z", None),
        ("mailto:a@b.c", "mailto:a@b.c", None),
        ("//host/x.md", "//host/x.md", None),
        ("HTTPS://host/x.md", "HTTPS://host/x.md", None),
        ("#top", "#top", None),
        ("%%COURSE_ID%%/x", "%%COURSE_ID%%/x", None),
        ("", "", None),
        ("..", "/jump_to_id/a", "ambiguous-link"),
        ("U.md", "U.md", "dead-link"),
        ("/static/nothing", "/static/nothing", "dead-link"),
        ("../../../x", "../../../x", "link-outside"),
    ],
)
def test_resolution(href: str, expected: str, code: str | None) -> None:
    diagnostics = Diagnostics()
    linker = Linker(INDEX, PurePosixPath("a/b/v.md"), diagnostics)
    assert linker(href, 3) == expected
    assert [str(finding.code) for finding in diagnostics] == ([code] if code else [])


def test_images_are_files() -> None:
    diagnostics = Diagnostics()
    linker = Linker(INDEX, PurePosixPath("a/b/v.md"), diagnostics)
    assert linker("../../static/img/x%20y.png", 1, True) == "/static/img_x_y.png"
    linker("u.md", 1, True)
    linker("../../static/img/xy.png", 2, True)
    assert [str(finding.code) for finding in diagnostics] == ["missing-image", "missing-image"]
    assert [finding.hint for finding in diagnostics][1] == "did you mean '../../static/img/x y.png'?"


def test_assets_by_path() -> None:
    diagnostics = Diagnostics()
    linker = Linker(INDEX, PurePosixPath("a/b/v.md"), diagnostics)
    assert linker.asset("../../static/b.css", 1) == "b.css"
    assert linker.asset("../../static/none.css", 1) is None
    assert linker.asset("u.md", 1) is None
    assert linker.asset("https://example.org/x", 1) is None
    assert len(diagnostics) == 3
