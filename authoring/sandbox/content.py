"""Course content as safe HTML for the sandbox's pages.

Comes in: the HTML or problem OLX that an author wrote, which is not to be trusted. Goes out: `Markup` in which nothing runs:
scripts and styles are gone, frames are links, handlers are taken off; links lead to the sandbox's own pages, and maths is
MathML. The pages' Content-Security-Policy stands behind this (:mod:`authoring.sandbox.pages`).
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote, unquote

from lxml import etree, html
from markupsafe import Markup

DROPPED = frozenset({"script", "style", "link", "meta", "base", "title", "template", "noscript", "applet", "frameset"})
FRAMES = frozenset({"iframe", "object", "embed", "frame"})
CONTROLS = frozenset({"form", "button", "input", "select", "textarea"})
ADDRESSES = ("href", "src", "poster", "data", "action", "formaction", "background", "cite", "xlink:href")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_SAFE_SCHEMES = ("http:", "https:", "mailto:", "tel:")


@dataclass(frozen=True, slots=True)
class Links:
    """Where the links of one course lead on the sandbox's pages."""

    course: str
    draft: bool = False

    def unit(self, block_id: str) -> str:
        return f"/courses/{self.course}/units/{quote(block_id)}" + ("?draft" if self.draft else "")

    def file(self, name: str) -> str:
        return f"/courses/{self.course}/static/{quote(name.replace('/', '_'))}"

    def resolve(self, address: str) -> str:
        """A link of the content, as the platform resolves it; others stay, but for schemes that would run something."""
        address = address.strip()
        path, mark, rest = address.partition("#")
        path = path.partition("?")[0]
        if found := re.fullmatch(r"/static/(.+)", path):
            return self.file(unquote(found[1])) + mark + rest
        if found := re.fullmatch(r"/asset-v1:[^@]+@asset\+block@(.+)", path):
            return self.file(unquote(found[1])) + mark + rest
        if found := re.fullmatch(r"/jump_to_id/([\w\-~.:]+)/?", path):
            return self.unit(found[1]) + mark + rest
        if found := re.fullmatch(r"/courses/[^/]+/jump_to/.+block@([\w\-~.:]+)/?", path):
            return self.unit(found[1]) + mark + rest
        if found := re.fullmatch(r"/course/([\w\-~.]+)/?", path):
            return self.unit(found[1]) + mark + rest
        squeezed = re.sub(r"[\s\x00-\x1f]", "", address).lower()
        if _SCHEME.match(squeezed) and not squeezed.startswith((*_SAFE_SCHEMES, "data:image/")):
            return "#"
        return address


def render_html(text: str, links: Links) -> Markup:
    """Content as safe HTML."""
    if not text.strip():
        return Markup("")
    try:
        root = html.fragment_fromstring(text.replace("\x00", ""), create_parent="div")
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return Markup.escape(text)
    make_safe(root, links)
    inner = (root.text or "") and Markup.escape(root.text)
    parts = [inner, *(etree.tostring(child, encoding="unicode", method="html") for child in root)]
    return Markup("".join(map(str, parts)))  # noqa: S704  # made safe above


def make_safe(root: etree._Element, links: Links, *, controls: bool = False) -> None:
    """Take off whatever could run or mislead, resolve the links, render the maths. `controls` keeps form fields."""
    for element in list(root.iter()):
        # Comments and processing instructions have no name.
        tag = element.tag.lower() if isinstance(element.tag, str) else None
        if tag is None or tag in DROPPED:
            _replace(element, None)
        elif tag in FRAMES:
            _replace(element, _frame_link(element, links))
        elif tag in CONTROLS and not controls:
            element.tag = "div" if tag == "form" else "span"
            element.attrib.clear()
        else:
            _clean_attributes(element, links)
    for element in list(root.iter()):
        _render_maths(element)


