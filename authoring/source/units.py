"""One unit: a Markdown file, an OLX file or a package to the `Node` of its components, each named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath

from authoring.diagnostics import Diagnostics, Severity, define, suggest
from authoring.markup.admonitions import ADMONITIONS
from authoring.model import CHAPTER, COURSE, LIBRARY, SEQUENTIAL, VERTICAL, BlockKey, SourceLocation
from authoring.olx import block_from_element, line_of, parse_element
from authoring.registry import canonical_category, categories, spec
from authoring.registry.aliases import CATEGORY_ALIASES
from authoring.source.directives import WRONG_NESTING, Directive, Prose, is_blank, scan_body
from authoring.source.fields import BAD_ID, read_id
from authoring.source.files import SourceFile
from authoring.source.frontmatter import split_page
from authoring.source.names import is_id, stem_of, title_of, url_name_of
from authoring.source.nodes import Component, Node
from authoring.yamlnodes import Entry, parse_mapping

MAX_DIRECTIVE_DEPTH = 10

UNKNOWN_DIRECTIVE = define(
    "unknown-directive",
    Severity.ERROR,
    "A directive with a name that nothing here knows.",
    "use a category of the platform, an admonition, or `olx` for anything else",
)
OLX = "olx"
"""The directive whose body is one XML element of any category."""


def read_unit(text: str, path: PurePosixPath, diagnostics: Diagnostics) -> Node | None:
    """The unit in a Markdown or OLX file; None, reported, when there is no making it out."""
    stem = stem_of(path.name, folder=False)
    if path.suffix.lower() == ".xml":
        return olx_node(text, path, SEQUENTIAL, diagnostics)
    page = split_page(text, path, diagnostics)
    url_name = read_id(page.entries, diagnostics) or url_name_of(stem)
    reader = _UnitReader(path, url_name, diagnostics)
    components = reader.components(page.body, page.body_line)
    return Node(
        key=BlockKey(VERTICAL, url_name),
        path=path,
        where=SourceLocation(path, 1),
        title=title_of(stem),
        entries=page.entries,
        components=components,
        hidden=tuple(reader.namer.hidden),
    )


def package_unit(file: SourceFile) -> Node:
    """The unit that a package dropped among the units makes."""
    stem = stem_of(file.path.name, folder=False)
    key = BlockKey(VERTICAL, url_name_of(stem))
    return Node(key, file.path, SourceLocation(file.path), title_of(stem), package=file)


def olx_node(text: str, path: PurePosixPath, parent: str, diagnostics: Diagnostics) -> Node | None:
    """The block, of any category, that an OLX file among the parts of a `parent` holds; None, reported, when there is
    no making it out."""
    stem = stem_of(path.name, folder=False)
    element = parse_element(text, path, 1, diagnostics)
    if element is None:
        return None
    known = spec(str(element.tag))
    if known is not None and (known.detached or element.tag in (COURSE, LIBRARY)):
        message = f"the root element is <{element.tag}>, which cannot be part of a {parent}"
        where = SourceLocation(path, line_of(element))
        diagnostics.report(WRONG_NESTING, message, where, "write one <vertical>, or any other block")
        return None
    named = element.get("url_name")
    url_name = named or url_name_of(stem)
    namer = _Namer(url_name)
    element.set("url_name", url_name)
    block = block_from_element(element, path=path, first_line=1, new_key=namer, diagnostics=diagnostics)
    if block is None:
        return None
    return Node(block.key, path, SourceLocation(path, 1), title_of(stem), block=block, untitled=named is None)


class _UnitReader:
    def __init__(self, path: PurePosixPath, url_name: str, diagnostics: Diagnostics) -> None:
        self.path = path
        self.diagnostics = diagnostics
        self.namer = _Namer(url_name)

    def components(self, text: str, line: int, depth: int = 0) -> tuple[Component, ...]:
        components = []
        for piece in scan_body(text, self.path, line, self.diagnostics):
            if isinstance(piece, Prose):
                component = self._prose(piece)
            else:
                component = self._directive(piece, depth)
            if component is not None:
                components.append(component)
        return tuple(components)

    def _prose(self, prose: Prose) -> Component | None:
        if is_blank(prose.text):
            self.namer.hidden.append(prose)
            return None
        leading = len(prose.text) - len(prose.text.lstrip())
        where = SourceLocation(self.path, prose.line + prose.text.count("\n", 0, leading))
        return Component(self.namer("html"), where, True, prose=prose)

    def _directive(self, directive: Directive, depth: int) -> Component | None:
        where = SourceLocation(self.path, directive.line)
        category = category_of(directive.name)
        if category is None:
            words = [*categories(), *CATEGORY_ALIASES, *ADMONITIONS, OLX]
            hint = suggest(directive.name.lower(), words)
            self.diagnostics.report(UNKNOWN_DIRECTIVE, f"':::{directive.name}' is not known", where, hint)
            return None
        if category == OLX:
            return self._olx_directive(directive, where)
        known = spec(category)
        if known is not None and (known.detached or not _may_stand_here(category, depth)):
            message = f"a {known.title} cannot stand {'here' if depth else 'in a unit'}"
            self.diagnostics.report(WRONG_NESTING, message, where)
            return None
        entries: Mapping[str, Entry] = {}
        if directive.options is not None:
            entries = parse_mapping(directive.options, self.path, directive.options_line, self.diagnostics) or entries
        key, implicit = self._component_key(category, directive, entries, where)
        children: tuple[Component, ...] = ()
        if known is not None and known.children and directive.body is not None:
            if depth >= MAX_DIRECTIVE_DEPTH:
                self.diagnostics.report(WRONG_NESTING, "directives nest too deep", where, "nest fewer")
                return None
            children = self.components(directive.body, directive.body_line, depth + 1)
        return Component(key, where, implicit, directive=directive, entries=entries, children=children)

    def _component_key(
        self,
        category: str,
        directive: Directive,
        entries: Mapping[str, Entry],
        where: SourceLocation,
    ) -> tuple[BlockKey, bool]:
        generated = self.namer(category)
        written = read_id(entries, self.diagnostics)
        if directive.id is not None:
            if not is_id(directive.id):
                self.diagnostics.report(BAD_ID, f"{directive.id[:80]!r} cannot be an id", where)
                return generated, True
            if written is not None and written != directive.id:
                message = f"the id is written twice: {directive.id!r} and {written!r}"
                self.diagnostics.report(BAD_ID, message, entries["id"].where, "keep one of the two")
            written = directive.id
        return (BlockKey(category, written), False) if written else (generated, True)

    def _olx_directive(self, directive: Directive, where: SourceLocation) -> Component | None:
        text = (directive.options or "") + (directive.body or "")
        first_line = directive.options_line if directive.options else directive.body_line
        element = parse_element(text, self.path, first_line, self.diagnostics)
        if element is None:
            return None
        known = spec(str(element.tag))
        if known is not None and (known.detached or element.tag in (COURSE, CHAPTER, SEQUENTIAL, LIBRARY)):
            message = f"a {known.title} cannot stand in a unit"
            self.diagnostics.report(WRONG_NESTING, message, where)
            return None
        if directive.id is not None:
            if is_id(directive.id):
                element.set("url_name", directive.id)
            else:
                self.diagnostics.report(BAD_ID, f"{directive.id[:80]!r} cannot be an id", where)
        block = block_from_element(
            element, path=self.path, first_line=first_line, new_key=self.namer, diagnostics=self.diagnostics
        )
        return Component(block.key, where, block.implicit_id, block=block) if block is not None else None


def _may_stand_here(category: str, depth: int) -> bool:
    """Of the outline's categories only units may be directives, and only inside another directive."""
    if category in (COURSE, CHAPTER, SEQUENTIAL, LIBRARY):
        return False
    return category != VERTICAL or depth > 0


class _Namer:
    """Names components that nobody named, `<unit>-<category>-<n>`; keeps the unit's prose without words."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.hidden: list[Prose] = []
        self.counts: Counter[str] = Counter()

    def __call__(self, category: str) -> BlockKey:
        self.counts[category] += 1
        return BlockKey(category, f"{self.unit}-{category}-{self.counts[category]}")


def category_of(name: str) -> str | None:
    """The category that a directive's name means; `olx` for OLX."""
    word = name.lower()
    return OLX if word == OLX else canonical_category(word)
