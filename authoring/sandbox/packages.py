"""What the platform's SCORM block makes of an uploaded package (openedx-scorm-xblock: `extract_package`,
`update_package_fields`): the first manifest in zip order, the first resource with an address, the schema version."""

from __future__ import annotations

import posixpath
import zipfile
from dataclasses import dataclass
from typing import IO

from lxml import etree

from authoring.sandbox.rules import broken

MANIFEST = "imsmanifest.xml"
MANIFEST_LIMIT = 10_000_000


@dataclass(frozen=True, slots=True)
class Inspected:
    """The block's findings; `errors` are answered inside a success."""

    index: str | None = None
    version: str = "SCORM_12"
    errors: tuple[str, ...] = ()


def inspect_package(stream: IO[bytes]) -> Inspected:
    """Raises Refusal(500) for what is no zip, as the block does."""

    try:
        with zipfile.ZipFile(stream) as archive:
            names = archive.namelist()
            found = next((name for name in names if posixpath.basename(name) == MANIFEST), None)
            if found is None:
                return Inspected(errors=(f"Could not find '{MANIFEST}' in the scorm package",))
            if archive.getinfo(found).file_size > MANIFEST_LIMIT:
                raise broken()
            manifest = archive.read(found)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise broken() from error
    return _read_manifest(manifest, names, posixpath.dirname(found))


def _read_manifest(manifest: bytes, names: list[str], root: str) -> Inspected:

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        tree = etree.fromstring(manifest, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise broken() from error
    space = tree.nsmap.get(None)
    prefix = f"{{{space}}}" if space else ""
    resources = tree.findall(f".//{prefix}resources/{prefix}resource")
    index = next((resource.get("href") for resource in resources if resource.get("href")), None)
    if index is None:
        below = [name for name in names if name.startswith(root)]
        index = next((posixpath.relpath(n, root or ".") for n in below if posixpath.basename(n) == "index.html"), None)
    version = tree.findtext(f".//{prefix}metadata/{prefix}schemaversion")
    if index is None:
        return Inspected(errors=("Could not find the index page of the scorm package",))
    return Inspected(index, "SCORM_12" if version in (None, "1.2") else "SCORM_2004")
