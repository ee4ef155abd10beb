"""Sections, subsections, units and components: made, adopted, moved, filled in, ordered. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from authoring.lockfile import with_arrivals
from authoring.model import OUTLINE_CATEGORIES, Block
from authoring.operations import AdoptBlock, MoveBlock, Operation, ReorderChildren
from authoring.planner.filling import fill, needs_ids
from authoring.planner.sheet import Sheet


def containers(sheet: Sheet) -> Iterator[Operation]:
    """Level by level, so that links find what they lead to; on each level in order, whatever stands there.

    A component right below a section or subsection (old courses have them) is made in its place, and filled in with
    the other components.
    """
    level = [(child, sheet.course.root) for child in sheet.course.root.children]
    while level:
        for block, parent in level:
            if block.category in OUTLINE_CATEGORIES:
                yield from _place(sheet, block, parent)
            elif sheet.is_new(block):
                sheet.may_be_there(block, parent.key)
                sheet.touched.add(block.key)
                sheet.made.add(block.key)
                yield sheet.create(block, parent.key)
        level = [(child, block) for block, _ in level if sheet.in_outline(block) for child in block.children]


def components(sheet: Sheet) -> Iterator[Operation]:
    for block, parent in sheet.course.root.walk_with_parent():
        if block.key in sheet.made:
            yield from fill(sheet, block, created=True)
        elif parent is not None and not (block.category in OUTLINE_CATEGORIES and sheet.in_outline(parent)):
            yield from _place(sheet, block, parent)


def _place(sheet: Sheet, block: Block, parent: Block) -> Iterator[Operation]:
    """Create, adopt, move and update one block."""
    if block.key in sheet.skipped:
        return
    if block.category == "pdf" and "url" in block.fields and not sheet.can.pdf:
        sheet.skipped.add(block.key)
        reason = f"{block.key} is left out: this target sets the address of a PDF only with a Studio session"
        sheet.note("no-pdf", reason, block.key)
        return
    if block.key in sheet.entries:
        yield from _move(sheet, block, parent)
        yield from fill(sheet, block)
        return
    adopted = sheet.adopted.get(block.key)
    if adopted is not None:
        yield AdoptBlock(block.key, parent.key, adopted)
        sheet.touched.add(block.key)
        yield from fill(sheet, block)
        return
    sheet.may_be_there(block, parent.key)
    sheet.touched.add(block.key)
    if _one_call(sheet, block):
        fields = {name: value for name, value in block.fields.items() if value is not None}
        made = sheet.create(block, parent.key)
        yield replace(made, fields=fields, content=block.content, complete=True)
        return
    yield sheet.create(block, parent.key)
    yield from fill(sheet, block, created=True)


def _one_call(sheet: Sheet, block: Block) -> bool:
    return (
        block.category in sheet.can.component_create and block.package is None and not needs_ids(block, sheet.reachable)
    )


def _move(sheet: Sheet, block: Block, parent: Block) -> Iterator[Operation]:
    if sheet.outline is None:
        return
    live = sheet.outline.blocks.get(sheet.entries[block.key].usage_key)
    home = sheet.usage_key(parent.key)
    base = sheet.entries[block.key].parent
    if live is None or live.parent is None:
        if base is not None and base != parent.key and not sheet.can.move:
            _cannot_move(sheet, block, parent)
        return
    if live.parent == home:
        return
    held = sheet.usage_key(base) if base is not None else None
    if held is not None and held != live.parent and not sheet.options.overwrite:
        sheet.elsewhere.add(block.key)
        sheet.stands_otherwise(block.key, f"{block.key} was moved", "moved-there", both=parent.key != base)
        return
    if sheet.can.move and home is not None:
        sheet.touched.add(block.key)
        sheet.touched.update(key for key, entry in sheet.entries.items() if entry.usage_key == live.parent)
        yield MoveBlock(block.key, parent.key)
    elif sheet.can.move:
        sheet.touched.add(block.key)
        yield MoveBlock(block.key, parent.key)
    else:
        _cannot_move(sheet, block, parent)


def _cannot_move(sheet: Sheet, block: Block, parent: Block) -> None:
    sheet.note(
        "cannot-move",
        f"{block.key} stands under another parent on the platform than in the source, and this target has no"
        f" way to move it; move it in Studio to {sheet.title(parent.key)!r}",
        block.key,
    )


def orders(sheet: Sheet) -> Iterator[Operation]:
    """Reorders, where the live order of our blocks is not the source's."""
    if sheet.outline is None:
        return
    for block in sheet.course.root.walk():
        place = sheet.usage_key(block.key)
        live = sheet.outline.blocks.get(place) if place else None
        if block.key in sheet.skipped or len(block.children) < 2:
            continue
        ours = [child.key for child in block.children if child.key not in sheet.skipped | sheet.elsewhere]
        base = sheet.entries[block.key].children if block.key in sheet.entries else None
        if live is None or live.children is None:
            # Nobody tells the order there. Without a route to bring it about, what was last the same still stands.
            here = [key for key in ours if key not in sheet.entries or sheet.entries[key].parent == block.key]
            if base and not sheet.can.reorder and with_arrivals(base, here) != tuple(here):
                _cannot_reorder(sheet, block)
            continue
        names = {sheet.usage_key(key): key for key in ours}
        standing = [names[child] for child in live.children if child in names]
        if with_arrivals(standing, ours) == tuple(ours):
            continue
        common = [key for key in base or () if key in standing and key in ours]
        if [key for key in standing if key in common] != common and not sheet.options.overwrite:
            mine = [key for key in ours if key in common]
            said = f"what is in {block.key} was put into another order"
            sheet.stands_otherwise(block.key, said, "reordered-there", both=mine != common)
            continue
        if sheet.can.reorder:
            sheet.touched.add(block.key)
            yield ReorderChildren(block.key, tuple(ours))
        else:
            _cannot_reorder(sheet, block)


def _cannot_reorder(sheet: Sheet, block: Block) -> None:
    sheet.note(
        "cannot-reorder",
        f"what is below {sheet.title(block.key)!r} stands in another order on the platform than in the"
        " source, and this target has no way to reorder; drag it into place in Studio",
        block.key,
    )
