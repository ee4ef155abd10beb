"""One component as the text of a unit: as Markdown where that loses nothing, else plainer and plainer.

A component is written in one of several ways, the most readable first; :mod:`authoring.decompile.folder` compiles what was
written and takes the next way where the result is another block.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lxml import etree

from authoring.decompile.yamltext import dump
from authoring.markup.links import rewrite_html
from authoring.markup.problem import decompile_problem
from authoring.markup.unrender import html_to_markdown
from authoring.model import Asset, Block, BlockKey, FieldValue
from authoring.olx.reader import POINTER_ONLY
from authoring.olx.writer import element_of
from authoring.registry import FieldType, fields_of, spec

LinkBack = Callable[[str], str]
"""A link of the platform to one between files."""


class Way(StrEnum):
    """How a block is written, the most readable first."""

    MARKDOWN = "markdown"
    """As prose or Studio's problem Markdown, options in YAML."""
    DIRECTIVE = "directive"
    """A directive of its category, its body as it is."""
    HTML = "html"
    """A text as HTML, links as the platform has them."""
    OLX = "olx"
    """An element in an `olx` directive."""
    FILE = "file"
    """The unit around it is a file of OLX."""


def ways_of(block: Block) -> tuple[Way, ...]:
    """The ways in which a component can be written, in order."""
    known = spec(block.category)
    if known is None or _odd(block):
        return (Way.OLX, Way.FILE)
    if block.category == "html":
        return (Way.MARKDOWN, Way.DIRECTIVE, Way.HTML, Way.OLX, Way.FILE)
    if block.category == "problem":
        return (Way.MARKDOWN, Way.OLX, Way.FILE)
    return (Way.DIRECTIVE, Way.OLX, Way.FILE)


def _odd(block: Block) -> bool:
    """Whether a directive cannot name it, or cannot hold what is inside."""
    known = spec(block.category)
    return (
        re.fullmatch(r"[\w.~-]{1,150}", block.url_name) is None
        or known is None
        or known.detached
        or POINTER_ONLY in block.extra.attributes
    )


@dataclass(frozen=True, slots=True)
class Fixes:
    """What was learned about a block by compiling it."""

    unset: frozenset[str] = frozenset()
    """Fields that the folder fills in and the block does not have."""
    forced: frozenset[str] = frozenset()
    """Fields that a plain key does not say as they are."""


@dataclass(slots=True)
class Lines:
    """Text in the making, and which line says what of which block."""

    lines: list[str] = field(default_factory=list)
    marks: dict[int, tuple[Block, str | None]] = field(default_factory=dict)

    def add(self, text: str, block: Block, name: str | None = None) -> None:
        for line in text.removesuffix("\n").split("\n"):
            self.lines.append(line)
            self.marks[len(self.lines)] = (block, name)

    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


def add_settings(
    lines: Lines,
    block: Block,
    fixes: Fixes,
    first: Mapping[str, FieldValue],
    skip: frozenset[str],
    policies: Mapping[str, Mapping[str, FieldValue]] | None = None,
) -> None:
    """The settings of a block as YAML lines: `first`, its fields by the keys that people use, then what only OLX says."""
    for key, value in first.items():
        lines.add(dump({key: value}), block, key)
    specs = fields_of(block.category)
    kept: dict[str, FieldValue] = {}
    ordered = [*(name for name in specs if name in block.fields), *(name for name in block.fields if name not in specs)]
    for name in ordered:
        value = block.fields[name]
        if name in skip:
            continue
        known = specs.get(name)
        text = known is not None and known.type in (FieldType.STRING, FieldType.XML)
        if known is None or not known.authored or name in fixes.forced or (value is None and text):
            kept[name] = value
        else:
            lines.add(dump({_KEYS.get(name, name): value}), block, name)
    parts: dict[str, FieldValue] = {}
    if block.extra.attributes:
        parts["attributes"] = dict(block.extra.attributes)
    if block.extra.elements:
        parts["elements"] = list(block.extra.elements)
    if kept:
        parts["fields"] = kept
    unset = sorted(fixes.unset - block.fields.keys())
    if unset:
        parts["unset"] = list(unset)
    if policies:
        parts["policies"] = dict(policies)
    if parts:
        lines.add(dump({"olx": parts}), block)


