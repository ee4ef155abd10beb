"""Where each block of a course is written: readable names from titles, numbered in order; links between them."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import quote, unquote

from authoring.model import CHAPTER, COURSE, COURSE_UPDATE, LIBRARY, SEQUENTIAL, VERTICAL, Block, BlockKey, Course
from authoring.olx.reader import POINTER_ONLY
from authoring.references import is_link_target
from authoring.source.names import url_name_of
from authoring.source.outline import id_of_page
from authoring.source.updates import FOLDER as UPDATES

MAX_NAME = 48

SAFE = "/~!$&'()*+,;=:@-._"
"""What stands as it is in a link between files."""

FOLDERS = {"about": "about", "static_tab": "pages", "course_info": "info", COURSE_UPDATE: UPDATES}
_CONTAINS = {COURSE: CHAPTER, CHAPTER: SEQUENTIAL, SEQUENTIAL: VERTICAL}


Place: TypeAlias = tuple[BlockKey, bool]
"""A block, or (true) a mere pointer to it."""


def place_of(block: Block) -> Place:
    return block.key, POINTER_ONLY in block.extra.attributes


@dataclass(frozen=True, slots=True)
class Places:
    """Path of every block that has a file or folder of its own, and what links may lead to."""

    paths: Mapping[Place, str]
    """Sections, subsections, units and pages; a folder for the first two unless it is written as OLX."""
    homes: Mapping[str, tuple[BlockKey, BlockKey]] = field(default_factory=dict)
    """url_name of a block -> the block, and the one in whose file it stands; what is not unique is left out."""
    assets: Mapping[str, str] = field(default_factory=dict)
    """The platform's name of a file -> its path."""

    def relative(self, href: str, path: str) -> str:
        """A link of the platform as one between files, from the file at `path`; as it is when it leads elsewhere."""
        match = _LINK.fullmatch(href)
        if match is None:
            return href
        name, tail = unquote(match["name"]), match["tail"]
        target: str | None = None
        if match["kind"] == "static":
            target = self.assets.get(name)
        else:
            found = self.homes.get(name)
            if found is not None and (found[0].category == "static_tab") == (match["kind"] == "course"):
                block, home = found
                target = self.paths.get((home, False))
                if block != home:
                    if tail:
                        return href
                    tail = f"#{name}"
                tail = "" if match["kind"] == "course" and tail == "/" else tail
        if target is None:
            return href
        folder = posixpath.dirname(path)
        return quote(posixpath.relpath(target, folder or "."), safe=SAFE) + tail


_LINK = re.compile(r"/(?P<kind>static|jump_to_id|course)/(?P<name>[^/?#\"]+)(?P<tail>/?(?:[?#].*)?)", re.DOTALL)


def places_of(course: Course, whole: frozenset[BlockKey]) -> Places:
    """Where everything goes; blocks in `whole` are written as OLX, with all that is below them."""
    paths: dict[Place, str] = {}
    homes: dict[str, tuple[BlockKey, BlockKey]] = {}
    shared: set[str] = set()

    def home(block: Block, place: BlockKey) -> None:
        for inner in block.walk():
            if POINTER_ONLY in inner.extra.attributes:
                continue
            if inner.url_name in homes:
                shared.add(inner.url_name)
            homes[inner.url_name] = (inner.key, place)

    def folder(block: Block, path: str) -> None:
        names = numbered([title_word(child) for child in block.children])
        for child, name in zip(block.children, names, strict=True):
            inner = f"{path}/{name}" if path else name
            if (
                block.category == LIBRARY
                or child.category != _CONTAINS.get(block.category)
                or child.key in whole
                or POINTER_ONLY in child.extra.attributes
            ):
                paths[place_of(child)] = f"{inner}.xml"
                home(child, child.key)
            elif child.category == VERTICAL:
                paths[place_of(child)] = f"{inner}.md"
                home(child, child.key)
            else:
                paths[place_of(child)] = inner
                home(Block(child.key), child.key)
                folder(child, inner)

    folder(course.root, "")
    by_category: dict[str, list[Block]] = {}
    for block in course.detached:
        by_category.setdefault(block.category, []).append(block)
    for category, blocks in by_category.items():
        ordered = category == "static_tab"
        words = [title_word(block) if ordered else _page_word(block) for block in blocks]
        names = numbered(words) if ordered else unique(words)
        for block, name in zip(blocks, names, strict=True):
            if block.key == HANDOUTS:
                paths[place_of(block)] = "handouts"
            else:
                paths[place_of(block)] = f"{FOLDERS[category]}/{name}"
            if is_link_target(block.key):
                home(Block(block.key), block.key)
    for name in shared:
        del homes[name]
    return Places(paths, homes, {asset.name: str(asset.path) for asset in course.assets})


HANDOUTS = BlockKey("course_info", "handouts")


def _page_word(block: Block) -> str:
    """The id of a page as a file name: short, and not one of those that are no part of a course."""
    word = id_of_page(block.category, block.url_name)[:MAX_NAME].lstrip("._~")
    return f"page-{word}".rstrip("-") if not word or word.startswith(("README", "LICENSE")) else word


def title_word(block: Block) -> str:
    """A block's title as part of a file name."""
    title = unicodedata.normalize("NFKC", block.display_name or "")
    words = re.sub(r"[^\w]+", "-", title.casefold()).strip("-_")
    if len(words) > MAX_NAME:
        words = words[: MAX_NAME + 1].rpartition("-")[0] or words[:MAX_NAME]
    return words or url_name_of(block.url_name)[:MAX_NAME]


def numbered(words: Iterable[str]) -> list[str]:
    """`01-first`, `02-second`, as many digits as it takes."""
    found = list(words)
    width = max(2, len(str(len(found))))
    return [f"{number:0{width}}-{word}" for number, word in enumerate(found, start=1)]


def unique(words: Iterable[str]) -> list[str]:
    """The words, a number behind those that came before."""
    seen: dict[str, int] = {}
    result = []
    for word in words:
        seen[word.casefold()] = seen.get(word.casefold(), 0) + 1
        count = seen[word.casefold()]
        result.append(word if count == 1 else f"{word}-{count}")
    return result
