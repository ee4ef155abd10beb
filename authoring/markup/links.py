"""Links: what authors write between files of the course folder to what the platform resolves.

In: a link as written, the file it stands in, and a `LinkIndex` of everything that can be linked to; out:
`/static/NAME` for files, `/jump_to_id/URL_NAME` for units, subsections, sections and components,
`/course/URL_NAME/` for pages (the platform turns `"/course/…"` into `/courses/KEY/…`), anything external as
it was; a Diagnostic for what leads nowhere.

Sources: Open edX: common/djangoapps/static_replace/__init__.py (only quoted attributes are rewritten),
docs/platform.md.
"""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import TypeAlias
from urllib.parse import unquote

from authoring.diagnostics import Code, Diagnostics, Severity, define, suggest
from authoring.model import BlockKey, SourceLocation

LinkFunction: TypeAlias = Callable[[str, int, bool], str]
"""`(href, line, image) -> href`: what to write instead of a link found on a line; `image` for pictures."""

DEAD_LINK = define(
    "dead-link",
    Severity.ERROR,
    "A link to a file of the course that is not there.",
    "correct the path (relative to the file it is written in), or add the file",
)
MISSING_IMAGE = define(
    "missing-image",
    Severity.ERROR,
    "An image that is not there.",
    "put the image below static/ and link to it with a relative path",
)
LINK_OUTSIDE = define(
    "link-outside",
    Severity.ERROR,
    "A link that leaves the course folder.",
    "copy the file into the course folder, or link to a web address",
)
AMBIGUOUS_LINK = define(
    "ambiguous-link",
    Severity.ERROR,
    "A link to an id that blocks of several kinds share; the platform resolves links by id alone.",
    "give the block you link to an `id` of its own",
)

UNKNOWN_ANCHOR = define(
    "unknown-anchor",
    Severity.WARNING,
    "A link to a place in a unit or page that has no place of that name; it leads to the top.",
    "name the heading `## Title {#name}` or the component `:::problem {#name}`, or correct the link",
)

_EXTERNAL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//|#|%%")
_STATIC = "/static/"