_KEYS = {"display_name": "title", "youtube_id_1_0": "youtube", "html5_sources": "sources"}


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the components of one unit."""

    link: LinkBack
    package: Callable[[Asset], str]
    """The path by which the unit names a package."""
    way: Callable[[Block], Way]
    fixes: Callable[[Block], Fixes]
    used: dict[BlockKey, Way]
    """How each component was written in the end; filled in on the way."""

    def add(self, lines: Lines, block: Block, depth: int = 0) -> None:
        """The component and what it holds, as directives."""
        way = self.way(block)
        if way is Way.MARKDOWN and self._add_markdown(lines, block):
            self.used[block.key] = way
            return
        if way in (Way.OLX, Way.FILE):
            self._add_olx(lines, block)
        elif block.category == "html":
            self.used[block.key] = Way.HTML if way is Way.HTML else Way.DIRECTIVE
            self._add_directive(lines, block, {"markup": "html"}, self._html(block, way is Way.HTML))
        elif block.category == "problem" or depth > 8:
            self._add_olx(lines, block)
        else:
            self.used[block.key] = way
            self._add_other(lines, block, depth)

    def _add_markdown(self, lines: Lines, block: Block) -> bool:
        content = block.content or ""
        linked = rewrite_html(content, lambda href, line, image: self.link(href), 1)
        if block.category == "html":
            body = html_to_markdown(linked)
            if body is None or not body.strip():
                return False
            self._add_directive(lines, block, {}, body)
            return True
        body = decompile_problem(linked)
        if body is None or not body.strip():
            return False
        self._add_directive(lines, block, {}, body, frozenset({"markdown", "markdown_edited"}))
        return True

    def _html(self, block: Block, links_as_they_are: bool) -> str:
        content = block.content or ""
        if links_as_they_are:
            return content
        return rewrite_html(content, lambda href, line, image: self.link(href), 1)

    def _add_other(self, lines: Lines, block: Block, depth: int) -> None:
        known = spec(block.category)
        first: dict[str, FieldValue] = {} if block.package is None else {"file": self.package(block.package)}
        if known is not None and known.children and block.children:
            inner = Lines()
            for child in block.children:
                if inner.lines:
                    inner.add("", child)
                self.add(inner, child, depth + 1)
            self._add_directive(lines, block, first, inner)
        else:
            self._add_directive(lines, block, first, block.content)

    def _add_directive(
        self,
        lines: Lines,
        block: Block,
        first: Mapping[str, FieldValue],
        body: str | Lines | None,
        skip: frozenset[str] = frozenset(),
    ) -> None:
        inside = body.text() if isinstance(body, Lines) else (body or "")
        colons = ":" * max([2, *(len(match) for match in re.findall(r"^:{3,}", inside, re.MULTILINE))]) + ":"
        name = f" {{#{block.url_name}}}" if not block.implicit_id else ""
        lines.add(f"{colons}{block.category}{name}", block)
        fixes = self.fixes(block)
        skip = skip - fixes.forced
        add_settings(lines, block, fixes, first, skip)
        if inside.strip():
            lines.add("---", block)
            start = len(lines.lines)
            lines.add(inside, block)
            if isinstance(body, Lines):
                lines.marks.update({start + number: mark for number, mark in body.marks.items()})
        lines.add(colons, block)

    def _add_olx(self, lines: Lines, block: Block) -> None:
        text = olx_text(block)
        for inner in block.walk():
            if POINTER_ONLY not in inner.extra.attributes or inner.key not in self.used:
                self.used[inner.key] = Way.OLX
        colons = ":" * max([2, *(len(match) for match in re.findall(r"^:{3,}", text, re.MULTILINE))]) + ":"
        lines.add(f"{colons}olx", block)
        lines.add(text, block)
        lines.add(colons, block)


def olx_text(block: Block) -> str:
    """The block and all below it as XML, a line for each part of a container."""
    element = element_of(block)
    _indent(element, block, 0)
    return etree.tostring(element, encoding="unicode") + "\n"


def _indent(element: etree._Element, block: Block, depth: int) -> None:
    known = spec(block.category)
    if known is None or not known.children or not len(element) or (element.text or "").strip():
        return
    if any((child.tail or "").strip() for child in element):
        return
    element.text = "\n" + "  " * (depth + 1)
    for child in element:
        child.tail = "\n" + "  " * (depth + 1)
    element[-1].tail = "\n" + "  " * depth
    by_name = {(child.category, child.url_name): child for child in block.children}
    for child in element:
        inner = by_name.get((str(child.tag), child.get("url_name") or ""))
        if inner is not None:
            _indent(child, inner, depth + 1)
