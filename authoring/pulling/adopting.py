"""A folder and a live course that know nothing of each other: which block is which. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from authoring.decompile import same_content
from authoring.exporter import LiveCourse
from authoring.lockfile import LockEntry, LockPart, content_field, other_forms, wanted_state
from authoring.merge import GRADING
from authoring.model import COURSE_UPDATE, ROOT_KEY, Block, BlockKey, Course
from authoring.pulling.likeness import spelled_like
from authoring.pulling.relocking import fresh_part
from authoring.registry import spec

DIFFERS = "differs"
"""Stands for the digest of what both sides have and differ in: no value has it, so each counts as changed by both."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A block of the folder and the live block that it is taken for."""

    key: BlockKey
    title: str
    usage_key: str
    same: bool
    """Whether all that could be read of it is what the folder says."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """Which live block is which of the folder; what only one side has; and the lock file's part that says so."""

    pairs: tuple[Pair, ...]
    only_here: tuple[BlockKey, ...]
    only_there: tuple[str, ...]
    part: LockPart


def adopt(ours: Course, live: LiveCourse, target: str) -> Adoption:
    """Match a folder with a live course: by place, category and title, in order, what holds the same first.

    `live` was read without a lock file. Nothing is taken for pushed that differs: the lock file's part holds digests only of what
    is the same on both sides, so what differs is a conflict for a pull, and stops a push.
    """
    matched: dict[BlockKey, Block] = {ROOT_KEY: live.course.root}

    def visit(block: Block, other: Block) -> None:
        free = list(other.children)
        for chooser in (_same_block, _same_title, _same_category):
            for child in block.children:
                if child.key in matched:
                    continue
                found = next((one for one in free if one.category == child.category and chooser(child, one)), None)
                if found is not None:
                    matched[child.key] = found
                    free.remove(found)
        for child in block.children:
            if child.key in matched:
                visit(child, matched[child.key])

    visit(ours.root, live.course.root)
    pages = [page for page in live.course.detached if page.category == "static_tab"]
    for page in ours.detached:
        found = next((one for one in pages if one.display_name == page.display_name), None)
        if page.category == "static_tab" and found is not None:
            matched[page.key] = found
            pages.remove(found)
    updates = [update for update in live.course.detached if update.category == COURSE_UPDATE]
    for says_same in (same_content, _same_day):
        for update in ours.detached:
            if update.category != COURSE_UPDATE or update.key in matched:
                continue
            found = next((one for one in updates if _same_day(update, one) and says_same(update, one)), None)
            if found is not None:
                matched[update.key] = found
                updates.remove(found)
    names = {other.key: key for key, other in matched.items()}

    def renamed(block: Block) -> Block:
        return replace(block, key=names.get(block.key, block.key))

    twin = replace(
        live,
        course=replace(
            live.course,
            root=live.course.root.transform(renamed),
            detached=tuple(renamed(page) for page in live.course.detached),
        ),
        usage_keys={names.get(key, key): usage for key, usage in live.usage_keys.items()},
        known={names.get(key, key): known for key, known in live.known.items()},
        closed=frozenset(names.get(key, key) for key in live.closed),
        drafts=frozenset(names.get(key, key) for key in live.drafts),
    )
    theirs = {block.key: block for block in spelled_like(ours, twin, LockPart(target, str(ours.id))).blocks()}
    part = fresh_part(target, ours, twin)
    mine = {block.key: block for block in ours.blocks()}
    entries: dict[BlockKey, LockEntry] = {}
    pairs: list[Pair] = []
    for key, entry in part.entries.items():
        other_block = theirs.get(key)
        if other_block is None:
            if key == GRADING and live.course.grading != ours.grading:
                entries[key] = LockEntry(key, "", None, {}, {})  # nobody knows yet whose policy shall hold
            elif key.category.startswith("#"):
                entries[key] = entry
            continue
        there = wanted_state(other_block)
        agreed = {name: value for name, value in entry.pushed.items() if there.get(name) == value}
        if content_field(key.category) in agreed:  # what Studio's own editor shows of a text goes with the text
            agreed |= {name: value for name, value in entry.pushed.items() if name in other_forms(key.category)}
        same = agreed == dict(entry.pushed) and not (there.keys() - entry.pushed.keys())
        differing = (entry.pushed.keys() & there.keys()) - agreed.keys()
        agreed |= dict.fromkeys(differing, DIFFERS)
        published = agreed if entry.published is not None and same else None
        spelled = {name: one for name, one in entry.spelled.items() if name not in differing}
        entries[key] = replace(entry, pushed=agreed, published=published, spelled=spelled)
        if entry.usage_key and (key != ROOT_KEY or not same):
            pairs.append(Pair(key, mine[key].display_name or key.url_name, entry.usage_key, same))
    only_here = tuple(
        block.key
        for block in ours.blocks()
        if block.key not in entries and block.category not in ("about", "course_info")
    )
    claimed = {entry.usage_key for entry in entries.values()}
    only_there = tuple(usage for key, usage in twin.usage_keys.items() if usage not in claimed and key != ROOT_KEY)
    return Adoption(tuple(pairs), only_here, only_there, replace(part, entries=entries))


def _same_block(ours: Block, theirs: Block) -> bool:
    return _same_title(ours, theirs) and same_content(ours, theirs)


def _same_day(ours: Block, theirs: Block) -> bool:
    return ours.fields.get("date") == theirs.fields.get("date")


def _same_title(ours: Block, theirs: Block) -> bool:
    return (ours.display_name or "").strip() == (theirs.display_name or "").strip()


def _same_category(ours: Block, theirs: Block) -> bool:
    """A component under another title, when it holds the same; never a container."""
    known = spec(ours.category)
    has_text = known is not None and known.content is not None
    return has_text and bool((ours.content or "").strip()) and same_content(ours, theirs)
