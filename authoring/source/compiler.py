"""Second pass: `SourceTree -> Course` and everything that is wrong with it. Pure.

The outline (first pass) has named everything; now fields are typed by the registry, prose and problems are
compiled, and links are resolved. Each unit's prose is parsed once, all its segments together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from authoring.diagnostics import Diagnostic, Diagnostics, Severity, define
from authoring.markup.links import (
    AMBIGUOUS_LINK,
    DEAD_LINK,
    LINK_OUTSIDE,
    MISSING_IMAGE,
    UNKNOWN_ANCHOR,
    Linker,
    LinkIndex,
    rewrite_html,
)
from authoring.markup.problem import compile_problem
from authoring.markup.prose import Rendered, Segment, render_page
from authoring.model import (
    COURSE_UPDATE,
    LIBRARY,
    ROOT_KEY,
    SEQUENTIAL,
    VERTICAL,
    Asset,
    Block,
    BlockKey,
    Course,
    FieldValue,
    SourceLocation,
)
from authoring.references import is_link_target
from authoring.registry import spec
from authoring.source.assets import FileSettings, content_type_of, read_file_settings
from authoring.source.calendar import is_relative
from authoring.source.components import SHAPES, Draft, package_asset, read_relative
from authoring.source.coursefile import (
    MISSING_KEY,
    read_calendar,
    read_check_levels,
    read_course_fields,
    read_course_id,
    read_grading,
    read_passports,
    read_team,
)
from authoring.source.dates import BadDateError
from authoring.source.directives import WRONG_NESTING, Directive, Prose, scan_body
from authoring.source.fields import read_fields, read_kept
from authoring.source.files import SourceTree
from authoring.source.kept import read_drafts, read_kept_files, read_policies
from authoring.source.moments import read_moments
from authoring.source.nodes import Component, Node, Outline
from authoring.source.outline import COURSE_FILE, UNUSED_PATH, read_outline
from authoring.source.runs import RunFile, read_run, report_holidays, run_settings, with_blocks
from authoring.source.updates import day_in_name, words_of
from authoring.yamlnodes import BAD_VALUE, Entry

LONG_HTML_BYTES = 30_000

LONG_HTML = define(
    "long-html",
    Severity.WARNING,
    f"A text of more than {LONG_HTML_BYTES // 1000} KB in one component, slow to open and to edit in Studio.",
    "split the page, or move raw HTML and pictures into files below static/",
)
UNDEFINED_FOOTNOTE = define(
    "undefined-footnote",
    Severity.WARNING,
    "A footnote mark without its text; it will be shown as it is written.",
    "write `[^mark]: text` in the same prose, that is, with no directive between",
)
BODY_REFUSED = define(
    "unexpected-body",
    Severity.ERROR,
    "A directive has a body, and its category takes none.",
    "write settings as `key: value` lines right below the opening line",
)
BODY_MISSING = define(
    "missing-body",
    Severity.ERROR,
    "A directive without the text that it is for.",
    "write the text after the options and a line `---`",
)

_HTML_ABOUT = frozenset(("overview", "about_sidebar_html"))
"""About texts that are HTML; the platform takes all others as they are (Open edX:
openedx/core/djangoapps/models/course_details.py)."""

_IMAGES = ("course_image", "banner_image", "video_thumbnail_image")
"""Course fields that hold an asset's name."""


def compile_course(tree: SourceTree, run: str | None = None) -> tuple[Course | None, Diagnostics]:
    """The course that a folder describes, or one of its runs. None when there is an error among the findings."""
    course, findings = compile_tree(tree, run)
    return (None if findings.errors else course), findings


def compile_tree(tree: SourceTree, run: str | None = None) -> tuple[Course | None, Diagnostics]:
    """As `compile_course`, but with what could be made of it in spite of errors; None when there is no course at all."""
    diagnostics = Diagnostics()
    outline = read_outline(tree, diagnostics)
    compiler = _Compiler(tree, outline, diagnostics, read_run(tree, outline, run, diagnostics) if run else None)
    course = compiler.course()
    return course, Diagnostics(at_levels(diagnostics, compiler.levels))


