"""imsmanifest.xml to `Manifest`: everything the toolkit uses of it, each with its line.

Tolerant on purpose: what a learning management system of the last twenty years launched, this reads. What is wrong is
reported and read as far as sense allows. References stay as they are written (`Item.resource` is an identifier); files are
named as URLs with `xml:base` resolved and back slashes turned. :mod:`importers.scorm.package` joins them with the package.

Sources: SCORM 1.2 CAM 2.3; SCORM 2004 CAM 3.4 (manifest), 5 (sequencing); IMS Simple Sequencing 1.0 (defaults of
objectives); RFC 3986 5.2 (references).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from urllib.parse import urljoin

from lxml import etree

from authoring.diagnostics import Diagnostics, Severity, define
from authoring.model import SourceLocation
from importers.scorm.elements import (
    XML_BASE,
    Element,
    attribute,
    child,
    children,
    holders,
    line_of,
    local_name,
    parse_xml,
    text_of,
)
from importers.scorm.metadata import NO_METADATA, Metadata, metadata_of

SCORM_MANIFEST = define(
    "scorm-manifest",
    Severity.ERROR,
    "A SCORM manifest that holds no course: not a manifest, or one without resources.",
    "export the package again; imsmanifest.xml must hold the elements organizations and resources",
)
SCORM_REFERENCE = define(
    "scorm-reference",
    Severity.WARNING,
    "Something in a SCORM manifest refers to what the manifest does not hold.",
    "correct the identifier, or remove what refers to it",
)
SCORM_ODD_MANIFEST = define(
    "scorm-odd-manifest",
    Severity.WARNING,
    "A SCORM manifest that breaks a rule of the standard, but can be read.",
    "export the package again, or correct the manifest; other systems may not read it",
)


class Edition(StrEnum):
    """The edition of SCORM a package is made for."""

    SCORM_12 = "SCORM 1.2"
    SCORM_2004_2ND = "SCORM 2004 2nd Edition"
    """Also what uses the namespaces of 2004 and does not say its edition."""
    SCORM_2004_3RD = "SCORM 2004 3rd Edition"
    SCORM_2004_4TH = "SCORM 2004 4th Edition"
    UNKNOWN = "unknown"

    @property
    def is_2004(self) -> bool:
        return self.name.startswith("SCORM_2004")


@dataclass(frozen=True, slots=True)
class Resource:
    """Files that are launched or used together. `href`, `files`: URLs relative to the manifest, `base` resolved."""

    identifier: str | None
    type: str | None
    scorm_type: str | None
    """`sco` or `asset`, in lower case."""
    href: str | None
    base: str
    files: tuple[str, ...]
    dependencies: tuple[str, ...]
    metadata: Metadata
    line: int | None


@dataclass(frozen=True, slots=True)
class Item:
    """A node of an organization. `resource` is an identifier; `parameters` go into the query string on launch."""

    identifier: str | None
    title: str | None
    resource: str | None
    parameters: str | None
    visible: bool
    mastery_score: float | None
    """In percent. 1.2: `adlcp:masteryscore`; 2004: the primary objective's minimum normalized measure times 100."""
    max_time_allowed: str | None
    """As written: `HH:MM:SS` in 1.2, an ISO duration (the attempt's absolute limit) in 2004."""
    time_limit_action: str | None
    data_from_lms: str | None
    prerequisites: str | None
    completion_threshold: float | None
    """From 0 to 1; only 2004."""
    sequencing: str | None
    """The `imsss:sequencing` element as XML."""
    metadata: Metadata
    items: tuple[Item, ...]
    line: int | None

    def walk(self) -> Iterator[Item]:
        """This item and all below it, in the order of the course."""
        yield self
        for item in self.items:
            yield from item.walk()