@dataclass(frozen=True)
class LinkIndex:
    """Everything that can be linked to, by its path in the course folder (`/` between the parts, no leading
    one)."""

    blocks: Mapping[str, str] = field(default_factory=dict)
    """Path of a unit file, or of a section's or subsection's folder -> url_name."""
    components: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Path of a unit file -> the ids that its author gave to components in it."""
    pages: Mapping[str, str] = field(default_factory=dict)
    """Path of a page file -> url_name."""
    assets: Mapping[str, str] = field(default_factory=dict)
    """Path of a file below static/ -> the platform's name for it."""
    shared: Mapping[str, tuple[BlockKey, ...]] = field(default_factory=dict)
    """url_names that more than one block has."""

    anchors: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Path of a unit or page file -> the names in its text that a link may end in."""

    @cached_property
    def asset_names(self) -> frozenset[str]:
        return frozenset(self.assets.values())

    @cached_property
    def _by_name(self) -> Mapping[str, str]:
        """Base name, lower case -> a path that ends so."""
        return {posixpath.basename(path).casefold(): path for path in self._paths()}

    @cached_property
    def _by_folder(self) -> Mapping[str, list[str]]:
        folders: dict[str, list[str]] = {}
        for path in self._paths():
            folders.setdefault(posixpath.dirname(path), []).append(path)
        return folders

    def _paths(self) -> Iterable[str]:
        yield from self.blocks
        yield from self.pages
        yield from self.assets

    def nearest(self, path: str) -> str | None:
        """The path that someone who wrote `path` may have meant."""
        same_name = self._by_name.get(posixpath.basename(path).casefold())
        if same_name is not None:
            return same_name
        siblings = self._by_folder.get(posixpath.dirname(path), [])[:500]
        hint = suggest(posixpath.basename(path), [posixpath.basename(sibling) for sibling in siblings])
        return posixpath.join(posixpath.dirname(path), hint.split("'")[1]) if hint else None


class Linker:
    """Resolves the links of one file and reports those that cannot be. Call it as a `LinkFunction`."""

    def __init__(self, index: LinkIndex, path: PurePosixPath, diagnostics: Diagnostics) -> None:
        self.index = index
        self.path = path
        self.folder = "" if str(path.parent) == "." else str(path.parent)
        self.diagnostics = diagnostics

    def __call__(self, href: str, line: int | None, image: bool = False) -> str:
        """What to write instead of `href`; `href` itself when it is external or cannot be resolved."""
        if not href or _EXTERNAL.match(href):
            return href
        path, tail = _split(href)
        if path.startswith("/"):
            return self._static(href, path, tail, line, image) if path.startswith(_STATIC) else href
        target = self.locate(path, line)
        if target is None:
            return href
        asset = self.index.assets.get(target)
        if asset is not None:
            return f"{_STATIC}{asset}{tail}"
        if image:
            return self._dead(href, target, line, MISSING_IMAGE)
        self._check_anchor(href, target, tail, line)
        page = self.index.pages.get(target)
        if page is not None:
            return f"/course/{page}/{tail}"
        url_name = self.index.blocks.get(target)
        if url_name is None:
            return self._dead(href, target, line, DEAD_LINK)
        if tail.startswith("#") and tail[1:] in self.index.components.get(target, ()):
            url_name, tail = tail[1:], ""
        if url_name in self.index.shared:
            keys = ", ".join(str(key) for key in self.index.shared[url_name])
            message = f"{href!r} leads to the id {url_name!r}, which several blocks have: {keys}"
            self.diagnostics.report(AMBIGUOUS_LINK, message, self._where(line))
        return f"/jump_to_id/{url_name}{tail}"

    def _check_anchor(self, href: str, target: str, tail: str, line: int | None) -> None:
        known = self.index.anchors.get(target)
        name = unquote(tail[1:])
        if known is None or not tail.startswith("#") or not name or name in known:
            return
        if name not in self.index.components.get(target, ()):
            message = f"{href!r}: nothing in {target} is called {name!r}"
            hint = suggest(name, {*known, *self.index.components.get(target, ())})
            self.diagnostics.report(UNKNOWN_ANCHOR, message, self._where(line), hint)

    def locate(self, path: str, line: int | None) -> str | None:
        """The path in the course folder that a relative path means; None, with a Diagnostic, when it leaves
        it."""
        target = posixpath.normpath(posixpath.join(self.folder, unquote(path)))
        if target == ".." or target.startswith("../"):
            message = f"{path!r} leaves the course folder"
            self.diagnostics.report(LINK_OUTSIDE, message, self._where(line))
            return None
        return target

    def asset(self, path: str, line: int | None) -> str | None:
        """The platform's name of the asset at a path (`../../static/x.srt`, `/static/x.srt`); None, reported, when
        there is none."""
        if path.startswith(_STATIC):
            target: str | None = f"static/{unquote(path.removeprefix(_STATIC))}"
        else:
            target = self.locate(path, line)
        if target is None:
            return None
        name = self.index.assets.get(target)
        if name is None:
            self._dead(path, target, line, DEAD_LINK)
        return name

    def _static(self, href: str, path: str, tail: str, line: int | None, image: bool) -> str:
        name = unquote(path.removeprefix(_STATIC))
        known = self.index.assets.get(f"static/{name}")
        if known is None:
            if name not in self.index.asset_names:
                return self._dead(href, f"static/{name}", line, MISSING_IMAGE if image else DEAD_LINK)
            known = name
        return f"{_STATIC}{known}{tail}"

    def _dead(self, href: str, target: str, line: int | None, code: Code) -> str:
        near = self.index.nearest(target)
        hint = None
        if near is not None:
            hint = f"did you mean {posixpath.relpath(near, self.folder or '.')!r}?"
        what = "image" if code is MISSING_IMAGE else "link target"
        self.diagnostics.report(code, f"{what} {href!r} is not in the course folder", self._where(line), hint)
        return href

    def _where(self, line: int | None) -> SourceLocation:
        return SourceLocation(self.path, line)


def _split(href: str) -> tuple[str, str]:
    """The path and what follows it: the query and the fragment."""
    for index, char in enumerate(href):
        if char in "?#":
            return href[:index], href[index:]
    return href, ""


_TAG_REST = r"""[^<>"']*+ (?: "[^"]*+" [^<>"']*+ | '[^']*+' [^<>"']*+ )*+"""
_HTML = re.compile(
    rf"""
      <!-- .*? (?: --> | \Z )
    | < (?P<raw>script|style) \b (?P<rawtag>{_TAG_REST}) > .*? (?: </ (?P=raw) \s* > | \Z )
    | < (?P<tag>[A-Za-z][\w:-]*+) (?P<attributes>{_TAG_REST}) >
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_ATTRIBUTE = re.compile(
    r"""(?P<name>[^\s"'<>/=]++)(?P<equals>\s*=\s*)
        (?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"'=<>`]+))
    """,
    re.VERBOSE,
)
_LINK_ATTRIBUTES = frozenset({"src", "href", "poster", "data"})
_HAS_LINK = re.compile(r"(?:src|href|poster|data)\s*=", re.IGNORECASE)


def rewrite_html(text: str, link: LinkFunction, line: int) -> str:
    """HTML or OLX as it was, with `link` applied to its src, href, poster and data attributes.

    `line` is the line on which `text` starts. Comments and the insides of scripts and styles are left alone.
    Bare values that change get quotes, because the platform rewrites only what is quoted.
    """
    if _HAS_LINK.search(text) is None:
        return text
    position, current = 0, line

    def tag(match: re.Match[str]) -> str:
        nonlocal position, current
        attributes = match["attributes"] or match["rawtag"]
        if attributes is None or _HAS_LINK.search(attributes) is None:
            return match[0]
        start = match.start("attributes") if match["attributes"] else match.start("rawtag")
        current += text.count("\n", position, start)
        position = start
        name = (match["tag"] or match["raw"]).lower()

        def attribute(found: re.Match[str]) -> str:
            key = found["name"].lower()
            if key not in _LINK_ATTRIBUTES or (key == "data" and name != "object"):
                return found[0]
            quoted = found["double"] if found["double"] is not None else found["single"]
            old = html.unescape(quoted if quoted is not None else found["bare"])
            image = key == "poster" or (key == "src" and name in ("img", "input"))
            here = current + attributes.count("\n", 0, found.start())
            new = link(old.strip(), here, image)
            return found[0] if new == old.strip() else f'{found["name"]}{found["equals"]}"{html.escape(new)}"'

        changed = _ATTRIBUTE.sub(attribute, attributes)
        if changed == attributes:
            return match[0]
        offset = start - match.start()
        return match[0][:offset] + changed + match[0][offset + len(attributes) :]

    return _HTML.sub(tag, text)
