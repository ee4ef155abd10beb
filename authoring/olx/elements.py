"""XML elements as OLX uses them: parsing within bounds, places, fragments.

While a package is being resolved, elements carry marks of their own (where they were read, whether their text is the
content of a file). The marks are in a namespace of this library and are never written.
"""

from __future__ import annotations

import copy
import re
from pathlib import PurePosixPath
from typing import cast

from lxml import etree

from authoring.diagnostics import Diagnostics, Severity, define
from authoring.model import SourceLocation

BROKEN_OLX = define(
    "broken-olx",
    Severity.ERROR,
    "The OLX is not well-formed XML.",
    "close every element, quote every attribute, write `&amp;` for `&` and `&lt;` for `<`",
)

_NAMESPACE = "urn:ibl-course-authoring:olx"
MARKS = f"{{{_NAMESPACE}}}"
FILE = f"{MARKS}file"
"""The file that an element was read from, relative to the package."""
LINE = f"{MARKS}line"
DATA = f"{MARKS}data"
"""Marks an element whose text is the content of a file beside it (`html`): no XML, and taken as it is."""

_DECLARATION = re.compile(r"\s*<\?xml\b[^>]*\?>")


def parse_element(
    text: str | bytes,
    path: PurePosixPath,
    first_line: int,
    diagnostics: Diagnostics,
    severity: Severity = Severity.ERROR,
) -> etree._Element | None:
    """The one element of an XML text; None, reported, when it is not well-formed or has a document type.

    Bytes are decoded by their own declaration. Entities are not expanded and nothing is fetched.
    """
    decoded = isinstance(text, str)
    parser = etree.XMLParser(
        encoding="utf-8" if decoded else None,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_pis=True,
        strip_cdata=True,
    )
    raw = _without_declaration(text).encode() if isinstance(text, str) else text
    try:
        element = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        line = first_line + max((getattr(error, "lineno", None) or 1) - 1, 0)
        detail = getattr(error, "msg", None) or str(error)
        where = SourceLocation(path, line)
        diagnostics.report(BROKEN_OLX, f"not well-formed XML: {detail}", where, severity=severity)
        return None
    if element.getroottree().docinfo.internalDTD is not None:
        where = SourceLocation(path, first_line)
        message = "a document type is not allowed in OLX"
        diagnostics.report(BROKEN_OLX, message, where, "remove <!DOCTYPE …>", severity)
        return None
    return element


def _without_declaration(text: str) -> str:
    """The text is decoded already: an XML declaration goes, its lines stay."""
    match = _DECLARATION.match(text)
    return text if match is None else "\n" * match[0].count("\n") + text[match.end() :]


def line_of(element: etree._Element) -> int:
    """The line of the parsed text on which an element starts, from 1."""
    return cast("int | None", element.sourceline) or 1


def is_element(node: etree._Element) -> bool:
    """Whether a node is an element rather than a comment or an entity reference."""
    return isinstance(node.tag, str)


def serialize(element: etree._Element) -> str:
    """The element as text, what follows it and marks left out."""
    text: str = etree.tostring(element, encoding="unicode", with_tail=False)
    if _NAMESPACE not in text:
        return text
    return etree.tostring(_without_marks(element), encoding="unicode", with_tail=False)


def _without_marks(element: etree._Element) -> etree._Element:
    """A copy that knows nothing of the marks, their namespace included."""
    bare = copy.deepcopy(element)
    unmark(bare)
    etree.cleanup_namespaces(bare)
    return bare


def unmark(element: etree._Element) -> None:
    """Take the marks from an element and all below it."""
    for node in element.iter():
        if is_element(node):
            for name in [name for name in node.attrib if str(name).startswith(MARKS)]:
                del node.attrib[name]


def inner_xml(element: etree._Element) -> str:
    """What is inside an element, as the platform takes it for HTML: its first text unescaped, so that HTML which is no
    XML can stand in CDATA (Open edX: xmodule/stringify.py, stringify_children)."""
    if len(element) and _NAMESPACE in element.nsmap.values():
        element = _without_marks(element)
    parts = [element.text or ""]
    for child in element:
        parts.append(etree.tostring(child, encoding="unicode", with_tail=True))
    return "".join(parts).strip()


def fragments(element: etree._Element) -> list[str]:
    """What is inside an element: each child, comment and run of text as XML of its own; mere space is left out."""
    found = [escape(element.text)]
    for child in element:
        found += [serialize(child), escape(child.tail)]
    return [text.strip() for text in found if text.strip()]


def append_fragment(parent: etree._Element, fragment: str) -> None:
    """The inverse of `fragments`, one at a time. Raises ValueError when `fragment` is no XML."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        holder = etree.fromstring(f"<x>{fragment}</x>".encode(), parser)
    except etree.XMLSyntaxError as error:
        raise ValueError(f"not XML: {fragment[:60]!r}") from error
    append_text(parent, holder.text)
    for child in list(holder):
        parent.append(child)


def append_text(parent: etree._Element, text: str | None) -> None:
    """`text` after everything that is in `parent`."""
    if not text:
        return
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def escape(text: str | None) -> str:
    return (text or "").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def take(element: etree._Element, name: str) -> str | None:
    """An attribute's text, the attribute removed; None when there is none."""
    if name not in element.attrib:
        return None
    return str(element.attrib.pop(name))


def attribute_names(element: etree._Element) -> set[str]:
    return {str(name) for name in element.attrib}