@dataclass(frozen=True, slots=True)
class Organization:
    """One way to arrange the resources as a course."""

    identifier: str | None
    title: str | None
    items: tuple[Item, ...]
    sequencing: str | None
    metadata: Metadata
    line: int | None

    def walk(self) -> Iterator[Item]:
        for item in self.items:
            yield from item.walk()


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest; `sub_manifests` are whole packages within it, whose identifiers items may refer to."""

    path: PurePosixPath
    identifier: str | None
    version_text: str | None
    """`schemaversion` as written."""
    schema: str | None
    edition: Edition
    default_organization: str | None
    organizations: tuple[Organization, ...]
    resources: tuple[Resource, ...]
    metadata: Metadata
    sequencing_collection: str | None
    """The `imsss:sequencingCollection` element as XML; items refer into it."""
    sub_manifests: tuple[Manifest, ...]
    line: int | None

    def walk(self) -> Iterator[Manifest]:
        """This manifest and all within it."""
        yield self
        for manifest in self.sub_manifests:
            yield from manifest.walk()


def read_manifest(data: bytes, path: PurePosixPath, diagnostics: Diagnostics) -> Manifest | None:
    """The manifest in the bytes of a file at `path`; None, with an error reported, when they hold none."""
    root = parse_xml(data, path, diagnostics)
    if root is None:
        return None
    if local_name(root) != "manifest":
        message = f"the root element is {etree.QName(root).localname!r}, not 'manifest'"
        diagnostics.report(SCORM_MANIFEST, message, SourceLocation(path, line_of(root)))
        return None
    return _Reader(path, root, diagnostics).manifest(root, "")


class _Reader:
    """What the parts of one manifest share while it is read."""

    def __init__(self, path: PurePosixPath, root: Element, diagnostics: Diagnostics) -> None:
        self.path = path
        self.root = root
        self.diagnostics = diagnostics
        self.collections = {
            name: sequencing
            for collection in root.iter()
            if local_name(collection) == "sequencingcollection"
            for sequencing in children(collection, "sequencing")
            if (name := attribute(sequencing, "id"))
        }

    def odd(self, message: str, element: Element, hint: str | None = None) -> None:
        self.diagnostics.report(SCORM_ODD_MANIFEST, message, SourceLocation(self.path, line_of(element)), hint)

    def manifest(self, element: Element, base: str) -> Manifest:
        base = resolve_base(element, base)
        schema, version = _schema(element)
        organizations = next(holders(element, "organizations"), None)
        resources = tuple(
            self.resource(found, resolve_base(holder, base))
            for holder in holders(element, "resources")
            for found in children(holder, "resource")
        )
        metadata = child(element, "metadata")
        collection = child(element, "sequencingcollection")
        default = attribute(organizations, "default") if organizations is not None else None
        read = Manifest(
            path=self.path,
            identifier=attribute(element, "identifier"),
            version_text=version,
            schema=schema,
            edition=_edition(version, self.root, element),
            default_organization=default,
            organizations=tuple(
                self.organization(found)
                for holder in holders(element, "organizations")
                for found in children(holder, "organization")
            ),
            resources=resources,
            metadata=metadata_of(metadata) if metadata is not None else NO_METADATA,
            sequencing_collection=_xml(collection),
            sub_manifests=tuple(self.manifest(found, base) for found in children(element, "manifest")),
            line=line_of(element),
        )
        self.check_identifiers(read, organizations if organizations is not None else element)
        if element is self.root and not any(manifest.resources for manifest in read.walk()):
            where = SourceLocation(self.path, line_of(element))
            self.diagnostics.report(SCORM_MANIFEST, "it has no resources: there is nothing to launch", where)
        return read

    def check_identifiers(self, manifest: Manifest, organizations: Element) -> None:
        known = {organization.identifier for organization in manifest.organizations}
        default = manifest.default_organization
        if default and manifest.organizations and default not in known:
            message = f"the default organization {default!r} does not exist; the first one is used"
            where = SourceLocation(self.path, line_of(organizations))
            self.diagnostics.report(SCORM_REFERENCE, message, where)
        for organization in manifest.organizations:
            if not organization.identifier:
                where = SourceLocation(self.path, organization.line)
                self.diagnostics.report(SCORM_ODD_MANIFEST, "an organization without an identifier", where)
        seen: set[str] = set()
        for resource in manifest.resources:
            where = SourceLocation(self.path, resource.line)
            if not resource.identifier:
                self.diagnostics.report(SCORM_ODD_MANIFEST, "a resource without an identifier", where)
            elif resource.identifier in seen:
                message = f"a second resource {resource.identifier!r}; the first one is used"
                self.diagnostics.report(SCORM_ODD_MANIFEST, message, where)
            seen.add(resource.identifier or "")

    # --- organizations

    def organization(self, element: Element) -> Organization:
        metadata = child(element, "metadata")
        return Organization(
            identifier=attribute(element, "identifier"),
            title=text_of(child(element, "title")),
            items=tuple(self.item(found) for found in children(element, "item")),
            sequencing=_xml(child(element, "sequencing")),
            metadata=metadata_of(metadata) if metadata is not None else NO_METADATA,
            line=line_of(element),
        )

    def item(self, element: Element) -> Item:
        sequencing = child(element, "sequencing")
        limits = self.sequencing_part(sequencing, "limitconditions")
        metadata = child(element, "metadata")
        title = text_of(child(element, "title"))
        if title is None:
            self.odd(f"the item {attribute(element, 'identifier')!r} has no title", element, "give the item a title")
        visible = (attribute(element, "isvisible") or "true").casefold()
        if visible not in ("true", "false", "1", "0"):
            self.odd(f"isvisible={visible!r} is neither true nor false; the item is shown", element)
        return Item(
            identifier=attribute(element, "identifier"),
            title=title,
            resource=attribute(element, "identifierref") or None,
            parameters=attribute(element, "parameters") or None,
            visible=visible not in ("false", "0"),
            mastery_score=self.mastery_score(element, sequencing),
            max_time_allowed=text_of(child(element, "maxtimeallowed"))
            or (attribute(limits, "attemptabsolutedurationlimit") if limits is not None else None),
            time_limit_action=text_of(child(element, "timelimitaction")),
            data_from_lms=text_of(child(element, "datafromlms")),
            prerequisites=text_of(child(element, "prerequisites")),
            completion_threshold=self.completion_threshold(child(element, "completionthreshold")),
            sequencing=_xml(sequencing),
            metadata=metadata_of(metadata) if metadata is not None else NO_METADATA,
            items=tuple(self.item(found) for found in children(element, "item")),
            line=line_of(element),
        )

    def sequencing_part(self, sequencing: Element | None, name: str) -> Element | None:
        """A part of an item's sequencing; where it lacks it, of the one in the collection that it refers to."""
        if sequencing is None:
            return None
        found = child(sequencing, name)
        if found is None and (shared := self.collections.get(attribute(sequencing, "idref") or "")) is not None:
            return child(shared, name)
        return found

    def mastery_score(self, item: Element, sequencing: Element | None) -> float | None:
        written = child(item, "masteryscore")
        if (text := text_of(written)) is not None and written is not None:
            return self.number(text.rstrip("% "), written, "masteryscore", 0, 100)
        objectives = self.sequencing_part(sequencing, "objectives")
        primary = child(objectives, "primaryobjective") if objectives is not None else None
        if primary is None or (attribute(primary, "satisfiedbymeasure") or "").casefold() not in ("true", "1"):
            return None
        measure = child(primary, "minnormalizedmeasure")
        text = text_of(measure)
        if measure is None or text is None:
            return 100.0
        found = self.number(text, measure, "minNormalizedMeasure", -1, 1)
        return round(found * 100, 6) if found is not None else None

    def completion_threshold(self, element: Element | None) -> float | None:
        """2nd and 3rd edition: the text. 4th: an attribute, 1.0 where it is left out, if `completedByMeasure` is true."""
        if element is None:
            return None
        if (written := text_of(element)) is None:
            if (attribute(element, "completedbymeasure") or "").casefold() not in ("true", "1"):
                return None
            written = attribute(element, "minprogressmeasure") or "1.0"
        return self.number(written, element, "completionThreshold", 0, 1)

    def number(self, text: str, element: Element, name: str, low: float, high: float) -> float | None:
        try:
            found = float(text.replace(",", "."))
        except ValueError:
            found = float("nan")
        if not low <= found <= high:
            self.odd(f"{name} is {text!r}, not a number from {low} to {high}; it is left out", element)
            return None
        return found

    # --- resources

    def resource(self, element: Element, base: str) -> Resource:
        own = resolve_base(element, base)
        metadata = child(element, "metadata")
        kind = attribute(element, "scormtype")
        files = tuple(href for file in children(element, "file") if (href := self.url(file, resolve_base(file, own))))
        return Resource(
            identifier=attribute(element, "identifier") or None,
            type=attribute(element, "type"),
            scorm_type=kind.casefold() if kind else None,
            href=self.url(element, own),
            base=own,
            files=tuple(dict.fromkeys(files)),
            dependencies=tuple(
                dict.fromkeys(
                    name for found in children(element, "dependency") if (name := attribute(found, "identifierref"))
                )
            ),
            metadata=metadata_of(metadata) if metadata is not None else NO_METADATA,
            line=line_of(element),
        )

    def url(self, element: Element, base: str) -> str | None:
        written = attribute(element, "href")
        if not written:
            return None
        if "\\" in written:
            self.odd(f"{written!r} is written with back slashes, which were read as slashes", element, "write slashes")
        return join(base, slashed(written))