LINK_CODES = frozenset((DEAD_LINK, MISSING_IMAGE, LINK_OUTSIDE, AMBIGUOUS_LINK, UNKNOWN_ANCHOR))
"""Findings of the compiler that `checks:` may make less grave: a course that came from elsewhere has links that led
nowhere all along, and they stay as they are."""


def at_levels(findings: Iterable[Diagnostic], levels: Mapping[str, str]) -> Iterator[Diagnostic]:
    """The findings, those about links as grave as the course takes them."""
    for finding in findings:
        level = levels.get(finding.code.name) if finding.code in LINK_CODES else None
        if level is None:
            yield finding
        elif level != "off":
            yield replace(finding, severity=Severity(level))


BEYOND_STUDIO = define(
    "problem-beyond-studio",
    Severity.INFO,
    "A problem says more than Studio's Markdown can: it travels as OLX alone, and Studio opens its XML.",
    "nothing, if that is meant; without the line `[markdown]` the problem stays within Studio's own Markdown",
)


class _Compiler:
    def __init__(self, tree: SourceTree, outline: Outline, diagnostics: Diagnostics, run: RunFile | None) -> None:
        self.tree = tree
        self.run = run
        self.course_settings: Mapping[str, Entry] = outline.settings or {}
        self.outline = (
            outline if run is None else replace(outline, settings=run_settings(self.course_settings, run.settings))
        )
        self.diagnostics = diagnostics
        self.settings: Mapping[str, Entry] = self.outline.settings or {}
        self.calendar = read_calendar(self.settings, diagnostics)
        self.read_date = self.calendar.read
        self.levels = read_check_levels(self.settings, diagnostics)
        self.index = link_index(outline)
        self.used: set[str] = set()

    def course(self) -> Course | None:
        settings = self.settings
        identity = None
        if self.outline.settings is not None:
            identity = read_course_id(settings, self.diagnostics)
        fields = read_course_fields(settings, self.diagnostics, self.read_date)
        grading = read_grading(settings, self.diagnostics)
        passports = {one.lti_id: one for one in read_passports(settings, self.diagnostics)}
        if self.run is not None:
            passports |= {one.lti_id: one for one in read_passports(self.run.settings, self.diagnostics)}
        self._name_images(fields)
        sections = tuple(self._children_of_root())
        detached = tuple(self._page(node) for node in self.outline.pages)
        assets = tuple(self._assets())
        self._report_unused()
        report_holidays(self.outline, self.run, self.calendar, self.diagnostics)
        if identity is None:
            return None
        fields.setdefault("display_name", identity.number)
        key = BlockKey(LIBRARY, LIBRARY) if self.outline.is_library else ROOT_KEY
        root = Block(key, fields, children=sections, source=SourceLocation(PurePosixPath(COURSE_FILE), 1))
        root = replace(root, fields=with_advanced_modules(root))
        root = read_kept(settings, key.category, self.diagnostics).apply(root)
        course = Course(
            identity,
            root,
            detached,
            assets,
            grading,
            tuple(passports.values()),
            drafts=tuple(read_drafts(self.tree, self.diagnostics)),
            policies=read_policies(settings, self.diagnostics),
            files=tuple(read_kept_files(self.tree)),
            team=read_team(settings, self.diagnostics),
            check_levels=self.levels,
        )
        if self.run is not None:
            course = with_blocks(course, self.run, self.calendar, self.diagnostics)
        return read_moments(course, self.calendar, self.diagnostics)

    def _children_of_root(self) -> Iterator[Block]:
        for node in self.outline.sections:
            block = self._node(node)
            if self.outline.is_library and node.block is None:
                yield from block.children
            else:
                yield block

    def _folder(self, node: Node) -> Block:
        category = node.key.category
        fields = read_fields(node.entries, category, self.diagnostics, self.read_date, own_keys=("id", "children"))
        fields.setdefault("display_name", node.title)
        if category == SEQUENTIAL and fields.get("format") and "graded" not in fields:
            fields["graded"] = True
        children = tuple(self._node(child) for child in node.nodes)
        block = Block(node.key, fields, children=children, source=node.where)
        return read_kept(node.entries, category, self.diagnostics).apply(block)

    def _node(self, node: Node) -> Block:
        """A section, subsection or unit, whatever its file is."""
        if node.key.category == VERTICAL or node.block is not None:
            return self._unit(node)
        return self._folder(node)

    def _unit(self, node: Node) -> Block:
        if node.block is not None:
            block = self.linked_olx(node.block, node.path)
            return replace(block, fields={"display_name": node.title, **block.fields}) if node.untitled else block
        if node.package is not None:
            package = package_asset(node.package, node.where)
            key = BlockKey("scorm", f"{node.key.url_name}-scorm-1")
            scorm = Block(key, {"display_name": node.title}, package=package, source=node.where)
            return Block(node.key, {"display_name": node.title}, children=(scorm,), source=node.where)
        fields = read_fields(node.entries, VERTICAL, self.diagnostics, self.read_date)
        fields.setdefault("display_name", node.title)
        title = fields["display_name"]
        unit = _UnitCompiler(self, node, title if isinstance(title, str) else node.title)
        block = Block(node.key, fields, children=unit.children(), source=node.where)
        return read_kept(node.entries, VERTICAL, self.diagnostics).apply(block)

    def linked_olx(self, block: Block, path: PurePosixPath) -> Block:
        """OLX with its relative links resolved."""
        link = Linker(self.index, path, self.diagnostics)

        def rewrite(part: Block) -> Block:
            if part.content is None:
                return part
            line = part.source.line if part.source is not None else None
            content = rewrite_html(part.content, link, line or 1)
            return part if content == part.content else replace(part, content=content)

        return block.transform(rewrite)

    def _page(self, node: Node) -> Block:
        """A page, an about text or the handouts."""
        fields = read_fields(node.entries, node.key.category, self.diagnostics, self.read_date)
        link = Linker(self.index, node.path, self.diagnostics)
        is_text = node.key.category == "about" and node.key.url_name not in _HTML_ABOUT
        if node.html is not None:
            content = rewrite_html(node.html.text, link, node.html.line)
        elif node.body is None:
            content = ""
        elif is_text:
            content = node.body.text.strip()
        else:
            segment = Segment(node.body.text, node.body.line, node.key.url_name)
            rendered = render_page([segment], link)[0]
            self.check_rendered(rendered, node.path, node.body.line)
            content = rendered.html
        if node.key.category == "static_tab":
            fields.setdefault("display_name", node.title)
        if node.key.category == COURSE_UPDATE:
            fields |= self._date_of_update(node, fields.get("date"))
        block = Block(node.key, fields, content, source=node.where)
        return read_kept(node.entries, node.key.category, self.diagnostics).apply(block)

    def _date_of_update(self, node: Node, written: FieldValue) -> dict[str, FieldValue]:
        """The day of an update, as learners read it: written, perhaps relative to the start, or at the start of the file's name."""
        day = written if isinstance(written, str) and written.strip() else day_in_name(node.path.stem)
        entry = node.entries.get("date")
        where = entry.where if entry is not None else node.where
        hint = "write `date: 2027-02-01`, or begin the file's name with the day"
        if day is None and written == "":
            return {"date": ""}  # Studio takes one without a date
        if day is None:
            self.diagnostics.report(MISSING_KEY, "an update needs a 'date'", where, hint)
            return {}
        try:
            if is_relative(day) and not day[0].isupper():  # `Week 1` is a text that somebody wrote in Studio
                day = self.calendar.local(self.calendar.read(day, "date")).date().isoformat()
            return {"date": words_of(day)}
        except BadDateError as error:
            self.diagnostics.report(BAD_VALUE, f"'date' cannot be {day!r}: {error}", where, hint)
            return {}
        except ValueError:
            self.diagnostics.report(BAD_VALUE, f"no calendar has the day {day!r}", where, hint)
            return {}

    def check_rendered(self, rendered: Rendered, path: PurePosixPath, line: int) -> None:
        for mark, mark_line in rendered.footnotes_missing:
            message = f"the footnote {mark} has no text here"
            self.diagnostics.report(UNDEFINED_FOOTNOTE, message, SourceLocation(path, mark_line))
        size = len(rendered.html.encode())
        if size > LONG_HTML_BYTES:
            message = f"this text is {size / 1000:.0f} KB of HTML"
            self.diagnostics.report(LONG_HTML, message, SourceLocation(path, line))

    def read_file(self, folder: PurePosixPath, path: str) -> str | None:
        """The text of a file named relative to `folder`; None when there is none."""
        target = read_relative(self.tree, folder, path)
        if target is None:
            return None
        self.used.add(target)
        return self.tree.files[target].text(self.diagnostics)

    def _name_images(self, fields: dict[str, FieldValue]) -> None:
        """`course_image: static/card.png` is as good as the platform's name for that file."""
        link = Linker(self.index, PurePosixPath(COURSE_FILE), self.diagnostics)
        for name in _IMAGES:
            value = fields.get(name)
            if isinstance(value, str) and "/" in value:
                entry = self.settings.get(name)
                asset = link.asset(value, entry.where.line if entry is not None else None)
                if asset is not None:
                    fields[name] = asset

    def _assets(self) -> Iterator[Asset]:
        about = read_file_settings(self.settings, self.outline.assets, self.diagnostics)
        for path, name in self.outline.assets.items():
            if path in self.used:
                continue  # a package: its block's handler takes it
            file = self.tree.files[path]
            settings = about.get(path, FileSettings())
            yield Asset(
                name=name,
                path=file.path,
                digest=file.digest or "",
                size=file.size,
                content_type=settings.content_type or content_type_of(name),
                locked=settings.locked,
                display_name=settings.display_name,
                file=file.file,
                source=SourceLocation(file.path),
            )

    def _report_unused(self) -> None:
        for path in self.outline.loose:
            if path not in self.used:
                pure = PurePosixPath(path)
                message = f"{pure.name!r} is no unit, and no unit makes use of it"
                self.diagnostics.report(UNUSED_PATH, message, SourceLocation(pure))


