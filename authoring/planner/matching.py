"""What is there already: blocks that were lost on the platform, and live ones that nobody claims. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from authoring.adoption import match_unclaimed
from authoring.lockfile import LockEntry, wanted_state
from authoring.model import CHAPTER, COURSE_UPDATE, SEQUENTIAL, VERTICAL, Block, BlockKey
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


def find_renamed(sheet: Sheet) -> None:
    """Stop at a new section, unit, page or update that is one of the lock file's whose file or folder got another name: the id is
    the name, so it would be made a second time beside the old one, and learners would see both."""
    if sheet.outline is None or sheet.options.beside or sheet.options.delete_removed or sheet.options.hide_removed:
        return
    gone = {
        key: entry
        for key, entry in sheet.entries.items()
        if key not in sheet.blocks and _is_named_by_file(key) and not sheet.is_gone(key, entry)
    }
    if not gone:
        return
    for block in sheet.course.blocks():
        if not _is_named_by_file(block.key) or not sheet.is_new(block):
            continue
        twins = [key for key, entry in gone.items() if _is_twin(sheet, block, key, entry)]
        if len(twins) == 1:
            (old,) = twins
            said = f"{block.key} looks like {old} under another name, and would stand beside it: `id: {old.url_name}` keeps it;"
            said += " --hide-removed or --delete-removed takes the old one away, --beside keeps both"
            sheet.note("renamed", said, block.key, blocking=True)


def _is_named_by_file(key: BlockKey) -> bool:
    return key.category in (CHAPTER, SEQUENTIAL, VERTICAL, "static_tab", COURSE_UPDATE)


def _is_twin(sheet: Sheet, block: Block, key: BlockKey, entry: LockEntry) -> bool:
    """Whether a block of the lock file says what a new one does: its text, or its title in the same place, or what is in it."""
    if block.key.category != key.category:
        return False
    state = wanted_state(block)
    if key.category in ("static_tab", COURSE_UPDATE):
        return state.get("data") == entry.pushed.get("data") and "data" in state
    if any(child.key in sheet.entries and sheet.entries[child.key].parent == key for child in block.children):
        return True
    if key.category == VERTICAL and _holds_same(sheet, block, key):
        return True
    title = state.get("display_name")
    return title == entry.pushed.get("display_name") and sheet.parents.get(block.key) == entry.parent


def _holds_same(sheet: Sheet, block: Block, key: BlockKey) -> bool:
    """Whether at least half of what is in a new unit says what components say that went with the old one.

    Titles are left out: where nobody gave one, it comes from the name of the file.
    """
    gone = [
        _said(entry.pushed)
        for child, entry in sheet.entries.items()
        if entry.parent == key and child not in sheet.blocks
    ]
    same = [child for child in block.children if (said := _said(wanted_state(child))) and said in gone]
    return bool(same) and 2 * len(same) >= len(block.children)


def _said(state: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in state.items() if name != "display_name"}
