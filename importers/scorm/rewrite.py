"""A manifest written anew: the one that was read, made valid, flat and plain for the platform's block.

What is launched comes first among the resources; one default namespace; the schemaversion of the edition; a title for every
item; no reference that leads nowhere; manifests within merged into one; `xml:base` resolved; names spelled as the files
are. What the standard allows besides (metadata, sequencing, navigation) is copied as it is.

Sources: :mod:`importers.scorm.prediction` (what the block needs); SCORM 1.2 CAM 2.3, SCORM 2004 CAM 3.4 (a valid manifest).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace

from lxml import etree

from authoring.archives import Package
from authoring.diagnostics import Diagnostics
from importers.scorm.elements import (
    MAX_XML,
    Element,
    attribute,
    child,
    children,
    holders,
    local_name,
    parse_xml,
    text_of,
)
from importers.scorm.locate import Locator, first_page, is_external, with_parameters
from importers.scorm.manifest import Edition, join, resolve_base, slashed
from importers.scorm.metadata import metadata_of
from importers.scorm.package import UNTITLED, ScormPackage

XSI = "http://www.w3.org/2001/XMLSchema-instance"
SPACES_12 = ("http://www.imsproject.org/xsd/imscp_rootv1p1p2", "http://www.adlnet.org/xsd/adlcp_rootv1p2")
SPACES_2004 = ("http://www.imsglobal.org/xsd/imscp_v1p1", "http://www.adlnet.org/xsd/adlcp_v1p3")
VERSIONS = {
    Edition.SCORM_12: "1.2",
    Edition.UNKNOWN: "1.2",  # what the block takes it for
    Edition.SCORM_2004_2ND: "CAM 1.3",
    Edition.SCORM_2004_3RD: "2004 3rd Edition",
    Edition.SCORM_2004_4TH: "2004 4th Edition",
}
ADL_NAMES_12 = ("prerequisites", "maxtimeallowed", "timelimitaction", "datafromlms", "masteryscore")
ADL_NAMES_2004 = ("prerequisites", "timeLimitAction", "dataFromLMS", "completionThreshold")


@dataclass(frozen=True, slots=True)
class _Resource:
    """A resource of the old manifest under the identifier that it has in the new one."""

    identifier: str
    element: Element
    manifest: Element
    base: str
    href: str | None
    launched: bool = False


def rewrite_manifest(meant: ScormPackage) -> bytes:
    """A manifest for the top of the package that `meant` was read from, in UTF-8. Paths in it are relative to its root."""
    manifest = meant.manifest
    root = parse_xml(meant.package.read(manifest.path, MAX_XML), manifest.path, Diagnostics())
    assert root is not None, "it was read before"
    new = _Writer(meant.package, meant, root).write()
    etree.indent(new)
    return etree.tostring(new, encoding="utf-8", xml_declaration=True) + b"\n"


class _Writer:
    def __init__(self, package: Package, meant: ScormPackage, root: Element) -> None:
        self.meant = meant
        self.root = root
        self.edition = meant.edition
        self.space, self.adl = SPACES_2004 if self.edition.is_2004 else SPACES_12
        self.adl_names = {name.casefold(): name for name in (ADL_NAMES_2004 if self.edition.is_2004 else ADL_NAMES_12)}
        self.locator = Locator(package.files, meant.root)
        self.manifests = [found for found in root.iter() if local_name(found) == "manifest"]
        self.within = {name: found for found in self.manifests if (name := attribute(found, "identifier"))}
        self.resources: list[_Resource] = []
        self.own: dict[tuple[Element, str], int] = {}
        self.anywhere: dict[str, int] = {}
        self.references: list[tuple[Element, int, str | None]] = []
        """New items in the order of the course, with the place of their resource and the item's parameters."""
        self.taken: set[str] = set()
        self._collect_resources(root, "")

    def tag(self, name: str) -> str:
        return f"{{{self.space}}}{name}"

    def make(self, parent: Element | None, name: str, **attributes: str | None) -> Element:
        found = {key: value for key, value in attributes.items() if value}
        if parent is None:
            return etree.Element(self.tag(name), found)
        return etree.SubElement(parent, self.tag(name), found)

    # --- what is there

    def _collect_resources(self, manifest: Element, base: str) -> None:
        base = resolve_base(manifest, base)
        for holder in holders(manifest, "resources"):
            of_holder = resolve_base(holder, base)
            for element in children(holder, "resource"):
                own = resolve_base(element, of_holder)
                name = attribute(element, "identifier") or ""
                place = len(self.resources)
                if name:
                    self.own.setdefault((manifest, name), place)
                    self.anywhere.setdefault(name, place)
                href = self._url(element, own)
                identifier = self.new_identifier(name, "resource")
                self.resources.append(_Resource(identifier, element, manifest, own, href))
        for inner in children(manifest, "manifest"):
            self._collect_resources(inner, base)

    @staticmethod
    def _url(element: Element, base: str) -> str | None:
        written = attribute(element, "href")
        return join(base, slashed(written)) if written else None

    def new_identifier(self, old: str, kind: str) -> str:
        """The old identifier where it is a name of XML (the block's search breaks on a quote) and not taken."""
        wanted = old if re.fullmatch(r"[^\W\d][\w.-]*", old) else f"{kind}-{len(self.taken) + 1}"
        found, number = wanted, 2
        while found in self.taken:
            found, number = f"{wanted}-{number}", number + 1
        self.taken.add(found)
        return found

    def spelled(self, url: str) -> str:
        """A URL with its path as the file is called; what would be read as an escape or a query is escaped."""
        if is_external(url) or (path := self.locator.find(url)) is None:
            return url
        name = str(path.relative_to(self.meant.root))
        bare = re.split(r"[?#]", url, maxsplit=1)[0]
        rest = url[len(bare) :] if self.locator.find(bare) == path else ""
        return re.sub(r"[%?#]", lambda found: f"%{ord(found[0]):02X}", name) + rest

    # --- what is written

    def write(self) -> Element:
        spaces: dict[str | None, str] = {None: self.space, "adlcp": self.adl, "xsi": XSI}
        for prefix, space in self.root.nsmap.items():
            spaces.setdefault(prefix, space)
        new = etree.Element(self.tag("manifest"), nsmap=spaces)  # type: ignore[arg-type]  # None is the default namespace
        new.set("identifier", self.new_identifier(attribute(self.root, "identifier") or "", "manifest"))
        if version := attribute(self.root, "version"):
            new.set("version", version)
        if etree.QName(self.root).namespace == self.space and (schemas := self.root.get(f"{{{XSI}}}schemaLocation")):
            new.set(f"{{{XSI}}}schemaLocation", schemas)
        self.metadata(new)
        self.organizations(new)
        self.launch_first()
        resources = self.make(new, "resources")
        for resource in sorted(self.resources, key=lambda one: not one.launched):
            self.resource(resources, resource)
        for manifest in self.manifests:
            for collection in children(manifest, "sequencingcollection"):
                self.copy(collection, new)
        return new

    def copy(self, element: Element, parent: Element) -> None:
        new = deepcopy(element)
        new.tail = None
        parent.append(new)

    def metadata(self, new: Element) -> None:
        metadata = self.make(new, "metadata")
        self.make(metadata, "schema").text = "ADL SCORM"
        self.make(metadata, "schemaversion").text = VERSIONS[self.edition]
        old = child(self.root, "metadata")
        for found in old if old is not None else ():
            if local_name(found) == "location":
                etree.SubElement(metadata, f"{{{self.adl}}}location").text = text_of(found)
            elif local_name(found) not in ("schema", "schemaversion"):
                self.copy(found, metadata)

    def organizations(self, new: Element) -> None:
        """All of them; the one that is read comes first, and is the default."""
        holder = self.make(new, "organizations")
        old = self._organizations(self.root)
        if not old:
            self.invented_organization(holder)
        else:
            position = (
                self.meant.manifest.organizations.index(self.meant.organization) if self.meant.organization else 0
            )
            for organization in (old[position], *old[:position], *old[position + 1 :]):
                self.organization(holder, organization)
        holder.set("default", str(holder[0].get("identifier")))

    @staticmethod
    def _organizations(manifest: Element) -> list[Element]:
        return [one for holder in holders(manifest, "organizations") for one in children(holder, "organization")]

    def invented_organization(self, holder: Element) -> None:
        organization = self.make(holder, "organization", identifier=self.new_identifier("organization-1", ""))
        self.make(organization, "title").text = self.meant.title
        read = [resource for manifest in self.meant.manifest.walk() for resource in manifest.resources]
        for sco in self.meant.scos:
            item = self.make(organization, "item", identifier=self.new_identifier("", "item"), isvisible="true")
            self.make(item, "title").text = sco.title
            place = next(place for place, resource in enumerate(read) if resource is sco.resource)
            self.references.append((item, place, None))

    def organization(self, holder: Element, old: Element) -> None:
        new = self.make(holder, "organization")
        self.other_attributes(old, new)
        new.set("identifier", self.new_identifier(attribute(old, "identifier") or "", "organization"))
        is_read = len(holder) == 1
        title = text_of(child(old, "title")) or (self.meant.title if is_read else None)
        self.make(new, "title").text = title or new.get("identifier")
        for item in children(old, "item"):
            self.item(new, item, self.root, frozenset())
        self.rest(old, new, ("title", "item"))

    def item(self, parent: Element, old: Element, manifest: Element, opened: frozenset[str]) -> None:
        new = self.make(parent, "item")
        self.other_attributes(old, new)
        # Prerequisites and sequencing name items: an identifier stays, unless there is none.
        new.set("identifier", attribute(old, "identifier") or self.new_identifier("", "item"))
        visible = (attribute(old, "isvisible") or "true").casefold() not in ("false", "0")
        new.set("isvisible", "true" if visible else "false")
        metadata = child(old, "metadata")
        record = metadata_of(metadata).title if metadata is not None else None
        self.make(new, "title").text = (
            text_of(child(old, "title")) or record or attribute(old, "identifier") or UNTITLED
        )
        reference = attribute(old, "identifierref") or ""
        place = self.own.get((manifest, reference))
        inner = self.within.get(reference) if place is None and reference else None
        if place is None and inner is None and reference:
            place = self.anywhere.get(reference)
        if place is not None:
            self.references.append((new, place, attribute(old, "parameters")))
        for item in children(old, "item"):
            self.item(new, item, manifest, opened)
        if inner is not None and reference not in opened:
            self.graft(new, inner, opened | {reference})
        self.rest(old, new, ("title", "item"))

    def graft(self, parent: Element, manifest: Element, opened: frozenset[str]) -> None:
        """The items of a manifest within, in the place of the item that refers to it."""
        organizations = self._organizations(manifest)
        holder = next(holders(manifest, "organizations"), None)
        default = attribute(holder, "default") if holder is not None else None
        filled = [one for one in organizations if child(one, "item") is not None]
        chosen = next((one for one in filled if default and attribute(one, "identifier") == default), None)
        for organization in filled[:1] if chosen is None else [chosen]:
            for item in children(organization, "item"):
                self.item(parent, item, manifest, opened)

    def other_attributes(self, old: Element, new: Element) -> None:
        """Attributes of other namespaces (`adlseq:objectivesGlobalToSystem`), and `structure`."""
        for key, value in old.attrib.items():
            name = etree.QName(key)
            if name.namespace and name.localname not in ("base", "identifier", "identifierref", "isvisible"):
                new.set(key, value)
        if structure := attribute(old, "structure"):
            new.set("structure", structure)

    def rest(self, old: Element, new: Element, done: tuple[str, ...]) -> None:
        """What is left of an element, as it is; elements of ADL as this edition spells them."""
        for found in sorted(
            (one for one in old if local_name(one) not in done), key=lambda one: local_name(one) != "metadata"
        ):
            if local_name(found) == "metadata":
                self.plain_metadata(found, new)
            elif (spelled := self.adl_names.get(local_name(found))) is not None:
                adl = etree.SubElement(
                    new, f"{{{self.adl}}}{spelled}", {str(key): str(value) for key, value in found.attrib.items()}
                )
                adl.text = text_of(found)
            else:
                self.copy(found, new)

    def plain_metadata(self, old: Element, new: Element) -> None:
        metadata = self.make(new, "metadata")
        for found in old:
            if local_name(found) in ("schema", "schemaversion"):
                self.make(metadata, local_name(found)).text = text_of(found)
            elif local_name(found) == "location":
                etree.SubElement(metadata, f"{{{self.adl}}}location").text = text_of(found)
            else:
                self.copy(found, metadata)

    # --- resources

    def launch_first(self) -> None:
        """Point items at their resources; the one launched first gets the item's parameters, which the block ignores."""
        counts = [place for _, place, _ in self.references]
        is_first = True
        for item, place, parameters in self.references:
            resource = self.resources[place]
            href = resource.href or first_page(self.files(resource))
            if href is not None and is_first:
                is_first = False
                launched = replace(resource, href=with_parameters(self.spelled(href), parameters), launched=True)
                if counts.count(place) > 1 and launched.href != self.spelled(href):
                    launched = replace(launched, identifier=self.new_identifier(resource.identifier, "resource"))
                    self.resources.append(launched)
                else:
                    self.resources[place] = launched
                item.set("identifierref", launched.identifier)
                continue
            if href is not None and resource.href is None:
                self.resources[place] = replace(resource, href=href)
            item.set("identifierref", resource.identifier)
            if parameters:
                item.set("parameters", parameters)

    def files(self, resource: _Resource) -> Iterator[str]:
        for file in children(resource.element, "file"):
            if url := self._url(file, resolve_base(file, resource.base)):
                yield url

    def resource(self, parent: Element, resource: _Resource) -> None:
        old = resource.element
        new = self.make(parent, "resource", identifier=resource.identifier, type=attribute(old, "type") or "webcontent")
        is_item = any(item.get("identifierref") == resource.identifier for item, _, _ in self.references)
        kind = (attribute(old, "scormtype") or ("sco" if is_item else "asset")).casefold()
        new.set(f"{{{self.adl}}}{'scormType' if self.edition.is_2004 else 'scormtype'}", kind)
        if resource.href:
            new.set("href", resource.href if resource.launched else self.spelled(resource.href))
        metadata = child(old, "metadata")
        if metadata is not None:
            self.plain_metadata(metadata, new)
        located = (
            self.locator.find(url) for url in (*self.files(resource), *((resource.href,) if resource.href else ()))
        )
        for path in dict.fromkeys(path for path in located if path is not None):
            self.make(new, "file", href=self.spelled(str(path.relative_to(self.meant.root))))
        for dependency in children(old, "dependency"):
            name = attribute(dependency, "identifierref") or ""
            place = self.own.get((resource.manifest, name), self.anywhere.get(name))
            if place is not None:
                self.make(new, "dependency", identifierref=self.resources[place].identifier)
