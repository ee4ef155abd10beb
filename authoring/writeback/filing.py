"""Which file holds what, where the outline alone does not say: lists of children, libraries, what lies about. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

from authoring.model import Block, BlockKey, Course
from authoring.source.names import order_of
from authoring.writeback.documents import Documents
from authoring.writeback.layout import home_key
from authoring.writeback.links import Moves
from authoring.writeback.yamledit import MISSING, Change, Plain, edit_mapping
from authoring.yamlnodes import Entry

PAGES = ("static_tab", "about", "course_info", "course_update")

_SUFFIXES = (".md", ".markdown", ".xml", ".zip")


def aside(path: str, emptied: Collection[str], moves: Moves) -> str:
    """Where a file of a folder goes whose block is gone: beside it, under a name that is no part of the course. The path
    itself for all other files."""
    parts = path.split("/")
    for depth in range(1, len(parts)):
        if "/".join(parts[:depth]) in emptied:
            parent = moves.new("/".join(parts[: depth - 1])) if depth > 1 else ""
            return "/".join([*([parent] if parent else []), f"_{parts[depth - 1]}", *parts[depth:]])
    return path


def listed_children(entry: Entry | None, names: Sequence[str]) -> list[Change]:
    """The change that makes a `children` list name `names`; what is in it keeps its spelling."""
    old = [item.value for item in entry.node.value] if entry is not None else []
    spelled: dict[str, str] = {}
    for word in old:
        for name in names:
            if word.rstrip("/") in (name, _stem(name)):
                spelled.setdefault(name, word)
    bare = bool(old) and not any(PurePosixPath(word).suffix in _SUFFIXES for word in old)
    stems = [_stem(name) for name in names]
    new = [
        spelled.get(name) or (stem if bare and stems.count(stem) == 1 else name)
        for name, stem in zip(names, stems, strict=True)
    ]
    if new == old:
        return []
    return [Change("children", list(old) if entry is not None else MISSING, [Plain(word) for word in new])]


def library_runs(documents: Documents, wanted: Course) -> dict[str, list[Block]]:
    """The components of a library by file. They stand in its files in one run: each in the file that it has, unless the
    order is against it; what is new beside its neighbour."""
    files = sorted(
        (home.path for key, home in documents.homes.items() if key.category not in PAGES),
        key=lambda path: order_of(path.rpartition("/")[2]),
    ) or ["components.md"]
    own: dict[BlockKey, str] = {}
    for name in files:
        document = documents.documents.get(name)
        pieces = document.body.pieces if document is not None and document.body is not None else ()
        own |= {piece.key: name for piece in pieces if piece.key is not None}
    own |= {key: home.path for key, home in documents.homes.items() if home.path.endswith(".xml")}
    held: dict[str, list[Block]] = {name: [] for name in files}
    at = 0
    for block in wanted.root.children:
        path = own.get(home_key(block))
        if path is not None and files.index(path) >= at:
            at = files.index(path)
        elif files[at].endswith(".xml"):
            following = next((n for n in range(at, len(files)) if files[n].endswith(".md")), None)
            if following is None:
                files.append("99-components.md")
                following = len(files) - 1
            at = following
        held.setdefault(files[at], []).append(block)
    return held


def dumped_title(block: Block) -> str:
    """The settings of a folder that would be empty otherwise: without a file there would be no folder."""
    return edit_mapping("", [Change("title", MISSING, block.display_name or block.url_name)])


def _stem(name: str) -> str:
    return PurePosixPath(name).stem if PurePosixPath(name).suffix in _SUFFIXES else name
