"""A SCORM package to a `Course`: one unit for each SCO, or one unit with the whole package.

The organization's headings become sections and subsections: the first level is the section, what is deeper the subsection;
SCOs that follow one another below the same headings stand in one subsection, in the order of the package. What is launched
keeps its title. A course that has no headings is one section with one subsection.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby
from mimetypes import guess_type
from pathlib import Path, PurePosixPath
from xml.sax.saxutils import escape

from authoring.archives import Package, PackageError
from authoring.decompile.places import title_word
from authoring.diagnostics import Diagnostics, Severity, define
from authoring.model import (
    CHAPTER,
    COURSE,
    ROOT_KEY,
    SEQUENTIAL,
    VERTICAL,
    Asset,
    Block,
    BlockKey,
    Course,
    CourseId,
    FieldValue,
    SourceLocation,
)
from authoring.source.compiler import with_advanced_modules
from authoring.source.names import asset_name_of, url_name_of
from importers import Imported, Lost, ReadOptions, Shape
from importers.scorm.explode import Exploded, explode
from importers.scorm.package import Sco, ScormPackage, read_package
from importers.scorm.prediction import member_names, predict
from importers.scorm.repack import repack
from importers.scorm.single import write_single

SCORM_GROWS = define(
    "scorm-grows",
    Severity.WARNING,
    "The packages of the single SCOs come to much more than the package that they are from, since they share files.",
    "import it with `--as component`, if the SCOs are pages of one lesson rather than lessons of a course",
)
SCORM_NOT_EXPLODED = define(
    "scorm-not-exploded",
    Severity.INFO,
    "A SCO that is more than text, pictures and links. It stays a SCORM component.",
    "nothing; or rebuild the page from components of the course",
)

PACKAGES = PurePosixPath("_packages")
"""Where the packages stand in the course folder."""
_FILES = PurePosixPath("static")
_GROWTH, _MUCH = 3, 50 << 20
_ORG, _RUN = "imported", "1"


def read_scorm(package: Package, options: ReadOptions) -> Imported:
    """The course that a package is, or holds. Raises PackageError when it is not SCORM, or nothing in it can be launched."""
    meant = read_package(package)
    if not meant.scos:
        hint = "export the package again from the tool it comes from"
        raise PackageError(f"{package.name}: nothing in it can be launched", meant.findings, hint)
    return _Reader(package, meant, options).imported()


class _Reader:
    def __init__(self, package: Package, meant: ScormPackage, options: ReadOptions) -> None:
        self.package = package
        self.meant = meant
        self.options = options
        self.findings = Diagnostics(meant.findings)
        self.lost: list[Lost] = []
        self.names: Counter[tuple[str, str]] = Counter()
        self.assets: dict[PurePosixPath, Asset] = {}
        self.packed: set[str] = set()

    def imported(self) -> Imported:
        meant, options = self.meant, self.options
        many = len(meant.scos) > 1
        whole = options.shape is Shape.COMPONENT or (options.shape is Shape.AUTO and not many and not options.explode)
        root = self.whole() if whole else self.split()
        fields: dict[str, FieldValue] = {"display_name": meant.title}
        language = (meant.metadata.language or "").split("-")[0].lower()
        if re.fullmatch("[a-z]{2}", language):
            fields["language"] = language
        name = PurePosixPath(re.sub(r"\.(zip|tar\.gz|tgz)$", "", self.package.name, flags=re.IGNORECASE)).name
        number = re.sub(r"[^A-Za-z0-9._-]+", "-", unicodedata.normalize("NFKC", name)).strip("-.")[:60] or "scorm"
        top = Block(ROOT_KEY, fields, children=root, source=SourceLocation(meant.manifest.path))
        course = Course(
            id=options.course or CourseId(_ORG, number, _RUN),
            root=replace(top, fields=with_advanced_modules(top)),
            assets=tuple(self.assets.values()),
        )
        provenance = {
            "edition": str(meant.edition),
            "identifier": meant.manifest.identifier,
            "title": meant.title,
            "scos": [
                {"title": sco.title, "launch": sco.launch, "mastery_score": sco.mastery_score} for sco in meant.scos
            ],
        }
        return Imported(course, self.findings, tuple(self.lost), provenance)

    # --- the whole package as one component

    def whole(self) -> tuple[Block, ...]:
        meant = self.meant
        original = self.options.original
        if original is not None and original.suffix.casefold() == ".zip":
            file = original
            # The upload packs it anew where the platform would misread it, so nothing of that is grave.
            problems = predict(self.package, member_names(original), meant).problems
            self.findings.extend(replace(problem, severity=Severity.INFO) for problem in problems)
        else:
            file = self.options.scratch / "package.zip"
            repack(self.package, file)
        unit = self.unit(meant.title, self.block(meant.title, self.asset(file, meant.title), _scores(meant.scos)))
        return (self.folder(CHAPTER, meant.title, (self.folder(SEQUENTIAL, meant.title, (unit,)),)),)

    # --- one unit for each SCO

    def split(self) -> tuple[Block, ...]:
        meant = self.meant
        self.account()
        scos = meant.scos
        units = {id(sco): self.name(VERTICAL, sco.title) for sco in scos}
        pages: dict[PurePosixPath, str] = {}
        if self.options.explode:
            for sco in scos:
                if sco.page is not None:
                    pages.setdefault(sco.page, units[id(sco)])
        chapters: list[Block] = []
        for chapter, below in groupby(scos, key=self.chapter):
            subsections = [
                self.folder(
                    SEQUENTIAL,
                    subsection,
                    tuple(self.unit(sco.title, self.component(sco, pages), units[id(sco)]) for sco in group),
                )
                for subsection, group in groupby(below, key=lambda sco: self.subsection(sco, chapter))
            ]
            chapters.append(self.folder(CHAPTER, chapter, tuple(subsections)))
        total = sum(found.size for found in self.package.files.values())
        made = sum(block.package.size for chapter in chapters for block in chapter.walk() if block.package)
        if made > max(_GROWTH * total, _MUCH):
            message = f"{len(scos)} packages of together {made:,} bytes were made of {total:,} bytes"
            self.findings.report(SCORM_GROWS, message, SourceLocation(meant.manifest.path))
        return tuple(chapters)

    def chapter(self, sco: Sco) -> str:
        return sco.trail[0] if sco.trail else self.meant.title

    def subsection(self, sco: Sco, chapter: str) -> str:
        return " – ".join(sco.trail[1:]) or chapter

    def component(self, sco: Sco, pages: Mapping[PurePosixPath, str]) -> Block:
        where = SourceLocation(self.meant.manifest.path, sco.item.line)
        if sco.is_external:
            return self.link(sco, where)
        if self.options.explode:
            found = explode(self.meant, sco, self.file_name, pages)
            if isinstance(found, Exploded):
                return self.html(sco, found, where)
            self.findings.report(SCORM_NOT_EXPLODED, f"{sco.title!r} stays a SCORM component: {found}", where)
        file = self.options.scratch / f"sco-{len(self.packed) + 1}.zip"
        write_single(self.meant, sco, file)
        return self.block(sco.title, self.asset(file, sco.title), _scores((sco,)), where)

    def link(self, sco: Sco, where: SourceLocation) -> Block:
        """A page elsewhere on the web: the platform's SCORM component plays only what is in its package."""
        why = "a page elsewhere on the web cannot tell the platform anything; a link leads to it"
        self.lost.append(Lost(f"score and completion of {sco.title!r}", why, where.path))
        address = escape(sco.launch, {'"': "&quot;"})
        html = f'<p><a href="{address}" target="_blank" rel="noopener">{escape(sco.title)}</a></p>'
        return Block(BlockKey("html", "-"), {"display_name": sco.title, "editor": "raw"}, html, source=where)

    def html(self, sco: Sco, found: Exploded, where: SourceLocation) -> Block:
        for path, name in found.files.items():
            file = self.package.files[path].file
            self.assets.setdefault(path, _asset(file, _FILES / name, name, guess_type(name)[0], where))
        for what in found.lost:
            self.lost.append(Lost(f"{what} of {sco.title!r}", "a component looks as the platform makes it", sco.page))
        if sco.mastery_score is not None:
            self.lost.append(Lost(f"mastery score of {sco.title!r}", "a page without questions has no score", sco.page))
        return Block(BlockKey("html", "-"), {"display_name": sco.title, "editor": "raw"}, found.html, source=where)

    def file_name(self, path: PurePosixPath) -> str:
        """The platform's flat name of a file; files that would share one are told apart by their folders."""
        relative = path.relative_to(self.meant.root)
        return asset_name_of(PurePosixPath("static") / "_".join(relative.parts))

    def account(self) -> None:
        """What a package says of the way through its parts, and a course's units do not."""
        meant = self.meant
        path = meant.manifest.path
        items = [activity.item for top in meant.activities for activity in top.walk()]
        for what, found in (
            ("prerequisites", [item for item in items if item.prerequisites]),
            ("sequencing rules", [item for item in items if item.sequencing and "Rule" in item.sequencing]),
        ):
            if found:
                why = "the platform's SCORM component knows nothing of its siblings; use the course's own prerequisites"
                self.lost.append(Lost(f"{what} of {len(found)} items", why, path))
        others = [one for one in meant.manifest.organizations if one is not meant.organization and one.items]
        for organization in others:
            why = "a course has one order; the package's default organization was read"
            self.lost.append(Lost(f"organization {organization.title or organization.identifier}", why, path))

    # --- blocks

    def name(self, category: str, title: str) -> str:
        """A new id, as the file or folder of that title would give it."""
        wanted = url_name_of(title_word(Block(BlockKey(category, "-"), {"display_name": title})))
        self.names[category, wanted] += 1
        number = self.names[category, wanted]
        return wanted if number == 1 else self.name(category, f"{wanted}-{number}")

    def folder(self, category: str, title: str, children: tuple[Block, ...]) -> Block:
        return Block(BlockKey(category, self.name(category, title)), {"display_name": title}, children=children)

    def unit(self, title: str, component: Block, name: str | None = None) -> Block:
        name = name or self.name(VERTICAL, title)
        # What learners do in a package is kept under its id, so it has one of its own; a text needs none.
        is_text = component.category == "html"
        key = BlockKey(component.category, f"{name}-html-1" if is_text else f"{name}-package")
        inner = replace(component, key=key, implicit_id=is_text)
        return Block(BlockKey(VERTICAL, name), {"display_name": title}, children=(inner,), source=component.source)

    def block(self, title: str, package: Asset, scores: bool, where: SourceLocation | None = None) -> Block:
        fields: dict[str, FieldValue] = {"display_name": title}
        if not scores:
            fields["has_score"] = False
        return Block(BlockKey("scorm", "-"), fields, package=package, source=where)

    def asset(self, file: Path, title: str) -> Asset:
        word = title_word(Block(BlockKey(COURSE, "-"), {"display_name": title})) or "package"
        name, number = f"{word}.zip", 2
        while name.casefold() in self.packed:
            name, number = f"{word}-{number}.zip", number + 1
        self.packed.add(name.casefold())
        return _asset(file, PACKAGES / name, name, "application/zip", None)


def _scores(scos: tuple[Sco, ...]) -> bool:
    """Whether the LMS is told anything: an asset is only shown."""
    return any((sco.resource.scorm_type or "sco").casefold() != "asset" for sco in scos)


def _asset(file: Path, path: PurePosixPath, name: str, kind: str | None, where: SourceLocation | None) -> Asset:
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return Asset(name, path, digest, file.stat().st_size, kind or "application/octet-stream", file=file, source=where)
