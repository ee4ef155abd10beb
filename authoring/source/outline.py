"""First pass: the shape of the course. `SourceTree -> Outline`: what is a section, a subsection, a unit, a
component, and what each is called.

All names are settled here, before any text is rendered, because links may point anywhere. Front matter and
options are parsed, fields are not yet read; bodies are taken apart, prose is not yet rendered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from authoring.diagnostics import Diagnostics, Severity, define, suggest
from authoring.model import (
    CHAPTER,
    COURSE,
    COURSE_UPDATE,
    LIBRARY,
    ROOT_KEY,
    SEQUENTIAL,
    VERTICAL,
    BlockKey,
    SourceLocation,
)
from authoring.olx.reader import POINTER_ONLY
from authoring.source.directives import WRONG_NESTING, Prose
from authoring.source.fields import BAD_ID, read_id
from authoring.source.files import IS_A_DIRECTORY, STATIC, SourceTree
from authoring.source.frontmatter import split_page
from authoring.source.names import asset_name_of, clean_stem, is_id, order_of, stem_of, title_of, url_name_of
from authoring.source.nodes import Node, Outline
from authoring.source.units import olx_node, package_unit, read_unit
from authoring.source.updates import FOLDER as UPDATES
from authoring.yamlnodes import BAD_VALUE, Entry, items_of, parse_mapping, text_value

COURSE_FILE = "course.yaml"
MARKDOWN = frozenset((".md", ".markdown"))

NO_COURSE_FILE = define(
    "no-course-file",
    Severity.ERROR,
    "There is no course.yaml in the folder.",
    "write one with `org`, `number`, `run` and `title`; `authoring new` makes a first one",
)
DUPLICATE_ID = define(
    "duplicate-id",
    Severity.ERROR,
    "Two blocks of one kind have the same id.",
    "rename one of them, or give it an `id` of its own",
)
BAD_CHILDREN = define(
    "bad-children",
    Severity.ERROR,
    "A `children` list that does not name every child exactly once.",
    "list each file or folder once, or remove `children` and order by number prefix",
)
TWO_FILES = define(
    "two-settings-files",
    Severity.ERROR,
    "A folder has its settings in two files.",
    "keep one of them",
)
UNUSED_PATH = define(
    "unused-path",
    Severity.WARNING,
    "A file or folder that is no part of the course.",
    "remove it, or start its name with `_`",
)
ASSET_CLASH = define(
    "asset-clash",
    Severity.ERROR,
    "Two files below static/ have one name on the platform, which turns `/` and odd characters into `_`.",
    "rename one of the two",
)

SETTINGS_FILES = {
    COURSE: (COURSE_FILE,),
    CHAPTER: ("section.yaml", "chapter.yaml"),
    SEQUENTIAL: ("subsection.yaml", "sequential.yaml"),
}
_CONTAINS = {COURSE: CHAPTER, CHAPTER: SEQUENTIAL, SEQUENTIAL: VERTICAL}
_RESERVED = ("about", "pages", "info", STATIC, "runs", "updates", "textbooks")
_IGNORED_FILES = ("course.lock", "authoring.toml", "platform.yaml", "platform.lock")
_IGNORED_PREFIXES = ("_", "README", "LICENSE")


def read_outline(tree: SourceTree, diagnostics: Diagnostics) -> Outline:
    """The outline of a course folder; what has no place in it is reported."""
    reader = _OutlineReader(tree, diagnostics)
    if COURSE_FILE not in tree.folders.get("", ()) and COURSE_FILE not in tree.unread:
        diagnostics.report(NO_COURSE_FILE, f"there is no {COURSE_FILE} in {tree.folder}")
    settings = reader.settings(COURSE, "")
    is_library = "kind" in (settings or {}) and read_kind((settings or {})["kind"], diagnostics) == LIBRARY
    sections = reader.sections(settings or {}, is_library)
    pages = tuple(reader.pages())
    assets = reader.assets()
    keys = reader.unique_keys(sections, pages)
    return Outline(settings, sections, pages, assets, keys, tuple(reader.loose), is_library)


def read_kind(entry: Entry, diagnostics: Diagnostics) -> str:
    """What the folder holds, `course` or `library`."""
    text = text_value(entry, diagnostics)
    if text not in (COURSE, LIBRARY, None):
        diagnostics.report(BAD_VALUE, f"'kind' cannot be {text[:40]!r}", entry.where, "write course or library")
    return text or COURSE


class _OutlineReader:
    def __init__(self, tree: SourceTree, diagnostics: Diagnostics) -> None:
        self.tree = tree
        self.diagnostics = diagnostics
        self.loose: list[str] = []

    def settings(self, category: str, folder: str) -> Mapping[str, Entry] | None:
        """The entries of a folder's settings file; None when it has none, or none that can be read."""
        found = [name for name in SETTINGS_FILES[category] if name in self.tree.folders[folder]]
        if len(found) > 1:
            where = SourceLocation(PurePosixPath(folder, found[1]))
            self.diagnostics.report(TWO_FILES, f"{found[0]} and {found[1]} are both here", where)
        for name in found[:1]:
            path = f"{folder}/{name}" if folder else name
            text = self._text(path)
            if text is not None:
                return parse_mapping(text, PurePosixPath(path), 1, self.diagnostics)
        return None

    def sections(self, settings: Mapping[str, Entry], library: bool) -> tuple[Node, ...]:
        names = []
        for name in self.tree.folders[""]:
            if _ignored(name) or name in _IGNORED_FILES or name == COURSE_FILE:
                continue
            if name in _RESERVED:
                self._check_reserved(name)
            elif self.tree.is_folder(name):
                if _looks_like_file(name):
                    self._report_directory(name)
                else:
                    names.append(name)
            elif PurePosixPath(name).suffix.lower() == ".xml" or (library and self._is_unit(name)):
                names.append(name)
            elif PurePosixPath(name).stem == "handouts" and PurePosixPath(name).suffix in (".md", ".html"):
                continue
            else:
                self._misplaced(name, COURSE)
        ordered = self._ordered(names, "", settings)
        nodes = (self._part(name, name, COURSE, CHAPTER) for name in ordered)
        return tuple(node for node in nodes if node is not None)

    def _part(self, path: str, name: str, parent: str, category: str) -> Node | None:
        """What a name in a folder stands for: a folder of the next level, a unit, or OLX of any category."""
        if self.tree.is_folder(path):
            return self._folder_node(path, name, category)
        if path.lower().endswith(".xml"):
            text = self._text(path)
            return olx_node(text, PurePosixPath(path), parent, self.diagnostics) if text is not None else None
        return self._unit(path)

    def _check_reserved(self, name: str) -> None:
        if not self.tree.is_folder(name):
            where = SourceLocation(PurePosixPath(name))
            message = f"{name!r} must be a folder"
            self.diagnostics.report(WRONG_NESTING, message, where, "rename the file")
        elif name == "textbooks":
            self._unused(name, "textbooks have no folder", "write them under `pdf_textbooks` in course.yaml")
        elif name == "runs":
            for inner in self.tree.folders[name]:
                path = f"{name}/{inner}"
                if not _ignored(inner) and (self.tree.is_folder(path) or PurePosixPath(inner).suffix != ".yaml"):
                    self._unused(
                        path, f"{inner!r} is not the file of a run", "name it after the run: runs/2027_T1.yaml"
                    )

    def _folder_node(self, path: str, name: str, category: str) -> Node:
        entries = self.settings(category, path) or {}
        child = _CONTAINS[category]
        names = []
        for inner in self.tree.folders[path]:
            inner_path = f"{path}/{inner}"
            if _ignored(inner) or inner in SETTINGS_FILES[category]:
                if self.tree.is_folder(inner_path) and inner in SETTINGS_FILES[category]:
                    self._report_directory(inner_path)
            elif child == VERTICAL:
                if self._is_unit(inner_path):
                    names.append(inner)
            elif not self.tree.is_folder(inner_path):
                if inner_path.lower().endswith(".xml"):
                    names.append(inner)
                else:
                    self._misplaced(inner_path, category)
            elif _looks_like_file(inner):
                self._report_directory(inner_path)
            else:
                names.append(inner)
        ordered = self._ordered(names, path, entries)
        parts = (self._part(f"{path}/{inner}", inner, category, child) for inner in ordered)
        nodes = tuple(node for node in parts if node is not None)
        return Node(
            key=BlockKey(category, read_id(entries, self.diagnostics) or url_name_of(name)),
            path=PurePosixPath(path),
            where=_settings_place(entries, path),
            title=title_of(name),
            entries=entries,
            nodes=nodes,
        )

    def _is_unit(self, path: str) -> bool:
        pure = PurePosixPath(path)
        suffix = pure.suffix.lower()
        if self.tree.is_folder(path):
            if suffix in MARKDOWN or suffix in (".xml", ".zip", ".yaml"):
                self._report_directory(path)
            else:
                message = f"the folder {pure.name!r} is inside a subsection, which holds unit files only"
                self.diagnostics.report(WRONG_NESTING, message, SourceLocation(pure), "move it up one level")
            return False
        if suffix in MARKDOWN or suffix in (".xml", ".zip"):
            return True
        if suffix in (".yaml", ".yml"):
            names = [name for files in SETTINGS_FILES.values() for name in files]
            hint = suggest(pure.name, names) or "a subsection's settings are in subsection.yaml"
            self._unused(path, f"{pure.name!r} is not a settings file of a subsection", hint)
        else:
            self.loose.append(path)
        return False

    def _unit(self, path: str) -> Node | None:
        file = self.tree.files[path]
        if file.path.suffix.lower() == ".zip":
            return package_unit(file)
        text = file.text(self.diagnostics)
        return read_unit(text, file.path, self.diagnostics) if text is not None else None

    def pages(self) -> Iterator[Node]:
        """About texts, pages, handouts and updates."""
        root = self.tree.folders[""]
        for name in ("handouts.md", "handouts.html"):
            if name in root and not self.tree.is_folder(name):
                yield from self._page(name, "course_info", root_page=True)
        for folder, category in (
            ("about", "about"),
            ("pages", "static_tab"),
            ("info", "course_info"),
            (UPDATES, COURSE_UPDATE),
        ):
            for name in sorted(self.tree.folders.get(folder, ()), key=order_of):
                if not _ignored(name):
                    yield from self._page(f"{folder}/{name}", category)

    def _page(self, path: str, category: str, *, root_page: bool = False) -> Iterator[Node]:
        pure = PurePosixPath(path)
        suffix = pure.suffix.lower()
        if self.tree.is_folder(path):
            if suffix:
                self._report_directory(path)
            else:
                message = f"the folder {pure.name!r} cannot be inside {pure.parent.name!r}"
                self.diagnostics.report(WRONG_NESTING, message, SourceLocation(pure), "move its files up")
            return
        if suffix not in MARKDOWN and suffix not in (".html", ".htm"):
            self._unused(path, f"{pure.name!r} is neither Markdown nor HTML")
            return
        text = self._text(path)
        if text is None:
            return
        stem = stem_of(pure.name, folder=False)
        page = split_page(text, pure, self.diagnostics)
        prose = Prose(page.body, page.body_line)
        own = None if root_page else read_id(page.entries, self.diagnostics)
        yield Node(
            key=BlockKey(category, own or id_of_page(category, stem)),
            path=pure,
            where=SourceLocation(pure, 1),
            title=title_of(stem),
            entries=page.entries,
            body=prose if suffix in MARKDOWN else None,
            html=prose if suffix not in MARKDOWN else None,
        )

    def assets(self) -> Mapping[str, str]:
        names: dict[str, str] = {}
        taken: dict[str, str] = {}
        for file in self.tree.below(STATIC) if self.tree.is_folder(STATIC) else ():
            name = asset_name_of(file.path)
            path = str(file.path)
            if name in taken:
                message = f"{path!r} and {taken[name]!r} are both {name!r} on the platform"
                self.diagnostics.report(ASSET_CLASH, message, SourceLocation(file.path))
                continue
            taken[name] = path
            names[path] = name
        return names

    def unique_keys(self, sections: Iterable[Node], pages: Iterable[Node]) -> Mapping[BlockKey, SourceLocation | None]:
        """Every key with its place; a second block of the same key is reported."""
        keys: dict[BlockKey, SourceLocation | None] = {ROOT_KEY: None}
        for key, where in _all_keys(sections, pages):
            if not is_id(key.url_name.replace(":", "_")):  # OLX may hold colons; authors cannot write them
                self.diagnostics.report(BAD_ID, f"{key.url_name[:80]!r} cannot be an id", where)
            if key in keys:
                first = keys[key]
                message = f"the id {key.url_name!r} is already that of a {key.category}"
                message += f" in {first}" if first else ""
                self.diagnostics.report(DUPLICATE_ID, message, where)
            else:
                keys[key] = where
        return keys

    def _ordered(self, names: list[str], folder: str, entries: Mapping[str, Entry]) -> list[str]:
        names.sort(key=order_of)
        entry = entries.get("children")
        items = items_of(entry, self.diagnostics) if entry is not None else None
        if entry is None or items is None:
            return names
        by_word: dict[str, list[str]] = {}
        for name in names:
            is_folder = self.tree.is_folder(f"{folder}/{name}" if folder else name)
            for spelling in {name, stem_of(name, folder=is_folder)}:
                by_word.setdefault(spelling, []).append(name)
        ordered: list[str] = []
        for item in items:
            word = text_value(item, self.diagnostics)
            if word is None:
                continue
            found = by_word.get(word.rstrip("/"), [])
            if len(found) == 1 and found[0] not in ordered:
                ordered.append(found[0])
                continue
            if not found:
                message, hint = f"there is no {word!r} here", suggest(word, by_word)
            elif len(found) > 1:
                message, hint = (
                    f"{word!r} may be {' or '.join(map(repr, found))}",
                    "write the whole file name",
                )
            else:
                message, hint = f"{word!r} is listed twice", None
            self.diagnostics.report(BAD_CHILDREN, message, item.where, hint)
        chosen = set(ordered)
        missing = [name for name in names if name not in chosen]
        if missing:
            message = f"`children` does not name {', '.join(map(repr, missing[:5]))}"
            message += f" and {len(missing) - 5} more" if len(missing) > 5 else ""
            self.diagnostics.report(BAD_CHILDREN, message, entry.where)
        return ordered + missing

    def _misplaced(self, path: str, category: str) -> None:
        pure = PurePosixPath(path)
        suffix = pure.suffix.lower()
        where = SourceLocation(pure)
        if suffix in MARKDOWN or suffix in (".xml", ".zip"):
            place = "the course folder" if category == COURSE else "a section"
            message = f"the unit {pure.name!r} stands in {place} itself"
            self.diagnostics.report(WRONG_NESTING, message, where, "move it into a subsection's folder")
            return
        names = [name for files in SETTINGS_FILES.values() for name in files]
        hint = suggest(pure.name, names) if suffix in (".yaml", ".yml") else None
        self._unused(path, f"{pure.name!r} is no part of the course", hint)

    def _unused(self, path: str, message: str, hint: str | None = None) -> None:
        self.diagnostics.report(UNUSED_PATH, message, SourceLocation(PurePosixPath(path)), hint)

    def _report_directory(self, path: str) -> None:
        message = f"{PurePosixPath(path).name!r} is a folder, where a file of that name belongs"
        self.diagnostics.report(IS_A_DIRECTORY, message, SourceLocation(PurePosixPath(path)))

    def _text(self, path: str) -> str | None:
        file = self.tree.files.get(path)
        if file is None:
            if self.tree.is_folder(path):
                self._report_directory(path)
            return None
        return file.text(self.diagnostics)


def _all_keys(sections: Iterable[Node], pages: Iterable[Node]) -> Iterator[tuple[BlockKey, SourceLocation | None]]:
    for section in sections:
        for node in section.walk():
            if node.block is not None:
                for block in node.block.walk():
                    if POINTER_ONLY not in block.extra.attributes:
                        yield block.key, block.source
                continue
            yield node.key, node.where
            for component in node.components:
                for key, where, _ in component.names():
                    yield key, where
    for page in pages:
        yield page.key, page.where


def id_of_page(category: str, stem: str) -> str:
    """The id that a page's file has by its name; the day at the start of an update's belongs to it."""
    return (clean_stem(stem) or "unnamed") if category == COURSE_UPDATE else url_name_of(stem)


def _settings_place(entries: Mapping[str, Entry], path: str) -> SourceLocation:
    for entry in entries.values():
        return SourceLocation(entry.where.path, 1)
    return SourceLocation(PurePosixPath(path))


def _ignored(name: str) -> bool:
    return name.startswith(_IGNORED_PREFIXES)


def _looks_like_file(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in (
        ".md",
        ".markdown",
        ".xml",
        ".zip",
        ".yaml",
        ".yml",
        ".html",
    )
