"""An open package to `ScormPackage`: the course as it was meant, with the files of each part.

The nearest manifest to the top is the package's; everything is relative to its folder, the root. Items become activities in
the order of the default organization; what can be launched is a `Sco`, whether or not it talks to the SCORM API (`asset`).
References into manifests within the manifest are followed. A file is found by its name as written, with %-escapes
resolved, and at last without regard to case, which is reported, because a web server does regard it.

Sources: SCORM 1.2 CAM 2.3.5; SCORM 2004 CAM 3.4.2 (launch with parameters); IMS Content Packaging 1.1.4 (manifests within);
cmi5 specification 14 (`cmi5.xml`); AICC CMI001 (`.crs`, `.au`, `.des`, `.cst`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import PurePosixPath

from authoring.archives import Package, PackageError
from authoring.diagnostics import Code, Diagnostic, Diagnostics, Severity, define
from authoring.model import SourceLocation
from importers.scorm.elements import MAX_XML
from importers.scorm.locate import (
    MANIFEST_NAME,
    Locator,
    find_manifest,
    first_page,
    is_external,
    is_junk,
    manifests,
    with_parameters,
)
from importers.scorm.manifest import (
    SCORM_REFERENCE,
    Edition,
    Item,
    Manifest,
    Organization,
    Resource,
    read_manifest,
)
from importers.scorm.metadata import NO_METADATA, Metadata, read_metadata

NOT_SCORM = define(
    "not-scorm",
    Severity.ERROR,
    "A package that is not SCORM.",
    "export it as SCORM 1.2 or SCORM 2004 from the tool it was made with",
)
SCORM_MANIFEST_PLACE = define(
    "scorm-manifest-place",
    Severity.WARNING,
    "A SCORM manifest that is not at the top of the package, is not called imsmanifest.xml, or is one of several.",
    "zip the contents of the folder, not the folder; the file must be called imsmanifest.xml, in lower case",
)
SCORM_MISSING_FILE = define(
    "scorm-missing-file",
    Severity.WARNING,
    "A SCORM manifest names a file that the package does not hold.",
    "add the file, or take it out of the manifest",
)
SCORM_FILE_NAME = define(
    "scorm-file-name",
    Severity.WARNING,
    "A SCORM manifest spells a file's name in another case than the package does.",
    "spell both alike: web servers tell upper from lower case",
)
SCORM_SURPLUS_FILE = define(
    "scorm-surplus-file",
    Severity.INFO,
    "A SCORM package holds files that its manifest does not name.",
    "nothing, as long as the package is kept whole; files that no page needs can be left out",
)
SCORM_ORGANIZATIONS = define(
    "scorm-organizations",
    Severity.INFO,
    "A SCORM package has several organizations, or none.",
    "the default one is read; name another one in the attribute `default` of organizations",
)
SCORM_NOTHING_TO_LAUNCH = define(
    "scorm-nothing-to-launch",
    Severity.ERROR,
    "A SCORM package in which no item leads to a page.",
    "give a resource an href, and let an item refer to it",
)

UNTITLED = "Untitled"
_EXAMPLES = 5
_SCHEMA_FILES = (".xsd", ".dtd", ".xsx", ".mod", ".ent")
_CARTRIDGE = re.compile(rb"imsccv1p\d|imscc_v1p\d|common cartridge|associatedcontent/imscc", re.IGNORECASE)
_QTI = re.compile(rb"""imsqti_|type\s*=\s*["']imsqti|>\s*qtiv?\d?[\d.]*\s*package|imsqtiasi""", re.IGNORECASE)
_ADL = re.compile(rb"adlcp_|adl scorm|scormtype", re.IGNORECASE)


class Kind(StrEnum):
    """What a package is."""

    SCORM = "SCORM"
    CMI5 = "cmi5"
    AICC = "AICC"
    COMMON_CARTRIDGE = "Common Cartridge"
    QTI = "QTI"
    NONE = "none of the known formats"


@dataclass(frozen=True, slots=True)
class Sco:
    """What an item launches."""

    item: Item
    resource: Resource
    title: str
    trail: tuple[str, ...]
    """Titles of the items it is in, from the top."""
    launch: str
    """URL relative to the root, with the item's parameters."""
    page: PurePosixPath | None
    """The launched file in the package; None when it is missing, or elsewhere on the web."""
    files: tuple[PurePosixPath, ...]
    """What the manifest says it needs, with its dependencies, in the package; sorted."""
    missing: tuple[str, ...]
    """URLs of needed files that the package lacks."""

    @property
    def mastery_score(self) -> float | None:
        return self.item.mastery_score

    @property
    def is_external(self) -> bool:
        return is_external(self.launch)


