"""A changed course into the folder that people wrote: the least edit of each block that proves itself.

    SourceTree, the Course that it is, the Course that it shall be  ->  Rewritten

Every round writes the folder (:mod:`authoring.writeback.render`), compiles it and compares. A block that is not as wanted
is written a little plainer in the next: first the value or paragraph that changed, then its directive anew, then its unit,
at last OLX. What no folder can say is in `Rewritten.unplaced`. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from authoring.decompile.components import Way, ways_of
from authoring.diagnostics import Diagnostic, Diagnostics, Severity, define
from authoring.model import LIBRARY, VERTICAL, Block, BlockKey, Course, SourceLocation
from authoring.source import SourceTree, compile_tree, tree_of
from authoring.source.compiler import LINK_CODES
from authoring.source.outline import COURSE_FILE
from authoring.writeback.components import State, follows_body
from authoring.writeback.documents import read_documents
from authoring.writeback.layout import Home, Layout, layout_of
from authoring.writeback.proof import Difference, differences
from authoring.writeback.render import Files, Render

MAX_ROUNDS = 16

KEPT_ASIDE = define(
    "kept-aside",
    Severity.INFO,
    "Files that are no part of the course lay in the folder of a section or subsection that has gone; they were kept.",
    "remove them if nobody needs them",
)
NOT_PLACED = define(
    "not-placed",
    Severity.WARNING,
    "Something of the course cannot be written into the course folder.",
    "make the change by hand, or undo it on the platform",
)

Align = Callable[[Course], Course]


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What became of the folder. Paths are relative to it.

    `written` are text files that are new or have other content, `copies` files whose content is read from elsewhere (new
    assets and packages), `moved` old paths with new ones (the content as it was, unless the new path is in `written`),
    `deleted` files that are no more. `tree` is the folder afterwards, `course` what it compiles to, `unplaced` what differs
    from the course that was wanted: empty, unless that holds what no folder can say. `findings` are the compiler's, and
    what should be known of the changes.
    """

    written: Mapping[PurePosixPath, bytes]
    moved: Mapping[PurePosixPath, PurePosixPath]
    deleted: tuple[PurePosixPath, ...]
    copies: Mapping[PurePosixPath, Path]
    tree: SourceTree
    course: Course
    unplaced: tuple[Difference, ...] = ()
    findings: tuple[Diagnostic, ...] = ()

    @property
    def changes(self) -> Mapping[PurePosixPath, bytes | PurePosixPath | Path | None]:
        """Everything that happens to files: new bytes, the path that a file moves to, the file to copy, None for gone."""
        found: dict[PurePosixPath, bytes | PurePosixPath | Path | None] = dict.fromkeys(self.deleted)
        return {**found, **self.moved, **self.copies, **self.written}

    def __bool__(self) -> bool:
        return bool(self.written or self.moved or self.deleted or self.copies)


def rewrite(tree: SourceTree, ours: Course, wanted: Course, *, align: Align | None = None) -> Rewritten:
    """The folder `tree` so changed that it compiles to `wanted`.

    `ours` is what it compiles to now, with `align` applied; blocks of one key are one block. `align` gives components
    without ids the keys by which they are known (:func:`authoring.identity.align_implicit_keys`); without it such a
    component gets an id as soon as its place would name it otherwise. Files without a changed block stay the same bytes.
    """
    if not any(differences(wanted, ours)):
        return Rewritten({}, {}, (), {}, tree, ours)
    return _Rewriter(tree, ours, wanted, align).rewritten()


@dataclass(slots=True)
class _Knowledge:
    """What the rounds have taught."""

    states: dict[BlockKey, State] = field(default_factory=dict)
    listed: set[BlockKey] = field(default_factory=set)
    whole: set[BlockKey] = field(default_factory=set)

    def state(self, key: BlockKey) -> State:
        return self.states.setdefault(key, State())


