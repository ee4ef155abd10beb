"""OLX: an XML element to a Block.

In: the text of one element (a unit file, an `olx` directive); out: the Block it describes, children and
all. Attributes become fields by the registry; what no field takes is kept in `Block.extra`, so nothing is
lost.

Sources: Open edX: xmodule/xml_block.py (XmlMixin: an attribute is JSON where the field takes that, else
text), xblock/core.py (pure XBlocks), xmodule/video_block (`youtube`, `source`).
"""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import PurePosixPath
from typing import Final, cast

from lxml import etree

from authoring.diagnostics import Diagnostics, Severity, define
from authoring.model import Block, BlockKey, Extra, FieldValue, SourceLocation
from authoring.registry import CategorySpec, Family, FieldSpec, FieldType, fields_of, spec

BROKEN_OLX = define(
    "broken-olx",
    Severity.ERROR,
    "The OLX is not well-formed XML.",
    "close every element, quote every attribute, write `&amp;` for `&` and `&lt;` for `<`",
)
BAD_OLX = define(
    "bad-olx",
    Severity.ERROR,
    "The OLX says something that its category cannot mean.",
    "compare with an export of a course that works",
)

MAX_DEPTH = 100

_IDENTITY = frozenset({"url_name", "slug", "filename", "xblock-family", "x-is-pointer-node", "org", "course"})
"""Attributes that say what the element is, not how it is set (Open edX: xmodule/xml_block.py)."""

_OPTION = "{http://code.edx.org/xblock/option}"

_DECLARATION = re.compile(r"\s*<\?xml\b[^>]*\?>")

NewKey = Callable[[str], BlockKey]
"""`category -> key` for an element without `url_name`."""