class _UnitCompiler:
    """Compiles the components of one Markdown unit."""

    def __init__(self, compiler: _Compiler, node: Node, title: str) -> None:
        self.compiler = compiler
        self.diagnostics = compiler.diagnostics
        self.node = node
        self.title = title
        self.link = Linker(compiler.index, node.path, compiler.diagnostics)
        self.rendered: dict[BlockKey, Rendered] = {}

    def children(self) -> tuple[Block, ...]:
        self._render_prose()
        return self._blocks(self.node.components)

    def _render_prose(self) -> None:
        """All prose of the unit at once: link definitions are shared."""
        texts = [(c.key, prose) for c in _walk(self.node.components) if (prose := self._prose_of(c)) is not None]
        segments = [Segment(prose.text, prose.line, key.url_name) for key, prose in texts]
        hidden = [Segment(prose.text, prose.line, self.node.key.url_name) for prose in self.node.hidden]
        if not segments:
            return
        results = render_page([*segments, *hidden], self.link)
        for (key, prose), rendered in zip(texts, results, strict=False):
            self.rendered[key] = rendered
            self.compiler.check_rendered(rendered, self.node.path, prose.line)

    def _prose_of(self, component: Component) -> Prose | None:
        """The Markdown of an `html` component, written plainly or as a directive."""
        if component.prose is not None:
            return component.prose
        directive = component.directive
        if directive is None or component.key.category != "html" or directive.body is None or _is_html(component):
            return None
        self._refuse_directives(directive.body, directive.body_line, "html")
        return Prose(directive.body, directive.body_line)

    def _refuse_directives(self, body: str, line: int, category: str) -> None:
        """A text or a problem holds no other components."""
        for piece in scan_body(body, self.node.path, line, self.diagnostics):
            if isinstance(piece, Directive):
                where = SourceLocation(self.node.path, piece.line)
                hint = f"a {category} holds no other components: close it first"
                self.diagnostics.report(WRONG_NESTING, f"':::{piece.name}' inside ':::{category}'", where, hint)

    def _blocks(self, components: Iterable[Component]) -> tuple[Block, ...]:
        return tuple(block for component in components if (block := self._block(component)) is not None)

    def _block(self, component: Component) -> Block | None:
        if component.block is not None:
            return self.compiler.linked_olx(component.block, self.node.path)
        if component.prose is not None:
            return self._text(component, {})
        assert component.directive is not None
        draft = self._draft(component)
        match component.key.category:
            case "html":
                return self._text(component, draft.fields)
            case "problem":
                return self._problem(component, draft)
            case category:
                return self._other(component, category, draft)

    def _draft(self, component: Component) -> Draft:
        """The fields of a directive, its category's conveniences applied."""
        category = component.key.category
        shape = SHAPES.get(category)
        own_keys = ("id", *(shape.own_keys if shape is not None else ()), *(("markup",) if category == "html" else ()))
        fields = read_fields(component.entries, category, self.diagnostics, self.compiler.read_date, own_keys=own_keys)
        draft = Draft(
            component.entries,
            fields,
            component.where,
            self.link,
            self.compiler.tree,
            self.diagnostics,
            self.compiler.used,
        )
        if shape is not None:
            shape.shape(draft)
        return draft

    def _text(self, component: Component, fields: dict[str, FieldValue]) -> Block | None:
        if _is_html(component) and component.directive is not None:
            fields.setdefault("display_name", self.title)
            fields.setdefault("editor", "raw")
            body = component.directive.body or ""
            html = rewrite_html(body, self.link, component.directive.body_line).strip()
            return self._finish(component, fields, html)
        rendered = self.rendered.get(component.key)
        if rendered is None or not rendered.html.strip():
            if component.directive is not None:
                self._missing_body(component)
            return None
        fields.setdefault("display_name", rendered.heading or self.title)
        fields.setdefault("editor", "raw")  # Studio's visual editor would rewrite the HTML
        return self._finish(component, fields, rendered.html)

    def _problem(self, component: Component, draft: Draft) -> Block | None:
        directive, fields = component.directive, draft.fields
        if directive is None or directive.body is None:
            self._missing_body(component)
            return None
        where = SourceLocation(self.node.path, directive.body_line)
        self._refuse_directives(directive.body, directive.body_line, "problem")
        unresolved: set[str] = set()

        def link(href: str, line: int, image: bool) -> str:
            resolved = self.link(href, line, image)
            if resolved == href:
                unresolved.add(href)
            return resolved

        # Links in HTML are resolved here, where lines are known; those of the problem's own syntax there.
        compiled = compile_problem(
            rewrite_html(directive.body, link, directive.body_line),
            where=where,
            link=lambda href: href if href in unresolved else self.link(href, directive.body_line),
            read_file=self._read_file,
        )
        self.diagnostics.extend(compiled.diagnostics)
        if compiled.studio_markdown is not None:
            fields["markdown"] = compiled.studio_markdown
            fields["markdown_edited"] = True
        else:
            message = f"Studio edits the problem {component.key.url_name!r} as XML, not as Markdown"
            self.diagnostics.report(BEYOND_STUDIO, message, where)
        return replace(self._finish(component, fields, compiled.olx), tests=draft.tests)

    def _read_file(self, path: str) -> str:
        text = self.compiler.read_file(self.node.path.parent, path)
        if text is None:
            raise FileNotFoundError(path)
        return text

    def _other(self, component: Component, category: str, draft: Draft) -> Block:
        known = spec(category)
        directive = component.directive
        content = None
        if directive is not None and directive.body is not None and known is not None and not known.children:
            if known.content is not None:
                content = rewrite_html(directive.body.strip("\n"), self.link, directive.body_line)
            else:
                where = SourceLocation(self.node.path, directive.body_line)
                self.diagnostics.report(BODY_REFUSED, f"a {known.title} takes no body", where)
        return replace(
            self._finish(component, draft.fields, content),
            children=self._blocks(component.children),
            package=draft.package,
        )

    def _finish(self, component: Component, fields: dict[str, FieldValue], content: str | None) -> Block:
        block = Block(
            key=component.key,
            fields=fields,
            content=content,
            implicit_id=component.implicit_id,
            source=component.where,
        )
        return read_kept(component.entries, component.key.category, self.diagnostics).apply(block)

    def _missing_body(self, component: Component) -> None:
        message = f"this {component.key.category} is empty"
        self.diagnostics.report(BODY_MISSING, message, component.where)


