"""Front matter: the YAML between two `---` lines at the head of a Markdown file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from authoring.diagnostics import Diagnostics, Severity, define
from authoring.model import SourceLocation
from authoring.yamlnodes import Entry, parse_mapping

UNCLOSED_FRONT_MATTER = define(
    "unclosed-front-matter",
    Severity.ERROR,
    "The file starts with `---`, but no second `---` line ends its front matter.",
    "end the front matter with a line of three hyphens",
)

_CLOSE = re.compile(r"^---[ \t]*$", re.MULTILINE)
_OPEN = re.compile(r"---[ \t]*\n")


@dataclass(frozen=True, slots=True)
class Page:
    """A Markdown file taken apart: the front matter's entries, the body and the line on which the body
    starts."""

    path: PurePosixPath
    entries: Mapping[str, Entry] = field(default_factory=dict)
    body: str = ""
    body_line: int = 1


def split_page(text: str, path: PurePosixPath, diagnostics: Diagnostics) -> Page:
    """Front matter and body of a file. What is wrong is reported; the body is there in any case."""
    opening = _OPEN.match(text)
    if opening is None:
        return Page(path, body=text)
    closing = _CLOSE.search(text, opening.end())
    if closing is None:
        diagnostics.report(UNCLOSED_FRONT_MATTER, "the front matter is not closed", SourceLocation(path, 1))
        return Page(path)
    entries = parse_mapping(text[opening.end() : closing.start()], path, 2, diagnostics)
    body_start = min(closing.end() + 1, len(text))
    return Page(path, entries or {}, text[body_start:], text.count("\n", 0, body_start) + 1)
