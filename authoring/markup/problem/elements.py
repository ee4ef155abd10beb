"""Helpers for writing OLX elements as text: XML on one line, checks for the usual form of an element."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lxml import etree

from authoring.markup.canonical import BLOCKS, VERBATIM

_PLAIN_TEXT = re.compile(r"[ \t\r\n]+")


class NotMarkdownError(ValueError):
    """The dialect cannot say it."""


def raw(element: etree._Element) -> str:
    """An element as XML on one line, but for the lines of scripts and preformatted text; without its tail."""
    if isinstance(element, etree._Comment):
        return f"<!--{element.text}-->"
    if isinstance(element, etree._ProcessingInstruction):
        raise NotMarkdownError("a processing instruction")
    opening = opening_tag(element)
    verbatim = element.tag in VERBATIM
    parts = [escape_xml(element.text, lines=verbatim)]
    for child in element:
        parts += (raw(child), escape_xml(child.tail, lines=verbatim))
    inside = "".join(parts)
    if not inside and element.tag not in BLOCKS:
        return f"{opening[:-1]}/>"
    return f"{opening}{inside}</{element.tag}>"


def opening_tag(element: etree._Element) -> str:
    """`<tag name="value">`. Raises NotMarkdownError for namespaces."""
    if element.nsmap or element.tag.startswith("{"):
        raise NotMarkdownError("namespaces")
    attributes = "".join(f' {name}="{escape_attribute(value)}"' for name, value in attributes_of(element).items())
    return f"<{element.tag}{attributes}>"


def collapse(text: str | None) -> str:
    """Text on one line."""
    return _PLAIN_TEXT.sub(" ", text or "")


def escape_xml(text: str | None, *, lines: bool = False) -> str:
    """Text as XML, safe from the marks that count anywhere in a line."""
    if not text:
        return ""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace("\u00a0", "&#160;")
    text = text.replace(">>", "&gt;>").replace("{{", "&#123;{").replace("[[", "&#91;[")
    return text if lines else collapse(text)


def escape_attribute(value: str) -> str:
    """Text as it stands between double quotes, to the character."""
    text = escape_xml(value, lines=True).replace('"', "&quot;")
    return text.replace("\n", "&#10;").replace("\t", "&#9;").replace("\r", "&#13;")


def attributes_of(element: etree._Element) -> dict[str, str]:
    return {str(name): str(value) for name, value in element.attrib.items()}


def require(element: etree._Element, tag: str, *attributes: str) -> None:
    if element.tag != tag or not set(element.attrib) <= set(attributes):
        raise NotMarkdownError(f"<{element.tag}> in an unusual form")


def only(elements: Sequence[etree._Element], tag: str) -> tuple[etree._Element]:
    if len(elements) != 1 or elements[0].tag != tag:
        raise NotMarkdownError(f"not exactly one <{tag}>")
    return (elements[0],)


def one_of(value: str, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise NotMarkdownError(f"the value {value!r}")
    return value


def flag(value: str | None, true: str) -> str | None:
    return "true" if value == true else value
