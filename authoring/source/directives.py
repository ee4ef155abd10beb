"""The body of a unit taken apart: prose, and directives between `:::name` and `:::`.

    :::video {#intro}        a line of three or more colons in column 0 and a name opens; `{#id}` may follow
    youtube: dQw4w9WgXcQ     options, when the first line looks like `key:`
    ---                      the end of the options, when a body follows
    …
    :::                      a line of at least as many colons closes

A directive inside another has fewer colons than the one around it. So an opening line with as many or more
colons means that the open one was never closed, and that is where the error is shown. Nothing opens or
closes inside a fenced code block or an HTML comment that starts in column 0. Admonitions (`:::note`) are
part of the prose; they are followed here only so that their ends are not taken for other directives' ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TypeAlias

from authoring.diagnostics import Diagnostics, Severity, define
from authoring.markup.admonitions import ADMONITIONS
from authoring.model import SourceLocation

UNCLOSED_DIRECTIVE = define(
    "unclosed-directive",
    Severity.ERROR,
    "A directive is opened and never closed.",
    "close it with a line of as many colons; around other directives, use more colons than they have",
)
STRAY_CLOSE = define(
    "stray-close",
    Severity.ERROR,
    "A line of colons closes nothing.",
    "remove it, or open a directive before it with `:::name`",
)
BAD_DIRECTIVE = define(
    "bad-directive",
    Severity.ERROR,
    "A line starts like a directive but does not read `:::name` or `:::name {#id}`.",
    "write `:::name {#id}`; everything else belongs into the options below it",
)
WRONG_NESTING = define(
    "wrong-nesting",
    Severity.ERROR,
    "Something stands where the platform does not allow it.",
    "a course holds sections, a section subsections, a subsection units, a unit components",
)
UNCLOSED_CODE = define(
    "unclosed-code",
    Severity.WARNING,
    "A fenced code block or comment is never closed and takes in everything to the end of the file.",
    "close it, or check what it was meant to hold",
)


@dataclass(frozen=True, slots=True)
class Prose:
    """Markdown between directives; `line` is that of its first character, `start` its place in the text scanned."""

    text: str
    line: int
    start: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive as written. `options` and `body` are its two parts, each with the line it starts on;
    None where the part is missing. `start` and `end` are its place in the text scanned, `inside` the place of what
    stands between its first and its last line."""

    name: str
    id: str | None
    line: int
    colons: int
    options: str | None
    options_line: int
    body: str | None
    body_line: int
    start: int = field(default=0, compare=False)
    inside: tuple[int, int] = field(default=(0, 0), compare=False)
    end: int = field(default=0, compare=False)


Piece: TypeAlias = Prose | Directive

_MARK = re.compile(r"^(?:(?P<fence>`{3,}|~{3,})|(?P<colons>:{3,})|<!--)(?P<rest>[^\n]*)", re.MULTILINE)
_HEAD = re.compile(r"[ \t]*([A-Za-z][\w-]*)(?:[ \t]*\{[ \t]*#([^\s{}]+)[ \t]*\})?[ \t]*")
_ADMONITION_HEAD = re.compile(r"[ \t]*([A-Za-z][\w-]*)(?:[ \t]+.*)?")
_OPTION = re.compile(r"[A-Za-z_][\w-]*:(?:\s|$)")
_RULE = re.compile(r"^---[ \t]*$", re.MULTILINE)


def scan_body(text: str, path: PurePosixPath, first_line: int, diagnostics: Diagnostics) -> tuple[Piece, ...]:
    """The pieces of a body in order; prose that is blank or only comment is left out. Errors are reported,
    and scanning goes on behind them."""
    if ":::" not in text:
        return _prose(text, 0, len(text), first_line)
    return tuple(_Scanner(text, path, first_line, diagnostics).pieces())


def is_blank(text: str) -> bool:
    """Whether prose shows nothing: white space, comments, link definitions."""
    if not text or text.isspace():
        return True
    if "<!--" not in text and "]:" not in text:
        return False
    return not _INVISIBLE.sub("", text).strip()


_INVISIBLE = re.compile(r"<!--.*?(?:-->|\Z)|^ {0,3}\[[^\^\]\n][^\]\n]*\]:[^\n]*$", re.MULTILINE | re.DOTALL)


def _prose(text: str, start: int, end: int, line: int) -> tuple[Prose, ...]:
    part = text[start:end]
    return () if not part or part.isspace() else (Prose(part, line, start),)


@dataclass(slots=True)
class _Open:
    """A directive or admonition whose end has not been seen."""

    name: str
    id: str | None
    colons: int
    line: int
    start: int
    content_start: int


