"""What is there already: blocks that were lost on the platform, and live ones that nobody claims. Pure."""

from __future__ import annotations

from dataclasses import replace

from authoring.adoption import match_unclaimed
from authoring.model import BlockKey
from authoring.planner.sheet import Sheet


def find_lost(sheet: Sheet) -> None:
    """Blocks that the lock file knows and the platform no longer has."""
    if sheet.outline is None:
        return
    anew: set[BlockKey] = set()
    for block, parent in sheet.course.root.walk_with_parent():
        entry = sheet.entries.get(block.key)
        if parent is not None and parent.key in sheet.skipped:
            sheet.skipped.add(block.key)
            continue
        if entry is not None and entry.parent in anew and entry.usage_key not in sheet.outline.blocks:
            sheet.renew(block.key)  # it went with its parent, also where the outline does not reach down to it
            anew.add(block.key)
            continue
        known = entry is not None and (
            entry.usage_key in sheet.live.gone or sheet.lists(block.key, parent.key if parent else None)
        )
        if entry is None or not known or entry.usage_key in sheet.outline.blocks:
            continue
        if parent is not None and parent.key not in sheet.entries:
            sheet.renew(block.key)  # a restored parent: all below it is new as well
            anew.add(block.key)
            continue
        if sheet.lost(block.key):
            anew.add(block.key)


def find_unclaimed(sheet: Sheet) -> None:
    """Live blocks that are ours although the lock file does not know them; what has only the name of ours stops the plan."""
    if sheet.outline is None:
        return
    known = replace(sheet.part, entries=sheet.entries)
    matches = match_unclaimed(sheet.course, known, sheet.outline, sheet.live.contents, sheet.live.doubtful)
    sheet.adopted.update((key, place) for key, place in matches.adopted.items() if key not in sheet.skipped)
    sheet.others.update(matches.conflicts)
    for key, usage_keys in matches.conflicts.items():
        if key not in sheet.skipped and not sheet.options.beside:
            sheet.same_name(sheet.blocks[key], usage_keys)