def _is_html(component: Component) -> bool:
    """Whether the body is HTML as it stands rather than Markdown."""
    entry = component.entries.get("markup")
    return component.key.category == "html" and entry is not None and entry.scalar == "html"


def _walk(components: Iterable[Component]) -> Iterator[Component]:
    for component in components:
        yield component
        yield from _walk(component.children)


def link_index(outline: Outline) -> LinkIndex:
    """What links may lead to, by the names that the outline has settled."""
    blocks: dict[str, str] = {}
    components: dict[str, frozenset[str]] = {}
    for section in outline.sections:
        for node in section.walk():
            blocks[str(node.path)] = node.key.url_name
            if node.key.category == VERTICAL or node.block is not None:
                named = frozenset(
                    key.url_name for part in node.components for key, _, implicit in part.names() if not implicit
                )
                if node.block is not None:
                    named = frozenset(
                        block.url_name
                        for block in node.block.walk()
                        if block is not node.block and not block.implicit_id
                    )
                if named:
                    components[str(node.path)] = named
    anchors = {str(node.path): frozenset(_anchors(node)) for node in (*outline.units(), *outline.pages)}
    first: dict[str, BlockKey] = {}
    shared: dict[str, tuple[BlockKey, ...]] = {}
    for key in outline.keys:
        if not is_link_target(key):
            continue
        if key.url_name in first:
            shared[key.url_name] = (*shared.get(key.url_name, (first[key.url_name],)), key)
        else:
            first[key.url_name] = key
    return LinkIndex(
        blocks=blocks,
        components=components,
        pages={str(node.path): node.key.url_name for node in outline.pages if node.key.category == "static_tab"},
        assets=outline.assets,
        shared=shared,
        anchors=anchors,
    )