def parse_element(text: str, path: PurePosixPath, first_line: int, diagnostics: Diagnostics) -> etree._Element | None:
    """The one element of an XML text; None, reported, when it is not well-formed or has a document type.

    Entities are not expanded and nothing is fetched.
    """
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_pis=True,
        strip_cdata=True,
    )
    try:
        element = etree.fromstring(_without_declaration(text).encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = first_line + max((getattr(error, "lineno", None) or 1) - 1, 0)
        detail = getattr(error, "msg", None) or str(error)
        diagnostics.report(BROKEN_OLX, f"not well-formed XML: {detail}", SourceLocation(path, line))
        return None
    if element.getroottree().docinfo.internalDTD is not None:
        where = SourceLocation(path, first_line)
        diagnostics.report(BROKEN_OLX, "a document type is not allowed in OLX", where, "remove <!DOCTYPE …>")
        return None
    return element


def _without_declaration(text: str) -> str:
    """The text is decoded already: an XML declaration goes, its lines stay."""
    match = _DECLARATION.match(text)
    return text if match is None else "\n" * match[0].count("\n") + text[match.end() :]


def block_from_element(
    element: etree._Element,
    *,
    path: PurePosixPath,
    first_line: int,
    new_key: NewKey,
    diagnostics: Diagnostics,
) -> Block | None:
    """The block that an element describes, with its children; None, reported, when it nests too deep.

    `first_line` is the line of the file on which the text began that was parsed; `new_key` names elements
    that have no `url_name`.
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
            self.diagnostics.report(BAD_OLX, "elements nest too deep", where)
            return None
        category = str(element.tag)
        url_name = element.get("url_name") or element.get("slug")
        key = BlockKey(category, url_name) if url_name else self.new_key(category)
        known = spec(category)
        fields, unknown = self._fields(element, known, where)
        children: tuple[Block, ...] = ()
        elements: tuple[str, ...] = ()
        content: str | None = None
        if known is None:
            fields = {**fields, **unknown}
            unknown = {}
            content = _serialize(element) if len(element) or (element.text or "").strip() else None
        elif known.content is not None:
            whole = known.own_fields[known.content].type is FieldType.XML
            content = _without_settings(element, known) if whole else _inner(element)
        elif known.children:
            found = (self.block(child, depth + 1) for child in element if _is_element(child))
            children = tuple(child for child in found if child is not None)
            self._report_text(element, where)
        else:
            elements = self._read_parts(element, known, fields)
        return Block(
            key=key,
            fields=fields,
            content=content,
            children=children,
            extra=Extra(unknown, elements),
            implicit_id=not url_name,
            source=where,
        )

    def _fields(
        self, element: etree._Element, known: CategorySpec | None, where: SourceLocation
    ) -> tuple[dict[str, FieldValue], dict[str, str]]:
        by_attribute = _attributes_of(str(element.tag))
        pure = known is not None and known.family is Family.PURE
        fields: dict[str, FieldValue] = {}
        unknown: dict[str, str] = {}
        for name, text in element.attrib.items():
            attribute, value = str(name), str(text)
            if attribute in _IDENTITY:
                continue
            field = by_attribute.get(attribute)
            if field is None:
                unknown[attribute] = value
                continue
            try:
                fields[field.name] = value_from_attribute(value, field, pure=pure)
            except ValueError as error:
                message = f"{attribute}={value[:60]!r}: {error or f'not a {field.type}'}"
                self.diagnostics.report(BAD_OLX, message, where)
        return fields, unknown

    def _read_parts(
        self, element: etree._Element, known: CategorySpec, fields: dict[str, FieldValue]
    ) -> tuple[str, ...]:
        """Child elements of a component without a text body: some are fields, the others are kept as they
        are."""
        kept: list[str] = []
        sources: list[FieldValue] = []
        for child in element:
            if not _is_element(child):
                continue
            tag = str(child.tag)
            name = tag.removeprefix(_OPTION)
            if tag.startswith(_OPTION) and name in known.own_fields:
                fields[name] = None if child.get("none") == "true" else _inner(child)
            elif known.name == "video" and tag == "source" and child.get("src"):
                sources.append(child.get("src"))
            else:
                kept.append(_serialize(child))
        if known.name == "video":
            if sources:
                fields.setdefault("html5_sources", sources)
            for speed, video in _youtube(element.get("youtube") or ""):
                fields.setdefault(speed, video)
        return tuple(kept)

    def _report_text(self, element: etree._Element, where: SourceLocation) -> None:
        texts = [element.text, *(child.tail for child in element)]
        stray = next((text.strip() for text in texts if text and text.strip()), None)
        if stray is not None:
            message = f"text inside <{element.tag}>, which holds components only: {stray[:60]!r}"
            self.diagnostics.report(BAD_OLX, message, where, "put the text into an <html> element")

    def _where(self, element: etree._Element) -> SourceLocation:
        return SourceLocation(self.path, self.first_line + line_of(element) - 1)


def line_of(element: etree._Element) -> int:
    """The line of the parsed text on which an element starts, from 1."""
    return cast("int | None", element.sourceline) or 1


@cache
def _attributes_of(category: str) -> Mapping[str, FieldSpec]:
    """Attribute name -> field, for a category."""
    return {
        field.olx if field.olx is not None else field.name: field
        for field in fields_of(category).values()
        if field.olx != ""
    }


_YOUTUBE: Final = {"0.75": "youtube_id_0_75", "1.00": "youtube_id_1_0", "1.0": "youtube_id_1_0"} | {
    "1.25": "youtube_id_1_25",
    "1.50": "youtube_id_1_5",
}


def _youtube(text: str) -> list[tuple[str, str]]:
    """`youtube="0.75:a,1.00:b"` as fields."""
    pairs = (part.partition(":") for part in text.split(",") if ":" in part)
    return [(_YOUTUBE[speed.strip()], video.strip()) for speed, _, video in pairs if speed.strip() in _YOUTUBE]


def value_from_attribute(text: str, field: FieldSpec, *, pure: bool) -> FieldValue:
    """The value that an attribute's text means for a field. Raises ValueError when it cannot be one.

    `pure` for blocks of the pure XBlock family, whose text fields are read as they are; the others read
    JSON first.
    """
    if field.type in (FieldType.STRING, FieldType.XML) and pure:
        return text
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        value = text
    match field.type:
        case FieldType.STRING | FieldType.XML:
            return value if isinstance(value, str) or value is None else text
        case FieldType.BOOLEAN:
            return value if isinstance(value, bool) else str(value).strip().lower() == "true"
        case FieldType.INTEGER:
            if value is None or value == "":
                return None
            if isinstance(value, bool | list | dict):
                raise ValueError
            return int(value) if isinstance(value, int) else int(_finite(value))
        case FieldType.FLOAT:
            if value is None or value == "":
                return None
            if isinstance(value, bool | list | dict):
                raise ValueError
            return value if isinstance(value, int) else _finite(value)
        case FieldType.LIST | FieldType.DICT:
            if value is None or isinstance(value, list if field.type is FieldType.LIST else dict):
                return value
            raise ValueError
        case FieldType.DATE:
            return None if value in (None, "") else _date(str(value))
        case FieldType.TIMEDELTA | FieldType.RELATIVE_TIME:
            return None if value is None else str(value)


def _finite(value: str | float) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _date(text: str) -> str:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError as error:
        raise ValueError("a date out of range") from error


def _without_settings(element: etree._Element, known: CategorySpec) -> str:
    """The element as XML without the attributes that are settings (Open edX: xmodule/capa_block.py)."""
    settings = _attributes_of(known.name)
    bare = copy.deepcopy(element)
    for name in list(bare.attrib):
        if str(name) in settings or str(name) in _IDENTITY:
            del bare.attrib[name]
    return _serialize(bare)


def _serialize(element: etree._Element) -> str:
    return etree.tostring(element, encoding="unicode", with_tail=False)


def _inner(element: etree._Element) -> str:
    parts = [_escape(element.text)]
    for child in element:
        parts.append(etree.tostring(child, encoding="unicode", with_tail=True))
    return "".join(parts).strip()


def _escape(text: str | None) -> str:
    return (text or "").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _is_element(node: etree._Element) -> bool:
    return isinstance(node.tag, str)
