"""HTML to Markdown and back: golden cases in tests/fixtures/markup/unrender, and the laws of equality."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it.utils import read_fixture_file

from authoring.diagnostics import Diagnostics
from authoring.markup.html import MAX_OPEN, canonical_html, parse_html, serialize, trim
from authoring.markup.prose import render_prose
from authoring.markup.unrender import html_to_markdown
from authoring.source.directives import Prose, scan_body

FIXTURES = Path(__file__).parents[2] / "fixtures" / "markup" / "unrender"

CASES = [
    pytest.param(source, expected, id=f"{path.stem}:{line} {title}")
    for path in sorted(FIXTURES.glob("*.md"))
    for line, title, source, expected in read_fixture_file(path)
]


def rendered(markdown: str) -> str:
    return render_prose(markdown, lambda href, line, image: href).html


def check(html: str) -> str | None:
    """The law: what becomes Markdown renders as the same HTML, and is one piece of prose in a course folder."""
    markdown = html_to_markdown(html)
    if markdown is not None:
        assert canonical_html(rendered(markdown)) == canonical_html(html)
        diagnostics = Diagnostics()
        pieces = scan_body(f"{markdown}\n:::done\n:::\n", PurePosixPath("a.md"), 1, diagnostics)
        assert not list(diagnostics)
        assert [type(piece) for piece in pieces] == [Prose, type(pieces[-1])] and not isinstance(pieces[-1], Prose)
    return markdown


@pytest.mark.parametrize(("html", "expected"), CASES)
def test_golden(html: str, expected: str) -> None:
    assert check(html) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('<p id="a" class="b">x</p>', "<P CLASS=b ID='a'>x"),
        ("<p>a&nbsp;&eacute;&#x41;</p>", "<p>a\xa0éA</p>"),
        ("<p>a<br>b</p>", "<p>\n a\n<br />\n  b </p>"),
        ("<ul><li>a<li>b</ul>", "<ul>\n  <li>a</li>\n  <li>b</li>\n</ul>\n"),
        ("<table><tr><td>1</table>", "<table><tbody><tr><td>1</td></tr></tbody></table>"),
        ("<p>a <b>b</b></p>", "<p>a <b> b </b> </p>"),
        ("<pre>\nx\n</pre>", "<pre>x</pre>"),
        ("<p>a<script>1</script> b</p>", "<p>a<script>1</script>\n  b</p>"),
        ("<p>x</p>", "<p>x</p>\n\n"),
        ("<input disabled>", '<input disabled="">'),
    ],
)
def test_equal(one: str, other: str) -> None:
    assert canonical_html(one) == canonical_html(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<p>a b</p>", "<p>ab</p>"),
        ("<p><b>a </b>b</p>", "<p><b>a</b> b</p>"),
        ("<p>a</p>", "a"),
        ("<p>a&nbsp;b</p>", "<p>a b</p>"),
        ("<p class='a b'>x</p>", "<p class='b a'>x</p>"),
        ("<i>x</i>", "<em>x</em>"),
        ("<img src=a>", "<img src=a alt=''>"),
        ("<img src=a> <img src=b>", "<img src=a><img src=b>"),
        ("<pre>a  b</pre>", "<pre>a b</pre>"),
        ("<pre>a\n\n</pre>", "<pre>a\n</pre>"),
        ("<p style='white-space: pre-wrap'>a  b</p>", "<p style='white-space: pre-wrap'>a b</p>"),
        (
            "<div style='display:inline'>a</div> <div style='display:inline'>b</div>",
            "<div style='display:inline'>a</div><div style='display:inline'>b</div>",
        ),
        ("<script>a</script>", "<script>a </script>"),
        ("<textarea> a</textarea>", "<textarea>a</textarea>"),
        ("<p>x</p><!-- a -->", "<p>x</p>"),
        ("<p>x</p><!-- a -->", "<p>x</p><!--a-->"),
        ("<p>x</p></div>", "<p>x</p>"),
        ("<div><p>x</p>", "<div><p>x</p></div>"),
        ("<b>x", "<b>x</b>"),
        ("<p>x</p><?php echo 1 ?>", "<p>x</p>"),
        ('<img src="/static/a.png">', "<img src=/static/a.png>"),
        ('<code>src="/static/a.png"</code>', "<code>src=&quot;/static/a.png&quot;</code>"),
        ('<a href="/jump_to_id/a">x</a>', '<a href="&#47;jump_to_id/a">x</a>'),
    ],
)
def test_not_equal(one: str, other: str) -> None:
    assert canonical_html(one) != canonical_html(other)


@pytest.mark.parametrize(
    "html",
    [
        "",
        "   ",
        "<!-- only a comment -->",
        "loose text",
        '<p style="color: red">Styled.</p>',
        "<p>left <b>open</p>",
        "<p>closed</p></div>",
        "<p>\ue000</p>",
        "<p>\x00</p>",
        '<p>Say "/static/a.png"</p>',
        "<p>" + "<span>" * (MAX_OPEN + 1),
        "<p>words</p><script>\n:::\n</script>",
    ],
)
def test_what_is_kept_whole(html: str) -> None:
    assert check(html) is None


def test_deep_html_is_survived() -> None:
    for tag in ("div", "blockquote", "ul><li", "em", "table><tr><td", "b", 'div role="note" class="admonition note"'):
        for depth in (15, 300, 20_000):
            check(f"<{tag}>" * depth + "<p>x</p>" + f"</{tag.split('>')[0].split()[0]}>" * depth)


def test_references_that_the_platform_rewrites_stay_so() -> None:
    html = '<p>See <code>"/static/a"</code>.</p><p>Most of the words are elsewhere.</p>'
    markdown = html_to_markdown(html)
    assert markdown is not None
    assert rendered(markdown).count('"/static/') == html.count('"/static/')


TEXT = st.text(alphabet=st.sampled_from("ab1 \n*_`[]()!<>|-:~^${}\\\"'=.&;#+/é\xa0"), max_size=12)
WORDS = TEXT.map(lambda text: text.replace("&", "&amp;").replace("<", "&lt;"))
INLINE = st.recursive(
    st.one_of(
        WORDS,
        st.sampled_from(["<br>", '<img src="/static/a.png" alt="a">', "<!-- c -->", "\\(x_1\\)", "&nbsp;", "<wbr>"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map("".join),
        st.tuples(
            st.sampled_from(
                [
                    "em",
                    "strong",
                    "code",
                    "s",
                    "b",
                    'a href="/x?a=1&amp;b=2"',
                    'span class="t"',
                    'span class="math inline"',
                    'i style="color: red"',
                ]
            ),
            inner,
        ).map(lambda pair: f"<{pair[0]}>{pair[1]}</{pair[0].split()[0]}>"),
    ),
    max_leaves=6,
)
BLOCKS = st.recursive(
    st.one_of(
        st.tuples(st.sampled_from(["p", "h2", 'h3 id="i"', "pre", "pre><code", 'p class="x"']), INLINE).map(
            lambda pair: (
                f"<{pair[0]}>{pair[1]}" + "".join(f"</{tag.split()[0]}>" for tag in reversed(pair[0].split("><")))
            )
        ),
        st.sampled_from(["<hr>", "\n", "<script>a\n\nb</script>", "<p></p>", "<!-- c -->"]),
        INLINE,
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map("\n".join),
        st.tuples(st.sampled_from(["div", "blockquote", "section", "ul", 'ol start="3"']), inner, inner).map(
            lambda it: (
                f"<{it[0]}><li>{it[1]}</li><li>{it[2]}</li></{it[0][:2]}>"
                if it[0][1] == "l" and it[0][0] in "uo"
                else f"<{it[0]}>{it[1]}{it[2]}</{it[0]}>"
            )
        ),
        st.tuples(inner, inner).map(lambda it: f"<table><tr><th>{it[0]}</th></tr><tr><td>{it[1]}</td></tr></table>"),
        st.tuples(inner, inner).map(lambda it: f"<dl><dt>{it[0]}</dt><dd>{it[1]}</dd></dl>"),
    ),
    max_leaves=8,
)


@given(BLOCKS)
def test_generated_html_comes_back_or_stays(html: str) -> None:
    check(html)


@given(st.text(max_size=60) | st.text(alphabet=st.sampled_from("<>/!-?ap b=\"'&;\n\x00\r"), max_size=60))
def test_no_text_is_too_odd(text: str) -> None:
    check(text)


@given(BLOCKS)
def test_serialized_trees_are_equal(html: str) -> None:
    parsed = parse_html(html)
    if parsed is not None and parsed.closed:
        assert canonical_html(serialize(trim(parsed.nodes))) == canonical_html(html)


MARKDOWN_LINES = st.lists(
    st.tuples(
        st.sampled_from(["", "", "- ", "  ", "> ", "1. ", "# ", "| ", ": ", "```", ":::note ", "    ", "[^1]: ", "$$"]),
        st.text(alphabet=st.sampled_from("ab1 *_`[](){}!<>|-:~$\\\"'=.&;#"), max_size=16),
    ).map("".join),
    max_size=8,
)


@given(MARKDOWN_LINES)
def test_generated_markdown_comes_back(lines: list[str]) -> None:
    """Markdown -> HTML -> Markdown -> HTML."""
    html = rendered("\n".join(lines))
    check(html)


@pytest.mark.parametrize(
    "markdown",
    [
        "# A *b* `c` {#d}\n",
        'One **two** [three](/x "t"){.a} ![four](/static/a.png){width=50%}.\n',
        '![A line](/static/a.png "Caption")\n',
        "- a\n- b\n  - c\n- d\n",
        "1. a\n\n   b\n\n2. c\n",
        "- [x] a\n- [ ] b\n",
        "> a\n>\n> - b\n",
        "```python\nx = 1\n\n\ny = 2\n```\n",
        "| a   | b   |\n| --- | --: |\n| 1   | 2   |\n",
        "Term\n: one\n: two\n",
        "$$\nx^2\n$$\n",
        "Let $x$ be, and $$y$$ too.\n",
        ":::tip Look *here*\n- a\n\n$$\nx\n$$\n:::\n",
        "~~a~~ b\\\nc\n",
        "- a\n\n* b\n",
        "a\n\n---\n\nb\n",
    ],
)
def test_what_is_well_written_comes_back_as_it_was(markdown: str) -> None:
    assert check(rendered(markdown)) == markdown
