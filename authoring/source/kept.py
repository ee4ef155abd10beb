"""What an imported OLX package holds besides the course: files nobody understood, drafts, idle policies.

    _olx/…                        files as they came, by their place in the package
    _drafts/CATEGORY/ID.xml       versions that are not published, as Studio's export has them

They go back into an OLX export; no call of the API carries them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from authoring.diagnostics import Diagnostics
from authoring.model import BlockKey, Draft, FieldValue, KeptFile
from authoring.olx import block_from_element, parse_element
from authoring.olx.elements import take
from authoring.source.fields import KEPT_KEY
from authoring.source.files import KEPT, SourceTree
from authoring.yamlnodes import INVALID, Entry, mapping_of, plain_value

DRAFTS = "_drafts"

PARENT = "parent_url"
INDEX = "index_in_children_list"


def read_kept_files(tree: SourceTree) -> Iterator[KeptFile]:
    """The files below `_olx/`."""
    for file in tree.below(KEPT) if tree.is_folder(KEPT) else ():
        yield KeptFile(PurePosixPath(*file.path.parts[1:]), file.digest or "", file.size, file.file)


def read_drafts(tree: SourceTree, diagnostics: Diagnostics) -> Iterator[Draft]:
    """The drafts below `_drafts/`, by parent and place."""
    found: list[tuple[str, int, str, Draft]] = []
    for file in tree.below(DRAFTS) if tree.is_folder(DRAFTS) else ():
        if file.path.suffix != ".xml" or file.data is None:
            continue
        element = parse_element(file.data, file.path, 1, diagnostics)
        if element is None:
            continue
        parent = take(element, PARENT) or ""
        index = take(element, INDEX) or ""
        block = block_from_element(
            element,
            path=file.path,
            new_key=lambda category: BlockKey(category, category),
            diagnostics=diagnostics,
        )
        if block is not None:
            key = BlockKey.parse(parent) if "/" in parent.strip("/") else None
            place = int(index) if index.isdecimal() else 0
            found.append((parent, place, f"{block.key}", Draft(block, key, place)))
    for *_, draft in sorted(found, key=lambda item: item[:3]):
        yield draft


def read_policies(settings: Mapping[str, Entry], diagnostics: Diagnostics) -> Mapping[str, Mapping[str, FieldValue]]:
    """`olx: policies:` of course.yaml."""
    entry = settings.get(KEPT_KEY)
    found = mapping_of(entry, Diagnostics()) if entry is not None else None
    policies = (found or {}).get("policies")
    value = plain_value(policies, diagnostics) if policies is not None else None
    if value is INVALID or not isinstance(value, dict):
        return {}
    return {key: part for key, part in value.items() if isinstance(part, dict)}
