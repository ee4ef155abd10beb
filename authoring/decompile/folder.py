"""A Course to the files of a course folder, proven: what was written is compiled, and must be the same course.

    Course --render--> files --compile--> Course'        until Course' equals Course

Each block begins in its most readable form. Where the compiled block differs, or the compiler complains about its lines,
the block gets what the difference asks for: a field under `olx:`, a plainer way to be written, at last the whole unit as
OLX. So nothing here must know every rule of the folder, and no rule of the folder can lose a block's content unnoticed.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from lxml import etree

from authoring.checks import check_course
from authoring.decompile.components import (
    Fixes,
    Lines,
    Way,
    Writer,
    add_settings,
    olx_text,
    ways_of,
)
from authoring.decompile.places import HANDOUTS, SAFE, Places, place_of, places_of
from authoring.decompile.yamltext import dump
from authoring.diagnostics import Diagnostic, Severity
from authoring.markup.canonical import canonical_xml
from authoring.markup.html import canonical_html
from authoring.markup.links import rewrite_html
from authoring.markup.unrender import html_to_markdown
from authoring.model import (
    CHAPTER,
    COURSE,
    LIBRARY,
    SEQUENTIAL,
    VERTICAL,
    Asset,
    Block,
    BlockKey,
    Course,
    Draft,
    FieldValue,
    GradingPolicy,
)
from authoring.olx.reader import POINTER_ONLY
from authoring.olx.writer import element_of
from authoring.references import flat_links
from authoring.registry import FieldType, spec
from authoring.source import SourceFile, compile_tree, tree_of
from authoring.source.assets import content_type_of
from authoring.source.compiler import LINK_CODES
from authoring.source.files import KEPT, SourceTree
from authoring.source.kept import DRAFTS, INDEX, PARENT
from authoring.source.names import stem_of, url_name_of
from authoring.source.outline import id_of_page

MAX_ROUNDS = 12

_SETTINGS = {CHAPTER: "section.yaml", SEQUENTIAL: "subsection.yaml"}


@dataclass(frozen=True, slots=True)
class Unequal:
    """A block that the written folder does not give back as it was, and in what."""

    key: BlockKey
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Folder:
    """A course folder ready to be written.

    `texts` are files by path; `copies` are files whose bytes are taken from elsewhere. `ways` says how each component was
    written, `places` in which file each block stands. `unequal` is empty unless the course holds something that no
    course folder can say.
    """

    texts: Mapping[PurePosixPath, str]
    copies: Mapping[PurePosixPath, Path]
    ways: Mapping[BlockKey, Way]
    places: Mapping[BlockKey, str]
    unequal: tuple[Unequal, ...]
    findings: tuple[Diagnostic, ...]
    dead_links: int = 0


def folder_of(course: Course) -> Folder:
    """The course as a folder, every block proven equal or listed in `unequal`."""
    return _FolderWriter(course).folder()


@dataclass(slots=True)
class _State:
    """What is known so far of how to write each block."""

    ways: dict[BlockKey, Way] = field(default_factory=dict)
    unset: dict[BlockKey, set[str]] = field(default_factory=dict)
    forced: dict[BlockKey, set[str]] = field(default_factory=dict)
    whole: set[BlockKey] = field(default_factory=set)
    pages: set[BlockKey] = field(default_factory=set)
    """Pages that are written as HTML."""
    relaxed: dict[str, str] = field(default_factory=dict)


class _FolderWriter:
    def __init__(self, course: Course) -> None:
        self.course = course
        self.state = _State()
        self.parents: dict[BlockKey, Block] = {}
        for block, parent in course.root.walk_with_parent():
            if parent is not None and (block.key not in self.parents or POINTER_ONLY not in block.extra.attributes):
                # A pointer may lead back to what it stands in; it is no second parent.
                self.parents[block.key] = parent
        self.blocks = by_key(course)

    def folder(self) -> Folder:
        for _ in range(MAX_ROUNDS):
            places = places_of(self.course, frozenset(self.state.whole))
            rendered = _Render(self.course, self.state, places)
            texts = rendered.files()
            compiled, findings = compile_tree(self._tree(texts))
            unequal = tuple(self._unequal(compiled))
            changed = self._learn_from_findings(findings, rendered) | self._learn(unequal, compiled)
            if not changed and compiled is not None:
                # What its own platform put up with must not stop the course from being pushed again.
                for finding in check_course(compiled):
                    if finding.severity is Severity.ERROR and finding.code.name not in self.state.relaxed:
                        self.state.relaxed[finding.code.name] = "warning"
                        changed = True
            if not changed:
                break
        return Folder(
            {PurePosixPath(path): text for path, text in texts.items()},
            dict(self._copies()),
            {key: self._way(key, rendered) for key in self.blocks},
            dict(rendered.homes()),
            unequal,
            tuple(findings),
            sum(1 for finding in findings if finding.code in LINK_CODES),
        )

    def _way(self, key: BlockKey, rendered: _Render) -> Way:
        block: Block | None = self.blocks[key]
        while block is not None:
            if block.key in self.state.whole:
                return Way.FILE
            block = self.parents.get(block.key)
        return rendered.ways.get(key, ways_of(self.blocks[key])[0])

    def _tree(self, texts: Mapping[str, str]) -> SourceTree:
        files = [
            SourceFile(PurePosixPath(path), Path(path), len(text), data=text.encode("utf-8", "surrogatepass"))
            for path, text in texts.items()
        ]
        for asset in self.course.assets:
            files.append(SourceFile(asset.path, asset.file or Path(asset.path), asset.size, digest=asset.digest))
        for kept in self.course.files:
            path = PurePosixPath(KEPT) / kept.path
            files.append(SourceFile(path, kept.file or Path(path), kept.size, digest=kept.digest))
        for block in self.course.blocks():
            if block.package is not None:
                asset = block.package
                files.append(SourceFile(asset.path, asset.file or Path(asset.path), asset.size, digest=asset.digest))
        return tree_of(files)

    def _copies(self) -> Iterator[tuple[PurePosixPath, Path]]:
        packages = [block.package for block in self.course.blocks() if block.package is not None]
        for asset in (*self.course.assets, *packages):
            if asset.file is not None:
                yield asset.path, asset.file
        for kept in self.course.files:
            if kept.file is not None:
                yield PurePosixPath(KEPT) / kept.path, kept.file

    # --- what compiling the result teaches

    def _unequal(self, compiled: Course | None) -> Iterator[Unequal]:
        if compiled is None:
            yield Unequal(self.course.root.key, ("everything",))
            return
        found = by_key(compiled)
        for block in self.blocks.values():
            other = found.pop(block.key, None)
            parts = ("block",) if other is None else tuple(differing_parts(block, other))
            if parts:
                yield Unequal(block.key, parts)
        for key in found:
            yield Unequal(key, ("surplus",))
        for name in ("id", "grading", "assets", "drafts", "policies", "files", "team"):
            if not _same(name, self.course, compiled):
                yield Unequal(self.course.root.key, (name,))

    def _learn(self, unequal: tuple[Unequal, ...], compiled: Course | None) -> bool:
        found = by_key(compiled) if compiled is not None else {}
        changed = False
        for item in unequal:
            block, other = self.blocks.get(item.key), found.get(item.key)
            if block is None:
                continue
            if other is None:
                if block.category != COURSE:
                    changed |= self._plainer(block)
                continue
            for part in item.parts:
                if part.startswith("field "):
                    changed |= self._learn_field(block, other, part.removeprefix("field "))
                elif part in ("content", "children", "extra", "package"):
                    changed |= self._plainer(block)
        return changed

    def _learn_field(self, block: Block, other: Block, name: str) -> bool:
        if name not in block.fields:
            known = self.state.unset.setdefault(block.key, set())
        else:
            known = self.state.forced.setdefault(block.key, set())
        if name in known:
            return self._plainer(block)
        known.add(name)
        return True

    def _plainer(self, block: Block) -> bool:
        """The next way to write a block; its unit as OLX when there is none."""
        key = block.key
        if block in self.course.detached:
            new = key not in self.state.pages
            self.state.pages.add(key)
            return new
        if key in self.state.whole or block is self.course.root:
            return False
        if block.category in (CHAPTER, SEQUENTIAL) or self._is_unit(block):
            self.state.whole.add(key)
            return True
        ways = ways_of(block)
        index = ways.index(self.state.ways.get(key, ways[0]))
        parent = self.parents.get(key)
        if index + 1 < len(ways) and ways[index + 1] is not Way.FILE:
            self.state.ways[key] = ways[index + 1]
            return True
        return parent is not None and self._plainer(parent)

    def _is_unit(self, block: Block) -> bool:
        parent = self.parents.get(block.key)
        return parent is not None and (parent.category in (SEQUENTIAL, CHAPTER) or parent is self.course.root)

    def _learn_from_findings(self, findings: Iterable[Diagnostic], rendered: _Render) -> bool:
        changed = False
        for finding in findings:
            if finding.severity is not Severity.ERROR:
                continue
            if finding.code in LINK_CODES:
                if self.state.relaxed.get(finding.code.name) is None:
                    self.state.relaxed[finding.code.name] = "warning"
                    changed = True
                continue
            if finding.where is None:
                continue
            block, name = rendered.at(str(finding.where.path), finding.where.line)
            if block is None:
                continue
            forced = self.state.forced.setdefault(block.key, set())
            if name is not None and name in block.fields and name not in forced:
                forced.add(name)
                changed = True
            else:
                changed |= self._plainer(block)
        return changed


def by_key(course: Course) -> dict[BlockKey, Block]:
    """The blocks of a course; where a pointer stands besides the block itself, the block."""
    found: dict[BlockKey, Block] = {}
    for block in course.blocks():
        if block.key not in found or POINTER_ONLY in found[block.key].extra.attributes:
            found[block.key] = block
    return found


def differing_parts(block: Block, other: Block) -> Iterator[str]:
    """In what two blocks of one key differ, where it counts: `field NAME`, `content`, `children`, `extra`, `package`."""
    for name in sorted(block.fields.keys() | other.fields.keys()):
        if name not in block.fields or name not in other.fields or not _equal(block.fields[name], other.fields[name]):
            yield f"field {name}"
    if not same_content(block, other):
        yield "content"
    if [child.key for child in block.children] != [child.key for child in other.children]:
        yield "children"
    if block.extra != other.extra:
        yield "extra"
    if block.package != other.package:
        yield "package"


def _equal(first: FieldValue, second: FieldValue) -> bool:
    if type(first) is bool or type(second) is bool:
        return first is second
    return first == second


def same_content(block: Block, other: Block) -> bool:
    """Whether two bodies are one, canonically (docs/html-and-markdown.md)."""
    if block.content is None or other.content is None:
        return (block.content or "") == (other.content or "")
    first, second = flat_links(block.content.strip()), flat_links(other.content.strip())
    if first == second:
        return True
    known = spec(block.category)
    body = known.own_fields[known.content].type if known is not None and known.content is not None else FieldType.XML
    try:
        if body is FieldType.XML:
            return canonical_xml(first) == canonical_xml(second)
        return canonical_html(first) == canonical_html(second)
    except ValueError:
        return False


def _same(name: str, course: Course, other: Course) -> bool:
    first, second = getattr(course, name), getattr(other, name)
    if name == "grading":
        return first == second or (first is not None and second is not None and _grading(first) == _grading(second))
    if name == "drafts":
        return _same_drafts(first, second)
    if name in ("assets", "files"):
        return set(first) == set(second)
    return bool(first == second)


def _same_drafts(first: Iterable[Draft], second: Iterable[Draft]) -> bool:
    pairs = [
        sorted(drafts, key=lambda draft: (str(draft.parent), draft.index, draft.block.key))
        for drafts in (first, second)
    ]
    ours, theirs = pairs
    return len(ours) == len(theirs) and all(
        (one.parent, one.index) == (other.parent, other.index) and _same_trees(one.block, other.block)
        for one, other in zip(ours, theirs, strict=True)
    )


def _same_trees(first: Block, second: Block) -> bool:
    ours, theirs = list(first.walk()), list(second.walk())
    return len(ours) == len(theirs) and all(
        one.key == other.key and not any(differing_parts(one, other)) for one, other in zip(ours, theirs, strict=True)
    )


def _grading(policy: GradingPolicy) -> tuple[object, ...]:
    return policy.graders, dict(policy.cutoffs), policy.grace_period


class _Render:
    """One round: every file of the folder as text."""

    def __init__(self, course: Course, state: _State, places: Places) -> None:
        self.course = course
        self.state = state
        self.places = places
        self.lines: dict[str, Lines] = {}
        self.texts: dict[str, str] = {}
        self.ways: dict[BlockKey, Way] = {}

    def files(self) -> dict[str, str]:
        self._course_file()
        root = self.course.root
        self._children(root)
        for block in self.course.detached:
            self._page(block)
        for draft in self.course.drafts:
            element = element_of(draft.block)
            if draft.parent is not None:
                element.set(PARENT, str(draft.parent))
            element.set(INDEX, str(draft.index))
            name = f"{DRAFTS}/{draft.block.category}/{url_name_of(draft.block.url_name)}.xml"
            self.texts[name] = _xml(element)
        self.texts.update({path: lines.text() for path, lines in self.lines.items()})
        return self.texts

    def homes(self) -> Iterator[tuple[BlockKey, str]]:
        """Every block with the file it stands in."""
        for path, lines in self.lines.items():
            seen: set[BlockKey] = set()
            for block, _ in lines.marks.values():
                if block.key not in seen:
                    for inner in block.walk():
                        if POINTER_ONLY not in inner.extra.attributes:
                            seen.add(inner.key)
                            yield inner.key, path

    def at(self, path: str, line: int | None) -> tuple[Block | None, str | None]:
        """The block and the key that stand on a line of a file."""
        lines = self.lines.get(path)
        if lines is None:
            return None, None
        mark = lines.marks.get(line or 1)
        return mark if mark is not None else next(iter(lines.marks.values()), (None, None))

    def _fixes(self, block: Block) -> Fixes:
        unset, forced = self.state.unset.get(block.key, ()), self.state.forced.get(block.key, ())
        return Fixes(frozenset(unset), frozenset(forced))

    def _way(self, block: Block) -> Way:
        return self.state.ways.get(block.key, ways_of(block)[0])

    def _children(self, parent: Block) -> None:
        for block in parent.children:
            path = self.places.paths.get(place_of(block))
            if path is None:
                continue
            if path.endswith(".xml"):
                lines = self.lines.setdefault(path, Lines())
                lines.add(olx_text(block), block)
            elif block.category == VERTICAL:
                self._unit(block, path)
            else:
                self._settings(block, path)
                self._children(block)

    def _settings(self, block: Block, path: str) -> None:
        lines = Lines()
        first: dict[str, FieldValue] = {}
        if url_name_of(stem_of(path.rpartition("/")[2], folder=True)) != block.url_name:
            first["id"] = block.url_name
        add_settings(lines, block, self._fixes(block), first, frozenset())
        self.lines[f"{path}/{_SETTINGS[block.category]}"] = lines

    def _unit(self, block: Block, path: str) -> None:
        lines = Lines()
        first: dict[str, FieldValue] = {}
        if url_name_of(stem_of(path.rpartition("/")[2], folder=False)) != block.url_name:
            first["id"] = block.url_name
        lines.add("---", block)
        add_settings(lines, block, self._fixes(block), first, frozenset())
        lines.add("---", block)
        folder = posixpath.dirname(path)
        writer = Writer(
            lambda href: self.places.relative(href, path),
            lambda asset: quote(posixpath.relpath(str(asset.path), folder or "."), safe=SAFE),
            self._way,
            self._fixes,
            self.ways,
        )
        for child in block.children:
            lines.add("", block)
            writer.add(lines, child)
        self.lines[path] = lines

    def _page(self, block: Block) -> None:
        path = self.places.paths[place_of(block)]
        suffix, body = ".html", block.content or ""
        plain = block.category == "about" and block.url_name not in ("overview", "about_sidebar_html")
        linked = rewrite_html(body, lambda href, line, image: self.places.relative(href, path), 1)
        if block.key not in self.state.pages:
            markdown = body if plain else html_to_markdown(linked)
            if markdown is not None and (markdown.strip() or not body.strip()):
                suffix, body = ".md", markdown
            else:
                body = linked
        lines = Lines()
        first: dict[str, FieldValue] = {}
        stem = path.rpartition("/")[2]
        if id_of_page(block.category, stem) != block.url_name and block.key != HANDOUTS:
            first["id"] = block.url_name
        head = Lines()
        add_settings(head, block, self._fixes(block), first, frozenset())
        if head.lines or body.startswith("---"):  # a text that begins so would else be taken for front matter
            lines.add("---", block)
            lines.marks.update({1 + number: mark for number, mark in head.marks.items()})
            lines.lines += head.lines
            lines.add("---", block)
        if body.strip() or not lines.lines:
            lines.add(body, block)
        self.lines[f"{path}{suffix}"] = lines

    def _course_file(self) -> None:
        course, root = self.course, self.course.root
        lines = Lines()
        ids: dict[str, FieldValue] = {"org": course.id.org, "number": course.id.number, "run": course.id.run}
        if root.category == LIBRARY:
            ids = {"kind": LIBRARY, **ids}
        add_settings(lines, root, self._fixes(root), ids, frozenset(), policies=course.policies)
        if course.grading is not None:
            lines.add(dump({"grading": grading_yaml(course.grading)}), root)
        if course.lti_passports:
            passports: dict[str, FieldValue] = {
                passport.lti_id: {"key_env": passport.key_env, "secret_env": passport.secret_env}
                for passport in course.lti_passports
            }
            lines.add(dump({"lti_passports": passports}), root)
        if course.team:
            lines.add(dump({"team": dict(course.team)}), root)
        files = {str(asset.path): settings for asset in course.assets if (settings := file_yaml(asset))}
        if files:
            lines.add(dump({"files": files}), root)
        checks = {**course.check_levels, **self.state.relaxed}
        if checks:
            lines.add(dump({"checks": dict(sorted(checks.items()))}), root)
        self.lines["course.yaml"] = lines


def _xml(element: etree._Element) -> str:
    return etree.tostring(element, encoding="unicode") + "\n"


def grading_yaml(policy: GradingPolicy) -> dict[str, FieldValue]:
    """The policy as `grading:` of course.yaml says it."""
    types: list[FieldValue] = []
    for grader in policy.graders:
        entry: dict[str, FieldValue] = {"type": grader.type}
        if grader.short_label:
            entry["short_label"] = grader.short_label
        entry["weight"] = grader.weight
        entry["min_count"] = grader.min_count
        entry["drop_count"] = grader.drop_count
        types.append(entry)
    found: dict[str, FieldValue] = {"assignment_types": types, "cutoffs": dict(policy.cutoffs)}
    if policy.grace_period is not None:
        found["grace_period"] = f"{policy.grace_period // 60:02}:{policy.grace_period % 60:02}"
    return found


def file_yaml(asset: Asset) -> dict[str, FieldValue]:
    """What `files:` of course.yaml must say of a file; empty when all follows from its name."""
    settings: dict[str, FieldValue] = {}
    if asset.locked:
        settings["locked"] = True
    if asset.content_type != content_type_of(asset.name):
        settings["content_type"] = asset.content_type
    if asset.display_name is not None:
        settings["display_name"] = asset.display_name
    return settings
