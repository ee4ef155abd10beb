"""Course + lock file + live outline → Plan. Pure: it is handed values, never a client or a path.

The order of a plan: the course, files, settings, grading, passports; then sections, subsections and units, level by level
(so that links find the ids they point to); then components; then what refers to components; moves before creates under the
same parent, reorders after them; removals; publishing last.

Each stage is a module: `matching` finds what is there, `tree` and `beside` bring it to what the source says (`filling`: one
block), `removal` and `release` end it. They share a `Sheet`.
"""

from __future__ import annotations

from collections.abc import Iterator

from authoring.dialects import Capabilities
from authoring.lockfile import LockPart
from authoring.model import BlockKey, Course
from authoring.operations import Operation, Plan
from authoring.planner.beside import course_level, detached, files, new_course, new_pages, page_orders, team, updates
from authoring.planner.given import GRADING_KEY, Live, PlanOptions, live_digest
from authoring.planner.matching import find_lost, find_renamed, find_unclaimed
from authoring.planner.release import publishes
from authoring.planner.removal import removals, report_foreign
from authoring.planner.sheet import Sheet
from authoring.planner.tree import components, containers, orders
from authoring.references import link_names

__all__ = ["GRADING_KEY", "Live", "PlanOptions", "live_digest", "plan_changes"]


def plan_changes(
    course: Course,
    part: LockPart,
    live: Live,
    *,
    capabilities: Capabilities,
    options: PlanOptions | None = None,
) -> Plan:
    """The operations that bring the target to what `course` says, and what the reader should know.

    `part` is the lock file's part for this target and course. The plan may hold blocking notices; it is not to be
    applied then.
    """
    sheet = Sheet(course, part, live, capabilities, options or PlanOptions())
    operations: list[Operation] = []
    find_lost(sheet)
    if not sheet.options.only_publish:
        operations.extend(_changes(sheet))
    covered, drafts, published = publishes(sheet)
    operations.extend(published)
    spoken = {key for operation in operations for key in _keys_of(operation)} | set(covered) | set(drafts)
    return Plan(
        target=sheet.part.target,
        course=sheet.course.id,
        operations=tuple(operations),
        lock_digest=sheet.part.digest(),
        live_digest=live_digest(sheet.outline),
        notices=tuple(sheet.notices),
        published=covered,
        drafts=drafts,
        titles={key: sheet.title(key) for key in sorted(spoken)},
        parents=sheet.parents,
        link_names=link_names(sheet.course),
    )


def _changes(sheet: Sheet) -> Iterator[Operation]:
    if sheet.outline is None:
        yield from new_course(sheet)
    find_unclaimed(sheet)
    find_renamed(sheet)
    yield from files(sheet)
    yield from course_level(sheet)
    yield from containers(sheet)
    yield from new_pages(sheet)
    yield from components(sheet)
    yield from detached(sheet)
    yield from sheet.deferred
    yield from updates(sheet)
    yield from page_orders(sheet)
    yield from orders(sheet)
    yield from removals(sheet)
    yield from team(sheet)
    report_foreign(sheet)


def _keys_of(operation: Operation) -> Iterator[BlockKey]:
    for name in ("key", "parent"):
        value = getattr(operation, name, None)
        if isinstance(value, BlockKey):
            yield value
