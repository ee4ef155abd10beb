"""Whatever is in the files: findings, never an exception; and the same each time."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authoring.checks import check_course
from authoring.source import read_course
from tests.conftest import write_tree

PATHS = st.sampled_from(
    (
        "course.yaml",
        "a/section.yaml",
        "a/b/subsection.yaml",
        "a/b/01-u.md",
        "a/b/02-v.md",
        "a/b/03-w.xml",
        "a/b/04-x.zip",
        "about/overview.html",
        "pages/faq.md",
        "static/a.png",
        "handouts.md",
    )
)

PIECES = st.sampled_from(
    (
        "\n",
        "\n\n",
        ":::",
        "::::",
        ":::video",
        ":::problem {#p}\n",
        "::::split_test\n",
        ":::olx\n",
        ":::note",
        ":::poll\n",
        "---\n",
        "title: ",
        "due: ",
        "id: x\n",
        "children: [01-u]\n",
        "answers: [a, {key: b}]\n",
        "transcripts: {en: x}\n",
        "file: ../../../x\n",
        "youtube: [",
        "&x [*x]\n",
        "*x",
        "!!python/object:x {}\n",
        "org: O\nnumber: N\nrun: R\n",
        "grading: {assignment_types: [{type: a, weight: 1}]}\n",
        "timezone: Europe/Madrid\n",
        "2026-03-29 02:30",
        "```",
        "~~~",
        "<!--",
        "-->",
        "$$",
        "$x$",
        "\\(",
        "\\[",
        "[a](01-u.md#p)",
        "![x](../../static/a.png)",
        '<img src="../../static/a.png">',
        "<a href=",
        "[^1]",
        "[^1]: x\n",
        "[r]: 01-u.md\n",
        "- [ ] t\n",
        "a|b\n-|-\n",
        "<vertical>",
        "</vertical>",
        "<problem max_attempts='x'>",
        "</problem>",
        "&amp;",
        "&bad;",
        "<!DOCTYPE x [<!ENTITY a 'b'>]>",
        ">>q<<\n",
        "(x) a\n",
        "= 3\n",
        "\x00",
        "\ufeff",
        "\r",
        "\u2028",
        "\t",
        "'",
        '"',
        "{",
        "}",
        "[",
        "]",
        "  ",
        "é",
        "😀",
    )
)

CONTENT = st.one_of(
    st.lists(PIECES, max_size=25).map("".join).map(str.encode),
    st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.binary(max_size=60),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(PATHS, CONTENT, max_size=5))
def test_any_content(files: dict[str, bytes]) -> None:
    base: dict[str, str | bytes] = {
        "course.yaml": "org: O\nnumber: N\nrun: R\n",
        "a/b/01-u.md": "Text",
        "static/a.png": b"",
    }
    with tempfile.TemporaryDirectory() as name:
        folder = write_tree(Path(name), {**base, **files})
        course, diagnostics = read_course(folder)
        assert (course is None) == bool(diagnostics.errors)
        shown = [str(finding) for finding in diagnostics.sorted()]
        if course is not None:
            check_course(course)
        again, findings = read_course(folder)
        assert again == course
        assert [str(finding) for finding in findings.sorted()] == shown