@dataclass(frozen=True, slots=True)
class Activity:
    """An item of the course as it was meant: a heading, something to launch, or both."""

    item: Item
    title: str
    sco: Sco | None
    children: tuple[Activity, ...]

    def walk(self) -> Iterator[Activity]:
        yield self
        for activity in self.children:
            yield from activity.walk()


@dataclass(frozen=True, slots=True)
class ScormPackage:
    """A SCORM package as it was meant. Paths are paths in the package, URLs are relative to `root`."""

    package: Package
    manifest: Manifest
    root: PurePosixPath
    title: str
    metadata: Metadata
    organization: Organization | None
    activities: tuple[Activity, ...]
    missing: tuple[str, ...]
    """URLs of files that the manifest names and the package lacks."""
    surplus: tuple[PurePosixPath, ...]
    """Files below the root that the manifest does not name, other than schemas and what operating systems leave."""
    findings: Diagnostics = field(default_factory=Diagnostics, compare=False)

    @property
    def edition(self) -> Edition:
        return self.manifest.edition

    @property
    def scos(self) -> tuple[Sco, ...]:
        """What can be launched, in the order of the course."""
        return tuple(found.sco for activity in self.activities for found in activity.walk() if found.sco is not None)


def recognise(package: Package) -> Kind:
    """What the package is, by the names and the manifest in it."""
    path = find_manifest(package.files)
    if path is not None:
        with package.files[path].file.open("rb") as stream:
            start = stream.read(1 << 16).replace(b"\0", b"")  # UTF-16 without its zeros will do for a search
        if _CARTRIDGE.search(start):
            return Kind.COMMON_CARTRIDGE
        if _QTI.search(start) and not _ADL.search(start):
            return Kind.QTI
        return Kind.SCORM
    names = {path.name.casefold() for path in package.files}
    suffixes = {path.suffix.casefold() for path in package.files}
    if "cmi5.xml" in names:
        return Kind.CMI5
    if ".crs" in suffixes and suffixes & {".au", ".des", ".cst"}:
        return Kind.AICC
    return Kind.NONE


def read_package(package: Package) -> ScormPackage:
    """The course in a package. Raises PackageError when it is not SCORM, or its manifest holds nothing."""
    kind = recognise(package)
    path = find_manifest(package.files)
    if kind is not Kind.SCORM or path is None:
        raise _not_scorm(package, kind)
    findings = Diagnostics()
    manifest = read_manifest(package.read(path, MAX_XML), path, findings)
    if manifest is None:
        message = f"{package.name}: its manifest cannot be read"
        raise PackageError(message, findings, "export the package again from the tool it comes from")
    return _Reader(package, manifest, findings).read()


def _not_scorm(package: Package, kind: Kind) -> PackageError:
    if kind is Kind.NONE:
        message = f"it holds no {MANIFEST_NAME}, so it is not a SCORM package"
        hint = "zip the exported folder with imsmanifest.xml in it; a SCORM package is never a single page or video"
    elif kind in (Kind.CMI5, Kind.AICC):
        message = f"it is a {kind} package, not SCORM; the platform cannot play {kind}"
        hint = "export it as SCORM 1.2 or SCORM 2004 from the tool it was made with"
    else:
        message = f"it is a {kind} package, not SCORM"
        hint = "import it as what it is"
    return PackageError(f"{package.name}: {message}", [Diagnostic(NOT_SCORM, message, None, hint)], hint)