class _Scanner:
    """Takes a body apart on one level: what is inside a directive is scanned again when that is compiled."""

    def __init__(self, text: str, path: PurePosixPath, first_line: int, diagnostics: Diagnostics) -> None:
        self.text = text
        self.path = path
        self.diagnostics = diagnostics
        self.counted_to = 0
        self.line = first_line
        self.prose_start = 0
        self.prose_line = first_line
        self.directive: _Open | None = None
        self.admonitions: list[_Open] = []
        """Open ones outside directives, innermost last; each has fewer colons than the one before."""

    def pieces(self) -> Iterator[Piece]:
        for match in self._marks():
            colons, rest = len(match["colons"]), match["rest"]
            closing = not rest.strip()
            if self.directive is not None:
                if colons < self.directive.colons:
                    continue  # inside it
                if closing:
                    yield self._end_directive(match.start(), match.end() + 1)
                    continue
                self._unclosed(self.directive)
                yield self._end_directive(match.start(), match.start())
            if closing:
                self._close_admonition(match, colons)
            else:
                yield from self._open(match, colons, rest)
        for opened in self.admonitions:
            self._unclosed(opened)
        if self.directive is not None:
            self._unclosed(self.directive)
        else:
            yield from _prose(self.text, self.prose_start, len(self.text), self.prose_line)

    def _marks(self) -> Iterator[re.Match[str]]:
        """The lines of colons that are neither in fenced code nor in a comment."""
        text, position = self.text, 0
        while (match := _MARK.search(text, position)) is not None:
            position = match.end()
            fence = match["fence"]
            if match["colons"]:
                yield match
            elif fence is None:
                end = text.find("-->", match.start() + 4)
                position = end + 3 if end >= 0 else self._unclosed_code(match.start(), "comment")
            elif "`" not in match["rest"] or fence[0] == "~":
                closing = re.compile(rf"^ {{0,3}}{fence[0]}{{{len(fence)},}}[ \t]*$", re.MULTILINE)
                found = closing.search(text, match.end())
                position = found.end() if found else self._unclosed_code(match.start(), "code block")

    def _unclosed_code(self, start: int, what: str) -> int:
        if ":::" in self.text[start:]:
            where = SourceLocation(self.path, self._line_at(start))
            self.diagnostics.report(UNCLOSED_CODE, f"this {what} is never closed", where)
        return len(self.text)

    def _open(self, match: re.Match[str], colons: int, rest: str) -> Iterator[Piece]:
        head = _head(rest)
        if head is None:
            self._report_bad_head(rest.strip(), self._line_at(match.start()))
            return
        line = self._line_at(match.start())
        opened = _Open(head[0], head[1], colons, line, match.start(), min(match.end() + 1, len(self.text)))
        while self.admonitions and self.admonitions[-1].colons <= colons:
            self._unclosed(self.admonitions.pop())
        if head[0].lower() in ADMONITIONS:
            self.admonitions.append(opened)
            return
        if self.admonitions:
            message = f"':::{head[0]}' cannot stand inside ':::{self.admonitions[-1].name}'"
            hint = "an admonition holds text only: move the component out of it"
            self.diagnostics.report(WRONG_NESTING, message, SourceLocation(self.path, line), hint)
            self.admonitions.clear()
        yield from _prose(self.text, self.prose_start, match.start(), self.prose_line)
        self.directive = opened

    def _close_admonition(self, match: re.Match[str], colons: int) -> None:
        if not self.admonitions:
            where = SourceLocation(self.path, self._line_at(match.start()))
            self.diagnostics.report(STRAY_CLOSE, "this line closes nothing", where)
            return
        # The line ends the outermost admonition that has at most as many colons; those inside it were
        # forgotten.
        inside = [opened for opened in self.admonitions if opened.colons <= colons]
        for opened in inside[1:]:
            self._unclosed(opened)
        if inside:
            del self.admonitions[-len(inside) :]

    def _end_directive(self, end: int, prose_start: int) -> Directive:
        opened = self.directive
        assert opened is not None
        self.directive = None
        self.prose_start = min(prose_start, len(self.text))
        self.prose_line = self._line_at(self.prose_start)
        options, body, skipped = split_options(self.text[opened.content_start : end])
        first = opened.line + 1
        return Directive(
            name=opened.name,
            id=opened.id,
            line=opened.line,
            colons=opened.colons,
            options=options,
            options_line=first,
            body=body,
            body_line=first + skipped,
            start=opened.start,
            inside=(opened.content_start, end),
            end=self.prose_start,
        )

    def _unclosed(self, opened: _Open) -> None:
        message = f"':::{opened.name}' is not closed"
        self.diagnostics.report(UNCLOSED_DIRECTIVE, message, SourceLocation(self.path, opened.line))

    def _report_bad_head(self, rest: str, line: int) -> None:
        hint = None
        braced = re.match(r"\{([A-Za-z][\w-]*)\}", rest)
        if braced is not None:
            hint = f"write ':::{braced[1]}', without braces"
        message = f"not a directive: ':::{rest[:60]}'"
        self.diagnostics.report(BAD_DIRECTIVE, message, SourceLocation(self.path, line), hint)

    def _line_at(self, position: int) -> int:
        if position >= self.counted_to:
            self.line += self.text.count("\n", self.counted_to, position)
        else:
            self.line -= self.text.count("\n", position, self.counted_to)
        self.counted_to = position
        return self.line


def _head(rest: str) -> tuple[str, str | None] | None:
    """Name and id of an opening line; None when it is not one."""
    match = _HEAD.fullmatch(rest)
    if match is not None:
        return match[1], match[2]
    admonition = _ADMONITION_HEAD.fullmatch(rest)
    if admonition is not None and admonition[1].lower() in ADMONITIONS:
        return admonition[1], None
    return None


def split_options(content: str) -> tuple[str | None, str | None, int]:
    """Options and body of a directive's content, and how many lines stand before the body."""
    stripped = content.lstrip("\n \t")
    leading = len(content) - len(stripped)
    first_line = content[leading:].split("\n", 1)[0]
    # Blank lines before the first are skipped whole; an indented first line is no option.
    line_start = content.rfind("\n", 0, leading) + 1
    if not stripped:
        return None, None, 0
    if _OPTION.match(first_line) and line_start == leading:
        rule = _RULE.search(content)
        if rule is None:
            return content, None, 0
        options, rest = content[: rule.start()], content[rule.end() + 1 :]
    else:
        rule = _RULE.match(content, line_start)
        if rule is None:
            return None, content, 0
        options, rest = None, content[rule.end() + 1 :]
    before = content.count("\n", 0, rule.end()) + 1
    return options, rest if rest.strip() else None, before
