"""Problem Markdown to OLX: golden cases in tests/fixtures/markup/problem, `title . input . expected .`

The expected side is the OLX, then `studio: as written|repaired|none` (whether the text can travel to Studio), then one
line for each finding: its line, severity and code.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it.utils import read_fixture_file

from authoring.diagnostics import Severity
from authoring.markup.canonical import canonical_xml
from authoring.markup.problem import CompiledProblem, compile_problem
from authoring.model import SourceLocation

FIXTURES = Path(__file__).parents[2] / "fixtures" / "markup" / "problem"

CASES = [
    pytest.param(source, expected, id=f"{path.stem}:{line} {title}")
    for path in sorted(FIXTURES.glob("*.md"))
    for line, title, source, expected in read_fixture_file(path)
]
FILES = {"sum.py": "def check(expect, answers):\n    return sorted(answers) == str(expect).split()\n"}


def read_file(name: str) -> str:
    if name not in FILES:
        raise FileNotFoundError(name)
    return FILES[name]


def compile_at_line_1(source: str) -> CompiledProblem:
    return compile_problem(source, where=SourceLocation(PurePosixPath("unit.md"), 1), read_file=read_file)


def travels(compiled: CompiledProblem, source: str) -> str:
    if compiled.studio_markdown is None:
        return "none"
    return "as written" if compiled.studio_markdown == source else "repaired"


@pytest.mark.parametrize(("source", "expected"), CASES)
def test_golden(source: str, expected: str) -> None:
    olx, _, rest = expected.partition("\nstudio: ")
    compiled = compile_at_line_1(source)
    assert canonical_xml(compiled.olx) == canonical_xml(olx), compiled.olx
    findings = [f"{d.where.line if d.where else None}: {d.severity} {d.code}" for d in compiled.diagnostics]
    assert [travels(compiled, source), *findings] == rest.splitlines()


@pytest.mark.parametrize(("source", "expected"), CASES)
def test_what_travels_to_studio_needs_no_repair(source: str, expected: str) -> None:
    compiled = compile_at_line_1(source)
    if compiled.studio_markdown is None:
        return
    again = compile_at_line_1(compiled.studio_markdown)
    assert again.studio_markdown == compiled.studio_markdown
    assert canonical_xml(again.olx) == canonical_xml(compiled.olx)


def test_the_usual_studio_templates_are_taken_as_they_are() -> None:
    for source in (
        ">>Question<<\n\n( ) incorrect\n( ) incorrect\n(x) correct\n",
        "[x] correct\n[ ] incorrect\n[x] correct\n",
        "= answer\n",
        "= 5 +- 0.001%\n",
        "[[incorrect, (correct), incorrect]]\n",
    ):
        compiled = compile_problem(source)
        assert compiled.studio_markdown == source
        assert not compiled.diagnostics


def test_carriage_returns_do_not_matter() -> None:
    source = "Title\n=====\n>>Q<<\n(x) a\n( ) b\n---\n= 5\n"
    assert compile_problem(source.replace("\n", "\r\n")).olx == compile_problem(source).olx


def test_lines_are_counted_from_the_place_given() -> None:
    where = SourceLocation(PurePosixPath("01/unit.md"), 40)
    compiled = compile_problem("(x) a\n( ) b\n\n---\n\n= 10\nor= ten\n", where=where)
    assert [str(d.where) for d in compiled.diagnostics] == ["01/unit.md:46"]


def test_without_a_place_findings_have_none() -> None:
    (finding,) = compile_problem("A & B\n= 5").diagnostics
    assert finding.where is None
    assert finding.hint == "write `&amp;` or `&lt;`"


def test_links_in_raw_html_are_rewritten_in_the_olx_and_in_what_travels() -> None:
    source = '>>What is <img src="../../static/a.png" alt="it"/>?<<\n(x) <a href="b.md">this</a>\n( ) that\n'
    compiled = compile_problem(source, link=lambda href: f"/to/{href}")
    assert 'src="/to/../../static/a.png"' in compiled.olx
    assert 'href="/to/b.md"' in compiled.olx
    assert compiled.studio_markdown is not None
    assert 'src="/to/../../static/a.png"' in compiled.studio_markdown


def test_links_of_the_richer_dialect_are_rewritten_once() -> None:
    source = (
        '[markdown]\n![it](a.png) [there](b.md) <img src="c.png" alt="">\n\n'
        "[jsinput file=d.html function=check]\n(x) ![e](e.png)\n( ) no\n"
    )
    compiled = compile_problem(source, link=lambda href: f"/to/{href}")
    assert compiled.studio_markdown is None
    for name in ("a.png", "b.md", "c.png", "d.html", "e.png"):
        assert f'"/to/{name}"' in compiled.olx


def test_a_file_that_cannot_be_read_is_a_finding() -> None:
    def unreadable(name: str) -> str:
        raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")

    source = "[markdown]\n[python file=a.py]\n[grader function=check]\n"
    for reader in (None, unreadable):
        compiled = compile_problem(source, read_file=reader)
        assert [d.code.name for d in compiled.diagnostics] == ["problem-unreadable-file"]


PIECES = st.sampled_from(
    [
        *("(x) ", "( ) ", "(!@) ", "[x] ", "[ ] ", "= ", "s= ", "or= ", "not= ", "||", ">>", "<<", "---", "[[", "]]"),
        *("{{", "}}", "::", "{{ ((A B)) ", "[explanation]", "[/explanation]", "[code]", "=====", "[markdown]"),
        *("\n", "\n", "\n", "\n\n", " ", "a", "Some text", "100", "+- 5%", "[5, 7)", "(", ")", ",", '"', "'", "&"),
        *(
            "<",
            ">",
            "<b>",
            "</b>",
            "<br>",
            "<p>",
            "&nbsp;",
            "&amp;",
            "<script>",
            "</script>",
            "<!--",
            "-->",
            "é",
            "\\(",
        ),
        *(
            "**",
            "`",
            "$x$",
            "[a](b)",
            "[question points=2]",
            "[formula x]",
            "[python]",
            "]]>",
            "||<b>x||",
            "\u00a0",
            "\x00",
            "\u2028",
        ),
    ]
)


@given(st.lists(PIECES, max_size=25).map("".join))
def test_whatever_is_written_sound_olx_comes_out(source: str) -> None:
    compiled = compile_problem(source)
    canonical_xml(compiled.olx)
    if compiled.studio_markdown is not None:
        again = compile_problem(compiled.studio_markdown)
        assert canonical_xml(again.olx) == canonical_xml(compiled.olx)


@given(st.text(max_size=200))
def test_any_text_is_a_problem(source: str) -> None:
    canonical_xml(compile_problem(source).olx)
    canonical_xml(compile_problem("[markdown]\n" + source).olx)


WORDS = st.lists(st.sampled_from(["red", "blue", "sky", "7", "b.c"]), min_size=1, max_size=4).map(" ".join)


@given(st.lists(st.tuples(st.booleans(), WORDS), min_size=2, max_size=5), WORDS)
def test_every_choice_arrives_in_order(choices: list[tuple[bool, str]], question: str) -> None:
    lines = [f"({'x' if correct else ' '}) {text}" for correct, text in choices]
    compiled = compile_problem(f">>{question}<<\n" + "\n".join(lines))
    expected = "".join(f'<choice correct="{str(correct).lower()}">{text}</choice>' for correct, text in choices)
    group = f'<choicegroup type="MultipleChoice">{expected}</choicegroup>'
    olx = f"<problem><multiplechoiceresponse><label>{question}</label>{group}</multiplechoiceresponse></problem>"
    assert canonical_xml(compiled.olx) == canonical_xml(olx)
    assert all(d.severity is not Severity.ERROR for d in compiled.diagnostics)
