"""What the first pass finds: the course's shape, every block named, nothing rendered yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from authoring.model import VERTICAL, Block, BlockKey, SourceLocation
from authoring.olx.reader import POINTER_ONLY
from authoring.source.directives import Directive, Prose
from authoring.source.files import SourceFile
from authoring.yamlnodes import Entry


@dataclass(frozen=True, slots=True)
class Component:
    """One component of a unit, or what a container directive holds.

    Exactly one of `prose`, `directive` and `block` says what it is; `block` is what OLX said.
    """

    key: BlockKey
    where: SourceLocation
    implicit_id: bool
    prose: Prose | None = None
    directive: Directive | None = None
    block: Block | None = None
    entries: Mapping[str, Entry] = field(default_factory=dict)
    children: tuple[Component, ...] = ()

    def names(self) -> Iterator[tuple[BlockKey, SourceLocation | None, bool]]:
        """`(key, place, whether nobody wrote the id)` of this component and all below."""
        if self.block is not None:
            for block in self.block.walk():
                if POINTER_ONLY not in block.extra.attributes:
                    yield block.key, block.source, block.implicit_id
            return
        yield self.key, self.where, self.implicit_id
        for child in self.children:
            yield from child.names()


@dataclass(frozen=True, slots=True)
class Node:
    """A section, subsection, unit or page: its file or folder, its settings, its parts.

    A unit in OLX has its whole `block`, one from a package the `package`; a page has its body in
    `components`.
    """

    key: BlockKey
    path: PurePosixPath
    where: SourceLocation
    title: str
    entries: Mapping[str, Entry] = field(default_factory=dict)
    nodes: tuple[Node, ...] = ()
    components: tuple[Component, ...] = ()
    hidden: tuple[Prose, ...] = ()
    """Prose that shows nothing, but may define links for the rest of the unit."""
    body: Prose | None = None
    html: Prose | None = None
    block: Block | None = None
    untitled: bool = False
    """OLX that somebody wrote without an id: its title follows from its file."""
    package: SourceFile | None = None

    def walk(self) -> Iterator[Node]:
        yield self
        for node in self.nodes:
            yield from node.walk()


@dataclass(frozen=True, slots=True)
class Outline:
    """The whole course, named."""

    settings: Mapping[str, Entry] | None
    """What course.yaml says; None when it cannot be read."""
    sections: tuple[Node, ...]
    pages: tuple[Node, ...]
    assets: Mapping[str, str]
    """Path below static/ -> the platform's name."""
    keys: Mapping[BlockKey, SourceLocation | None]
    loose: tuple[str, ...]
    """Files beside units that are no units: in the way, unless a unit makes use of them."""
    is_library: bool = False

    def units(self) -> Iterator[Node]:
        for section in self.sections:
            for node in section.walk():
                if node.key.category == VERTICAL:
                    yield node
