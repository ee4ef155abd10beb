"""OLX: an XML element to a Block.

In: an element (of a unit file, an `olx` directive, a package whose pointers are resolved); out: the Block it describes,
children and all. Attributes become fields by the registry; what no field takes is kept in `Block.extra`, so nothing is
lost.

Sources: Open edX: xmodule/xml_block.py (XmlMixin), xblock/core.py (pure XBlocks), xmodule/video_block.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath

from lxml import etree

from authoring.diagnostics import Diagnostics, Severity, define
from authoring.model import Block, BlockKey, Course, Extra, FieldValue, SourceLocation
from authoring.olx.elements import (
    DATA,
    FILE,
    LINE,
    MARKS,
    fragments,
    inner_xml,
    is_element,
    line_of,
    serialize,
    unmark,
)
from authoring.olx.forms import read_children
from authoring.olx.spellings import fold
from authoring.olx.values import attributes_of, value_from_attribute
from authoring.registry import CategorySpec, Family, FieldType, fields_of, spec

BAD_OLX = define(
    "bad-olx",
    Severity.WARNING,
    "The OLX says something that its category cannot mean. It is kept, and not sent.",
    "compare with an export of a course that works",
)

MAX_DEPTH = 100

IDENTITY = frozenset({"url_name", "filename", "org", "course", "library"})
"""Attributes that say what the element is, not how it is set (Open edX: xmodule/xml_block.py)."""

POINTER_ONLY = "x-is-pointer-node"
"""In `Extra.attributes`: the block is a pointer to a definition that is not there, or that cannot be read."""

FAMILY = "xblock-family"
OPTION = "{http://code.edx.org/xblock/option}"

NewKey = Callable[[str], BlockKey]
"""`category -> key` for an element without `url_name`."""


def block_from_element(
    element: etree._Element,
    *,
    path: PurePosixPath,
    first_line: int = 1,
    new_key: NewKey,
    diagnostics: Diagnostics,
) -> Block | None:
    """The block that an element describes, with its children; None, reported, when it nests too deep.

    `first_line` is the line of the file on which the text began that was parsed; `new_key` names elements
    that have no `url_name`. The element is changed on the way.
    """
    return _Reader(path, first_line, new_key, diagnostics).block(element, 0)


class _Reader:
    def __init__(self, path: PurePosixPath, first_line: int, new_key: NewKey, diagnostics: Diagnostics) -> None:
        self.path = path
        self.first_line = first_line
        self.new_key = new_key
        self.diagnostics = diagnostics

    def block(self, element: etree._Element, depth: int) -> Block | None:
        where = self._where(element)
        if depth > MAX_DEPTH:
            self.diagnostics.report(BAD_OLX, "elements nest too deep", where, severity=Severity.ERROR)
            return None
        fold(element)
        category = str(element.tag)
        url_name = element.get("url_name")
        key = BlockKey(category, url_name) if url_name else self.new_key(category)
        known = spec(category)
        fields, unknown = self._fields(element, known, where)
        children: tuple[Block, ...] = ()
        elements: tuple[str, ...] = ()
        content: str | None = None
        if known is None:
            fields = {**fields, **unknown}
            family = element.get(FAMILY)
            unknown = {FAMILY: family} if family is not None else {}
            content = _bare(element) if len(element) or (element.text or "").strip() else None
        elif known.content is not None:
            whole = known.own_fields[known.content].type is FieldType.XML
            if not whole:
                elements = _take_asides(element)
            if element.get(DATA) is not None:
                content = element.text or ""
            else:
                content = _without_settings(element, known) if whole else inner_xml(element)
        elif known.children:
            children, elements = self._children(element, depth, where)
        else:
            said = read_children(element)
            if said is not None:
                fields.update(said)
                if category == "openassessment" and fields.get("title") == fields.get("display_name"):
                    fields.pop("title", None)  # the one title in both places, as the writer puts it
            else:
                elements = _read_parts(element, fields)
        return Block(
            key=key,
            fields=fields,
            content=content,
            children=children,
            extra=Extra(unknown, elements),
            implicit_id=not url_name,
            source=where,
        )

    def _children(
        self, element: etree._Element, depth: int, where: SourceLocation
    ) -> tuple[tuple[Block, ...], tuple[str, ...]]:
        blocks: list[Block] = []
        for child in list(element):
            if is_block(element, child):
                block = self.block(child, depth + 1)
                if block is not None:
                    blocks.append(block)
        rest = other_children(element)
        stray = next((text for text in rest if not text.startswith("<")), None)
        if stray is not None:
            message = f"text inside <{element.tag}>, which holds components only: {stray[:60]!r}"
            self.diagnostics.report(BAD_OLX, message, where, "put the text into an <html> element")
        return tuple(blocks), tuple(rest)

    def _fields(
        self, element: etree._Element, known: CategorySpec | None, where: SourceLocation
    ) -> tuple[dict[str, FieldValue], dict[str, str]]:
        by_attribute = attributes_of(str(element.tag))
        pure = known is not None and known.family is Family.PURE
        fields: dict[str, FieldValue] = {}
        unknown: dict[str, str] = {}
        for name, text in element.attrib.items():
            attribute, value = str(name), str(text)
            if attribute in IDENTITY or attribute == FAMILY or attribute.startswith(MARKS):
                continue
            field = by_attribute.get(attribute)
            if field is None:
                unknown[attribute] = value
                continue
            try:
                fields[field.name] = value_from_attribute(value, field, pure=pure)
            except ValueError:
                unknown[attribute] = value
                message = f"{attribute}={value[:60]!r} is not a value of the type {field.type}"
                self.diagnostics.report(BAD_OLX, message, where)
        return fields, unknown

    def _where(self, element: etree._Element) -> SourceLocation:
        file, line = element.get(FILE), element.get(LINE)
        if file is not None:
            return SourceLocation(PurePosixPath(file), int(line) if line else None)
        return SourceLocation(self.path, self.first_line + line_of(element) - 1)


def is_block(parent: etree._Element, child: etree._Element) -> bool:
    """Whether a child of a container is a block: every element but a course's textbooks and wiki, a conditional's
    <show>, and what the platform itself puts there (options, metadata)."""
    if not is_element(child):
        return False
    tag = str(child.tag)
    not_blocks = {"course": ("wiki", "textbook"), "conditional": ("show",)}.get(str(parent.tag), ())
    return tag not in not_blocks and tag != "meta" and not tag.startswith("{")


def other_children(element: etree._Element) -> list[str]:
    """What a container holds besides blocks, as XML."""
    bare = copy.copy(element)
    for child in list(bare):
        if is_block(bare, child):
            tail = child.tail
            bare.replace(child, etree.Comment(_GAP))
            if tail and tail.strip():
                bare.append(etree.Comment(_GAP))
                bare[-1].tail = tail
    gap = f"<!--{_GAP}-->"
    return [fragment for fragment in fragments(bare) if fragment != gap]


_GAP = "urn:ibl-course-authoring:block"


def is_aside(element: etree._Element) -> bool:
    """Whether an element belongs to an aside of the block rather than to its body (XBlock: xblock/core.py)."""
    return is_element(element) and element.get(FAMILY) == "xblock_asides.v1"


def _take_asides(element: etree._Element) -> tuple[str, ...]:
    """The asides among the children of a text, taken out of it."""
    asides = [child for child in element if is_aside(child)]
    for child in asides:
        before, tail = child.getprevious(), child.tail or ""
        element.remove(child)
        if before is not None:
            before.tail = (before.tail or "") + tail
        else:
            element.text = (element.text or "") + tail
    return tuple(serialize(child) for child in asides)


def _read_parts(element: etree._Element, fields: dict[str, FieldValue]) -> tuple[str, ...]:
    """Child elements of a component without a text body: some are fields, the others are kept as they are."""
    rest = copy.copy(element)
    _take_options(rest, fields)
    return tuple(fragments(rest))


def _take_options(element: etree._Element, fields: dict[str, FieldValue]) -> None:
    """The children that say a field, mixed in or not (XBlock: xblock/core.py, parse_xml), taken out of the element."""
    known = fields_of(str(element.tag))
    for child in list(element):
        name = str(child.tag).removeprefix(OPTION)
        if is_element(child) and str(child.tag).startswith(OPTION) and name in known:
            text = inner_xml(child)
            try:
                fields[name] = (
                    None if child.get("none") == "true" else value_from_attribute(text, known[name], pure=True)
                )
            except ValueError:
                continue  # kept as it is
            element.remove(child)


def _without_settings(element: etree._Element, known: CategorySpec) -> str:
    """The element as XML without the attributes that are settings (Open edX: xmodule/capa_block.py)."""
    settings = attributes_of(known.name)
    bare = copy.deepcopy(element)
    for name in list(bare.attrib):
        if str(name) in settings or str(name) in IDENTITY:
            del bare.attrib[name]
    return serialize(bare)


def _bare(element: etree._Element) -> str:
    """The element without its attributes, which are fields."""
    bare = copy.deepcopy(element)
    bare.attrib.clear()
    unmark(bare)
    etree.cleanup_namespaces(bare)
    return serialize(bare)


def without_pointers(course: Course) -> Course:
    """The course without mere pointers, which stand for no block: what an API can be told."""
    if not any(POINTER_ONLY in block.extra.attributes for block in course.root.walk()):
        return course

    def cut(block: Block) -> Block:
        children = tuple(child for child in block.children if POINTER_ONLY not in child.extra.attributes)
        return block if len(children) == len(block.children) else replace(block, children=children)

    return replace(course, root=course.root.transform(cut))