def slashed(url: str) -> str:
    """A URL with the back slashes of its path turned; those of the query are data."""
    path, mark, rest = url.partition("?")
    return path.replace("\\", "/") + mark + rest


def resolve_base(element: Element, base: str) -> str:
    """The base for references in an element, from its own `xml:base` and that of what it is in."""
    written = str(element.get(XML_BASE) or "").strip()
    return join(base, slashed(written)) if written else base


def join(base: str, reference: str) -> str:
    """A reference resolved against a base, both relative to the manifest or absolute."""
    if not base or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|/", reference):
        return reference
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", base):
        return urljoin(base, reference)
    folder, slash, _ = base.partition("?")[0].rpartition("/")
    return f"{folder}{slash}{reference}"


def _xml(element: Element | None) -> str | None:
    return etree.tostring(element, encoding="unicode", with_tail=False) if element is not None else None


def _schema(manifest: Element) -> tuple[str | None, str | None]:
    """Schema and version of a manifest: from its own metadata, else from where a tool has put it by mistake."""
    own = child(manifest, "metadata")
    schema = text_of(child(own, "schema")) if own is not None else None
    version = text_of(child(own, "schemaversion")) if own is not None else None
    for organization in (
        found for holder in holders(manifest, "organizations") for found in children(holder, "organization")
    ):
        metadata = child(organization, "metadata")
        if metadata is not None:
            schema = schema or text_of(child(metadata, "schema"))
            version = version or text_of(child(metadata, "schemaversion"))
    return schema, version


def _edition(version: str | None, root: Element, manifest: Element) -> Edition:
    """The edition that the version names, else the one whose namespaces are declared."""
    text = (version or "").casefold()
    if "4th" in text:
        return Edition.SCORM_2004_4TH
    if "3rd" in text:
        return Edition.SCORM_2004_3RD
    if re.search(r"cam\s*1\.3|2nd|2004", text) or re.fullmatch(r"1\.3(?:\.\d+)?", text):
        return Edition.SCORM_2004_2ND
    if re.search(r"\b1\.2\b", text):
        return Edition.SCORM_12
    spaces = " ".join(str(space) for element in (root, manifest) for space in element.nsmap.values())
    if re.search(r"imscp_v1p1|adlcp_v1p3|adlseq_v1p3|imsss", spaces):
        return Edition.SCORM_2004_2ND
    if re.search(r"imscp_rootv1p1p2|adlcp_rootv1p2", spaces):
        return Edition.SCORM_12
    return Edition.UNKNOWN
