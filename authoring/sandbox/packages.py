"""What the platform's SCORM block makes of an uploaded package (openedx-scorm-xblock: openedxscorm/scormxblock.py,
`extract_package`, `update_package_fields`): the first manifest in zip order, the first resource with an address, the
schema version, the titles of the menu.

Comes in: the zip as a stream; nothing but the manifest is read into memory. Goes out: `Inspected`.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from dataclasses import dataclass
from typing import IO
from xml.sax.saxutils import escape

from lxml import etree

from authoring.sandbox.refusals import broken

MANIFEST = "imsmanifest.xml"
MANIFEST_LIMIT = 10_000_000
"""Bytes of the largest manifest that is read."""
MENU_DEPTH = 50
"""How deep items may be nested."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """The block's findings; `errors` are answered inside a success."""

    index: str | None = None
    version: str = "SCORM_12"
    menu: str = ""
    errors: tuple[str, ...] = ()


def inspect_package(stream: IO[bytes]) -> Inspected:
    """Raises Refusal(500) for what is no zip and for a manifest that is no XML, as the block does."""
    try:
        with zipfile.ZipFile(stream) as archive:
            names = archive.namelist()
            found = next((name for name in names if posixpath.basename(name) == MANIFEST), None)
            if found is None:
                return Inspected(errors=(f"Could not find '{MANIFEST}' file in the scorm package",))
            if archive.getinfo(found).file_size > MANIFEST_LIMIT:
                raise broken()
            manifest = archive.read(found)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise broken() from error
    root = posixpath.dirname(found)
    # Only what lies below the manifest is extracted. Without a folder above it that is everything.
    inside = [
        posixpath.relpath(name, root or ".") for name in names if name.startswith(root) and not name.endswith("/")
    ]
    return _read_manifest(manifest, inside)


def _read_manifest(manifest: bytes, names: list[str]) -> Inspected:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        tree = etree.fromstring(manifest, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise broken() from error
    space = tree.nsmap.get(None)
    prefix = f"{{{space}}}" if space else ""
    resources = tree.findall(f"{prefix}resources/{prefix}resource")
    menu = "\n".join(
        _menu(item, prefix, resources) for item in tree.findall(f"{prefix}organizations/{prefix}organization")
    )
    index = next((resource.get("href") for resource in resources if resource.get("href") is not None), None)
    if index is None:
        pages = sorted(
            (name for name in names if posixpath.basename(name) == "index.html"), key=lambda name: name.count("/")
        )
        if not pages:
            return Inspected(menu=menu, errors=("Invalid package: could not find 'index.html' file",))
        index = pages[0]
    version = tree.findtext(f"{prefix}metadata/{prefix}schemaversion")
    return Inspected(index, "SCORM_12" if version is None or re.match("^1.2$", version) else "SCORM_2004", menu)


def _menu(item: etree._Element, prefix: str, resources: list[etree._Element], depth: int = 0) -> str:
    """The navigation menu below an organization, as nested lists. Items below it are listed only with
    `isvisible="true"`; one without a title, or with a reference to nowhere, is an exception that nothing catches."""
    title = item.findtext(f"{prefix}title")
    target = item.get("identifierref")
    if title is None or depth > MENU_DEPTH:
        raise broken()
    if target and not any(resource.get("identifier") == target for resource in resources):
        raise broken()
    text = escape(re.sub(r"<script\b[^>]*>(.*?)</script>", "", title, flags=re.IGNORECASE))
    below = [
        _menu(child, prefix, resources, depth + 1)
        for child in item.findall(f"{prefix}item")
        if child.get("isvisible") == "true"
    ]
    kind = "navigation-title" if target else "navigation-title-header"
    line = f"<li class='{kind}'>{text}</li>"
    return f"<ul>{line}<ul>{''.join(below)}</ul></ul>" if below else line
