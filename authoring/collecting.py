"""Many packages to one course: a unit for each package that is one component, a subsection for each that is a course.

Sections are the folders in which the packages stand, in the order of their names; what stands at the top is in a section
with the name of the collection. A package that cannot be read is said, and leaves the others alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from authoring.archives import open_package
from authoring.diagnostics import Diagnostic, Diagnostics
from authoring.errors import SourceError
from authoring.importing import (
    ImportOptions,
    ImportResult,
    check_destination,
    read_package,
    scratch_folder,
    write_course,
)
from authoring.model import (
    CHAPTER,
    ROOT_KEY,
    SEQUENTIAL,
    VERTICAL,
    Asset,
    Block,
    BlockKey,
    Course,
    CourseId,
    FieldValue,
)
from authoring.references import JUMP_LINK
from authoring.source.compiler import with_advanced_modules
from authoring.source.names import title_of, url_name_of
from importers import Imported, Lost

Progress = Callable[[int, int], None]
"""Told how many packages were read, and how many there are."""

_OWN_COURSE = "olx"


def collect_packages(
    sources: Sequence[Path],
    destination: Path,
    course: CourseId,
    *,
    title: str | None = None,
    options: ImportOptions | None = None,
    progress: Progress | None = None,
) -> ImportResult:
    """Read all `sources` (packages) into one new course folder.

    Raises SourceError when none of them can be read, or the folder cannot be written; then it is as it was.
    """
    options = options or ImportOptions()
    check_destination(destination, options)
    top = _common_folder(sources)
    title = title or title_of(top.name or course.number)
    with ExitStack() as open_files:
        scratch = open_files.enter_context(scratch_folder())
        joined = _Joined(title)
        for number, source in enumerate(sorted(sources, key=_order)):
            own = scratch / str(number)
            own.mkdir()
            with ExitStack() as attempt:
                try:
                    package = attempt.enter_context(open_package(source))
                    name, imported = read_package(package, options, source, own)
                except SourceError as error:
                    joined.refuse(source, top, error)
                else:
                    imported.findings.extend(package.findings)
                    if name == _OWN_COURSE:
                        joined.refuse(
                            source, top, SourceError("it is a course of its own", hint="migrate it by itself")
                        )
                    else:
                        joined.add(source, top, imported)
                        open_files.push(attempt.pop_all())  # its files are read when all is written
            if progress is not None:
                progress(number + 1, len(sources))
        if not joined.count:
            raise SourceError(f"none of the {len(sources)} packages can be read", joined.findings)
        return write_course(title, "collection", joined.imported(course), destination, options)


def _order(path: Path) -> tuple[tuple[str, ...], str]:
    return path.parent.parts, path.name


def _common_folder(sources: Sequence[Path]) -> Path:
    folders = [source.resolve().parent for source in sources]
    top = folders[0]
    while not all(folder.is_relative_to(top) for folder in folders):
        top = top.parent
    return top


@dataclass(slots=True)
class _Joined:
    """The course in the making."""

    title: str
    sections: dict[str, list[Block]] = field(default_factory=dict)
    assets: list[Asset] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    findings: Diagnostics = field(default_factory=Diagnostics)
    taken: set[tuple[str, str]] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    count: int = 0

    def refuse(self, source: Path, top: Path, error: SourceError) -> None:
        place = PurePosixPath(source.resolve().relative_to(top).as_posix())
        self.lost.append(Lost(f"package {place}", error.message, place))
        self.findings.extend(_of_package(error.diagnostics, place))

    def add(self, source: Path, top: Path, imported: Imported) -> None:
        place = PurePosixPath(source.resolve().relative_to(top).as_posix())
        self.count += 1
        self.findings.extend(_of_package(imported.findings, place))
        self.lost += [replace(lost, what=f"{place}: {lost.what}") for lost in imported.lost]
        course = imported.course
        files = {asset.path: self.renamed(asset) for asset in course.assets}
        self.assets += files.values()
        links = {asset.name: files[asset.path].name for asset in course.assets}
        section = self.sections.setdefault(" – ".join(map(title_of, place.parent.parts)) or self.title, [])
        units = [block for block in course.root.walk() if block.category == VERTICAL]
        ids = {unit.url_name: self.name(VERTICAL, unit.url_name) for unit in units}
        if len(units) == 1:
            unit = self.moved(units[0], ids, links)
            if section and section[-1].key.url_name == "":
                section[-1] = replace(section[-1], children=(*section[-1].children, unit))
            else:
                section.append(Block(BlockKey(SEQUENTIAL, ""), children=(unit,)))
            return
        for subsection in (block for block in course.root.walk() if block.category == SEQUENTIAL):
            names = dict.fromkeys((course.root.display_name or "", subsection.display_name or ""))
            fields: dict[str, FieldValue] = {**subsection.fields, "display_name": " – ".join(filter(None, names))}
            children = tuple(self.moved(unit, ids, links) for unit in subsection.children)
            section.append(
                Block(
                    BlockKey(SEQUENTIAL, self.name(SEQUENTIAL, subsection.url_name)),
                    fields,
                    children=children,
                    extra=subsection.extra,
                    source=subsection.source,
                )
            )

    def name(self, category: str, wanted: str) -> str:
        found, number = wanted, 2
        while (category, found) in self.taken:
            found, number = f"{wanted}-{number}", number + 1
        self.taken.add((category, found))
        return found

    def renamed(self, asset: Asset) -> Asset:
        """The file under a path and a name that no other package has."""
        path, number = asset.path, 2
        while str(path).casefold() in self.files:
            path, number = asset.path.with_stem(f"{asset.path.stem}-{number}"), number + 1
        self.files.add(str(path).casefold())
        return asset if path == asset.path else replace(asset, path=path, name=path.name)

    def moved(self, unit: Block, ids: Mapping[str, str], links: Mapping[str, str]) -> Block:
        """A unit with its new id, and with links that lead where they led."""
        new = ids[unit.url_name]

        def text(content: str | None) -> str | None:
            if content is None:
                return None
            content = JUMP_LINK.sub(lambda found: f"/jump_to_id/{ids.get(found[1], found[1])}", content)
            for old, name in links.items():
                if old != name:
                    content = re.sub(rf"/static/{re.escape(old)}(?![\w.-])", f"/static/{name}", content)
            return content

        children = tuple(
            replace(
                child,
                key=BlockKey(child.category, child.url_name.replace(unit.url_name, new, 1)),
                content=text(child.content),
                package=None if child.package is None else self.renamed(child.package),
            )
            for child in unit.children
        )
        return replace(unit, key=BlockKey(VERTICAL, new), children=children)

    def imported(self, course: CourseId) -> Imported:
        chapters = []
        for title, subsections in self.sections.items():
            named = tuple(self.subsection(block, title) for block in subsections)
            key = BlockKey(CHAPTER, self.name(CHAPTER, url_name_of(title)))
            chapters.append(Block(key, {"display_name": title}, children=named))
        root = Block(ROOT_KEY, {"display_name": self.title}, children=tuple(chapters))
        root = replace(root, fields=with_advanced_modules(root))
        return Imported(Course(course, root, assets=tuple(self.assets)), self.findings, tuple(self.lost))

    def subsection(self, block: Block, title: str) -> Block:
        if block.url_name:
            return block
        key = BlockKey(SEQUENTIAL, self.name(SEQUENTIAL, url_name_of(title)))
        return replace(block, key=key, fields={"display_name": title})


def _of_package(findings: Sequence[Diagnostic] | Diagnostics, place: PurePosixPath) -> Iterator[Diagnostic]:
    for finding in findings:
        yield replace(finding, message=f"{place}: {finding.message}")
