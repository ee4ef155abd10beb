"""The course folder as it is: each file that holds a block taken apart, and what its links mean.

    SourceTree, the Course that it compiles to  ->  Documents

`Documents.pieces` has the text of every component by key, `homes` the file or folder of every section, subsection, unit
and page. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import PurePosixPath

from authoring.decompile.places import Place as BlockPlace
from authoring.decompile.places import Places
from authoring.diagnostics import Diagnostics
from authoring.markup.links import Linker, LinkIndex
from authoring.model import VERTICAL, Block, BlockKey, Course
from authoring.olx.reader import POINTER_ONLY
from authoring.references import is_link_target
from authoring.source.compiler import link_index
from authoring.source.coursefile import read_timezone
from authoring.source.files import SourceTree
from authoring.source.nodes import Component, Node, Outline
from authoring.source.outline import COURSE_FILE, MARKDOWN, SETTINGS_FILES, read_outline
from authoring.writeback.layout import Home, home_key
from authoring.writeback.pieces import Body, Piece, parse_body
from authoring.writeback.texts import Text

_OPEN = re.compile(r"---[ \t]*\n")
_CLOSE = re.compile(r"^---[ \t]*$\n?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Front:
    """A Markdown file: what opens its front matter, the YAML, what closes it, the body."""

    opening: str
    yaml: str
    closing: str
    body: str

    @classmethod
    def of(cls, text: str) -> Front:
        opening = _OPEN.match(text)
        closing = _CLOSE.search(text, opening.end()) if opening is not None else None
        if opening is None or closing is None:
            return cls("", "", "", text)
        return cls(opening[0], text[opening.end() : closing.start()], closing[0], text[closing.end() :])

    def with_yaml(self, yaml: str) -> Front:
        """Other front matter; none at all when it says nothing."""
        if yaml == self.yaml:
            return self
        if not yaml.strip():
            return Front("", "", "", self.body.lstrip("\n"))
        yaml = yaml if yaml.endswith("\n") else f"{yaml}\n"
        return Front(self.opening or "---\n", yaml, self.closing or "---\n", self.body)

    def text(self) -> str:
        return self.opening + self.yaml + self.closing + self.body


@dataclass(frozen=True, slots=True)
class Document:
    """A Markdown unit or page."""

    path: PurePosixPath
    text: Text
    front: Front
    body: Body | None
    """None for pages, whose body is one text."""
    prefixes: Mapping[BlockKey, str] = field(default_factory=dict)
    """What tells the footnotes of each text apart: the name by which the compiler knows it."""

    def others(self, key: BlockKey | None) -> tuple[str, ...]:
        """The texts of the page besides the one of `key`."""
        if self.body is None:
            return ()
        return tuple(text for name, text in _texts(self.body) if name != key)


def _texts(body: Body) -> Iterator[tuple[BlockKey | None, str]]:
    for piece in body.walk():
        if piece.fence is None:
            yield piece.key, piece.text
        elif piece.key is not None and piece.key.category == "html" and not piece.olx:
            yield piece.key, piece.fence.body


@dataclass(slots=True)
class Documents:
    """Everything that is known of the folder."""

    tree: SourceTree
    outline: Outline
    ours: Course
    homes: dict[BlockKey, Home] = field(default_factory=dict)
    nodes: dict[BlockKey, Node] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)
    pieces: dict[BlockKey, Piece] = field(default_factory=dict)
    timezone: tzinfo | None = None
    places: Places = field(default_factory=lambda: Places({}))
    index: LinkIndex = field(default_factory=LinkIndex)

    def linker(self, path: PurePosixPath) -> Linker:
        """What links of a file mean."""
        return Linker(self.index, path, Diagnostics())

    def settings_path(self, folder: str, category: str) -> str | None:
        """The settings file of a folder, if it has one."""
        for name in SETTINGS_FILES[category]:
            if name in self.tree.folders.get(folder, ()):
                return f"{folder}/{name}" if folder else name
        return None

    def text(self, path: str) -> Text | None:
        file = self.tree.files.get(path)
        return Text.of(file.data) if file is not None and file.data is not None else None


def read_documents(tree: SourceTree, ours: Course) -> Documents:
    """The folder taken apart. `ours` is what it compiles to, perhaps with other keys for components without ids."""
    outline = read_outline(tree, Diagnostics())
    found = Documents(tree, outline, ours)
    found.index = link_index(outline)
    found.timezone = read_timezone(outline.settings or {}, Diagnostics())
    by_place: dict[tuple[str, str], list[Block]] = {}
    for block in ours.blocks():
        by_place.setdefault((block.category, str(block.source)), []).append(block)

    def key_of(raw: BlockKey, place: object) -> BlockKey:
        """The key that a block of the folder has in `ours`."""
        here = by_place.get((raw.category, str(place)), [])
        named = next((block for block in here if block.key == raw), here[0] if here else None)
        return named.key if named is not None else raw

    for section in outline.sections:
        for node in section.walk():
            _add_node(found, node)
            if node.key.category == VERTICAL and node.path.suffix.lower() in MARKDOWN:
                _add_unit(found, node, key_of)
    for page in outline.pages:
        found.homes[page.key] = Home(str(page.path), page.key)
        found.nodes[page.key] = page
        text = found.text(str(page.path))
        if text is not None:
            found.documents[str(page.path)] = Document(page.path, text, Front.of(text.text), None)
    found.places = places_of_homes(found.homes, ours, outline.assets)
    return found


def _add_node(found: Documents, node: Node) -> None:
    path = str(node.path)
    key = home_key(node.block) if node.block is not None else node.key
    found.homes[key] = Home(path, node.key, found.tree.is_folder(path))
    found.nodes[key] = node


def _add_unit(found: Documents, node: Node, key_of: object) -> None:
    assert callable(key_of)
    text = found.text(str(node.path))
    if text is None:
        return
    front = Front.of(text.text)
    keys: dict[int, BlockKey] = {}
    prefixes: dict[BlockKey, str] = {}

    def name(components: tuple[Component, ...]) -> None:
        for component in components:
            if component.block is not None:
                key = key_of(component.block.key, component.block.source)
            else:
                key = key_of(component.key, component.where)
            keys[id(component)] = key
            prefixes[key] = component.key.url_name
            name(component.children)

    name(node.components)
    body = parse_body(front.body, node.path, node.components, keys)
    found.documents[str(node.path)] = Document(node.path, text, front, body, prefixes)
    for piece in body.walk():
        if piece.key is not None:
            found.pieces[piece.key] = piece


def places_of_homes(homes: Mapping[BlockKey, Home], course: Course, assets: Mapping[str, str]) -> Places:
    """What links of the platform lead to, as the decompiler's `Places`; `assets` are paths with the platform's names."""
    paths: dict[BlockPlace, str] = {(home.key, False): home.path for home in homes.values()}
    names: dict[str, tuple[BlockKey, BlockKey]] = {}
    shared: set[str] = set()

    def visit(block: Block, home: BlockKey | None) -> None:
        own = block.key if block.key in homes else home
        if POINTER_ONLY not in block.extra.attributes and own is not None:
            if block.url_name in names:
                shared.add(block.url_name)
            elif own == block.key or not block.implicit_id:
                names[block.url_name] = (block.key, own)
        for child in block.children:
            visit(child, own)

    for block in (course.root, *course.detached):
        if is_link_target(block.key):
            visit(block, None)
    for name in shared:
        del names[name]
    return Places(paths, names, {name: path for path, name in assets.items()})


def index_of(homes: Mapping[BlockKey, Home], places: Places, assets: Mapping[str, str]) -> LinkIndex:
    """What relative links may lead to, for a folder that is not written yet."""
    components: dict[str, set[str]] = {}
    for name, (key, home) in places.homes.items():
        if key != home:
            components.setdefault(homes[home].path, set()).add(name)
    return LinkIndex(
        blocks={home.path: key.url_name for key, home in homes.items() if key.category not in _PAGES},
        components={path: frozenset(names) for path, names in components.items()},
        pages={home.path: key.url_name for key, home in homes.items() if key.category == "static_tab"},
        assets=assets,
    )


_PAGES = ("static_tab", "about", "course_info", "course_update")

__all__ = ["COURSE_FILE", "Document", "Documents", "Front", "index_of", "places_of_homes", "read_documents"]
