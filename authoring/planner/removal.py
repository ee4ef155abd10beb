"""What the source no longer has, and what only the platform has. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from authoring.lockfile import LockEntry, digest
from authoring.model import COURSE_UPDATE, ROOT_KEY, BlockKey
from authoring.operations import DeleteBlock, ForgetBlock, Impact, Operation, UpdateAbout, UpdateBlock
from authoring.planner.sheet import Sheet

_HIDES = {"static_tab": "course_staff_only", COURSE_UPDATE: "", "about": "", "course_info": ""}
"""What hides a block of a kind from learners; nothing does where it is empty. All others: `visible_to_staff_only`."""


def removals(sheet: Sheet) -> Iterator[Operation]:
    """Blocks that the lock file knows and the source no longer has."""
    gone = {key for key in sheet.entries if key not in sheet.blocks and not key.category.startswith("#")} - {ROOT_KEY}
    for key in sorted(gone):
        entry = sheet.entries[key]
        if sheet.is_gone(key, entry):
            yield ForgetBlock(key)
            continue
        if entry.parent in gone:
            continue
        title = sheet.title(key)
        hides = _HIDES.get(key.category, "visible_to_staff_only")
        if sheet.options.delete_removed and not hides and key.category != COURSE_UPDATE:
            yield from _blank(sheet, key, entry)
        elif sheet.options.delete_removed and sheet.can.delete:
            sheet.touched.update(k for k in (entry.parent,) if k)
            yield DeleteBlock(key, entry.usage_key, title)
        elif sheet.options.hide_removed and hides:
            if entry.pushed.get(hides) != digest(True):
                sheet.touched.add(key)
                yield UpdateBlock(key, {hides: True}, None, Impact.ACCESS, usage_key=entry.usage_key)
        elif not hides or entry.pushed.get(hides) != digest(True):
            work = "" if key.category in _HIDES else " with learners' work"
            ways = ["--hide-removed hides it from learners"] if hides else []
            ways += [f"--delete-removed deletes it{work}"] if sheet.can.delete or not hides else []
            remedy = ", ".join(ways)
            sheet.note(
                "removed",
                f"{key} ({title!r}) is no longer in the source; it stays live ({remedy})",
                key,
            )


def _blank(sheet: Sheet, key: BlockKey, entry: LockEntry) -> Iterator[Operation]:
    """Take away the text of a page that the platform always has."""
    if key.category != "about":
        yield UpdateBlock(key, {}, "", Impact.WORDING, entry.usage_key)
    elif sheet.can.about and key.url_name in sheet.can.about_texts:
        yield UpdateAbout({key.url_name: ""}, {key.url_name: key})
    yield ForgetBlock(key)


def report_foreign(sheet: Sheet) -> None:
    """Say what is on the platform alone, the topmost of each."""
    if sheet.outline is None:
        return
    ours = {entry.usage_key for entry in sheet.entries.values()} | set(sheet.adopted.values()) | {sheet.outline.root}
    foreign = [block for block in sheet.outline.blocks.values() if block.usage_key not in ours]
    tops = [block for block in foreign if block.parent in ours]
    for block in tops:
        sheet.note(
            "only-on-platform",
            f"{block.category} {block.display_name!r} is on the platform and not in the source; it is left alone"
            f" ({block.usage_key})",
        )
