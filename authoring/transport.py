"""How a whole new course travels: block by block through the API, or as one OLX archive through Studio's import.

An import keeps our ids, takes one upload whatever the size, and is complete and published when it ends; so it serves a
course that is not there yet and is to be published. Everything later goes block by block.

Sources: Open edX: cms/djangoapps/contentstore/{tasks.py,views/import_export.py}; docs/platform.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from authoring.dialects import Capabilities
from authoring.keys import root_key, usage_key
from authoring.lockfile import PACKAGE, LockEntry, LockPart, digest, locked_asset, text_digest, wanted_state
from authoring.model import COURSE_UPDATE, NO_ROLE, ROOT_KEY, VERTICAL, Asset, Block, Course, FieldValue
from authoring.operations import (
    CreateCourse,
    ImportCourse,
    Notice,
    Operation,
    Plan,
    Publish,
    PutLtiPassport,
    SetRole,
    UploadPackage,
    policy_to_json,
)
from authoring.planner import GRADING_KEY, Live, PlanOptions, live_digest
from authoring.references import link_names

MANY_BLOCKS = 200
"""From this size on an archive is chosen without being told."""


class Transport(StrEnum):
    """How a new course is sent."""

    AUTO = "auto"
    CALLS = "calls"
    OLX = "olx"


@dataclass(frozen=True, slots=True)
class Choice:
    """Whether the course goes as an archive, and why it does or does not."""

    archive: bool
    reason: str


def choose(
    course: Course,
    part: LockPart,
    live: Live,
    can: Capabilities,
    options: PlanOptions,
    wanted: Transport,
    *,
    unanswered: bool = False,
) -> Choice:
    """The way that a plan takes. `unanswered`: an earlier run began an import and never learned how it ended."""
    blocks = sum(1 for _ in course.blocks())
    if wanted is Transport.CALLS:
        return Choice(False, "told to send calls")
    if not can.olx_import:
        return Choice(False, "the target has no import with this login; it needs a Studio session")
    if unanswered and options.publish:
        return Choice(True, "an import was begun and never answered; sent again it replaces itself")
    if part.entries or (live.outline is not None and live.outline.blocks):
        return Choice(False, "the course is there already; an import is for a course that is not")
    strange = sorted({block.category for block in course.blocks()} & can.not_in_archives)
    if strange:
        return Choice(False, f"the target keeps {' and '.join(strange)} blocks in another way than OLX says them")
    if not options.publish:
        return Choice(False, "an import publishes everything, which takes --publish")
    if wanted is Transport.OLX:
        return Choice(True, "told to import")
    if blocks < MANY_BLOCKS:
        return Choice(False, f"{blocks} blocks are soon sent")
    return Choice(True, f"one upload for {blocks} blocks")


def import_plan(course: Course, part: LockPart, live: Live, archive: Asset, reason: str) -> Plan:
    """The plan that makes the course by an import of `archive` (what `write_archive` made of `course`)."""
    operations: list[Operation] = []
    if live.outline is None:
        operations.append(CreateCourse(course.id, course.root.display_name or course.id.number))
    operations.append(
        ImportCourse(course.id, archive, entries_of(course), tuple(locked_asset(asset) for asset in course.assets))
    )
    operations += [PutLtiPassport(one.lti_id, one.key_env, one.secret_env) for one in course.lti_passports]
    for block, unit in _packages(course.root):
        assert block.package is not None
        # An archive has no place for a package, and the upload leaves its unit with a draft.
        operations += [UploadPackage(block.key, block.package, dict(block.fields)), Publish(unit.key, (unit.key,))]
    operations += [SetRole(email, role) for email, role in course.team.items() if role != NO_ROLE]
    said = f"the course is sent as one OLX archive and published by that ({reason}); --transport calls sends it block by block"
    return Plan(
        target=part.target,
        course=course.id,
        operations=tuple(operations),
        lock_digest=part.digest(),
        live_digest=live_digest(live.outline),
        notices=(Notice("olx-import", said),),
        published=tuple(block.key for block in course.root.walk() if block.category == "vertical"),
        titles={block.key: block.display_name or block.url_name for block in course.blocks()},
        parents={block.key: parent.key for block, parent in course.root.walk_with_parent() if parent is not None},
        link_names=link_names(course),
    )


def _packages(block: Block, unit: Block | None = None) -> Iterator[tuple[Block, Block]]:
    """The blocks with a package, each with the outermost unit around it, or itself."""
    if block.category == VERTICAL and unit is None:
        unit = block
    if block.package is not None:
        yield block, unit or block
    for child in block.children:
        yield from _packages(child, unit)


def entries_of(course: Course) -> tuple[LockEntry, ...]:
    """What the lock file holds of a course that was imported whole: an import keeps ids, so all of it is known."""
    entries: list[LockEntry] = []
    for block, parent in course.root.walk_with_parent():
        state = {name: value for name, value in wanted_state(block).items() if name != PACKAGE}
        if block.key == ROOT_KEY:
            state.pop("tabs", None)
            entries.append(LockEntry(ROOT_KEY, root_key(course.id), None, state, state))
        else:
            place = usage_key(course.id, block.category, block.url_name)
            entries.append(LockEntry(block.key, place, parent.key if parent else None, state, state))
    updates = [block for block in course.detached if block.category == COURSE_UPDATE]
    for number, block in enumerate(updates, start=1):
        state = wanted_state(block)
        entries.append(LockEntry(block.key, usage_key(course.id, COURSE_UPDATE, str(number)), None, state, state))
    for block in course.detached:
        if block.category == COURSE_UPDATE:
            continue
        if block.category == "about":
            state = {"data": text_digest(block.content or "")}
            entries.append(LockEntry(block.key, "", None, state, state))
        else:
            state = wanted_state(block)
            entries.append(
                LockEntry(block.key, usage_key(course.id, block.category, block.url_name), None, state, state)
            )
    if course.grading is not None:
        policy: FieldValue = policy_to_json(course.grading)  # type: ignore[assignment]  # JSON
        state = {"policy": digest(policy)}
        entries.append(LockEntry(GRADING_KEY, "", None, state, state))
    return tuple(entries)


def without_secrets(course: Course) -> Course:
    """The course as it goes into an archive: its passports follow by calls of their own."""
    return replace(course, lti_passports=())


__all__ = ["Choice", "Transport", "choose", "entries_of", "import_plan", "without_secrets"]
