"""A static page of a SCORM package to an html component: its body, with pictures and links as a course has them.

Static is what shows the same without the page's own scripts and styles: text, pictures, tables, links to files and to other
SCOs. The scripts that every authoring tool puts in to speak SCORM are no obstacle, since nothing of theirs is seen.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import quote

from selectolax.lexbor import LexborHTMLParser, LexborNode

from importers.scorm.locate import Locator, is_external
from importers.scorm.package import Sco, ScormPackage

_ACTIVE = {
    "form": "a form",
    "input": "a form",
    "textarea": "a form",
    "select": "a form",
    "button": "a button",
    "canvas": "a drawing made by a script",
    "iframe": "a page within the page",
    "frame": "frames",
    "frameset": "frames",
    "object": "an embedded object",
    "embed": "an embedded object",
    "applet": "an embedded object",
    "svg": "a drawing in the page",
    "template": "a template for scripts",
}
_SPEAKS_SCORM = re.compile(
    r"api_?wrapper|scorm|sco_?functions|lmsinitialize|lmsfinish|lmscommit|lmssetvalue|lmsgetvalue|lms_?api|"
    r"findapi|getapi|api_1484_11|doquit|unloadpage|loadpage|initialize\(|terminate\(",
    re.IGNORECASE,
)
_SHOWS = re.compile(
    r"document\.write|innerhtml|createelement|appendchild|\$\(|getelementby|queryselector|location", re.I
)
_STYLE_ONLY = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_DROPPED = ("script", "noscript", "style", "link", "meta", "base")
_PAGES = (".html", ".htm", ".xhtml", ".xht")


@dataclass(frozen=True, slots=True)
class Exploded:
    """A page as HTML for a component, `/static/…` and `/jump_to_id/…` in its links, and the files that those mean."""

    html: str
    files: Mapping[PurePosixPath, str] = field(default_factory=dict)
    """Path in the package -> the platform's name of the file."""
    lost: tuple[str, ...] = ()
    """What the page has besides, in words."""


def explode(
    meant: ScormPackage,
    sco: Sco,
    asset_name: Callable[[PurePosixPath], str],
    unit_of: Mapping[PurePosixPath, str],
) -> Exploded | str:
    """The SCO's page as HTML; or why not, in words.

    `asset_name` names a file for the platform, `unit_of` maps the pages of SCOs to the ids of their units.
    """
    page = sco.page
    if page is None:
        return "its page is not in the package"
    if page.suffix.casefold() not in _PAGES:
        return f"{page.name} is no HTML page"
    raw = meant.package.read(page)
    parser = LexborHTMLParser(_decoded(raw))
    why = _active(parser)
    if why is not None:
        return why
    if parser.body is None:
        return "the page has no body"
    lost = _strip(parser)
    files: dict[PurePosixPath, str] = {}
    locator = Locator(meant.package.files, meant.root)
    for node in parser.css("[src], [href], [background], [srcset], [longdesc], [data-src]"):
        for name in ("src", "href", "background", "srcset", "longdesc", "data-src"):
            value = (node.attributes.get(name) or "").strip()
            if not value or value.startswith("#") or is_external(value):
                continue
            if name in ("srcset", "background", "longdesc", "data-src"):
                del node.attrs[name]
                continue
            bare, tail = re.fullmatch(r"([^?#]*)(.*)", value, re.DOTALL).groups()  # type: ignore[union-attr]  # matches all
            target = locator.find(posixpath.relpath(posixpath.join(str(page.parent), bare), str(meant.root)))
            if target is None:
                return f"it refers to {value!r}, which is not in the package"
            if target in unit_of and name == "href":
                node.attrs[name] = f"/jump_to_id/{unit_of[target]}"
            elif target.suffix.casefold() in _PAGES:
                return f"it leads to {value!r}, a page of the package that is no item of its own"
            else:
                files[target] = asset_name(target)
                node.attrs[name] = f"/static/{quote(files[target])}{tail if name == 'href' else ''}"
    html = "".join(child.html or "" for child in parser.body.iter(include_text=True)).strip()
    if not re.sub(r"<!--.*?-->|\s", "", html, flags=re.DOTALL):
        return "nothing is on the page without its scripts"
    return Exploded(html, files, lost)


def _decoded(raw: bytes) -> str:
    """By the byte order mark, by what the page says of itself, else UTF-8, else as old tools wrote."""
    for mark, name in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if raw.startswith(mark):
            return raw[len(mark) :].decode(name, "replace")
    said = re.search(rb"charset\s*=\s*[\"']?\s*([\w.:-]+)", raw[:4096])
    for encoding in (said[1].decode("ascii", "replace") if said else None, "utf-8", "cp1252"):
        try:
            if encoding is not None:
                return raw.decode(encoding)
        except (LookupError, UnicodeError):
            continue
    return raw.decode("latin-1")


def _active(parser: LexborHTMLParser) -> str | None:
    """What on the page is more than text and pictures, in words; None when it is static."""
    for tag, words in _ACTIVE.items():
        if parser.css_first(tag) is not None:
            return f"it has {words} (<{tag}>)"
    for script in parser.css("script"):
        source, text = script.attributes.get("src") or "", script.text() or ""
        if source and not _SPEAKS_SCORM.search(posixpath.basename(source)):
            return f"it runs the script {source}"
        if text.strip() and (_SHOWS.search(text) or not _SPEAKS_SCORM.search(text)):
            return "it runs a script of its own"
    for node in parser.css("*"):
        for name, value in node.attributes.items():
            if name.startswith("on") and not _SPEAKS_SCORM.search(value or ""):
                return f"it reacts to the learner (`{name}`)"
            if name in ("href", "src") and (value or "").strip().casefold().startswith("javascript:"):
                return "a link runs a script"
            if name == "style" and _STYLE_ONLY.search(value or ""):
                return "a part of it is hidden at first"
    return None


def _strip(parser: LexborHTMLParser) -> tuple[str, ...]:
    """Take out what has no place in a component; in words, what of it was seen on the page."""
    lost: list[str] = []
    if parser.css_first("style") is not None or parser.css_first("link[rel~=stylesheet]") is not None:
        lost.append("its style sheet")
    for tag in _DROPPED:
        for node in parser.css(tag):
            node.decompose()
    for node in parser.css("*"):
        for name in [name for name in node.attributes if name.startswith("on")]:
            _remove(node, name)
    return tuple(lost)


def _remove(node: LexborNode, name: str) -> None:
    del node.attrs[name]
