"""Which units are published, and by which calls. Pure."""

from __future__ import annotations

from collections.abc import Set

from authoring.model import ROOT_KEY, SEQUENTIAL, VERTICAL, BlockKey
from authoring.operations import Operation, Publish
from authoring.planner.sheet import Sheet
from authoring.publishing import publish_roots


def publishes(sheet: Sheet) -> tuple[tuple[BlockKey, ...], tuple[BlockKey, ...], list[Operation]]:
    """The units that are published, those that stay drafts, and the calls."""
    ahead = _units_ahead(sheet)
    if not sheet.options.publish:
        return (), tuple(ahead), []
    foreign = _foreign_drafts(sheet, set(ahead))
    for unit in ahead:
        if _edited_by_others(sheet, unit):
            sheet.note(
                "publishes-others",
                f"{sheet.title(unit)!r} has unpublished edits that were made on the platform; publishing it makes"
                " them live as well",
                unit,
            )
    roots = publish_roots(sheet.course.root, set(ahead), foreign)
    removed = [unit for unit in ahead if unit not in sheet.blocks]
    operations: list[Operation] = [Publish(root, covers) for root, covers in roots]
    operations.extend(Publish(unit, (unit,)) for unit in removed)
    return tuple(ahead), (), operations


def _units_ahead(sheet: Sheet) -> list[BlockKey]:
    """Units whose draft is, or will be after this plan, ahead of what learners see by our doing."""
    ahead: dict[BlockKey, None] = {}
    for unit, parent in sheet.course.root.walk_with_parent():
        if unit.category != VERTICAL or parent is None or not sheet.in_outline(parent) or unit.key in sheet.skipped:
            continue
        if sheet.options.only_publish and unit.key not in sheet.entries:
            continue
        if any(_is_ahead(sheet, block.key) for block in unit.walk() if block.key not in sheet.skipped):
            ahead[unit.key] = None
    for key in sorted(sheet.touched - set(sheet.blocks)):
        entry = sheet.entries.get(key)
        home = _unit_of(sheet, key)
        if entry is not None and home is not None:
            ahead[home] = None
    return list(ahead)


def _unit_of(sheet: Sheet, key: BlockKey) -> BlockKey | None:
    """The unit that a block of the lock file stands in; the block itself when it is a unit of the outline."""
    seen = key
    while (entry := sheet.entries.get(seen)) is not None and entry.parent is not None:
        if seen.category == VERTICAL and entry.parent.category == SEQUENTIAL:
            return seen
        seen = entry.parent
    return None


def _is_ahead(sheet: Sheet, key: BlockKey) -> bool:
    if key in sheet.touched:
        return True
    entry = sheet.entries.get(key)
    return entry is not None and not entry.is_published


def _edited_by_others(sheet: Sheet, unit: BlockKey) -> bool:
    place = sheet.usage_key(unit)
    live = sheet.outline.blocks.get(place) if sheet.outline and place else None
    if live is None or not live.has_changes:
        return False
    below = [sheet.entries.get(block.key) for block in sheet.blocks[unit].walk()] if unit in sheet.blocks else []
    return all(entry is None or entry.is_published for entry in below) and unit in sheet.entries


def _foreign_drafts(sheet: Sheet, ours: Set[BlockKey]) -> set[BlockKey]:
    """Our containers that hold unpublished work which is not ours to publish."""
    if sheet.outline is None:
        return set()
    keys = {usage: key for key, entry in sheet.entries.items() for usage in (entry.usage_key,)}
    keys |= {usage: key for key, usage in sheet.adopted.items()}
    keys[sheet.outline.root] = ROOT_KEY
    holders: set[BlockKey] = set()
    for block in sheet.outline.blocks.values():
        if block.category != VERTICAL:
            continue
        key = keys.get(block.usage_key)
        if key in ours:
            continue
        draft = block.has_changes if block.has_changes is not None else key is None or not sheet.is_published(key)
        if not draft and block.published is not False:
            continue
        parent = block.parent
        while parent is not None:
            if parent in keys:
                holders.add(keys[parent])
            above = sheet.outline.blocks.get(parent)
            parent = above.parent if above else None
    return holders
