"""The update that brings one block to what the source says of it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Set

from authoring.impacts import impact_of_update
from authoring.lockfile import PACKAGE, content_field, wanted_state
from authoring.model import ROOT_KEY, Block, FieldValue
from authoring.operations import Impact, Operation, UpdateBlock, UploadPackage
from authoring.planner.sheet import Sheet
from authoring.references import JUMP_LINK, REFERENCE_FIELDS


def fill(sheet: Sheet, block: Block, *, created: bool = False, usage_key: str | None = None) -> Iterator[Operation]:
    """What brings a block to its fields and content, if anything does; `created`: this plan makes it, with its name."""
    entry = sheet.entries.get(block.key)
    pushed = entry.pushed if entry else {}
    wanted = wanted_state(block)
    changed = {name for name, value in wanted.items() if pushed.get(name) != value}
    changed |= {name for name in wanted if _names_renewed(sheet, block, name)}
    removed = {name for name in pushed if name not in wanted}
    if created and block.category != "html":
        # Every category but html keeps the name that the create call gave it (docs/platform.md).
        changed.discard("display_name")
    body = content_field(block.category)
    content = block.content if body in changed else "" if body in removed else None
    fields: dict[str, FieldValue] = {
        name: block.fields[name] for name in block.fields if name in changed and name != body
    }
    fields |= {name: None for name in sorted(removed) if name not in (body, PACKAGE)}
    if block.package is not None and PACKAGE in changed:
        sheet.touched.add(block.key)
        yield UploadPackage(block.key, block.package, dict(block.fields))
        return
    if not fields and content is None:
        return
    if block.key == ROOT_KEY and fields.get("pdf_textbooks") and not sheet.can.stock:
        said = "the textbooks are sent, but without a session their tab cannot be made: open Textbooks in Studio once"
        sheet.note("no-textbooks-tab", said, ROOT_KEY)
    sheet.touched.add(block.key)
    impact = Impact.NEW if created or entry is None else impact_of_update(block.category, fields, content)
    update = UpdateBlock(block.key, fields, content, impact, usage_key)
    if needs_ids(block, sheet.reachable):
        sheet.deferred.append(update)
    else:
        yield update


def _names_renewed(sheet: Sheet, block: Block, name: str) -> bool:
    """Whether a field, or the body, names a block by an id that it no longer has."""
    if not sheet.renewed:
        return False
    value = block.content if name == content_field(block.category) else block.fields.get(name)
    if name in REFERENCE_FIELDS.get(block.category, ()):
        return any(f'"{url_name}"' in json.dumps(value, default=list) for url_name in sheet.renewed)
    return isinstance(value, str) and not sheet.renewed.isdisjoint(JUMP_LINK.findall(value))


def needs_ids(block: Block, reachable: Set[str]) -> bool:
    """Whether a block's update names components whose ids may not exist yet when it is its turn."""
    if any(name in block.fields for name in REFERENCE_FIELDS.get(block.category, ())):
        return True
    texts = (block.content, *block.fields.values())
    links = (JUMP_LINK.findall(text) for text in texts if isinstance(text, str) and "/jump_to_id/" in text)
    return any(name not in reachable for names in links for name in names)