class _Rewriter:
    def __init__(self, tree: SourceTree, ours: Course, wanted: Course, align: Align | None) -> None:
        self.tree = tree
        self.wanted = wanted
        self.align = align or (lambda course: course)
        self.aligned = align is not None
        self.ours = ours
        self.documents = read_documents(tree, ours)
        self.known = _Knowledge()
        self.names: Mapping[BlockKey, str] = {}
        self.implicit = {block.key for block in ours.blocks() if block.implicit_id}
        self.blocks: dict[BlockKey, Block] = {}
        self.parents: dict[BlockKey, Block] = {}
        for block, parent in wanted.root.walk_with_parent():
            self.blocks.setdefault(block.key, block)
            if parent is not None:
                self.parents.setdefault(block.key, parent)
        for block in wanted.detached:
            self.blocks.setdefault(block.key, block)
        self.before = {finding_key(finding) for finding in compile_tree(tree)[1].errors}

    def rewritten(self) -> Rewritten:
        self._begin()
        best: tuple[int, Files, Course, tuple[Difference, ...], tuple[Diagnostic, ...]] | None = None
        for _ in range(MAX_ROUNDS):
            files = Render(self.documents, self.wanted, self.known.states, self._layout(), aligned=self.aligned).files()
            self.names = files.names
            compiled, findings = compile_tree(tree_of(files.files.values()))
            found = self.align(compiled) if compiled is not None else None
            left = tuple(differences(self.wanted, found))
            broken = [finding for finding in findings.errors if finding_key(finding) not in self.before]
            if found is not None and (best is None or len(left) + len(broken) < best[0]):
                best = (len(left) + len(broken), files, found, left, tuple(findings))
            changed = self._learn_all(left, broken, found)
            if not changed:
                break
        assert best is not None  # course.yaml is edited only, so there is always a course
        _, files, course, left, notes = best
        return self._result(files, course, left, notes)

    def _begin(self) -> None:
        """Where ours and theirs differ, something must be edited; the rest is left to the proof."""
        for difference in differences(self.wanted, self.ours):
            key, part = difference.key, difference.part
            if part.startswith("field "):
                name = part.removeprefix("field ")
                self.known.state(key).names.add(name)
                block = self.blocks.get(key)
                if block is not None and follows_body(block, name):
                    self.known.state(key).content = True
            elif part == "content":
                self.known.state(key).content = True
            elif part == "extra":
                self.known.state(key).extra = True
            elif part == "package":
                self.known.state(key).way = 1
        for key, home in list(self.documents.homes.items()):
            node = self.documents.nodes[key]
            entries = self.documents.outline.settings if key == self.wanted.root.key else node.entries
            if "children" in (entries or {}):
                self.known.listed.add(key)
            if home.path.endswith(".zip") and self._package_changed(key):
                # It becomes a Markdown unit of the same name; the package is kept beside it.
                self.documents.homes[key] = Home(home.path, key)
                self.known.state(key)
        if "children" in (self.documents.outline.settings or {}):
            self.known.listed.add(self.wanted.root.key)

    def _package_changed(self, key: BlockKey) -> bool:
        ours = next((block for block in self.ours.blocks() if block.key == key), None)
        wanted = self.blocks.get(key)
        if ours is None or wanted is None:
            return False
        now = [child.key for child in wanted.children]
        return (
            [child.key for child in ours.children] != now
            or key in self.known.states
            or any(child in self.known.states for child in now)
        )

    def _layout(self) -> Layout:
        homes = dict(self.documents.homes)
        for key, home in homes.items():
            if home.path.endswith(".zip") and (key in self.known.states or self._package_changed(key)):
                homes[key] = replace(home, path=home.path.removesuffix(".zip") + ".md")
        return layout_of(self.wanted, homes, self.known.listed, self.known.whole, self._others())

    def _others(self) -> Mapping[str, frozenset[str]]:
        """The names in each folder that no block stands for."""
        owned = {home.path for home in self.documents.homes.values()}
        return {
            folder: frozenset(
                name.casefold() for name in names if (f"{folder}/{name}" if folder else name) not in owned
            )
            for folder, names in self.tree.folders.items()
        }

    # --- what compiling teaches

    def _learn_all(self, left: Iterable[Difference], broken: Iterable[Diagnostic], found: Course | None) -> bool:
        there = {block.key for block in found.blocks()} if found is not None else set()
        changed = False
        differing = list(left)
        missing = {difference.key for difference in differing if difference.part == "missing"}
        for difference in differing:
            if difference.part == "children" and missing & set(self._below(difference.key)):
                continue  # settled when they are there
            changed |= self._learn(difference, there)
        for finding in broken:
            key = self._at(finding.where, found)
            if key is not None and finding.code not in LINK_CODES:
                changed |= self._plainer(key)
        return changed

    def _below(self, key: BlockKey) -> Iterator[BlockKey]:
        block = self.blocks.get(key)
        return (child.key for child in block.children) if block is not None else iter(())

    def _at(self, where: SourceLocation | None, found: Course | None) -> BlockKey | None:
        """The block that was written around a place."""
        if where is None or found is None:
            return None
        best: tuple[int, BlockKey] | None = None
        for block in found.blocks():
            place = block.source
            line = place.line or 0 if place is not None and place.path == where.path else None
            if line is not None and line <= (where.line or 0) and (best is None or line >= best[0]):
                best = (line, block.key)
        return best[1] if best is not None and best[1] in self.blocks else None

    def _learn(self, difference: Difference, there: set[BlockKey]) -> bool:
        key, part = difference.key, difference.part
        block = self.blocks.get(key)
        if block is None:
            return False
        state = self.known.state(key)
        if key in self.implicit and not state.named and self._renamed(key):
            state.named = True
            return True
        if part.startswith("field "):
            return self._learn_field(block, state, part.removeprefix("field "))
        match part:
            case "missing":
                if not self._is_component(key):
                    return self._plainer(key)
                if not state.named and state.way == 0:
                    state.named = True
                    return True
                return self._plainer(key)
            case "content":
                if not state.content:
                    state.content = True
                    return True
                return self._plainer(key)
            case "extra":
                if not state.extra:
                    state.extra = True
                    return True
                return self._plainer(key)
            case "children":
                if self._is_folder(key):
                    new = key not in self.known.listed
                    self.known.listed.add(key)
                    return new
                return self._plainer(key)
            case "package":
                return self._plainer(key)
            case _:
                return False

    def _renamed(self, key: BlockKey) -> bool:
        """Whether a component without an id has come to a place that gives it another name."""
        piece = self.documents.pieces.get(key)
        document = self.documents.documents.get(str(piece.path)) if piece is not None else None
        before = document.prefixes.get(key) if document is not None else None
        return before is not None and self.names.get(key, before) != before

    def _learn_field(self, block: Block, state: State, name: str) -> bool:
        if follows_body(block, name) and not state.content:
            state.content = True
            return True
        for known in (state.names, state.forced if name in block.fields else state.unset):
            if name not in known:
                known.add(name)
                return True
        return self._plainer(block.key)

    def _is_component(self, key: BlockKey) -> bool:
        parent = self.parents.get(key)
        while parent is not None:
            if parent.category == VERTICAL:
                return True
            parent = self.parents.get(parent.key)
        return self.wanted.root.category == LIBRARY and key in self.parents

    def _is_folder(self, key: BlockKey) -> bool:
        return key == self.wanted.root.key or (
            key.category in ("chapter", "sequential") and key not in self.known.whole
        )

    def _plainer(self, key: BlockKey) -> bool:
        """The next form of a block; its unit's when it has none left."""
        block = self.blocks.get(key)
        if block is None or block is self.wanted.root:
            return False
        state = self.known.state(key)
        if block in self.wanted.detached:
            state.way += 1
            return state.way <= 2
        if self._is_component(key):
            ways = ways_of(block)
            if state.way < len(ways) and ways[state.way] is not Way.FILE:
                state.way += 1
                return True
            parent = self.parents.get(key)
            return parent is not None and self._plainer(parent.key)
        if state.way == 0:
            state.way = 1
            return True
        if key not in self.known.whole:
            self.known.whole.add(key)
            return True
        state.way += 1
        return state.way <= 3

    # --- what came of it

    def _result(
        self, files: Files, course: Course, left: tuple[Difference, ...], findings: tuple[Diagnostic, ...]
    ) -> Rewritten:
        written: dict[PurePosixPath, bytes] = {}
        origins = {new: old for old, new in files.moved.items()}
        for path, file in files.files.items():
            before = self.tree.files.get(origins.get(path, path))
            if file.data is not None and (before is None or before.data != file.data):
                written[PurePosixPath(path)] = file.data
        deleted = [path for path in self.tree.files if path not in files.files and path not in files.moved]
        notes = Diagnostics(findings)
        for path in files.aside:
            notes.report(KEPT_ASIDE, f"{path} is no part of the course any more", SourceLocation(PurePosixPath(path)))
        for difference in left:
            block = self.blocks.get(difference.key)
            where = block.source if block is not None else None
            notes.report(
                NOT_PLACED, f"{difference.key}: {difference.part}", where or SourceLocation(PurePosixPath(COURSE_FILE))
            )
        return Rewritten(
            written,
            {PurePosixPath(old): PurePosixPath(new) for old, new in files.moved.items()},
            tuple(PurePosixPath(path) for path in deleted),
            {PurePosixPath(path): source for path, source in files.copies.items()},
            tree_of(files.files.values()),
            course,
            left,
            tuple(notes),
        )


def finding_key(finding: Diagnostic) -> tuple[str, str]:
    """What makes two findings the same, wherever lines have moved to."""
    return finding.code.name, finding.message
