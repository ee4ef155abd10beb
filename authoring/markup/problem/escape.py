"""Text that must stay text: character references for what would otherwise be a mark of problem Markdown."""

from __future__ import annotations

import re

from authoring.markup.problem.text import S

_LINE_START = re.compile(
    rf"""
      ^(?P<space>{S}*)
      (?: (?P<radio>\((?=.{{0,3}}\)))
        | (?P<box>\[(?=.?\]))
        | (?P<bars>\|(?=\|.*\|\|{S}*$))
        | (?P<brace>\{{(?=\{{.*?\}}\}}))
      )
    """,
    re.VERBOSE,
)
_ANSWER = re.compile(r"^(?:=|(s|or|not)=)")
_UNDERLINE = re.compile(r"^==+$")


def escape_line(line: str) -> str:
    """`line` with its first mark written as a character reference, when it would begin a question, an answer or a
    hint, underline a header or separate questions."""
    if _ANSWER.match(line):
        return line.replace("=", "&#61;", 1)
    if line.strip() == "---":
        return line.replace("-", "&#45;", 1)
    match = _LINE_START.match(line)
    if match is None:
        return line
    position = match.end() - 1
    return f"{line[:position]}&#{ord(line[position])};{line[position + 1 :]}"


def is_mark(line: str) -> bool:
    """Whether `escape_line` changes it."""
    return escape_line(line) != line