_ANCHOR = re.compile(r"""\{[^}\n]*\#([^\s}]+) | \b(?:id|name)\s*=\s*["']?([^"'\s>]+)""", re.VERBOSE)


def _anchors(node: Node) -> Iterator[str]:
    """What a link to a unit or page may end in: names of headings and spans, ids in its HTML."""
    texts = [prose.text for prose in (node.body, node.html, *node.hidden) if prose is not None]
    for component in _walk(node.components):
        if component.prose is not None:
            texts.append(component.prose.text)
        if component.directive is not None and component.directive.body is not None:
            texts.append(component.directive.body)
        if component.block is not None:
            texts += [block.content or "" for block in component.block.walk()]
    if node.block is not None:
        texts += [block.content or "" for block in node.block.walk()]
    for text in texts:
        for match in _ANCHOR.finditer(text):
            yield match[1] or match[2]


def with_advanced_modules(root: Block) -> Mapping[str, FieldValue]:
    """The course's fields with `advanced_modules` grown by what the used categories need."""
    needed: dict[str, None] = {}
    for category in sorted({block.category for block in root.walk()}):
        known = spec(category)
        if known is not None and known.advanced_module is not None:
            needed[known.advanced_module] = None
    given = root.fields.get("advanced_modules")
    modules = list(given) if isinstance(given, list) else []
    modules += [name for name in needed if name not in modules]
    return {**root.fields, "advanced_modules": modules} if modules else root.fields
