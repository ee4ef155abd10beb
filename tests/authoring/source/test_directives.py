"""Bodies come apart at the right lines."""

from __future__ import annotations

from pathlib import PurePosixPath

from hypothesis import given
from hypothesis import strategies as st

from authoring.diagnostics import Diagnostics
from authoring.source.directives import Directive, Prose, scan_body, split_options

PATH = PurePosixPath("u.md")


def scan(text: str) -> tuple[list[str], list[str]]:
    """Pieces and findings in short form."""
    diagnostics = Diagnostics()
    shown = []
    for piece in scan_body(text, PATH, 1, diagnostics):
        match piece:
            case Prose(text=body, line=line):
                shown.append(f"{line} {body!r}")
            case Directive():
                shown.append(f"{piece.line} {piece.name}#{piece.id} {piece.options!r} {piece.body_line} {piece.body!r}")
    return shown, [f"{finding.code}:{finding.where and finding.where.line}" for finding in diagnostics]


def test_prose_and_directives_alternate() -> None:
    assert scan("one\n:::video {#v}\na: b\n:::\ntwo\n") == (
        ["1 'one\\n'", "2 video#v 'a: b\\n' 3 None", "5 'two\\n'"],
        [],
    )


def test_code_and_comments_hide_directives() -> None:
    text = "```\n:::video\n```\n~~~md\n:::\n```\n~~~\n<!-- \n:::video\n-->\n`:::video`\n    :::x\n :::video\n"
    assert scan(text) == ([f"1 {text!r}"], [])


def test_longer_fences_nest_shorter_ones() -> None:
    assert scan("::::split_test\n:::html\na\n:::\n::::\n:::done\n:::\n") == (
        ["1 split_test#None None 2 ':::html\\na\\n:::\\n'", "6 done#None None 7 None"],
        [],
    )


def test_admonitions_are_prose() -> None:
    text = "::::note A *title*\n:::tip\nx\n:::\n::::\n"
    assert scan(text + ":::done\n:::\n") == ([f"1 {text!r}", "6 done#None None 7 None"], [])


def test_a_forgotten_end_is_shown_where_it_is_missing() -> None:
    pieces, findings = scan(":::video\na: b\n\n:::done\n:::\n:::note\nx\n")
    assert findings == ["unclosed-directive:1", "unclosed-directive:6"]
    assert pieces[:2] == ["1 video#None 'a: b\\n\\n' 2 None", "4 done#None None 5 None"]


def test_options_and_body() -> None:
    assert split_options("a: b\n---\nbody\n") == ("a: b\n", "body\n", 2)
    assert split_options("a: b\n") == ("a: b\n", None, 0)
    assert split_options("body\n---\nmore\n") == (None, "body\n---\nmore\n", 0)
    assert split_options("---\na: b\n---\nmore\n") == (None, "a: b\n---\nmore\n", 1)
    assert split_options("\n\na: b\n\n---\n\n") == ("\n\na: b\n\n", None, 5)
    assert split_options("a:b\n") == (None, "a:b\n", 0)
    assert split_options("") == (None, None, 0)


LINES = st.sampled_from(
    ["", "words", ":::", "::::", ":::video", "::::split_test", ":::note", "```", "~~~", "<!--", "-->", "a: b", "---"]
)


@given(st.lists(LINES, max_size=30))
def test_nothing_is_lost(lines: list[str]) -> None:
    """Every line of words is in a piece, unless something was reported."""
    text = "".join(f"{line}\n" for line in lines)
    diagnostics = Diagnostics()
    pieces = scan_body(text, PATH, 1, diagnostics)
    found = 0
    for piece in pieces:
        parts = (piece.text,) if isinstance(piece, Prose) else (piece.options or "", piece.body or "")
        found += sum(part.count("words") for part in parts)
    if not diagnostics.errors:
        assert found == text.count("words")
    assert [piece.line for piece in pieces] == sorted(piece.line for piece in pieces)
