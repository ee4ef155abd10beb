"""Looks on the platform for what a create made whose answer never came.

A create is never sent again before this: a child that is ours is taken over (see `adoption`), and where the login cannot
see what is there, nothing is concluded. Reads only.
"""

from __future__ import annotations

from authoring.adoption import LiveContent, match_unclaimed, may_be_unit, unclaimed_components
from authoring.announcements import find_update
from authoring.client import Client
from authoring.lockfile import LockPart
from authoring.model import ROOT_KEY, Block, Course, CourseId
from authoring.operations import CreateBlock
from authoring.registry import spec
from authoring.rendering import Names


def find_created(
    operation: CreateBlock, client: Client, course: CourseId, part: LockPart, names: Names
) -> tuple[str | None, bool | None]:
    """One look for the block that an unanswered create made: its usage key, if it is there.

    Also whether the parent's children could be seen: where not, nothing may be concluded; None where the platform could not
    be read this time. Raises ApiError.
    """
    named = {} if operation.display_name is None else {"display_name": operation.display_name}
    child = Block(operation.key, operation.fields or named, operation.content)
    known = spec(operation.key.category)
    if known is not None and known.detached:
        return _find_page(child, client, course, part)
    return _find_child(child, operation, client, course, part, names)


def find_created_update(update: Block, client: Client, course: CourseId, part: LockPart) -> str | None:
    """The usage key of an announcement that was made though no answer came; None where the list has none of ours.

    Raises ApiError.
    """
    return find_update(update, client.read_updates(course) or (), _claimed(part))


def _find_child(
    child: Block, operation: CreateBlock, client: Client, course: CourseId, part: LockPart, names: Names
) -> tuple[str | None, bool | None]:
    place = names.place(operation.parent)
    outline = client.read_outline(course, units=(place,))
    if outline is None:
        return None, None
    above = (child,) if operation.parent == ROOT_KEY else (Block(operation.parent, children=(child,)),)
    ours = Course(course, Block(ROOT_KEY, children=above))
    near = unclaimed_components(ours, part, outline, {})
    contents: dict[str, LiveContent | None] = dict.fromkeys(near)
    for key, read in client.read_blocks(near.items()).items():
        contents[key] = LiveContent(read.content, read.fields)
    doubts = {operation.key: frozenset(operation.others)}
    found = match_unclaimed(ours, part, outline, contents, doubts).adopted.get(operation.key)
    holder = outline.blocks.get(place)
    if holder is None and client.capabilities.units:
        return found, not may_be_unit(child, _claimed(part), outline)
    # What cannot be read cannot be told from another's: then nothing is concluded either.
    seen = all(contents[key] is not None or key in operation.others for key in near)
    return found, holder is not None and holder.children is not None and seen


def _find_page(page: Block, client: Client, course: CourseId, part: LockPart) -> tuple[str | None, bool]:
    pages = client.read_pages(course)
    if pages is None:
        return None, False
    claimed = _claimed(part)
    same = (found.usage_key for found in pages if found.display_name == page.display_name)
    return next((place for place in same if place not in claimed), None), True


def _claimed(part: LockPart) -> set[str]:
    return {entry.usage_key for entry in part.entries.values()}
