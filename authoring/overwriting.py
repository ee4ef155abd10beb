"""What a plan would write over or delete on the platform although somebody changed it there since the last push.

A plan, what was last pushed, and the blocks concerned as they are live  ->  notices that stop the push
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias, cast

from authoring.comparison import same_field
from authoring.decompile import same_content
from authoring.exporter import LiveCourse
from authoring.lockfile import (
    PACKAGE,
    LockEntry,
    LockPart,
    content_field,
    digest,
    other_forms,
    text_digest,
    wanted_state,
)
from authoring.model import CHAPTER, ROOT_KEY, SEQUENTIAL, VERTICAL, Block, BlockKey, FieldValue, GradingPolicy
from authoring.operations import DeleteBlock, Notice, Plan, PutGrading, UpdateAbout, UpdateBlock, policy_to_json
from authoring.planner import GRADING_KEY

Knows: TypeAlias = Callable[[BlockKey, str], bool]


def concerned(plan: Plan, part: LockPart) -> frozenset[BlockKey]:
    """What is to be read before this plan is carried out: the blocks that it updates or deletes, and no others; `GRADING_KEY` for the
    grading policy."""
    keys: set[BlockKey] = set()
    for operation in plan.operations:
        match operation:
            case UpdateBlock(key) if key in part.entries and part.entries[key].pushed and part.entries[key].usage_key:
                keys.add(key)
            case UpdateAbout(_, names):
                keys.update(key for key in names.values() if key in part.entries)
            case PutGrading() if GRADING_KEY in part.entries:
                keys.add(GRADING_KEY)
            case DeleteBlock(key):
                keys |= {key, *part.below(key)}
    return frozenset(keys)


def changed_there(
    plan: Plan, part: LockPart, live: LiveCourse | None, grading: GradingPolicy | None, remedy: str
) -> tuple[Notice, ...]:
    """`live` has the blocks that are `concerned`; `remedy` says how what was changed there can be kept."""
    return tuple(_notices(plan, part, live, grading, remedy))


def _notices(
    plan: Plan, part: LockPart, live: LiveCourse | None, grading: GradingPolicy | None, remedy: str
) -> Iterator[Notice]:
    found = live.blocks if live is not None else {}
    for operation in plan.operations:
        match operation:
            case UpdateBlock(key) if live is not None and key in found and key in part.entries:
                forms = other_forms(key.category)
                parts = tuple(_changed_parts(operation, found[key], part.entries[key], live.knows))
                named = dict.fromkeys("its text" if name in forms else name for name in parts)
                if named:
                    yield _changed(key, f"{key}", remedy, f" ({', '.join(named)})")
            case PutGrading(policy) if grading is not None and GRADING_KEY in part.entries:
                held = policy_to_json(grading)
                base = part.entries[GRADING_KEY].pushed.get("policy")
                if digest(cast(FieldValue, held)) != base and held != policy_to_json(policy):
                    yield _changed(GRADING_KEY, f"the grading policy ({GRADING_KEY})", remedy)
            case UpdateAbout(values, keys) if live is not None:
                for name, key in keys.items():
                    if key in part.entries and live.sees(key) and _is_other_text(values[name], key, part, found):
                        yield _changed(key, f"the about page ({key})", remedy)
            case DeleteBlock(key) if live is not None and key in found:
                yield from _lost(key, live, part, remedy)


def _changed(key: BlockKey, what: str, remedy: str, parts: str = "") -> Notice:
    said = f"{what} was changed on the platform since the last push{parts}, and here as well: {remedy}"
    return Notice("changed-there", f"{said}, --overwrite sends yours", key, blocking=True)


def _changed_parts(operation: UpdateBlock, live: Block, entry: LockEntry, knows: Knows) -> Iterator[str]:
    """Parts that an update would write over although the platform has neither what was last pushed nor what is sent now."""
    if _was_never_filled(entry):
        return
    for name, value in operation.fields.items():
        theirs = live.fields.get(name)
        base = entry.pushed.get(name)
        if base is None:
            as_pushed = same_field(live.key, name, None, theirs)
        else:
            as_pushed = theirs is not None and entry.as_pushed(name, digest(theirs)) == base
        if knows(live.key, name) and not as_pushed and not same_field(live.key, name, value, theirs):
            yield name
    if operation.content is not None and knows(live.key, "content"):
        body = content_field(live.category)
        base = entry.pushed.get(body)
        as_pushed = entry.as_pushed(body, text_digest(live.content)) == base if live.content else base is None
        if not as_pushed and not same_content(replace(live, content=operation.content), live):
            yield "its text"


def _was_never_filled(entry: LockEntry) -> bool:
    """Whether a course or component was made and nothing else: it holds what the platform gives every new one. An adopted course
    with differences, of which no more is agreed on either, is not published."""
    made = entry.pushed.keys() <= {"display_name"} and entry.key.category not in (CHAPTER, SEQUENTIAL, VERTICAL)
    return made and (entry.is_published or entry.key != ROOT_KEY)


def _is_other_text(ours: str, key: BlockKey, part: LockPart, found: Mapping[BlockKey, Block]) -> bool:
    theirs = found[key].content if key in found else None
    entry = part.entries[key]
    base = entry.pushed.get("data")
    as_pushed = entry.as_pushed("data", text_digest(theirs or "")) == base or (not theirs and base is None)
    return not as_pushed and not same_content(Block(key, content=ours), Block(key, content=theirs))


def _lost(top: BlockKey, live: LiveCourse, part: LockPart, remedy: str) -> Iterator[Notice]:
    """What would be deleted with a block although nobody who removed it from the source has seen it."""
    goes = {top, *part.below(top)}
    above = {block.key: parent.key for block, parent in live.course.root.walk_with_parent() if parent is not None}
    there = {block.key: block for block in live.blocks[top].walk()}
    there |= {key: block for key, block in live.blocks.items() if key in goes}
    for key, block in there.items():
        entry = part.entries.get(key)
        if entry is None or key not in goes:
            what, how = f"{key} ({block.display_name or 'without a title'})", "came to stand in it"
        elif above.get(key) != entry.parent and key in above:
            what, how = str(key), "was moved there"
        elif not _was_never_filled(entry) and _is_changed(block, entry, live.knows):
            what, how = str(key), "was changed there"
        else:
            continue
        said = f"{top} is to be deleted on the platform, but {what} {how} since the last push: {remedy}"
        yield Notice("changed-there", f"{said}, --overwrite deletes it", key, blocking=True)


def _is_changed(live: Block, entry: LockEntry, knows: Knows) -> bool:
    state, body = wanted_state(live), content_field(live.category)
    return any(
        entry.as_pushed(name, state.get(name)) != entry.pushed.get(name)
        for name in {*state, *entry.pushed} - {PACKAGE}  # nobody can read its file
        if knows(live.key, "content" if name == body else name)
    )
