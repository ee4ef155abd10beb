"""What is to be done about the updates of a course: pure planning of its own, since updates are no blocks of the platform's.

Updates of the source, the lock file's entries, the live list  ->  operations and notices

The platform mints an update's id on create and takes a second one that is the same without a word (Open edX:
cms/djangoapps/contentstore/course_info_model.py). So a new one is looked for by its date and content first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from authoring.adoption import normal_content
from authoring.impacts import impact_of_update
from authoring.lockfile import LockEntry, wanted_state
from authoring.model import COURSE_UPDATE, ROOT_KEY, Block, BlockKey, Course, FieldValue
from authoring.operations import AdoptBlock, CreateBlock, Notice, Operation, UpdateBlock
from authoring.remote import RemoteUpdate


def updates_of(course: Course) -> tuple[Block, ...]:
    """The updates of a course, oldest first."""
    return tuple(block for block in course.detached if block.category == COURSE_UPDATE)


def touches_updates(course: Course, entries: Mapping[BlockKey, LockEntry]) -> bool:
    """Whether anything is to be done about updates, so that the live ones must be read."""
    wanted = {block.key: wanted_state(block) for block in updates_of(course)}
    known = {key: dict(entry.pushed) for key, entry in entries.items() if key.category == COURSE_UPDATE}
    return wanted != known


def same_update(block: Block, live: RemoteUpdate) -> bool:
    """Whether a live update says what ours does: the ids in its links apart, which the platform minted."""
    return block.fields.get("date") == live.date and normal_content(block.content) == normal_content(live.content)


def find_update(block: Block, live: Sequence[RemoteUpdate], claimed: set[str]) -> str | None:
    """The usage key of a live update that is this one and that nobody claims, the oldest of several."""
    free = (one for one in reversed(live) if one.usage_key not in claimed)
    return next((one.usage_key for one in free if same_update(block, one)), None)


@dataclass(frozen=True, slots=True)
class UpdatePlan:
    """Made by `plan_updates`; iterate it once."""

    operations: tuple[Operation, ...]
    notices: tuple[Notice, ...]


def plan_updates(
    course: Course,
    entries: Mapping[BlockKey, LockEntry],
    live: Sequence[RemoteUpdate] | None,
    *,
    can_write: bool,
    restore: bool,
) -> UpdatePlan:
    """`live` is newest first, as the platform lists it; None where the login cannot see it."""
    if not touches_updates(course, entries):
        return UpdatePlan((), ())
    if not can_write or live is None:
        said = "updates cannot be sent: this target has no route for them without a session"
        waiting = any(
            dict(entries[block.key].pushed) != wanted_state(block) if block.key in entries else True
            for block in updates_of(course)
        )
        return UpdatePlan((), (Notice("no-updates", said),) if waiting else ())
    notices: list[Notice] = []
    operations = tuple(_changes(course, entries, live, notices, restore=restore))
    return UpdatePlan(operations, tuple(notices))


def _changes(
    course: Course,
    entries: Mapping[BlockKey, LockEntry],
    live: Sequence[RemoteUpdate],
    notices: list[Notice],
    *,
    restore: bool,
) -> Iterator[Operation]:
    there = {one.usage_key for one in live}
    claimed = {entry.usage_key for key, entry in entries.items() if key.category == COURSE_UPDATE}
    for block in updates_of(course):
        entry = entries.get(block.key)
        fields: dict[str, FieldValue] = dict(block.fields)
        if entry is not None and dict(entry.pushed) == wanted_state(block):
            continue
        if entry is not None and entry.usage_key in there:
            impact = impact_of_update(COURSE_UPDATE, fields, block.content)
            yield UpdateBlock(block.key, fields, block.content or "", impact, entry.usage_key)
            continue
        if entry is not None and not restore:
            said = f"{block.key} was deleted on the platform; it is left alone (--restore makes it anew, or remove it"
            notices.append(Notice("deleted-on-platform", f"{said} from the source)", block.key))
            continue
        found = find_update(block, live, claimed)
        if found is not None:
            claimed.add(found)
            yield AdoptBlock(block.key, ROOT_KEY, found, wanted_state(block))
        else:
            others = tuple(sorted(there))
            yield CreateBlock(block.key, ROOT_KEY, None, fields, block.content or "", complete=True, others=others)