def _clean_attributes(element: etree._Element, links: Links) -> None:
    for name, value in list(element.attrib.items()):
        word = str(name).lower()
        if word.startswith("on") or word in ("srcdoc", "target", "ping", "srcset"):
            del element.attrib[name]
        elif word in ADDRESSES:
            element.set(name, links.resolve(str(value)))
    if element.tag == "a" and _SCHEME.match(element.get("href", "")):
        element.set("rel", "noopener noreferrer nofollow")


def _frame_link(element: etree._Element, links: Links) -> etree._Element:
    """A frame as a link to what it would show."""
    address = links.resolve(element.get("src") or element.get("data") or "")
    link = etree.Element("a", {"class": "embed", "href": address or "#"})
    link.text = element.get("title") or address or "embedded content"
    return link


def _replace(element: etree._Element, new: etree._Element | None) -> None:
    """Put `new` in the place of an element, or nothing; the text after it stays."""
    parent = element.getparent()
    if parent is None:
        return
    if new is not None:
        new.tail = element.tail
        element.tail = None
        parent.replace(element, new)
        return
    if element.tail:
        before = element.getprevious()
        if before is not None:
            before.tail = (before.tail or "") + element.tail
        else:
            parent.text = (parent.text or "") + element.tail
    parent.remove(element)


# -- maths --------------------------------------------------------------------------------------------------------------

_MATHS = re.compile(
    r"\\\((?P<inline>.+?)\\\)|\\\[(?P<display>.+?)\\\]|\[mathjax(?:inline)?\](?P<old>.+?)\[/mathjax(?:inline)?\]",
    re.DOTALL,
)
_VERBATIM = frozenset({"code", "pre", "kbd", "samp", "math", "textarea", "option"})


def _render_maths(element: etree._Element) -> None:
    """Put an element for each formula in the texts that stand directly in `element`."""
    if not isinstance(element.tag, str) or any(above.tag in _VERBATIM for above in (element, *element.iterancestors())):
        return
    children = list(element)
    made = _formulas(element.text)
    if made is not None:
        element.text, formulas = made
        element[:0] = formulas
    for child in children:
        made = _formulas(child.tail)
        if made is not None:
            child.tail, formulas = made
            place = element.index(child) + 1
            element[place:place] = formulas


def _formulas(text: str | None) -> tuple[str, list[etree._Element]] | None:
    """What stands before the first formula of a text, and the formulas, each with the text after it; None without one."""
    if not text or not any(mark in text for mark in ("\\(", "\\[", "[mathjax")):
        return None
    before, end = "", 0
    made: list[etree._Element] = []
    for found in _MATHS.finditer(text):
        between = text[end : found.start()]
        if made:
            made[-1].tail = between
        else:
            before = between
        display = found["display"] is not None
        made.append(formula(found["inline"] or found["display"] or found["old"], display=display))
        end = found.end()
    if not made:
        return None
    made[-1].tail = text[end:]
    return before, made


def formula(tex: str, *, display: bool) -> etree._Element:
    """A formula as MathML; as the TeX it was written in where there is no converter, or it cannot read it."""
    convert = _converter()
    if convert is not None:
        try:
            made = etree.fromstring(convert(tex.strip(), display="block" if display else "inline"), _parser())
        except Exception:  # The converter raises whatever a formula makes it trip over.
            made = None
        if made is not None and not any("\\" in (part or "") for part in made.itertext()):
            for element in made.iter():
                element.tag = etree.QName(element).localname
            etree.cleanup_namespaces(made)
            made.set("aria-label", tex.strip())
            return made
    shown = etree.Element("code", {"class": "tex display" if display else "tex"})
    shown.text = tex.strip()
    return shown


@cache
def _converter() -> Callable[..., str] | None:
    """latex2mathml where it is installed: maths is readable without it too."""
    try:
        converter: Any = importlib.import_module("latex2mathml.converter")
    except ModuleNotFoundError:
        return None
    return converter.convert  # type: ignore[no-any-return]


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
