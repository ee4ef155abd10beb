"""One SCO of a package as a package of its own: its files with all that they need, and a manifest that says just that.

A manifest often lists less than a page loads. So what its texts mention and the package holds comes along, and so does
every file that the manifest names nowhere: whoever packed it thought that it was needed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from lxml import etree

from authoring.diagnostics import Diagnostics
from importers.scorm.elements import Element, parse_xml
from importers.scorm.locate import MANIFEST_NAME, Locator, is_external
from importers.scorm.manifest import Edition
from importers.scorm.package import Sco, ScormPackage
from importers.scorm.repack import write_zip
from importers.scorm.rewrite import ADL_NAMES_12, ADL_NAMES_2004, SPACES_12, SPACES_2004, VERSIONS, XSI

_TEXTS = frozenset((".html", ".htm", ".xhtml", ".css", ".js", ".json", ".xml", ".svg", ".vtt", ".txt"))
_MAX_TEXT = 8 << 20
"""Bytes of the longest text that is looked through for names of files."""
_MENTIONED = re.compile(r"""["']([^"'\n<>]{1,300})["']|url\(\s*([^)"'\n]{1,300}?)\s*\)|=([^\s"'<>=]{1,300})""")
_HAS_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}(?:[?#]|$)")


def needed_files(meant: ScormPackage, sco: Sco) -> tuple[PurePosixPath, ...]:
    """Paths in the package of all that a SCO needs, sorted."""
    own = {
        path for other in meant.scos if other is not sco and other.page != sco.page for path in (other.page,) if path
    }
    locator = Locator(meant.package.files, meant.root)
    found: set[PurePosixPath] = set()
    waiting = [path for path in (sco.page, *sco.files, *meant.surplus) if path is not None]
    page_folder = sco.page.parent if sco.page is not None else meant.root
    while waiting:
        path = waiting.pop()
        if path in found or (path.name.casefold() == MANIFEST_NAME and path.parent == meant.root):
            continue
        found.add(path)
        for url in _mentioned(meant, path):
            for folder in dict.fromkeys((path.parent, page_folder, meant.root)):
                relative = posixpath.relpath(posixpath.join(str(folder), url), str(meant.root))
                target = locator.find(relative)
                # A link to another SCO's page leads out of this one, as it does in any LMS.
                if target is not None and target not in own:
                    waiting.append(target)
                    break
    return tuple(sorted(found))


def _mentioned(meant: ScormPackage, path: PurePosixPath) -> Iterator[str]:
    """What may be names of files in a text of the package."""
    file = meant.package.files[path]
    if path.suffix.casefold() not in _TEXTS or file.size > _MAX_TEXT:
        return
    text = file.file.read_bytes().decode("utf-8", "replace")
    seen: set[str] = set()
    for match in _MENTIONED.finditer(text):
        url = (match[1] or match[2] or match[3] or "").strip()
        if url not in seen and _HAS_SUFFIX.search(url) and not is_external(url) and not url.startswith(("/", "#")):
            seen.add(url)
            yield url


def write_single(meant: ScormPackage, sco: Sco, out: Path) -> tuple[PurePosixPath, ...]:
    """Write the package of one SCO; the same SCO gives the same bytes. Returns the files that are in it.

    Raises OSError when `out` cannot be written.
    """
    files = needed_files(meant, sco)
    write_zip(out, single_manifest(meant, sco, files), meant, files)
    return files


def single_manifest(meant: ScormPackage, sco: Sco, files: Iterable[PurePosixPath]) -> bytes:
    """The manifest of a package with one SCO, in UTF-8: its title, what it needs of the LMS, its files.

    What is said of other items (prerequisites, rules between siblings) has nothing to refer to here and stays out.
    """
    edition = meant.edition
    space, adl = SPACES_2004 if edition.is_2004 else SPACES_12
    root = etree.Element(f"{{{space}}}manifest", nsmap={None: space, "adlcp": adl, "xsi": XSI})  # type: ignore[dict-item]  # None is the default namespace
    root.set("identifier", "package")
    root.set("version", "1.0")

    def make(parent: Element, name: str, **attributes: str) -> Element:
        return etree.SubElement(parent, f"{{{space}}}{name}", attributes)

    metadata = make(root, "metadata")
    make(metadata, "schema").text = "ADL SCORM"
    make(metadata, "schemaversion").text = VERSIONS[edition]
    organization = make(make(root, "organizations", default="organization"), "organization", identifier="organization")
    make(organization, "title").text = sco.title
    item = make(organization, "item", identifier="item", identifierref="resource", isvisible="true")
    make(item, "title").text = sco.title
    for name, value in _settings(sco, edition):
        etree.SubElement(item, f"{{{adl}}}{name}").text = value
    _sequencing(meant, sco, root, item)
    resource = make(make(root, "resources"), "resource", identifier="resource", type="webcontent", href=sco.launch)
    kind = (sco.resource.scorm_type or "sco").casefold()
    resource.set(f"{{{adl}}}{'scormType' if edition.is_2004 else 'scormtype'}", kind)
    for path in files:
        name = str(path.relative_to(meant.root))
        make(resource, "file", href=re.sub(r"[%?#]", lambda found: f"%{ord(found[0]):02X}", name))
    collection = meant.manifest.sequencing_collection
    if collection and item.find(".//{*}sequencing") is not None:
        _add(root, collection)
    etree.indent(root)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _settings(sco: Sco, edition: Edition) -> Iterator[tuple[str, str]]:
    """What the item asks of the LMS, by the names and in the order of the edition's schema."""
    item = sco.item
    values = {
        "maxtimeallowed": item.max_time_allowed,
        "timelimitaction": item.time_limit_action,
        "datafromlms": item.data_from_lms,
        "masteryscore": None if item.mastery_score is None else f"{item.mastery_score:g}",
        "completionthreshold": None if item.completion_threshold is None else f"{item.completion_threshold:g}",
    }
    for name in ADL_NAMES_2004 if edition.is_2004 else ADL_NAMES_12:
        value = values.get(name.casefold())
        if value:
            yield name, value


def _sequencing(meant: ScormPackage, sco: Sco, root: Element, item: Element) -> None:
    """The item's own sequencing: in it SCORM 2004 says what is to be reached for a pass."""
    if sco.item.sequencing:
        _add(item, sco.item.sequencing)
        for rules in item.findall(".//{*}sequencing/{*}sequencingRules"):
            rules.getparent().remove(rules)  # type: ignore[union-attr]  # it was found below something


def _add(parent: Element, xml: str) -> None:
    element = parse_xml(xml.encode("utf-8"), PurePosixPath(MANIFEST_NAME), Diagnostics())
    if element is not None:
        parent.append(element)