class _Reader:
    def __init__(self, package: Package, manifest: Manifest, findings: Diagnostics) -> None:
        self.package = package
        self.manifest = manifest
        self.findings = findings
        self.root = manifest.path.parent
        self.locator = Locator(package.files, self.root)
        self.resources: dict[tuple[int, str], Resource] = {}
        self.anywhere: dict[str, Resource] = {}
        self.within = {found.identifier: found for found in manifest.walk() if found.identifier}
        for found in manifest.walk():
            for resource in found.resources:
                if resource.identifier:
                    self.resources.setdefault((id(found), resource.identifier), resource)
                    self.anywhere.setdefault(resource.identifier, resource)

    def where(self, line: int | None) -> SourceLocation:
        return SourceLocation(self.manifest.path, line)

    def report(self, code: Code, message: str, line: int | None = None, hint: str | None = None) -> None:
        self.findings.report(code, message, self.where(line), hint)

    def read(self) -> ScormPackage:
        self.check_place()
        organization = self.organization(self.manifest)
        activities = (
            self.activities(organization.items, self.manifest, (), frozenset())
            if organization is not None
            else self.loose_resources()
        )
        scos = [found.sco for activity in activities for found in activity.walk() if found.sco is not None]
        if not scos:
            self.report(SCORM_NOTHING_TO_LAUNCH, "no item leads to a page", self.manifest.line)
        metadata = self.metadata(organization)
        title = (organization.title if organization else None) or metadata.title
        if title is None:
            title = scos[0].title if len(scos) == 1 else PurePosixPath(self.package.name).stem
        missing, surplus = self.files(scos)
        return ScormPackage(
            package=self.package,
            manifest=self.manifest,
            root=self.root,
            title=title,
            metadata=metadata,
            organization=organization,
            activities=activities,
            missing=missing,
            surplus=surplus,
            findings=self.findings,
        )

    def check_place(self) -> None:
        path = self.manifest.path
        if path.name != MANIFEST_NAME:
            message = f"the manifest is called {path.name}; the platform looks for {MANIFEST_NAME}"
            self.report(SCORM_MANIFEST_PLACE, message, None, "rename the file")
        if self.root.parts:
            self.report(SCORM_MANIFEST_PLACE, f"the manifest is in the folder {self.root}, not at the top")
        others = [other for other in manifests(self.package.files) if other != path]
        if others:
            named = ", ".join(map(str, others[:_EXAMPLES]))
            message = f"there are {len(others) + 1} manifests; this one is read, not {named}"
            self.report(SCORM_MANIFEST_PLACE, message, None, "keep one course in one package")

    # --- the course

    def organization(self, manifest: Manifest) -> Organization | None:
        """The default organization; where it holds nothing, the first that does."""
        found = manifest.organizations
        if not found:
            if manifest is self.manifest:
                message = "there is no organization; every resource with an href and of the type SCO is an item"
                self.report(SCORM_ORGANIZATIONS, message, manifest.line)
            return None
        chosen = next(
            (one for one in found if one.identifier and one.identifier == manifest.default_organization), None
        )
        if chosen is None or not chosen.items:
            chosen = next((one for one in found if one.items), chosen or found[0])
        if len(found) > 1 and manifest is self.manifest:
            others = ", ".join(repr(one.title or one.identifier or "") for one in found if one is not chosen)
            message = f"of {len(found)} organizations, {chosen.title or chosen.identifier!r} is read, not {others}"
            self.report(SCORM_ORGANIZATIONS, message, chosen.line)
        return chosen

    def activities(
        self, items: Iterable[Item], manifest: Manifest, trail: tuple[str, ...], open_manifests: frozenset[str]
    ) -> tuple[Activity, ...]:
        found = []
        for item in items:
            title = item.title or item.metadata.title or item.identifier or UNTITLED
            below = (*trail, title)
            children = self.activities(item.items, manifest, below, open_manifests)
            resource = self.resource(item, manifest)
            if resource is None and item.resource in self.within and item.resource not in open_manifests:
                inner = self.within[item.resource]
                organization = self.organization(inner)
                if organization is not None:
                    opened = open_manifests | {item.resource}
                    children = (*children, *self.activities(organization.items, inner, below, opened))
            elif resource is None and item.resource is not None:
                message = f"the item {title!r} refers to the resource {item.resource!r}, which does not exist"
                self.report(SCORM_REFERENCE, message, item.line)
            found.append(Activity(item, title, self.sco(item, resource, title, trail, manifest), children))
        return tuple(found)

    def resource(self, item: Item, manifest: Manifest) -> Resource | None:
        if item.resource is None:
            return None
        own = self.resources.get((id(manifest), item.resource))
        if own is not None or item.resource in self.within:
            return own
        return self.anywhere.get(item.resource)

    def loose_resources(self) -> tuple[Activity, ...]:
        """Items for a package without an organization: each SCO, else the first resource that can be launched."""
        launchable = [one for inner in self.manifest.walk() for one in inner.resources if one.href]
        chosen = [one for one in launchable if one.scorm_type == "sco"] or launchable[:1]
        found = []
        for resource in chosen:
            title = resource.metadata.title or PurePosixPath(resource.href or "").stem
            item = Item(
                identifier=None,
                title=title,
                resource=resource.identifier,
                parameters=None,
                visible=True,
                mastery_score=None,
                max_time_allowed=None,
                time_limit_action=None,
                data_from_lms=None,
                prerequisites=None,
                completion_threshold=None,
                sequencing=None,
                metadata=NO_METADATA,
                items=(),
                line=resource.line,
            )
            found.append(Activity(item, title, self.sco(item, resource, title, (), self.manifest), ()))
        return tuple(found)

    def sco(
        self, item: Item, resource: Resource | None, title: str, trail: tuple[str, ...], manifest: Manifest
    ) -> Sco | None:
        if resource is None:
            return None
        if resource.href is None:
            page = first_page(resource.files)
            message = f"the item {title!r} leads to the resource {resource.identifier!r}, which has no href"
            if page is None:
                self.report(SCORM_REFERENCE, message, resource.line, "give the resource an href")
                return None
            message += f"; the first page of its files, {page}, is taken"
            self.report(SCORM_REFERENCE, message, resource.line, "give the resource an href")
            resource = replace(resource, href=page)
        href = resource.href or ""
        urls = tuple(self.needed(resource, manifest, set()))
        located = {url: self.locator.find(url) for url in urls if not is_external(url)}
        return Sco(
            item=item,
            resource=resource,
            title=title,
            trail=trail,
            launch=with_parameters(href, item.parameters),
            page=None if is_external(href) else located[href],
            files=tuple(sorted({path for path in located.values() if path is not None})),
            missing=tuple(url for url, path in located.items() if path is None),
        )

    def needed(self, resource: Resource, manifest: Manifest, seen: set[int]) -> Iterator[str]:
        """URLs of the files of a resource and of what it depends on, each resource once."""
        stack = [resource]
        while stack:
            current = stack.pop()
            if id(current) in seen:
                continue
            seen.add(id(current))
            if current.href:
                yield current.href
            yield from current.files
            for name in reversed(current.dependencies):
                other = self.resources.get((id(manifest), name)) or self.anywhere.get(name)
                if other is not None:
                    stack.append(other)

    # --- what is beside the manifest

    def metadata(self, organization: Organization | None) -> Metadata:
        """What the package says of itself, then what its organization does; for each first inline, then beside."""
        found = self.manifest.metadata.or_else(self.beside(self.manifest.metadata))
        if organization is not None:
            found = found.or_else(organization.metadata).or_else(self.beside(organization.metadata))
        return found

    def beside(self, metadata: Metadata) -> Metadata:
        found = NO_METADATA
        for url in metadata.locations:
            path = self.locator.find(url)
            if path is None:
                self.report(SCORM_MISSING_FILE, f"the metadata file {url} is missing", self.manifest.line)
            else:
                found = found.or_else(read_metadata(self.package.read(path, MAX_XML), path, self.findings))
        return found

    def files(self, scos: list[Sco]) -> tuple[tuple[str, ...], tuple[PurePosixPath, ...]]:
        """What the manifest names and the package lacks, and the other way round."""
        named: set[PurePosixPath] = set()
        missing: list[str] = []
        for manifest in self.manifest.walk():
            known = {resource.identifier for resource in manifest.resources} | self.anywhere.keys()
            for resource in manifest.resources:
                urls = dict.fromkeys((*((resource.href,) if resource.href else ()), *resource.files))
                lacking = [url for url in urls if not self.note_file(url, resource, named)]
                if lacking:
                    missing += lacking
                    examples = ", ".join(lacking[:_EXAMPLES])
                    more = f" and {len(lacking) - _EXAMPLES:,} more" if len(lacking) > _EXAMPLES else ""
                    message = f"the resource {resource.identifier!r} needs {examples}{more}: not in the package"
                    self.report(SCORM_MISSING_FILE, message, resource.line)
                for name in resource.dependencies:
                    if name not in known:
                        message = f"the resource {resource.identifier!r} depends on {name!r}, which does not exist"
                        self.report(SCORM_REFERENCE, message, resource.line)
        launched = {sco.page for sco in scos}
        beside = {path for text in _locations(self.manifest) if (path := self.locator.find(text)) is not None}
        surplus = tuple(
            path
            for path in self.package.files
            if path.is_relative_to(self.root)
            and path not in named | launched | beside
            and path.name.casefold() != MANIFEST_NAME
            and path.suffix.casefold() not in _SCHEMA_FILES
            and not is_junk(path)
        )
        if surplus:
            examples = ", ".join(map(str, surplus[:_EXAMPLES]))
            more = f" and {len(surplus) - _EXAMPLES:,} more" if len(surplus) > _EXAMPLES else ""
            self.report(SCORM_SURPLUS_FILE, f"not named in the manifest: {examples}{more}")
        return tuple(dict.fromkeys(missing)), surplus

    def note_file(self, url: str, resource: Resource, named: set[PurePosixPath]) -> bool:
        """Count a file as named; False when it should be in the package and is not."""
        if is_external(url):
            return True
        path = self.locator.find(url)
        if path is None:
            return False
        if path not in named and not self.locator.is_spelled_right(url):
            message = f"{url} is spelled {path.relative_to(self.root)} in the package"
            self.report(SCORM_FILE_NAME, message, resource.line)
        named.add(path)
        return True


def _locations(manifest: Manifest) -> Iterator[str]:
    """Names of all metadata files beside the manifest."""
    for inner in manifest.walk():
        yield from inner.metadata.locations
        for resource in inner.resources:
            yield from resource.metadata.locations
        for organization in inner.organizations:
            yield from organization.metadata.locations
            for item in organization.walk():
                yield from item.metadata.locations
