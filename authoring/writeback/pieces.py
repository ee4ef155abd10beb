"""The body of a unit as its pieces: the text of each component, what stands between them, and putting them together again.

`parse_body(text) -> Body`, `Body.text()` is that text to the character. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import PurePosixPath

from authoring.diagnostics import Diagnostics
from authoring.model import BlockKey
from authoring.source.directives import Directive, is_blank, scan_body, split_options
from authoring.source.nodes import Component

_LEADING = re.compile(r"\A(?:[^\S\n]*\n)*")
_TRAILING = re.compile(r"(?:\n[^\S\n]*)*\Z")


@dataclass(frozen=True, slots=True)
class Fence:
    """A directive taken apart: `head` (its first line), `options`, `rule` (what ends them), `body`, `close`; joined they
    are its text."""

    head: str
    options: str
    rule: str
    body: str
    close: str

    def text(self) -> str:
        return self.head + self.options + self.rule + self.body + self.close

    @property
    def colons(self) -> int:
        return len(self.head) - len(self.head.lstrip(":"))

    def with_colons(self, inside: str) -> Fence:
        """As many colons as `inside` needs around it, or as there are, whichever is more."""
        longest = max((len(match) for match in re.findall(r"^:{3,}", inside, re.MULTILINE)), default=0)
        if longest < self.colons:
            return self
        colons = ":" * (longest + 1)
        return replace(self, head=colons + self.head.lstrip(":"), close=colons + self.close.lstrip(":"))


@dataclass(frozen=True, slots=True)
class Piece:
    """A component as it is written, without blank lines around it; `key` is None for prose that shows nothing (a comment,
    link definitions). `path` is the file that its links are relative to."""

    text: str
    key: BlockKey | None
    path: PurePosixPath
    fence: Fence | None = None
    """None for prose."""
    inner: Body | None = None
    """What a container holds."""
    olx: bool = False

    @property
    def is_prose(self) -> bool:
        return self.fence is None


@dataclass(frozen=True, slots=True)
class Body:
    """`gaps` are the blank lines before, between and behind the pieces, one more than these."""

    pieces: tuple[Piece, ...]
    gaps: tuple[str, ...]

    def text(self) -> str:
        parts = [self.gaps[0]]
        for piece, gap in zip(self.pieces, self.gaps[1:], strict=True):
            parts += (piece.text, gap)
        return "".join(parts)

    def walk(self) -> Iterator[Piece]:
        for piece in self.pieces:
            yield piece
            if piece.inner is not None:
                yield from piece.inner.walk()


def parse_body(text: str, path: PurePosixPath, components: Sequence[Component], keys: Mapping[int, BlockKey]) -> Body:
    """The pieces of a body that compiles without errors; `components` are what the outline found in it, `keys` the key of
    each by the identity of its component."""
    left = iter(components)
    pieces: list[Piece] = []
    gaps: list[str] = []
    end = 0
    for found in scan_body(text, path, 1, Diagnostics()):
        if isinstance(found, Directive):
            start, stop = found.start, found.end
        else:
            start, stop = found.start, found.start + len(found.text)
        lead = len(_LEADING.match(text[start:stop])[0])  # type: ignore[index]
        body = text[start + lead : stop]
        trail = len(_TRAILING.search(body)[0])  # type: ignore[index]
        core = body[: len(body) - trail]
        gaps.append(text[end : start + lead])
        end = start + lead + len(core)
        if not isinstance(found, Directive):
            component = None if is_blank(found.text) else next(left)
            pieces.append(Piece(core, keys[id(component)] if component is not None else None, path))
            continue
        component = next(left)
        fence = _fence(text, found, end)
        inner = None
        if component.children and fence.body:
            inner = parse_body(fence.body, path, component.children, keys)
        pieces.append(Piece(core, keys[id(component)], path, fence, inner, component.block is not None))
    gaps.append(text[end:])
    return Body(tuple(pieces), tuple(gaps))


def _fence(text: str, found: Directive, end: int) -> Fence:
    start, stop = found.inside
    content = text[start:stop]
    options, body, _ = split_options(content)
    options, body = options or "", body or ""
    rule = content[len(options) : len(content) - len(body)]
    return Fence(text[found.start : start], options, rule, body, text[stop:end])


def head_of(fence: Fence, name: str | None) -> Fence:
    """The directive with an id in its first line."""
    if name is None:
        return fence
    line = re.sub(r"[ \t]*\{[^{}]*\}", "", fence.head).rstrip()
    return replace(fence, head=f"{line} {{#{name}}}\n")


def compose(old: Body, new: Sequence[Piece]) -> Body:
    """The pieces in a new order: those that stood together keep the lines between them, the others get a blank one. Prose
    without words stays before what it stood before; at the end, when that has gone."""
    pieces = _apart(list(_with_hidden(old, new)))
    followed = {
        (_identity(first), _identity(second)): gap
        for first, second, gap in zip(old.pieces, old.pieces[1:], old.gaps[1:], strict=False)
    }
    if not pieces:
        return Body((), ("\n" if old.text() else "",))
    gaps = [old.gaps[0]]
    for first, second in pairwise(pieces):
        gap = followed.get((_identity(first), _identity(second)), "\n\n")
        touching = first.is_prose != second.is_prose and "\n" in gap
        gaps.append(gap if touching or gap.count("\n") > 1 or not (first.is_prose and second.is_prose) else "\n\n")
    last = old.gaps[-1] if old.pieces and "\n" in old.gaps[-1] else "\n"
    return Body(tuple(pieces), (*gaps, last))


def _apart(pieces: list[Piece]) -> list[Piece]:
    """Prose beside other prose would be one text with it: it becomes a directive."""
    result: list[Piece] = []
    for place, piece in enumerate(pieces):
        before = result[-1] if result else None
        after = pieces[place + 1] if place + 1 < len(pieces) else None
        beside = before is not None and before.is_prose
        beside = beside or (after is not None and after.is_prose and after.key is None)
        result.append(as_directive(piece) if piece.is_prose and piece.key is not None and beside else piece)
    return result


def as_directive(piece: Piece) -> Piece:
    """Prose as an `html` directive that says the same."""
    body = f"{piece.text}\n"
    rule = "" if split_options(body)[1] == body else "---\n"
    fence = Fence(":::html\n", "", rule, body, ":::").with_colons(body)
    return replace(piece, text=fence.text(), fence=fence)


def _identity(piece: Piece) -> object:
    return piece.key if piece.key is not None else piece.text


def _with_hidden(old: Body, new: Sequence[Piece]) -> Iterable[Piece]:
    kept = {piece.key for piece in new}
    before: dict[BlockKey, list[Piece]] = {}
    waiting: list[Piece] = []
    for piece in old.pieces:
        if piece.key is None:
            waiting.append(piece)
        elif piece.key in kept:
            before[piece.key] = waiting
            waiting = []
    for piece in new:
        yield from before.get(piece.key, ()) if piece.key is not None else ()
        yield piece
    yield from waiting
